"""Tests of L{euca_tw.vnet.names.resolvers}."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis.strategies import text
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.names.resolvers import MachineResolvers, parse_resolv_conf


class ParseTests(SynchronousTestCase):
    """L{parse_resolv_conf}."""

    def test_in_order(self) -> None:
        """Name servers are told in order, three at most, and each once."""
        said = (
            "# made by hand\nsearch example.com\nnameserver\nnameserver one\n"
            "nameserver 192.0.2.2\n nameserver\t2001:db8::1 # second\n"
            "nameserver 192.0.2.2\n;nameserver 192.0.2.9\nnameserver fe80::1%eth0\n"
            "nameserver 192.0.2.4\noptions ndots:1\n"
        )
        self.assertEqual(
            parse_resolv_conf(said), ("192.0.2.2", "2001:db8::1", "fe80::1%eth0")
        )

    def test_ourselves(self) -> None:
        """Where this machine is asked itself it asks nobody."""
        self.assertEqual(parse_resolv_conf("nameserver 169.254.169.254\n"), ())

    @given(text())
    def test_any(self, said: str) -> None:
        """Whatever is in the file, three addresses at most are read of it."""
        self.assertLessEqual(len(parse_resolv_conf(said)), 3)


class MachineResolversTests(SynchronousTestCase):
    """L{MachineResolvers}."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.path.write_text("nameserver 192.0.2.1\n")
        self.clock = Clock()
        self.resolvers = MachineResolvers(self.clock, self.path)

    def test_changed(self) -> None:
        """What is written to the file counts within seconds."""
        self.assertEqual(self.resolvers(), ("192.0.2.1",))
        heir = Path(self.mktemp())
        heir.write_text("nameserver 192.0.2.22\n")
        heir.rename(self.path)
        self.assertEqual(self.resolvers(), ("192.0.2.1",))
        self.clock.advance(5)
        self.assertEqual(self.resolvers(), ("192.0.2.22",))
        self.clock.advance(5)
        self.assertEqual(self.resolvers(), ("192.0.2.22",))

    def test_not_there(self) -> None:
        """Without the file there are none; that is said once; later there may be."""
        self.path.unlink()
        with capturedLogs() as logged:
            for _ in range(3):
                self.assertEqual(self.resolvers(), ())
                self.clock.advance(5)
        self.assertEqual([each["path"] for each in logged], [str(self.path)])
        self.path.write_text("nameserver 192.0.2.3\n")
        self.assertEqual(self.resolvers(), ("192.0.2.3",))

    def test_set_back(self) -> None:
        """It is looked at after the clock was set back, too."""
        self.clock.advance(1000)
        self.resolvers()
        self.path.write_text("nameserver 192.0.2.33\n")
        self.clock.rightNow -= 900
        self.assertEqual(self.resolvers(), ("192.0.2.33",))
