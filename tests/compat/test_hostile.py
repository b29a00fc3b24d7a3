"""
Everything that is meant to cost, sent to a running cloud over plain sockets, at the
default limits: it is refused in good time, in the words of the door; nobody else
notices, and nothing is left of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic

from euca_tw.soap.envelope import SOAP_11
from tests.compat.test_bad_input import (
    DESCRIBE,
    ENTRY,
    FORM_HEADERS,
    SERVICE,
    SOAP_HEADERS,
    BadInputCase,
    Told,
    told,
)
from tests.query.floods import FLOODS as BY_QUERY
from tests.soap.floods import FLOODS as BY_SOAP
from tests.soap.floods import UNKNOWN
from tests.soap.hostile import frame

#: The default of what one may send, less what the frame has.
SIZE = (1 << 20) - 8000
#: Only to find what hangs; see C{bench/hostile.py} for what it takes.
PATIENCE_S = 10
#: How much larger the cloud may be afterwards: what one message costs at most, and
#: is free again, a process keeps for the next, in each of its threads.
GROWN_MIB = 120
#: A head is no larger than this.
URL_SIZE = 12_000

_LEVELS = re.compile(r"\[[^]]*#(warn|error|critical)\]")


def rss_mib(pid: int) -> float:
    """How much memory a process has now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)


class HostileCase(BadInputCase):
    """One connection on which all is sent, and new ones beside it."""

    def setUp(self) -> None:
        super().setUp()
        self.connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        self.addCleanup(self.connection.close)

    def ask(
        self,
        body: bytes,
        headers: Mapping[str, str],
        method: str = "POST",
        target: str = SERVICE,
    ) -> Told:
        """On the same connection as the last."""
        self.connection.request(method, target, body, dict(headers))
        return told(self.connection.getresponse())

    def honest(self) -> bytes:
        """Made a moment from now: later than the cloud began to remember messages."""
        return self.message(age_s=-5)

    def check_unharmed(self, told_: Told) -> None:
        """An honest request was answered."""
        self.assertEqual(told_.status, 200, told_.body[:500])
        self.assertIn(b"reservationSet", told_.body)


class SoapTests(HostileCase):
    """By SOAP."""

    def test_floods(self) -> None:
        """
        Each gets its fault within seconds; the next request on the same connection
        and on another is answered; the log tells who was not let in, and no more;
        and the process is no larger than stated.
        """
        self.check_unharmed(self.ask(self.honest(), SOAP_HEADERS))
        before = rss_mib(self.cloud.pid)
        for name, (make, said) in BY_SOAP.items():
            document = make(SIZE)
            self.assertLessEqual(len(document), 1 << 20, name)
            started = monotonic()
            answer = self.ask(document, SOAP_HEADERS)
            self.assertLess(monotonic() - started, PATIENCE_S, name)
            code = "MalformedXML" if said != UNKNOWN else "AuthFailure"
            if b"InvalidSecurity" in answer.body:
                code = "InvalidSecurity"
            self.assertIn(said, self.check_fault(answer, code), name)
            self.assertLess(len(answer.body), 1500, name)
            self.check_unharmed(self.ask(self.honest(), SOAP_HEADERS))
        self.check_unharmed(self.soap(self.honest()))
        self.assertLess(rss_mib(self.cloud.pid) - before, GROWN_MIB)
        lines = self.cloud.log
        self.assertEqual(_LEVELS.findall(lines), [])
        self.assertIn("#info", lines)
        self.assertIn("was not let in", lines)
        self.assertLess(max(map(len, lines.splitlines())), 1000)

    def test_names(self) -> None:
        """New names in each of two hundred messages, 75 MB in all, are not kept."""
        self.ask(frame().filled("<n/>" * 7000), SOAP_HEADERS)
        before = rss_mib(self.cloud.pid)
        for number in range(200):
            names = "".join(f"<n{number}-{n:05}{'x' * 40}/>" for n in range(7000))
            answer = self.ask(frame().filled(names), SOAP_HEADERS)
            self.check_fault(answer, "AuthFailure")
        self.assertLess(rss_mib(self.cloud.pid) - before, 50)
        self.check_unharmed(self.ask(self.honest(), SOAP_HEADERS))

    def test_encodings(self) -> None:
        """Every encoding of every charset is refused, or is the one that it says."""
        text = (
            f'<?xml version="1.0" encoding="%s"?><s:Envelope xmlns:s="{SOAP_11}">'
            f"<s:Body>{ENTRY}</s:Body></s:Envelope>"
        )
        taken = ("utf-8", "us-ascii", "iso-8859-1", "utf-16", "utf-16le", "utf-16be")
        others = ("utf-7", "utf-32", "shift_jis", "cp037", "gb18030", "hz", "cp1252")
        for encoding in (*taken, *others):
            encoded = (text % encoding).encode(encoding)
            for charset in (None, encoding):
                kind = "text/xml" + (f"; charset={charset}" if charset else "")
                answer = self.ask(encoded, {"Content-Type": kind})
                is_marked = encoding == "utf-16" or not encoding.startswith("utf-16")
                if encoding in taken and (charset or is_marked):
                    self.check_fault(answer, "MissingAuthenticationToken")
                else:
                    self.check_fault(answer, "MalformedXML")
        self.check_unharmed(self.ask(self.honest(), SOAP_HEADERS))

    def test_signed_in_utf16(self) -> None:
        """A signed message may be written anew in UTF-16: it says the same."""
        message = self.honest().decode().replace("UTF-8", "UTF-16", 1)
        headers = {"Content-Type": "text/xml"}
        self.check_unharmed(self.ask(message.encode("utf-16"), headers))


class QueryTests(HostileCase):
    """By Query."""

    def test_floods(self) -> None:
        """Each gets its error, in the form and, as far as it goes, in the URL."""
        self.check_unharmed(self.ask(*self.signed_4(DESCRIBE)))
        before = rss_mib(self.cloud.pid)
        for name, (make, code, said) in BY_QUERY.items():
            body = make(SIZE)[: 1 << 20]
            started = monotonic()
            message = self.check_error(self.ask(*self.signed_4(body)), code, 400)
            self.assertLess(monotonic() - started, PATIENCE_S, name)
            self.assertIn(said, message, name)
            self.assertLess(len(message), 1000, name)
            unsigned = self.ask(body, FORM_HEADERS)
            self.assertIn(unsigned.status, (400, 403), name)
            self.check_unharmed(self.ask(*self.signed_4(DESCRIBE)))
        self.check_unharmed(self.send(*self.signed_4(DESCRIBE)))
        self.assertLess(rss_mib(self.cloud.pid) - before, GROWN_MIB)
        lines = self.cloud.log
        self.assertEqual(_LEVELS.findall(lines), [])
        self.assertLess(max(map(len, lines.splitlines())), 1000)

    def test_in_the_url(self) -> None:
        """The same in a URL, as long as a head may be."""
        for name, (make, _, _) in BY_QUERY.items():
            query = make(URL_SIZE)[:URL_SIZE].decode("latin-1")
            if not query.isascii():
                continue
            answer = self.send(b"", {}, "GET", f"/?{query}")
            self.assertIn(answer.status, (400, 401, 403), name)
            self.assertEqual(answer.kind, "text/xml;charset=UTF-8", name)
        for length in (70_000, 500_000):
            answer = self.raw(b"GET /?A=" + b"%41" * length + b" HTTP/1.1\r\n\r\n")
            if answer is not None:
                self.assertIn(answer.status, (400, 413, 414, 431))
        self.check_unharmed(self.ask(*self.signed_4(DESCRIBE)))
