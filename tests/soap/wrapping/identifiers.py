"""
Certificates that are not in the message, but called by what stands for them: the
wrong one is called, or in a way that two could be meant.

Known are also Ida, whose certificate is not active any more, and Tom and Tim, two
users with certificates of one key: Tom's message is as well signed by Tim's.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha1, sha256

from cryptography import x509
from lxml import etree

from euca_tw.soap.elements import BASE64, THUMBPRINT_SHA1, X509_SKI, X509_V3
from euca_tw.soap.keys import Identity
from tests.soap.identities import identity, twin
from tests.soap.messages import (
    Alter,
    called,
    each_form,
    find,
    issuer_serial,
    key_identifier,
    message,
)
from tests.soap.wrapping.honest import (
    DS,
    EVIL,
    FORGED,
    REPLAYED,
    STRANGER,
    WSSE,
    Attack,
    Honest,
    Why,
    asking,
    attack,
    insecure,
    signature,
    token,
)

_TOMS_INSTANCE = "i-70700000"

HONEST = ("tom", "DescribeInstances", (_TOMS_INSTANCE,))

_ONE_KEY = insecure("exactly one key in KeyInfo")
_ONE_REFERENCE = insecure("exactly one key reference")
_NO_TYPE = insecure("of a type that is not taken")
_NO_BASE64 = insecure("KeyIdentifier is not base64")


def _in_base64(found: bytes) -> str:
    return b64encode(found).decode()


def _ski(der: bytes) -> bytes:
    key = x509.load_der_x509_certificate(der).public_key()
    return x509.SubjectKeyIdentifier.from_public_key(key).digest


def _evil(name: str, by: Identity | str, alter: Alter, why: Why) -> Attack:
    """The attacker's own message, signed well, with another key's name in it."""

    def make(honest: Honest) -> bytes:
        root = etree.fromstring(message(EVIL, headers=(), by=by))
        alter(root)
        return etree.tostring(root)

    return Attack(name=name, make=make, why=why)


@cache
def honest() -> bytes:
    """Tom describes an instance."""
    entry = asking("DescribeInstances", _TOMS_INSTANCE)
    return message(entry, headers=(), by=twin("tom"))


# --- whose ------------------------------------------------------------------


def _others() -> Iterator[Attack]:
    alice = identity("alice")
    for by, why in (("mallory", FORGED), ("eve", STRANGER), ("ida", STRANGER)):
        for form, alter in each_form(identity(by).certificate).items():
            yield attack(f"The {form} of {by}", alter, why)
    for form, alter in each_form(alice.certificate).items():
        for by in ("mallory", "eve"):
            yield _evil(f"{by} signs, and calls Alice's {form}", by, alter, FORGED)
    for by in ("eve", "ida"):
        for form, alter in each_form(identity(by).certificate).items():
            yield _evil(f"{by} signs, and calls the own {form}", by, alter, STRANGER)


def _twins() -> Iterator[Attack]:
    """By the key's identifier nobody can tell which of two is meant."""
    form = each_form(twin("tom").certificate)["key"]
    yield _evil("One of two calls their key", twin("tom"), form, STRANGER)
    yield _evil("eve calls the key of two", "eve", form, STRANGER)
    yield attack("The key of two", form, STRANGER)
    for name in ("tom", "tim"):

        def with_token(root: etree._Element, name: str = name) -> None:
            token(root).text = twin(name).token

        forms = each_form(twin(name).certificate)
        del forms["key"]
        for kind, alter in {"token": with_token, **forms}.items():
            yield Attack(
                name=f"Tom's message again, with {name}'s {kind}",
                make=_toms(alter),
                why=REPLAYED,
                is_replay=True,
            )


def _toms(alter: Alter) -> Callable[[Honest], bytes]:
    """Tom's message, which was sent before, with another certificate of its key."""

    def make(_: Honest) -> bytes:
        root = etree.fromstring(honest())
        alter(root)
        return etree.tostring(root)

    return make


def _beside() -> Iterator[Attack]:
    """An identifier, and a token too."""
    for form, alter in each_form(identity("alice").certificate).items():
        for by in ("eve", "mallory"):
            yield _evil(
                f"{by} signs, with a token that is not named; Alice's {form} is",
                by,
                _keeping_token(alter),
                FORGED,
            )

            def two_in_one(root: etree._Element, alter: Alter = alter) -> None:
                old = find(root, ".//wsse:SecurityTokenReference/*")
                _keeping_token(alter)(root)
                find(root, ".//wsse:SecurityTokenReference").append(old)

            yield _evil(
                f"{by} signs: Alice's {form}, then a token",
                by,
                two_in_one,
                _ONE_REFERENCE,
            )

            def two_keys(root: etree._Element, alter: Alter = alter) -> None:
                old = find(root, ".//wsse:SecurityTokenReference")
                _keeping_token(alter)(root)
                info = find(signature(root), "ds:KeyInfo")
                again = etree.SubElement(info, old.tag)
                reference = etree.SubElement(again, f"{{{WSSE}}}Reference")
                reference.set("URI", "#Token")

            yield _evil(
                f"{by} signs: a token after Alice's {form}", by, two_keys, _ONE_KEY
            )


def _keeping_token(alter: Alter) -> Alter:
    def keeping(root: etree._Element) -> None:
        kept, parent = token(root), token(root).getparent()
        assert parent is not None
        alter(root)
        parent.insert(0, kept)

    return keeping


# --- what it is -------------------------------------------------------------


def _values() -> Iterator[Attack]:
    alice = identity("alice").certificate
    thumbprint, ski = sha1(alice).digest(), _ski(alice)
    changes: dict[str, Callable[[bytes], bytes]] = {
        "cut short": lambda value: value[:-1],
        "with a byte after it": lambda value: value + b"\0",
        "with a byte before it": lambda value: b"\0" + value,
        "with one bit changed": lambda value: value[:-1] + bytes([value[-1] ^ 1]),
        "twice": lambda value: value + value,
        "in hexadecimal": lambda value: value.hex().encode(),
    }
    for kind, name, value in (
        (X509_SKI, "key identifier", ski),
        (THUMBPRINT_SHA1, "thumbprint", thumbprint),
        (X509_V3, "certificate", alice),
    ):
        for how, change in changes.items():
            text = _in_base64(change(value))
            yield attack(f"The {name} {how}", key_identifier(kind, text), STRANGER)
        for text in ("", "****", " "):
            yield attack(
                f"The {name} is {text!r}", key_identifier(kind, text), _NO_BASE64
            )
    for kind, what, value in (
        (X509_SKI, "thumbprint as a key's", thumbprint),
        (X509_SKI, "certificate as a key's", alice),
        (THUMBPRINT_SHA1, "key as a thumbprint's", ski),
        (THUMBPRINT_SHA1, "certificate as a thumbprint's", alice),
        (X509_V3, "thumbprint as a certificate's", thumbprint),
        (X509_V3, "key as a certificate's", ski),
        (THUMBPRINT_SHA1, "SHA-256 thumbprint as SHA-1's", sha256(alice).digest()),
    ):
        alter = key_identifier(kind, _in_base64(value))
        yield attack(f"The {what}", alter, STRANGER)


def _kinds() -> Iterator[Attack]:
    alice = identity("alice").certificate
    text = _in_base64(sha1(alice).digest())
    for name, kind in (
        ("none", None),
        ("an empty one", ""),
        ("a fragment", "#ThumbprintSHA1"),
        ("SHA-256", THUMBPRINT_SHA1.replace("SHA1", "SHA256")),
        ("a chain", X509_V3 + "PKIPathv1"),
        ("PKCS #7", X509_V3.replace("X509v3", "PKCS7")),
        ("Kerberos", X509_V3.replace("X509v3", "Kerberosv5_AP_REQ")),
        (
            "SAML",
            "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.0#SAMLID",
        ),
        ("an encrypted key", THUMBPRINT_SHA1.replace("Thumbprint", "EncryptedKey")),
    ):
        yield attack(
            f"A type of identifier: {name}", key_identifier(kind, text), _NO_TYPE
        )
    for encoding in (BASE64.replace("Base64", "Hex"), "", "#Base64Binary"):
        yield attack(
            f"An identifier encoded as {encoding.rpartition('#')[2]!r} {len(encoding)}",
            key_identifier(THUMBPRINT_SHA1, text, EncodingType=encoding),
            insecure("KeyIdentifier must be in base64"),
        )
    for name, make in (
        ("a comment", lambda: etree.Comment("x")),
        ("an element", lambda: etree.Element("{urn:evil}x")),
    ):

        def split(
            root: etree._Element, make: Callable[[], etree._Element] = make
        ) -> None:
            key_identifier(THUMBPRINT_SHA1, text)(root)
            find(root, ".//wsse:KeyIdentifier").append(make())

        yield attack(
            f"An identifier with {name}",
            split,
            insecure("KeyIdentifier must have text only"),
        )


# --- issuer and serial number -----------------------------------------------


def _issuers() -> Iterator[Attack]:
    alice, mallory = (
        x509.load_der_x509_certificate(identity(name).certificate)
        for name in ("alice", "mallory")
    )
    issuer, serial = alice.issuer.rfc4514_string(), alice.serial_number
    others = mallory.issuer.rfc4514_string()
    for name, text, number in (
        ("Alice's issuer, mallory's number", issuer, str(mallory.serial_number)),
        ("mallory's issuer, Alice's number", others, str(serial)),
        ("the next number", issuer, str(serial + 1)),
        ("the number modulo 2^64", issuer, str(serial % (1 << 64))),
        ("an issuer with more", f"{issuer},O=x", str(serial)),
        ("an issuer twice", f"{issuer},{issuer}", str(serial)),
        ("an issuer of another kind", issuer.replace("CN=", "O="), str(serial)),
        ("an issuer quoted into a longer name", f'CN="{issuer}"', str(serial)),
        ("no issuer", "", str(serial)),
    ):
        yield attack(f"Called by {name}", issuer_serial(text, number), STRANGER)
    no_number = insecure("X509SerialNumber is not a number")
    for how, number in {
        "nothing": "",
        "its negative": f"-{serial}",
        "it with a sign": f"+{serial}",
        "it in hexadecimal": hex(serial),
        "it with a fraction": f"{serial}.0",
        "it with an exponent": f"{serial}e0",
        "two": f"{serial} 1",
        "one of 61 digits": "9" * 61,
        "one of 5000 digits": "9" * 5000,
        "a digit of another script": "\u0661",
    }.items():
        yield attack(
            f"Called by a number: {how}", issuer_serial(issuer, number), no_number
        )
    no_name = insecure("X509IssuerName cannot be read")
    for text in ("alice", "CN", f"{issuer},", f"X-EVIL={issuer}", "CN=" + "a" * 4096):
        yield attack(
            f"Called by the name {text[:30]!r}, {len(text)}",
            issuer_serial(text, str(serial)),
            no_name,
        )
    yield from _x509_data(issuer, str(serial))


def _x509_data(issuer: str, serial: str) -> Iterator[Attack]:
    one = insecure("X509Data must have X509IssuerSerial")
    parts = insecure("X509IssuerSerial must have X509IssuerName, X509SerialNumber")

    def changed(change: Callable[[etree._Element], object], path: str) -> Alter:
        def alter(root: etree._Element) -> None:
            issuer_serial(issuer, serial)(root)
            change(find(root, path))

        return alter

    def certificate(data: etree._Element) -> None:
        added = etree.SubElement(data, f"{{{DS}}}X509Certificate")
        added.text = identity("eve").token

    def again(data: etree._Element) -> None:
        issuer_two = etree.fromstring(etree.tostring(data[0]))
        data.append(issuer_two)

    for name, change, path, why in (
        ("a certificate beside it", certificate, ".//ds:X509Data", one),
        ("two of them", again, ".//ds:X509Data", one),
        (
            "the number first",
            lambda e: e.insert(0, e[1]),
            ".//ds:X509IssuerSerial",
            parts,
        ),
        ("no number", lambda e: e.remove(e[1]), ".//ds:X509IssuerSerial", parts),
        (
            "a number in two parts",
            lambda e: e.append(etree.Comment("x")),
            ".//ds:X509SerialNumber",
            insecure("X509SerialNumber must have text only"),
        ),
    ):
        yield attack(f"Issuer and number: {name}", changed(change, path), why)

    def only_certificate(holder: etree._Element) -> None:
        certificate(etree.SubElement(holder, f"{{{DS}}}X509Data"))

    yield attack("X509Data with a certificate alone", called(only_certificate), one)


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    for family, maker in (
        ("Certificates of others, called", _others),
        ("One key of two certificates", _twins),
        ("Identifiers and tokens", _beside),
        ("Identifiers altered", _values),
        ("Identifiers of other kinds", _kinds),
        ("Issuers and serial numbers", _issuers),
    ):
        for each in maker():
            yield family, each
