"""
Whose key is said to have signed: what a signature's KeyInfo says.

Knows the forms, not the certificates: what is not the certificate itself comes out
as an identifier, for others to look up.  KeyInfo is not signed, so whatever it
says is proved only by the signature, with the key of the certificate that was
found.

The forms, all within one SecurityTokenReference: a direct reference to a
BinarySecurityToken beside the signature; a KeyIdentifier that is a subject key
identifier, a SHA-1 thumbprint or the certificate; an issuer's name and a serial
number.  No KeyValue, no key's name, nothing from outside the message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

from euca_tw.api.errors import InvalidSecurity
from euca_tw.common.certificate_identifiers import (
    CertificateIdentifier,
    IssuerSerial,
    SubjectKeyIdentifier,
    Thumbprint,
)
from euca_tw.common.distinguished_names import parse_name
from euca_tw.soap.elements import (
    BASE64,
    THUMBPRINT_SHA1,
    TOKEN,
    WSSE,
    X509_SKI,
    X509_V3,
    children,
    decoded,
    named,
    only,
    parts,
    resolve,
    text_of,
)

_TOKEN_REFERENCE = f"{{{WSSE}}}SecurityTokenReference"
_REFERENCE = f"{{{WSSE}}}Reference"
_KEY_IDENTIFIER = f"{{{WSSE}}}KeyIdentifier"
_X509_DATA, _ISSUER_SERIAL = named("X509Data", "X509IssuerSerial")
_IN_ISSUER_SERIAL = named("X509IssuerName", "X509SerialNumber")

#: A serial number has at most 20 bytes (RFC 5280); some have a few more.
_SERIAL = re.compile(r"\s*(\d{1,60})\s*", re.ASCII)


def read_key_info(
    key_info: etree._Element,
    security: etree._Element,
    ids: Mapping[str, etree._Element],
    *,
    is_direct: bool,
) -> bytes | CertificateIdentifier:
    """
    The certificate (DER) that is said to be the signer's, or what stands for it.

    @param is_direct: whether only a direct reference is taken.
    @raise InvalidSecurity: it is of no form that is taken.
    """
    holder = only(children(key_info), "key in KeyInfo")
    if holder.tag != _TOKEN_REFERENCE:
        raise InvalidSecurity("KeyInfo must have a SecurityTokenReference")
    reference = only(children(holder), "key reference")
    if reference.tag == _REFERENCE:
        return _token(resolve(reference.get("URI"), ids), security)
    if is_direct:
        raise InvalidSecurity("The key must be given by a direct reference")
    if reference.tag == _KEY_IDENTIFIER:
        return _key_identifier(reference)
    if reference.tag == _X509_DATA:
        return _issuer_serial(reference)
    raise InvalidSecurity("A SecurityTokenReference is of a form that is not taken")


def _token(token: etree._Element, security: etree._Element) -> bytes:
    if token.tag != TOKEN or token.getparent() is not security:
        raise InvalidSecurity("The key must be in a BinarySecurityToken")
    if token.get("ValueType") != X509_V3:
        raise InvalidSecurity("The token must be an X509v3 certificate")
    if token.get("EncodingType", BASE64) != BASE64:
        raise InvalidSecurity("The token must be in base64")
    return decoded(token)


def _key_identifier(element: etree._Element) -> bytes | CertificateIdentifier:
    if element.get("EncodingType", BASE64) != BASE64:
        raise InvalidSecurity("The KeyIdentifier must be in base64")
    text_of(element)
    match element.get("ValueType"):
        case str(kind) if kind == X509_SKI:
            return SubjectKeyIdentifier(decoded(element))
        case str(kind) if kind == THUMBPRINT_SHA1:
            return Thumbprint(decoded(element))
        case str(kind) if kind == X509_V3:
            return decoded(element)
    raise InvalidSecurity("The KeyIdentifier is of a type that is not taken")


def _issuer_serial(data: etree._Element) -> IssuerSerial:
    [issuer_serial] = parts(data, [_ISSUER_SERIAL])
    issuer, serial = map(text_of, parts(issuer_serial, _IN_ISSUER_SERIAL))
    number = _SERIAL.fullmatch(serial)
    if number is None:
        raise InvalidSecurity("X509SerialNumber is not a number")
    try:
        name = parse_name(issuer)
    except ValueError as e:
        raise InvalidSecurity(f"X509IssuerName cannot be read: {e}") from None
    return IssuerSerial(name, int(number[1]))
