"""
What is computed is not what was meant: transforms and algorithms.

Where the attacker needs the signer's help, the message is signed anew by Alice's
own key, as a careless client of hers would.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Iterator
from copy import deepcopy
from hashlib import new

from cryptography.hazmat.primitives import serialization
from lxml import etree

from tests.soap.identities import identity, pair
from tests.soap.messages import find
from tests.soap.wrapping.honest import (
    ALTERED,
    DS,
    EXCLUSIVE,
    FORGED,
    WSSE,
    Attack,
    Honest,
    Why,
    attack,
    body,
    evil_body,
    insecure,
    reference_to,
    signature,
    signed_info,
)
from tests.soap.wrapping.naive import canonical, private_key, seal

Alter = Callable[[etree._Element], object]

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED = DS + "enveloped-signature"
_KEPT = f"{{{EXCLUSIVE}}}InclusiveNamespaces"
_ONE = insecure("must have one canonicalization")
_PARAMETERS = insecure("other parameters")

_TRANSFORMS = {
    "XPath": "http://www.w3.org/TR/1999/REC-xpath-19991116",
    "XPath filter": "http://www.w3.org/2002/06/xmldsig-filter2",
    "XSLT": "http://www.w3.org/TR/1999/REC-xslt-19991116",
    "base64": DS + "base64",
    "STR-Transform": (
        "http://docs.oasis-open.org/wss/2004/01/"
        "oasis-200401-wss-soap-message-security-1.0#STR-Transform"
    ),
    "decryption": "http://www.w3.org/2002/07/decrypt#XML",
    "canonicalization with comments": EXCLUSIVE + "WithComments",
    "plain canonicalization with comments": INCLUSIVE + "#WithComments",
    "canonicalization 1.1": "http://www.w3.org/2006/12/xml-c14n11",
    "minimal canonicalization": DS + "minimal",
    "no name": "",
    "the right name in capitals": EXCLUSIVE.upper(),
    "the right name with a space": EXCLUSIVE + " ",
    "the right name without its hash": EXCLUSIVE[:-1],
}


def not_taken(name: str) -> Why:
    return insecure(f"The algorithm {name!r} is not taken")


def transforms(root: etree._Element) -> etree._Element:
    return find(reference_to(root, "Body"), "ds:Transforms")


def transform(name: str) -> etree._Element:
    return etree.Element(f"{{{DS}}}Transform", Algorithm=name)


def _set(*names: str) -> Alter:
    """The Body has those transforms."""

    def alter(root: etree._Element) -> None:
        held = transforms(root)
        held.clear()
        held.extend(transform(name) for name in names)
        seal(root, "alice")

    return alter


def _with_parameter(tag: str, text: str, name: str) -> Alter:
    """A transform by which nothing of the Body would be left to sign."""

    def alter(root: etree._Element) -> None:
        step = transform(name)
        etree.SubElement(step, tag).text = text
        transforms(root).insert(0, step)
        seal(root, "alice")

    return alter


def _transform_attacks() -> Iterator[Attack]:
    for name, uri in _TRANSFORMS.items():
        yield attack(f"{name} instead", _set(uri), not_taken(uri))
        yield attack(f"{name} before", _set(uri, EXCLUSIVE), not_taken(uri))
    for name, tag, text, uri in (
        ("XPath for nothing", f"{{{DS}}}XPath", "false()", _TRANSFORMS["XPath"]),
        ("XPath for all but this", f"{{{DS}}}XPath", "not(.)", _TRANSFORMS["XPath"]),
        ("a stylesheet", f"{{{DS}}}stylesheet", "x", _TRANSFORMS["XSLT"]),
    ):
        yield attack(f"{name}", _with_parameter(tag, text, uri), not_taken(uri))
    for title, names, why in (
        ("Enveloped-signature alone", (ENVELOPED,), not_taken(ENVELOPED)),
        ("Enveloped-signature twice", (ENVELOPED,) * 2, not_taken(ENVELOPED)),
        (
            "Enveloped-signature last",
            (EXCLUSIVE, ENVELOPED),
            not_taken(EXCLUSIVE),
        ),
        ("Enveloped-signature, thrice", (ENVELOPED, ENVELOPED, EXCLUSIVE), _ONE),
        ("Two canonicalizations", (EXCLUSIVE, EXCLUSIVE), not_taken(EXCLUSIVE)),
        ("Two kinds of them", (INCLUSIVE, EXCLUSIVE), not_taken(INCLUSIVE)),
        ("Three canonicalizations", (EXCLUSIVE,) * 3, _ONE),
        ("No transform", (), _ONE),
    ):
        yield attack(title, _set(*names), why)
    yield attack("Enveloped-signature added by another", _enveloped_added, FORGED)
    yield attack("A transform of no namespace", _renamed, _ONE)
    yield attack(
        "No Transforms",
        lambda root: reference_to(root, "Body").remove(transforms(root)),
        insecure("Reference must have Transforms, DigestMethod, DigestValue"),
    )
    yield attack(
        "Transforms twice",
        lambda root: transforms(root).addnext(deepcopy(transforms(root))),
        insecure("Reference must have Transforms, DigestMethod, DigestValue"),
    )


def _enveloped_added(root: etree._Element) -> None:
    transforms(root).insert(0, transform(ENVELOPED))


def _renamed(root: etree._Element) -> None:
    transforms(root)[0].tag = "Transform"
    seal(root, "alice")


# --- prefixes ---------------------------------------------------------------


def _kept(path: str, prefixes: str, tag: str = _KEPT) -> Alter:
    def alter(root: etree._Element) -> None:
        etree.SubElement(find(signature(root), path), tag, PrefixList=prefixes)

    return alter


def _rebound(prefixes: str) -> Attack:
    """Alice keeps a prefix; the attacker binds it to something."""

    def make(honest: Honest) -> bytes:
        root = etree.fromstring(honest.document)
        etree.SubElement(transforms(root)[0], _KEPT, PrefixList=prefixes)
        seal(root, "alice")
        text = etree.tostring(root).decode()
        return text.replace(
            "<soap:Envelope ", '<soap:Envelope xmlns:p="urn:p" '
        ).encode()

    return Attack(name=f"A kept prefix is bound: {prefixes}", make=make, why=ALTERED)


def _prefix_attacks() -> Iterator[Attack]:
    here = "ds:SignedInfo/ds:CanonicalizationMethod"
    there = "ds:SignedInfo/ds:Reference[2]/ds:Transforms/ds:Transform"
    for name, path in (("SignedInfo", here), ("the Body", there)):
        for prefixes in ("", "soap", "#default", "wsu evil", "xml"):
            yield attack(
                f"Prefixes kept by another for {name}: {prefixes!r}",
                _kept(path, prefixes),
                FORGED,
            )
        yield attack(
            f"Another parameter for {name}",
            _kept(path, "soap", f"{{{DS}}}InclusiveNamespaces"),
            _PARAMETERS,
        )

        def twice(root: etree._Element, path: str = path) -> None:
            _kept(path, "soap")(root)
            _kept(path, "ds")(root)

        yield attack(
            f"Prefixes kept twice for {name}",
            twice,
            insecure("exactly one parameter of a canonicalization"),
        )
    for prefixes in ("p", "soap p wsu", "#default p"):
        yield _rebound(prefixes)

    def plain(root: etree._Element) -> None:
        transforms(root)[0].set("Algorithm", INCLUSIVE)
        _kept(there, "soap")(root)

    yield attack(
        "Prefixes kept by a plain canonicalization", plain, insecure("has parameters")
    )


# --- algorithms -------------------------------------------------------------


def _public() -> dict[str, bytes]:
    """What everybody knows of Alice, and might be taken for a key."""
    key = private_key("alice").public_key()
    encoding, form = serialization.Encoding, serialization.PublicFormat
    return {
        "certificate": identity("alice").certificate,
        "certificate, as PEM": pair("alice").certificate_pem,
        "public key": key.public_bytes(encoding.DER, form.SubjectPublicKeyInfo),
        "public key, as PEM": key.public_bytes(encoding.PEM, form.SubjectPublicKeyInfo),
        "modulus": key.public_numbers().n.to_bytes(256),
        "token": identity("alice").token.encode(),
    }


def _evil_with(method: str, sign: Callable[[bytes], bytes]) -> Alter:
    """The attacker's Body, with right digests; a signature of his making."""

    def alter(root: etree._Element) -> None:
        other = evil_body()
        other.attrib.update(body(root).attrib)
        root.replace(body(root), other)
        seal(root, "eve")
        find(signed_info(root), "ds:SignatureMethod").set("Algorithm", method)
        value = b64encode(sign(canonical(signed_info(root)))).decode()
        find(signature(root), "ds:SignatureValue").text = value

    return alter


def _algorithm_attacks() -> Iterator[Attack]:
    for digest in ("sha1", "sha256"):
        method = (DS if digest == "sha1" else MORE) + f"hmac-{digest}"
        for name, key in _public().items():

            def sign(data: bytes, key: bytes = key, digest: str = digest) -> bytes:
                return hmac.digest(key, data, digest)

            yield attack(
                f"HMAC with the {name}, {digest}",
                _evil_with(method, sign),
                not_taken(method),
            )
    for method in (
        *(MORE + "rsa-md5", MORE + "rsa-ripemd160", DS + "dsa-sha1"),
        *("", "none", "urn:none", MORE + "hmac-md5", DS + "sha1", XENC + "sha256"),
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        (MORE + "rsa-sha256").upper(),
        MORE + "rsa-sha256 ",
    ):
        yield attack(
            f"A signature by {method!r}",
            _evil_with(method, lambda data: new("sha256", data).digest()),
            not_taken(method),
        )
    yield from _forgeries()
    yield from _method_swaps()


def _forgeries() -> Iterator[Attack]:
    """Values that a lax verifier takes for a signature by the right method."""
    size = 256

    def encoded(data: bytes) -> bytes:
        """What a signature is, raised to the public exponent."""
        prefix = bytes.fromhex("3031300d060960864801650304020105000420")
        found = prefix + new("sha256", data).digest()
        return b"\0\1" + b"\xff" * (size - 3 - len(found)) + b"\0" + found

    for name, sign in (
        ("zero", lambda data: bytes(size)),
        ("one", lambda data: (1).to_bytes(size)),
        ("the bare digest", lambda data: new("sha256", data).digest()),
        ("what would be encrypted", encoded),
        ("too long", lambda data: b"\xff" * (size + 1)),
        ("very long", lambda data: b"\xff" * 20_000),
        ("one byte", lambda data: b"\1"),
        ("the modulus", lambda data: _public()["modulus"]),
    ):
        yield attack(
            f"The value is {name}", _evil_with(MORE + "rsa-sha256", sign), FORGED
        )
    yield attack(
        "The value is empty",
        _evil_with(MORE + "rsa-sha256", lambda data: b""),
        insecure("SignatureValue is not base64"),
    )


def _method_swaps() -> Iterator[Attack]:
    def method(path: str, name: str) -> Alter:
        return lambda root: find(signed_info(root), path).set("Algorithm", name)

    signing, digesting = "ds:SignatureMethod", "ds:Reference[2]/ds:DigestMethod"
    for name in (DS + "rsa-sha1", MORE + "rsa-sha384", MORE + "rsa-sha512"):
        yield attack(f"The method becomes {name}", method(signing, name), FORGED)
    for name in (MORE + "md5", "urn:none", "", DS + "hmac-sha1", XENC + "ripemd160"):
        yield attack(
            f"The digest becomes {name!r}", method(digesting, name), not_taken(name)
        )
    for name in (DS + "sha1", MORE + "sha384", XENC + "sha512"):

        def digest(root: etree._Element, name: str = name) -> None:
            """And right, for the attacker's Body."""
            other = evil_body()
            other.attrib.update(body(root).attrib)
            root.replace(body(root), other)
            reference = reference_to(root, "Body")
            find(reference, "ds:DigestMethod").set("Algorithm", name)
            found = new(name.rpartition("#")[2], canonical(body(root))).digest()
            find(reference, "ds:DigestValue").text = b64encode(found).decode()

        yield attack(f"The digest is one by {name}", digest, FORGED)
    how = "ds:CanonicalizationMethod"
    for name in ("", "urn:none", ENVELOPED, EXCLUSIVE + "WithComments"):
        yield attack(
            f"SignedInfo is canonical by {name!r}", method(how, name), not_taken(name)
        )
    yield attack("SignedInfo is plainly canonical", method(how, INCLUSIVE), FORGED)
    for path in (signing, digesting):
        for tag in (f"{{{DS}}}HMACOutputLength", f"{{{WSSE}}}Any"):

            def parameter(
                root: etree._Element, path: str = path, tag: str = tag
            ) -> None:
                etree.SubElement(find(signed_info(root), path), tag).text = "0"

            local = etree.QName(tag).localname
            yield attack(f"{local} in {path}", parameter, insecure("has parameters"))


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    for family, maker in (
        ("Transforms", _transform_attacks),
        ("Prefix lists", _prefix_attacks),
        ("Algorithms", _algorithm_attacks),
    ):
        for one in maker():
            yield family, one
