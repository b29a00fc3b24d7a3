"""
What is fuzzed: each target takes the bytes of a case, and fails by any
exception but a refusal, or because something came through that must not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from attrs import frozen
from lxml import etree

from euca_tw.api.ec2.table import EC2
from euca_tw.api.errors import ApiError
from euca_tw.api.shapes import shape_of
from euca_tw.query.parameters import parse, reader, tree, unique
from euca_tw.soap.decode import decode
from euca_tw.soap.envelope import CLOSING, SOAP_11, opening, read
from euca_tw.soap.wsse import check_signature, read_claim
from fuzz.seeds import (
    by_query,
    by_soap,
    chosen,
    make_keys,
    odd_messages,
    signed_messages,
)

Target = Callable[[bytes], None]


class Broken(Exception):
    """Something came through that must not."""


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
        "wsse": (Verifier.of(messages), [*messages, *odd_messages(messages)]),
    }
