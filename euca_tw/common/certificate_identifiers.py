"""
What stands for a certificate in a message that does not have it whole.

Each is a value of its own kind, to be looked up among the certificates that are
known; no two kinds are ever taken for each other.  None of them proves anything:
whoever has seen a certificate can name it.
"""

from __future__ import annotations

from hashlib import sha1

from attrs import frozen
from cryptography import x509

from euca_tw.common.distinguished_names import DistinguishedName, name_of


@frozen
class SubjectKeyIdentifier:
    """The certificate's extension of that name.  Certificates of one key share it."""

    value: bytes


@frozen
class Thumbprint:
    """SHA-1 over the certificate's bytes."""

    value: bytes


@frozen
class IssuerSerial:
    """Who issued it, and the number that he gave it."""

    issuer: DistinguishedName
    serial: int


#: It is not there, or the extensions cannot be read.
_NO_EXTENSION = (
    x509.ExtensionNotFound,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    ValueError,
)

CertificateIdentifier = SubjectKeyIdentifier | Thumbprint | IssuerSerial


def identifiers_of(certificate_der: bytes) -> tuple[CertificateIdentifier, ...]:
    """
    All that stands for a certificate.

    @raise ValueError: it is none.
    """
    certificate = x509.load_der_x509_certificate(certificate_der)
    found: list[CertificateIdentifier] = [
        Thumbprint(sha1(certificate_der).digest()),  # noqa: S324, it is a name
        IssuerSerial(name_of(certificate.issuer), certificate.serial_number),
    ]
    try:
        extension = certificate.extensions.get_extension_for_class(
            x509.SubjectKeyIdentifier
        )
    except _NO_EXTENSION:
        return tuple(found)
    return (*found, SubjectKeyIdentifier(extension.value.digest))
