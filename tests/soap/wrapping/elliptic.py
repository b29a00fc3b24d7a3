"""
Signatures by elliptic curves, which are two numbers: others are made of good ones,
there are some that a careless verifier takes for good without a key, and they can
be written in ways that are not XML's.

Ellen signs so; Alice has an RSA key.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from functools import cache

import xmlsec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from euca_tw.soap.signing import Suite
from tests.soap.identities import elliptic, identity
from tests.soap.messages import find, message
from tests.soap.wrapping.honest import (
    ALTERED,
    EVIL,
    FORGED,
    REPLAYED,
    Attack,
    Honest,
    Make,
    Why,
    asking,
    body,
    insecure,
    token,
)

SUITE = Suite(
    signing=xmlsec.constants.TransformEcdsaSha256,
    digesting=xmlsec.constants.TransformSha256,
)
_INSTANCE = "i-e1110000"
#: Of P-256: the order of its group, and the size of a number below it.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
_SIZE = 32

ENTRY = asking("DescribeInstances", _INSTANCE)
HONEST = ("ellen", "DescribeInstances", (_INSTANCE,))

Change = Callable[[int, int], bytes]


@cache
def honest() -> bytes:
    """Ellen describes an instance."""
    return message(ENTRY, headers=(), by=elliptic("ellen"), suite=SUITE)


def _value(root: etree._Element) -> etree._Element:
    return find(root, ".//ds:SignatureValue")


def _numbers(value: bytes) -> tuple[int, int]:
    return int.from_bytes(value[:_SIZE]), int.from_bytes(value[_SIZE:])


def _two(r: int, s: int, size: int = _SIZE) -> bytes:
    return r.to_bytes(size) + s.to_bytes(size)


def _with(change: Change) -> Make:
    """Another value for the signature."""

    def make(_: Honest) -> bytes:
        root = etree.fromstring(honest())
        value = _value(root)
        changed = change(*_numbers(b64decode(value.text or "")))
        value.text = b64encode(changed).decode()
        return etree.tostring(root)

    return make


#: What a careless verifier takes for good, for any key and message; what others
#: have made of good ones; and how they can be written.
_VALUES: dict[str, Change] = {
    "both numbers zero": lambda r, s: _two(0, 0),
    "r zero": lambda r, s: _two(0, s),
    "s zero": lambda r, s: _two(r, 0),
    "both numbers one": lambda r, s: _two(1, 1),
    "r one": lambda r, s: _two(1, s),
    "s one": lambda r, s: _two(r, 1),
    "r the order": lambda r, s: _two(_ORDER, s),
    "s the order": lambda r, s: _two(r, _ORDER),
    "both the order": lambda r, s: _two(_ORDER, _ORDER),
    "r one less than the order": lambda r, s: _two(_ORDER - 1, s),
    "s one less than the order": lambda r, s: _two(r, _ORDER - 1),
    "r one more than the order": lambda r, s: _two(_ORDER + 1, s),
    "s one more than the order": lambda r, s: _two(r, _ORDER + 1),
    "r the prime": lambda r, s: _two(_PRIME, s),
    "both as large as can be": lambda r, s: b"\xff" * 64,
    "r negative": lambda r, s: _two(_ORDER - r, s),
    "both negative": lambda r, s: _two(_ORDER - r, _ORDER - s),
    "r and s exchanged": lambda r, s: _two(s, r),
    "the order added to s": lambda r, s: _two(r, s + _ORDER, 33),
    "the order added to r": lambda r, s: _two(r + _ORDER, s, 33),
    "as DER": encode_dss_signature,
    "negative, as DER": lambda r, s: encode_dss_signature(r, _ORDER - s),
    "zeros as DER": lambda r, s: encode_dss_signature(0, 0),
    "cut short": lambda r, s: _two(r, s)[:-1],
    "a byte more": lambda r, s: _two(r, s) + b"\0",
    "two bytes more": lambda r, s: _two(r, s) + b"\0\0",
    "with leading zeros": lambda r, s: _two(r, s, 33),
    "as long as for P-384": lambda r, s: _two(r, s, 48),
    "as long as for P-521": lambda r, s: _two(r, s, 66),
    "as long as for RSA": lambda r, s: _two(r, s, 128),
    "r alone": lambda r, s: r.to_bytes(_SIZE),
    "twice": lambda r, s: _two(r, s) * 2,
    "one byte": lambda r, s: b"\0",
    "two bytes": lambda r, s: b"\1\1",
    "in the order of small machines": lambda r, s: (
        r.to_bytes(_SIZE, "little") + s.to_bytes(_SIZE, "little")
    ),
}


def _values() -> Iterator[Attack]:
    for name, change in _VALUES.items():
        yield Attack(name=f"Elliptic: {name}", make=_with(change), why=FORGED)


def _again() -> Iterator[Attack]:
    """As good as the honest one, which was sent before."""
    for name, make in (
        ("the same, with s negative", _with(lambda r, s: _two(r, _ORDER - s))),
        ("the same, written in lines", _in_lines),
        ("the same, with its token in lines", _token_in_lines),
    ):
        yield Attack(name=f"Elliptic: {name}", make=make, why=REPLAYED, is_replay=True)


def _in_lines(_: Honest) -> bytes:
    root = etree.fromstring(honest())
    _value(root).text = "\n".join("".join((_value(root).text or "").split()))
    return etree.tostring(root)


def _token_in_lines(_: Honest) -> bytes:
    root = etree.fromstring(honest())
    token(root).text = "\n".join(token(root).text or "")
    return etree.tostring(root)


def _keys() -> Iterator[Attack]:
    def by_384(_: Honest) -> bytes:
        """A good signature by a key on another curve, with Ellen's certificate."""
        root = etree.fromstring(_evil(elliptic("ellen-384", ec.SECP384R1)))
        token(root).text = elliptic("ellen").token
        return etree.tostring(root)

    def by_eve(_: Honest) -> bytes:
        root = etree.fromstring(_evil(elliptic("eve-elliptic")))
        token(root).text = elliptic("ellen").token
        return etree.tostring(root)

    def alices(_: Honest) -> bytes:
        """An elliptic signature, and an RSA certificate."""
        root = etree.fromstring(honest())
        token(root).text = identity("alice").token
        return etree.tostring(root)

    def ellens(h: Honest) -> bytes:
        """An RSA signature, and an elliptic certificate."""
        root = etree.fromstring(h.document)
        token(root).text = elliptic("ellen").token
        return etree.tostring(root)

    def stranger(_: Honest) -> bytes:
        return _evil(elliptic("eve-elliptic"))

    def unsafe(_: Honest) -> bytes:
        """Kay is a user, but her curve is none that is taken."""
        return _evil(elliptic("kay", ec.SECP256K1))

    def other_body(_: Honest) -> bytes:
        root = etree.fromstring(honest())
        body(root).replace(body(root)[0], etree.fromstring(EVIL))
        return etree.tostring(root)

    no_flaw = Why(FORGED.error, FORGED.said)
    for name, make, why in (
        ("another curve's, with Ellen's certificate", by_384, FORGED),
        ("eve's, with Ellen's certificate", by_eve, FORGED),
        ("Ellen's, with Alice's RSA certificate", alices, FORGED),
        ("an RSA one, with Ellen's certificate", ellens, FORGED),
        ("a stranger's", stranger, Why(FORGED.error, FORGED.said, "stranger")),
        ("on a curve that is not taken", unsafe, no_flaw),
        ("over another entry", other_body, ALTERED),
    ):
        yield Attack(name=f"Elliptic: {name}", make=make, why=why)


def _evil(by: object) -> bytes:
    return message(EVIL, headers=(), by=by, suite=SUITE)  # type: ignore[arg-type]


def _methods() -> Iterator[Attack]:
    for old, new, why in (
        ("ecdsa-sha256", "ecdsa-sha1", insecure("#ecdsa-sha1' is not taken")),
        ("ecdsa-sha256", "ecdsa-sha224", insecure("#ecdsa-sha224' is not taken")),
        ("ecdsa-sha256", "ecdsa-md5", insecure("#ecdsa-md5' is not taken")),
        ("ecdsa-sha256", "hmac-sha256", insecure("#hmac-sha256' is not taken")),
        ("ecdsa-sha256", "eddsa-ed25519", insecure("#eddsa-ed25519' is not taken")),
        ("ecdsa-sha256", "ecdsa-sha512", FORGED),
        ("ecdsa-sha256", "rsa-sha256", FORGED),
    ):

        def make(_: Honest, old: str = old, new: str = new) -> bytes:
            return honest().replace(f"#{old}".encode(), f"#{new}".encode())

        yield Attack(name=f"Elliptic: renamed {new}", make=make, why=why)

    def rsa_renamed(h: Honest) -> bytes:
        return h.document.replace(b"#rsa-sha256", b"#ecdsa-sha256")

    yield Attack(name="RSA renamed elliptic", make=rsa_renamed, why=FORGED)


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    for family, maker in (
        ("Elliptic signatures altered", _values),
        ("Elliptic signatures again", _again),
        ("Elliptic keys of others", _keys),
        ("Elliptic methods renamed", _methods),
    ):
        for each in maker():
            yield family, each
