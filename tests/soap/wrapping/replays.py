"""
The honest message once more, in other letters: what nobody signed may look quite
different, and the signature's value can be written in many ways.

And transformations that do no harm: by each of them, sent first, nothing is asked
but what Alice asked.  Sent after the honest message, it is a replay.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator

from lxml import etree

from tests.soap.identities import identity
from tests.soap.messages import NAMES, find
from tests.soap.wrapping.bodies import ACTOR, MUST
from tests.soap.wrapping.honest import (
    DS,
    EVIL,
    FORGED,
    ID,
    INSTANCE,
    REPLAYED,
    TOKEN,
    Attack,
    Honest,
    Make,
    body,
    header,
    in_text,
    insecure,
    on_tree,
    security,
    signature,
    token,
)
from tests.soap.wrapping.naive import private_key
from tests.soap.wrapping.splits import split_text

Alter = Callable[[etree._Element], object]

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


def _value(change: Callable[[str], str], path: str = ".//ds:SignatureValue") -> Make:
    """The signature's value, written otherwise."""

    def alter(root: etree._Element) -> None:
        element = find(root, path)
        element.text = change("".join((element.text or "").split()))

    return on_tree(alter)


def _spare_bits(text: str) -> str:
    """The last letter before the padding has four bits that say nothing."""
    assert text.endswith("==")
    last = _ALPHABET.index(text[-3])
    return text[:-3] + _ALPHABET[last ^ 1] + "=="


def _references(text: str) -> str:
    return "".join(f"&#{ord(letter)};" for letter in text)


def _as_references(honest: Honest) -> bytes:
    text = honest.document.decode()
    start = text.index("<ds:SignatureValue>") + len("<ds:SignatureValue>")
    end = text.index("</ds:SignatureValue>")
    return f"{text[:start]}{_references(text[start:end])}{text[end:]}".encode()


_TOKEN = ".//wsse:BinarySecurityToken"

#: Where only the signature's value, or the token, is written otherwise.
_WRITINGS: dict[str, Make] = {
    "in one line": _value(lambda text: text),
    "in short lines": _value(lambda text: "\n".join(text)),
    "with tabs": _value(lambda text: "\t".join(text)),
    "with returns": _value(lambda text: text[:9] + "\r\n" + text[9:]),
    "with space around it": _value(lambda text: f"  {text}\n\n"),
    "with letters of no meaning": _value(lambda text: "*-_.".join(text)),
    "with more padding": _value(lambda text: text + "=="),
    "with an end after its end": _value(lambda text: text + "AAAA"),
    "with other spare bits": _value(_spare_bits),
    "as CDATA": _value(lambda text: text),
    "as character references": _as_references,
    "with a comment after it": split_text(
        ".//ds:SignatureValue", etree.Comment("x"), 9999
    ),
    "with an instruction after it": split_text(
        ".//ds:SignatureValue", etree.PI("x"), 9999
    ),
    "with an element after it": split_text(
        ".//ds:SignatureValue", etree.Element("{urn:evil}x"), 9999
    ),
    "with a token in short lines": _value("\n".join, _TOKEN),
    "with a token with letters of no meaning": _value("-".join, _TOKEN),
    "with a token with more padding": _value(lambda text: text + "==", _TOKEN),
}


def _in_cdata(root: etree._Element) -> None:
    value = find(root, ".//ds:SignatureValue")
    value.text = etree.CDATA(value.text or "")


_WRITINGS["as CDATA"] = on_tree(_in_cdata)


# --- what nobody signed -----------------------------------------------------


def _wide(honest: Honest) -> bytes:
    return honest.document.decode().replace("UTF-8", "UTF-16", 1).encode("utf-16")


def _latin(honest: Honest) -> bytes:
    return honest.document.replace(b"UTF-8", b"ISO-8859-1", 1)


def _with_id(name: str) -> Alter:
    return lambda root: root.set(name, "Envelope")


def _unused_token(root: etree._Element) -> None:
    other = etree.Element(TOKEN, dict(token(root).attrib))
    other.set(ID, "Other")
    other.text = identity("eve").token
    security(root).insert(0, other)


def _token_appended(root: etree._Element) -> None:
    comment = etree.Comment("x")
    comment.tail = identity("eve").token
    token(root).append(comment)


def _evil_block(root: etree._Element) -> None:
    """The attacker's entry, where nobody reads."""
    header(root).append(etree.fromstring(EVIL))


def _moved_block(root: etree._Element) -> None:
    """Security after another block, with its parts in another order."""
    header(root).insert(0, etree.Element("{urn:evil}Block"))
    security(root).insert(0, signature(root))


_OPEN = ("Envelope", "Header", "Security", "Signature", "KeyInfo")


def _comments(root: etree._Element) -> None:
    for number, element in enumerate(list(root.iter(etree.Element))):
        if etree.QName(element).localname in _OPEN:
            element.insert(0, etree.Comment(f"x{number}"))


def _instructions(root: etree._Element) -> None:
    for element in (root, header(root), security(root), signature(root)):
        element.insert(0, etree.PI("x", EVIL))


def _in_body(root: etree._Element) -> None:
    body(root).insert(0, etree.Comment(EVIL))


def _instance_comment(root: etree._Element) -> None:
    comment = etree.Comment("x")
    comment.tail = INSTANCE[4:]
    instance = find(body(root), "*/*/*/*")
    instance.text = INSTANCE[:4]
    instance.append(comment)


def _digest_comment(root: etree._Element) -> None:
    for digest in root.findall(f".//{{{DS}}}DigestValue", NAMES):
        digest.append(etree.Comment("AAAA"))


def _hints(root: etree._Element) -> None:
    root.set(f"{{{_XSI}}}schemaLocation", "urn:evil http://evil.example/x.xsd")
    root.set(f"{{{_XSI}}}type", "TerminateInstancesType")
    root.set("{http://www.w3.org/XML/1998/namespace}base", "http://evil.example/")
    root.set("{http://www.w3.org/XML/1998/namespace}lang", "en")


_INSTANCE_IN_CDATA = (
    f"<instanceId>{INSTANCE}",
    f"<instanceId><![CDATA[{INSTANCE[:5]}]]>{INSTANCE[5:]}",
)

#: What an attacker can change in a message that means the same, and why.
HARMLESS: dict[str, Make] = {
    # Canonical XML has no comments, and CDATA and references are text in it.
    "a comment in the instance's id": on_tree(_instance_comment),
    "a comment in the Body": on_tree(_in_body),
    "a CDATA section in the instance's id": in_text(_INSTANCE_IN_CDATA),
    "a character reference in the instance's id": in_text(
        (INSTANCE, f"&#105;{INSTANCE[1:]}")
    ),
    "a CDATA section in Created": in_text(
        ("<wsu:Created>2026", "<wsu:Created><![CDATA[2026]]>")
    ),
    "comments after the digests": on_tree(_digest_comment),
    "the order of attributes, and their quotes": in_text(
        ('<soap:Body wsu:Id="Body">', "<soap:Body\n wsu:Id\t=\n'Body' >")
    ),
    # Nobody signs the envelope, the header, the token and the key's name.
    "comments around the parts": on_tree(_comments),
    "processing instructions around the parts": on_tree(_instructions),
    "white space around the parts": in_text(
        ("<soap:Header>", " \n<soap:Header>\t"), ("<soap:Body ", "\r\n <soap:Body ")
    ),
    "the attacker's entry as a header block": on_tree(_evil_block),
    "the parts of Security in another order": on_tree(_moved_block),
    "a token that nobody names": on_tree(_unused_token),
    "another token after a comment": on_tree(_token_appended),
    "Security for another actor": on_tree(
        lambda root: security(root).set(ACTOR, "urn:somebody")
    ),
    "Security that need not be understood": on_tree(
        lambda root: security(root).set(MUST, "0")
    ),
    "an id for the Envelope": on_tree(_with_id("Id")),
    "an id for the Envelope, of a foreign kind": on_tree(_with_id("{urn:evil}Id")),
    "an id that is no id": in_text(("<soap:Envelope ", '<soap:Envelope id="Body" ')),
    "hints for schemas, and for readers of XML": on_tree(_hints),
    # Exclusive canonicalization leaves out the namespaces that are not used.
    "a namespace that is not used": in_text(
        ("<soap:Envelope ", '<soap:Envelope xmlns:p="urn:evil" ')
    ),
    "a default namespace around the parts": in_text(
        ("<soap:Envelope ", '<soap:Envelope xmlns="urn:evil" ')
    ),
    # It is the same text.
    "UTF-16": _wide,
    "Latin-1": _latin,
}


# --- replays ----------------------------------------------------------------


def _leading_zero(text: str) -> str:
    return b64encode(b"\0" + b64decode(text)).decode()


def _plus_modulus(text: str) -> str:
    """The same number, modulo; as long as it will fit."""
    number = int.from_bytes(b64decode(text))
    modulus = private_key("alice").public_key().public_numbers().n
    return b64encode((number + modulus).to_bytes(257)).decode()


def _minus(text: str) -> str:
    """The number's negative, which a bad exponent takes for as good."""
    number = int.from_bytes(b64decode(text))
    modulus = private_key("alice").public_key().public_numbers().n
    return b64encode((modulus - number).to_bytes(256)).decode()


def _replay(name: str, make: Make) -> Attack:
    return Attack(name=f"Replayed {name}", make=make, why=REPLAYED, is_replay=True)


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    family = "Replays"
    for name, make in _WRITINGS.items():
        yield family, _replay(name, make)
    for name, make in HARMLESS.items():
        yield family, _replay(f"with {name}", make)
    for name, change in (
        ("with a leading zero", _leading_zero),
        ("with the modulus added", _plus_modulus),
        ("with the sign changed", _minus),
    ):
        yield (
            family,
            Attack(
                name=f"Replayed {name}",
                make=_value(change),
                why=FORGED,
                is_replay=True,
            ),
        )
    wide = Attack(
        name="Replayed with wide letters",
        make=_value(lambda text: f"\u200b{text}\u00e9"),
        why=insecure("SignatureValue is not base64"),
        is_replay=True,
    )
    yield family, wide
