"""
What is said to be signed, and how: a signature's SignedInfo.

Knows the forms that are taken and where each part must stand; whether the
signature is good is L{euca_tw.soap.wsse}'s to find.  Each reference is resolved
here, once, to the element itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from hmac import compare_digest
from itertools import islice
from typing import Any

from attrs import frozen
from lxml import etree

from euca_tw.api.errors import InvalidSecurity
from euca_tw.soap.algorithms import Algorithms, SignatureMethod
from euca_tw.soap.elements import (
    DS,
    TOLD,
    children,
    decoded,
    named,
    only,
    parts,
    resolve,
)
from euca_tw.soap.envelope import Envelope

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_ENVELOPED = DS + "enveloped-signature"
_REFERENCE, _TRANSFORM = named("Reference", "Transform")
_IN_SIGNED_INFO = named("CanonicalizationMethod", "SignatureMethod")
_IN_REFERENCE = named("Transforms", "DigestMethod", "DigestValue")
#: More parts than anybody signs.
_REFERENCES = 32
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


@frozen
class Part:
    """A signed element, and what its digest should be."""

    element: etree._Element
    canonical: Canonical
    compute: Callable[[bytes], Any]
    digest: bytes

    @property
    def is_intact(self) -> bool:
        found = self.compute(self.canonical.bytes_of(self.element)).digest()
        return compare_digest(found, self.digest)


def read_signed_info(
    envelope: Envelope,
    security: etree._Element,
    signed_info: etree._Element,
    ids: Mapping[str, etree._Element],
    algorithms: Algorithms,
) -> tuple[Canonical, SignatureMethod, tuple[Part, ...]]:
    """
    How it is canonicalized and signed itself, and what it covers.

    @raise InvalidSecurity: it is not of the form that we take.
    """
    found = islice(signed_info.iterchildren(_REFERENCE), _REFERENCES + 1)
    count = len(list(found))
    if not 0 < count <= _REFERENCES:
        raise InvalidSecurity("SignedInfo has too few or too many references")
    how, signing, *references = parts(
        signed_info, [*_IN_SIGNED_INFO, *[_REFERENCE] * count]
    )
    places = (envelope.header, security)
    canonical = _canonical(how)
    method = algorithms.signing[_algorithm(signing, algorithms.signing)]
    signed = tuple(
        _part(each, envelope.body, places, ids, algorithms) for each in references
    )
    # Or one large part would cost as much as many.
    if len({part.element for part in signed}) < len(signed):
        raise InvalidSecurity("Two references lead to one part of the message")
    return canonical, method, signed


def _algorithm(element: etree._Element, allowed: Collection[str]) -> str:
    """Its name; it must have no parameters."""
    name = element.get("Algorithm") or ""
    if name not in allowed:
        raise InvalidSecurity(f"The algorithm {name[:TOLD]!r} is not taken")
    if len(element) and children(element):
        raise InvalidSecurity(f"The algorithm {name!r} has parameters")
    return name


_PLAIN = {name: Canonical(name == EXCLUSIVE, ()) for name in (EXCLUSIVE, INCLUSIVE)}


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
) -> Part:
    """What a reference is to; it stands where it has a meaning."""
    element = resolve(reference.get("URI"), ids)
    if element is not body and element.getparent() not in places:
        raise InvalidSecurity("A reference leads to no part of the message")
    transforms, digesting, digest = parts(reference, _IN_REFERENCE)
    if len(digest) and children(digest):
        raise InvalidSecurity("DigestValue must have text only")
    return Part(
        element,
        _transform(transforms),
        algorithms.digesting[_algorithm(digesting, algorithms.digesting)],
        decoded(digest),
    )


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
