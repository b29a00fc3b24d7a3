"""
Keys that are nobody's, to check the signatures of strangers against.

What is computed for one must take as long as for a user whose signature is wrong,
or the time of the answer would tell whose certificates are known.  So there is one
for each kind and size of key that may be a user's; a signature of no such size is
judged by the same one whoever may have made it.  They are no secrets: whatever they
find, it is not believed.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import shake_256

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from euca_tw.common.certificates import KEY_BITS, RSA_BITS
from euca_tw.soap.keys import PublicKey

#: In bytes, as long as their signatures.
_RSA_SIZES = tuple(bits // 8 for bits in RSA_BITS)
_COMMON_RSA = KEY_BITS // 8
_CURVES: dict[int, type[ec.EllipticCurve]] = {
    64: ec.SECP256R1,
    96: ec.SECP384R1,
    132: ec.SECP521R1,
}
_COMMON_CURVE = 64


def decoy(is_elliptic: bool, signature_size: int) -> PublicKey:
    """The key for signatures of that size; where no key has such, any."""
    if is_elliptic:
        is_of_curve = signature_size in _CURVES
        return _elliptic(signature_size if is_of_curve else _COMMON_CURVE)
    return _rsa(signature_size if signature_size in _RSA_SIZES else _COMMON_RSA)


def is_out_of_range(key: PublicKey, signature: bytes) -> bool:
    """
    Whether the number that an RSA signature is is none that the key could have
    made, which is found at once; none that is as long is for a decoy.
    """
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    return int.from_bytes(signature) >= key.public_numbers().n


@lru_cache
def _rsa(size: int) -> rsa.RSAPublicKey:
    """Of a modulus whose factors nobody has looked for, as large as it can be."""
    digits = bytearray(shake_256(b"nobody").digest(size))
    digits[:8] = b"\xff" * 8
    digits[-1] |= 1
    return rsa.RSAPublicNumbers(65537, int.from_bytes(digits)).public_key()


@lru_cache
def _elliptic(signature_size: int) -> ec.EllipticCurvePublicKey:
    number = int.from_bytes(shake_256(b"nobody").digest(16))
    curve = _CURVES[signature_size]()
    return ec.derive_private_key(number, curve).public_key()


__all__ = ["decoy", "is_out_of_range"]
