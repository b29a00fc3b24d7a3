"""Tests of L{euca_tw.vnet.links}."""

from __future__ import annotations

import json
from ipaddress import IPv4Interface
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.nodectl.interfaces import NetworkFailed
from euca_tw.vnet.links import OURS, Link, mac_address, making, ours, parse, removing
from euca_tw.vnet.settings import BridgeSettings

SETTINGS = BridgeSettings(bridge="euca0", address="10.231.0.1/24")
METADATA = IPv4Interface("169.254.169.254/32")
MADE = Link(
    kind="bridge",
    alias=OURS,
    is_up=True,
    addresses=frozenset({SETTINGS.interface, METADATA}),
)


def commands(steps: Any) -> list[str]:
    return [" ".join(step) for step in steps]


class MakingTests(SynchronousTestCase):
    """L{making}."""

    def test_anew(self) -> None:
        """A bridge that is not there is made, named ours, addressed and set up."""
        self.assertEqual(
            commands(making(SETTINGS, None)),
            [
                "link add name euca0 address d2:0d:a8:2d:7f:36 type bridge "
                "stp_state 0 forward_delay 0 mcast_snooping 0",
                "link set dev euca0 alias euca_tw",
                "address add 10.231.0.1/24 brd + dev euca0",
                "address add 169.254.169.254/32 scope link dev euca0",
                "link set dev euca0 up",
            ],
        )

    def test_made(self) -> None:
        """Nothing is done to a bridge that is as it shall be."""
        self.assertEqual(commands(making(SETTINGS, MADE)), [])

    def test_half_made(self) -> None:
        """What is missing is added, and no more."""
        half = evolve(MADE, is_up=False, addresses=frozenset({SETTINGS.interface}))
        self.assertEqual(
            commands(making(SETTINGS, half)),
            [
                "address add 169.254.169.254/32 scope link dev euca0",
                "link set dev euca0 up",
            ],
        )

    def test_of_the_site(self) -> None:
        """A bridge of the site's is used, and does not become ours."""
        theirs = evolve(MADE, alias="", addresses=frozenset())
        self.assertNotIn("alias", " ".join(commands(making(SETTINGS, theirs))))

    def test_no_bridge(self) -> None:
        """A device that is no bridge is refused by name."""
        card = evolve(MADE, kind="")
        error = self.assertRaises(NetworkFailed, list, making(SETTINGS, card))
        self.assertIn("euca0", str(error))

    def test_mac_address(self) -> None:
        """A bridge's MAC address is its own, stays, and is of a single card."""
        self.assertEqual(mac_address("euca0"), mac_address("euca0"))
        self.assertNotEqual(mac_address("euca0"), mac_address("euca1"))
        first = int(mac_address("euca0")[:2], 16)
        self.assertEqual((first & 2, first & 1), (2, 0))


class RemovingTests(SynchronousTestCase):
    """L{removing}."""

    def test_ours(self) -> None:
        """Our bridge is deleted."""
        self.assertEqual(commands(removing(SETTINGS, MADE)), ["link delete dev euca0"])

    def test_of_the_site(self) -> None:
        """A bridge of the site's loses our addresses, and those only."""
        others = {IPv4Interface("192.0.2.1/24"), SETTINGS.interface}
        theirs = evolve(MADE, alias="br", addresses=frozenset(others))
        self.assertEqual(
            commands(removing(SETTINGS, theirs)),
            ["address delete 10.231.0.1/24 dev euca0"],
        )

    def test_gone(self) -> None:
        """Nothing is done where no bridge is."""
        self.assertEqual(commands(removing(SETTINGS, None)), [])
        self.assertEqual(commands(removing(SETTINGS, evolve(MADE, kind="tun"))), [])


class ParseTests(SynchronousTestCase):
    """L{parse}."""

    SHOWN = json.dumps(
        [
            {"ifname": "lo", "flags": ["LOOPBACK", "UP"]},
            {},
            {
                "ifname": "euca0",
                "ifalias": "euca_tw",
                "flags": ["BROADCAST", "MULTICAST", "UP"],
                "linkinfo": {"info_kind": "bridge", "info_data": {}},
                "addr_info": [
                    {"family": "inet", "local": "10.231.0.1", "prefixlen": 24},
                    {"family": "inet", "local": "169.254.169.254", "prefixlen": 32},
                    {"family": "inet6", "local": "fe80::1", "prefixlen": 64},
                ],
            },
        ]
    ).encode()

    def test_found(self) -> None:
        """The bridge is read with its addresses of version 4."""
        self.assertEqual(parse(self.SHOWN, "euca0"), MADE)

    def test_bare(self) -> None:
        """A device of which little is said is no bridge and has no address."""
        self.assertEqual(
            parse(self.SHOWN, "lo"),
            Link(kind="", alias="", is_up=True, addresses=frozenset()),
        )

    def test_missing(self) -> None:
        """A device that is not listed is not there."""
        self.assertIsNone(parse(self.SHOWN, "euca1"))
        self.assertIsNone(parse(b"[]", "euca0"))


class OursTests(SynchronousTestCase):
    """L{ours}."""

    def test_ours(self) -> None:
        """Only bridges that we made count, and none of managed networks."""

        def link(name: str, alias: str, kind: str = "bridge") -> dict[str, Any]:
            return {"ifname": name, "ifalias": alias, "linkinfo": {"info_kind": kind}}

        shown = [
            link("euca0", OURS),
            link("br0", ""),
            link("evb000001", OURS),
            link("euca_head", OURS, "veth"),
        ]
        self.assertEqual(ours(json.dumps(shown).encode()), ("euca0",))
