"""Tests for L{euca_tw.soap.door}, L{euca_tw.soap.guards} and the Spyne application."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import xmlsec
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from euca_tw.api import cluster
from euca_tw.api.ec2.keypairs import (
    DescribeKeyPairs,
    DescribeKeyPairsResponse,
    KeyPairItem,
)
from euca_tw.api.ec2.table import EC2
from euca_tw.api.errors import AuthFailure, NoSuchKeyPair
from euca_tw.api.shapes import Operation
from euca_tw.common.admission import IAdmission, IAttempt
from euca_tw.common.certificate_identifiers import (
    CertificateIdentifier,
    identifiers_of,
)
from euca_tw.common.web import Asked, Reply
from euca_tw.model.callers import Caller
from euca_tw.soap import algorithms, guards
from euca_tw.soap.addressing import (
    ACTION,
    MESSAGE_ID,
    OF_REPLY,
    RECIPIENT,
    RELATES_TO,
    TO,
)
from euca_tw.soap.decoys import decoy
from euca_tw.soap.door import SoapDoor, ec2_door, tier_door
from euca_tw.soap.envelope import SOAP_11, SOAP_12, Envelope, read
from euca_tw.soap.faults import Fault, read_fault
from euca_tw.soap.interfaces import ICertificates
from euca_tw.soap.keys import PublicKey
from euca_tw.soap.signing import SHA1, Suite
from euca_tw.soap.wsse import Forms, check_signature, read_claim
from tests.fakes.admission import RecordingAdmission
from tests.soap.identities import NOW, elliptic, identity
from tests.soap.messages import altered, each_form, find, message

EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2008-02-01/"
PATH = b"/axis2/services/EucalyptusCC"
DESCRIBE = f'<DescribeKeyPairs xmlns="{EC2_NAMESPACE}"><keySet/></DescribeKeyPairs>'
TERMINATE = (
    '<TerminateInstances xmlns="http://eucalyptus.ucsb.edu/">'
    "<correlationId>c-1</correlationId><userId>u</userId>"
    "<instanceIds>i-1</instanceIds></TerminateInstances>"
)

#: What might mislead who checks a signature.
_INSERTIONS = (
    b' xmlns="relative"',
    b' xmlns:p="relative"',
    b' xml:id="Body"',
    b' Id="Body"',
    b' Id="x"',
    b' xml:lang="en"',
    b' Algorithm="urn:x"',
    b' URI="#x"',
    b"<!-- x -->",
    b"<?x?>",
    b"<![CDATA[x]]>",
    b"<x/>",
    b"&#x85;",
)

_SECOND = timedelta(seconds=1)
_ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

#: A name that no door may tell to a stranger.
SECRET = "swordfish"


@implementer(ICertificates)
class Certificates:
    """Knows alice, by two certificates of hers."""

    def __init__(self) -> None:
        self.looked_up = 0

    def caller_of(self, certificate_der: bytes, request_id: str) -> Caller | None:
        if certificate_der not in self._known():
            return None
        return Caller(account_id="1" * 12, user_name="alice", request_id=request_id)

    def certificate_of(self, identifier: CertificateIdentifier) -> bytes | None:
        self.looked_up += 1
        found = [each for each in self._known() if identifier in identifiers_of(each)]
        return found[0] if len(found) == 1 else None

    def _known(self) -> tuple[bytes, ...]:
        return identity("alice").certificate, elliptic("alice").certificate


class Service:
    """Answers by C{respond}; says what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Operation, Caller, Any]] = []
        self.cancelled = 0
        self.respond: Callable[[Operation, Any], Any] = lambda o, r: o.response()

    async def dispatch(self, operation: Operation, caller: Caller, request: Any) -> Any:
        self.asked.append((operation, caller, request))
        answer = self.respond(operation, request)
        if not isinstance(answer, Deferred):
            return answer
        try:
            return await answer
        except CancelledError:
            self.cancelled += 1
            raise


class OpenGuard:
    """Lets in everybody, as alice."""

    understood: frozenset[str] = frozenset()

    async def admit(
        self, envelope: Envelope, path: str, attempt: IAttempt
    ) -> guards.Admitted:
        alice = identity("alice").certificate
        caller = Certificates().caller_of(alice, attempt.request_id)
        assert caller is not None
        return guards._User(caller)


def asked(
    body: bytes, content_type: str | None = "text/xml; charset=utf-8", **more: Any
) -> Asked:
    headers = {"content-type": content_type, **more.pop("headers", {})}
    return Asked(
        more.get("method", "POST"),
        more.get("target", PATH),
        lambda name: headers.get(name.lower()),
        body,
        "192.0.2.1",
    )


def envelope(entry: str, soap: str = SOAP_11) -> bytes:
    return (
        f'<e:Envelope xmlns:e="{soap}"><e:Body>{entry}</e:Body></e:Envelope>'
    ).encode()


class DoorCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW.timestamp())
        self.service = Service()
        self.ids = count(1)
        self.door = self.make_door()

    def make_door(self) -> SoapDoor:
        return SoapDoor(EC2, self.service.dispatch, OpenGuard(), self.new_id)

    def new_id(self) -> str:
        return f"req-{next(self.ids)}"

    def ask(self, body: bytes, **more: Any) -> Reply:
        return self.successResultOf(
            Deferred.fromCoroutine(self.door.answer(asked(body, **more)))
        )

    def answer(self, body: bytes, **more: Any) -> etree._Element:
        reply = self.ask(body, **more)
        self.assertEqual(reply.status, 200)
        return read(b"".join(reply.body)).entry

    def fault(self, body: bytes, **more: Any) -> Fault:
        reply = self.ask(body, **more)
        self.assertEqual(reply.status, 500)
        found = read_fault(read(b"".join(reply.body)).entry)
        assert found is not None
        return found


class HttpTests(DoorCase):
    """What is said at the level of HTTP."""

    def test_other_methods(self) -> None:
        """Only POST is for messages."""
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
            reply = self.ask(b"", method=method, target=PATH + b"?wsdl")
            self.assertEqual((reply.status, reply.headers), (405, (("Allow", "POST"),)))

    def test_wsdl(self) -> None:
        """The description is got by GET, if there is one."""
        self.door = SoapDoor(
            EC2, self.service.dispatch, OpenGuard(), self.new_id, wsdl=lambda: b"<w/>"
        )
        for target in (PATH + b"?wsdl", PATH + b"?WSDL"):
            reply = self.ask(b"", method="GET", target=target)
            self.assertEqual((reply.status, b"".join(reply.body)), (200, b"<w/>"))
        for method, target in (("GET", PATH), ("PUT", PATH + b"?wsdl")):
            self.assertEqual(self.ask(b"", method=method, target=target).status, 405)

    def test_content_types(self) -> None:
        """A message is XML, of SOAP's types."""
        for kind in ("text/xml", 'Application/SOAP+XML; action="a"', "application/xml"):
            self.answer(envelope(DESCRIBE), content_type=kind)
        for kind in (None, "", "text/plain", "application/x-www-form-urlencoded"):
            reply = self.ask(envelope(DESCRIBE), content_type=kind)
            self.assertEqual(reply.status, 415)

    def test_charset(self) -> None:
        """The charset of the header is heeded."""
        body = envelope(DESCRIBE).decode().encode("utf-16-le")
        self.answer(body, content_type="text/xml; charset=utf-16le")
        self.assertEqual(
            self.fault(body, content_type="text/xml; charset=utf-7").code,
            "MalformedXML",
        )

    def test_compressed(self) -> None:
        """Compressed messages are not taken."""
        reply = self.ask(b"", headers={"content-encoding": "gzip"})
        self.assertEqual(reply.status, 415)
        self.answer(envelope(DESCRIBE), headers={"content-encoding": "identity"})


class CallTests(DoorCase):
    """From a message to an operation and back."""

    def test_answer_of_the_date(self) -> None:
        """Version, operation and parameters are found; the answer is its date's."""
        self.service.respond = lambda operation, request: DescribeKeyPairsResponse(
            key_pairs=(KeyPairItem(key_name="k & co", key_fingerprint="00"),)
        )
        for version, has_id in (("2008-02-01", False), ("2006-06-26", False)):
            namespace = f"http://ec2.amazonaws.com/doc/{version}/"
            entry = self.answer(
                envelope(
                    f'<DescribeKeyPairs xmlns="{namespace}"><keySet><item>'
                    "<keyName>k</keyName></item></keySet></DescribeKeyPairs>"
                )
            )
            self.assertEqual(entry.tag, f"{{{namespace}}}DescribeKeyPairsResponse")
            self.assertEqual(entry.findtext(f".//{{{namespace}}}keyName"), "k & co")
            self.assertEqual(
                entry.find(f"{{{namespace}}}requestId") is not None, has_id
            )
        operation, caller, request = self.service.asked[0]
        self.assertEqual(operation.name, "DescribeKeyPairs")
        self.assertEqual(caller.request_id, "req-1")
        self.assertEqual(request.key_names, ("k",))

    def test_namespace_without_slash(self) -> None:
        """The namespace may lack its slash."""
        self.answer(envelope(DESCRIBE.replace(EC2_NAMESPACE, EC2_NAMESPACE[:-1])))

    def test_soap_12(self) -> None:
        """A message in SOAP 1.2 is answered, and refused, in SOAP 1.2."""
        for entry in (DESCRIBE, DESCRIBE.replace("keySet", "keys")):
            reply = self.ask(envelope(entry, SOAP_12))
            self.assertIn("soap+xml", reply.content_type)
            self.assertEqual(read(b"".join(reply.body)).soap, SOAP_12)

    def test_refusals(self) -> None:
        """Each mistake has its code, with the path of what is wrong."""
        for entry, code, text in (
            (DESCRIBE.replace("2008-02-01", "2001-01-01"), "NoSuchVersion", "2001"),
            ("<DescribeKeyPairs/>", "NoSuchVersion", ""),
            (DESCRIBE.replace("DescribeKeyPairs", "Dance"), "InvalidAction", "Dance"),
            (
                DESCRIBE.replace("DescribeKeyPairs", "AllocateAddress").replace(
                    "2008-02-01", "2006-06-26"
                ),
                "InvalidAction",
                "AllocateAddress",
            ),
            (
                DESCRIBE.replace("keySet", "keys"),
                "UnknownParameter",
                "DescribeKeyPairs.keys",
            ),
            (
                DESCRIBE.replace("<keySet/>", ""),
                "MissingParameter",
                "DescribeKeyPairs.keySet",
            ),
        ):
            found = self.fault(envelope(entry))
            self.assertEqual(found.code, code)
            self.assertIn(text, found.message)
        self.assertEqual(self.service.asked, [])

    def test_malformed(self) -> None:
        """What is no SOAP message is refused as such."""
        for body in (b"", b"<", b"<!DOCTYPE a><a/>", envelope(""), b"\xff" * 60000):
            self.assertEqual(self.fault(body).code, "MalformedXML")

    def test_not_understood(self) -> None:
        """A header that must be understood, and is not, is refused."""
        body = envelope(DESCRIBE).replace(
            b"<e:Body>",
            b'<e:Header><x xmlns="urn:x" e:mustUnderstand="1"/></e:Header><e:Body>',
        )
        self.assertIn("not understood", self.fault(body).message)

    def test_refused_by_the_service(self) -> None:
        """A refusal is a fault, with the request id."""

        def refuse(operation: Operation, request: Any) -> Any:
            raise NoSuchKeyPair("k")

        self.service.respond = refuse
        reply = self.ask(envelope(DESCRIBE))
        body = b"".join(reply.body).decode()
        self.assertIn("aws:Client.InvalidKeyPair.NotFound", body)
        self.assertIn("<aws:RequestId>req-1</aws:RequestId>", body)

    def test_bug(self) -> None:
        """A bug is told as no more than that, and is in the log once."""

        def fail(operation: Operation, request: Any) -> Any:
            raise ZeroDivisionError(SECRET)

        self.service.respond = fail
        self.assertEqual(self.fault(envelope(DESCRIBE)).code, "InternalError")
        [logged] = self.flushLoggedErrors(ZeroDivisionError)
        self.assertTrue(logged)

    def test_unwritable(self) -> None:
        """A response that cannot be written is a bug too, not half an answer."""
        self.service.respond = lambda operation, request: 42
        self.assertEqual(self.fault(envelope(DESCRIBE)).code, "InternalError")
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)

    def test_cancelled(self) -> None:
        """Who goes away cancels what he asked for."""
        self.service.respond = lambda operation, request: Deferred()
        answering = Deferred.fromCoroutine(self.door.answer(asked(envelope(DESCRIBE))))
        self.assertNoResult(answering)
        answering.cancel()
        self.failureResultOf(answering, CancelledError)
        self.assertEqual(self.service.cancelled, 1)

    def test_long_answer(self) -> None:
        """A long answer comes in pieces, made as they are asked for."""
        self.service.respond = lambda operation, request: DescribeKeyPairsResponse(
            key_pairs=tuple(
                KeyPairItem(key_name=f"k{n}", key_fingerprint="00") for n in range(2000)
            )
        )
        pieces = list(self.ask(envelope(DESCRIBE)).body)
        self.assertGreater(len(pieces), 3)
        entry = read(b"".join(pieces)).entry
        self.assertEqual(len(entry[0]), 2000)

    def test_large_request(self) -> None:
        """A large message is read elsewhere than on the reactor."""
        done: list[str] = []

        def in_thread(work: Callable[[], Any]) -> Deferred[Any]:
            done.append("work")
            return Deferred.fromCoroutine(self.later(work))

        self.door = SoapDoor(
            EC2, self.service.dispatch, OpenGuard(), self.new_id, in_thread=in_thread
        )
        items = "".join(f"<item><keyName>k{n}</keyName></item>" for n in range(2000))
        self.answer(
            envelope(DESCRIBE.replace("<keySet/>", f"<keySet>{items}</keySet>"))
        )
        self.assertEqual(len(done), 2)
        self.assertEqual(len(self.service.asked[0][2].key_names), 2000)

    async def later(self, work: Callable[[], Any]) -> Any:
        return work()

    @settings(max_examples=300, deadline=None)
    @given(st.data())
    def test_any_bytes(self, data: st.DataObject) -> None:
        """Whatever is sent is answered, and nothing of it is a bug of ours."""
        items = "<item><keyName>a</keyName></item><item><keyName>b</keyName></item>"
        body = bytearray(
            envelope(DESCRIBE.replace("<keySet/>", f"<keySet>{items}</keySet>"))
        )
        for _ in range(data.draw(st.integers(1, 4))):
            start = data.draw(st.integers(0, len(body)))
            end = data.draw(st.integers(start, min(len(body), start + 30)))
            body[start:end] = data.draw(
                st.sampled_from([b"", b"<", b"&", b"\x00", b"<!--", b"]]>", b'"'])
                | st.binary(max_size=4)
                | st.just(bytes(body[end : end + 40]))
            )
        reply = self.ask(bytes(body))
        self.assertIn(reply.status, (200, 500))
        self.assertNotIn(b"InternalError", b"".join(reply.body))
        self.assertEqual(self.flushLoggedErrors(), [])


class UserTests(DoorCase):
    """The door for users."""

    def make_door(self) -> SoapDoor:
        self.certificates = Certificates()
        return ec2_door(
            EC2, self.service.dispatch, self.certificates, self.clock, self.new_id
        )

    def test_double(self) -> None:
        """What stands for the accounts here can do all that they can."""
        verifyObject(ICertificates, self.certificates)

    def test_let_in(self) -> None:
        """A user is known by his certificate; the answer is not signed."""
        body = message(DESCRIBE, headers=(), suite=SHA1)
        reply = self.ask(body)
        self.assertEqual(reply.status, 200)
        self.assertEqual(read(b"".join(reply.body)).headers("*"), [])
        self.assertEqual(self.service.asked[0][1].user_name, "alice")

    def test_not_let_in(self) -> None:
        """Strangers, forgers and who does not sign at all are refused."""
        for body, code in (
            (envelope(DESCRIBE), "MissingAuthenticationToken"),
            (message(DESCRIBE, by="mallory"), "AuthFailure"),
            (message(DESCRIBE).replace(b"keySet", b"keyset"), "AuthFailure"),
            (message(DESCRIBE).replace(b"#Body", b"#Bdoy"), "InvalidSecurity"),
        ):
            self.assertEqual(self.fault(body).code, code)
        self.assertEqual(self.service.asked, [])

    def test_nobody_is_told_apart(self) -> None:
        """
        Who is not known is told the same as a known user with a wrong signature, by
        whatever he is called, and whenever he signed.
        """
        known, stranger = (
            (
                message(DESCRIBE, by=evolve(identity("mallory"), token=token), now=now)
                for now in (NOW, NOW - timedelta(days=1), NOW + timedelta(days=1))
            )
            for token in (identity("alice").token, identity("mallory").token)
        )
        claiming = message(DESCRIBE, headers=(), by="mallory")
        called = [
            etree.tostring(altered(form, claiming).root)
            for by in ("alice", "mallory")
            for form in each_form(identity(by).certificate).values()
        ]
        told = {
            (found.code, found.message)
            for body in (*known, *stranger, *called)
            for found in [self.fault(body)]
        }
        self.assertEqual(told, {("AuthFailure", AuthFailure().message)})

    def test_same_work(self) -> None:
        """For who is not known a signature is checked, and in a thread if need be."""
        found: list[tuple[bool, int]] = []
        in_thread = 0

        def recording(is_elliptic: bool, size: int) -> PublicKey:
            found.append((is_elliptic, size))
            return decoy(is_elliptic, size)

        async def counted(work: Callable[[], Any]) -> Any:
            nonlocal in_thread
            in_thread += 1
            return work()

        self.patch(algorithms, "decoy", recording)
        self.door = ec2_door(
            EC2,
            self.service.dispatch,
            Certificates(),
            self.clock,
            self.new_id,
            in_thread=lambda work: Deferred.fromCoroutine(counted(work)),
        )
        self.fault(message(DESCRIBE, by="mallory"))
        self.assertEqual((set(found), in_thread), ({(False, 256)}, 0))
        items = "".join(f"<item><keyName>k{n}</keyName></item>" for n in range(2000))
        large = DESCRIBE.replace("<keySet/>", f"<keySet>{items}</keySet>")
        claiming = evolve(identity("mallory"), token=identity("alice").token)
        self.fault(message(large, by=claiming))
        as_known, in_thread = in_thread, 0
        self.fault(message(large, by="mallory"))
        self.assertEqual((as_known, in_thread), (2, 2))
        # Twice each, if a signature is no number below the modulus.
        self.assertGreaterEqual(len(found), 2)
        self.assertEqual(set(found), {(False, 256)})

    def test_only_who_holds_the_key(self) -> None:
        """learns that a message of his is too old, or was taken."""
        old = message(DESCRIBE, now=NOW - timedelta(hours=1))
        self.assertIn("expired", self.fault(old).message)
        good = message(DESCRIBE)
        self.answer(good)
        for body in (old, good):
            changed = body.replace(b"keySet", b"keyset")
            self.assertEqual(self.fault(changed).message, AuthFailure().message)

    def test_refusals_are_logged(self) -> None:
        """Who is not let in is in the log, with the reason, but no traceback."""
        with capturedLogs() as events:
            self.fault(message(DESCRIBE, by="mallory"))
        [event] = events
        self.assertEqual(
            (event["peer"], event["code"], event["request_id"]),
            ("192.0.2.1", "AuthFailure", "req-1"),
        )

    def admitted_by(self, admission: RecordingAdmission) -> None:
        self.door = ec2_door(
            EC2,
            self.service.dispatch,
            Certificates(),
            self.clock,
            self.new_id,
            admission=admission,
        )

    def test_admission_is_told(self) -> None:
        """Who keeps count is told what is shown, by whom, and how it went."""
        admission = RecordingAdmission()
        verifyObject(IAdmission, admission)
        self.admitted_by(admission)
        self.answer(message(DESCRIBE))
        alice, mallory = identity("alice").certificate, identity("mallory").certificate
        let_in = [(step, "1" * 12) for step in ("calls", "succeeded")]
        self.assertEqual(admission.told(), [("shows", alice), *let_in])
        self.assertEqual(admission.attempts[0].peer, "192.0.2.1")
        verifyObject(IAttempt, admission.attempts[0])
        for body, told in (
            (
                message(DESCRIBE, by="mallory"),
                [("shows", mallory), ("failed", "AuthFailure")],
            ),
            (
                message(DESCRIBE),
                [("shows", alice), let_in[0], ("failed", "InvalidSecurity")],
            ),
            (
                message(DESCRIBE, now=NOW - timedelta(hours=1)),
                [("shows", alice), ("failed", "InvalidSecurity")],
            ),
            (envelope(DESCRIBE), [("failed", "MissingAuthenticationToken")]),
            (b"<a", [("failed", "MalformedXML")]),
        ):
            self.fault(body)
            self.assertEqual(admission.told(), told)

    def test_admission_is_told_of_a_name(self) -> None:
        """A certificate that is only called is shown by what it is called."""
        admission = RecordingAdmission()
        self.admitted_by(admission)
        self.answer(self.in_each_form("alice")[1])
        (_, shown), _, succeeded = admission.told()
        self.assertIn(shown, identifiers_of(identity("alice").certificate))
        self.assertEqual(succeeded, ("succeeded", "1" * 12))

    def test_refusals_are_not_failures(self) -> None:
        """Of what goes wrong once it is known who asks, nobody keeps count."""
        admission = RecordingAdmission()
        self.admitted_by(admission)
        self.fault(message(DESCRIBE.replace("keySet", "keyset")))
        steps = [told for told, _ in admission.told()]
        self.assertEqual(steps, ["shows", "calls", "succeeded"])

    def test_refused_by_admission(self) -> None:
        """Whoever keeps count may refuse; nothing is asked, and little is done."""
        for step, told in (
            ("attempt", []),
            ("shows", ["shows", "failed"]),
            ("calls", ["shows", "calls", "failed"]),
            ("succeeded", ["shows", "calls", "succeeded", "failed"]),
        ):
            admission = RecordingAdmission(step)
            self.admitted_by(admission)
            now = NOW + timedelta(seconds=len(told))
            reply = self.ask(message(DESCRIBE, now=now))
            self.assertEqual(reply.headers, (("Retry-After", "1"),))
            found = read_fault(read(b"".join(reply.body)).entry)
            assert found is not None
            self.assertEqual(found.code, "RequestLimitExceeded")
            self.assertEqual(found.message, "Request limit exceeded. Enough.")
            self.assertEqual([name for name, _ in admission.told()], told)
        self.assertEqual(self.service.asked, [])

    def test_refused_unread(self) -> None:
        """What is refused at once is not even read."""
        self.admitted_by(RecordingAdmission("attempt"))
        self.assertEqual(self.fault(b"<a").code, "RequestLimitExceeded")

    def in_each_form(self, by: str, now: datetime = NOW) -> list[bytes]:
        """A message without a token, whose key is given in each other form."""
        document = message(DESCRIBE, headers=(), by=by, now=now)
        forms = each_form(identity(by).certificate).values()
        return [etree.tostring(altered(form, document).root) for form in forms]

    def test_without_token(self) -> None:
        """A certificate that is known need only be called."""
        for number in range(4):
            now = NOW + timedelta(seconds=number)
            self.answer(self.in_each_form("alice", now)[number])
        self.assertEqual(
            [caller.user_name for _, caller, _ in self.service.asked], ["alice"] * 4
        )
        self.assertEqual(self.certificates.looked_up, 3)

    def test_token_is_not_looked_up(self) -> None:
        """For a message with its token nothing is looked up."""
        self.answer(message(DESCRIBE))
        self.assertEqual(self.certificates.looked_up, 0)

    def test_called_by_a_stranger(self) -> None:
        """Who calls a certificate that is not known is told what strangers are."""
        told = {self.fault(message(DESCRIBE, by="mallory")).message}
        for body in self.in_each_form("mallory"):
            found = self.fault(body)
            self.assertEqual(found.code, "AuthFailure")
            told.add(found.message)
        self.assertEqual(len(told), 1)
        self.assertEqual(self.service.asked, [])

    def test_called_for_another(self) -> None:
        """Who calls the certificate of another, and signs with his own key, too."""
        document = message(DESCRIBE, headers=(), by="mallory")
        for form in each_form(identity("alice").certificate).values():
            body = etree.tostring(altered(form, document).root)
            self.assertEqual(self.fault(body).code, "AuthFailure")
        self.assertEqual(self.service.asked, [])

    def test_replay_in_another_form(self) -> None:
        """A message is answered once, however its key is given afterwards."""
        document = message(DESCRIBE, headers=())
        self.answer(document)
        for form in each_form(identity("alice").certificate).values():
            body = etree.tostring(altered(form, document).root)
            self.assertIn("replay", self.fault(body).message)
        self.assertEqual(len(self.service.asked), 1)

    def test_elliptic(self) -> None:
        """A user whose key is on a curve is let in, once for each message."""
        suite = Suite(
            signing=xmlsec.constants.TransformEcdsaSha256,
            digesting=xmlsec.constants.TransformSha256,
        )
        document = message(DESCRIBE, by=elliptic("alice"), suite=suite)
        self.answer(document)

        def negate(root: etree._Element) -> None:
            value = find(root, ".//ds:SignatureValue")
            decoded = b64decode(value.text or "")
            s = _ORDER_OF_P256 - int.from_bytes(decoded[32:])
            value.text = b64encode(decoded[:32] + s.to_bytes(32)).decode()

        again = etree.tostring(altered(negate, document).root)
        self.assertIn("replay", self.fault(again).message)
        self.assertEqual(len(self.service.asked), 1)

    def test_without_sha1(self) -> None:
        """Where SHA-1 is not taken, who signs by it is told its name."""
        self.door = ec2_door(
            EC2,
            self.service.dispatch,
            self.certificates,
            self.clock,
            self.new_id,
            forms=Forms(takes_sha1=False, takes_identifiers=True),
        )
        found = self.fault(message(DESCRIBE, suite=SHA1))
        self.assertEqual(found.code, "InvalidSecurity")
        self.assertIn("rsa-sha1", found.message)
        for body in (message(DESCRIBE), self.in_each_form("alice", NOW - _SECOND)[1]):
            self.answer(body)

    def test_too_late(self) -> None:
        """A message that is too old, or of the future, is refused."""
        for seconds in (-301, 301):
            now = NOW + timedelta(seconds=seconds)
            found = self.fault(message(DESCRIBE, now=now))
            self.assertEqual(found.code, "InvalidSecurity")

    def test_replay(self) -> None:
        """A message is answered once."""
        body = message(DESCRIBE)
        self.answer(body)
        self.clock.advance(200)
        self.assertIn("replay", self.fault(body).message)
        self.assertEqual(len(self.service.asked), 1)

    def test_large(self) -> None:
        """A large message is verified in a thread."""
        self.door = ec2_door(
            EC2,
            self.service.dispatch,
            Certificates(),
            self.clock,
            self.new_id,
            in_thread=lambda work: Deferred.fromCoroutine(self.later(work)),
        )
        items = "".join(f"<item><keyName>k{n}</keyName></item>" for n in range(2000))
        self.answer(message(DESCRIBE.replace("<keySet/>", f"<keySet>{items}</keySet>")))

    async def later(self, work: Callable[[], Any]) -> Any:
        return work()

    @settings(max_examples=200, deadline=None)
    @given(st.data())
    def test_any_change(self, data: st.DataObject) -> None:
        """Whatever is changed in a signed message, nothing else is asked by it."""
        body = bytearray(message(DESCRIBE, lifetime_s=299))
        if data.draw(st.booleans()):
            start = data.draw(st.integers(0, len(body) - 1))
            body[start : start + data.draw(st.integers(0, 20))] = data.draw(
                st.binary(max_size=6)
            )
        else:
            ends = [n for n, byte in enumerate(body) if byte == ord(">")]
            start = data.draw(st.sampled_from(ends)) + data.draw(st.integers(0, 1))
            body[start:start] = data.draw(st.sampled_from(_INSERTIONS))
        before = len(self.service.asked)
        self.ask(bytes(body))
        self.assertEqual(self.flushLoggedErrors(), [])
        for _, _, request in self.service.asked[before:]:
            self.assertEqual(request, DescribeKeyPairs(key_names=()))

    def test_no_seal(self) -> None:
        """Nothing that goes to a user is signed."""
        user = guards._User(Caller(account_id="", user_name=""))
        self.assertFalse(user.is_signed_for)
        self.assertRaises(AssertionError, user.seal, SOAP_11, "", "")


class TierTests(DoorCase):
    """The door for the tier above."""

    def make_door(self) -> SoapDoor:
        return tier_door(
            cluster.CLUSTER,
            self.service.dispatch,
            identity("cluster"),
            {identity("cloud").certificate: "cloud"},
            self.clock,
            self.new_id,
        )

    def message(self, entry: str = TERMINATE, by: str = "cloud", **other: str) -> bytes:
        headers = {
            "to": (TO, PATH.decode()),
            "action": (ACTION, "EucalyptusCC#TerminateInstances"),
            "message_id": (MESSAGE_ID, "urn:uuid:1"),
            "recipient": (RECIPIENT, identity("cluster").fingerprint),
        }
        for name, text in other.items():
            headers[name] = (headers[name][0], text)
        return message(entry, headers=list(headers.values()), by=by)

    def signed_reply(self, body: bytes, status: int = 200) -> Envelope:
        """The reply, verified as the cluster's to that message."""
        reply = self.ask(body)
        self.assertEqual(reply.status, status)
        found = read(b"".join(reply.body))
        claim = read_claim(found, OF_REPLY)
        self.assertEqual(claim.certificate, identity("cluster").certificate)
        check_signature(claim)
        self.assertEqual(found.headers(RELATES_TO)[0].text, "urn:uuid:1")
        return found

    def test_reply_is_signed(self) -> None:
        """A reply is signed, names its request, and echoes what it must."""
        found = self.signed_reply(self.message())
        self.assertEqual(
            found.headers(ACTION)[0].text, "EucalyptusCC#TerminateInstancesResponse"
        )
        texts = {etree.QName(e).localname: e.text for e in found.entry}
        self.assertEqual(
            texts, {"correlationId": "c-1", "userId": "u", "return": "true"}
        )
        self.assertEqual(self.service.asked[0][1].user_name, "cloud")

    def test_response_speaks_for_itself(self) -> None:
        """What the service says in a response is left as it is."""
        self.service.respond = lambda operation, request: operation.response(
            correlation_id="other", user_id="other", is_success=False
        )
        texts = [e.text for e in self.signed_reply(self.message()).entry]
        self.assertEqual(texts, ["other", "other", "false"])

    def test_original_refusal(self) -> None:
        """A refusal of an original operation is a plain response that says so."""

        def refuse(operation: Operation, request: Any) -> Any:
            raise NoSuchKeyPair("k")

        self.service.respond = refuse
        found = self.signed_reply(self.message())
        texts = {etree.QName(e).localname: e.text for e in found.entry}
        self.assertEqual(texts["return"], "false")
        self.assertIn("InvalidKeyPair.NotFound: ", texts["statusMessage"] or "")

    def test_signed_fault(self) -> None:
        """A mistake of a peer is told by a signed fault."""
        found = self.signed_reply(
            self.message(TERMINATE.replace("instanceIds", "ids")), 500
        )
        fault = read_fault(found.entry)
        assert fault is not None
        self.assertEqual(fault.code, "UnknownParameter")
        self.assertEqual(found.headers(ACTION)[0].text, "EucalyptusCC#Fault")

    def test_address_may_be_whole(self) -> None:
        """wsa:To may be a whole address with our path."""
        self.signed_reply(self.message(to="http://cc:8774" + PATH.decode()))

    def test_not_let_in(self) -> None:
        """Others, and messages for others, are refused, with nothing signed."""
        wrong = {
            "to": ("", "/axis2/services/EucalyptusNC", "http://[x"),
            "action": ("", "EucalyptusCC#RunInstances", "TerminateInstances"),
            "message_id": ("", "x" * 1000),
            "recipient": ("", identity("cloud").fingerprint),
        }
        bodies = [
            (self.message(**{name: text}), "InvalidSecurity")
            for name, texts in wrong.items()
            for text in texts
        ]
        bodies.append((self.message(by="alice"), "AuthFailure"))
        bodies += [
            (etree.tostring(altered(form, self.message()).root), "InvalidSecurity")
            for form in each_form(identity("cloud").certificate).values()
        ]
        bodies.append((message(TERMINATE, by="cloud"), "InvalidSecurity"))
        for body, code in bodies:
            reply = self.ask(body)
            found = read(b"".join(reply.body))
            self.assertEqual(found.headers("*"), [])
            fault = read_fault(found.entry)
            assert fault is not None
            self.assertEqual(fault.code, code)
        self.assertEqual(self.service.asked, [])

    def test_replay(self) -> None:
        """A message is taken once."""
        body = self.message()
        self.signed_reply(body)
        self.assertEqual(self.fault(body).code, "InvalidSecurity")

    def test_long_reply(self) -> None:
        """A long reply is written and signed in a thread."""
        done: list[str] = []

        def in_thread(work: Callable[[], Any]) -> Deferred[Any]:
            done.append("work")
            return Deferred.fromCoroutine(self.later(work))

        self.door = tier_door(
            cluster.CLUSTER,
            self.service.dispatch,
            identity("cluster"),
            {identity("cloud").certificate: "cloud"},
            self.clock,
            self.new_id,
            in_thread=in_thread,
        )
        for length in (60_000, 200_000):
            self.service.respond = lambda operation, request, length=length: (
                operation.response(status_message="x" * length)
            )
            self.signed_reply(self.message(TERMINATE.replace("c-1", f"c-{length}")))
        self.assertEqual(len(done), 2)

    async def later(self, work: Callable[[], Any]) -> Any:
        return work()
