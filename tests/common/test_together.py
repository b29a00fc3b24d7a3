"""What many want at the same time."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.together import Together


class TogetherTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.together: Together[str] = Together()
        self.makings: list[Deferred[str]] = []

    def make(self) -> Deferred[str]:
        self.makings.append(Deferred())
        return self.makings[-1]

    def get(self, name: str = "it") -> Deferred[str]:
        return Deferred.fromCoroutine(self.together.get(name, self.make))

    def test_once(self) -> None:
        """It is made once for all who want it at the same time."""
        wanted = [self.get() for _ in range(3)]
        [making] = self.makings
        making.callback("made")
        for each in wanted:
            self.assertEqual(self.successResultOf(each), "made")

    def test_crowd(self) -> None:
        """Any number may want it."""
        wanted = [self.get() for _ in range(5000)]
        self.makings[0].callback("made")
        for each in wanted:
            self.assertEqual(self.successResultOf(each), "made")

    def test_names(self) -> None:
        """What has other names is another thing."""
        one, two = self.get("one"), self.get("two")
        for making, made in zip(self.makings, ("1", "2"), strict=True):
            making.callback(made)
        self.assertEqual(self.successResultOf(one), "1")
        self.assertEqual(self.successResultOf(two), "2")

    def test_later(self) -> None:
        """Who comes when all have it has it made anew; nothing is kept."""
        first = self.get()
        self.makings[0].callback("old")
        self.successResultOf(first)
        self.assertEqual(self.together._waiting, {})
        second = self.get()
        self.makings[1].callback("new")
        self.assertEqual(self.successResultOf(second), "new")

    def test_failure(self) -> None:
        """If it cannot be made, one is told, and the next makes it."""
        first, second = self.get(), self.get()
        self.makings[0].errback(ValueError())
        self.failureResultOf(first, ValueError)
        self.makings[1].callback("made")
        self.assertEqual(self.successResultOf(second), "made")

    def test_cancelled(self) -> None:
        """If he for whom it is made wants it no more, the next makes it."""
        first, second, third = self.get(), self.get(), self.get()
        third.cancel()
        self.failureResultOf(third, CancelledError)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.makings[1].callback("made")
        self.assertEqual(self.successResultOf(second), "made")
        self.assertEqual(self.together._waiting, {})
