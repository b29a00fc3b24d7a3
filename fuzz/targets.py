"""
What is fuzzed: each target takes the bytes of a case, and fails by any
exception but a refusal, or because something came through that must not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Network

from attrs import frozen
from lxml import etree
from twisted.names import dns

from euca_tw.api.ec2.table import EC2
from euca_tw.api.errors import ApiError
from euca_tw.api.shapes import shape_of
from euca_tw.query.parameters import parse, reader, tree, unique
from euca_tw.soap.decode import decode
from euca_tw.soap.envelope import CLOSING, SOAP_11, opening, read
from euca_tw.soap.wsse import check_signature, read_claim
from euca_tw.vnet.names.messages import Asked, Unanswerable, answer
from euca_tw.vnet.names.messages import parse as parse_dns
from euca_tw.vnet.names.passed_on import aged, fitted, is_answer, lifetimes
from euca_tw.vnet.names.zone import Zone
from fuzz.broken import Broken
from fuzz.seeds import (
    answer_of,
    by_names,
    by_query,
    by_soap,
    chosen,
    make_keys,
    odd_messages,
    signed_messages,
)
from fuzz.trunk import Heard, by_trunk

Target = Callable[[bytes], None]


def query(case: bytes) -> None:
    """A query string, to the request that it says."""
    if len(case) < 2:
        return
    operation, version = chosen(case[0], case[1])
    try:
        given = unique(parse(case[2:]))
        shape = shape_of(operation.query_form or operation.request)
        request = reader(shape, version)(tree(given), "")
        if operation.query_form is not None:
            request = request.request()
    except ApiError as refusal:
        _check_told(refusal)
        return
    if not isinstance(request, operation.request):
        raise Broken(f"{operation.name} was read as {request!r}")


def soap(case: bytes) -> None:
    """A Body's entry, to the request that it is."""
    if len(case) < 2:
        return
    operation, version = chosen(case[0], case[1])
    document = opening(SOAP_11).encode() + case[2:] + CLOSING.encode()
    try:
        entry = read(document).entry
        namespace = EC2.namespace_of(version)
        request = decode(shape_of(operation.request), version, entry, namespace)
    except ApiError as refusal:
        _check_told(refusal)
        return
    if not isinstance(request, operation.request):
        raise Broken(f"{operation.name} was read as {request!r}")


_ZONE = Zone(domain="internal", ranges=(IPv4Network("10.0.0.0/8"),))


def names(case: bytes) -> None:
    """A guest's DNS message, to what is said to it; or a resolver's answer to one."""
    said = answer_of(case)
    if said is not None:
        _check_passed(case, said)
        return
    try:
        asked = parse_dns(case)
    except Unanswerable as told:
        if len(told.reply) > len(case):
            raise Broken("more is said than was asked") from told
        return
    if asked is None:
        return
    own = _ZONE.answer(asked) or answer(asked, dns.ESERVER)
    if len(own) > min(len(case) + 150, 512):
        raise Broken(f"{len(own)} bytes are said to {len(case)}")
    dns.Message().fromStr(own)


def _check_passed(heard: bytes, asked: Asked) -> None:
    if not is_answer(heard, asked.number, asked):
        return
    held = lifetimes(heard, asked)
    if held is not None:
        heard = aged(heard, 1, held.places)
    if len(fitted(heard, asked, most=512)) > 512:
        raise Broken("it is longer than is taken")


def _check_told(refusal: ApiError) -> None:
    """A refusal is short, and can be told in XML."""
    if len(refusal.message) > 5000:
        raise Broken(f"{type(refusal).__name__} tells {len(refusal.message)} letters")


@frozen
class Verifier:
    """
    A signed message, to what it claims, judged.  Whatever was done to an honest
    one: if its signature is good, it says what the honest one said.
    """

    certificate: bytes
    honest: frozenset[bytes]

    @classmethod
    def of(cls, messages: Iterable[bytes]) -> Verifier:
        claims = [(read(m), read_claim(read(m))) for m in messages]
        return cls(claims[0][1].certificate, frozenset(_meant(e) for e, _ in claims))

    def __call__(self, case: bytes) -> None:
        try:
            envelope = read(case)
            claim = read_claim(envelope)
            if claim.certificate != self.certificate:
                return
            check_signature(claim)
        except ApiError as refusal:
            _check_told(refusal)
            return
        if _meant(envelope) not in self.honest:
            raise Broken("what was not signed is taken for signed")


def _meant(envelope: object) -> bytes:
    """The Body's entry, as nobody can say it otherwise."""
    entry: etree._Element = envelope.entry  # type: ignore[attr-defined]
    return etree.tostring(entry, method="c14n", exclusive=True, with_comments=False)


def targets() -> Mapping[str, tuple[Target, Iterable[bytes]]]:
    """By name: what is fuzzed, and where it begins."""
    messages = list(signed_messages(make_keys()))
    return {
        "query": (query, by_query()),
        "soap": (soap, by_soap()),
        "names": (names, by_names()),
        "trunk": (Heard(), by_trunk()),
        "wsse": (Verifier.of(messages), [*messages, *odd_messages(messages)]),
    }
