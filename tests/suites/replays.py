"""What every L{IReplays} does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.common.replays import Bounds, IReplays, Verdict

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ALICE, BOB, CAROL = b"alice", b"bob", b"carol"
LIFE_S = 300
FEW = Bounds(of_one=3, of_all=5)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def taking(
    replays: Any,
    value: bytes = b"value",
    *,
    owner: bytes = ALICE,
    made: datetime = NOW,
    life_s: float = LIFE_S,
    now: datetime | None = None,
) -> Deferred[Verdict]:
    """Have a message taken, at the moment that it was made unless told."""
    return Deferred.fromCoroutine(
        replays.take(
            owner=owner,
            value=value,
            made=made,
            end=made + timedelta(seconds=life_s),
            now=made if now is None else now,
        )
    )


def make_ireplays_tests(
    factory: Callable[..., Any],
) -> type[SynchronousTestCase]:
    """
    @param factory: makes, of the running test, bounds and a moment, an opened
        memory whose time begins then, and which answers at once.
    """

    class IReplaysTests(SynchronousTestCase):
        def make(self, bounds: Bounds | None = None, since: datetime = NOW) -> Any:
            return factory(self, bounds or Bounds(), since)

        def take(self, replays: Any, value: bytes = b"value", **given: Any) -> Any:
            return self.successResultOf(taking(replays, value, **given)).name

        def test_interface(self) -> None:
            """It provides L{IReplays}."""
            verifyObject(IReplays, self.make())

        def test_once(self) -> None:
            """A message is taken once, however late it comes again."""
            replays = self.make()
            self.assertEqual(self.take(replays), "FRESH")
            for seconds in (0, 0.5, 1, 29, 30, 31, 299, 299.999):
                self.assertEqual(self.take(replays, now=after(seconds)), "SEEN")
            self.assertEqual(self.take(replays, b"other"), "FRESH")

        def test_owners(self) -> None:
            """To whomever it counts, a message is the same, and counts once."""
            replays = self.make(FEW)
            self.assertEqual(self.take(replays), "FRESH")
            for owner in (BOB, CAROL, ALICE, BOB):
                self.assertEqual(self.take(replays, owner=owner), "SEEN")
            for owner, number in ((ALICE, 2), (BOB, 2)):
                for value in range(number):
                    other = owner + b"%d" % value
                    self.assertEqual(self.take(replays, other, owner=owner), "FRESH")

        def test_of_the_future(self) -> None:
            """So is one whose sender's clock is ahead; till its own end."""
            replays = self.make()
            made = after(290.5)
            self.assertEqual(self.take(replays, made=made, now=NOW), "FRESH")
            for seconds in (1, 290, 500, 590):
                for number in range(3):
                    other = f"{seconds} {number}".encode()
                    self.take(replays, other, made=after(seconds))
                again = self.take(replays, made=made, now=after(seconds))
                self.assertEqual(again, "SEEN")

        def test_never_again(self) -> None:
            """After its end, too, it is not taken, should the clock go back."""
            replays = self.make()
            self.take(replays)
            for seconds in (400, 500, 4000, 100_000):
                for number in range(3):
                    other = f"{seconds} {number}".encode()
                    self.assertEqual(
                        self.take(replays, other, made=after(seconds)), "FRESH"
                    )
                again = self.take(replays, now=after(1))
                self.assertIn(again, ("SEEN", "FORGOTTEN"))

        def test_longer_life(self) -> None:
            """Nor when messages shall live longer than they did."""
            replays = self.make()
            self.take(replays, life_s=10)
            self.take(replays, b"other", made=after(200), life_s=10)
            again = self.take(replays, life_s=3600, now=after(250))
            self.assertIn(again, ("SEEN", "FORGOTTEN"))

        def test_different_lives(self) -> None:
            """One that lives long is not forgotten with those that do not."""
            replays = self.make()
            self.take(replays, b"short", life_s=10)
            self.take(replays, b"long", life_s=300)
            for number in range(3):
                made = after(100 + number)
                self.take(replays, b"%d" % number, made=made, life_s=10)
            again = self.take(replays, b"long", life_s=300, now=after(200))
            self.assertEqual(again, "SEEN")
            self.assertEqual(
                self.take(replays, b"late", made=after(1), now=after(200)), "FRESH"
            )

        def test_forgotten(self) -> None:
            """What was made before its time may have been taken, so is not."""
            replays = self.make(since=NOW)
            for made in (after(-1), after(-200), after(-0.001)):
                self.assertEqual(self.take(replays, made=made, now=NOW), "FORGOTTEN")
            self.assertEqual(self.take(replays, made=NOW), "FRESH")

        def test_bound_of_one(self) -> None:
            """Who has too much in it must wait; others need not."""
            replays = self.make(FEW)
            for number in range(3):
                self.assertEqual(self.take(replays, b"%d" % number), "FRESH")
            self.assertEqual(self.take(replays, b"more"), "FULL")
            self.assertEqual(self.take(replays, b"other", owner=BOB), "FRESH")
            self.assertEqual(self.take(replays, b"more", now=after(290)), "FULL")

        def test_bound_of_all(self) -> None:
            """There is a bound for all together, too."""
            replays = self.make(FEW)
            for owner, number in ((ALICE, 3), (BOB, 2)):
                for value in range(number):
                    taken = self.take(replays, owner + b"%d" % value, owner=owner)
                    self.assertEqual(taken, "FRESH")
            self.assertEqual(self.take(replays, owner=CAROL), "FULL")

        def test_room_again(self) -> None:
            """There is room again when messages have ended."""
            replays = self.make(FEW)
            for number in range(3):
                self.take(replays, b"%d" % number)
            late = after(LIFE_S + 100)
            for number in range(3):
                self.assertEqual(self.take(replays, b"%d" % number, made=late), "FRESH")
            self.assertEqual(self.take(replays, b"more", made=late), "FULL")

        def test_copies_take_no_room(self) -> None:
            """Nothing that is refused takes room."""
            replays = self.make(FEW, since=after(-10))
            self.take(replays)
            for _ in range(10):
                self.assertEqual(self.take(replays), "SEEN")
                forgotten = self.take(replays, made=after(-20), now=NOW)
                self.assertEqual(forgotten, "FORGOTTEN")
            for value in (b"a", b"b"):
                self.assertEqual(self.take(replays, value), "FRESH")

        def test_flood(self) -> None:
            """
            A flood pushes nothing out before its time: it is stopped.  Of all
            that was taken none is taken again.
            """
            replays = self.make(Bounds(of_one=20_000, of_all=30_000))
            self.take(replays, b"before", owner=CAROL)
            told: list[str] = []
            for number in range(100_000):
                owner = ALICE if number % 2 else BOB
                made = after(number % 290)
                told.append(
                    self.take(replays, b"%d" % number, owner=owner, made=made, now=NOW)
                )
            self.assertEqual(told.count("FRESH"), 29_999)
            self.assertEqual(set(told), {"FRESH", "FULL"})
            self.assertNotEqual(
                self.take(replays, b"before", owner=CAROL, now=after(299)), "FRESH"
            )
            # The room that has come again meanwhile does not let one in twice.
            for number in range(0, 29_998, 97):
                owner = ALICE if number % 2 else BOB
                made = after(number % 290)
                again = self.take(
                    replays, b"%d" % number, owner=owner, made=made, now=made
                )
                self.assertNotEqual(again, "FRESH", number)

        def test_reopened(self) -> None:
            """Closed and opened again, it knows what it knew, and its bounds."""
            replays = self.make(FEW)
            for number in range(3):
                self.take(replays, b"%d" % number)
            for _ in range(2):
                self.successResultOf(Deferred.fromCoroutine(_done(replays.close())))
                self.successResultOf(Deferred.fromCoroutine(_done(replays.open())))
            self.assertEqual(self.take(replays, b"more"), "FULL")
            taken = self.take(replays, b"more", owner=BOB, now=after(200))
            self.assertEqual(taken, "FRESH")
            self.assertNotEqual(self.take(replays, b"0", now=after(299)), "FRESH")

        @settings(max_examples=30, deadline=None)
        @given(
            st.lists(
                st.tuples(
                    st.sampled_from((ALICE, BOB)),
                    st.integers(0, 3),
                    st.integers(-20, 400),
                    st.sampled_from((10, 300)),
                    st.integers(0, 400),
                ),
                max_size=60,
            )
        )
        def test_model(self, sent: list[tuple[bytes, int, int, int, int]]) -> None:
            """
            Whatever comes, with whatever clock: none is taken twice, and what is
            fresh and of its time is taken as long as there is room.
            """
            replays = self.make(Bounds(of_one=10, of_all=1000))
            taken: dict[tuple[int, int], bytes] = {}
            latest = 0
            for owner, value, made, life_s, now in sent:
                verdict = self.take(
                    replays,
                    b"%d" % value,
                    owner=owner,
                    made=after(made),
                    life_s=life_s,
                    now=after(now),
                )
                key = (value, made)
                latest = max(latest, now)
                if verdict == "FRESH":
                    self.assertNotIn(key, taken)
                    taken[key] = owner
                elif verdict == "FORGOTTEN":
                    self.assertLess(made, max(0, latest))
                elif verdict == "SEEN":
                    self.assertIn(key, taken)
                else:
                    self.assertGreaterEqual([*taken.values()].count(owner), 9)

    return IReplaysTests


async def _done(awaitable: Any) -> None:
    await awaitable
