"""Tests of L{euca_tw.vnet.link_diff}."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import TRANSIT_NUMBER, View
from euca_tw.vnet.link_diff import Drop, Make, Mend, Put, Step, Unmake, plan
from euca_tw.vnet.link_plan import wanted
from euca_tw.vnet.link_records import (
    ALL_ZERO,
    Address,
    Bridge,
    Entry,
    Forward,
    Link,
    Neighbour,
    Other,
    Pin,
    Route,
    Segment,
    Tap,
    Vxlan,
    bridge_name,
    tap_name,
    vxlan_name,
)
from tests.fakes.links import MemoryLinks
from tests.vnet.views import carried, knowing, machines, view

SITE = ("x0", "x1", "x2", "y0", "y1", "z0")

views = st.builds(
    lambda here, routed, on, where: knowing(
        view(
            here,
            machines(*SITE, routed=routed),
            *(carried(number, *names) for number, names in on.items()),
        ),
        **where,
    ),
    st.sampled_from(["x0", "x0", "x1"]),
    st.sets(st.sampled_from("xyz")),
    st.fixed_dictionaries(
        {1: st.lists(st.sampled_from(SITE), max_size=4)},
        optional={n: st.lists(st.sampled_from(SITE), max_size=2) for n in (2, 3)},
    ),
    st.dictionaries(
        st.sampled_from(["n1", "n2", "n3", "n4", "n5"]),
        st.sampled_from(["x", "y", "z", "xy", "yz", "xyz"]),
    ),
)

_MACS = st.sampled_from(["d0:0d:00:00:01:02", "d0:0d:00:00:01:03", "02:00:5e:00:00:01"])
_IPS = st.sampled_from([IPv4Address(f"10.0.1.{n}") for n in (1, 2, 3)])
_TO = st.sampled_from([IPv4Address(f"172.20.23.{n}") for n in (1, 2, 3)])
_BOOLS = st.booleans()
_SERVICE = IPv4Interface("169.254.169.254/32")
_BY = IPv4Address("169.254.200.1")


@st.composite
def broken(draw: st.DrawFn, number: int) -> Segment:
    """What somebody may have made of a network of ours, or by its names."""
    bridge, vxlan, tap = (name(number) for name in (bridge_name, vxlan_name, tap_name))
    links: set[Link] = set()
    strangers: set[str] = set()
    kinds = st.sampled_from(
        [*["right"] * 4, *["wrong"] * 3, "other", "other", "stranger", "none"]
    )
    kind = draw(kinds)
    has_bridge = kind in {"right", "wrong"}
    if has_bridge:
        links.add(
            Bridge(
                name=bridge,
                mac_address=draw(_MACS),
                mtu=1450,
                is_up=kind == "right",
                snoops=kind == "wrong",
            )
        )
    elif kind == "other":
        links.add(Other(name=bridge))
    elif kind == "stranger":
        strangers.add(bridge)
    master = st.sampled_from([bridge, ""] if has_bridge else [""])
    kind = draw(kinds)
    if kind in {"right", "wrong"}:
        made = Vxlan(
            name=vxlan,
            bridge=draw(master),
            number=number,
            local=draw(_TO),
            mtu=draw(st.sampled_from([1400, 1450])),
            port=4789 if kind == "right" else 8472,
            learns=draw(_BOOLS),
        )
        links.add(made)
    elif kind == "other":
        links.add(Other(name=vxlan))
    elif kind == "stranger":
        strangers.add(vxlan)
    if draw(_BOOLS):
        links.add(Tap(name=tap, bridge=draw(master), mtu=1450, is_up=draw(_BOOLS)))
    ports = [
        each.name
        for each in links
        if isinstance(each, Vxlan | Tap) and each.bridge == bridge
    ]
    entries: set[Entry] = set()
    if has_bridge:
        interfaces = [IPv4Interface("10.0.1.1/24"), _SERVICE]
        for each in draw(st.sets(st.sampled_from(interfaces))):
            entries.add(Address(bridge, each))
        subnet = IPv4Network("10.0.1.0/24")
        for source in (_SERVICE.ip, IPv4Address("10.0.1.1")):
            has_source = any(
                isinstance(e, Address) and e.interface.ip == source for e in entries
            )
            if has_source and not any(isinstance(e, Route) for e in entries):
                entries.add(Route(bridge, subnet, source))
            if has_source and draw(_BOOLS):
                entries.add(Route(bridge, IPv4Network("10.0.4.0/24"), source, _BY))
        for ip, mac in draw(st.dictionaries(_IPS, _MACS)).items():
            entries.add(Neighbour(bridge, ip, mac))
        if ports:
            pins = st.dictionaries(_MACS, st.sampled_from(sorted(ports)))
            for mac, port in draw(pins).items():
                entries.add(Pin(bridge, mac, port))
    if any(isinstance(each, Vxlan) for each in links):
        for mac, to in draw(st.dictionaries(_MACS, _TO)).items():
            entries.add(Forward(vxlan, mac, to))
        for to in draw(st.sets(_TO)):
            entries.add(Forward(vxlan, ALL_ZERO, to))
    return Segment(
        links=frozenset(links),
        entries=frozenset(entries),
        strangers=frozenset(strangers),
    )


class PropertyTests(SynchronousTestCase):
    """Whatever is wanted, and whatever is found."""

    @settings(max_examples=300, deadline=None)
    @given(views, st.data())
    def test_reached(self, shall: View, data: st.DataObject) -> None:
        """
        The steps lead from anything to what is wanted; then there are none.
        What is a stranger's stays, and is said.
        """
        links = wanted(shall).segments
        kernel = MemoryLinks()
        kernel.add({number: data.draw(broken(number)) for number in (1, 2)})
        if data.draw(_BOOLS):
            kernel.add({TRANSIT_NUMBER: data.draw(broken(TRANSIT_NUMBER))})
        before = kernel.look()
        made = plan(links, before)
        kernel.carry_out(made.steps)
        after = kernel.look()
        refused = 0
        for number in {*links, *after}:
            there = after.get(number, Segment())
            shall_be = links.get(number, Segment())
            self.assertEqual(there.strangers, before.get(number, there).strangers)
            if there.strangers & {link.name for link in shall_be.links}:
                refused += 1
                self.assertEqual(there, before[number])
            else:
                self.assertEqual(evolve(there, strangers=frozenset()), shall_be)
        self.assertEqual(len(made.refused), refused)
        self.assertEqual(plan(links, after).steps, ())

    @given(views, views)
    def test_onward(self, first: View, second: View) -> None:
        """From one view to another, all that is in both is never touched."""
        second = evolve(second, here=first.here)
        before, after = wanted(first).segments, wanted(second).segments
        kernel = MemoryLinks()
        kernel.carry_out(plan(before, {}).steps)
        kernel.told.clear()
        steps = plan(after, before).steps
        stay = {
            each
            for number in before.keys() & after.keys()
            for each in (
                *before[number].links & after[number].links,
                *before[number].entries & after[number].entries,
            )
        }
        for step in steps:
            kernel.carry_out([step])
            there = kernel.look().values()
            have = {e for s in there for e in (*s.links, *s.entries)}
            self.assertLessEqual(stay, have, step)
        self.assertEqual(
            {n: s for n, s in kernel.look().items() if s != Segment()}, dict(after)
        )


class PlanTests(SynchronousTestCase):
    """What the steps are."""

    def setUp(self) -> None:
        self.site = machines(*SITE)

    def segment(self, *on: str, here: str = "x1") -> Segment:
        return wanted(view(here, self.site, carried(1, *on))).segments[1]

    def kinds(self, steps: tuple[Step, ...]) -> list[tuple[type, type]]:
        """Kinds of steps and of what they are about, each once, in order."""
        kinds = []
        for step in steps:
            about = getattr(step, "link", getattr(step, "entry", None))
            kind = (type(step), type(about))
            if kind not in kinds:
                kinds.append(kind)
        return kinds

    def test_from_nothing(self) -> None:
        """A bridge is before its ports, and who can be reached is answered for."""
        made = plan({1: self.segment("x1", "x2")}, {})
        self.assertEqual(
            self.kinds(made.steps),
            [
                (Make, Bridge),
                (Make, Vxlan),
                (Put, Address),
                (Put, Forward),
                (Put, Pin),
                (Put, Neighbour),
                (Put, Route),
            ],
        )

    def test_to_nothing(self) -> None:
        """A network that is not wanted goes, its bridge last."""
        there = self.segment("x1", "y1", here="x0")
        self.assertEqual(
            plan({}, {1: there}).steps,
            tuple(Unmake(name) for name in ("evx000001", "evt000001", "evb000001")),
        )

    def test_member(self) -> None:
        """A member that comes is three entries, and so when it goes."""
        less, more = self.segment("x1", "x2"), self.segment("x1", "x2", "x2")
        self.assertEqual(
            self.kinds(plan({1: more}, {1: less}).steps),
            [(Put, Forward), (Put, Pin), (Put, Neighbour)],
        )
        self.assertEqual(
            self.kinds(plan({1: less}, {1: more}).steps),
            [(Drop, Neighbour), (Drop, Pin), (Drop, Forward)],
        )

    def test_moves(self) -> None:
        """A member that is elsewhere is replaced in its place."""
        before, after = self.segment("x1", "x2"), self.segment("x1", "x0")
        steps = plan({1: after}, {1: before}).steps
        forwards = [
            step
            for step in steps
            if isinstance(getattr(step, "entry", None), Forward)
            and step.entry.mac_address != ALL_ZERO
        ]
        self.assertEqual([type(step) for step in forwards], [Put])

    def test_trunk_ends(self) -> None:
        """A member moves from the trunk before the port to it goes."""
        before = self.segment("x1", "y1", here="x0")
        after = self.segment("x1", "x2", here="x0")
        steps = plan({1: after}, {1: before}).steps
        self.assertIsInstance(steps[0], Put)
        self.assertEqual(steps[-1], Unmake("evt000001"))

    def test_another_way(self) -> None:
        """
        What goes by another head than before is replaced in place, before that one
        is no more to be reached; where a network comes to be here, it is so before
        the way to it elsewhere goes.
        """
        near = carried(1, "x1")
        by_y = knowing(view("x0", self.site, near), n1="x", n2="y")
        by_z = knowing(by_y, n1="x", n2="z")
        before, after = (wanted(each).segments for each in (by_y, by_z))
        steps = [
            (type(step), type(getattr(step, "entry", None)))
            for step in plan(after, before).steps
        ]
        self.assertNotIn((Drop, Route), steps)
        self.assertLess(steps.index((Put, Neighbour)), steps.index((Put, Route)))
        self.assertLess(steps.index((Put, Route)), steps.index((Drop, Neighbour)))
        here = view("x0", self.site, near, carried(2, "x1", "y1"))
        here = knowing(here, n1="x", n2="xy", n3="y")
        before, after = wanted(knowing(by_y, n1="x", n2="y", n3="y")), wanted(here)
        steps = [
            (type(step), type(getattr(step, "entry", None)))
            for step in plan(after.segments, before.segments).steps
        ]
        self.assertLess(steps.index((Put, Address)), steps.index((Drop, Route)))
        steps = [
            (type(step), type(getattr(step, "entry", None)))
            for step in plan(before.segments, after.segments).steps
        ]
        self.assertLess(
            steps.index((Put, Route)),
            min(n for n, s in enumerate(steps) if s[0] is Unmake),
        )

    def test_mended(self) -> None:
        """A link that is not as it shall be is mended; nothing else is touched."""
        there = self.segment("x1", "x2")
        bridge = next(link for link in there.links if isinstance(link, Bridge))
        others = there.links - {bridge}
        broken = evolve(there, links=others | {evolve(bridge, is_up=False)})
        self.assertEqual(plan({1: there}, {1: broken}).steps, (Mend(bridge),))

    def test_remade(self) -> None:
        """
        What the kernel does not let change is made anew, with what was entered
        in its tables.
        """
        there = self.segment("x1", "x2")
        vxlan = next(link for link in there.links if isinstance(link, Vxlan))
        others = there.links - {vxlan}
        broken = evolve(there, links=others | {evolve(vxlan, port=8472)})
        steps = plan({1: there}, {1: broken}).steps
        self.assertEqual(steps[:2], (Unmake(vxlan.name), Make(vxlan)))
        self.assertEqual(
            {step.entry for step in steps if isinstance(step, Put)},
            {each for each in there.entries if isinstance(each, Forward | Pin)},
        )

    def test_port_moved(self) -> None:
        """A port that is on no bridge, or another's, gets its pins again."""
        there = self.segment("x1", "x2")
        vxlan = next(link for link in there.links if isinstance(link, Vxlan))
        broken = evolve(
            there, links=there.links - {vxlan} | {evolve(vxlan, bridge="br0")}
        )
        steps = plan({1: there}, {1: broken}).steps
        self.assertEqual(steps[0], Mend(vxlan))
        self.assertEqual(
            {step.entry for step in steps if isinstance(step, Put)},
            {each for each in there.entries if isinstance(each, Pin)},
        )

    def test_bridge_remade(self) -> None:
        """What is no bridge is made one, and its ports are put on it again."""
        there = self.segment("x1")
        vxlan = next(link for link in there.links if isinstance(link, Vxlan))
        (bridge,) = there.links - {vxlan}
        broken = Segment(links=frozenset({Other(name=bridge.name), vxlan}))
        self.assertEqual(
            plan({1: there}, {1: broken}).steps[:3],
            (Unmake(bridge.name), Make(bridge), Mend(vxlan)),
        )

    def test_another_mac_address(self) -> None:
        """A bridge that gets another MAC address gets its neighbours again."""
        there = self.segment("x1", "x2")
        bridge = next(link for link in there.links if isinstance(link, Bridge))
        before = evolve(bridge, mac_address="02:00:00:00:00:01")
        broken = evolve(there, links=there.links - {bridge} | {before})
        steps = plan({1: there}, {1: broken}).steps
        self.assertEqual(steps[0], Mend(bridge))
        self.assertEqual(
            {step.entry for step in steps if isinstance(step, Put)},
            {each for each in there.entries if isinstance(each, Neighbour)},
        )

    def test_refused(self) -> None:
        """A stranger's link of a name that is needed is told of, by its name."""
        there = Segment(strangers=frozenset({"evb000001"}))
        made = plan({1: self.segment("x1"), 2: Segment()}, {1: there})
        self.assertEqual(made.steps, ())
        self.assertEqual(
            made.refused,
            {
                1: "network 1 cannot be carried: there is a link evb000001 that is "
                "not of euca_tw; remove or rename it"
            },
        )
