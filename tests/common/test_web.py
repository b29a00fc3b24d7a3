"""Tests of L{euca_tw.common.web}."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock, Cooperator
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.static import Data

from euca_tw.common.web import (
    IDLE_S,
    LINGER_S,
    Answer,
    AnswerResource,
    Asked,
    Reply,
    make_site,
)

LIMIT = 1000
TURN_S = 0.001
NOON = 1795435200.0  # Mon, 23 Nov 2026 12:00:00 GMT


class Transport(StringTransport):
    """Tells whether it was closed or cut."""

    is_cut = False

    def abortConnection(self) -> None:
        self.is_cut = True
        self.loseConnection()


class Wire:
    """One connection to a site that answers with what it is given."""

    def __init__(self, answer: Answer | Resource, **options: Any) -> None:
        self.clock = Clock()
        self.clock.advance(NOON)
        self.steps: list[Callable[[], None]] = []

        def later(step: Callable[[], None]) -> Any:
            return self.clock.callLater(TURN_S, step)

        cooperator = Cooperator(
            scheduler=later, terminationPredicateFactory=lambda: lambda: True
        )
        resource = (
            answer
            if isinstance(answer, Resource)
            else AnswerResource(answer, cooperator)
        )
        self.site = make_site(resource, LIMIT, self.clock, **options)
        self.site.doStart()
        self.channel: Any = self.site.buildProtocol(None)
        self.transport = Transport()
        self.channel.makeConnection(self.transport)

    def send(self, data: bytes) -> bytes:
        """What comes back at once."""
        self.transport.clear()
        if not self.transport.disconnecting:
            self.channel.dataReceived(data)
        return self.transport.value()

    def turns(self, number: int = 1) -> bytes:
        """What comes in so many turns of the reactor."""
        self.transport.clear()
        for _ in range(number):
            self.clock.advance(TURN_S)
        return self.transport.value()

    def lose(self) -> None:
        self.channel.connectionLost(Failure(ConnectionDone()))


def replying(
    body: Iterable[bytes] = (b"hello",),
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    async def answer(asked: Asked) -> Reply:
        return Reply(status, "text/plain", body, headers)

    return answer


GET = b"GET /a%20b?c=d HTTP/1.1\r\nHost: cloud:8773\r\n\r\n"


class WholeTests(SynchronousTestCase):
    """Answers of one piece."""

    def test_reply(self) -> None:
        """A reply of one piece carries its length, type and time."""
        self.assertEqual(
            Wire(replying()).send(GET),
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
            b"Date: Mon, 23 Nov 2026 12:00:00 GMT\r\nContent-Length: 5\r\n\r\nhello",
        )

    def test_asked(self) -> None:
        """The answer sees target, headers and body as they came."""
        seen: list[Asked] = []

        async def answer(asked: Asked) -> Reply:
            seen.append(asked)
            return Reply(200, "a", ())

        Wire(answer).send(
            b"POST /a%20b?c=d;e HTTP/1.1\r\nhOST: cloud\r\nX-A: 1 \r\nx-a:\t\xff\r\n"
            b"Content-Length: 3\r\nCookie: a=b\r\n\r\n\x00=%"
        )
        [asked] = seen
        self.assertEqual(
            (asked.method, asked.target, asked.body, asked.peer),
            ("POST", b"/a%20b?c=d;e", b"\x00=%", "192.168.1.1"),
        )
        self.assertEqual(
            [asked.headers(n) for n in ("Host", "x-A", "none", "a b", "\u4e2d")],
            ["cloud", "1,\xff", None, None, None],
        )

    def test_kept_alive(self) -> None:
        """A connection answers one request after the other."""
        wire = Wire(replying())
        self.assertEqual(wire.send(GET), wire.send(GET))
        self.assertEqual(wire.send(GET * 3).count(b"200 OK"), 3)
        self.assertFalse(wire.transport.disconnecting)

    def test_time_goes_on(self) -> None:
        """The time told is that of the reply."""
        wire = Wire(replying())
        wire.send(GET)
        wire.clock.advance(1)
        self.assertIn(b"12:00:01 GMT", wire.send(GET))

    def test_closed(self) -> None:
        """A client that wants the connection closed is told that it is."""
        wire = Wire(replying())
        sent = wire.send(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        self.assertIn(b"\r\nConnection: close\r\n", sent)
        self.assertTrue(wire.transport.disconnecting)

    def test_headers(self) -> None:
        """Further headers are sent, and can hold nothing but one line."""
        wire = Wire(replying(headers=(("Location", "a\r\nb: c"), ("X-A", "d"))))
        sent = wire.send(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        for line in (b"Location: a b: c", b"X-A: d", b"Connection: close"):
            self.assertIn(b"\r\n" + line + b"\r\n", sent)

    def test_head(self) -> None:
        """HEAD is answered with the head alone."""
        wire = Wire(replying())
        sent = wire.send(GET.replace(b"GET", b"HEAD"))
        self.assertTrue(sent.endswith(b"Content-Length: 5\r\n\r\n"))

    def test_strange_status(self) -> None:
        """Any status can be said."""
        sent = Wire(replying(status=499)).send(GET)
        self.assertTrue(sent.startswith(b"HTTP/1.1 499 Unknown Status\r\n"))

    def test_tree(self) -> None:
        """An answer may hang in a tree of resources."""
        wire = Wire(Resource())
        tree = wire.site.resource
        tree.putChild(b"data", Data(b"some", "text/plain"))
        tree.putChild(b"here", AnswerResource(replying(), Cooperator()))
        self.assertIn(b"\r\n\r\nsome", wire.send(b"GET /data HTTP/1.1\r\n\r\n"))
        self.assertIn(b"hello", wire.send(b"GET /here/a/b?c HTTP/1.1\r\n\r\n"))

    def test_protocols(self) -> None:
        """Only the protocol that we speak is offered under TLS."""
        self.assertEqual(Wire(replying()).site.acceptableProtocols(), [b"http/1.1"])

    def test_stopped(self) -> None:
        """A site that has stopped leaves no timer behind."""
        wire = Wire(replying())
        wire.lose()
        wire.site.doStop()
        self.assertEqual(wire.clock.getDelayedCalls(), [])


class FailureTests(SynchronousTestCase):
    """Answers that fail."""

    def test_failure(self) -> None:
        """A failure is told as such, without its text, and logged once."""

        async def answer(asked: Asked) -> Reply:
            raise ValueError("secret")

        sent = Wire(answer).send(GET)
        self.assertTrue(sent.startswith(b"HTTP/1.1 500 "))
        self.assertNotIn(b"secret", sent)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_failing_body(self) -> None:
        """A body that fails before its second piece has not been begun."""

        def body() -> Iterator[bytes]:
            yield b"a"
            raise ValueError

        sent = Wire(replying(body())).send(GET)
        self.assertTrue(sent.startswith(b"HTTP/1.1 500 "))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_cancelled_by_itself(self) -> None:
        """An answer that gives up while the client waits is a failure."""

        async def answer(asked: Asked) -> Reply:
            raise CancelledError

        sent = Wire(answer).send(GET)
        self.assertTrue(sent.startswith(b"HTTP/1.1 500 "))
        self.assertEqual(len(self.flushLoggedErrors(CancelledError)), 1)


class WaitingTests(SynchronousTestCase):
    """Answers that take their time."""

    def setUp(self) -> None:
        self.cancelled: list[str] = []
        self.reply: Deferred[Reply] = Deferred(lambda d: self.cancelled.append("yes"))

        async def answer(asked: Asked) -> Reply:
            return await self.reply

        self.wire = Wire(answer)

    def test_later(self) -> None:
        """An answer comes when it is there, however long it takes."""
        self.assertEqual(self.wire.send(GET), b"")
        self.wire.clock.advance(IDLE_S * 2)
        self.reply.callback(Reply(200, "a", (b"late",)))
        self.assertIn(b"\r\n\r\nlate", self.wire.transport.value())

    def test_gone(self) -> None:
        """The answer to a client that went away is cancelled, silently."""
        self.wire.send(GET)
        self.wire.lose()
        self.assertEqual(self.cancelled, ["yes"])

    def test_gone_but_answered(self) -> None:
        """An answer that will not be cancelled goes nowhere."""

        async def stubborn(asked: Asked) -> Reply:
            try:
                await self.reply
            except CancelledError:
                return Reply(200, "a", (b"late",))
            raise AssertionError("not cancelled")

        wire = Wire(stubborn)
        wire.send(GET)
        wire.lose()
        self.assertEqual(wire.transport.value(), b"")

    def test_next(self) -> None:
        """The next request waits for the first one's answer."""
        self.wire.send(GET * 2)
        self.reply.callback(Reply(200, "a", (b"late",)))
        self.assertEqual(self.wire.transport.value().count(b"200 OK"), 2)


class StreamTests(SynchronousTestCase):
    """Answers of many pieces."""

    def setUp(self) -> None:
        self.made: list[int] = []
        self.ended: list[str] = []
        self.fails_at: int | None = None

        def body() -> Iterator[bytes]:
            try:
                for n in range(5):
                    if n == self.fails_at:
                        raise ValueError("broken")
                    self.made.append(n)
                    yield b"<%d>" % n
            finally:
                self.ended.append("ended")

        async def answer(asked: Asked) -> Reply:
            return Reply(201, "text/xml", body(), (("X-A", "b"),))

        self.wire = Wire(answer)

    def test_pieces(self) -> None:
        """Each piece leaves in a turn of its own, as a chunk."""
        head = self.wire.send(GET)
        self.assertEqual(head, b"")
        first = self.wire.turns()
        for line in (
            b"HTTP/1.1 201 Created",
            b"Date: Mon, 23 Nov 2026 12:00:00 GMT",
            b"Content-Type: text/xml",
            b"X-A: b",
            b"Transfer-Encoding: chunked",
        ):
            self.assertIn(line + b"\r\n", first)
        self.assertTrue(first.endswith(b"\r\n\r\n3\r\n<0>\r\n"))
        self.assertEqual(self.made, [0, 1])
        self.assertEqual(self.wire.turns(), b"3\r\n<1>\r\n")
        self.assertTrue(self.wire.turns(5).endswith(b"3\r\n<4>\r\n0\r\n\r\n"))
        self.assertIn(b"201", self.wire.send(GET) + self.wire.turns())

    def test_old_client(self) -> None:
        """A client of HTTP/1.0 gets no chunks; the end closes."""
        self.wire.send(GET.replace(b"1.1", b"1.0"))
        self.assertTrue(self.wire.turns(7).endswith(b"\r\n\r\n<0><1><2><3><4>"))
        self.assertTrue(self.wire.transport.disconnecting)

    def test_slow_client(self) -> None:
        """While the client does not read, nothing is made."""
        self.wire.send(GET)
        self.wire.channel.resumeProducing()
        self.wire.channel.pauseProducing()
        self.wire.channel.pauseProducing()
        self.assertEqual(self.wire.turns(5), b"")
        self.wire.channel.resumeProducing()
        self.assertTrue(self.wire.turns(7).endswith(b"0\r\n\r\n"))

    def test_gone(self) -> None:
        """When the client goes away, no further piece is made."""
        self.wire.send(GET)
        self.wire.turns(2)
        self.wire.channel.stopProducing()
        self.wire.lose()
        self.wire.turns(3)
        self.assertEqual(self.made, [0, 1])

    def test_broken(self) -> None:
        """A failure after the first byte cuts the connection, and is logged once."""
        self.fails_at = 3
        self.wire.send(GET)
        self.assertNotIn(b"0\r\n\r\n", self.wire.turns(7))
        self.assertTrue(self.wire.transport.is_cut)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.wire.lose()

    def test_head(self) -> None:
        """HEAD makes no more of a long answer than is needed, and tells no length."""
        sent = self.wire.send(GET.replace(b"GET", b"HEAD"))
        self.assertTrue(sent.startswith(b"HTTP/1.1 201 "))
        self.assertNotIn(b"Content-Length", sent)
        self.assertEqual(self.made, [0, 1])


class BodyTests(SynchronousTestCase):
    """Bodies, and those that are too large."""

    def head(self, *lines: bytes) -> bytes:
        return b"\r\n".join((b"POST / HTTP/1.1", *lines, b"", b""))

    def echo(self, **options: Any) -> Wire:
        async def answer(asked: Asked) -> Reply:
            return Reply(200, "a", (asked.body,))

        return Wire(answer, **options)

    def test_announced(self) -> None:
        """A body of the largest size is taken."""
        wire = self.echo()
        wire.send(self.head(b"Content-Length: %d" % LIMIT) + b"a" * (LIMIT - 1))
        self.assertTrue(wire.send(b"b").endswith(b"\r\n\r\n" + b"a" * 999 + b"b"))

    def test_too_large(self) -> None:
        """One byte more is refused before any is read, and not continued."""
        wire = self.echo()
        sent = wire.send(
            self.head(b"Content-Length: %d" % (LIMIT + 1), b"Expect: 100-continue")
        )
        self.assertTrue(sent.startswith(b"HTTP/1.1 413 "))
        self.assertIn(b"larger than 1000 bytes", sent)
        self.assertNotIn(b"100 Continue", sent)

    def test_own_words(self) -> None:
        """A front end may say in its own words that it is too large."""
        wire = self.echo(too_large=Reply(413, "text/xml", (b"<no/>",)))
        sent = wire.send(self.head(b"Content-Length: 1001"))
        self.assertTrue(sent.endswith(b"\r\n\r\n<no/>"))

    def test_continue(self) -> None:
        """A client that asks before it sends is told to go on."""
        wire = self.echo()
        sent = wire.send(self.head(b"Content-Length: 1", b"Expect: 100-continue"))
        self.assertEqual(sent, b"HTTP/1.1 100 Continue\r\n\r\n")

    def test_chunked(self) -> None:
        """A body in chunks is put together."""
        wire = self.echo()
        wire.send(self.head(b"Transfer-Encoding: chunked"))
        sent = wire.send(b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
        self.assertTrue(sent.endswith(b"\r\n\r\nabc"))

    def test_too_many_chunks(self) -> None:
        """Chunks are refused as soon as they are too many."""
        wire = self.echo()
        wire.send(self.head(b"Transfer-Encoding: chunked"))
        chunk = b"190\r\n" + b"a" * 400 + b"\r\n"
        self.assertEqual(wire.send(chunk * 2), b"")
        sent = wire.send(chunk * 3 + b"0\r\n\r\n" + GET)
        self.assertTrue(sent.startswith(b"HTTP/1.1 413 "))
        self.assertEqual(sent.count(b"HTTP/1.1"), 1)

    def test_lingering(self) -> None:
        """Who goes on sending after that is heard no more, and soon cut off."""
        wire = self.echo()
        wire.send(self.head(b"Content-Length: 1001"))
        wire.clock.advance(LINGER_S - 1)
        self.assertEqual(wire.send(b"a" * 1001 + GET), b"")
        self.assertFalse(wire.transport.is_cut)
        wire.clock.advance(1)
        self.assertTrue(wire.transport.is_cut)

    def test_absurd_length(self) -> None:
        """A length of five thousand digits is too large like any other."""
        sent = self.echo().send(self.head(b"content-length:  " + b"9" * 5000))
        self.assertTrue(sent.startswith(b"HTTP/1.1 413 "))

    def test_absurd_length_among_others(self) -> None:
        """Wherever it stands, there is one refusal."""
        wire = self.echo()
        absurd = b"Content-Length: " + b"9" * 5000
        sent = wire.send(self.head(absurd, absurd, b"Host: a") + GET)
        self.assertEqual(sent.count(b"HTTP/1.1"), 1)

    def test_no_length(self) -> None:
        """What is no number is a bad request."""
        sent = self.echo().send(self.head(b"Content-Length: " + b"-" * 30))
        self.assertTrue(sent.startswith(b"HTTP/1.1 400 "))


class IdleTests(SynchronousTestCase):
    """Connections that nothing comes from."""

    def test_idle(self) -> None:
        """A silent connection is closed after a while."""
        wire = Wire(replying(), idle_s=7)
        wire.send(GET)
        wire.clock.advance(6)
        self.assertFalse(wire.transport.disconnecting)
        wire.clock.advance(1)
        self.assertTrue(wire.transport.disconnecting)


LINES = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n",
        b"POST /x?y HTTP/1.1\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 100000\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b" folded\r\n",
        b"\r\n",
        b"5\r\nabcde\r\n",
        b"0\r\n\r\n",
        b"\x00\xff:\r\n",
    ]
)


class GarbageTests(SynchronousTestCase):
    """What is not HTTP."""

    @given(st.lists(st.one_of(LINES, st.binary()), max_size=30))
    def test_garbage(self, sent: list[bytes]) -> None:
        """Whatever a client sends, nothing is raised."""
        wire = Wire(replying())
        for data in sent:
            wire.send(data)
        wire.lose()
        self.assertEqual(wire.clock.getDelayedCalls(), [])
