"""Tests for L{euca_tw.soap.freshness}."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from euca_tw.api.errors import (
    ApiError,
    InvalidSecurity,
    RequestLimitExceeded,
    Unavailable,
)
from euca_tw.common.replays import (
    Bounds,
    CannotRemember,
    IReplays,
    MemoryReplays,
    Verdict,
)
from euca_tw.soap.envelope import read
from euca_tw.soap.freshness import OF_PEERS, OF_USERS, Freshness, take_once
from euca_tw.soap.wsse import Claim, read_claim
from tests.soap.identities import NOW, twin
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

    def test_clocks_differ(self) -> None:
        """A machine of the site is told by how much its clock differs from ours."""
        for seconds, text in (
            (-600, "in the future: it was made 600 s after what this machine's clock"),
            (600, "expired: it was made 600 s before what this machine's clock has"),
        ):
            now = NOW + after(seconds)
            refused = self.assertRaises(InvalidSecurity, OF_PEERS.check, claim(), now)
            self.assertIn(text, str(refused))
            self.assertIn("must agree within 20 s", str(refused))
            told = self.assertRaises(InvalidSecurity, OF_USERS.check, claim(), now)
            self.assertNotIn("clock", str(told))

    def test_expires(self) -> None:
        """It may end earlier by its own word, but not later, and needs none."""
        early = evolve(claim(), expires=NOW + after(60))
        OF_USERS.check(early, NOW + after(59))
        self.assertRaises(InvalidSecurity, OF_USERS.check, early, NOW + after(60))
        for expires in (NOW + after(3600), None):
            late = evolve(claim(), expires=expires)
            OF_USERS.check(late, NOW + after(299))
            self.assertRaises(InvalidSecurity, OF_USERS.check, late, NOW + after(300))


@implementer(IReplays)
class FullDisk:
    """A memory that cannot be written."""

    async def open(self, is_first: bool = False) -> None:
        """As if it could."""

    async def close(self) -> None:
        """There is nothing to close."""

    async def take(self, **message: Any) -> Verdict:
        raise CannotRemember("/secret/path cannot be written: disk full")


class TakeOnceTests(SynchronousTestCase):
    """A message is taken once, or it is said why it is not."""

    def take(
        self,
        replays: Any,
        claimed: Claim,
        now: datetime = NOW,
        freshness: Freshness = OF_USERS,
        owner: bytes = b"alice",
    ) -> Deferred[None]:
        return Deferred.fromCoroutine(
            take_once(replays, claimed, freshness, now, owner=owner)
        )

    def refused(
        self, kind: type[ApiError], replays: Any, claimed: Claim, seconds: float = 0
    ) -> str:
        taking = self.take(replays, claimed, NOW + after(seconds))
        refusal = self.failureResultOf(taking, kind).value
        assert isinstance(refusal, ApiError)
        return refusal.message

    def test_once(self) -> None:
        """A message is taken once within its life."""
        replays = MemoryReplays()
        self.successResultOf(self.take(replays, claim()))
        for seconds in (0, 299):
            said = self.refused(InvalidSecurity, replays, claim(), seconds)
            self.assertIn("replay", said)

    def test_to_its_end(self) -> None:
        """It is remembered till a clock that is behind finds it too old."""
        replays, peers = MemoryReplays(), Freshness(ahead_s=20, behind_s=500)
        other = evolve(claim(), created=NOW + after(350), value=b"other")
        for claimed, now in ((claim(), NOW), (other, NOW + after(350))):
            self.successResultOf(self.take(replays, claimed, now, peers))
        again = self.take(replays, claim(), NOW + after(799), peers)
        said = self.failureResultOf(again, InvalidSecurity)
        self.assertIn("replay detected", str(said.value))

    def test_whose(self) -> None:
        """
        Whatever certificate of its key is named, and to whom it counts, it is the
        same message; by another key it is another.
        """
        replays = MemoryReplays()
        toms = evolve(claim(), certificate=twin("tom").certificate)
        self.successResultOf(self.take(replays, toms))
        tims = evolve(toms, certificate=twin("tim").certificate)
        again = self.take(replays, tims, owner=b"tim")
        said = self.failureResultOf(again, InvalidSecurity)
        self.assertIn("replay detected", str(said.value))
        self.successResultOf(self.take(replays, claim()))

    def test_forgotten(self) -> None:
        """One that was made before the memory's time is to be signed anew."""
        replays = MemoryReplays(since=NOW.timestamp() + 1)
        said = self.refused(InvalidSecurity, replays, claim(), 2)
        self.assertIn("before this service began to remember", said)
        self.assertIn("sign it anew", said)

    def test_too_many(self) -> None:
        """Nobody can fill the memory alone; who tries is told to wait."""
        replays = MemoryReplays(Bounds(of_one=3, of_all=100))
        for number in range(3):
            each = evolve(claim(), value=b"%d" % number)
            self.successResultOf(self.take(replays, each))
        more = evolve(claim(), value=b"more")
        self.refused(RequestLimitExceeded, replays, more)
        self.successResultOf(self.take(replays, more, owner=b"bob"))

    def test_cannot(self) -> None:
        """One that cannot be remembered is not taken; why is the operator's."""
        verifyObject(IReplays, FullDisk())
        said = self.refused(Unavailable, FullDisk(), claim())
        self.assertNotIn("disk", said)
