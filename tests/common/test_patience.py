"""Tests for L{euca_tw.common.patience}."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.connections import ConnectionLimits
from euca_tw.common.patience import LINGER_S, Patience, Phase


class PatienceTests(SynchronousTestCase):
    """Times in seconds since the connection was made."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.ended: list[float] = []
        self.limits = ConnectionLimits(head_s=30, slowest_bytes_per_s=100)

    def patience(self, idle_s: float | None = 60) -> Patience:
        patience = Patience(
            self.clock,
            idle_s,
            self.limits,
            lambda: self.ended.append(self.clock.seconds()),
        )
        patience.start()
        self.addCleanup(patience.stop)
        return patience

    def pass_s(self, seconds: int) -> None:
        """One second after the other."""
        for _ in range(seconds):
            self.clock.advance(1)

    def test_idle(self) -> None:
        """An idle connection is waited for so long after it was last seen."""
        patience = self.patience()
        self.pass_s(50)
        patience.seen()
        self.pass_s(59)
        self.assertEqual(self.ended, [])
        self.pass_s(1)
        self.assertEqual(self.ended, [110])

    def test_head(self) -> None:
        """A head must be whole in its time, though something comes all the time."""
        patience = self.patience()
        self.pass_s(5)
        patience.enter(Phase.HEAD)
        for _ in range(40):
            self.pass_s(1)
            patience.seen()
            patience.enter(Phase.HEAD)
        self.assertEqual(self.ended, [35])

    def test_next_head(self) -> None:
        """The next head has as long again."""
        patience = self.patience()
        patience.enter(Phase.HEAD)
        self.pass_s(20)
        patience.phase = Phase.IDLE
        patience.enter(Phase.HEAD)
        self.pass_s(29)
        self.assertEqual(self.ended, [])
        self.pass_s(1)
        self.assertEqual(self.ended, [50])

    def test_slow_body(self) -> None:
        """A body that comes too slowly has no longer than what came allows."""
        patience = self.patience()
        patience.enter(Phase.BODY)
        for _ in range(100):
            self.pass_s(1)
            patience.seen()
            patience.received += 50
        self.assertEqual(self.ended, [59])

    def test_fast_body(self) -> None:
        """One that comes fast enough may take its time in all."""
        patience = self.patience()
        patience.enter(Phase.BODY)
        for _ in range(1000):
            self.pass_s(1)
            patience.seen()
            patience.received += 100
        self.assertEqual(self.ended, [])

    def test_stopping_body(self) -> None:
        """One of which nothing comes any more is idle, much as there was."""
        patience = self.patience()
        patience.enter(Phase.BODY)
        patience.received = 1 << 20
        self.pass_s(60)
        self.assertEqual(self.ended, [60])

    def test_refused(self) -> None:
        """Who is refused has a little while to read it."""
        patience = self.patience(idle_s=None)
        patience.enter(Phase.REFUSED)
        self.pass_s(LINGER_S)
        self.assertEqual(self.ended, [LINGER_S])

    def test_for_ever(self) -> None:
        """Where there are no limits there is no timer; goodbyes have an end."""
        self.limits = ConnectionLimits(head_s=0, slowest_bytes_per_s=0)
        patience = self.patience(idle_s=None)
        for phase in (Phase.HEAD, Phase.BODY, Phase.ANSWERING):
            patience.enter(phase)
            self.assertEqual(self.clock.getDelayedCalls(), [])
        patience.enter(Phase.CLOSING)
        self.pass_s(60)
        self.assertEqual(self.ended, [60])

    def test_one_timer(self) -> None:
        """Requests that come and go wind no timer."""
        patience = self.patience()
        [timer] = self.clock.getDelayedCalls()
        due_s = timer.getTime()
        for _ in range(50):
            self.pass_s(1)
            patience.seen()
        self.assertEqual([c.getTime() for c in self.clock.getDelayedCalls()], [due_s])

    def test_go_on(self) -> None:
        """After the end, one may wait as long again."""
        patience = self.patience()
        self.pass_s(60)
        patience.go_on()
        self.pass_s(60)
        self.assertEqual(self.ended, [60, 120])

    def test_stop(self) -> None:
        """A lost connection leaves no timer."""
        self.patience().stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
