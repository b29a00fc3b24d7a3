"""Tests of L{euca_tw.vnet.trunk.dialling}."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.backoff import Backoff
from euca_tw.vnet.trunk.dialling import Dialling


class DiallingTests(SynchronousTestCase):
    """L{Dialling}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.tries: list[Deferred[Any]] = []
        self.told: list[object] = []
        self.dialling = Dialling(
            clock=self.clock,
            backoff=Backoff(random=Random(1), first_s=1.0, ceiling_s=4.0, jitter=0),
            timeout_s=5.0,
            dial=self.dial,
            connected=self.told.append,
            failed=self.told.append,
        )

    def dial(self) -> Deferred[Any]:
        self.tries.append(Deferred())
        return self.tries[-1]

    def test_connected(self) -> None:
        """Who answers is told of, and not tried again by itself."""
        self.dialling.now()
        self.dialling.now()
        [one] = self.tries
        one.callback("a wire")
        self.assertEqual(self.told, ["a wire"])
        self.clock.advance(100)
        self.assertEqual(len(self.tries), 1)

    def test_again(self) -> None:
        """Who does not is tried again, after longer and longer."""
        self.dialling.now()
        for wait_s in (1, 2, 4, 4):
            self.tries[-1].errback(OSError(111, "Connection refused"))
            count = len(self.tries)
            self.clock.advance(wait_s - 0.01)
            self.assertEqual(len(self.tries), count)
            self.clock.advance(0.02)
            self.assertEqual(len(self.tries), count + 1)
        self.assertEqual(self.told, ["Connection refused"] * 4)

    def test_nobody(self) -> None:
        """A try takes as long as is set."""
        self.dialling.now()
        self.clock.advance(5)
        self.assertEqual(self.told, ["nobody answers"])
        self.clock.advance(1)
        self.assertEqual(len(self.tries), 2)

    def test_succeeded(self) -> None:
        """Where there is a connection, a try is given up, and waits are short again."""
        self.dialling.now()
        for _ in range(3):
            self.tries[-1].errback(OSError(111, "Connection refused"))
            self.clock.advance(5)
        self.dialling.succeeded()
        self.clock.advance(100)
        count = len(self.tries)
        self.dialling.again()
        self.dialling.again()
        self.clock.advance(1)
        self.assertEqual(len(self.tries), count + 1)
        self.dialling.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
