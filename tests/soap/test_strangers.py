"""What the SOAP door does for who has not said who he is, and what it costs."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.table import EC2
from euca_tw.common.asked import Asked, Reply
from euca_tw.common.in_thread import PooledThreads, in_this_thread
from euca_tw.soap.door import ec2_door
from euca_tw.soap.envelope import read
from euca_tw.soap.faults import read_fault
from tests.fakes.admission import RecordingAdmission
from tests.fakes.threads import MemoryPool
from tests.soap.identities import NOW
from tests.soap.messages import message
from tests.soap.test_door import DESCRIBE, PATH, Certificates, Service


class StrangerCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW.timestamp())
        self.admission = RecordingAdmission()
        self.service = Service()
        self.open(in_this_thread)

    def open(self, in_thread: Any) -> None:
        self.door = ec2_door(
            EC2,
            self.service.dispatch,
            Certificates(),
            self.clock,
            lambda: "id",
            in_thread=in_thread,
            admission=self.admission,
        )

    def ask(self, body: bytes, **headers: str) -> Deferred[Reply]:
        given = {"content-type": "text/xml"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        asked = Asked("POST", PATH, given.get, body, "192.0.2.1")
        return Deferred.fromCoroutine(self.door.answer(asked))


class ThreadTests(StrangerCase):
    """Long messages, which are read, verified and understood in threads."""

    def setUp(self) -> None:
        super().setUp()
        self.pool = MemoryPool(max=1)
        self.threads = PooledThreads(self.pool, self.pool)
        self.open(self.threads)

    def long(self) -> bytes:
        names = "".join(f"<item><keyName>{n:0900}</keyName></item>" for n in range(60))
        return message(DESCRIBE.replace("<keySet/>", f"<keySet>{names}</keySet>"))

    def test_answered(self) -> None:
        """In three steps, each in a thread."""
        answering = self.ask(self.long())
        for _ in range(3):
            self.assertNoResult(answering)
            self.pool.perform()
        self.assertEqual(self.successResultOf(answering).status, 200)

    def test_gone(self) -> None:
        """
        At whatever step the client goes away: what has begun ends, and only then
        is it over; nothing else is done for him, and nothing waits.
        """
        for steps in range(3):
            answering = self.ask(self.long())
            for _ in range(steps):
                self.pool.perform()
            answering.cancel()
            self.assertNoResult(answering)
            self.pool.perform()
            self.failureResultOf(answering, CancelledError)
            self.assertEqual((len(self.pool.given), self.threads.waiting), (0, 0))
        self.assertEqual(self.service.asked, [])

    def test_crowd(self) -> None:
        """Many who send much and go away leave no queue."""
        body = bytes(1_000_000)
        first = self.ask(body)
        for _ in range(100):
            answering = self.ask(body)
            answering.cancel()
            self.failureResultOf(answering, CancelledError)
        self.assertEqual((len(self.pool.given), self.threads.waiting), (1, 0))
        self.pool.perform()
        self.assertEqual(self.successResultOf(first).status, 500)


class HeaderTests(StrangerCase):
    """What the door reads of HTTP."""

    def refused(self, body: bytes = b"<a/>", **headers: str) -> str:
        reply = self.successResultOf(self.ask(body, **headers))
        self.assertEqual(reply.status, 415)
        self.assertEqual(self.admission.told(), [("failed", "MalformedXML")])
        fault = read_fault(read(b"".join(reply.body)).entry)
        assert fault is not None
        return fault.message

    def test_content_type(self) -> None:
        """A type that is long, or none, is refused for that, not looked into."""
        for kind, word in (
            ('text/xml; a="' + ";" * 15_500, "256"),
            ('text/xml; a="', "cannot be read"),
            ("text/xml; charset=utf-8; charset=utf-7", "cannot be read"),
            ("text/plain", "not text/plain"),
            ("x/" + "y" * 200, f"not x/{'y' * 98}."),
        ):
            self.assertIn(word, f"{self.refused(content_type=kind)}.")

    def test_types(self) -> None:
        """A type may be written as HTTP has it."""
        for kind in (
            'Text/XML ; Charset="UTF-8"; action="a;b"',
            "application/soap+xml;charset=utf-8;",
        ):
            reply = self.successResultOf(self.ask(message(DESCRIBE), content_type=kind))
            self.assertEqual(reply.status, 200)
            self.setUp()

    def test_compressed(self) -> None:
        """What is compressed is not taken, and that is told to who keeps count."""
        self.assertIn("ompressed", self.refused(content_encoding="gzip"))

    def test_throttled(self) -> None:
        """Who may not try is told so before anything of it is looked at."""
        self.admission.refuses = "attempt"
        for headers in ({}, {"content_type": ";" * 16_000}, {"content_encoding": "x"}):
            reply = self.successResultOf(self.ask(b"<", **headers))
            self.assertEqual(reply.status, 500)
            self.assertIn(b"RequestLimitExceeded", b"".join(reply.body))


del StrangerCase
