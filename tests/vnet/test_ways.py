"""Tests of L{euca_tw.vnet.ways}."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import Carried, Member, TrunkEnd, View
from euca_tw.vnet.ways import way
from tests.vnet.views import carried, knowing, machines, member, view

SITE = machines("x0", "x1", "x2", "y0", "y1")


def end(cluster: str, endpoint: str = "192.0.2.1:8776") -> TrunkEnd:
    return TrunkEnd(cluster=cluster, endpoint=endpoint, certificate="")


def seen(*networks: Carried, ends: Iterable[TrunkEnd] = (end("x"), end("y"))) -> View:
    made = view("x1", SITE, *networks)
    return evolve(made, ends={each.cluster: each for each in ends})


class WayTests(SynchronousTestCase):
    """L{way}."""

    def told(self, made: View, target: Member, sender: Member | None) -> list[str]:
        found = way(made, target, sender)
        self.assertTrue(found.is_open, found.lines)
        return [*found.lines]

    def closed(self, made: View, target: Member, sender: Member | None) -> str:
        found = way(made, target, sender)
        self.assertFalse(found.is_open)
        return found.lines[-1]

    def test_one_machine(self) -> None:
        """On one machine a packet crosses a bridge."""
        made = seen(carried(1, "x1", "x1"))
        self.assertEqual(
            self.told(made, member(1, 3, "x1"), member(1, 2, "x1")),
            ["It crosses the bridge of x1."],
        )

    def test_one_cluster(self) -> None:
        """In a cluster it goes from machine to machine."""
        made = seen(carried(1, "x1", "x2"))
        self.assertEqual(
            self.told(made, member(1, 3, "x2"), member(1, 2, "x1")),
            ["By VXLAN from x1 to x2, 172.20.23.3."],
        )

    def test_trunk(self) -> None:
        """Between clusters that are not routed it goes by the heads."""
        made = seen(carried(1, "x1", "y1"))
        self.assertEqual(
            self.told(made, member(1, 3, "y1"), member(1, 2, "x1")),
            [
                "By VXLAN from x1 to its head, x0, 172.20.23.1.",
                "By the trunk from x0 to y0; where they cannot connect, by another "
                "head between them.",
                "By VXLAN from y0 to y1, 172.20.24.2.",
            ],
        )

    def test_relay(self) -> None:
        """Of two that can only dial, another head passes it on."""
        ends = end("x", ""), end("y", "")
        made = seen(carried(1, "x1", "y1"), ends=ends)
        lines = self.told(made, member(1, 3, "y1"), member(1, 2, "x1"))
        self.assertEqual(
            lines[1],
            "By the trunk from x0 to y0, by another head between them: neither of "
            "the two can be dialled.",
        )

    def test_no_trunk(self) -> None:
        """It is told where a trunk or a head is missing."""
        pair = carried(1, "x1", "y1")
        sender, target = member(1, 2, "x1"), member(1, 3, "y1")
        self.assertIn(
            "cluster y has no trunk",
            self.closed(seen(pair, ends=[end("x")]), target, sender),
        )
        for missing, cluster in (("x0", "x"), ("y0", "y")):
            known = {k: v for k, v in SITE.items() if k != missing}
            made = evolve(seen(pair), machines=known)
            self.assertIn(
                f"cluster {cluster} has no head", self.closed(made, target, sender)
            )

    def test_routed(self) -> None:
        """Between clusters that are, it does not."""
        site = machines("x0", "x1", "y0", "y1", routed="xy")
        made = evolve(seen(carried(1, "x1", "y1")), machines=site)
        self.assertEqual(
            self.told(made, member(1, 3, "y1"), member(1, 2, "x1")),
            ["By VXLAN from x1 to y1, 172.20.24.2."],
        )

    def test_another_network(self) -> None:
        """From another network it comes by the router of its own cluster."""
        made = seen(carried(1, "x1"), carried(2, "x2"))
        self.assertEqual(
            self.told(made, member(1, 2, "x1"), member(2, 2, "x2")),
            [
                "By VXLAN from x2 to x0, 172.20.23.1.",
                "From network 2 to network 1 by x0.",
                "By VXLAN from x0 to x1, 172.20.23.2.",
            ],
        )

    def test_transit(self) -> None:
        """
        What is for a network that its cluster does not have a head hands to another
        that has it.
        """
        made = knowing(seen(carried(1, "x1"), carried(2, "y1")), n1="x", n2="y")
        self.assertEqual(
            self.told(made, member(1, 2, "x1"), member(2, 2, "y1")),
            [
                "By VXLAN from y1 to y0, 172.20.24.1.",
                "From network 2 to the transit network by y0.",
                "By the trunk from y0 to x0; where they cannot connect, by another "
                "head between them.",
                "From the transit network to network 1 by x0.",
                "By VXLAN from x0 to x1, 172.20.23.2.",
            ],
        )
        site = machines("x0", "x1", "y0", "y1", routed="xy")
        lines = self.told(
            evolve(made, machines=site), member(1, 2, "x1"), member(2, 2, "y1")
        )
        self.assertEqual(lines[2], "By VXLAN from y0 to x0, 172.20.23.1.")

    def test_transit_onward(self) -> None:
        """That one passes it on as what comes from any other network."""
        site = machines("x0", "x1", "y0", "y1", "z0", "z1", routed="xy")
        inner, outer = carried(1, "y1", "z1"), carried(2, "x1")
        made = evolve(seen(inner, outer), machines=site)
        made = knowing(
            evolve(made, ends={each: end(each) for each in "xyz"}), n1="yz", n2="x"
        )
        self.assertEqual(
            self.told(made, member(1, 3, "z1"), member(2, 2, "x1"))[2:5],
            [
                "By VXLAN from x0 to y0, 172.20.24.1.",
                "From the transit network to network 1 by y0.",
                "By the trunk from y0 to z0; where they cannot connect, by another "
                "head between them.",
            ],
        )

    def test_no_transit(self) -> None:
        """Where nobody is known who could pass it on, or the answer, that is told."""
        one, two = carried(1, "x1"), carried(2, "y1")
        pair = member(1, 2, "x1"), member(2, 2, "y1")
        self.assertEqual(
            self.closed(seen(one, two), *pair),
            "y0 does not carry network 1, for no instance of its cluster is in it, "
            "and knows no head that does.",
        )
        self.assertEqual(
            self.closed(knowing(seen(one, two), n1="x"), *pair),
            "The answer does not get back: x0 does not carry network 2, for no "
            "instance of its cluster is in it, and knows no head that does.",
        )
        where = {"n1": "x", "n2": "y"}
        made = knowing(seen(one, two, ends=[end("x")]), **where)
        self.assertIn("cluster y has no trunk", self.closed(made, *pair))

    def test_outside(self) -> None:
        """From outside it comes by the head of the instance's cluster."""
        made = seen(carried(1, "x1"))
        self.assertEqual(
            self.told(made, member(1, 2, "x1"), None),
            [
                "By x0, where public addresses are.",
                "By VXLAN from x0 to x1, 172.20.23.2.",
            ],
        )

    def test_unknown_machine(self) -> None:
        """A machine that is not known is named."""
        made = evolve(seen(carried(1, "x9", "x1")), here="x1")
        self.assertIn("x9 is not known", self.closed(made, member(1, 2, "x9"), None))
        self.assertIn(
            "x9 is not known",
            self.closed(made, member(1, 3, "x1"), member(1, 2, "x9")),
        )
