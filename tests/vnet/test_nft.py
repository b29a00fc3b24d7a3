"""Tests of L{euca_tw.vnet.nft}, with a C{nft} that the test plays."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.in_thread import in_this_thread
from euca_tw.vnet.filter_settings import Tracking
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.nft import Nft
from tests.fakes.processes import MemoryProcess, MemoryProcessReactor
from tests.vnet.test_nft_listing import a_set, listing

NOT_THERE = b"Error: No such file or directory; did you mean table x in family y?"


class NftTests(SynchronousTestCase):
    """What is asked of C{nft}, and what its answers mean."""

    def setUp(self) -> None:
        self.reactor = MemoryProcessReactor()
        self.is_shown = True
        self.nft = Nft(self.reactor, in_this_thread, lambda: self.is_shown)

    def last(self) -> MemoryProcess:
        return self.reactor.processes[-1]

    def answer(self, text: bytes) -> None:
        self.last().say(text)
        self.last().end()

    def refuse(self, text: bytes) -> None:
        self.last().complain(text)
        self.last().end(1)

    def failure(self, waiting: Deferred[object]) -> str:
        return str(self.failureResultOf(waiting, NetworkFailed).value)

    def begun(self, work: Coroutine[Any, Any, object]) -> Deferred[object]:
        return Deferred.fromCoroutine(work)

    def test_tracking(self) -> None:
        """Where the kernel takes the trial, bridges follow connections."""
        asked = self.begun(self.nft.tracking())
        self.assertEqual(self.last().command, ("nft", "-c", "-f", "-"))
        self.assertIn(b"ct state established", self.last().stdin)
        self.answer(b"")
        self.assertIs(self.successResultOf(asked), Tracking.BRIDGE)

    def test_tracking_by_ip(self) -> None:
        """Where it does not, IP does, if bridges can show it their packets."""
        asked = self.begun(self.nft.tracking())
        self.refuse(b"Error: Could not process rule: Protocol error")
        self.assertIs(self.successResultOf(asked), Tracking.IP)

    def test_no_tracking(self) -> None:
        """Where nobody follows connections, it is said what to load."""
        self.is_shown = False
        asked = self.begun(self.nft.tracking())
        self.refuse(b"Error: Could not process rule: Protocol error")
        self.assertIn("modprobe br_netfilter", self.failure(asked))

    def test_advice(self) -> None:
        """Of what goes wrong it is said what to do."""
        for said, advice in (
            (b"/dev/stdin:1:1: Error: Operation not permitted\nmore", "run it as root"),
            (b"Error: syntax error, unexpected", "nft is too old"),
            (b"Error: Operation not supported", "the kernel lacks a part"),
            (b"Error: No space left on device", "No space left on device"),
        ):
            for work in (self.nft.tracking, self.nft.found, self.nft.remove):
                asked = self.begun(work())
                self.refuse(said)
                text = self.failure(asked)
                self.assertIn(advice, text)
                self.assertNotIn("more", text)
                self.assertNotIn("nft -", text)

    def test_found(self) -> None:
        """Both tables are read, and nothing of a stranger's."""
        asked = self.begun(self.nft.found())
        for family, listed in (
            ("bridge", a_set("bridged_routers", "10.0.1.1")),
            ("inet", a_set("routers", "10.0.1.1")),
        ):
            self.assertEqual(
                self.last().command,
                ("nft", "-j", "-n", "list", "table", family, "euca_tw_vnet"),
            )
            self.answer(listing(listed, {"chain": {"name": "version_1"}}))
        found: Any = self.successResultOf(asked)
        self.assertEqual(found.version, "version_1")
        self.assertEqual({*found.filters.values()}, {frozenset({"10.0.1.1"})})
        self.assertEqual(len(self.reactor.processes), 2)

    def test_not_all(self) -> None:
        """One table of two, two of different versions, or unreadable: none."""
        asked = self.begun(self.nft.found())
        self.answer(listing())
        self.refuse(NOT_THERE)
        self.assertIsNone(self.successResultOf(asked))
        asked = self.begun(self.nft.found())
        self.answer(listing({"chain": {"name": "version_1"}}))
        self.answer(listing({"chain": {"name": "version_2"}}))
        self.assertIsNone(self.successResultOf(asked))
        asked = self.begun(self.nft.found())
        self.answer(b"{")
        self.assertIsNone(self.successResultOf(asked))

    def test_load(self) -> None:
        """A text is one transaction; of a refused one the first line is told."""
        asked = self.begun(self.nft.load("text"))
        self.assertEqual(self.last().stdin, b"text")
        self.answer(b"")
        self.successResultOf(asked)
        asked = self.begun(self.nft.load("text"))
        self.refuse(b"/dev/stdin:1:30-57: Error: Could not process rule: File exists")
        self.assertIn("File exists", self.failure(asked))

    def test_remove(self) -> None:
        """Those that are there are removed; that one is not is no failure."""
        asked = self.begun(self.nft.remove())
        self.refuse(NOT_THERE)
        self.assertEqual(
            self.last().command, ("nft", "delete", "table", "inet", "euca_tw_vnet")
        )
        self.answer(b"")
        self.assertEqual(self.successResultOf(asked), ("table inet euca_tw_vnet",))
