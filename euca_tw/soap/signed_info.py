"""
What is said to be signed, and how: a signature's SignedInfo.

Knows the forms that are taken and where each part must stand; whether the
signature is good is L{euca_tw.soap.wsse}'s to find.  Each reference is resolved
here, once, to the element itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from hmac import compare_digest
from itertools import islice
from typing import Any, NamedTuple

from attrs import frozen
from lxml import etree

from euca_tw.api.errors import InvalidSecurity
from euca_tw.soap.algorithms import Algorithms, SignatureMethod
from euca_tw.soap.elements import (
    DS,
    TOLD,
    children,
    decoded,
    decoded_text,
    named,
    only,
    parts,
    resolve,
)
from euca_tw.soap.envelope import Envelope
from euca_tw.soap.templates import Cut, cut

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_ENVELOPED = DS + "enveloped-signature"
_REFERENCE, _TRANSFORM = named("Reference", "Transform")
_IN_SIGNED_INFO = named("CanonicalizationMethod", "SignatureMethod")
_IN_REFERENCE = named("Transforms", "DigestMethod", "DigestValue")
#: More parts than anybody signs, and more than it takes to say so.
_REFERENCES = 32
_MOST = 100
_ELEMENTS = 500
_LONGEST = 65536
_TOO_MANY = "SignedInfo has too few or too many references"
#: More prefixes than anybody keeps: each is looked for at every element.
_PREFIXES = 32
_LONGEST_LIST = 4096


@frozen
class Canonical:
    """
    How an element becomes bytes.

    @ivar prefixes: those whose namespaces are kept though they are not used.
    """

    is_exclusive: bool
    prefixes: tuple[str, ...]

    def bytes_of(self, element: etree._Element) -> bytes:
        return etree.tostring(
            element,
            method="c14n",
            exclusive=self.is_exclusive,
            with_comments=False,
            inclusive_ns_prefixes=self.prefixes or None,
        )


class Covering(NamedTuple):
    """How a signed element becomes its digest."""

    canonical: Canonical
    compute: Callable[[bytes], Any]


class Part(NamedTuple):
    """A signed element, and what its digest should be."""

    element: etree._Element
    how: Covering
    digest: bytes

    @property
    def is_intact(self) -> bool:
        how = self.how
        found = how.compute(how.canonical.bytes_of(self.element)).digest()
        return compare_digest(found, self.digest)


class Meaning(NamedTuple):
    """What a template means; see L{euca_tw.soap.templates}."""

    method: SignatureMethod
    parts: tuple[Covering, ...]


class SignedInfo(NamedTuple):
    """
    @ivar canonical: its bytes, which are what is signed.
    @ivar template: None if it cannot be remembered, or is already.
    """

    canonical: bytes
    method: SignatureMethod
    parts: Sequence[Part]
    algorithms: Algorithms
    template: bytes | None = None

    def remember(self) -> None:
        """To be called when a known key has signed it."""
        if self.template is not None:
            meaning = Meaning(self.method, tuple(part.how for part in self.parts))
            self.algorithms.templates.remember(self.template, meaning)


def read_signed_info(
    envelope: Envelope,
    security: etree._Element,
    element: etree._Element,
    ids: Mapping[str, etree._Element],
    algorithms: Algorithms,
) -> SignedInfo:
    """
    How it is signed, and what it covers.

    @raise InvalidSecurity: it is not of the form that we take.
    """
    if len(element) > _MOST:
        raise InvalidSecurity(_TOO_MANY)
    if len(list(islice(element.iter(), _ELEMENTS + 1))) > _ELEMENTS:
        raise InvalidSecurity(f"SignedInfo has more than {_ELEMENTS} parts")
    body, places = envelope.body, (envelope.header, security)
    canonical = _EXCLUSIVELY.bytes_of(element)
    if len(canonical) > _LONGEST:
        raise InvalidSecurity(f"SignedInfo has more than {_LONGEST} bytes")
    found = cut(canonical)
    known: Meaning | None = algorithms.templates.meaning(found.template)
    if known is None or not _tells(found, known, element, canonical):
        read = _from_elements(element, canonical, found, body, places, ids, algorithms)
    else:
        covered = []
        pieces = zip(found.uris, found.digests, known.parts, strict=True)
        for uri, digest, how in pieces:
            where = _placed(uri.decode(), body, places, ids)
            covered.append(Part(where, how, decoded_text(digest, _digest_value)))
        read = SignedInfo(canonical, known.method, covered, algorithms)
    # Or one large part would cost as much as many.
    if len({part.element for part in read.parts}) < len(read.parts):
        raise InvalidSecurity("Two references lead to one part of the message")
    return read


def _tells(
    found: Cut, known: Meaning, element: etree._Element, canonical: bytes
) -> bool:
    """
    Whether the canonical bytes say what the elements do: nothing looks like a
    reference that is none, is written otherwise than it is meant, or has comments
    in between, which no canonical bytes have.
    """
    return (
        len(found.uris) == len(found.digests) == len(known.parts)
        and b"&" not in canonical
        and next(element.iter(etree.Comment), None) is None
    )


def _digest_value() -> str:
    return "DigestValue"


def _from_elements(
    element: etree._Element,
    canonical: bytes,
    found: Cut,
    body: etree._Element,
    places: tuple[etree._Element | None, ...],
    ids: Mapping[str, etree._Element],
    algorithms: Algorithms,
) -> SignedInfo:
    count = len(list(element.iterchildren(_REFERENCE)))
    if not 0 < count <= _REFERENCES:
        raise InvalidSecurity(_TOO_MANY)
    how, signing, *references = parts(
        element, [*_IN_SIGNED_INFO, *[_REFERENCE] * count]
    )
    form = _canonical(how)
    method = algorithms.signing[_algorithm(signing, algorithms.signing)]
    read = [_part(each, body, places, ids, algorithms) for each in references]
    covered = [part for part, _, _ in read]
    if form != _EXCLUSIVELY:
        return SignedInfo(form.bytes_of(element), method, covered, algorithms)
    said = [uri.encode() for _, uri, _ in read], [text for _, _, text in read]
    is_template = said == (found.uris, found.digests) and b"&" not in canonical
    template = found.template if is_template else None
    return SignedInfo(canonical, method, covered, algorithms, template)


def _algorithm(element: etree._Element, allowed: Collection[str]) -> str:
    """Its name; it must have no parameters."""
    name = element.get("Algorithm") or ""
    if name not in allowed:
        raise InvalidSecurity(f"The algorithm {name[:TOLD]!r} is not taken")
    if len(element) and children(element):
        raise InvalidSecurity(f"The algorithm {name!r} has parameters")
    return name


_EXCLUSIVELY = Canonical(True, ())
_PLAIN = {EXCLUSIVE: _EXCLUSIVELY, INCLUSIVE: Canonical(False, ())}


def _canonical(element: etree._Element) -> Canonical:
    """Its only parameter is a list of prefixes, if it is exclusive."""
    if not len(element) or element.get("Algorithm") != EXCLUSIVE:
        return _PLAIN[_algorithm(element, _PLAIN)]
    kept = only(children(element), "parameter of a canonicalization")
    if kept.tag != f"{{{EXCLUSIVE}}}InclusiveNamespaces":
        raise InvalidSecurity("A canonicalization has other parameters")
    listed = kept.get("PrefixList") or ""
    prefixes = listed.split() if len(listed) <= _LONGEST_LIST else []
    is_long = len(listed) > _LONGEST_LIST or len(prefixes) > _PREFIXES
    if is_long or (len(kept) and children(kept)):
        raise InvalidSecurity(
            f"InclusiveNamespaces must have at most {_PREFIXES} prefixes, and no parts"
        )
    return Canonical(True, tuple(prefixes))


def _part(
    reference: etree._Element,
    body: etree._Element,
    places: tuple[etree._Element | None, ...],
    ids: Mapping[str, etree._Element],
    algorithms: Algorithms,
) -> tuple[Part, str, bytes]:
    """What a reference is to; and what it says of it: the URI, and the digest."""
    uri = reference.get("URI")
    element = _placed(uri, body, places, ids)
    transforms, digesting, digest = parts(reference, _IN_REFERENCE)
    if len(digest) and children(digest):
        raise InvalidSecurity("DigestValue must have text only")
    how = Covering(
        _transform(transforms),
        algorithms.digesting[_algorithm(digesting, algorithms.digesting)],
    )
    part = Part(element, how, decoded(digest))
    return part, uri or "", (digest.text or "").encode()


def _placed(
    uri: str | None,
    body: etree._Element,
    places: tuple[etree._Element | None, ...],
    ids: Mapping[str, etree._Element],
) -> etree._Element:
    """What a reference leads to; it stands where it has a meaning."""
    element = resolve(uri, ids)
    if element is not body and element.getparent() not in places:
        raise InvalidSecurity("A reference leads to no part of the message")
    return element


def _transform(transforms: etree._Element) -> Canonical:
    """
    One canonicalization; before it, perhaps, enveloped-signature, which leaves
    the parts as they are: the signature is in none of them.
    """
    steps = children(transforms)
    if len(steps) == 2:
        _algorithm(steps.pop(0), (_ENVELOPED,))
    if len(steps) != 1 or steps[0].tag != _TRANSFORM:
        raise InvalidSecurity("A reference must have one canonicalization")
    return _canonical(steps[0])
