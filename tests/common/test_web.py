"""Tests of L{euca_tw.common.web}."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Cooperator
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.static import Data

from euca_tw.common.patience import LINGER_S
from euca_tw.common.quick import MAX_HEAD, MAX_HEADERS, QUICK_BODY
from euca_tw.common.web import IDLE_S, AnswerResource, Asked, Reply
from tests.common.wires import GET, LIMIT, Wire, replying


class WholeTests(SynchronousTestCase):
    """Answers of one piece."""

    is_quick = True

    def test_reply(self) -> None:
        """A reply of one piece carries its length, type and time."""
        self.assertEqual(
            Wire(replying(), self.is_quick).send(GET),
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
            b"Date: Mon, 23 Nov 2026 12:00:00 GMT\r\nContent-Length: 5\r\n\r\nhello",
        )

    def test_asked(self) -> None:
        """The answer sees target, headers and body as they came."""
        seen: list[Asked] = []

        async def answer(asked: Asked) -> Reply:
            seen.append(asked)
            return Reply(200, "a", ())

        Wire(answer, self.is_quick).send(
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
        wire = Wire(replying(), self.is_quick)
        self.assertEqual(wire.send(GET), wire.send(GET))
        self.assertEqual(wire.send(GET * 3).count(b"200 OK"), 3)
        self.assertFalse(wire.transport.disconnecting)

    def test_time_goes_on(self) -> None:
        """The time told is that of the reply."""
        wire = Wire(replying(), self.is_quick)
        wire.send(GET)
        wire.clock.advance(1)
        self.assertIn(b"12:00:01 GMT", wire.send(GET))

    def test_closed(self) -> None:
        """A client that wants the connection closed is told that it is."""
        wire = Wire(replying(), self.is_quick)
        sent = wire.send(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        self.assertIn(b"\r\nConnection: close\r\n", sent)
        self.assertTrue(wire.transport.disconnecting)

    def test_headers(self) -> None:
        """Further headers are sent, and can hold nothing but one line."""
        wire = Wire(
            replying(headers=(("Location", "a\r\nb: c"), ("X-A", "d"))), self.is_quick
        )
        sent = wire.send(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        for line in (b"Location: a b: c", b"X-A: d", b"Connection: close"):
            self.assertIn(b"\r\n" + line + b"\r\n", sent)

    def test_head(self) -> None:
        """HEAD is answered with the head alone."""
        wire = Wire(replying(), self.is_quick)
        sent = wire.send(GET.replace(b"GET", b"HEAD"))
        self.assertTrue(sent.endswith(b"Content-Length: 5\r\n\r\n"))

    def test_strange_status(self) -> None:
        """Any status can be said."""
        sent = Wire(replying(status=499), self.is_quick).send(GET)
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
        self.assertEqual(
            Wire(replying(), self.is_quick).site.acceptableProtocols(), [b"http/1.1"]
        )

    def test_stopped(self) -> None:
        """A site that has stopped leaves no timer behind."""
        wire = Wire(replying(), self.is_quick)
        wire.lose()
        wire.site.doStop()
        self.assertEqual(wire.clock.getDelayedCalls(), [])


class CarefulWholeTests(WholeTests):
    """Answers of one piece, in the careful lane."""

    is_quick = False


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

    is_quick = True

    def setUp(self) -> None:
        self.cancelled: list[str] = []
        self.reply: Deferred[Reply] = Deferred(lambda d: self.cancelled.append("yes"))

        async def answer(asked: Asked) -> Reply:
            return await self.reply

        self.wire = Wire(answer, self.is_quick)

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

        wire = Wire(stubborn, self.is_quick)
        wire.send(GET)
        wire.lose()
        self.assertEqual(wire.transport.value(), b"")

    def test_in_steps(self) -> None:
        """An answer may wait more than once, and for what fails."""
        waited: list[Deferred[None]] = []

        async def answer(asked: Asked) -> Reply:
            for _ in range(3):
                waited.append(Deferred())
                with contextlib.suppress(ValueError):
                    await waited[-1]
            return Reply(200, "a", (b"late",))

        wire = Wire(answer, self.is_quick)
        wire.send(GET)
        waited[0].callback(None)
        waited[1].errback(ValueError())
        self.assertEqual(wire.transport.value(), b"")
        waited[2].callback(None)
        self.assertIn(b"late", wire.transport.value())

    def test_thrown_away(self) -> None:
        """What waits for something that is forgotten is thrown away in silence."""

        async def forgotten(asked: Asked) -> Reply:
            return await Deferred()

        told: list[Any] = []
        self.patch(sys, "unraisablehook", told.append)
        wire = Wire(forgotten, self.is_quick)
        wire.send(GET)
        wire.channel._patience.stop()
        del wire
        gc.collect()
        self.assertEqual(told, [])

    def test_next(self) -> None:
        """The next request waits for the first one's answer."""
        self.wire.send(GET * 2)
        self.reply.callback(Reply(200, "a", (b"late",)))
        self.assertEqual(self.wire.transport.value().count(b"200 OK"), 2)


class CarefulWaitingTests(WaitingTests):
    """Answers that take their time, in the careful lane."""

    is_quick = False


class StreamTests(SynchronousTestCase):
    """Answers of many pieces."""

    is_quick = True

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
                yield b""
            finally:
                self.ended.append("ended")

        async def answer(asked: Asked) -> Reply:
            return Reply(201, "text/xml", body(), (("X-A", "b"),))

        self.wire = Wire(answer, self.is_quick)

    def test_pieces(self) -> None:
        """Each piece leaves in a turn of its own, as a chunk."""
        first = self.wire.send(GET) + self.wire.turns()
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


class CarefulStreamTests(StreamTests):
    """Answers of many pieces, in the careful lane."""

    is_quick = False


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

        def too_large(kind: str | None) -> Reply:
            return Reply(413, "text/xml", (f"<no {kind}/>".encode(),))

        for headers, said in (
            ((b"Content-Type: a/b", b"Content-Length: 1001"), b"<no a/b/>"),
            ((b"Content-Type: a/b", b"Content-Length: " + b"9" * 99), b"<no a/b/>"),
            ((b"Content-Length: 1001",), b"<no None/>"),
        ):
            sent = self.echo(too_large=too_large).send(self.head(*headers))
            self.assertTrue(sent.endswith(b"\r\n\r\n" + said))

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
        b"Content-Length: 2000\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"\x16\x03\x01",
        b"GET / HTTP/1.1\r\nA: b",
        b"POST / HTTP/1.1\r\nContent-Length: 900\r\n\r\n",
        b"a" * 900,
        b"X: y\r\n" * 99,
        b"X: " + b"y" * 16300 + b"\r\n",
        b"GET / HTTP/1.1\r\n\r\n" * 20,
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


class LaneTests(SynchronousTestCase):
    """Whichever lane a request takes, it is answered the same."""

    def lanes(self, sent: list[bytes]) -> list[tuple[Any, ...]]:
        """What is asked, and answered, in the one lane and in the other."""
        found = []
        for is_quick in (True, False):
            asked: list[tuple[Any, ...]] = []

            async def answer(a: Asked, asked: list[tuple[Any, ...]] = asked) -> Reply:
                names = ("Host", "x-a", "content-length", "content-type", "none")
                headers = tuple(a.headers(name) for name in names)
                asked.append((a.method, a.target, headers, a.body, a.peer))
                body = (b"a", b"b") if b"long" in a.target else (a.body,)
                status = 404 if b"404" in a.target else 200
                return Reply(status, "text/a", body, (("X-B", "c\r\nd"),))

            wire = Wire(answer, is_quick)
            answers = b""
            for data in sent:
                answers += wire.send(data) + wire.turns(4)
                while wire.site.turns._waiting:
                    answers += wire.turns(4)
            found.append((asked, answers, wire.transport.disconnecting))
        return found

    def assertAlike(self, sent: list[bytes]) -> None:
        [quick, careful] = self.lanes(sent)
        self.assertEqual(quick[0], careful[0])
        self.assertEqual(_without_order(quick[1]), _without_order(careful[1]))
        self.assertEqual(quick[2], careful[2])

    def test_alike(self) -> None:
        """Ordinary requests, alone and in a row, whole and in parts."""
        post = b"POST /404 HTTP/1.1\r\nX-A: 1\r\nx-a:2 \r\nContent-Length: 3\r\n\r\nabc"
        for sent in (
            [GET],
            [GET * 3],
            [post, GET + post, post],
            [post[:n] for n in (5,)] + [post[5:]],
            [post[n : n + 1] for n in range(len(post))],
            [post[:-2], post[-2:-1], post[-1:] + GET],
            [GET.replace(b"?", b"?long"), GET],
            [b"GET / HTTP/1.1\r\n\r\n"],
            [b"\r\n" + GET],
        ):
            self.assertAlike(sent)

    def test_special(self) -> None:
        """Requests that say something special."""
        for line in (
            b"Connection: close",
            b"Connection: Keep-Alive",
            b"Connection: TE, close",
            b"Transfer-Encoding: chunked",
            b"Expect: 100-continue",
            b"Upgrade: h2c",
            b"Content-Length: 2",
            b"Content-Length: -2",
            b"Content-Length: 2\r\nContent-Length: 2",
            b"Content-Length: +2",
            b"Content-Length: \xb2",
            b"Content-Length: 1001",
            b"Content-Length: %d" % (QUICK_BODY + 1),
            b"Content-Length: 00000000000000000000002",
            b"Content-Length : 2",
            b"X-A: a\r\n b",
            b"X-A: a\rb",
            b"X-A: \x00",
            b"X A: b",
            b"no colon",
            b"Transfer-Encoding: identity",
            b"Content-Length: 2\r\nTransfer-Encoding: chunked",
            b"X: " + b"a" * MAX_HEAD,
            b"\r\n".join([b"X: a"] * MAX_HEADERS),
            b"\r\n".join([b"X: a"] * (MAX_HEADERS + 1)),
        ):
            self.assertAlike([b"POST /a HTTP/1.1\r\n" + line + b"\r\n\r\nab" + GET])

    def test_first_lines(self) -> None:
        """Requests of other methods, versions, or none."""
        for line in (
            b"HEAD /a HTTP/1.1",
            b"DELETE /a HTTP/1.1",
            b"GET /a HTTP/1.0",
            b"GET /a HTTP/2",
            b"GET  /a HTTP/1.1",
            b"GET /\xff HTTP/1.1",
            b"GET /%s HTTP/1.1" % (b"a" * MAX_HEAD),
            b"hello",
        ):
            self.assertAlike([line + b"\r\nHost: a\r\n\r\n" + GET])

    def test_longest(self) -> None:
        """Heads around the longest one, to the byte."""
        for more in range(-3, 4):
            start = b"GET / HTTP/1.1\r\nX: "
            fill = b"a" * (MAX_HEAD - len(start) - 4 + more)
            self.assertAlike([start + fill + b"\r\n\r\n"])
            answers = self.lanes([start + fill + b"\r\n\r\n"])[0][1]
            self.assertEqual(b" 431 " in answers, more > 0, more)

    @given(st.lists(st.one_of(LINES, st.sampled_from([GET, b"Host: a\r\n"]))))
    def test_any(self, sent: list[bytes]) -> None:
        """Whatever is sent, in one part or in many."""
        self.assertAlike([b"".join(sent)])
        self.assertAlike(sent)


def _without_order(sent: bytes) -> list[list[bytes]]:
    """Answers, their headers in no order."""
    return [sorted(part.split(b"\r\n")) for part in sent.split(b"HTTP/1.1 ")]


class QuickTests(SynchronousTestCase):
    """What is the quick lane's own."""

    def setUp(self) -> None:
        self.replies: list[Deferred[Reply]] = []

        async def answer(asked: Asked) -> Reply:
            self.replies.append(Deferred())
            return await self.replies[-1]

        self.wire = Wire(answer, idle_s=10)

    def reply(self) -> bytes:
        self.wire.transport.clear()
        self.replies.pop(0).callback(Reply(200, "a", (b"late",)))
        return self.wire.transport.value()

    def test_head_without_end(self) -> None:
        """A head that does not end is refused, not kept."""
        sent = self.wire.send(b"GET /" + b"a" * (MAX_HEAD - 5))
        self.assertEqual(sent, b"")
        sent = self.wire.send(b"a" * MAX_HEAD)
        self.assertTrue(sent.startswith(b"HTTP/1.1 414 "))
        self.assertEqual(self.wire.send(b"\r\n\r\n" + GET), b"")

    def test_one_after_the_other(self) -> None:
        """The next request is asked when the one before is answered."""
        self.wire.send(GET)
        self.wire.send(GET + GET)
        self.assertEqual(len(self.replies), 1)
        self.assertIn(b"late", self.reply())
        self.assertEqual(len(self.replies), 1)
        self.reply()
        self.reply()
        self.assertEqual(self.replies, [])

    def test_eager(self) -> None:
        """Who sends on and on without waiting for answers must wait."""
        self.wire.send(GET)
        self.wire.send(b"a" * 70000)
        self.assertEqual(self.wire.transport.producerState, "paused")
        self.reply()
        self.assertEqual(self.wire.transport.producerState, "producing")

    def test_not_idle(self) -> None:
        """A connection is idle when nothing comes and nothing is answered."""
        self.wire.clock.advance(9)
        self.wire.send(GET[:5])
        self.wire.clock.advance(9)
        self.wire.send(GET[5:])
        self.wire.clock.advance(50)
        self.reply()
        self.wire.clock.advance(9)
        self.assertFalse(self.wire.transport.disconnecting)
        self.wire.clock.advance(10)
        self.assertTrue(self.wire.transport.disconnecting)

    def test_never_idle(self) -> None:
        """Where there is no time-out, there is none."""
        wire = Wire(replying(), idle_s=None)
        wire.send(GET)
        wire.clock.advance(1e6)
        self.assertFalse(wire.transport.disconnecting)

    def test_some_not_answered(self) -> None:
        """What a resource keeps for itself, it renders itself."""

        class Mixed(AnswerResource):
            def is_answered(self, target: bytes) -> bool:
                return target != b"/own"

            def render(self, request: Any) -> int:
                assert request.path == b"/own"
                request.write(b"own")
                request.finish()
                return 1

        wire = Wire(Mixed(replying(), Cooperator()))
        self.assertIn(b"hello", wire.send(GET))
        self.assertIn(b"own", wire.send(b"GET /own HTTP/1.1\r\n\r\n"))
