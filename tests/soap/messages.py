"""Signed messages for tests, and ways to alter them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from lxml import etree

from euca_tw.soap.elements import THUMBPRINT_SHA1, X509_SKI, X509_V3
from euca_tw.soap.envelope import SOAP_11, Envelope, read
from euca_tw.soap.keys import Identity
from euca_tw.soap.signing import SHA256, Suite, signed
from euca_tw.soap.wsse import DS, SECURITY, TIMESTAMP, WSSE, WSU
from tests.soap.identities import NOW, identity

ENTRY = '<Do xmlns="urn:test"><what>this</what></Do>'
TO = "{urn:addressing}To"
NAMES = {"s": SOAP_11, "ds": DS, "wsse": WSSE, "wsu": WSU, "t": "urn:test"}

Alter = Callable[[etree._Element], object]


def message(
    entry: str = ENTRY,
    *,
    headers: Sequence[tuple[str, str]] = ((TO, "you"),),
    by: str | Identity = "alice",
    now: datetime = NOW,
    suite: Suite = SHA256,
    soap: str = SOAP_11,
    lifetime_s: float = 300,
) -> bytes:
    signer = identity(by) if isinstance(by, str) else by
    return signed(soap, headers, entry, signer, now, suite=suite, lifetime_s=lifetime_s)


def altered(alter: Alter, document: bytes | None = None) -> Envelope:
    """The message, after C{alter} has had its way with the tree."""
    root = etree.fromstring(message() if document is None else document)
    alter(root)
    return read(etree.tostring(root))


def called(make: Callable[[etree._Element], object]) -> Alter:
    """
    An alteration: the token is gone, and the key is given by what C{make} puts
    in the SecurityTokenReference.
    """

    def alter(root: etree._Element) -> None:
        find(root, ".//wsse:Security").remove(find(root, ".//wsse:BinarySecurityToken"))
        holder = find(root, ".//wsse:SecurityTokenReference")
        holder.remove(holder[0])
        make(holder)

    return alter


def key_identifier(kind: str | None, text: str, **more: str) -> Alter:
    """A KeyIdentifier of that type."""

    def make(holder: etree._Element) -> None:
        made = etree.SubElement(holder, f"{{{WSSE}}}KeyIdentifier", more)
        made.text = text
        if kind is not None:
            made.set("ValueType", kind)

    return called(make)


def issuer_serial(issuer: str, serial: str) -> Alter:
    """An issuer's name and a serial number."""

    def make(holder: etree._Element) -> None:
        data = etree.SubElement(holder, f"{{{DS}}}X509Data")
        made = etree.SubElement(data, f"{{{DS}}}X509IssuerSerial")
        etree.SubElement(made, f"{{{DS}}}X509IssuerName").text = issuer
        etree.SubElement(made, f"{{{DS}}}X509SerialNumber").text = serial

    return called(make)


def each_form(certificate_der: bytes) -> dict[str, Alter]:
    """A certificate, given in each form but the direct reference."""
    certificate = x509.load_der_x509_certificate(certificate_der)
    ski = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    return {
        "key": key_identifier(X509_SKI, b64encode(ski.digest).decode()),
        "thumbprint": key_identifier(
            THUMBPRINT_SHA1,
            b64encode(certificate.fingerprint(SHA1())).decode(),
        ),
        "certificate": key_identifier(X509_V3, b64encode(certificate_der).decode()),
        "issuer": issuer_serial(
            certificate.issuer.rfc4514_string(), str(certificate.serial_number)
        ),
    }


def find(root: etree._Element, path: str) -> etree._Element:
    found = root.find(path, NAMES)
    assert found is not None, path
    return found


__all__ = [
    "ENTRY",
    "NAMES",
    "SECURITY",
    "TIMESTAMP",
    "TO",
    "Alter",
    "altered",
    "called",
    "each_form",
    "find",
    "issuer_serial",
    "key_identifier",
    "message",
]
