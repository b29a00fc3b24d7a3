"""Operations that are declared, and that nobody answers yet, at both doors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

from lxml import etree
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
from euca_tw.api.encode import element
from euca_tw.api.shapes import Empty, Operation, Shape, Version, shape_of
from euca_tw.clc.dispatch import Dispatcher
from euca_tw.common.certificate_identifiers import CertificateIdentifier
from euca_tw.common.certificates import make_certificate
from euca_tw.common.web import Asked
from euca_tw.model.callers import Caller
from euca_tw.query.door import QueryDoor
from euca_tw.query.interfaces import IAccessKeys
from euca_tw.soap.door import ec2_door
from euca_tw.soap.envelope import SOAP_11
from euca_tw.soap.interfaces import ICertificates
from euca_tw.soap.keys import load_identity
from euca_tw.soap.signing import signed
from tests.api.ec2.test_answers import values
from tests.clc.cloud import ALICE, NOW
from tests.query.requests import secret_of, signed_4

#: What must be said besides what each parameter says of itself.
FURTHER = {
    "ModifyImageAttribute": {"ProductCode.1": "text"},
    "ModifyInstanceAttribute": {"Kernel.Value": "text"},
    "ModifySnapshotAttribute": {"CreateVolumePermission.Add.1.UserId": "text"},
}


@implementer(IAccessKeys, ICertificates)
class AnyBody:
    """Everybody is Alice."""

    def secret_of(self, key_id: str) -> str | None:
        return secret_of(key_id)

    def caller_of(self, shown: Any, request_id: str) -> Caller:
        return ALICE

    def certificate_of(self, identifier: CertificateIdentifier) -> None:
        """By a token alone."""


class Unanswered(SynchronousTestCase):
    """A cloud that answers nothing, asked for all there is."""

    def setUp(self) -> None:
        self.dispatch = Dispatcher(EC2)

    def ask(self, door: Any, asked: Asked) -> tuple[int, str]:
        reply = self.successResultOf(ensureDeferred(door.answer(asked)))
        return reply.status, b"".join(reply.body).decode()


class QueryTests(Unanswered):
    """By Query."""

    def setUp(self) -> None:
        super().setUp()
        clock = Clock()
        clock.advance(time.time())
        self.door = QueryDoor(
            EC2,
            frozenset(QUERY_VERSIONS),
            self.dispatch,
            AnyBody(),
            clock,
            lambda: "request",
        )

    def code_of(self, parameters: dict[str, str]) -> str:
        status, body = self.ask(self.door, signed_4(parameters))
        self.assertIn(status, (400, 404))
        return str(etree.fromstring(body.encode()).findtext(".//Code"))

    def test_every_operation(self) -> None:
        """
        Each is refused by that, when what it needs is said, be it a dry run or
        not; what is not known, or missing, is found before.
        """
        missed = 0
        for operation in EC2.operations:
            version = [v for v in QUERY_VERSIONS if operation.lives_in(v)][-1]
            needed = least(operation, version)
            asked = {
                "Action": operation.name,
                "Version": version,
                **needed,
                **FURTHER.get(operation.name, {}),
            }
            for further, code in (
                ({}, "UnsupportedOperation"),
                ({"DryRun": "true"}, "UnsupportedOperation"),
                ({"DryRun": "perhaps"}, "InvalidParameterValue"),
                ({"Nonsense": "x"}, "UnknownParameter"),
            ):
                told = self.code_of(asked | further)
                self.assertEqual(told, code, (operation.name, further))
            for name in needed:
                less = {n: v for n, v in asked.items() if n != name}
                told = self.code_of(less)
                self.assertEqual(told, "MissingParameter", (operation.name, name))
                missed += 1
        self.assertEqual(missed, 194)


def least(operation: Operation, version: Version) -> dict[str, str]:
    """The parameters that must be there."""
    shape = shape_of(operation.query_form or operation.request)
    said = dict(_least(shape, version, ""))
    if "Attribute" in said:
        fields = shape_of(operation.request).at(version)
        said["Attribute"] = next(f.wire for f in fields if f.of is Empty)
    return said


def _least(shape: Shape, version: Version, before: str) -> Iterator[tuple[str, str]]:
    chosen = set()
    for f in shape.at(version):
        choice = f.choice_in(version)
        if not f.is_required_in_query(version) or choice in chosen:
            continue
        if choice is not None:
            chosen.add(choice)
        elif f.many and not f.at_least_in(version):
            continue
        name = before + f.query + (".1" if f.many else "")
        if f.is_scalar:
            yield name, {bool: "true", int: "7", float: "0.5"}.get(f.of, "text")
        elif inner := list(_least(shape_of(f.of), version, f"{name}.")):
            yield from inner
        else:
            members = [m.query for m in shape_of(f.of).at(version) if m.query]
            yield ".".join([name, *members[:1]]), ""


class SoapTests(Unanswered):
    """By SOAP."""

    def test_every_operation(self) -> None:
        """
        Each is refused by that at every date that has it, when it is asked as
        that date wants it; what the date does not know is found before.
        """
        pems = make_certificate("alice", NOW, 1)
        identity = load_identity(pems.key_pem, pems.certificate_pem)
        clock = Clock()
        clock.advance(NOW.timestamp())
        door = ec2_door(EC2, self.dispatch, AnyBody(), clock, lambda: "request")

        # A message is taken once: each has another Timestamp.
        moments = (NOW + timedelta(milliseconds=n) for n in count())

        def code_of(entry: str) -> str:
            document = signed(SOAP_11, (), entry, identity, next(moments))
            headers = {"content-type": "text/xml"}
            asked = Asked("POST", b"/services/Eucalyptus", headers.get, document)
            status, body = self.ask(door, asked)
            self.assertEqual(status, 500)
            return str(etree.fromstring(body.encode()).findtext(".//faultcode"))

        asked = 0
        for version in EC2.versions:
            for operation in EC2.at(version):
                entry = self.entry(operation, version)
                self.assertEqual(
                    code_of(entry), "aws:Client.UnsupportedOperation", operation.name
                )
                wrong = entry.replace(
                    f"</{operation.name}>", f"<x/></{operation.name}>"
                )
                self.assertEqual(
                    code_of(wrong), "aws:Client.UnknownParameter", operation.name
                )
                asked += 1
        self.assertEqual(asked, 4348)

    def entry(self, operation: Operation, version: Version) -> str:
        shape = shape_of(operation.request)
        value = next(values(shape, version))
        namespace = EC2.namespace_of(version)
        return element(operation.name, namespace, shape, version, value)
