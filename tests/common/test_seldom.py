"""Tests of L{euca_tw.common.seldom}."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import LogEvent, Logger, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.seldom import LINES, SeldomLog

AGAIN = "{who} knocked {count} more times in {seconds} s"


class SeldomLogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.events: list[LogEvent] = []
        log = Logger(observer=self.events.append)  # type: ignore[arg-type]
        self.seldom = SeldomLog(clock=self.clock, log=log, most=500)

    def knock(self, who: str = "a", times: int = 1) -> None:
        for number in range(times):
            self.seldom.tell(who, AGAIN, "{who} knocked: {number}", number=number)

    def lines(self) -> list[str]:
        """What was logged since this was asked."""
        found = [formatEvent(event) for event in self.events]
        self.events.clear()
        return found

    def test_first(self) -> None:
        """The first is told at once, in full."""
        self.knock(times=3)
        self.assertEqual(self.lines(), ["a knocked: 0"])

    def test_summed_up(self) -> None:
        """Those that follow within a minute are told as a number, at its end."""
        self.knock(times=3)
        self.lines()
        self.clock.advance(59)
        self.knock()
        self.assertEqual(self.lines(), [])
        self.clock.advance(1)
        self.assertEqual(self.lines(), ["a knocked 3 more times in 60 s"])
        self.knock()
        self.assertEqual(self.lines(), ["a knocked: 0"])

    def test_once(self) -> None:
        """Of one who came once no more is told, and nothing is waited for."""
        self.knock()
        self.clock.advance(60)
        self.assertEqual(self.lines(), ["a knocked: 0"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_each(self) -> None:
        """Each has a minute of his own."""
        self.knock("a", 2)
        self.clock.advance(30)
        self.knock("b", 2)
        self.clock.advance(30)
        self.assertEqual(
            self.lines(),
            ["a knocked: 0", "b knocked: 0", "a knocked 1 more times in 60 s"],
        )
        self.clock.advance(30)
        self.assertEqual(self.lines(), ["b knocked 1 more times in 60 s"])

    def test_early(self) -> None:
        """What was counted can be told before, once."""
        self.knock(times=4)
        self.lines()
        for _ in range(3):
            self.seldom.sum_up("a", AGAIN, "{who}: {count} more; enough")
            self.knock()
        self.seldom.sum_up("nobody", AGAIN, "{who}: {count} more; enough")
        self.assertEqual(self.lines(), ["a: 3 more; enough"])
        self.clock.advance(60)
        self.assertEqual(self.lines(), ["a knocked 3 more times in 60 s"])

    def test_flood(self) -> None:
        """Of a crowd some are told of, and of the others how many they are."""
        for number in range(10_000):
            self.knock(f"n{number}")
        self.assertEqual(len(self.seldom._told), 500)
        self.assertEqual(len(self.lines()), LINES)
        self.clock.advance(60)
        told = self.lines()
        self.assertEqual(told, [f"{10_000 - LINES} more such events are not told of"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_flood_that_comes_again(self) -> None:
        """Nor is more told of a crowd each of which comes often."""
        for _ in range(3):
            for number in range(1000):
                self.knock(f"n{number}")
        self.lines()
        self.clock.advance(60)
        *told, left_out = self.lines()
        self.assertLessEqual(len(told), 61)
        counted = sum(int(line.split()[2]) for line in told)
        untold = int(left_out.split()[0])
        self.assertEqual(LINES + counted + untold, 3000)

    def test_stop(self) -> None:
        """At the end all is told, and nothing waited for."""
        self.knock(times=3)
        self.clock.advance(7)
        self.lines()
        self.seldom.stop()
        self.assertEqual(self.lines(), ["a knocked 2 more times in 7 s"])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.seldom.stop()
        self.assertEqual(self.lines(), [])
