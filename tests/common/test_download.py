"""Files from the web, written in a thread as they come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.error import ConnectionDone, DNSLookupError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import PotentialDataLoss, ResponseNeverReceived
from twisted.web.error import SchemeNotSupported
from twisted.web.iweb import IAgent
from twisted.web.resource import Resource
from twisted.web.server import Request
from zope.interface.verify import verifyObject

from euca_tw.common.download import Downloaded, DownloadFailed, download
from tests.fakes.web import MemoryAnswer, MemoryWeb

URL = "http://images.example/one"


class ErrorPage(Resource):
    """Never there."""

    def render_GET(self, request: Request) -> bytes:
        request.setResponseCode(503)
        return b"come again"


class DownloadTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.web = MemoryWeb()
        self.answer = MemoryAnswer()
        self.written = bytearray()
        self.waiting: list[Callable[[], None]] = []
        self.is_slow = False
        self.disk_error: Exception | None = None

    def in_thread(self, work: Callable[[], Any]) -> Deferred[Any]:
        """At once, or when the test calls L{thread}."""
        if not self.is_slow:
            return maybeDeferred(work)
        working: Deferred[Any] = Deferred()
        self.waiting.append(lambda: maybeDeferred(work).chainDeferred(working))
        return working

    def write(self, data: bytes) -> None:
        if self.disk_error is not None:
            raise self.disk_error
        self.written += data

    def thread(self) -> None:
        self.waiting.pop(0)()

    def begin(self, url: str = URL) -> Deferred[Downloaded]:
        if not self.web.pages and not self.web.answers:
            self.web.answers = [self.answer]
        return Deferred.fromCoroutine(
            download(
                self.web,
                self.clock,
                self.in_thread,
                url,
                self.write,
                largest_bytes=4 << 20,
                idle_s=60,
            )
        )

    def refusal(self, downloading: Deferred[Downloaded]) -> str:
        failure = self.failureResultOf(downloading, DownloadFailed)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        return str(failure.value)

    def test_web(self) -> None:
        """The web of these tests is asked as the real one."""
        self.assertTrue(verifyObject(IAgent, self.web))

    def test_whole(self) -> None:
        """What comes is written in order, counted, and summed up."""
        content = bytes(range(256)) * 1000
        self.web.pages[URL] = content
        got = self.successResultOf(self.begin())
        self.assertEqual(bytes(self.written), content)
        self.assertEqual(
            got,
            Downloaded(size_bytes=256_000, sha256=hashlib.sha256(content).hexdigest()),
        )
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_empty(self) -> None:
        """Nothing is a file too."""
        self.web.pages[URL] = b""
        self.assertEqual(self.successResultOf(self.begin()).size_bytes, 0)

    def test_unknown_length(self) -> None:
        """A body that ends with the connection is taken."""
        downloading = self.begin()
        self.answer.say(b"abc")
        self.answer.end(PotentialDataLoss())
        self.assertEqual(self.successResultOf(downloading).size_bytes, 3)

    def test_slow_disk(self) -> None:
        """While a megabyte is unwritten no more is read."""
        self.is_slow = True
        downloading = self.begin()
        self.answer.say(b"a")
        self.answer.say(b"b" * (1 << 20))
        self.assertEqual(self.answer.flow, [])
        self.answer.say(b"c")
        self.assertEqual(self.answer.flow, ["pause"])
        self.clock.advance(1000)
        self.thread()
        self.assertEqual(self.answer.flow, ["pause", "resume"])
        self.answer.end()
        self.assertNoResult(downloading)
        self.thread()
        self.assertEqual(self.successResultOf(downloading).size_bytes, 2 + (1 << 20))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_not_found(self) -> None:
        """What is not found is refused, and the server is not heard out."""
        self.answer = MemoryAnswer(404, b"Not Found")
        self.assertEqual(
            self.refusal(self.begin()), "the web server answered 404 Not Found"
        )
        self.assertEqual(self.answer.flow, ["stop"])

    def test_short_refusal(self) -> None:
        """A refusal that comes at once with its page is not taken for the file."""
        root = Resource()
        root.putChild(b"one", ErrorPage())
        agent = RequestTraversalAgent(root)
        downloading = Deferred.fromCoroutine(
            download(
                agent,
                self.clock,
                self.in_thread,
                URL,
                self.write,
                largest_bytes=100,
                idle_s=60,
            )
        )
        agent.flush()
        self.assertEqual(
            self.refusal(downloading), "the web server answered 503 Service Unavailable"
        )
        self.assertEqual(bytes(self.written), b"")

    def test_too_large_by_length(self) -> None:
        """What says that it is too large is not read."""
        self.answer = MemoryAnswer(length=(4 << 20) + 1)
        self.assertEqual(self.refusal(self.begin()), "it is larger than 4194304 bytes")

    def test_too_large(self) -> None:
        """What turns out to be too large is not read to its end."""
        downloading = self.begin()
        self.answer.say(b"a" * (4 << 20))
        self.answer.say(b"a")
        self.answer.say(b"a")
        self.assertEqual(self.refusal(downloading), "it is larger than 4194304 bytes")

    def test_broken_off(self) -> None:
        """Half a file is none."""
        downloading = self.begin()
        self.answer.say(b"abc")
        self.answer.end(ConnectionDone())
        self.assertEqual(self.refusal(downloading), "the web server broke off")

    def test_silence(self) -> None:
        """A server that falls silent is left."""
        downloading = self.begin()
        self.clock.advance(59)
        self.answer.say(b"abc")
        self.clock.advance(59)
        self.assertNoResult(downloading)
        self.clock.advance(1)
        self.assertEqual(self.refusal(downloading), "the web server has fallen silent")
        self.assertEqual(self.answer.flow, ["stop"])
        self.answer.end(ConnectionDone())

    def test_no_answer(self) -> None:
        """A server that does not answer at all is left."""
        self.web.answers = [Deferred()]
        downloading = self.begin()
        self.clock.advance(60)
        self.assertEqual(self.refusal(downloading), "the web server did not answer")

    def test_unreachable(self) -> None:
        """Why a server cannot be asked is told, without its address."""
        for error, told in (
            (DNSLookupError(), "the web server's name is not known"),
            (SchemeNotSupported(), "its address is no web address"),
            (ResponseNeverReceived([]), "it did not answer as a web server does"),
        ):
            self.web.answers = [error]
            self.assertEqual(self.refusal(self.begin()), told)
        self.web.is_up = False
        self.assertEqual(self.refusal(self.begin()), "the web server cannot be reached")

    def test_no_address(self) -> None:
        """What is no address is not asked for."""
        for url in ("", "ftp://x/y", "http://", "http://x:y/", "http://x/\n", "/etc"):
            self.assertEqual(
                self.refusal(self.begin(url)), "its address is no web address"
            )
        self.assertEqual(self.web.asked, [])

    def test_disk_full(self) -> None:
        """What cannot be written fails, with why, and is not read on."""

        self.disk_error = OSError(28, "No space left on device")
        for self.is_slow in (False, True):
            self.answer = MemoryAnswer()
            downloading = self.begin()
            self.answer.say(b"abc")
            self.answer.say(b"abc")
            if self.is_slow:
                self.thread()
            self.assertEqual(
                self.refusal(downloading),
                "it cannot be written: No space left on device",
            )
            self.assertEqual(self.answer.flow, ["stop"])

    def test_refused_while_writing(self) -> None:
        """The file is let go only when nothing is being written any more."""
        self.is_slow = True
        downloading = self.begin()
        self.answer.say(b"abc")
        self.answer.end(ConnectionDone())
        self.assertNoResult(downloading)
        self.thread()
        self.assertEqual(self.refusal(downloading), "the web server broke off")

    def test_cancelled(self) -> None:
        """Who needs it no more gives it up; the server is left."""
        self.is_slow = True
        downloading = self.begin()
        self.answer.say(b"abc")
        downloading.cancel()
        self.failureResultOf(downloading, CancelledError)
        self.assertEqual(self.answer.flow, ["stop"])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.answer.end(ConnectionDone())
        self.disk_error = ValueError("I/O operation on closed file")
        self.thread()

    def test_bug(self) -> None:
        """An error that nobody expects is not lost."""
        self.disk_error = ZeroDivisionError()
        downloading = self.begin()
        self.answer.say(b"abc")
        self.failureResultOf(downloading, ZeroDivisionError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
