"""Messages that are meant to cost, at the real door."""

from __future__ import annotations

from typing import Any

from lxml import etree
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.table import EC2
from euca_tw.api.errors import ApiError, InvalidSecurity, MalformedRequest
from euca_tw.api.shapes import Operation
from euca_tw.common.web import Asked
from euca_tw.model.callers import Caller
from euca_tw.soap.bounds import OF_ANSWERS
from euca_tw.soap.door import SoapDoor, ec2_door
from euca_tw.soap.envelope import read
from euca_tw.soap.faults import Fault, read_fault
from euca_tw.soap.signed_info import EXCLUSIVE
from euca_tw.soap.wsse import OF_USERS, check_signature, read_claim
from tests.soap.floods import FLOODS
from tests.soap.hostile import ENTRY, declarations, frame, times
from tests.soap.identities import NOW
from tests.soap.messages import message
from tests.soap.wrapping.test_wrapping import Certificates

#: The default of what one may send.
MEBIBYTE = 1 << 20


class DoorCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.executed: list[str] = []
        self.door = self.make_door()

    def make_door(self) -> SoapDoor:
        clock = Clock()
        clock.advance(NOW.timestamp())

        async def dispatch(operation: Operation, caller: Caller, request: Any) -> Any:
            self.executed.append(operation.name)
            return operation.response()

        return ec2_door(EC2, dispatch, Certificates(), clock, lambda: "r" * 36)

    def send(self, document: bytes) -> tuple[int, bytes]:
        headers = {"content-type": "text/xml; charset=utf-8"}
        asked = Asked("POST", b"/", headers.get, document, "192.0.2.66")
        reply = self.successResultOf(Deferred.fromCoroutine(self.door.answer(asked)))
        return reply.status, b"".join(reply.body)

    def refused(self, document: bytes) -> Fault:
        status, answer = self.send(document)
        self.assertEqual(status, 500)
        self.assertLess(len(answer), 1500)
        found = read_fault(read(answer).entry)
        assert found is not None
        return found


class FloodTests(DoorCase):
    def test_floods(self) -> None:
        """
        Each is refused by a short answer that says why; nothing is in the log but
        who was not let in; and the honest message is taken after all of them.
        """
        for name, (make, said) in FLOODS.items():
            document = make(MEBIBYTE - 8000)
            with capturedLogs() as events:
                found = self.refused(document)
            self.assertIn(said, found.message, name)
            self.assertNotIn("root:", found.message)
            levels = [event["log_level"].name for event in events]
            self.assertEqual(levels, ["info"], name)
            told = len(str(events[0].get("reason", "")))
            self.assertLessEqual(told, 500, name)
        self.assertEqual(self.executed, [])
        status, answer = self.send(message(ENTRY.format(""), headers=()))
        self.assertEqual(status, 200, answer)
        self.assertEqual(self.executed, ["DescribeInstances"])

    def test_small_ones(self) -> None:
        """Nor is any of them taken when it is as small as other messages are."""
        for size in (1500, 6000, 40_000):
            for make, _ in FLOODS.values():
                self.refused(make(size))
        self.assertEqual(self.executed, [])


class LargerTests(SynchronousTestCase):
    """Larger than HTTP lets through, where an operator has not raised the limit."""

    def assertRefused(
        self, document: bytes, said: str, error: type[ApiError] = MalformedRequest
    ) -> None:
        refused = self.assertRaises(error, self.judge, document)
        self.assertIn(said, refused.message)
        self.assertLess(len(refused.message), 500)

    @staticmethod
    def judge(document: bytes) -> None:
        check_signature(read_claim(read(document), forms=OF_USERS))

    def test_ten_megabytes(self) -> None:
        """One attribute, text, name, comment, token of ten megabytes."""
        size = 10_000_001
        for name in ("one text", "one attribute's value", "one long name"):
            self.assertRefused(FLOODS[name][0](size), "not well-formed")
        self.assertRefused(FLOODS["one long comment"][0](size), "not well-formed")
        for name in ("a long signature", "a long token"):
            self.assertRefused(
                FLOODS[name][0](9_000_000), "65536 characters", InvalidSecurity
            )

    def test_hundred_thousand_nested(self) -> None:
        """A hundred thousand elements in each other, closed or not."""
        for inner in ("<a>" * 100_000 + "</a>" * 100_000, "<a>" * 100_000):
            self.assertRefused(frame().filled(inner), "tags")
            document = frame().filled(inner)
            refused = self.assertRaises(
                MalformedRequest, read, document, None, OF_ANSWERS
            )
            self.assertIn("depth", refused.message)

    def test_a_million(self) -> None:
        """A million of whatever there can be many of."""
        million = 1_000_000
        for inner in (
            f"<a {' '.join(f'a{n}=' + chr(39) * 2 for n in range(million))}/>",
            "<a b=''/>" * million,
            f"<a {declarations(million)}/>",
            "<a/>" * million,
            "<!---->" * million,
            "<?a?>" * million,
        ):
            self.assertRefused(frame().filled(inner), "more than 100000")
        for attribute in ("wsu:Id", "Id", "xml:id"):
            ids = "".join(f"<a {attribute}='a{n}'/>" for n in range(million))
            self.assertRefused(frame().filled(ids), "more than 100000")
        many = frame(EXCLUSIVE, "p " * 33).filled()
        self.assertRefused(many, "at most 32 prefixes", InvalidSecurity)
        named = FLOODS["a long algorithm"][0](1000)
        self.assertRefused(named, f"The algorithm '{'x' * 100}' is", InvalidSecurity)
        prefixes = FLOODS["a long list of prefixes"][0](2 * million)
        self.assertRefused(prefixes, "more than 65536 bytes", InvalidSecurity)

    def test_output(self) -> None:
        """
        What canonical XML makes of a short message is not a thousand times as long:
        a namespace that is written at every element.
        """
        document = frame().filled(
            times("<p:a/>", 300_000), attributes=f"xmlns:p='u:{'x' * 300_000}'"
        )
        self.assertRefused(document, "name of a namespace")

    def test_in_signed_info(self) -> None:
        """Nor is anything in SignedInfo that is not part of its form."""
        for place, more in (
            ("</ds:DigestValue>", "<p:a xmlns:p='u:'/>"),
            ("</ds:Reference>", "<p:a xmlns:p='u:'/>"),
            ("</ds:Transforms>", "<p:a xmlns:p='u:'/>"),
            ("</ds:SignedInfo>", "<p:a xmlns:p='u:'/>"),
            ("</ds:DigestValue>", "<!---->" * 200),
            ("</ds:Reference>", "<!---->" * 200),
        ):
            document = frame().filled().replace(place.encode(), (more + place).encode())
            refused = self.assertRaises(InvalidSecurity, self.judge, document)
            self.assertLess(len(refused.message), 500)
        root = etree.fromstring(frame(prefixes="p").filled())
        for kept in root.iter(f"{{{EXCLUSIVE}}}InclusiveNamespaces"):
            etree.SubElement(kept, "a")
        refused = self.assertRaises(InvalidSecurity, self.judge, etree.tostring(root))
        self.assertIn("and no parts", refused.message)
