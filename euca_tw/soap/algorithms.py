"""
The algorithms that sign and digest: a short list, and how each is checked.

RSA with SHA-1 or SHA-2, ECDSA with SHA-2.  No HMAC: with a public key it would be
everybody's.  SHA-1 can be left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from euca_tw.soap.decoys import decoy, is_out_of_range
from euca_tw.soap.elements import DS
from euca_tw.soap.keys import PublicKey
from euca_tw.soap.templates import Templates

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
XENC = "http://www.w3.org/2001/04/xmlenc#"


@frozen
class SignatureMethod:
    """@ivar is_elliptic: ECDSA; else RSA (PKCS #1 v1.5)."""

    hash: hashes.HashAlgorithm
    is_elliptic: bool = False

    def verify(self, key: PublicKey | None, signature: bytes, signed: bytes) -> None:
        """
        Takes as long if there is no key as if it is the wrong one: what the
        signature looks like decides what is computed, not whose it might be.

        @raise InvalidSignature: the key did not sign this, is of another kind, or
            there is none.
        """
        is_believed = key is not None and self._fits(key, signature)
        if key is None or not is_believed:
            key = decoy(self.is_elliptic, len(signature))
        try:
            self._verify(key, signature, signed)
        except InvalidSignature:
            if is_out_of_range(key, signature):
                self._verify(decoy(False, len(signature)), signature, signed)
            raise
        if not is_believed:
            raise InvalidSignature

    def _fits(self, key: PublicKey, signature: bytes) -> bool:
        """Whether the signature is one that such a key could have made."""
        size = (key.key_size + 7) // 8
        if isinstance(key, rsa.RSAPublicKey):
            return not self.is_elliptic and len(signature) == size
        return self.is_elliptic and len(signature) == 2 * size

    def _verify(self, key: PublicKey, signature: bytes, signed: bytes) -> None:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), self.hash)
        else:
            der = _der(signature, (key.key_size + 7) // 8)
            key.verify(der, signed, ec.ECDSA(self.hash))

    def unrepeatable(self, signature: bytes) -> bytes:
        """
        What of a good signature nobody can change who does not have the key.
        For an elliptic one (r, s) anybody can make (r, -s), which is as good;
        so it is r.
        """
        return signature[: len(signature) // 2] if self.is_elliptic else signature


def _der(signature: bytes, size: int) -> bytes:
    """An elliptic signature is two numbers, each as long as the curve's order."""
    if len(signature) != 2 * size:
        raise InvalidSignature
    r, s = signature[:size], signature[size:]
    return encode_dss_signature(int.from_bytes(r), int.from_bytes(s))


@frozen(kw_only=True)
class Algorithms:
    """
    Those that are taken, by name.

    @ivar templates: what was worked out by them.
    """

    signing: Mapping[str, SignatureMethod]
    digesting: Mapping[str, Callable[[bytes], Any]]
    templates: Templates = field(factory=Templates, eq=False, repr=False)


WITHOUT_SHA1 = Algorithms(
    signing={
        MORE + "rsa-sha256": SignatureMethod(hashes.SHA256()),
        MORE + "rsa-sha384": SignatureMethod(hashes.SHA384()),
        MORE + "rsa-sha512": SignatureMethod(hashes.SHA512()),
        MORE + "ecdsa-sha256": SignatureMethod(hashes.SHA256(), is_elliptic=True),
        MORE + "ecdsa-sha384": SignatureMethod(hashes.SHA384(), is_elliptic=True),
        MORE + "ecdsa-sha512": SignatureMethod(hashes.SHA512(), is_elliptic=True),
    },
    digesting={
        XENC + "sha256": hashlib.sha256,
        MORE + "sha384": hashlib.sha384,
        XENC + "sha512": hashlib.sha512,
    },
)

#: EC2's own tools know nothing but SHA-1.
ALL = Algorithms(
    signing={
        DS + "rsa-sha1": SignatureMethod(hashes.SHA1()),  # noqa: S303
        **WITHOUT_SHA1.signing,
    },
    digesting={DS + "sha1": hashlib.sha1, **WITHOUT_SHA1.digesting},
)
