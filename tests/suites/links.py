"""What every L{ILinks} does, and what the kernel does by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address

from attrs import evolve
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from euca_tw.model.networks import TRANSIT_NUMBER
from euca_tw.vnet.interfaces import ILinks
from euca_tw.vnet.link_diff import Drop, Make, Mend, Put, Unmake, plan
from euca_tw.vnet.link_plan import wanted
from euca_tw.vnet.link_records import (
    NOTHING,
    Address,
    Bridge,
    Forward,
    Neighbour,
    Pin,
    Route,
    Segment,
    Tap,
    Vxlan,
)
from tests.suites.network_host import views
from tests.vnet.views import carried, knowing, machines, view


def make_ilinks_tests(
    factory: Callable[[TestCase], ILinks],
) -> type[TestCase]:
    """
    @param factory: makes the links of a machine that has none of ours, and adds
        to the test whatever cleans up after it.
    """

    class LinksTests(TestCase):
        def setUp(self) -> None:
            self.links = factory(self)
            site = machines("x0", "x1", "x2", "y0", "y1")
            shall = wanted(view("x0", site, carried(1, "x1", "x2", "y1")))
            self.segment = shall.segments[1]

        def found(self) -> Segment:
            return self.links.look().get(1, NOTHING)

        def reach(self, shall: Mapping[int, Segment]) -> None:
            self.links.carry_out(plan(shall, self.links.look()).steps)

        def make(self) -> None:
            self.reach({1: self.segment})
            self.assertEqual(self.found(), self.segment)

        def link(self, kind: type) -> object:
            return next(each for each in self.segment.links if type(each) is kind)

        def test_interface(self) -> None:
            """It provides L{ILinks}."""
            verifyObject(ILinks, self.links)

        def test_nothing(self) -> None:
            """There is nothing on a machine that carries nothing."""
            self.assertEqual(self.links.look(), {})
            self.links.carry_out(())

        def test_found(self) -> None:
            """What is made is found, as it was said, and nothing else."""
            for said, each in views():
                shall = wanted(each).segments
                self.reach(shall)
                self.assertEqual(self.links.look(), dict(shall), said)

        def test_wrong(self) -> None:
            """Each setting of a link that is wrong is found, and mended."""
            self.make()
            bridge, vxlan, tap = map(self.link, (Bridge, Vxlan, Tap))
            for wrong in (
                evolve(bridge, mtu=1400),
                evolve(bridge, mac_address="02:00:00:00:00:07"),
                evolve(bridge, snoops=True),
                evolve(bridge, shows_to_ip=True),
                evolve(bridge, has_stp=True),
                evolve(vxlan, mtu=1400),
                evolve(vxlan, local=IPv4Address("172.20.7.7")),
                evolve(vxlan, learns=True),
                evolve(vxlan, suppresses=False),
                evolve(tap, learns=True, suppresses=False),
            ):
                self.links.carry_out([Mend(wrong)])
                self.assertIn(wrong, self.found().links)
                self.make()

        def test_remade(self) -> None:
            """With a link goes what is in its tables, and what is pinned to it."""
            self.make()
            vxlan = self.link(Vxlan)
            other = evolve(vxlan, port=8472)
            self.links.carry_out([Unmake("evx000001")])
            for entry in self.found().entries:
                self.assertNotIsInstance(entry, Forward)
                self.assertNotEqual(getattr(entry, "port", ""), "evx000001")
            self.links.carry_out([Make(other)])
            self.assertIn(other, self.found().links)
            self.make()

        def test_bridge_goes(self) -> None:
            """A bridge goes without its ports."""
            self.make()
            self.links.carry_out([Unmake("evb000001")])
            found = self.found()
            self.assertEqual(
                {(type(each), each.bridge) for each in found.links},
                {(Vxlan, ""), (Tap, "")},
            )
            self.assertEqual({type(each) for each in found.entries}, {Forward})
            self.make()

        def test_mac_address(self) -> None:
            """With a bridge's MAC address, its neighbours are forgotten."""
            self.make()
            bridge = self.link(Bridge)
            self.links.carry_out(
                [Mend(evolve(bridge, mac_address="02:00:00:00:00:07"))]
            )
            kinds = {type(each) for each in self.found().entries}
            self.assertEqual(kinds, {Address, Forward, Pin})
            self.make()

        def test_replaced(self) -> None:
            """What is put takes the place of what has its key."""
            self.make()
            for entry in sorted(self.segment.entries, key=repr):
                match entry:
                    case Forward(_, mac) if mac != "00:00:00:00:00:00":
                        other = evolve(entry, to=IPv4Address("172.20.7.7"))
                    case Pin(_, _, "evx000001"):
                        other = evolve(entry, port="evt000001")
                    case Neighbour():
                        other = evolve(entry, mac_address="d0:0d:00:00:09:09")
                    case _:
                        continue
                self.links.carry_out([Put(other)])
                there = self.found().entries
                self.assertEqual(there, self.segment.entries - {entry} | {other})
                self.links.carry_out([Put(entry)])
            self.assertEqual(self.found(), self.segment)

        def test_twice(self) -> None:
            """What is put twice is there once; dropped twice, it is gone."""
            self.make()
            for entry in self.segment.entries:
                if not isinstance(entry, Route):
                    self.links.carry_out([Put(entry), Put(entry)])
            self.assertEqual(self.found(), self.segment)
            drops = [Drop(entry) for entry in self.segment.entries]
            self.links.carry_out([*drops, *drops])
            self.assertEqual(self.found().entries, frozenset())

        def test_route(self) -> None:
            """A route goes with the address that is its source."""
            site = machines("x0", "x1")
            self.segment = wanted(view("x1", site, carried(1, "x1"))).segments[1]
            self.make()
            (address,) = (e for e in self.segment.entries if isinstance(e, Address))
            self.links.carry_out([Drop(address)])
            self.assertFalse([e for e in self.found().entries if isinstance(e, Route)])
            self.make()

        def test_route_by_another(self) -> None:
            """
            A route by another machine takes the place of one to the same network,
            and is there beside the network itself.
            """
            site = machines("x0", "x1", "y0", "z0")
            made = knowing(view("x0", site, carried(1, "x1")), n1="x", n2="y")
            first = wanted(made).segments
            second = wanted(knowing(made, n1="x", n2="z")).segments
            for shall in (first, second, first):
                self.reach(shall)
                self.assertEqual(self.links.look(), dict(shall))
            [route] = (
                each
                for each in first[TRANSIT_NUMBER].entries
                if isinstance(each, Route)
            )
            both = wanted(view("x0", site, carried(1, "x1"), carried(2, "x1")))
            here = {**first, 2: both.segments[2]}
            self.reach(here)
            self.links.carry_out([Put(route)])
            self.assertEqual(self.links.look(), here)
            self.links.carry_out([Drop(route), Drop(route)])
            self.assertNotIn(route, self.links.look()[TRANSIT_NUMBER].entries)
            self.assertEqual(self.links.look()[2], here[2])

        def test_to_nothing(self) -> None:
            """All of it can go."""
            self.make()
            self.reach({})
            self.assertEqual(self.links.look(), {})

    return LinksTests
