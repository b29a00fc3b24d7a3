"""In what form a client has signed a message, read from what it sent."""

from __future__ import annotations

from attrs import frozen
from lxml import etree

_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-"
_WSSE, _WSU = f"{{{_WSS}secext-1.0.xsd}}", f"{{{_WSS}utility-1.0.xsd}}"


@frozen
class SignedForm:
    """
    Algorithms by the last part of their names.

    @ivar covered: names of the elements that are signed.
    @ivar token: how the certificate is told: C{Reference} to a token in the
        message, C{X509IssuerSerial}, or the type of a C{KeyIdentifier}.
    """

    signature: str
    digests: frozenset[str]
    covered: frozenset[str]
    token: str


def ec2_form(digest: str, token: str = "Reference") -> SignedForm:
    """What EC2 wants: Body and Timestamp signed, and all by one digest."""
    both = frozenset({"Body", "Timestamp"})
    return SignedForm(f"rsa-{digest}", frozenset({digest}), both, token)


def form_of(message: str) -> SignedForm:
    """@raise ValueError: there is not just one signature."""
    root = etree.fromstring(message.encode())
    [signature] = root.iter(f"{_DS}Signature")
    [told] = signature.find(f"{_DS}KeyInfo/{_WSSE}SecurityTokenReference")
    inner = told.find(f"{_DS}X509IssuerSerial")
    kind = told.get("ValueType", "").rpartition("#")[2]
    token = etree.QName(told if inner is None else inner).localname
    digests = signature.findall(f".//{_DS}DigestMethod")
    return SignedForm(
        _algorithm(signature.find(f"{_DS}SignedInfo/{_DS}SignatureMethod")),
        frozenset(map(_algorithm, digests)),
        frozenset(
            _named(root, reference.get("URI").removeprefix("#"))
            for reference in signature.findall(f".//{_DS}SignedInfo/{_DS}Reference")
        ),
        kind if token == "KeyIdentifier" else token,
    )


def _algorithm(element: etree._Element | None) -> str:
    return "" if element is None else element.get("Algorithm", "").rpartition("#")[2]


def _named(root: etree._Element, identifier: str) -> str:
    ids = ("Id", f"{_WSU}Id")
    [found] = (e for e in root.iter("*") if identifier in [e.get(a) for a in ids])
    return etree.QName(found).localname
