"""
Where fuzzing starts: honest requests of every operation, by both doors.

A case of the two readers begins with two bytes that choose the operation and the
date; what comes after is what a client sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from twisted.names import dns

from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
from euca_tw.api.encode import element
from euca_tw.api.shapes import Operation, Version, shape_of
from euca_tw.common.certificates import KeyAndCertificate, make_certificate
from euca_tw.soap.envelope import SOAP_11, SOAP_12
from euca_tw.soap.keys import load_identity
from euca_tw.soap.signing import SHA1, signed
from euca_tw.vnet.names.messages import Asked, parse
from tests.api.ec2.test_answers import values
from tests.query.floods import FLOODS as QUERY_FLOODS
from tests.query.test_round_trip import said
from tests.soap.floods import FLOODS as SOAP_FLOODS
from tests.vnet.names.asking import SOA, question, record, reply

#: What is meant to cost begins as small as other cases.
SHORT = 1500
NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)


def chosen(first: int, second: int) -> tuple[Operation, Version]:
    """What the first two bytes of a case choose."""
    operation = EC2.operations[first % len(EC2.operations)]
    dates = [v for v in QUERY_VERSIONS if operation.lives_in(v)]
    return operation, dates[second % len(dates)]


def _choices() -> Iterator[tuple[bytes, Operation, Version]]:
    for number, operation in enumerate(EC2.operations):
        dates = [v for v in QUERY_VERSIONS if operation.lives_in(v)]
        for place in {0, len(dates) - 1}:
            yield bytes((number, place)), operation, dates[place]


def by_query() -> Iterator[bytes]:
    for head, operation, version in _choices():
        shape = shape_of(operation.request)
        if operation.query_form is None:
            *_, fullest = values(shape, version)
            pairs = said(shape, version, fullest, "")
            yield head + "&".join(f"{n}={v}" for n, v in pairs).encode()
        yield head + b"Attribute=description&OperationType=add&UserId.1=1&Value=x"
    for make, *_ in QUERY_FLOODS.values():
        yield b"\0\0" + make(SHORT)


def by_soap() -> Iterator[bytes]:
    for head, operation, version in _choices():
        namespace = EC2.namespace_of(version)
        for value in values(shape_of(operation.request), version):
            shape = shape_of(operation.request)
            made = element(operation.name, namespace, shape, version, value)
            yield head + made.encode()


#: To what a resolver answers.
_ASKED = question("www.example.com", size=1232)


def answer_of(case: bytes) -> Asked | None:
    """To what a case is an answer, if it is one: by a bit of it."""
    return parse(_ASKED) if case[2:3] >= b"\x80" else None


def by_names() -> Iterator[bytes]:
    """Questions of guests, and answers of resolvers."""
    for name in ("ip-10-1-2-3.internal", "3.2.1.10.in-addr.arpa", "x.internal", "a.b"):
        for kind in (dns.A, dns.PTR, dns.SOA, dns.ALL_RECORDS):
            yield question(name, kind)
            yield question(name, kind, size=1232)
    found = record("www.example.com", dns.Record_A("192.0.2.1"))
    origin = record("example.com", SOA)
    yield reply(_ASKED, found, found)
    yield reply(_ASKED, authority=(origin,), code=dns.ENAME)
    yield reply(_ASKED, found, trunc=1)


def signed_messages(keys: KeyAndCertificate) -> Iterator[bytes]:
    """Of each kind that we sign, with one and the same body."""
    identity = load_identity(keys.key_pem, keys.certificate_pem)
    entry = (
        '<TerminateInstances xmlns="http://ec2.amazonaws.com/doc/2008-02-01/">'
        "<instancesSet><item><instanceId>i-12345678</instanceId></item>"
        "</instancesSet></TerminateInstances>"
    )
    for soap in (SOAP_11, SOAP_12):
        yield signed(soap, (), entry, identity, NOW)
        yield signed(soap, (), entry, identity, NOW, suite=SHA1)


def odd_messages(signed: Iterable[bytes]) -> Iterator[bytes]:
    """The signed ones in other encodings, and hostile ones, as short as they are."""
    for message in signed:
        for codec in ("utf-16", "utf-8-sig", "utf-16-le", "cp037", "utf-7"):
            yield message.decode().replace("UTF-8", codec, 1).encode(codec)
    for make, _ in SOAP_FLOODS.values():
        yield make(SHORT)


def make_keys() -> KeyAndCertificate:
    return make_certificate("fuzz", NOW, 3650)
