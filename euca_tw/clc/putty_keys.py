"""
Private keys in the form that PuTTY reads: its file of version 2, without a
passphrase.  Pure.

PuTTY's manual tells it in its appendix "PPK file format": two blobs in base64, the
public one as SSH has it, the private one what that lacks, and a code over all of it
that tells a damaged file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

_ENCRYPTION = b"none"
_MAC_KEY = hashlib.sha1(
    b"putty-private-key-file-mac-key", usedforsecurity=False
).digest()
_WIDTH = 64


def putty_key(pem: str, public: str, comment: str) -> str:
    """
    @param pem: an RSA or Ed25519 key, not encrypted.
    @param public: algorithm and key, as in authorized_keys.
    @param comment: what PuTTY shows of it; one line of ASCII.
    """
    algorithm, in_base64 = public.split(" ")[:2]
    public_blob = base64.b64decode(in_base64)
    private_blob = _private_blob(pem)
    said = (
        algorithm.encode(),
        _ENCRYPTION,
        comment.encode(),
        public_blob,
        private_blob,
    )
    code = hmac.new(_MAC_KEY, b"".join(map(_string, said)), hashlib.sha1)
    lines = (
        f"PuTTY-User-Key-File-2: {algorithm}",
        f"Encryption: {_ENCRYPTION.decode()}",
        f"Comment: {comment}",
        *_blob("Public", public_blob),
        *_blob("Private", private_blob),
        f"Private-MAC: {code.hexdigest()}",
    )
    return "".join(f"{line}\n" for line in lines)


def _private_blob(pem: str) -> bytes:
    data = pem.encode()
    if b"OPENSSH" in data:
        key = serialization.load_ssh_private_key(data, None)
        assert isinstance(key, ed25519.Ed25519PrivateKey)
        return _string(key.private_bytes_raw())
    loaded = serialization.load_pem_private_key(data, None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    numbers = loaded.private_numbers()
    return b"".join(map(_integer, (numbers.d, numbers.p, numbers.q, numbers.iqmp)))


def _string(data: bytes) -> bytes:
    """RFC 4251: after its length."""
    return len(data).to_bytes(4, "big") + data


def _integer(number: int) -> bytes:
    """RFC 4251: as short as it can be, and not negative."""
    return _string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _blob(name: str, data: bytes) -> list[str]:
    text = base64.b64encode(data).decode("ascii")
    lines = [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]
    return [f"{name}-Lines: {len(lines)}", *lines]
