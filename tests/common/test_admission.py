"""Tests of L{euca_tw.common.admission}."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.common.admission import (
    LOGGED,
    IAdmission,
    IAttempt,
    OpenAdmission,
    source_of,
)


class SourceTests(SynchronousTestCase):
    """Whose an address is."""

    def test_version_4(self) -> None:
        """An address of IPv4 is one source."""
        self.assertEqual(source_of("192.0.2.1"), "192.0.2.1")

    def test_version_6(self) -> None:
        """A network of IPv6 is one."""
        found = {
            source_of(f"2001:db8:0:1{end}")
            for end in ("::", "::1", ":ffff:ffff:ffff:ffff", "::1%eth0")
        }
        self.assertEqual(found, {"2001:db8:0:1::/64"})
        self.assertEqual(source_of("2001:db8:0:2::1"), "2001:db8:0:2::/64")
        self.assertEqual(source_of("::1"), "::/64")

    def test_mapped(self) -> None:
        """Where both come to one socket, an address of IPv4 is still one source."""
        self.assertEqual(source_of("::ffff:192.0.2.1"), "192.0.2.1")
        self.assertEqual(source_of("::FFFF:c000:201"), "192.0.2.1")

    def test_none(self) -> None:
        """What is no address is what it is."""
        for peer in ("", "a:b", "localhost", "x"):
            self.assertEqual(source_of(peer), peer)


class OpenAdmissionTests(SynchronousTestCase):
    """Without limits."""

    def test_interfaces(self) -> None:
        """It is what doors ask for."""
        self.assertTrue(verifyObject(IAdmission, OpenAdmission()))
        attempt = OpenAdmission().attempt("192.0.2.1", "r-1")
        self.assertTrue(verifyObject(IAttempt, attempt))

    def test_open(self) -> None:
        """Nobody is refused, and everybody who was is in the log."""
        with capturedLogs() as events:
            for number in range(1000):
                attempt = OpenAdmission().attempt("192.0.2.1", f"r-{number}")
                attempt.shows("key")
                attempt.failed("AuthFailure", "x" * 1000)
                attempt.calls("1")
                attempt.succeeded("1")
            OpenAdmission().stop()
        self.assertEqual(len(events), 1000)
        self.assertEqual(
            formatEvent(events[7]),
            f"192.0.2.1 was not let in: AuthFailure: {'x' * LOGGED} [r-7]",
        )

    def test_seldom(self) -> None:
        """Of each source one is in the log, and how many came after it."""
        clock = Clock()
        admission = OpenAdmission.seldom(clock)
        with capturedLogs() as events:
            for number in range(1000):
                peer = f"2001:db8::{number % 7}"
                attempt = admission.attempt(peer, f"r-{number}")
                attempt.failed("AuthFailure", "no")
            admission.attempt("192.0.2.2", "r-x").failed("AuthFailure", "no")
            clock.advance(59)
            self.assertEqual(len(events), 2)
            clock.advance(1)
            self.assertEqual(len(events), 3)
            admission.attempt("192.0.2.2", "r-y").failed("AuthFailure", "no")
            admission.attempt("192.0.2.2", "r-z").failed("AuthFailure", "no")
            admission.stop()
        self.assertEqual(
            [formatEvent(event) for event in events],
            [
                "2001:db8::0 was not let in: AuthFailure: no [r-0]",
                "192.0.2.2 was not let in: AuthFailure: no [r-x]",
                "2001:db8::/64 was not let in 999 more times in 60 s",
                "192.0.2.2 was not let in: AuthFailure: no [r-y]",
                "192.0.2.2 was not let in 1 more times in 0 s",
            ],
        )
        self.assertEqual(clock.getDelayedCalls(), [])


class FailureTests(SynchronousTestCase):
    """What strangers say, in the log."""

    def logged(self, reason: str) -> str:
        with capturedLogs() as events:
            OpenAdmission().attempt("192.0.2.1", "r").failed("C", reason)
        return formatEvent(events[0])

    def test_unprintable(self) -> None:
        """What is not for reading is told by its number; a line stays one line."""
        for said, told in (
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("\0\x1b[31m\x7f", "\\x00\\x1b[31m\\x7f"),
            ("\x9b2J\u2028\u202e\ud800", "\\x9b2J\\u2028\\u202e\\ud800"),
            ("caf\xe9 \u4e2d", "caf\xe9 \u4e2d"),
        ):
            line = f"192.0.2.1 was not let in: C: {told} [r]"
            self.assertEqual(self.logged(said), line)

    @given(st.text(max_size=2 * LOGGED))
    def test_any(self, reason: str) -> None:
        """Whatever is said can be printed, and is not long."""
        logged = self.logged(reason)
        self.assertTrue(logged.isprintable())
        self.assertLess(len(logged), 10 * LOGGED + 50)
