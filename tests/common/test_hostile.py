"""
Connections of clients that mean no good, or know no better: both lanes of
L{euca_tw.common.channel} alike.
"""

from __future__ import annotations

import gc
import re
import tracemalloc
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.asked import Asked, Reply
from euca_tw.common.channel import BATCH, EAGER
from euca_tw.common.connections import TOLD_MOST, ConnectionLimits
from euca_tw.common.outgoing import PART
from euca_tw.common.patience import LINGER_S
from euca_tw.common.quick import MAX_HEAD, MAX_HEADERS, QUICK_BODY
from euca_tw.common.web import IDLE_S
from tests.common.wires import GET, TURN_S, Line, Wire, replying

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
#: What a client can make one connection hold, all in all; see docs/operating.md.
MOST_HELD = 320 << 10

_ANSWERS = re.compile(rb"HTTP/1\.1 (?=\d{3} )")


def post(length: int) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % length


async def echo(asked: Asked) -> Reply:
    return Reply(200, "a", (asked.body,))


class HostileCase(SynchronousTestCase):
    is_quick = True

    def wire(self, answer: Any = None, **options: Any) -> Wire:
        return Wire(answer or replying(), self.is_quick, **options)

    def check_refused(self, line: Line, sent: bytes, status: int, *words: str) -> None:
        """One refusal with these words; then nothing is heard any more."""
        last = _ANSWERS.split(sent)[-1]
        head, _, body = last.partition(b"\r\n\r\n")
        self.assertEqual(int(head[:3]), status, sent)
        self.assertIn(b"\r\nConnection: close", head)
        self.assertIn(b"\r\nContent-Length: %d" % len(body), head)
        for word in words:
            self.assertIn(word, body.decode())
        self.assertEqual(line.send(b"\r\n\r\n" + GET), b"")


class MalformedTests(HostileCase):
    """What is not HTTP, or not as it should be."""

    def refused(self, sent: bytes, status: int, *words: str) -> None:
        """Alone, byte by byte, and behind a request that is answered."""
        line = self.wire()
        self.check_refused(line, line.send(sent), status, *words)
        line = self.wire()
        told = b"".join(line.send(sent[n : n + 1]) for n in range(len(sent)))
        self.check_refused(line, told, status, *words)
        line = self.wire()
        told = line.send(GET + sent)
        self.assertTrue(told.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertEqual(len(_ANSWERS.findall(told)), 2)
        self.check_refused(line, told, status, *words)
        line.lose()

    def test_other_protocols(self) -> None:
        """Other protocols are told what is spoken here."""
        self.refused(b"\x16\x03\x01\x02\x00\x01\x00\x01", 400, "This is TLS")
        self.refused(b"\x80\x2e\x01\x00\x02", 400, "not HTTP")
        self.refused(b"\x00" * 200, 400, "not HTTP")
        self.refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "Only HTTP/1.1")
        self.refused(b"GET / HTTP/9.9\r\n\r\n", 400, "Only HTTP/1.1")
        self.refused(
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + GET, 400, "PROXY protocol"
        )

    def test_first_lines(self) -> None:
        """A request line has its three parts; HTTP/0.9's had two."""
        for line in (
            b"GET /\r\n",
            b"hello\r\n",
            b"GET  / HTTP/1.1\r\n",
            b"GET / a HTTP/1.1\r\n",
            b"GET /\x00 HTTP/1.1\r\n",
            b"GET /\xff HTTP/1.1\r\n",
            b"\r\n\r\n",
        ):
            self.refused(line, 400, "first line")

    def test_headers(self) -> None:
        """Headers that are none."""
        for line, words in (
            (b"no colon", "has no colon"),
            (b"X\x00: a", "name"),
            (b"X A: a", "name"),
            (b"X : a", "name"),
            (b": a", "name"),
            (b" folded: a", "name"),
            (b"X: \x00", "characters"),
            (b"X: a\rb", "characters"),
            (b"X: a\nY: b", "characters"),
        ):
            head = b"GET / HTTP/1.1\r\n" + line + b"\r\n\r\n"
            self.refused(head, 400, words)

    def test_folded(self) -> None:
        """A header that goes on in the next line is one header."""
        seen: list[str | None] = []

        async def answer(asked: Asked) -> Reply:
            seen.append(asked.headers("x-a"))
            return Reply(200, "a", (b"",))

        self.wire(answer).send(HEAD + b"X-A: a\r\n\t b\r\n\r\n")
        self.assertEqual(seen, ["a b"])

    def test_smuggling(self) -> None:
        """Where it is not clear where a body ends, the connection does."""
        for lines in (
            b"Content-Length: 2\r\nContent-Length: 3",
            b"Content-Length: 2\r\nContent-Length: 2",
            b"Content-Length: 2, 2",
            b"Content-Length: +2",
            b"Content-Length: 0x2",
            b"Content-Length: 2\r\n 3",
            b"Content-Length: -2",
            b"Content-Length:",
        ):
            self.refused(HEAD + lines + b"\r\n\r\nab", 400, "Content-Length")
        for lines in (
            b"Content-Length: 5\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: gzip, chunked",
            b"Transfer-Encoding: klingon",
            b"Transfer-Encoding: identity",
            b"Content-Length: 5\r\nTransfer-Encoding: identity",
        ):
            self.refused(HEAD + lines + b"\r\n\r\n0\r\n\r\n", 400, "Transfer-Encoding")
        self.refused(
            HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            400,
            "Content-Length",
        )

    def test_chunks(self) -> None:
        """Chunks that are none."""
        head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        for body, words in (
            (b"zz\r\n", "hexadecimal"),
            (b"1\r\nabc", "longer than its size"),
            (b"1;" + b"a" * 2000, "too long"),
            (b"0\r\n" + b"A: b\r\n" * 5000, "trailers are too long"),
        ):
            self.refused(head + body, 400, words)

    def test_long_heads(self) -> None:
        """What is too long is told as such, though its end is not there yet."""
        self.refused(b"GET /" + b"a" * MAX_HEAD, 414, "first line", str(MAX_HEAD))
        self.refused(HEAD + b"X: " + b"a" * MAX_HEAD, 431, "longer than", "16384")
        many = b"".join(b"X: %d\r\n" % n for n in range(MAX_HEADERS))
        self.refused(HEAD + many + b"\r\n", 431, "more than 100 headers")
        self.refused(HEAD + b"X: " + b"a\r\n b" * 4000, 431, "longer than", "16384")
        line = b"X: " + b"a" * 9000 + b"\r\n"
        self.refused(HEAD + line * 2, 431, "longer than", "16384")

    def test_longest_head(self) -> None:
        """As long, and as many, is taken."""
        wire = self.wire()
        long = GET[:-2] + b"X: " + b"a" * (MAX_HEAD - len(GET) - 5) + b"\r\n\r\n"
        many = GET[:-2] + b"X: a\r\n" * (MAX_HEADERS - 1) + b"\r\n"
        for sent in (long, many):
            self.assertIn(b"200 OK", wire.send(sent))

    def test_odd_but_right(self) -> None:
        """Other methods and targets go to who answers, as they are."""
        seen: list[tuple[str, bytes]] = []

        async def answer(asked: Asked) -> Reply:
            seen.append((asked.method, asked.target))
            return Reply(405, "a", (b"no",))

        for line in (b"CONNECT a:1", b"GET http://b/c", b"OPTIONS *", b"BREW /"):
            sent = self.wire(answer).send(line + b" HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(sent.startswith(b"HTTP/1.1 405 "))
            method, target = line.split()
            self.assertEqual(seen.pop(), (method.decode(), target))


class CarefulMalformedTests(MalformedTests):
    is_quick = False


class SlowTests(HostileCase):
    """Clients that take their time."""

    def test_head(self) -> None:
        """A head byte by byte is given up, and that is told."""
        wire = self.wire()
        for _ in range(29):
            self.assertEqual(wire.send(b"a"), b"")
            wire.clock.advance(1)
        wire.transport.clear()
        wire.clock.advance(1)
        told = wire.transport.value()
        self.check_refused(wire, told, 408, "head", "too long")
        wire.clock.advance(LINGER_S)
        self.assertTrue(wire.transport.is_cut)

    def test_second_head(self) -> None:
        """So is that of a later request, from its own first byte on."""
        wire = self.wire()
        wire.send(GET + GET[:5])
        wire.clock.advance(20)
        self.assertIn(b"200 OK", wire.send(GET[5:] + GET[:20]))
        wire.clock.advance(29)
        self.assertIn(b"200 OK", wire.send(GET[20:]))
        wire.clock.advance(31)
        wire.send(GET[:20])
        wire.transport.clear()
        wire.clock.advance(30)
        self.check_refused(wire, wire.transport.value(), 408, "head")

    def slow_body(self, start: bytes, per_s: bytes) -> tuple[Wire, int]:
        """A body that comes like that; how many seconds it was heard, of 200."""
        limits = ConnectionLimits(head_s=10, slowest_bytes_per_s=100)
        wire = self.wire(echo, most=1 << 20, limits=limits)
        wire.send(start)
        for second in range(200):
            wire.transport.clear()
            wire.clock.advance(1)
            if wire.transport.value() or wire.send(per_s):
                return wire, second + 1
        return wire, 200

    def test_body(self) -> None:
        """A body that comes too slowly is given up, however its end is told."""
        chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        for start, per_s, heard_s in (
            (post(60_000), b"a" * 50, 19),
            (post(300_000), b"a" * 50, 19),
            (chunked, b"32\r\n" + b"a" * 50 + b"\r\n", 19),
            (chunked, b"1;" + b"x" * 200 + b"\r\na\r\n", 11),
            (post(60_000), b"", 10),
        ):
            wire, second = self.slow_body(start, per_s)
            self.check_refused(wire, wire.transport.value(), 408, "too slowly")
            self.assertEqual(second, heard_s, start)

    def test_fast_enough(self) -> None:
        """One that comes fast enough is waited for."""
        for length in (12_000, 100_000):
            wire, second = self.slow_body(post(length), b"a" * (length // 120))
            self.assertIn(b"200 OK", wire.transport.value())
            self.assertGreaterEqual(second, 120)

    def test_unread(self) -> None:
        """An answer that is not taken is broken off; nothing is held for ever."""
        wire = self.wire(replying((b"a" * 1000,)))
        for request in (GET, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"):
            line = wire.narrow()
            line.channel.dataReceived(request)
            wire.clock.advance(IDLE_S)
            self.assertFalse(line.transport.is_cut)
            wire.clock.advance(IDLE_S)
            self.assertTrue(line.transport.is_cut)

    def test_read_slowly(self) -> None:
        """One that is taken little by little is not, where no rate is asked for."""
        for limits in (
            ConnectionLimits(slowest_bytes_per_s=0),
            ConnectionLimits(slowest_bytes_per_s=1),
        ):
            wire = self.wire(replying((b"a" * 20_000,)), limits=limits)
            line = wire.narrow()
            line.channel.dataReceived(GET)
            line.transport.room = 100
            for _ in range(100):
                wire.clock.advance(IDLE_S)
                line.transport.turns()
            self.assertFalse(line.transport.is_cut)
            line.transport.turns(200)
            self.assertTrue(line.transport.taken.endswith(b"a" * 20_000))

    def read(
        self, body: tuple[bytes, ...], bytes_per_s: int, slowest_bytes_per_s: int = 1000
    ) -> tuple[int, Any]:
        """
        An answer that is read as fast as that.

        @return: how many seconds it took till it was whole, or cut.
        """
        limits = ConnectionLimits(slowest_bytes_per_s=slowest_bytes_per_s)
        wire = self.wire(replying(body), limits=limits)
        line = wire.narrow()
        line.channel.dataReceived(GET)
        transport = line.transport
        size = sum(map(len, body))
        for second in range(1, 5000):
            wire.clock.advance(1)
            transport.room = bytes_per_s
            transport.turns()
            transport.room = 0
            if transport.is_cut or transport.taken.count(b"z") == size:
                return second, transport
        return 5000, transport

    def test_rate(self) -> None:
        """
        An answer that is read more slowly than a body may come is broken off,
        whether it is of one part, of many, or made while it is read.
        """
        for body in (
            (b"z" * 50_000,),
            (b"z" * 1_000_000,),
            (b"z" * 10_000,) * 100,
        ):
            for bytes_per_s, most_s in ((1, 120), (250, 180), (500, 240)):
                if bytes_per_s * most_s < len(body[0]) * len(body):
                    seconds, transport = self.read(body, bytes_per_s)
                    self.assertTrue(transport.is_cut, (bytes_per_s, len(body)))
                    self.assertLessEqual(seconds, max(most_s, 3 * IDLE_S))
                    self.assertGreater(seconds, IDLE_S)
            _, transport = self.read(body, 1100)
            self.assertFalse(transport.is_cut)
            self.assertEqual(transport.taken.count(b"z"), sum(map(len, body)))

    def test_rate_of_steps(self) -> None:
        """It is looked at whenever some of it was taken, too."""
        seconds, transport = self.read((b"z" * 5_000_000,), 5000, 10_000)
        self.assertTrue(transport.is_cut)
        self.assertLessEqual(seconds, 3 * IDLE_S)

    def test_our_time(self) -> None:
        """What we need to make more is not the client's time."""
        made: list[Deferred[Reply]] = []

        async def answer(asked: Asked) -> Reply:
            made.append(Deferred())
            return await made[-1]

        wire = self.wire(answer)
        line = wire.narrow()
        for _ in range(20):
            line.channel.dataReceived(GET)
            for _ in range(5):
                wire.clock.advance(IDLE_S)
            made.pop().callback(Reply(200, "b", (b"z" * 100_000,)))
            line.transport.room = 1 << 20
            line.transport.turns(4)
            line.transport.room = 0
        self.assertFalse(line.transport.is_cut)
        self.assertEqual(line.transport.taken.count(b"z"), 20 * 100_000)

    def test_waiting_is_free(self) -> None:
        """An answer that takes its time is no fault of the client's."""
        reply: Deferred[Reply] = Deferred()

        async def answer(asked: Asked) -> Reply:
            return await reply

        wire = self.wire(answer)
        wire.send(GET)
        for _ in range(100):
            wire.clock.advance(IDLE_S)
        reply.callback(Reply(200, "a", (b"late",)))
        self.assertIn(b"late", wire.transport.value())
        wire.clock.advance(IDLE_S)
        self.assertTrue(wire.transport.disconnecting)


class CarefulSlowTests(SlowTests):
    is_quick = False


class ManyTests(HostileCase):
    """Many connections."""

    def test_idle_makes_way(self) -> None:
        """An idle connection is closed for a new one, which is answered."""
        wire = self.wire(limits=ConnectionLimits(most=2))
        second = wire.another("192.0.2.5")
        wire.clock.advance(2)
        second.send(GET)
        third = wire.another("192.0.2.6")
        self.assertIn(b"200 OK", third.send(GET))
        self.assertTrue(wire.transport.is_cut)
        self.assertIn(b"200 OK", second.send(GET))

    def test_in_use(self) -> None:
        """One that was in use lately stays."""
        wire = self.wire(limits=ConnectionLimits(most=2))
        second = wire.another("192.0.2.5")
        wire.clock.advance(2)
        wire.send(GET)
        wire.another("192.0.2.6")
        self.assertFalse(wire.transport.is_cut)
        self.assertTrue(second.transport.is_cut)

    def test_in_parts(self) -> None:
        """One whose request came in parts is idle when it is answered, as any."""
        wire = self.wire(limits=ConnectionLimits(most=2))
        wire.send(post(10))
        self.assertIn(b"200 OK", wire.send(b"a" * 10))
        wire.clock.advance(2)
        second = wire.another("192.0.2.5")
        second.send(GET)
        wire.another("192.0.2.6")
        self.assertTrue(wire.transport.is_cut)
        self.assertFalse(second.transport.is_cut)

    def test_slow_loris(self) -> None:
        """Heads and bodies that never end lock nobody out."""
        wire = self.wire(most=1 << 20, limits=ConnectionLimits(most=50))
        slow = [wire.another(f"198.51.100.{n}") for n in range(49)]
        for n, line in enumerate(slow):
            line.send((GET[:20], post(100), post(100_000))[n % 3])
        for n in range(200):
            honest = wire.another("192.0.2.1")
            self.assertIn(b"200 OK", honest.send(GET))
            # They come again.
            wire.another(f"198.51.100.{n}").send(post(100))
        self.assertLessEqual(wire.site.connections.count, 50)

    def test_unread(self) -> None:
        """Nor do answers that nobody takes."""
        wire = self.wire(replying((b"a" * 100_000,)), limits=ConnectionLimits(most=5))
        wire.lose()
        for n in range(50):
            line = wire.narrow(0, f"198.51.100.{n}")
            line.channel.dataReceived(GET)
            self.assertIn(b"200 OK", wire.another("192.0.2.1").send(GET))
        self.assertEqual(wire.site.connections.count, 5)

    def test_dribble(self) -> None:
        """A head that comes byte by byte is no sign of being in use."""
        wire = self.wire(limits=ConnectionLimits(most=2))
        other = wire.another("192.0.2.5")
        other.send(GET)
        for _ in range(9):
            wire.clock.advance(1)
            wire.send(b"a")
        wire.clock.advance(2)
        other.send(GET)
        wire.send(b"a")
        wire.another("192.0.2.6")
        self.assertTrue(wire.transport.is_cut)
        self.assertFalse(other.transport.is_cut)

    def busy(self, **limits: Any) -> tuple[Wire, Deferred[Reply]]:
        """All that there may be are being answered."""
        reply: Deferred[Reply] = Deferred()

        async def answer(asked: Asked) -> Reply:
            return await reply if asked.target != b"/now" else Reply(200, "a", (b"",))

        wire = self.wire(answer, limits=ConnectionLimits(**limits))
        wire.send(GET)
        return wire, reply

    def test_told(self) -> None:
        """Where none can make way, the newcomer is told, and others are not hurt."""
        wire, reply = self.busy(most=1)
        newcomer = wire.another("192.0.2.5")
        told = newcomer.transport.value()
        self.check_refused(newcomer, told, 503, "There are 1 connections already")
        self.assertIn(b"\r\nRetry-After: 1\r\n", told)
        wire.clock.advance(LINGER_S)
        self.assertTrue(newcomer.transport.is_cut)
        newcomer.lose()
        reply.callback(Reply(200, "a", (b"late",)))
        self.assertIn(b"late", wire.transport.value())
        self.assertEqual(wire.site.connections.count, 1)

    def test_told_in_own_words(self) -> None:
        """The front end may say it in its own words."""

        def too_busy(kind: str | None, reason: str) -> Reply:
            return Reply(503, "text/xml", (f"<{kind}>{reason}</>".encode(),))

        wire = self.wire(limits=ConnectionLimits(most=1), too_busy=too_busy)
        wire.site.connections.answering(wire.channel._place)
        told = wire.another().transport.value()
        self.assertTrue(told.endswith(b"<None>There are 1 connections already</>"))

    def test_per_source(self) -> None:
        """Who has too many connections does not take those of others."""
        wire, _ = self.busy(most_per_source=1)
        told = wire.another().transport.value()
        self.assertIn(b"There are 1 connections from 192.168.1.1 already", told)
        self.assertIn(
            b"200 OK", wire.another("192.0.2.5").send(b"GET /now HTTP/1.1\r\n\r\n")
        )

    def test_told_most(self) -> None:
        """Too many to be told are cut off, so that these are not too many either."""
        wire, _ = self.busy(most=1)
        lines = [wire.another() for _ in range(TOLD_MOST + 5)]
        self.assertEqual([line.transport.is_cut for line in lines].count(True), 5)
        for line in lines:
            line.lose()
        self.assertFalse(wire.another().transport.is_cut)
        self.assertEqual(wire.site.connections.told, 1)

    def test_room_again(self) -> None:
        """A connection that is gone leaves its room."""
        wire, _ = self.busy(most=1)
        wire.lose()
        self.assertIn(b"200 OK", wire.another().send(b"GET /now HTTP/1.1\r\n\r\n"))


class CarefulManyTests(ManyTests):
    is_quick = False


class PendingTests(HostileCase):
    """Large bodies."""

    def setUp(self) -> None:
        self.replies: list[Deferred[Reply]] = []

        self.when_cancelled: Deferred[None] | None = None

        async def answer(asked: Asked) -> Reply:
            self.replies.append(Deferred())
            try:
                return await self.replies[-1]
            except CancelledError:
                if self.when_cancelled is not None:
                    await self.when_cancelled
                raise

        self.site_wire = self.wire(
            answer, most=1 << 20, limits=ConnectionLimits(pending_bytes=400_000)
        )

    def test_too_many(self) -> None:
        """When there are too many, the next one is refused before it is read."""
        first = self.site_wire.another("192.0.2.1")
        first.send(post(150_000))
        self.site_wire.another("192.0.2.2").send(post(150_000))
        third = self.site_wire.another("192.0.2.3")
        told = third.send(post(150_000)[:-2] + b"Expect: 100-continue\r\n\r\n")
        self.check_refused(third, told, 503, "large requests")
        self.assertNotIn(b"100 Continue", told)
        self.assertIn(b"Retry-After: 1", told)
        fourth = self.site_wire.another("192.0.2.3")
        fourth.send(post(QUICK_BODY) + b"a" * QUICK_BODY)
        self.assertEqual(len(self.replies), 1)

    def test_share(self) -> None:
        """Those of one source leave room for others."""
        self.site_wire.another("192.0.2.1").send(post(150_000))
        second = self.site_wire.another("192.0.2.1")
        self.check_refused(second, second.send(post(150_000)), 503, "large")
        self.assertEqual(self.site_wire.another("192.0.2.2").send(post(150_000)), b"")

    def test_chunked(self) -> None:
        """Where the length is not told, what came is counted."""
        self.site_wire.another("192.0.2.1").send(post(150_000))
        self.site_wire.another("192.0.2.2").send(post(150_000))
        line = self.site_wire.another("192.0.2.3")
        line.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"c350\r\n" + b"a" * 50_000 + b"\r\n"
        self.assertEqual(line.send(chunk + chunk), b"")
        self.check_refused(line, line.send(chunk), 503, "large")
        self.assertEqual(self.site_wire.site.connections.pending, 300_000)

    def test_released(self) -> None:
        """What was answered, or is lost, is counted no more."""
        connections = self.site_wire.site.connections
        line = self.site_wire.another("192.0.2.1")
        line.send(post(150_000) + b"a" * 150_000)
        self.assertEqual(connections.pending, 150_000)
        self.replies.pop().callback(Reply(200, "a", (b"",)))
        self.assertEqual(connections.pending, 0)
        line.send(post(150_000))
        line.lose()
        self.assertEqual(connections.pending, 0)

    def test_working(self) -> None:
        """
        Of one that is lost while it is worked on, which cannot be stopped, it
        counts till that has ended.
        """
        connections = self.site_wire.site.connections
        ended: Deferred[None] = Deferred()
        self.when_cancelled = ended
        line = self.site_wire.another("192.0.2.1")
        line.send(post(150_000) + b"a" * 150_000)
        line.lose()
        self.assertEqual((connections.count, connections.pending), (1, 150_000))
        again = self.site_wire.another("192.0.2.1")
        self.check_refused(again, again.send(post(150_000)), 503, "large requests")
        ended.callback(None)
        self.assertEqual(connections.pending, 0)


class CarefulPendingTests(PendingTests):
    is_quick = False


class PipelineTests(HostileCase):
    """Thousands of requests on one connection."""

    def test_turns(self) -> None:
        """They are answered in order, some in each turn, others in between."""
        number = 3000
        asked: list[bytes] = []

        async def answer(a: Asked) -> Reply:
            asked.append(a.target)
            return Reply(200, "a", (a.target,))

        wire = self.wire(answer)
        other = wire.another()
        sent = b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % n for n in range(number))
        for start in range(0, len(sent), 65536):
            wire.channel.dataReceived(sent[start : start + 65536])
        self.assertEqual(len(asked), BATCH)
        self.assertIn(b"/other", other.send(b"GET /other HTTP/1.1\r\n\r\n"))
        for turn in range(2, number // BATCH + 1):
            wire.clock.advance(TURN_S)
            self.assertEqual(len(asked), BATCH * turn + 1)
        asked.remove(b"/other")
        self.assertEqual(asked, [b"/%d" % n for n in range(number)])
        self.assertEqual(wire.transport.producerState, "producing")

    def test_two(self) -> None:
        """Two such connections take turns."""
        asked: list[bytes] = []

        async def answer(a: Asked) -> Reply:
            asked.append(a.target)
            return Reply(200, "a", (b"",))

        wire = self.wire(answer)
        wire.send(b"GET /a HTTP/1.1\r\n\r\n" * 40)
        wire.another().send(b"GET /b HTTP/1.1\r\n\r\n" * 40)
        asked.clear()
        for _ in range(4):
            wire.clock.advance(TURN_S)
        self.assertEqual(b"".join(asked), b"".join([b"/a" * BATCH, b"/b" * BATCH] * 2))

    def test_later(self) -> None:
        """Where each is waited for, no stack grows."""
        replies: list[Deferred[Reply]] = []

        async def answer(asked: Asked) -> Reply:
            replies.append(Deferred())
            return await replies[-1]

        wire = self.wire(answer)
        wire.send(GET * 1500)
        for _ in range(1500):
            replies.pop().callback(Reply(200, "a", (b"x",)))
            if not replies:
                wire.clock.advance(TURN_S)
        self.assertEqual(wire.transport.value().count(b"200 OK"), 1500)
        self.assertEqual(replies, [])

    def test_lost(self) -> None:
        """Who leaves is not answered further, and leaves nothing behind."""
        wire = self.wire()
        wire.send(GET * 50)
        wire.lose()
        wire.clock.advance(TURN_S)
        self.assertEqual(wire.transport.value().count(b"200 OK"), BATCH)
        self.assertEqual(wire.clock.getDelayedCalls(), [])

    def test_bad_end(self) -> None:
        """Garbage after many good ones is refused when they are answered."""
        wire = self.wire()
        told = wire.send(GET * 20 + b"garbage\r\n" + GET) + wire.turns(5)
        self.assertEqual(told.count(b"200 OK"), 20)
        self.check_refused(wire, told, 400, "first line")

    def test_eager(self) -> None:
        """What is sent ahead of a slow answer is not read without end."""
        replies: list[Deferred[Reply]] = []

        async def answer(asked: Asked) -> Reply:
            replies.append(Deferred())
            return await replies[-1]

        wire = self.wire(answer)
        line = wire.narrow(1 << 20)
        line.channel.dataReceived(GET)
        sent = 0
        for _ in range(500):
            while line.transport.is_read:
                line.channel.dataReceived(GET * 100)
                sent += 100
            self.assertLessEqual(sent * len(GET), EAGER + 2 * 100 * len(GET))
            replies.pop(0).callback(Reply(200, "a", (b"x",)))
            wire.clock.advance(TURN_S)
            sent -= 1

    def test_unread(self) -> None:
        """Who does not read answers is not answered, nor read, further."""
        asked: list[bytes] = []

        async def answer(a: Asked) -> Reply:
            asked.append(a.target)
            return Reply(200, "a", (b"x" * 30_000,))

        wire = self.wire(answer)
        line = wire.narrow()
        line.channel.dataReceived(GET * 100)
        for _ in range(100):
            wire.clock.advance(TURN_S)
        self.assertEqual(len(asked), 3)
        self.assertFalse(line.transport.is_read)
        line.transport.room = 1000
        for _ in range(4000):
            line.transport.turns()
            wire.clock.advance(TURN_S)
        self.assertEqual(len(asked), 100)
        self.assertEqual(line.transport.taken.count(b"200 OK"), 100)
        self.assertTrue(line.transport.is_read)


class CarefulPipelineTests(PipelineTests):
    is_quick = False


class LongAnswerTests(HostileCase):
    """Answers that are there as a whole, and long."""

    def test_parts(self) -> None:
        """One goes out as it is taken, whole, and the next request after it."""
        body = b"".join(b"%06d" % n for n in range(100_000))
        wire = self.wire(replying((body,)))
        line = wire.narrow(0)
        line.channel.dataReceived(GET + GET)
        transport = line.transport
        self.assertLessEqual(
            len(transport.dataBuffer) + transport._tempDataLen, 2 * PART + 500
        )
        transport.room = 50_000
        for _ in range(60):
            self.assertLessEqual(
                len(transport.dataBuffer) + transport._tempDataLen, 2 * PART + 500
            )
            transport.turns()
        self.assertEqual(transport.taken.count(body), 2)
        self.assertEqual(transport.taken.count(b"200 OK"), 2)

    def test_at_once(self) -> None:
        """To who takes everything it goes at once; HEAD gets none of it."""
        body = b"a" * 300_000
        wire = self.wire(replying((body,)))
        self.assertTrue(wire.send(GET).endswith(b"300000\r\n\r\n" + body))
        sent = wire.send(GET.replace(b"GET", b"HEAD"))
        self.assertTrue(sent.endswith(b"300000\r\n\r\n"))

    def test_lost(self) -> None:
        """When the client goes away in the middle, that is all."""
        wire = self.wire(replying((b"a" * 300_000,)))
        line = wire.narrow(0)
        line.channel.dataReceived(GET)
        line.lose()
        line.transport.room = 1 << 20
        line.transport.turns(5)
        wire.lose()
        self.assertEqual(wire.clock.getDelayedCalls(), [])


class CarefulLongAnswerTests(LongAnswerTests):
    is_quick = False


class EndTests(HostileCase):
    """How a connection to a TCP client ends."""

    def test_refused(self) -> None:
        """A refusal is followed by the end; what still comes is thrown away."""
        wire = self.wire()
        line = wire.narrow(10_000)
        line.channel.dataReceived(b"garbage\r\n")
        line.transport.turns()
        self.assertIn(b"HTTP/1.1 400 ", line.transport.taken)
        self.assertTrue(line.transport.is_ended)
        self.assertTrue(line.transport.is_read)
        line.channel.dataReceived(b"a" * 1000)
        wire.clock.advance(LINGER_S)
        self.assertTrue(line.transport.is_cut)

    def test_refused_unread(self) -> None:
        """So it is behind answers that were not taken yet."""
        wire = self.wire(replying((b"x" * 40_000,)))
        line = wire.narrow(0)
        line.channel.dataReceived(GET + b"garbage\r\n")
        line.transport.room = 1000
        line.transport.turns(60)
        self.assertIn(b"HTTP/1.1 400 ", line.transport.taken)
        self.assertTrue(line.transport.is_ended)


class CarefulEndTests(EndTests):
    is_quick = False


class MemoryTests(HostileCase):
    """What clients can make us hold, counted by Python's own allocator."""

    lines = 40

    def held(self, wire: Wire, *sent: bytes) -> float:
        """Bytes for each of many connections, when all of them sent that."""
        lines = []
        pieces = [
            each[n : n + 65536] for each in sent for n in range(0, len(each), 65536)
        ]
        gc.collect()
        tracemalloc.start()
        try:
            for _ in range(self.lines):
                line = wire.narrow(0)
                lines.append(line)
                for piece in pieces:
                    # As a socket's own reading makes it: bytes of its own.
                    if line.transport.is_read:
                        line.channel.dataReceived(bytes(bytearray(piece)))
            for _ in range(3 * self.lines):
                wire.clock.advance(TURN_S)
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        for line in lines:
            line.lose()
        return held / self.lines

    def waiting(self) -> Wire:
        async def answer(asked: Asked) -> Reply:
            return await Deferred()

        return self.wire(answer, most=1 << 20)

    def test_halves(self) -> None:
        """Heads and small bodies of which the end does not come."""
        small = HEAD + b"Content-Length: %d\r\n\r\n" % QUICK_BODY
        chunks = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        headers = b"".join(b"X%d: %s\r\n" % (n, b"a" * 140) for n in range(95))
        for sent in (
            b"GET /" + b"a" * (MAX_HEAD - 100),
            HEAD + headers,
            small + b"a" * (QUICK_BODY - 1),
            small[:-2] + headers + b"\r\n" + b"a" * (QUICK_BODY - 1),
            chunks + b"1;aaaaaaa\r\na\r\n" * 4000,
            chunks + b"1\r\na\r\n0\r\n" + b"a:\r\n" * 2000,
        ):
            held = self.held(self.wire(most=1 << 20), sent)
            self.assertLess(held, MOST_HELD)
            self.assertGreater(held, min(len(sent), 5_000))

    def test_ahead(self) -> None:
        """A whole request that is being answered, and all that may follow."""
        body = post(QUICK_BODY) + b"a" * QUICK_BODY
        held = self.held(self.waiting(), body, GET * 100_000)
        self.assertLess(held, MOST_HELD)
        self.assertGreater(held, len(body) + EAGER)

    def test_unread(self) -> None:
        """Answers of any length that are not read, and more requests than that."""
        for size in (10, 1000, 30_000, 60_000, 2_000_000):
            wire = self.wire(replying((b"a" * size,)))
            self.assertLess(self.held(wire, GET * 100_000), MOST_HELD)

    def test_large(self) -> None:
        """Large bodies have room in all, not for each connection."""
        limits = ConnectionLimits(pending_bytes=2 << 20)
        wire = self.wire(most=1 << 20, limits=limits)
        held = self.held(wire, post(1 << 20) + b"a" * ((1 << 20) - 1))
        self.assertLess(held * self.lines, (2 << 20) + MOST_HELD * self.lines)
        self.assertGreater(held * self.lines, 1 << 20)

    def test_nothing_left(self) -> None:
        """When they are gone, nothing is left of them."""
        wire = self.wire()
        gc.collect()
        tracemalloc.start()
        try:
            for _ in range(200):
                line = wire.narrow(0)
                line.channel.dataReceived(GET * 1000)
                line.lose()
            del line
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertLess(held, 100_000)


class CarefulMemoryTests(MemoryTests):
    is_quick = False


del HostileCase
