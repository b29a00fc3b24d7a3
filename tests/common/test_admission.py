"""Tests of L{euca_tw.common.admission}."""

from __future__ import annotations

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
                attempt.succeeded("1")
        self.assertEqual(len(events), 1000)
        self.assertEqual(
            formatEvent(events[7]),
            f"192.0.2.1 was not let in: AuthFailure: {'x' * LOGGED} [r-7]",
        )
