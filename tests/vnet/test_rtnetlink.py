"""
Tests of what rtnetlink is told, and of what is read in its answers; pyroute2 is the
oracle of what is packed by hand.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from attrs import evolve
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.link_records import (
    ALL_ZERO,
    BY_ANOTHER_METRIC,
    Address,
    Bridge,
    Entry,
    Forward,
    Neighbour,
    Other,
    Pin,
    Route,
    Vxlan,
)
from euca_tw.vnet.rtnetlink import HEADER
from euca_tw.vnet.rtnetlink_answers import (
    address_of,
    is_ending,
    link_of,
    master_of,
    name_of,
    neighbour_of,
    route_of,
)
from euca_tw.vnet.rtnetlink_told import (
    entry_dropped,
    entry_put,
    link_ending,
    link_made,
    link_set,
    link_up,
    links_named_by,
)

MAC = "d0:0d:00:00:01:02"
INDEX_OF = {"evb000001": 5, "evx000001": 6}
NAMES = {index: name for name, index in INDEX_OF.items()}
MACHINE = IPv4Address("172.20.0.3")
INSTANCE = IPv4Address("10.0.1.2")
SERVICE = IPv4Address("169.254.169.254")

FORWARD = Forward("evx000001", MAC, MACHINE)
PIN = Pin("evb000001", MAC, "evx000001")
NEIGHBOUR = Neighbour("evb000001", INSTANCE, MAC)


def flags_of(told: bytes) -> int:
    _, _, flags, _, _ = HEADER.unpack_from(told)
    return int(flags)


class NeighbourTests(SynchronousTestCase):
    """Entries of forwarding and neighbour tables."""

    def read(self, told: bytes) -> tuple[object, ...]:
        """As pyroute2 reads it: family, link, state, table, MAC address, address."""
        said = ndmsg(told)
        said.decode()
        self.assertEqual(said["header"]["length"], len(told))
        return (
            *(said[name] for name in ("family", "ifindex", "state", "flags")),
            said.get_attr("NDA_LLADDR"),
            said.get_attr("NDA_DST"),
        )

    def test_told(self) -> None:
        """Each is told of its own table, for good."""
        for entry, read in (
            (FORWARD, (7, 6, 0x80, 0x02, MAC, str(MACHINE))),
            (PIN, (7, 6, 0x40, 0x04, MAC, None)),
            (NEIGHBOUR, (2, 5, 0x80, 0, MAC, str(INSTANCE))),
        ):
            self.assertEqual(self.read(entry_put(entry, INDEX_OF)), read)
            self.assertEqual(self.read(entry_dropped(entry, INDEX_OF)), read)

    def test_how(self) -> None:
        """What is for one has one way, what is for all one more."""
        replacing, appending = 0x500, 0xC00
        self.assertEqual(flags_of(entry_put(FORWARD, INDEX_OF)) & 0xF00, replacing)
        flood = Forward("evx000001", ALL_ZERO, MACHINE)
        self.assertEqual(flags_of(entry_put(flood, INDEX_OF)) & 0xF00, appending)

    def test_read_back(self) -> None:
        """What was told is read as it was said."""
        for entry in (FORWARD, NEIGHBOUR):
            self.assertEqual(neighbour_of(entry_put(entry, INDEX_OF), NAMES), entry)

    def test_pin(self) -> None:
        """The kernel says beside the port which bridge it is on."""
        told = self.said(state=0x40, bridge=5)
        self.assertEqual(neighbour_of(told, NAMES), PIN)

    def said(
        self,
        state: int,
        flags: int = 0,
        bridge: int | None = None,
        index: int = 6,
        family: int = 7,
        mac_address: str | None = MAC,
    ) -> bytes:
        made = ndmsg()
        made["family"], made["ifindex"] = family, index
        made["state"], made["flags"] = state, flags
        made["attrs"] = [
            *([("NDA_LLADDR", mac_address)] if mac_address else []),
            *([("NDA_MASTER", bridge)] if bridge else []),
        ]
        made.encode()
        return bytes(made.data)

    def test_not_entered(self) -> None:
        """What the kernel found out, or is itself, or is another's, is no entry."""
        for what, told in (
            ("learned", self.said(state=0x02, bridge=5)),
            ("the port's own", self.said(state=0x80, bridge=5)),
            ("on another bridge", self.said(state=0x40, bridge=9)),
            ("of another link", self.said(state=0x40, bridge=5, index=9)),
            ("a card's filter", self.said(state=0x80, flags=0x02)),
            ("learned by ARP", self.said(state=0x02, index=5, family=2)),
            ("asked, not answered", self.said(state=0x80, index=5, mac_address=None)),
        ):
            self.assertIsNone(neighbour_of(told, NAMES), what)


class OthersTests(SynchronousTestCase):
    """Addresses and routes."""

    ADDRESS = Address("evb000001", IPv4Interface("10.0.1.1/24"))
    ROUTE = Route("evb000001", IPv4Network("10.0.1.0/24"), SERVICE)
    BY_ANOTHER = evolve(ROUTE, by=IPv4Address("169.254.200.1"))

    def test_read_back(self) -> None:
        """What was told is read as it was said, and of no other's link."""
        single = Address("evb000001", IPv4Interface("169.254.169.254/32"))
        for entry in (self.ADDRESS, single):
            told = entry_put(entry, INDEX_OF)
            self.assertEqual(address_of(told, NAMES), entry)
            self.assertIsNone(address_of(told, {}))
        told = entry_put(self.ROUTE, INDEX_OF)
        self.assertEqual(route_of(told, NAMES), self.ROUTE)
        self.assertIsNone(route_of(told, {}))
        told = entry_put(self.BY_ANOTHER, INDEX_OF)
        self.assertEqual(route_of(told, NAMES), self.BY_ANOTHER)

    def test_route_of_another(self) -> None:
        """
        A route is made only where there is none; one by another machine, which has a
        metric of ours, takes the place of what is there.
        """
        self.assertEqual(flags_of(entry_put(self.ROUTE, INDEX_OF)) & 0xF00, 0x600)
        told = entry_put(self.BY_ANOTHER, INDEX_OF)
        self.assertEqual(flags_of(told) & 0xF00, 0x500)
        said = rtmsg(told)
        said.decode()
        self.assertEqual(said.get_attr("RTA_PRIORITY"), BY_ANOTHER_METRIC)
        self.assertEqual((said["flags"], said["scope"]), (4, 0))

    def test_named(self) -> None:
        """The links whose indices are needed are those it names."""
        entries: tuple[tuple[Entry, str], ...] = (
            (FORWARD, "evx000001"),
            (PIN, "evx000001"),
            (NEIGHBOUR, "evb000001"),
            (self.ROUTE, "evb000001"),
        )
        for entry, name in entries:
            self.assertEqual(links_named_by(entry), (name,))


class LinkTests(SynchronousTestCase):
    """Links."""

    BRIDGE = Bridge(name="evb000001", mac_address=MAC, mtu=1450)
    VXLAN = Vxlan(
        name="evx000001", bridge="evb000001", number=1, local=MACHINE, mtu=1450
    )

    def read(self, told: bytes) -> object:
        return link_of(told, NAMES, has_ipv6=False, sends_redirects=False)

    def test_half_made(self) -> None:
        """One that is made and not yet named is ours, and to be made anew."""
        for link in (self.BRIDGE, self.VXLAN):
            told = link_made(link)
            self.assertEqual(name_of(told), (0, link.name))
            self.assertEqual(self.read(told), Other(name=link.name))

    def test_stranger(self) -> None:
        """One with another alias, or none, is none of ours."""
        for alias in ("somebody", None):
            made = ifinfmsg()
            made["attrs"] = [("IFLA_IFNAME", "evb000001")]
            if alias:
                made["attrs"].append(("IFLA_IFALIAS", alias))
            made.encode()
            self.assertIsNone(self.read(bytes(made.data)))

    def test_of_another_kind(self) -> None:
        """One of ours that is not what its name says is to be made anew."""
        made = ifinfmsg()
        made["attrs"] = [("IFLA_IFNAME", "evt000001"), ("IFLA_IFALIAS", "euca_tw")]
        made.encode()
        self.assertEqual(self.read(bytes(made.data)), Other(name="evt000001"))

    def test_apart(self) -> None:
        """Of a VXLAN device the kernel takes no MTU beside its own settings."""
        for told in link_set(self.VXLAN, 6, 5, is_new=False):
            said = ifinfmsg(told)
            said.decode()
            is_settings = said.get_nested("IFLA_LINKINFO", "IFLA_INFO_DATA")
            self.assertFalse(is_settings and said.get_attr("IFLA_MTU"))

    def test_marks(self) -> None:
        """It is read in a list which links end together, and whose ports they are."""
        self.assertTrue(is_ending(link_ending(6)))
        self.assertFalse(is_ending(link_up(6)))
        told = [*link_set(self.VXLAN, 6, 5, is_new=True)]
        self.assertEqual([master_of(each) for each in told], [None, 5, None])
        self.assertFalse(any(is_ending(each) for each in told))
