"""Tests for L{euca_tw.soap.freshness}."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import InvalidSecurity, Unavailable
from euca_tw.soap.envelope import read
from euca_tw.soap.freshness import OF_PEERS, OF_USERS, Freshness, Replays
from euca_tw.soap.wsse import Claim, read_claim
from tests.soap.identities import NOW
from tests.soap.messages import message


def claim() -> Claim:
    return read_claim(read(message()))


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


class FreshnessTests(SynchronousTestCase):
    def test_life(self) -> None:
        """A message is good for five minutes, for clocks that differ a little."""
        for freshness, first, last in (
            (OF_USERS, -300, 299),
            (OF_PEERS, -20, 319),
            (Freshness(ahead_s=0, behind_s=0, lifetime_s=10), 0, 9),
        ):
            for seconds in (first, 0, last):
                freshness.check(claim(), NOW + after(seconds))
            for seconds in (first - 1, last + 1):
                self.assertRaises(
                    InvalidSecurity, freshness.check, claim(), NOW + after(seconds)
                )

    def test_expires(self) -> None:
        """It may end earlier by its own word, but not later, and needs none."""
        early = evolve(claim(), expires=NOW + after(60))
        OF_USERS.check(early, NOW + after(59))
        self.assertRaises(InvalidSecurity, OF_USERS.check, early, NOW + after(60))
        for expires in (NOW + after(3600), None):
            late = evolve(claim(), expires=expires)
            OF_USERS.check(late, NOW + after(299))
            self.assertRaises(InvalidSecurity, OF_USERS.check, late, NOW + after(300))


class ReplaysTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.replays = Replays(most=3)
        self.end = NOW + after(300)

    def test_once(self) -> None:
        """A signature is taken once."""
        self.replays.take(claim(), self.end, NOW)
        self.assertRaises(InvalidSecurity, self.replays.take, claim(), self.end, NOW)
        self.assertRaises(
            InvalidSecurity, self.replays.take, claim(), self.end, NOW + after(299)
        )

    def test_forgotten(self) -> None:
        """It is forgotten when its message is too old anyway."""
        self.replays.take(claim(), self.end, NOW)
        self.assertEqual(len(self.replays), 1)
        other = evolve(claim(), value=b"other")
        self.replays.take(other, NOW + after(900), NOW + after(600))
        self.assertEqual(len(self.replays), 1)

    def test_bounded(self) -> None:
        """Who sends too many waits, until some are forgotten; others need not."""
        for number in range(3):
            self.replays.take(evolve(claim(), value=b"%d" % number), self.end, NOW)
        more = evolve(claim(), value=b"more")
        self.assertRaises(Unavailable, self.replays.take, more, self.end, NOW)
        self.replays.take(evolve(more, certificate=b"bob"), self.end, NOW)
        self.replays.take(more, NOW + after(900), NOW + after(600))
