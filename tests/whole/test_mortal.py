"""Tests for L{tests.whole.mortal}."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.fakes.clock import StepClock
from tests.whole.mortal import Life


class StopTests(SynchronousTestCase):
    def test_stopped(self) -> None:
        """
        Nothing happens in a life that is stopped; going on, it does what was due in
        its order, but for what it called off, and then hears what has arrived.
        """
        clock = StepClock()
        life = Life(clock)
        said: list[str] = []
        second = life.callLater(2, said.append, "second")
        life.callLater(1, lambda: (said.append("first"), second.cancel()))
        life.callLater(60, said.append, "third")
        life.stop()
        life.hear(lambda: said.append("heard"))
        life.callLater(3, said.append, "begun before it was stopped")
        while clock.step(50):
            pass
        self.assertEqual((clock.seconds(), said), (50, []))
        life.go_on()
        while clock.step(59):
            pass
        self.assertEqual(said, ["first", "begun before it was stopped", "heard"])
        clock.step(60)
        self.assertEqual(said[-1], "third")

    def test_asked_while_stopped(self) -> None:
        """What is asked of it is answered when it is going on."""
        clock = StepClock()
        life = Life(clock)

        async def dispatch(what: str) -> str:
            return what

        life.stop()
        asked = Deferred.fromCoroutine(life.gated(dispatch)("a question"))
        clock.step(1)
        self.assertNoResult(asked)
        life.go_on()
        clock.step(2)
        self.assertEqual(self.successResultOf(asked), "a question")
