"""Tests of L{euca_tw.vnet.paths}."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import Machine
from euca_tw.vnet.paths import TRUNK, Paths, carriers_of, heads_of, paths
from tests.vnet.views import carried, machine, machines, view

SITE = ("x0", "x1", "x2", "y0", "y1", "z0", "z1")


def seen(here: str, known: Mapping[str, Machine], *on: str) -> Paths:
    """The paths of a network that has instances on these machines."""
    network = carried(1, *on)
    carriers = carriers_of(
        view(here, known, network), network, heads_of(known.values())
    )
    return paths(known[here], carriers)


class PathsTests(SynchronousTestCase):
    """L{paths}, of one network."""

    def addresses(self, *names: str) -> set[object]:
        return {machine(name).address for name in names}

    def test_within(self) -> None:
        """In a cluster, machines send to each other, and there is no trunk."""
        found = seen("x1", machines(*SITE), "x1", "x2")
        self.assertEqual(found.hops, {n: machine(n).address for n in ("x0", "x2")})
        self.assertEqual(found.flood, self.addresses("x0", "x2"))
        self.assertFalse(seen("x0", machines(*SITE), "x1", "x2").has_trunk)

    def test_others(self) -> None:
        """Machines that do not carry the network are not sent to."""
        found = seen("x1", machines(*SITE), "x1")
        self.assertEqual(found.flood, self.addresses("x0"))
        self.assertEqual([*found.hops], ["x0"])

    def test_routed(self) -> None:
        """Where all are routed, machines of two clusters pass their heads by."""
        known = machines(*SITE, routed="xy")
        found = seen("x1", known, "x1", "y1")
        self.assertEqual(found.hops["y1"], machine("y1").address)
        self.assertEqual(found.flood, self.addresses("x0", "y0", "y1"))
        self.assertFalse(seen("x0", known, "x1", "y1").has_trunk)

    def test_by_heads(self) -> None:
        """Where some are not, a node sends to its head, and a head to the trunk."""
        known = machines(*SITE, routed="x")
        found = seen("x1", known, "x1", "x2", "y1")
        self.assertEqual(found.hops["y1"], machine("x0").address)
        self.assertEqual(found.flood, self.addresses("x0", "x2"))
        self.assertFalse(found.has_trunk)
        head = seen("x0", known, "x1", "x2", "y1")
        self.assertIs(head.hops["y1"], TRUNK)
        self.assertEqual(head.hops["x1"], machine("x1").address)
        self.assertTrue(head.has_trunk)

    def test_one_is_not_routed(self) -> None:
        """One machine that is not routed closes the way to its whole cluster."""
        known = {**machines(*SITE, routed="xy"), "y1": machine("y1")}
        found = seen("x1", known, "x1", "y1")
        self.assertEqual(found.hops["y0"], machine("x0").address)

    def test_mixed(self) -> None:
        """
        Where a third cluster is behind the trunk, the others still send to each
        other what is for one, and by the trunk what is for all.
        """
        known = machines(*SITE, routed="xy")
        found = seen("x1", known, "x1", "y1", "z1")
        self.assertEqual(found.hops["y1"], machine("y1").address)
        self.assertEqual(found.hops["z1"], machine("x0").address)
        self.assertEqual(found.flood, self.addresses("x0"))
        head = seen("x0", known, "x1", "y1", "z1")
        self.assertEqual(head.hops["y1"], machine("y1").address)
        self.assertIs(head.hops["z1"], TRUNK)
        self.assertTrue(head.has_trunk)

    def test_heads_only(self) -> None:
        """Heads that run instances themselves, without nodes, are joined alike."""
        found = seen("x0", machines("x0", "y0"), "x0", "y0")
        self.assertEqual(found.hops, {"y0": TRUNK})
        self.assertEqual(found.flood, frozenset())

    def test_without_head(self) -> None:
        """What is behind a head that is not known is not reached."""
        found = seen("x1", machines("x1", "y0", "y1"), "x1", "y1")
        self.assertEqual((found.hops, found.head), ({}, None))
        self.assertFalse(found.has_trunk)

    def test_unknown(self) -> None:
        """A member whose machine is not known is left out."""
        self.assertEqual(
            seen("x1", machines("x0", "x1"), "x1", "q1").hops.keys(), {"x0"}
        )

    def test_two_heads(self) -> None:
        """Of two heads of a cluster all take the same."""
        twin = machine("x0")
        known = {"x0": twin, "w": machine("w0")}
        known["w"] = type(twin)(
            name="w", cluster="x", role=twin.role, address=known["w"].address
        )
        self.assertEqual(heads_of(known.values())["x"].name, "w")

    def test_mtu(self) -> None:
        """Instances' packets pass all machines that carry the network whole."""
        known = {**machines("x0", "x2"), "x1": machine("x1", mtu=1600)}
        self.assertEqual(seen("x1", known, "x1").mtu, 1450)
        known["x0"] = machine("x0", mtu=9000)
        self.assertEqual(seen("x1", known, "x1").mtu, 1550)


class BroadcastTests(SynchronousTestCase):
    """Note [One way for a broadcast]."""

    @given(
        st.sets(
            st.sampled_from(["x1", "x2", "y0", "y1", "y2", "z1", "w1"]), min_size=1
        ),
        st.sets(st.sampled_from("xyzw")),
        st.booleans(),
    )
    def test_once(self, on: set[str], routed: set[str], is_mended: bool) -> None:
        """
        Whatever is routed, what one sends to all comes to each that carries the
        network, and once.
        """
        names = [f"{cluster}{number}" for cluster in "xyzw" for number in range(3)]
        known = machines(*names, routed=routed)
        network = sorted(on)
        carriers = {*network, *(f"{name[0]}0" for name in network)}
        by_address = {machine.address: name for name, machine in known.items()}
        for start in carriers:
            reached: list[str] = []
            # A frame by VXLAN goes on to the trunk; one of the trunk, by VXLAN;
            # never whence it came.
            travelling = [(start, "itself")]
            while travelling:
                here, came_by = travelling.pop()
                reached.append(here)
                self.assertLessEqual(len(reached), len(carriers), "it goes round")
                found = seen(here, known, *network)
                if came_by != "vxlan":
                    travelling += [(by_address[to], "vxlan") for to in found.flood]
                if came_by != "trunk" and found.has_trunk:
                    travelling += [
                        (each, "trunk")
                        for each in carriers - {here}
                        if seen(each, known, *network).has_trunk
                    ]
            self.assertEqual(sorted(reached), sorted(carriers))
