"""Tests of L{euca_tw.clc.work}."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock, Cooperator
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.work import RequestsInWork
from euca_tw.common.in_thread import PooledThreads
from euca_tw.common.web import AnswerResource, Asked, Reply, make_site
from tests.fakes.threads import MemoryPool

BUSY = Reply(503, "text/plain", (b"busy",))
MOST = 4


def asked(peer: str = "192.0.2.1") -> Asked:
    return Asked("GET", b"/", lambda name: None, b"", peer)


def reply_of(*pieces: bytes) -> Reply:
    """An answer in pieces."""
    return Reply(200, "text/plain", iter(pieces), (("X", "y"),))


class WorkCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.waiting: list[Deferred[Reply]] = []
        self.respond: Callable[[], Any] = self.later
        self.work = RequestsInWork(self.answer, MOST, lambda asked: BUSY)

    def later(self) -> Deferred[Reply]:
        self.waiting.append(Deferred())
        return self.waiting[-1]

    async def answer(self, asked: Asked) -> Reply:
        response = self.respond()
        found: Reply = await response if isinstance(response, Deferred) else response
        return found

    def ask(self, peer: str = "192.0.2.1") -> Deferred[Reply]:
        return Deferred.fromCoroutine(self.work.answer(asked(peer)))

    def check_idle(self) -> None:
        """No place is taken, by anybody."""
        self.assertEqual((self.work.count, self.work._by_source), (0, {}))


class WorkTests(WorkCase):
    def test_at_once(self) -> None:
        """What is answered at once holds no place."""
        whole = Reply(200, "text/plain", (b"x",))
        self.respond = lambda: whole
        for _ in range(10):
            self.assertIs(self.successResultOf(self.ask()), whole)
        self.check_idle()

    def test_too_many(self) -> None:
        """One more than may be is refused, till another is answered."""
        running = [self.ask(f"192.0.2.{number}") for number in range(MOST)]
        self.assertEqual(self.work.count, MOST)
        self.assertIs(self.successResultOf(self.ask("192.0.2.99")), BUSY)
        self.waiting[0].callback(Reply(200, "text/plain", (b"x",)))
        self.successResultOf(running[0])
        self.assertNoResult(self.ask("192.0.2.99"))
        self.assertEqual(self.work.count, MOST)

    def test_half(self) -> None:
        """No source has more than half of the places."""
        running = [self.ask(f"2001:db8::{number}") for number in range(MOST)]
        refused = [each for each in running if each.called]
        self.assertEqual(len(refused), MOST - MOST // 2)
        for each in refused:
            self.assertIs(self.successResultOf(each), BUSY)
        self.assertNoResult(self.ask("192.0.2.1"))

    def test_failed(self) -> None:
        """What fails holds no place."""
        running = self.ask()
        self.waiting[0].errback(ZeroDivisionError())
        self.failureResultOf(running, ZeroDivisionError)
        self.check_idle()

    def test_cancelled(self) -> None:
        """Nor does what nobody waits for any more."""
        running = self.ask()
        running.cancel()
        self.failureResultOf(running, CancelledError)
        self.check_idle()

    def test_in_thread(self) -> None:
        """
        What nobody waits for any more, and a thread does all the same, holds its
        place till it has ended; what no thread has begun is forgotten.
        """
        pool = MemoryPool(max=1)
        in_thread = PooledThreads(pool, pool)
        self.respond = lambda: in_thread(lambda: None)
        begun = self.ask()
        begun.cancel()
        for _ in range(50):
            running = self.ask()
            running.cancel()
            self.failureResultOf(running, CancelledError)
            self.assertEqual((self.work.count, in_thread.waiting), (1, 0))
        self.assertNoResult(begun)
        pool.perform()
        self.failureResultOf(begun, CancelledError)
        self.assertEqual(len(pool.given), 0)
        self.check_idle()

    def test_in_pieces(self) -> None:
        """An answer in pieces holds its place till the last one is made."""
        self.respond = lambda: reply_of(b"a", b"b")
        reply = self.successResultOf(self.ask())
        self.assertEqual((reply.status, reply.headers), (200, (("X", "y"),)))
        pieces = iter(reply.body)
        self.assertEqual([next(pieces), next(pieces)], [b"a", b"b"])
        self.assertEqual(self.work.count, 1)
        self.assertEqual(list(pieces), [])
        self.check_idle()
        self.assertEqual(list(pieces), [])
        self.check_idle()

    def test_piece_that_fails(self) -> None:
        """A piece that cannot be made is the last one."""

        def broken() -> Iterator[bytes]:
            yield b"a"
            raise ZeroDivisionError

        self.respond = lambda: Reply(200, "text/plain", broken())
        pieces = iter(self.successResultOf(self.ask()).body)
        next(pieces)
        self.assertRaises(ZeroDivisionError, next, pieces)
        self.check_idle()

    def test_pieces_that_nobody_wants(self) -> None:
        """An answer that is thrown away, begun or not, holds no place."""
        self.respond = lambda: reply_of(b"a", b"b")
        for is_begun in (False, True):
            reply = self.successResultOf(self.ask())
            if is_begun:
                next(iter(reply.body))
            self.assertEqual(self.work.count, 1)
            del reply
            self.check_idle()

    def test_no_limit(self) -> None:
        """0 is none."""
        self.work = RequestsInWork(self.answer, 0, lambda asked: BUSY)
        for _ in range(1000):
            self.assertNoResult(self.ask())


class OnTheWireTests(WorkCase):
    """With the HTTP shell around it."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        cooperator = Cooperator(scheduler=partial(self.clock.callLater, 0.001))
        resource = AnswerResource(self.work.answer, cooperator)
        self.site = make_site(resource, 1000, self.clock)
        # What is in a circle would be held till somebody looks for circles.
        gc.disable()
        self.addCleanup(gc.enable)

    def connect(self, request: bytes) -> tuple[Any, StringTransport]:
        channel: Any = self.site.buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(request)
        return channel, transport

    def test_whole(self) -> None:
        """An answer that is sent is in work no more, of one piece or many."""
        for pieces in ((b"a",), (b"a", b"b", b"c")):
            self.respond = lambda pieces=pieces: reply_of(*pieces)
            for version in (b"1.1", b"1.0"):
                for method in (b"GET", b"HEAD"):
                    request = method + b" / HTTP/" + version + b"\r\nHost: x\r\n\r\n"
                    channel, transport = self.connect(request)
                    self.clock.pump([0.1] * 20)
                    self.assertIn(b"200 OK", transport.value())
                    self.check_idle()
                    self.close(channel)

    def close(self, channel: Any) -> None:
        channel.connectionLost(Failure(ConnectionDone()))

    def test_slow_reader(self) -> None:
        """Who does not read his answer has it in work; when he is gone, no more."""
        for version in (b"1.1", b"1.0"):
            self.respond = lambda: reply_of(*[b"x" * 1000] * 100)
            request = b"GET / HTTP/" + version + b"\r\nHost: x\r\n\r\n"
            channel, transport = self.connect(request)
            assert transport.producer is not None
            transport.producer.pauseProducing()
            self.clock.pump([1] * 10)
            self.assertEqual(self.work.count, 1)
            self.close(channel)
            del channel, transport
            self.clock.pump([0.1] * 10)
            self.check_idle()

    def test_gone(self) -> None:
        """Who leaves before he is answered has nothing in work."""
        channel, _ = self.connect(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(self.work.count, 1)
        self.close(channel)
        self.check_idle()
