"""
Hostile connections to a running cloud, and an honest client beside them.

The cloud's limits are small here, but for what tells clients apart: they come from
addresses of their own on loopback.
"""

from __future__ import annotations

import gzip
import re
import socket
import zlib
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

from tests.compat.cloud import Cloud, cloud_for, until
from tests.compat.test_bad_input import (
    FORM_HEADERS,
    PATIENCE_S,
    SOAP_HEADERS,
    BadInputCase,
)

CONFIGURATION = """
[limits]
connections = 400
connections_per_source = 300
head_s = 3
slowest_bytes_per_s = 4096
pending_mib = 2
requests_per_s = 0
failures_per_s = 0
"""
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
WSDL = b"GET /doc/2008-02-01/AmazonEC2.wsdl HTTP/1.1\r\nHost: a\r\n\r\n"
NOWHERE = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"
_ANSWERS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
#: See docs/operating.md, and tests/common/test_hostile.py.
MOST_HELD_KIB = 320


def post(length: int, kind: str = "application/x-www-form-urlencoded") -> bytes:
    return HEAD + f"Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n".encode()


class ConnectionsCase(BadInputCase):
    def setUp(self) -> None:
        self.cloud: Cloud = cloud_for(__name__, CONFIGURATION)
        self.port = self.cloud.port
        self.open = ExitStack()
        # Cleaned up from the last to the first: all is closed before it is asked
        # whether the cloud is well.
        self.addCleanup(self.check_well)
        self.addCleanup(self.open.close)

    def connected(self, source: str = "127.0.0.2") -> socket.socket:
        """A connection from there, till the end of the test."""
        wire = socket.create_connection(
            ("127.0.0.1", self.port), PATIENCE_S, source_address=(source, 0)
        )
        return self.open.enter_context(wire)

    def all_of(self, wire: socket.socket) -> bytes:
        """What comes till the cloud ends it."""
        got = []
        try:
            while data := wire.recv(65536):
                got.append(data)
        except ConnectionResetError:
            pass
        return b"".join(got)

    def sent(self, data: bytes, source: str = "127.0.0.2") -> bytes:
        """What is answered to these bytes, till the cloud ends the connection."""
        wire = self.connected(source)
        wire.sendall(data)
        return self.all_of(wire)

    def resident_kib(self) -> int:
        """What the cloud's process has in memory."""
        status = Path(f"/proc/{self.cloud.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1])


class SlowTests(ConnectionsCase):
    """Clients that keep connections and say little."""

    def test_slow_loris(self) -> None:
        """Hundreds of halves keep no honest client out, be it their neighbour."""
        halves = (NOWHERE[:30], post(1000), b"", post(300_000), post(1000) + b"a" * 9)
        for n in range(300):
            self.connected("127.0.0.2").sendall(halves[n % 5])
        self.check_well()
        for n in range(200):
            self.connected(f"127.0.1.{n}").sendall(halves[n % 5])
        for _ in range(5):
            self.check_well()
        neighbour = self.connected("127.0.0.2")
        neighbour.sendall(NOWHERE)
        self.assertIn(b" 404 ", neighbour.recv(65536))

    def test_kept(self) -> None:
        """A connection that is used is kept, while others come and go."""
        kept = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        self.open.callback(kept.close)
        kept.connect()
        ours = kept.sock

        def use() -> None:
            kept.request("GET", "/nowhere")
            self.assertEqual(kept.getresponse().read()[:5], b"<?xml")
            self.assertIs(kept.sock, ours)

        # Of a new one the first request is not waited for long.
        use()
        for host in range(3):
            for n in range(150):
                self.connected(f"127.0.{3 + host}.{n}").sendall(NOWHERE[: n % 30])
                # On a busy machine these alone take long.
                if n % 30 == 29:
                    use()

    def test_told(self) -> None:
        """Who does not come to an end is told that he took too long."""
        for half, words in (
            (NOWHERE[:30], b"head of the request took too long"),
            (post(1000) + b"a", b"body of the request comes too slowly"),
            (post(300_000) + b"a", b"body of the request comes too slowly"),
        ):
            told = self.sent(half)
            self.assertEqual(_ANSWERS.findall(told), [b"408"])
            self.assertIn(words, told)

    def test_gone(self) -> None:
        """Nothing is left of those that come and go."""
        for n in range(300):
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as wire:
                wire.sendall((b"", NOWHERE, post(100), b"\x16\x03")[n % 4])

        def descriptors() -> int:
            return len(list(Path(f"/proc/{self.cloud.pid}/fd").iterdir()))

        until(descriptors, lambda number: number < 100)


class LargeTests(ConnectionsCase):
    """Bodies."""

    def check_busy(self, told: bytes, kind: bytes) -> None:
        self.assertEqual(_ANSWERS.findall(told), [b"503"])
        self.assertIn(b"RequestLimitExceeded", told)
        self.assertIn(b"\r\nRetry-After: ", told)
        self.assertIn(b"\r\nContent-Type: " + kind, told)

    def test_pending(self) -> None:
        """Too many large ones are refused in EC2's words; small ones are not."""
        self.connected("127.0.0.2").sendall(post(1_000_000))
        self.check_busy(
            self.sent(post(1_000_000), "127.0.0.2"), b"text/xml;charset=UTF-8"
        )
        self.connected("127.0.0.3").sendall(post(1_000_000))
        soap = post(1_000_000, SOAP_HEADERS["Content-Type"])
        self.check_busy(self.sent(soap, "127.0.0.4"), b"text/xml; charset=utf-8")
        self.check_well()

    def test_compressed(self) -> None:
        """Nothing is ever decompressed, by either door."""
        bomb = zlib.compress(bytes(100 << 20), 9)
        for coding, body in (
            ("gzip", gzip.compress(b"Action=DescribeInstances")),
            ("deflate", bomb),
            ("gzip, gzip", b"x"),
            ("br", b"x"),
        ):
            extra = {"Content-Encoding": coding}
            answer = self.send(body, {**FORM_HEADERS, **extra})
            self.check_error(answer, "MalformedQueryString", 415)
            answer = self.send(body, {**SOAP_HEADERS, **extra})
            self.check_fault(answer, "MalformedXML", 415)
        answer = self.send(
            b"Action=x", {**FORM_HEADERS, "Content-Encoding": "identity"}
        )
        self.check_error(answer, "MissingAuthenticationToken", 403)


class PipelineTests(ConnectionsCase):
    """Many requests at once."""

    def test_thousands(self) -> None:
        """They are answered in order, and an honest client in between."""
        wire = self.connected()
        number = 3000
        lines = b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % n for n in range(number))
        wire.sendall(lines + b"GET /end HTTP/1.1\r\nConnection: close\r\n\r\n")
        self.check_well()
        told = self.all_of(wire)
        self.assertEqual(len(_ANSWERS.findall(told)), number + 1)
        asked = re.findall(rb"/(\d+)\b", re.sub(rb"</?\w+>|HTTP/1", b" ", told))
        self.assertEqual(asked, [b"%d" % n for n in range(number)])

    def test_unread(self) -> None:
        """Who reads none of his answers has few made, and little kept."""
        self.send(b"", {}, "GET", "/doc/2008-02-01/AmazonEC2.wsdl")
        before = self.resident_kib()
        number = 200
        for n in range(number):
            wire = self.connected(f"127.0.2.{n}")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.setblocking(False)
            try:
                for _ in range(20):
                    wire.send(WSDL * 500)
            except BlockingIOError:
                pass
        for _ in range(10):
            self.check_well()
        grown = self.resident_kib() - before
        self.assertLess(grown, number * MOST_HELD_KIB)

    def test_garbage_behind(self) -> None:
        """A good request is answered, what follows is refused, others unharmed."""
        for garbage in (b"garbage\r\n\r\n", b"\x00\x01", b"\x16\x03\x01", b"GET /\r\n"):
            told = self.sent(NOWHERE + garbage + NOWHERE)
            self.assertEqual(_ANSWERS.findall(told), [b"404", b"400"])
            self.check_well()


class MalformedTests(ConnectionsCase):
    """Each is told what is wrong, and the connection is ended."""

    def check_refused(self, data: bytes, status: int, words: str) -> None:
        told = self.sent(data)
        self.assertEqual(_ANSWERS.findall(told), [b"%d" % status], data[:60])
        self.assertIn(words, told.decode("latin-1"))

    def test_other_protocols(self) -> None:
        self.check_refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400, "This is TLS")
        self.check_refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "Only HTTP/1.1")
        self.check_refused(b"PROXY TCP4 1.2.3.4 1.2.3.4 5 6\r\n", 400, "PROXY")
        self.check_refused(b"GET /\r\n", 400, "first line")
        self.check_refused(b"\x00" * 1000, 400, "not HTTP")

    def test_lengths(self) -> None:
        """What is too long is told, though more of it comes all the time."""
        self.check_refused(b"GET /" + b"a" * 100_000, 414, "first line")
        self.check_refused(HEAD + b"X: " + b"a" * 100_000, 431, "longer than 16384")
        self.check_refused(HEAD + b"X: y\r\n" * 2000, 431, "more than 100 headers")

    def test_smuggling(self) -> None:
        both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.check_refused(
            HEAD + both + b"0\r\n\r\n" + NOWHERE, 400, "Transfer-Encoding"
        )
        two = b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"
        self.check_refused(HEAD + two + NOWHERE, 400, "Content-Length")

    def test_targets(self) -> None:
        """Targets of other forms are known by nobody."""
        for line, status in (
            (b"GET http://a/", b"404"),
            (b"CONNECT a:80", b"404"),
            (b"OPTIONS *", b"404"),
            (b"BREW /", b"400"),
        ):
            told = self.sent(line + b" HTTP/1.1\r\nConnection: close\r\n\r\n")
            self.assertEqual(_ANSWERS.findall(told), [status], line)

    def test_head(self) -> None:
        """HEAD is answered by a head."""
        told = self.sent(b"HEAD /nowhere HTTP/1.1\r\nConnection: close\r\n\r\n")
        self.assertTrue(told.endswith(b"\r\n\r\n"))
        self.assertEqual(told.count(b"\r\n\r\n"), 1)


del ConnectionsCase
