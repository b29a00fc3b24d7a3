"""Whose key it was: certificates swapped, doubled, hidden or named in other ways."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives import serialization
from lxml import etree

from euca_tw.common.certificates import der_of, make_certificate
from tests.soap.identities import NOW, identity, pair
from tests.soap.messages import find, message
from tests.soap.wrapping.bodies import wrapped
from tests.soap.wrapping.honest import (
    DS,
    EVIL,
    FORGED,
    ID,
    NO_ID,
    SIGNATURE_FORM,
    STRANGER,
    TOKEN,
    WSSE,
    Attack,
    Honest,
    Why,
    attack,
    body,
    drop,
    header,
    insecure,
    security,
    signature,
    token,
)
from tests.soap.wrapping.naive import private_key

Alter = Callable[[etree._Element], object]

_NO_TOKEN = insecure("The key must be in a BinarySecurityToken")
_ONE_KEY = insecure("exactly one key in KeyInfo")
_ONE_REFERENCE = insecure("exactly one key reference")
_NO_HOLDER = insecure("KeyInfo must have a SecurityTokenReference")


def _evil(by: str, alter: Alter, why: Why, name: str) -> Attack:
    """The attacker's own message, signed well by his own key, and altered."""

    def make(honest: Honest) -> bytes:
        root = etree.fromstring(message(EVIL, headers=(), by=by))
        alter(root)
        return etree.tostring(root)

    return Attack(name=name, make=make, why=why)


def _set_token(text: str) -> Alter:
    def alter(root: etree._Element) -> None:
        token(root).text = text

    return alter


def _alices_token(root: etree._Element) -> None:
    token(root).text = identity("alice").token


def _add_token(by: str, place: int, name: str = "Other") -> Alter:
    """A second token; the signature names the first."""

    def alter(root: etree._Element) -> None:
        other = etree.Element(TOKEN, dict(token(root).attrib))
        other.set(ID, name)
        other.text = identity(by).token
        security(root).insert(place, other)

    return alter


def _named_as_alice() -> str:
    """A certificate with Alice's name, of another key."""
    made = make_certificate("alice", NOW, 365)
    return b64encode(der_of(made.certificate_pem)).decode()


def _token_text(change: Callable[[bytes], bytes]) -> Alter:
    def alter(root: etree._Element) -> None:
        changed = change(identity("alice").certificate)
        token(root).text = b64encode(changed).decode()

    return alter


def _as_pem(root: etree._Element) -> None:
    token(root).text = pair("alice").certificate_pem.decode()


def _certificates() -> Iterator[Attack]:
    for by, why in (("mallory", FORGED), ("eve", STRANGER)):
        yield attack(
            f"The honest signature with the certificate of {by}",
            _set_token(identity(by).token),
            why,
        )
    for by in ("mallory", "eve"):
        yield _evil(by, _alices_token, FORGED, f"Alice's certificate, {by} signs")
    yield _evil("eve", lambda root: None, STRANGER, "A stranger's certificate")
    for place, order in ((1, "before"), (2, "after"), (4, "at the end")):
        yield _evil(
            "eve",
            _add_token("alice", place),
            STRANGER,
            f"A stranger's certificate, and Alice's {order}",
        )
        yield attack(
            f"The honest certificate is not named, but one {order} of mallory's",
            _pointing(_add_token("mallory", place)),
            FORGED,
        )
    yield attack(
        "A certificate of Alice's name", _set_token(_named_as_alice()), STRANGER
    )
    for name, change in (
        ("with bytes after it", lambda der: der + b"\0"),
        ("with bytes before it", lambda der: b"\0" + der),
        ("cut short", lambda der: der[:-1]),
        ("with another signature", lambda der: der[:-1] + bytes([der[-1] ^ 1])),
        ("twice", lambda der: der + der),
    ):
        yield attack(f"Alice's certificate {name}", _token_text(change), STRANGER)
    yield attack("Alice's certificate as PEM", _as_pem, STRANGER)
    yield attack("Alice's bare key", _bare_key, STRANGER)
    yield attack(
        "An empty token", _set_token(""), insecure("BinarySecurityToken is not base64")
    )
    yield attack(
        "A token that is no base64",
        _set_token("****"),
        insecure("BinarySecurityToken is not base64"),
    )


def _pointing(alter: Alter) -> Alter:
    def both(root: etree._Element) -> None:
        alter(root)
        find(signature(root), ".//wsse:Reference").set("URI", "#Other")

    return both


def _bare_key(root: etree._Element) -> None:
    token(root).text = b64encode(_spki()).decode()


def _spki() -> bytes:
    return (
        private_key("alice")
        .public_key()
        .public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


# --- the token's place, and its form ----------------------------------------


def _types() -> Iterator[Attack]:
    for name, attribute, value, why in (
        ("a chain", "ValueType", "#X509PKIPathv1", "an X509v3 certificate"),
        ("PKCS #7", "ValueType", "#PKCS7", "an X509v3 certificate"),
        ("of no type", "ValueType", "", "an X509v3 certificate"),
        ("a user's name", "ValueType", "#UsernameToken", "an X509v3 certificate"),
        ("hexadecimal", "EncodingType", "#HexBinary", "must be in base64"),
        ("encoded in no way", "EncodingType", "", "must be in base64"),
    ):

        def alter(
            root: etree._Element, attribute: str = attribute, value: str = value
        ) -> None:
            token(root).set(attribute, value)

        yield attack(f"The token is {name}", alter, insecure(why))

    def renamed(root: etree._Element) -> None:
        token(root).tag = f"{{{WSSE}}}UsernameToken"

    yield attack("The token is another element", renamed, _NO_TOKEN)
    for name, place in _PLACES.items():
        yield attack(f"The token {name}", place, _NO_TOKEN)
    yield attack("The token is missing", lambda r: drop(token(r)), NO_ID)
    for uri in ("", "#", "#token", "Token", "http://evil.example/#Token", "#Tok%65n"):

        def leads(root: etree._Element, uri: str = uri) -> None:
            find(signature(root), ".//wsse:Reference").set("URI", uri)

        yield attack(f"The key is at {uri!r}", leads, NO_ID)
    for uri in ("#Body", "#Timestamp"):

        def to_part(root: etree._Element, uri: str = uri) -> None:
            find(signature(root), ".//wsse:Reference").set("URI", uri)

        yield attack(f"The key is at {uri!r}", to_part, _NO_TOKEN)


def _beside_own(root: etree._Element) -> None:
    """The named token is in the Header; a stranger's, without id, in Security."""
    other = etree.Element(TOKEN, {"ValueType": token(root).get("ValueType") or ""})
    other.text = identity("eve").token
    header(root).append(token(root))
    security(root).append(other)


_PLACES: dict[str, Alter] = {
    "in Header": lambda r: header(r).append(token(r)),
    "in Header, another's in Security": _beside_own,
    "in a wrapper": lambda r: header(r).append(wrapped(token(r), "{urn:evil}Wrapper")),
    "in a wrapper in Security": lambda r: security(r).append(
        wrapped(token(r), f"{{{WSSE}}}Embedded")
    ),
    "in the Body": lambda r: body(r)[0].append(token(r)),
    "in KeyInfo's reference": lambda r: find(signature(r), ".//wsse:Reference").append(
        token(r)
    ),
    "in another token": lambda r: security(r).append(wrapped(token(r), TOKEN)),
}


# --- KeyInfo ----------------------------------------------------------------


def _key_value() -> etree._Element:
    """Eve's key itself."""
    numbers = private_key("eve").public_key().public_numbers()
    made = etree.Element(f"{{{DS}}}KeyValue", nsmap={"ds": DS})
    rsa = etree.SubElement(made, f"{{{DS}}}RSAKeyValue")
    for name, number in (("Modulus", numbers.n), ("Exponent", numbers.e)):
        size = (number.bit_length() + 7) // 8
        text = b64encode(number.to_bytes(size)).decode()
        etree.SubElement(rsa, f"{{{DS}}}{name}").text = text
    return made


def _x509_data() -> etree._Element:
    made = etree.Element(f"{{{DS}}}X509Data", nsmap={"ds": DS})
    etree.SubElement(made, f"{{{DS}}}X509Certificate").text = identity("eve").token
    return made


def _simple(tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    made = etree.Element(tag, attributes)
    made.text = text
    return made


_KEYS: dict[str, Callable[[], etree._Element]] = {
    "KeyValue": _key_value,
    "X509Data": _x509_data,
    "KeyName": lambda: _simple(f"{{{DS}}}KeyName", "eve"),
    "MgmtData": lambda: _simple(f"{{{DS}}}MgmtData", "eve"),
    "RetrievalMethod": lambda: _simple(
        f"{{{DS}}}RetrievalMethod", URI="http://evil.example/key"
    ),
    "a foreign key": lambda: _simple("{urn:evil}Key", "eve"),
}


def _key_infos() -> Iterator[Attack]:
    for name, make in _KEYS.items():

        def instead(
            root: etree._Element, make: Callable[[], etree._Element] = make
        ) -> None:
            info = find(signature(root), "ds:KeyInfo")
            info.replace(info[0], make())

        yield _evil("eve", instead, _NO_HOLDER, f"{name} instead of a token")
        for order, place in (("before", 0), ("after", 1)):

            def beside(
                root: etree._Element,
                make: Callable[[], etree._Element] = make,
                place: int = place,
            ) -> None:
                find(signature(root), "ds:KeyInfo").insert(place, make())

            yield attack(f"{name} {order} the token", beside, _ONE_KEY)

    def two_holders(root: etree._Element) -> None:
        find(signature(root), "ds:KeyInfo").append(_holder("#Token"))

    def two_references(root: etree._Element) -> None:
        holder = find(signature(root), ".//wsse:SecurityTokenReference")
        holder.append(_holder("#Token")[0])

    def embedded(root: etree._Element) -> None:
        holder = find(signature(root), ".//wsse:SecurityTokenReference")
        holder.append(wrapped(token(root), f"{{{WSSE}}}Embedded"))

    def nothing_held(root: etree._Element) -> None:
        find(signature(root), ".//wsse:SecurityTokenReference").clear()

    def none(root: etree._Element) -> None:
        drop(find(signature(root), "ds:KeyInfo"))

    def empty(root: etree._Element) -> None:
        find(signature(root), "ds:KeyInfo").clear()

    for name, alter, why in (
        ("Two token references", two_holders, _ONE_KEY),
        ("Two references in one", two_references, _ONE_REFERENCE),
        ("A token embedded beside a reference", embedded, _ONE_REFERENCE),
        ("A token reference to nothing", nothing_held, _ONE_REFERENCE),
        ("No KeyInfo", none, SIGNATURE_FORM),
        ("An empty KeyInfo", empty, _ONE_KEY),
    ):
        yield attack(name, alter, why)


def _holder(uri: str) -> etree._Element:
    made = etree.Element(f"{{{WSSE}}}SecurityTokenReference", nsmap={"wsse": WSSE})
    etree.SubElement(made, f"{{{WSSE}}}Reference", URI=uri)
    return made


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    for family, maker in (
        ("Certificates swapped", _certificates),
        ("Tokens elsewhere", _types),
        ("Keys of other kinds", _key_infos),
    ):
        for one in maker():
            yield family, one
