"""
What a small signed SOAP call costs, against what no implementation can avoid.

All of one run, CPU time, in one process and without HTTP, which is the same for
both doors.  Unavoidable is: to parse the document, to canonicalize and digest
what is signed, and one bare RSA verification.  The limit is 1.4 times that, and
a small Query call's worth of everything else.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha1
from itertools import count
from time import process_time
from typing import Any

from attrs import frozen
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from bench.query import KEY_ID, SECRET, SMALL, signed_4
from euca_tw.api import cluster
from euca_tw.api.ec2 import zones
from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
from euca_tw.common.certificate_identifiers import (
    CertificateIdentifier,
    identifiers_of,
)
from euca_tw.common.certificates import make_certificate
from euca_tw.common.web import Asked
from euca_tw.model.callers import Caller
from euca_tw.query.door import QueryDoor
from euca_tw.query.interfaces import IAccessKeys
from euca_tw.soap.addressing import ACTION, MESSAGE_ID, RECIPIENT, TO
from euca_tw.soap.door import ec2_door, tier_door
from euca_tw.soap.envelope import SOAP_11, read
from euca_tw.soap.interfaces import ICertificates
from euca_tw.soap.keys import Identity, load_identity, public_key
from euca_tw.soap.signing import SHA1, signed
from euca_tw.soap.wsse import DS, WSU, read_claim

LIMIT = 1.4
ROUNDS, CALLS = 5, 300
NOW = datetime.now(UTC)

BODY = f"{{{SOAP_11}}}Body"
ENTRY = (
    '<DescribeAvailabilityZones xmlns="http://ec2.amazonaws.com/doc/2008-02-01/">'
    "<availabilityZoneSet/></DescribeAvailabilityZones>"
)
RESPONSE = zones.DescribeAvailabilityZonesResponse(
    zones=(
        zones.AvailabilityZone(
            zone_name="zone-1", zone_state="available", region_name="home"
        ),
    )
)


@implementer(ICertificates, IAccessKeys)
@frozen
class Users:
    """One user, by certificate and by access key."""

    identity: Identity

    def caller_of(self, shown: Any, request_id: str) -> Caller | None:
        if shown not in (self.identity.certificate, KEY_ID):
            return None
        return Caller(account_id="1" * 12, user_name="a", request_id=request_id)

    def certificate_of(self, identifier: CertificateIdentifier) -> bytes | None:
        certificate = self.identity.certificate
        return certificate if identifier in identifiers_of(certificate) else None

    def secret_of(self, key_id: str) -> str | None:
        return SECRET if key_id == KEY_ID else None


async def dispatch(operation: Any, caller: Any, request: Any) -> Any:
    return RESPONSE if operation.name in ENTRY else operation.response()


def answered(answer: Callable[[Asked], Any], asked: Asked) -> bytes:
    reply = Deferred.fromCoroutine(answer(asked)).result
    assert reply.status == 200, b"".join(reply.body)
    return b"".join(reply.body)


def asked_by_soap(document: bytes, target: bytes) -> Asked:
    headers = {"content-type": "text/xml; charset=utf-8"}
    return Asked("POST", target, headers.get, document)


def asked_by_query(raw: bytes) -> Asked:
    head, _, body = raw.partition(b"\r\n\r\n")
    request, *lines = head.decode().split("\r\n")
    method, target, _ = request.split()
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Asked(method, target.encode(), lambda name: headers.get(name.lower()), body)


def unavoidable(document: bytes, key: Any, signature: bytes) -> None:
    """The work of a verifier that looks at nothing and believes all."""
    root = etree.fromstring(document)
    parts = [next(root.iter(tag)) for tag in (f"{{{WSU}}}Timestamp", BODY)]
    for part in parts:
        sha1(etree.tostring(part, method="c14n", exclusive=True)).digest()
    info = next(root.iter(f"{{{DS}}}SignedInfo"))
    signed_bytes = etree.tostring(info, method="c14n", exclusive=True)
    key.verify(signature, signed_bytes, padding.PKCS1v15(), hashes.SHA1())


def per_call_s(works: dict[str, Callable[[], Callable[[], Any]]]) -> dict[str, float]:
    """
    CPU seconds per call of each kind, the median.  The kinds take turns call by
    call, as in a server, so that none finds the caches warmer than another.

    @param works: each makes one call ready; that is not counted.
    """
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        ready = [
            (name, prepare()) for _ in range(CALLS) for name, prepare in works.items()
        ]
        gc.collect()
        for name, call in ready:
            started = process_time()
            call()
            found[name].append(process_time() - started)
    return {name: statistics.median(times) for name, times in found.items()}


def main() -> None:
    pems = make_certificate("bench", NOW, 1)
    identity = load_identity(pems.key_pem, pems.certificate_pem)
    users, clock = Users(identity), Clock()
    clock.advance(NOW.timestamp())
    users_door = ec2_door(EC2, dispatch, users, clock, lambda: "a" * 36)
    tier = tier_door(
        cluster.CLUSTER,
        dispatch,
        identity,
        {identity.certificate: "cloud"},
        clock,
        lambda: "a" * 36,
    )
    query_door = QueryDoor(
        EC2, frozenset(QUERY_VERSIONS), dispatch, users, clock, lambda: "a" * 36
    )
    # A message is taken once: each of the run has another Timestamp.
    numbers = count()

    def now() -> datetime:
        return NOW + timedelta(milliseconds=next(numbers))

    def document() -> bytes:
        return signed(SOAP_11, [], ENTRY, identity, now(), suite=SHA1)

    key = public_key(identity.certificate)
    query = asked_by_query(signed_4(SMALL))

    def barely() -> Callable[[], Any]:
        made = document()
        return partial(unavoidable, made, key, read_claim(read(made)).value)

    def by_query() -> Callable[[], Any]:
        return partial(answered, query_door.answer, query)

    def by_soap() -> Callable[[], Any]:
        asked = asked_by_soap(document(), b"/services/Eucalyptus")
        return partial(answered, users_door.answer, asked)

    def between_tiers() -> Callable[[], Any]:
        headers = [
            (TO, "/cc"),
            (ACTION, "EucalyptusCC#DescribeInstances"),
            (MESSAGE_ID, f"urn:uuid:{next(numbers)}"),
            (RECIPIENT, identity.fingerprint),
        ]
        entry = '<DescribeInstances xmlns="http://eucalyptus.ucsb.edu/"/>'
        message = signed(SOAP_11, headers, entry, identity, NOW)
        return partial(answered, tier.answer, asked_by_soap(message, b"/cc"))

    cost = per_call_s(
        {
            "unavoidable": barely,
            "query": by_query,
            "soap": by_soap,
            "tier": between_tiers,
        }
    )
    for name, what in (
        ("unavoidable", "parse, c14n, digests and bare RSA verification"),
        ("query", "small Query call, signature 4, all but HTTP"),
        ("soap", "small signed SOAP call, all but HTTP"),
        ("tier", "call between tiers, verified and its answer signed"),
    ):
        print(f"{cost[name] * 1e6:8.0f} us  {what}")
    limit = LIMIT * cost["unavoidable"] + cost["query"]
    ratio = cost["soap"] / limit
    print(f"signed SOAP: {ratio:.2f} of {LIMIT} x unavoidable + Query  required: <= 1")


if __name__ == "__main__":
    main()
