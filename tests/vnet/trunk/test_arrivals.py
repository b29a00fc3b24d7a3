"""Tests of L{euca_tw.vnet.trunk.arrivals}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.trunk.arrivals import Arrivals


class ArrivalsTests(SynchronousTestCase):
    """L{Arrivals}."""

    def setUp(self) -> None:
        self.arrivals = Arrivals(most=8)

    def enter(self, host: str, now: float = 0.0) -> bool:
        if not self.arrivals.may_enter(host, now):
            return False
        self.arrivals.enter(object(), host)
        return True

    def test_most(self) -> None:
        """Strangers are as many at a time as is set, a quarter of them of a source."""
        self.assertEqual(
            [self.enter("192.0.2.1") for _ in range(3)], [True] * 2 + [False]
        )
        entered = [self.enter(f"198.51.100.{each}") for each in range(9)]
        self.assertEqual(entered, [True] * 6 + [False] * 3)
        self.assertEqual(len(self.arrivals), 8)

    def test_network(self) -> None:
        """Of IPv6, a network is a source."""
        entered = [self.enter(f"2001:db8::{each}") for each in range(1, 4)]
        self.assertEqual(entered, [True, True, False])

    def test_known(self) -> None:
        """Where a peer came from, it comes in however many strangers there are."""
        self.arrivals.know("203.0.113.1")
        for each in range(20):
            self.enter(f"198.51.100.{each}")
        self.assertFalse(self.enter("192.0.2.1"))
        self.assertTrue(self.enter("203.0.113.1"))

    def test_leave(self) -> None:
        """Who leaves makes room; it may be told twice."""
        who = [object() for _ in range(2)]
        for each in who:
            self.arrivals.enter(each, "192.0.2.1")
        self.assertFalse(self.arrivals.may_enter("192.0.2.1", 0.0))
        self.arrivals.leave(who[0])
        self.arrivals.leave(who[0])
        self.assertTrue(self.arrivals.may_enter("192.0.2.1", 0.0))

    def test_often(self) -> None:
        """One that comes again and again may soon come once a second only."""
        tries = [self.arrivals.may_enter("192.0.2.1", 0.0) for _ in range(40)]
        self.assertEqual(sum(tries), 16)
        later = [self.arrivals.may_enter("192.0.2.1", 10.0) for _ in range(40)]
        self.assertEqual(sum(later), 10)

    def test_all(self) -> None:
        """From however many addresses, so many come a second and no more."""
        hosts = [f"10.{a}.{b}.1" for a in range(20) for b in range(20)]
        came = sum(self.arrivals.may_enter(host, 0.0) for host in hosts)
        self.assertEqual(came, 64)
        later = sum(self.arrivals.may_enter(host, 1.0) for host in hosts[::-1])
        self.assertEqual(later, 20)
