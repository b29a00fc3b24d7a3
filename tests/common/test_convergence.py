"""Tests of L{euca_tw.common.convergence}."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.convergence import (
    SLICE,
    Amend,
    Convergence,
    NotKept,
    Overtaken,
    Rest,
    Setback,
)
from tests.fakes.clock import StepClock


@frozen
class Walk:
    to: str


@frozen
class Sleep:
    may_be_cut: ClassVar[bool] = True


class ConvergenceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = StepClock()
        self.wanted: dict[str, Any] = {}
        self.planned: list[str] = []
        self.taken: list[tuple[str, Any]] = []
        self.steps: list[Deferred[None]] = []
        self.kept: list[Sequence[Any]] = []
        self.disk: Deferred[None] = succeed(None)
        self.convergence = Convergence(
            clock=self.clock,
            random=Random(1),
            plan=self.plan,
            take=self.take,
            keep=self.keep,
            first_s=1,
            ceiling_s=4,
        )

    def plan(self, key: str) -> Any:
        self.planned.append(key)
        decision = self.wanted.get(key, Rest())
        return decision() if callable(decision) else decision

    def take(self, key: str, step: Any) -> Deferred[None]:
        self.taken.append((key, step))
        self.steps.append(Deferred())
        return self.steps[-1]

    def keep(self, changes: Sequence[Any]) -> Deferred[None]:
        self.kept.append(tuple(changes))
        waiting: Deferred[None] = Deferred()
        self.disk.chainDeferred(waiting)
        return waiting

    def turn(self) -> None:
        self.clock.advance(0)

    def test_many_wakes_one_plan(self) -> None:
        """A thing that is woken often in one turn is planned once."""
        self.convergence.wake("a")
        self.convergence.wake_all(["a", "b"])
        self.assertEqual(self.planned, [])
        self.turn()
        self.assertEqual(self.planned, ["a", "b"])

    def test_step_then_plan(self) -> None:
        """When a step has ended, the plan is asked again; another goes at once."""
        self.wanted["a"] = Walk("home")
        self.convergence.wake("a")
        self.turn()
        self.wanted["a"] = Walk("work")
        self.steps[0].callback(None)
        self.turn()
        self.assertEqual(self.taken, [("a", Walk("home")), ("a", Walk("work"))])

    def test_one_at_a_time(self) -> None:
        """While a step is under way no other is begun for that thing."""
        self.wanted.update(a=Walk("home"), b=Walk("home"))
        self.convergence.wake_all("ab")
        self.turn()
        self.wanted["a"] = Walk("work")
        self.convergence.wake("a")
        self.turn()
        self.assertEqual(self.taken, [("a", Walk("home")), ("b", Walk("home"))])

    def test_same_again_after_back_off(self) -> None:
        """A step that did not change the plan is taken again after a while."""
        self.wanted["a"] = Walk("home")
        self.convergence.wake("a")
        self.turn()
        self.steps[0].callback(None)
        self.turn()
        self.convergence.wake("a")
        self.turn()
        self.assertEqual(len(self.taken), 1)
        self.clock.advance(1.2)
        self.turn()
        self.assertEqual(len(self.taken), 2)

    def test_setback(self) -> None:
        """A step that failed is taken again, ever later, and no error is logged."""
        self.wanted["a"] = Walk("home")
        self.convergence.wake("a")
        self.turn()
        times = []
        for _ in range(5):
            self.steps[-1].errback(Setback("it rains"))
            count, began = len(self.steps), self.clock.seconds()
            while len(self.steps) == count:
                self.clock.advance(0.1)
            times.append(self.clock.seconds() - began)
        for got, wanted in zip(times, (1, 2, 4, 4, 4), strict=True):
            self.assertLess(abs(got - wanted), 0.2 * wanted + 0.2)

    def test_rest_ends_back_off(self) -> None:
        """What had rest in between begins without delay."""
        self.wanted["a"] = Walk("home")
        self.convergence.wake("a")
        self.turn()
        self.steps[-1].errback(Setback("it rains"))
        del self.wanted["a"]
        self.turn()
        self.wanted["a"] = Walk("home")
        self.convergence.wake("a")
        self.turn()
        self.assertEqual(len(self.taken), 2)

    def test_bug(self) -> None:
        """A bug in a step is logged, and the step is taken again later."""
        self.wanted["a"] = Walk("home")
        self.convergence.wake("a")
        self.turn()
        self.steps[-1].errback(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.clock.advance(1.2)
        self.turn()
        self.assertEqual(len(self.taken), 2)

    def test_bug_in_a_plan(self) -> None:
        """A bug in one plan does not keep the others from being planned."""
        self.wanted["a"] = lambda: 1 // 0
        self.convergence.wake_all("ab")
        self.assertRaises(ZeroDivisionError, self.turn)
        self.turn()
        self.assertEqual(self.planned, ["a", "b"])

    def test_rest_until(self) -> None:
        """What rests until a moment is planned again then."""
        self.wanted["a"] = Rest(5.0)
        self.convergence.wake("a")
        self.turn()
        self.clock.advance(5)
        self.assertEqual(self.planned, ["a", "a"])

    def test_rest_until_the_past(self) -> None:
        """A plan that rests until a moment that has passed does not spin."""
        self.wanted["a"] = Rest(-5.0)
        self.convergence.wake("a")
        for _ in range(10):
            self.turn()
        self.assertEqual(self.planned, ["a"])

    def test_cut(self) -> None:
        """A step that may be cut is, when the plan wants another."""
        self.wanted["a"] = Sleep()
        self.convergence.wake("a")
        self.turn()
        self.convergence.wake("a")
        self.turn()
        self.assertNoResult(self.steps[0])
        self.wanted["a"] = Walk("home")
        self.convergence.wake("a")
        self.turn()
        self.turn()
        self.assertEqual(self.taken, [("a", Sleep()), ("a", Walk("home"))])

    def test_amend(self) -> None:
        """What a turn amends is one commit; then the things are planned again."""
        amended = set()

        def once(key: str) -> Any:
            if key in amended:
                return Rest()
            amended.add(key)
            return Amend((key,))

        self.wanted.update({key: lambda key=key: once(key) for key in "ab"})
        self.convergence.wake_all("ab")
        self.turn()
        self.turn()
        self.assertEqual(self.kept, [("a", "b")])
        self.assertEqual(self.planned, ["a", "b", "a", "b"])

    def test_nothing_before_it_is_durable(self) -> None:
        """What is not yet durable is not planned."""
        self.disk = Deferred()
        done = self.convergence.amend(("change",), ("a",))
        self.wanted["a"] = Walk("home")
        self.convergence.wake("a")
        self.turn()
        self.assertEqual((self.taken, done.called), ([], False))
        self.disk.callback(None)
        self.turn()
        self.successResultOf(done)
        self.assertEqual(self.taken, [("a", Walk("home"))])

    def test_two_commits(self) -> None:
        """Nor while one of two commits is under way."""
        first, second = Deferred(), Deferred()  # type: ignore[var-annotated]
        self.disk = first
        self.convergence.amend(("one",), ("a",))
        self.disk = second
        self.convergence.amend(("two",), ("a",))
        first.callback(None)
        self.turn()
        self.assertEqual(self.planned, [])
        second.callback(None)
        self.turn()
        self.assertEqual(self.planned, ["a"])

    def test_hold(self) -> None:
        """What somebody else keeps is not planned until he says that it is durable."""
        self.wanted["a"] = Walk("home")
        release = self.convergence.hold(["a", "b"])
        self.convergence.wake_all(["a", "b", "c"])
        waiting = Deferred.fromCoroutine(self.convergence.planned())
        self.turn()
        self.assertEqual((self.planned, self.taken), (["c"], []))
        self.assertNoResult(waiting)
        release()
        self.turn()
        self.successResultOf(waiting)
        self.assertEqual(self.planned, ["c", "a", "b"])
        self.assertEqual(self.taken, [("a", Walk("home"))])

    def test_nobody_waits(self) -> None:
        """A commit goes on when who asked for it does not wait any more."""
        self.disk = Deferred()
        done = self.convergence.amend(("change",), ("a",))
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.disk.callback(None)
        self.turn()
        self.assertEqual(self.planned, ["a"])

    def test_disk_full(self) -> None:
        """What cannot be kept is logged, told to who asked, and not acted upon."""
        self.disk = Deferred()
        done = self.convergence.amend(("change",), ("a",))
        self.disk.errback(OSError("full"))
        self.failureResultOf(done, NotKept)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.convergence.wake("a")
        self.turn()
        self.assertEqual(self.planned, [])

    def test_planned(self) -> None:
        """One can wait until all is planned and durable."""
        self.disk = Deferred()
        self.wanted["a"] = lambda: Amend(("x",)) if not self.kept else Rest()
        self.successResultOf(Deferred.fromCoroutine(self.convergence.planned()))
        self.convergence.wake("a")
        waiting = Deferred.fromCoroutine(self.convergence.planned())
        self.turn()
        self.assertNoResult(waiting)
        self.disk.callback(None)
        self.turn()
        self.successResultOf(waiting)

    def test_slices(self) -> None:
        """No turn plans more than a slice."""
        self.convergence.wake_all(str(n) for n in range(SLICE + 1))
        self.clock.step(0)
        self.assertEqual(len(self.planned), SLICE)
        self.clock.step(0)
        self.assertEqual(len(self.planned), SLICE + 1)

    def test_stop(self) -> None:
        """A stop cuts all steps, and nothing is planned any more."""
        self.wanted["a"] = Walk("home")
        self.convergence.wake("a")
        self.turn()
        self.convergence.wake("b")
        self.successResultOf(self.convergence.stop())
        self.assertTrue(self.steps[0].called)
        self.convergence.wake("a")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_overtaken(self) -> None:
        """What others have changed meanwhile is planned anew, not amended."""
        self.wanted["a"] = Amend(("stale",))
        self.disk = Deferred()
        self.convergence.wake("a")
        self.turn()
        self.wanted["a"] = Amend(("fresh",))
        waiting = Deferred.fromCoroutine(self.convergence.planned())
        disk, self.disk = self.disk, succeed(None)
        disk.errback(Overtaken("another was faster"))
        self.assertNoResult(waiting)
        self.wanted["a"] = lambda: Rest() if len(self.kept) > 1 else Amend(("fresh",))
        self.turn()
        self.turn()
        self.successResultOf(waiting)
        self.assertEqual(self.kept, [("stale",), ("fresh",)])

    def test_amend_overtaken(self) -> None:
        """Who amends is told that others were faster, and the thing is planned."""
        self.disk = fail(Overtaken("another was faster"))
        done = self.convergence.amend(("stale",), ("a",))
        self.failureResultOf(done, Overtaken)
        self.turn()
        self.assertEqual(self.planned, ["a"])
