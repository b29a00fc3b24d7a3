"""
Keys that users log in with: made here, or read from what users send.  Pure.

A public key comes as one line of OpenSSH, as a file of RFC 4716, as PEM, or as
DER, plain or in base64.  EC2 tells each key by a fingerprint that depends on its
type and on who made it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

from attrs import frozen
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from euca_tw.api.errors import InvalidKeyFormat

RSA, ED25519 = "rsa", "ed25519"

#: The lengths of RSA keys that EC2 takes.
RSA_BITS = (1024, 2048, 4096)

#: Longer than any of the formats of a key of 4096 bits, with a comment.
LONGEST_MATERIAL = 16384

_BEGIN_SSH2 = "---- BEGIN SSH2 PUBLIC KEY ----"
_END_SSH2 = "---- END SSH2 PUBLIC KEY ----"
_BEGIN_PEM = "-----BEGIN "
#: Of others nothing is read: a key of a security token, say, is not one of Ed25519
#: though it has one in it.
_KNOWN_LINE = re.compile(rb"ssh-(rsa|ed25519)[ \t]")
_LINES = ("ssh-", "ecdsa-", "sk-")

#: By how PEM of a public key begins, how it ends.
_PEM_KINDS = {
    f"-----BEGIN {kind}-----": f"-----END {kind}-----"
    for kind in ("PUBLIC KEY", "RSA PUBLIC KEY")
}
_SEQUENCE = b"\x30"
_LENGTH = rb"(?:[\x00-\x7f]|\x81.|\x82..)"
#: RSA's two numbers; or the names of RSA and of Ed25519, as X.509 has them.  Keys of
#: other algorithms are not even read: to check the numbers of some takes many seconds.
_KNOWN_DER = re.compile(
    rb"\x30%(length)s(?:\x02|\x30%(length)s(?:%(rsa)s|%(ed25519)s))"
    % {
        b"length": _LENGTH,
        b"rsa": re.escape(bytes.fromhex("06092a864886f70d010101")),
        b"ed25519": re.escape(bytes.fromhex("06032b6570")),
    },
    re.DOTALL,
)
_SPACE = re.compile(r"\s+")

_Known = rsa.RSAPublicKey | ed25519.Ed25519PublicKey


@frozen(kw_only=True)
class PublicKey:
    """
    @ivar key_type: L{RSA} or L{ED25519}.
    @ivar line: algorithm and key, as in authorized_keys.
    @ivar fingerprint: as EC2 computes it for keys that were imported.
    """

    key_type: str
    line: str
    fingerprint: str


@frozen(kw_only=True)
class NewKey:
    """
    @ivar private: PEM, as EC2 has it: C{BEGIN RSA PRIVATE KEY}, or OpenSSH's.
    @ivar public: algorithm and key, as in authorized_keys.
    @ivar fingerprint: as EC2 computes it for keys that it made.
    """

    private: str
    public: str
    fingerprint: str


# --- keys that are made here ------------------------------------------------


def new_key(key_type: str) -> NewKey:
    """
    A new key: of 2048 bits, if it is RSA, which takes tens of milliseconds or
    more.
    """
    if key_type == ED25519:
        return ed25519_facts(ed25519.Ed25519PrivateKey.generate())
    return rsa_facts(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def rsa_facts(key: rsa.RSAPrivateKey) -> NewKey:
    """The fingerprint is SHA-1 over the private key's PKCS#8 DER bytes."""
    pkcs8 = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    # EC2's choice; it protects nothing.
    digest = hashlib.sha1(pkcs8, usedforsecurity=False).hexdigest()
    return NewKey(
        private=private.decode("ascii"),
        public=_line(key.public_key()),
        fingerprint=_in_pairs(digest),
    )


def ed25519_facts(key: ed25519.Ed25519PrivateKey) -> NewKey:
    """The fingerprint is the same, whoever made the key."""
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    line = _line(key.public_key())
    return NewKey(
        private=private.decode("ascii"), public=line, fingerprint=_sha256_of(line)
    )


# --- keys that users have ---------------------------------------------------


def read_public_key(material: str) -> PublicKey:
    """
    The key that a user imports.

    @param material: base64 of one of the formats, as it came.
    @raise InvalidKeyFormat: it is none of them, or not a key that EC2 takes.
    """
    key = _parsed(_decoded(material))
    if isinstance(key, ed25519.Ed25519PublicKey):
        line = _line(key)
        return PublicKey(key_type=ED25519, line=line, fingerprint=_sha256_of(line))
    if not isinstance(key, rsa.RSAPublicKey):
        raise InvalidKeyFormat("The key is neither RSA nor Ed25519")
    if key.key_size not in RSA_BITS:
        raise InvalidKeyFormat(
            f"The key has {key.key_size} bits: an RSA key has "
            f"{', '.join(map(str, RSA_BITS))}"
        )
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    # EC2's choice; it protects nothing.
    digest = hashlib.md5(der, usedforsecurity=False).hexdigest()
    return PublicKey(key_type=RSA, line=_line(key), fingerprint=_in_pairs(digest))


def _decoded(material: str) -> bytes:
    if len(material) > LONGEST_MATERIAL:
        raise InvalidKeyFormat(f"It is longer than {LONGEST_MATERIAL} characters")
    try:
        return base64.b64decode(_SPACE.sub("", material), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidKeyFormat("It is not base64") from None


def _parsed(data: bytes) -> object:
    try:
        text = data.decode("ascii").strip()
    except UnicodeDecodeError:
        text = _ascii_part(data)
    try:
        if not text:
            return _from_der(data)
        if text.startswith(_BEGIN_SSH2):
            return _from_line(_from_ssh2(text))
        if text.startswith(_BEGIN_PEM):
            return _from_der(_from_pem(text))
        if text.startswith(_LINES):
            return _from_line(text.encode())
        return _from_der(base64.b64decode(_SPACE.sub("", text), validate=True))
    except (ValueError, UnsupportedAlgorithm):  # binascii.Error is a ValueError
        raise InvalidKeyFormat from None


def _from_der(data: bytes) -> object:
    """@return: None for a key of another algorithm."""
    if not data.startswith(_SEQUENCE):
        raise ValueError("no DER")
    if not _KNOWN_DER.match(data):
        return None
    return serialization.load_der_public_key(data)


def _from_pem(text: str) -> bytes:
    """
    The DER that is in PEM.

    @raise ValueError: it is not of that form, or not of a public key.
    """
    begin, *lines = text.splitlines()
    kind = _PEM_KINDS.get(begin.rstrip())
    if kind is None or not lines or lines[-1] != kind:
        raise ValueError("no PEM of a public key")
    return base64.b64decode("".join(map(str.strip, lines[:-1])), validate=True)


def _from_line(line: bytes) -> object:
    """@return: None for a key of another algorithm."""
    if not _KNOWN_LINE.match(line):
        return None
    return serialization.load_ssh_public_key(line)


def _ascii_part(data: bytes) -> str:
    """
    Of a line of OpenSSH with a comment that is not ASCII, what comes before
    that; of what is no text, nothing.
    """
    try:
        words = data.decode().split(None, 2)
    except UnicodeDecodeError:
        return ""
    return " ".join(words[:2]) if data.startswith(b"ssh-") else ""


def _from_ssh2(text: str) -> bytes:
    """
    RFC 4716 as a line of OpenSSH.

    @raise ValueError: it is not of that form.
    """
    lines = text.splitlines()
    if lines[-1].strip() != _END_SSH2:
        raise ValueError("no end")
    blob = base64.b64decode("".join(_body(lines[1:-1])), validate=True)
    length = int.from_bytes(blob[:4], "big")
    algorithm = blob[4 : 4 + length].decode("ascii")
    return f"{algorithm} {base64.b64encode(blob).decode('ascii')}".encode()


def _body(lines: list[str]) -> Iterator[str]:
    """What is no header: those have a colon, and go on after a backslash."""
    is_header = False
    for line in lines:
        if is_header or ":" in line:
            is_header = line.endswith("\\")
        else:
            yield line.strip()


# --- how they are told ------------------------------------------------------


def _line(key: _Known) -> str:
    told = key.public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return told.decode("ascii")


def _sha256_of(line: str) -> str:
    """Base64 of SHA-256 over the key as OpenSSH has it."""
    blob = base64.b64decode(line.split(" ")[1])
    return base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii")


def _in_pairs(digest: str) -> str:
    return ":".join(digest[n : n + 2] for n in range(0, len(digest), 2))
