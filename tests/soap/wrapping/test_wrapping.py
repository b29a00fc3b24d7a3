"""Hostile messages at the real door: none does harm, each for its own reason."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from euca_tw.api.ec2.table import EC2
from euca_tw.api.shapes import Operation
from euca_tw.common.certificate_identifiers import (
    CertificateIdentifier,
    identifiers_of,
)
from euca_tw.common.web import Asked
from euca_tw.model.callers import Caller
from euca_tw.soap.door import ec2_door
from euca_tw.soap.envelope import read
from euca_tw.soap.faults import Fault, read_fault
from euca_tw.soap.interfaces import ICertificates
from tests.soap.identities import NOW, elliptic, identity, twin
from tests.soap.messages import each_form, message
from tests.soap.wrapping.corpus import Hostile, corpus
from tests.soap.wrapping.elliptic import HONEST as ELLENS
from tests.soap.wrapping.elliptic import honest as ellens
from tests.soap.wrapping.honest import (
    EVIL,
    INSTANCE,
    LATE_S,
    REPLAYED,
    STALE,
    honest,
    insecure,
)
from tests.soap.wrapping.identifiers import HONEST as TOMS
from tests.soap.wrapping.identifiers import honest as toms
from tests.soap.wrapping.naive import USERS, flaw
from tests.soap.wrapping.replays import HARMLESS

#: Who, what, and to which instances.
Executed = tuple[str, str, tuple[str, ...]]

HONEST: Executed = ("alice", "DescribeInstances", (INSTANCE,))

FAMILIES = {
    "Algorithms",
    "Body moved into another header block",
    "Body moved into the Signature",
    "Body moved under Header",
    "Body moved under Security",
    "Certificates of others, called",
    "Certificates swapped",
    "Document type definitions",
    "Duplicated ids",
    "Elliptic keys of others",
    "Elliptic methods renamed",
    "Elliptic signatures again",
    "Elliptic signatures altered",
    "Encodings",
    "Entries renamed and typed",
    "Foreign ids",
    "Identifiers altered",
    "Identifiers and tokens",
    "Identifiers of other kinds",
    "Injected namespaces",
    "Issuers and serial numbers",
    "Keys of other kinds",
    "Multiple references",
    "Nested Envelope",
    "One key of two certificates",
    "Prefix lists",
    "References",
    "Replays",
    "Second Security",
    "Second Signature",
    "Second entries",
    "Sibling Bodies",
    "Signed Body altered",
    "Signed Body in no element",
    "Signed Body inside the new Body",
    "Signed Body renamed",
    "Splits in ids",
    "Splits in signature and token",
    "Splits in the Body",
    "Splits in the Timestamp",
    "SOAP 1.1 and 1.2 mixed",
    "Timestamp wrapped",
    "Tokens elsewhere",
    "Transforms",
    "Two honest messages mixed",
}

#: What the door has no other words for; C{flaw} tells them apart.
_SILENT = "AuthFailure"


@implementer(ICertificates)
class Certificates:
    """
    Knows those who are attacked, one who may attack, and some with odd
    certificates; and Ida, whose certificate is not in force.
    """

    def caller_of(self, certificate_der: bytes, request_id: str) -> Caller | None:
        for name, certificate in in_force().items():
            if certificate_der == certificate:
                return Caller(account_id="", user_name=name, request_id=request_id)
        return None

    def certificate_of(self, identifier: CertificateIdentifier) -> bytes | None:
        found = [
            each for each in in_force().values() if identifier in identifiers_of(each)
        ]
        return found[0] if len(found) == 1 else None


@cache
def in_force() -> dict[str, bytes]:
    """The users' certificates."""
    return {
        **{name: identity(name).certificate for name in USERS},
        **{name: twin(name).certificate for name in ("tom", "tim")},
        "ellen": elliptic("ellen").certificate,
        "kay": elliptic("kay", ec.SECP256K1).certificate,
    }


class Cloud:
    """The door for users, with nothing behind it but a list."""

    def __init__(self, after_s: float = 0) -> None:
        self.executed: list[Executed] = []
        clock = Clock()
        clock.advance(NOW.timestamp() + after_s)
        ids = count(1)
        self._door = ec2_door(
            EC2, self._dispatch, Certificates(), clock, lambda: f"req-{next(ids)}"
        )

    async def _dispatch(
        self, operation: Operation, caller: Caller, request: Any
    ) -> Any:
        instances = tuple(request.instance_ids)
        self.executed.append((caller.user_name, operation.name, instances))
        return operation.response()

    def send(self, document: bytes) -> tuple[int, bytes]:
        """The status, and the answer."""
        headers = {"content-type": "text/xml"}
        asked = Asked("POST", b"/", headers.get, document, "192.0.2.1")
        answers: list[tuple[int, bytes]] = []

        async def ask() -> None:
            reply = await self._door.answer(asked)
            answers.append((reply.status, b"".join(reply.body)))

        Deferred.fromCoroutine(ask())
        [answer] = answers
        return answer


def fault_of(answer: bytes) -> Fault:
    found = read_fault(read(answer).entry)
    assert found is not None
    return found


class CorpusTests(SynchronousTestCase):
    """The corpus itself."""

    def setUp(self) -> None:
        self.corpus = list(corpus(honest()))

    def test_distinct(self) -> None:
        """No two messages are the same, nor have the same name."""
        documents = [honest().document, *(each.document for each in self.corpus)]
        self.assertEqual(len(set(documents)), len(documents))
        names = Counter((each.family, each.name) for each in self.corpus)
        self.assertEqual([name for name, n in names.items() if n > 1], [])
        self.assertGreater(len(self.corpus), 850)

    def test_families(self) -> None:
        """No known family is missing, and each has several messages."""
        counts = Counter(each.family for each in self.corpus)
        self.assertEqual(set(counts), FAMILIES)
        self.assertGreater(min(counts.values()), 2)

    def test_teeth(self) -> None:
        """
        More than a hundred of them have a signature that is good for one who
        goes by ids alone: what is wrong is what stands where.
        """
        fooled = [
            each
            for each in self.corpus
            if each.why.error.code == "InvalidSecurity"
            and not each.is_replay
            and flaw(each.document) == ""
        ]
        self.assertGreater(len(fooled), 100)


class DoorTests(SynchronousTestCase):
    """What the door makes of it."""

    def test_honest(self) -> None:
        """The honest messages are executed, once each."""
        cloud = Cloud()
        for document in (honest().document, honest().other):
            status, answer = cloud.send(document)
            self.assertEqual(status, 200, answer)
        self.assertEqual(
            cloud.executed, [HONEST, ("alice", "TerminateInstances", ("i-87654321",))]
        )

    def test_called(self) -> None:
        """A certificate that is called by what stands for it is found, if it can."""
        cloud = Cloud()
        forms = each_form(identity("alice").certificate).values()
        for number, form in enumerate(forms):
            root = etree.fromstring(honest(number).document)
            form(root)
            status, answer = cloud.send(etree.tostring(root))
            self.assertEqual(status, 200, answer)
        self.assertEqual(cloud.executed, [HONEST] * 4)

    def test_twins(self) -> None:
        """Who shares his key with another is found by all but the key."""
        forms = each_form(twin("tom").certificate)
        del forms["key"]
        cloud = Cloud()
        for number, form in enumerate(forms.values()):
            now = NOW + timedelta(milliseconds=number)
            root = etree.fromstring(message(EVIL, headers=(), by=twin("tom"), now=now))
            form(root)
            self.assertEqual(cloud.send(etree.tostring(root))[0], 200)
        self.assertEqual({user for user, *_ in cloud.executed}, {"tom"})

    def test_twins_too_late(self) -> None:
        """
        Nor is Tom's executed after somebody has sent it with Tim's certificate: it
        is as good, but of the two one is executed.
        """
        again = [
            each.document
            for each in corpus(honest())
            if each.name.startswith("Tom's message again")
        ]
        self.assertEqual(len(again), 8)
        for first in (toms(), *again):
            cloud = Cloud()
            self.assertEqual(cloud.send(first)[0], 200)
            for second in (toms(), *again):
                self.assertEqual(cloud.send(second)[0], 500)
            self.assertEqual(len(cloud.executed), 1)

    def test_elliptic(self) -> None:
        """Ellen's message is executed, once; its other form is its repetition."""
        cloud = Cloud()
        self.assertEqual(cloud.send(ellens())[0], 200)
        self.assertEqual(cloud.send(ellens())[0], 500)
        self.assertEqual(cloud.executed, [ELLENS])

    def test_elliptic_negative(self) -> None:
        """
        Nor is it executed when what others made of it comes first: of the two, that
        are as good, one is.
        """
        negative = next(
            each.document
            for each in corpus(honest())
            if each.name == "Elliptic: the same, with s negative"
        )
        cloud = Cloud()
        self.assertEqual(cloud.send(negative)[0], 200)
        self.assertEqual(cloud.send(ellens())[0], 500)
        self.assertEqual(cloud.executed, [ELLENS])

    def test_honest_too_late(self) -> None:
        """Nor once more, too late or too early, is the honest message executed."""
        document = honest().document
        for why, is_replay, after_s in (
            (REPLAYED, True, 0),
            (STALE, False, LATE_S),
            (insecure("in the future"), False, -LATE_S),
        ):
            cloud = Cloud(after_s)
            if is_replay:
                cloud.send(document)
            hostile = Hostile(
                name="",
                family="",
                document=document,
                why=why,
                after_s=after_s,
                is_replay=is_replay,
            )
            self.assertEqual(refuse(cloud, hostile), [])

    def test_hostile(self) -> None:
        """
        Nothing is executed by a hostile message, which is refused for its own
        reason, without a traceback.  After all of them the honest message is
        executed.
        """
        fresh: dict[float, Cloud] = {s: Cloud(s) for s in (0, LATE_S)}
        used = Cloud()
        used.send(honest().document)
        used.send(ellens())
        used.send(toms())
        wrong = []
        for hostile in corpus(honest()):
            cloud = used if hostile.is_replay else fresh[hostile.after_s]
            told = refuse(cloud, hostile)
            wrong += [f"{hostile.family}: {hostile.name}: {each}" for each in told]
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        self.assertEqual(used.executed, [HONEST, ELLENS, TOMS])
        for cloud in fresh.values():
            self.assertEqual(cloud.executed, [])
        fresh[0].send(honest().document)
        self.assertEqual(fresh[0].executed, [HONEST])

    def test_harmless(self) -> None:
        """
        What leaves the meaning as it is, is no attack: the honest request is
        executed, and no other.
        """
        cloud = Cloud()
        for number, (name, make) in enumerate(HARMLESS.items()):
            status, answer = cloud.send(make(honest(number)))
            self.assertEqual(status, 200, (name, answer))
            self.assertEqual(cloud.executed, [HONEST] * (number + 1), name)


def refuse(cloud: Cloud, hostile: Hostile) -> list[str]:
    """What is wrong with the way in which it is refused."""
    before = len(cloud.executed)
    with capturedLogs() as events:
        status, answer = cloud.send(hostile.document)
    wrong = [f"executed {each}" for each in cloud.executed[before:]]
    if any("log_failure" in event for event in events):
        wrong.append("a traceback is in the log")
    if status != 500:
        return [*wrong, f"answered by {status}"]
    found, why = fault_of(answer), hostile.why
    if found.code != why.error.code or why.said not in found.message:
        wrong.append(f"{found.code}: {found.message}; not {why.said!r}")
    if (
        found.code == _SILENT
        and (said := flaw(hostile.document, in_force().values())) != why.flaw
    ):
        wrong.append(f"wrong is its {said}, not its {why.flaw}")
    return wrong
