"""Tests of L{euca_tw.vnet.filter_ledger} and L{euca_tw.vnet.filter_diff}."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from itertools import product

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import Elastic, Member, TrunkEnd, View
from euca_tw.vnet.classes import ICMP, TCP, UDP, number_of
from euca_tw.vnet.filter_diff import applied, diff, parted
from euca_tw.vnet.filter_ledger import Ledger
from euca_tw.vnet.filter_plan import members_here, wanted
from euca_tw.vnet.filter_records import Change, Filters, Set
from euca_tw.vnet.leases import card_name
from euca_tw.vnet.transit import mac_address
from tests.vnet.groups import SITE, group, lets_out, member_of, rule, view_of
from tests.vnet.test_classes import ADDRESSES, PORTS, patiently, rules
from tests.vnet.views import extent

GROUPS = ("sg-a", "sg-b", "sg-c")


@st.composite
def views(draw: st.DrawFn) -> View:
    numbers = draw(st.sets(st.integers(2, 9), max_size=6))
    members = [
        member_of(
            number,
            draw(st.sampled_from(("a1", "a2"))),
            *draw(st.sets(st.sampled_from(GROUPS))),
            network=draw(st.sampled_from((1, 2))),
        )
        for number in numbers
    ]
    some = st.sets(rules(), max_size=3)
    groups = [
        group(name, *draw(some), egress=draw(st.one_of(st.none(), some)))
        for name in GROUPS
    ]
    known = draw(st.sets(st.sampled_from(groups)))
    view = view_of("a1", members, known, *draw(st.sets(st.sampled_from(("a0", "a2")))))
    elastics = {
        public: Elastic(public_ip=public, private_ip=member.private_ip)
        for member in members
        for public in (IPv4Address(f"192.0.2.{draw(st.integers(1, 3))}"),)
    }
    where = st.dictionaries(
        st.integers(1, 3), st.sets(st.sampled_from("abc"), min_size=1)
    )
    extents = {
        number: extent(number, "".join(clusters))
        for number, clusters in draw(where).items()
    }
    addresses = st.sampled_from(("172.20.0.2", "172.20.0.9", "head.example"))
    ends = {
        cluster: TrunkEnd(cluster=cluster, endpoint=f"{host}:8776", certificate="")
        for cluster, host in draw(
            st.dictionaries(st.sampled_from("abc"), addresses)
        ).items()
    }
    return evolve(view, elastics=elastics, extents=extents, ends=ends)


class Watched(frozenset[IPv4Address]):
    """Knows how often it was compared."""

    looks = 0

    def __sub__(self, other: object) -> frozenset[IPv4Address]:
        self.looks += 1
        return super().__sub__(other)  # type: ignore[operator]

    __rsub__ = __sub__


def is_let_out(
    filters: Filters, member: Member, peer: IPv4Address, protocol: int, port: int
) -> bool:
    """What the chain does with the sets."""

    def values(which: Set) -> dict[str, str]:
        return dict(each.split(" : ") for each in filters.get(which, ()))

    def is_in(which: Set, *asked: str | int) -> bool:
        return any(
            all(map(_holds, element.split(" . "), asked))
            for element in filters.get(which, ())
        )

    number = values(Set.CLASSES)[f'"{card_name(member.instance_id)}"']
    if not is_in(Set.RESTRICTED, number):
        return True
    to_class = values(Set.ORIGINS).get(str(peer), "")
    has_ports = protocol in (TCP, UDP, ICMP)
    return (
        is_in(Set.PROTOCOLS_TO, number, str(peer), protocol)
        or is_in(Set.PROTOCOLS_TO_CLASSES, number, to_class, protocol)
        or (has_ports and is_in(Set.PORTS_TO, number, str(peer), protocol, port))
        or (has_ports and is_in(Set.PORTS_TO_CLASSES, number, to_class, protocol, port))
    )


def _holds(part: str, asked: str | int) -> bool:
    if isinstance(asked, int):
        low, _, high = part.partition("-")
        return int(low) <= asked <= int(high or low)
    if "." in asked:
        return IPv4Address(asked) in IPv4Network(part)
    return part == asked


class LedgerTests(SynchronousTestCase):
    """Going from view to view."""

    @patiently
    @given(st.lists(views(), max_size=4), st.sampled_from((31, 3)))
    def test_equals_plan(self, several: list[View], bits: int) -> None:
        """
        Step by step the same comes of it as from the last view alone, even where
        numbers of classes collide; and nothing is added or removed in vain.
        """
        ledger = Ledger(bits=bits)
        there: Filters = {}
        for view in several:
            change = ledger.advance(view)
            for which, removed in change.removed.items():
                self.assertLessEqual(removed, there.get(which, frozenset()))
            for which, added in change.added.items():
                self.assertFalse(added & there.get(which, frozenset()))
            there = applied(change, there)
            self.assertEqual(there, wanted(view, bits))
        if several:
            self.assertFalse(ledger.advance(several[-1]))

    def test_untouched(self) -> None:
        """What is the same object is not looked into."""
        members = [member_of(2, "a1", "sg-web"), member_of(3, "a1", "sg-app")]
        view = view_of("a1", members, SITE)
        watched = Watched(view.sources["sg-app"])
        view = evolve(view, sources={**view.sources, "sg-app": watched})
        ledger = Ledger()
        ledger.advance(view)
        count = watched.looks
        self.assertGreater(count, 0)
        ledger.advance(evolve(view, sources={**view.sources}, networks={}))
        self.assertEqual(watched.looks, count)

    def test_join(self) -> None:
        """Who joins a class that there is costs an element of each of four sets."""
        members = [member_of(2, "a1", "sg-app"), member_of(3, "a1", "sg-web")]
        ledger = Ledger()
        ledger.advance(view_of("a1", members, SITE))
        change = ledger.advance(
            view_of("a1", [*members, member_of(4, "a1", "sg-app")], SITE)
        )
        self.assertEqual(
            {which: len(those) for which, those in change.added.items()},
            {Set.SENDERS: 2, Set.CLASSES: 1, Set.ORIGINS: 1},
        )
        self.assertEqual(change.removed, {})

    def test_rule(self) -> None:
        """A rule that comes is an element, and none of another group's."""
        members = [member_of(2, "a1", "sg-1"), member_of(3, "a1", "sg-2")]
        before = [group("sg-1", rule(6, 80, 80)), group("sg-2", rule(6, 80, 80))]
        ledger = Ledger()
        ledger.advance(view_of("a1", members, before))
        after = [group("sg-1", rule(6, 80, 80), rule(17, 53, 53)), before[1]]
        change = ledger.advance(view_of("a1", members, after))
        (added,) = change.added[Set.PORTS_FROM]
        self.assertRegex(added, r"^\d+ \. 0\.0\.0\.0/0 \. 17 \. 53$")
        self.assertEqual((change.removed, [*change.added]), ({}, [Set.PORTS_FROM]))

    def test_restricted(self) -> None:
        """
        Who is let out everywhere costs nothing; who is not, an element for the class
        and one for each rule, however many instances there are.
        """
        members = [member_of(number, "a1", "sg-1") for number in range(2, 9)]
        ledger = Ledger()
        change = ledger.advance(view_of("a1", members, [group("sg-1")]))
        self.assertEqual(
            {*change.added} & {Set.RESTRICTED, Set.PORTS_TO, Set.PROTOCOLS_TO}, set()
        )
        web = group("sg-1", egress=[rule(6, 80, 80), rule(6, 443, 443)])
        change = ledger.advance(view_of("a1", members, [web]))
        number = number_of(frozenset({"sg-1"}))
        self.assertEqual(
            change.added,
            {
                Set.RESTRICTED: {f"{number}"},
                Set.PORTS_TO: {
                    f"{number} . 0.0.0.0/0 . 6 . {port}" for port in (80, 443)
                },
            },
        )
        self.assertEqual(change.removed, {})

    def test_another_machine(self) -> None:
        """The views are of one machine."""
        ledger = Ledger()
        ledger.advance(View(here="a1"))
        self.assertRaises(ValueError, ledger.advance, View(here="a2"))


class EgressTests(SynchronousTestCase):
    """What is let out."""

    @patiently
    @given(views())
    def test_judged(self, view: View) -> None:
        """
        By the sets exactly that leaves an instance which the rules of its groups let
        out, all of them together.
        """
        filters = wanted(view)
        peers = [*ADDRESSES, *(m.private_ip for m in members_here(view))]
        for member in members_here(view):
            for peer in peers:
                for protocol, port in product((TCP, UDP, ICMP, 47), PORTS):
                    asked = (member, peer, protocol, port)
                    self.assertEqual(
                        is_let_out(filters, *asked),
                        lets_out(view.groups, view.sources, *asked),
                        asked,
                    )

    def test_unknown_group(self) -> None:
        """A group of which nothing is known yet lets out nothing."""
        view = view_of("a1", [member_of(2, "a1", "sg-1")], [])
        self.assertEqual(len(wanted(view)[Set.RESTRICTED]), 1)

    def test_one_lets_out(self) -> None:
        """One group that lets out everything is enough."""
        groups = [group("sg-1", egress=()), group("sg-2")]
        view = view_of("a1", [member_of(2, "a1", "sg-1", "sg-2")], groups)
        self.assertNotIn(Set.RESTRICTED, wanted(view))


class DiffTests(SynchronousTestCase):
    """Wanted against found."""

    @patiently
    @given(views(), views())
    def test_becomes_wanted(self, one: View, other: View) -> None:
        """What is found becomes what is wanted, and then nothing is left to do."""
        found, goal = wanted(one), wanted(other)
        after = applied(diff(goal, found), found)
        self.assertEqual(after, goal)
        self.assertFalse(diff(goal, after))

    def test_parted(self) -> None:
        """
        Of whom known connections end: who is gone, who has another's address, and
        who had a public address; not who changed groups.
        """
        members = [member_of(n, "a1", "sg-web") for n in (2, 3, 4)]
        public = IPv4Address("192.0.2.1")
        elastic = Elastic(public_ip=public, private_ip=members[0].private_ip)
        before = evolve(view_of("a1", members, SITE), elastics={public: elastic})
        after = evolve(
            view_of(
                "a1",
                [
                    members[0],
                    evolve(members[1], groups=frozenset({"sg-db"})),
                    evolve(members[2], instance_id="i-99"),
                ],
                SITE,
            ),
            elastics={
                public: Elastic(public_ip=public, private_ip=members[1].private_ip)
            },
        )
        change = diff(wanted(after), wanted(before))
        self.assertEqual(parted(change), {members[2].private_ip, public})
        self.assertEqual(parted(Change()), frozenset())


class PlanTests(SynchronousTestCase):
    """Single elements."""

    def test_card(self) -> None:
        """A card sends as itself, and without an address to ask for one."""
        view = view_of("a1", [member_of(2, "a1")], SITE)
        self.assertEqual(
            wanted(view)[Set.SENDERS],
            {
                '"vn_i-00010002" . d0:0d:00:00:01:02 . 10.0.1.2',
                '"vn_i-00010002" . d0:0d:00:00:01:02 . 0.0.0.0',
            },
        )

    def test_elsewhere(self) -> None:
        """Of an instance on another machine only its address as a source is known."""
        members = [member_of(2, "a1", "sg-app"), member_of(3, "a2", "sg-app")]
        filters = wanted(view_of("a1", members, SITE))
        self.assertEqual(len(filters[Set.CLASSES]), 1)
        self.assertEqual(len(filters[Set.ORIGINS]), 2)

    def test_two_public_addresses(self) -> None:
        """Between two steps of a change an instance leaves as one of its two."""
        private = IPv4Address("10.0.1.2")
        elastics = {
            public: Elastic(public_ip=public, private_ip=private)
            for public in map(IPv4Address, ("192.0.2.9", "192.0.2.10"))
        }
        filters = wanted(View(here="a0", elastics=elastics))
        self.assertEqual(len(filters[Set.INWARD]), 2)
        self.assertEqual(filters[Set.OUTWARD], {"10.0.1.2 : 192.0.2.9"})

    def test_networks_elsewhere(self) -> None:
        """
        Of a network that is not carried its addresses are known all the same, and of
        each which heads may hand on what is from it.
        """
        view = view_of("a0", [member_of(2, "a1")], ())
        here = wanted(view)
        extents = {number: extent(number, "ab") for number in (1, 7)}
        filters = wanted(evolve(view, extents=extents))
        self.assertEqual(filters[Set.SUBNETS], {"10.0.1.0/24", "10.0.7.0/24"})
        self.assertEqual(
            filters[Set.SENDING_HEADS],
            {
                f"{mac_address(cluster)} . 10.0.{number}.0/24"
                for cluster in "ab"
                for number in (1, 7)
            },
        )
        self.assertEqual(filters[Set.ROUTERS], here[Set.ROUTERS])

    def test_subnet(self) -> None:
        """A network's router and subnet are known, and the machines."""
        filters = wanted(view_of("a1", [member_of(2, "a1")], ()))
        self.assertEqual(filters[Set.SUBNETS], {str(IPv4Network("10.0.1.0/24"))})
        self.assertEqual(filters[Set.ROUTERS], {"10.0.1.1"})
        self.assertEqual(filters[Set.MACHINES], {"172.20.0.2"})

    def test_ends(self) -> None:
        """
        Nor do instances reach other heads where these are connected to, and one that
        moves is reached again where it was, if no other is there.
        """
        view = view_of("a1", [member_of(2, "a1")], ())

        def with_ends(**endpoints: str) -> View:
            ends = {
                name: TrunkEnd(cluster=name, endpoint=endpoint, certificate="")
                for name, endpoint in endpoints.items()
            }
            return evolve(view, ends=ends)

        some = with_ends(b="192.0.2.2:8776", c="head.example:8776", d="", e="[::1]:1")
        machines = {"172.20.0.2", "192.0.2.2"}
        self.assertEqual(wanted(some)[Set.MACHINES], machines)
        ledger = Ledger()
        ledger.advance(view)
        change = ledger.advance(some)
        self.assertEqual(change.added[Set.MACHINES], {"192.0.2.2"})
        change = ledger.advance(with_ends(b="172.20.0.2:8776"))
        self.assertEqual(change.removed[Set.MACHINES], {"192.0.2.2"})
        self.assertNotIn(Set.MACHINES, change.added)
