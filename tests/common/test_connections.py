"""Tests for L{euca_tw.common.connections}."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.connections import (
    ConnectionLimits,
    Connections,
    Place,
    TooManyConnections,
)


class LimitsTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """What holds where nothing is said."""
        limits = ConnectionLimits()
        self.assertEqual(
            (limits.most, limits.most_per_source, limits.pending_bytes),
            (4096, 1024, 67108864),
        )
        self.assertEqual((limits.head_s, limits.slowest_bytes_per_s), (30.0, 1024))

    def test_off(self) -> None:
        """None is 0: no limit."""
        limits = ConnectionLimits(
            most=None, head_s=None, slowest_bytes_per_s=None, pending_bytes=0
        )
        self.assertEqual(limits.most, 0)
        self.assertEqual(limits.head_until(1.0), float("inf"))
        self.assertEqual(limits.body_until(1.0, 0), float("inf"))

    def test_wrong(self) -> None:
        """What is no such number is told by the name of the limit."""
        for name in ("most", "most_per_source", "slowest_bytes_per_s", "pending_bytes"):
            for value in (-1, 1.5, "many", True):
                error = self.assertRaises(ValueError, ConnectionLimits, **{name: value})
                self.assertIn(f"{name} is a whole number", str(error))
        for value in (-1, float("nan"), float("inf"), "long", True):
            error = self.assertRaises(ValueError, ConnectionLimits, head_s=value)
            self.assertIn("head_s is a number of seconds", str(error))

    def test_body(self) -> None:
        """A body has the time of a head to begin, and then must come fast enough."""
        limits = ConnectionLimits(head_s=10, slowest_bytes_per_s=100)
        self.assertEqual(limits.body_until(5.0, 0), 15.0)
        self.assertEqual(limits.body_until(5.0, 1000), 25.0)

    def test_within(self) -> None:
        """It may be lowered to what the machine has room for."""
        self.assertEqual(ConnectionLimits(most=100).within(50).most, 50)
        self.assertEqual(ConnectionLimits(most=10).within(50).most, 10)
        self.assertEqual(ConnectionLimits(most=0).within(50).most, 50)


class ConnectionsTests(SynchronousTestCase):
    """Who gets in, and who makes way."""

    def setUp(self) -> None:
        self.gone: list[str] = []

    def connections(self, **limits: Any) -> Connections:
        return Connections(ConnectionLimits(**limits))

    def enter(
        self, connections: Connections, name: str, host: str = "192.0.2.1"
    ) -> Place:
        return connections.enter(host, lambda: self.gone.append(name))

    def test_room(self) -> None:
        """While there is room, everybody gets in."""
        connections = self.connections(most=2)
        self.enter(connections, "a")
        self.enter(connections, "b")
        self.assertEqual((connections.count, self.gone), (2, []))

    def test_longest_idle(self) -> None:
        """When there is none, the one that is idle for longest makes way."""
        connections = self.connections(most=3)
        a, b, _ = (self.enter(connections, name) for name in "abc")
        connections.idle(a, 1.0)
        self.enter(connections, "d")
        self.assertEqual(self.gone, ["b"])
        self.assertTrue(b.is_left)
        connections.answering(a)
        self.enter(connections, "e")
        self.assertEqual(self.gone, ["b", "c"])
        self.assertEqual(connections.count, 3)

    def test_used(self) -> None:
        """One that is used is not idle, however soon others come after it."""
        connections = self.connections(most=3)
        a, b, _ = (self.enter(connections, name) for name in "abc")
        connections.used(a, 0.1)
        self.enter(connections, "d")
        connections.used(a, 0.2)
        connections.used(b, 0.2)
        self.enter(connections, "e")
        self.enter(connections, "f")
        self.assertEqual(self.gone, ["b", "c", "d"])
        # All are used: the first of them that was makes way.
        for place in [*connections._all.idle]:
            connections.used(place, 0.3)
        self.enter(connections, "g")
        self.assertEqual(self.gone, ["b", "c", "d", "e"])

    def test_used_halfway(self) -> None:
        """One of which the rest of a body is to come does not become idle by that."""
        connections = self.connections(most=2)
        a, b = (self.enter(connections, name) for name in "ab")
        connections.used(a, 0.1)
        connections.halfway(a)
        connections.halfway(b)
        self.enter(connections, "c")
        self.assertEqual(self.gone, ["b"])
        self.enter(connections, "d")
        self.assertEqual(self.gone, ["b", "c"])

    def test_own_first(self) -> None:
        """One of the newcomer's own source before all others."""
        connections = self.connections(most=3)
        self.enter(connections, "a", "192.0.2.7")
        self.enter(connections, "b", "192.0.2.8")
        self.enter(connections, "c", "192.0.2.8")
        self.enter(connections, "d", "192.0.2.8")
        self.assertEqual(self.gone, ["b"])

    def test_halfway(self) -> None:
        """One whose body is coming makes way when no idle one can."""
        connections = self.connections(most=2)
        a, b = self.enter(connections, "a"), self.enter(connections, "b")
        connections.halfway(a)
        self.enter(connections, "c")
        self.assertEqual(self.gone, ["b"])
        connections.halfway(a)
        connections.idle(b, 1.0)
        for place in list(connections._all.idle):
            connections.answering(place)
        self.enter(connections, "d")
        self.assertEqual(self.gone, ["b", "a"])

    def test_no_room(self) -> None:
        """Where all are being answered, the newcomer must go."""
        connections = self.connections(most=1)
        connections.answering(self.enter(connections, "a"))
        error = self.assertRaises(
            TooManyConnections, self.enter, connections, "b", "192.0.2.2"
        )
        self.assertEqual(str(error), "There are 1 connections already")
        self.assertEqual((self.gone, connections.count), ([], 1))

    def test_per_source(self) -> None:
        """One source has its own limit, and only its own make way for it."""
        connections = self.connections(most=10, most_per_source=1)
        self.enter(connections, "other", "192.0.2.9")
        a = self.enter(connections, "a")
        self.enter(connections, "b")
        self.assertEqual(self.gone, ["a"])
        for place in list(connections._all.idle):
            connections.answering(place)
        error = self.assertRaises(TooManyConnections, self.enter, connections, "c")
        self.assertEqual(str(error), "There are 1 connections from 192.0.2.1 already")
        connections.leave(a)
        self.assertEqual(connections.count, 2)

    def test_networks(self) -> None:
        """A source of IPv6 is a /64, and one of IPv4 is itself in either dress."""
        connections = self.connections(most_per_source=1)
        self.enter(connections, "a", "2001:db8::1")
        self.enter(connections, "b", "2001:db8::2")
        self.enter(connections, "c", "2001:db8:0:1::1")
        self.enter(connections, "d", "192.0.2.1")
        self.enter(connections, "e", "::ffff:192.0.2.1")
        self.assertEqual(self.gone, ["a", "d"])

    def test_local(self) -> None:
        """What has no address, as a local socket, is of no source."""
        connections = self.connections(most_per_source=1)
        self.enter(connections, "a", "")
        self.enter(connections, "b", "")
        self.assertEqual(self.gone, [])

    def test_off(self) -> None:
        """0 is no limit."""
        connections = self.connections(most=0, most_per_source=0)
        for _ in range(3000):
            self.enter(connections, "a")
        self.assertEqual((connections.count, self.gone), (3000, []))

    def test_hold(self) -> None:
        """Large bodies have so much room in all, and one source has half of it."""
        connections = self.connections(pending_bytes=100)
        places = [self.enter(connections, "a", f"192.0.2.{n}") for n in range(4)]
        second = self.enter(connections, "b", "192.0.2.0")
        self.assertTrue(connections.hold(places[0], 30))
        self.assertFalse(connections.hold(second, 21))
        self.assertTrue(connections.hold(second, 20))
        self.assertTrue(connections.hold(places[1], 50))
        self.assertFalse(connections.hold(places[2], 1))
        connections.hold(second, 0)
        self.assertTrue(connections.hold(places[2], 20))
        connections.hold(places[1], 0)
        self.assertEqual(connections.pending, 50)

    def test_hold_on(self) -> None:
        """
        What is held for who has left counts till it is let go, and with that of
        others who come from there.
        """
        connections = self.connections(pending_bytes=100)
        first = self.enter(connections, "a", "192.0.2.1")
        connections.hold(first, 30)
        connections.leave(first)
        self.assertEqual((connections.count, connections.pending), (0, 30))
        second = self.enter(connections, "b", "192.0.2.1")
        self.assertFalse(connections.hold(second, 21))
        connections.leave(second)
        for _ in range(2):
            connections.hold(first, 0)
            self.assertEqual((connections.pending, connections._sources), (0, {}))

    def test_hold_off(self) -> None:
        """Behind a proxy, where sources are not told apart, there are no shares."""
        connections = self.connections(pending_bytes=100, most_per_source=0)
        self.assertTrue(connections.hold(self.enter(connections, "a"), 100))
        connections = self.connections(pending_bytes=0)
        self.assertTrue(connections.hold(self.enter(connections, "a"), 1 << 40))

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(
                    ["enter", "idle", "used", "halfway", "answering", "leave"]
                ),
                st.integers(0, 3),
                st.integers(0, 60),
            ),
            max_size=60,
        )
    )
    def test_any(self, steps: list[tuple[str, int, int]]) -> None:
        """
        Whatever happens, no limit is passed, the counts are those of who is
        there, and nobody is turned away while another one could make way.
        """
        connections = self.connections(most=5, most_per_source=3, pending_bytes=100)
        there: list[tuple[int, Place]] = []
        gone: list[tuple[int, Place]] = []
        busy: set[int] = set()
        for step, source, size in steps:
            if step == "enter":
                try:
                    place = connections.enter(f"192.0.2.{source}", lambda: None)
                except TooManyConnections:
                    there = [each for each in there if not each[1].is_left]
                    own = [p for s, p in there if s == source]
                    pool = own if len(own) == 3 else [p for _, p in there]
                    self.assertTrue(all(id(p) in busy for p in pool))
                else:
                    there.append((source, place))
            elif there:
                _, place = there[size % len(there)]
                if step == "leave":
                    connections.leave(place)
                    if size % 2:
                        connections.hold(place, 0)
                elif step == "idle":
                    connections.idle(place, 0.0)
                elif step == "used":
                    connections.used(place, size / 30)
                else:
                    getattr(connections, step)(place)
                    if not place.is_left:
                        connections.hold(place, size)
                if step == "answering":
                    busy.add(id(place))
                elif step != "used" or (
                    not place.is_left and place.filed_s == size / 30
                ):
                    busy.discard(id(place))
            gone += [each for each in there if each[1].is_left]
            there = [each for each in there if not each[1].is_left]
            self.assertEqual(connections.count, len(there))
            self.assertLessEqual(len(there), 5)
            for number in range(4):
                self.assertLessEqual(sum(s == number for s, _ in there), 3)
            held = [(s, p.pending) for s, p in there + gone]
            self.assertEqual(connections.pending, sum(size for _, size in held))
            self.assertLessEqual(connections.pending, 100)
            for number in range(4):
                self.assertLessEqual(sum(size for s, size in held if s == number), 50)
        for _, place in there + gone:
            connections.leave(place)
            connections.hold(place, 0)
        self.assertEqual((connections.count, connections._sources), (0, {}))
