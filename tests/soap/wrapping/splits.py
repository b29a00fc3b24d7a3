"""
Text is read in another length than it was signed in.

Canonical XML leaves comments out, so a comment can be put into a signed text
without a trace; who then reads only up to it reads less than what was signed.
Processing instructions are signed, and CDATA sections are as good as their text.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from tests.soap.identities import identity
from tests.soap.messages import find
from tests.soap.wrapping.honest import (
    ALTERED,
    DS,
    ENTRIES,
    EVIL,
    FORGED,
    INSTANCE,
    LATE_S,
    NO_ID,
    STRANGER,
    WSSE,
    Attack,
    Make,
    Why,
    attack,
    body,
    evil_stamp,
    in_text,
    insecure,
    malformed,
    on_tree,
    signature,
    signed_info,
    stamp,
    token,
)

_TEXT_ONLY = "must have text only"
_STRAY = malformed("text between the elements")

_COMMENT, _INSTRUCTION = "<!--x-->", "<?x?>"


def split(text: str, mark: str, at: int = 4) -> str:
    return text[:at] + mark + text[at:]


def split_text(path: str, node: etree._Element, at: int) -> Make:
    """The text of that element is cut in two by a node."""

    def alter(root: etree._Element) -> None:
        element = find(root, path)
        text = element.text or ""
        element.text, node.tail = text[:at], text[at:]
        element.insert(0, node)

    return on_tree(alter)


def _moments() -> Iterator[Attack]:
    for name in ("Created", "Expires"):
        path = f".//wsu:{name}"
        for at, where in ((0, "before it"), (-1, "before its zone"), (10, "in it")):
            yield Attack(
                name=f"A comment in {name}, {where}",
                make=split_text(path, etree.Comment("x"), at),
                why=insecure(f"{name} {_TEXT_ONLY}"),
            )
        yield Attack(
            name=f"A processing instruction in {name}",
            make=split_text(path, etree.PI("x"), -1),
            why=insecure(f"{name} {_TEXT_ONLY}"),
        )

        def element(root: etree._Element, path: str = path) -> None:
            etree.SubElement(find(root, path), "{urn:evil}x")

        yield attack(f"An element in {name}", element, insecure(f"{name} {_TEXT_ONLY}"))

    def younger(root: etree._Element) -> None:
        """A younger moment, then what was signed, in a comment."""
        created = stamp(root)[0]
        signed = created.text or ""
        created.text = evil_stamp()[0].text
        created.append(etree.Comment(signed))

    def older(root: etree._Element) -> None:
        created = stamp(root)[0]
        comment = etree.Comment("x")
        comment.tail, created.text = created.text, evil_stamp()[0].text
        created.append(comment)

    for name, alter in (("before", younger), ("and before", older)):
        yield attack(
            f"A younger moment {name} a comment",
            alter,
            insecure(f"Created {_TEXT_ONLY}"),
            after_s=LATE_S,
        )


_INSTANCES: tuple[tuple[str, str, Why], ...] = (
    ("A processing instruction in it", split(INSTANCE, _INSTRUCTION), ALTERED),
    ("A processing instruction before it", _INSTRUCTION + INSTANCE, ALTERED),
    ("An element in it", split(INSTANCE, '<x xmlns="urn:evil"/>'), ALTERED),
    ("Another one in CDATA", "<![CDATA[i-66666666]]>", ALTERED),
    ("A CDATA section that has a comment", f"<![CDATA[{INSTANCE}<!--x-->]]>", ALTERED),
    ("A part of it in a comment", "i-1234<!--5678-->", ALTERED),
    ("Another one, and it in a comment", f"i-66666666<!--{INSTANCE}-->", ALTERED),
    ("Another one before a comment", f"i-66666666<!--x-->{INSTANCE}", ALTERED),
    ("Another one after a comment", f"{INSTANCE}<!--x-->i-66666666", ALTERED),
    ("A comment, and white space", split(INSTANCE, f"{_COMMENT} "), ALTERED),
    ("A zero-width space in it", split(INSTANCE, "&#x200b;"), ALTERED),
    ("A letter that looks alike", INSTANCE.replace("i", "\u0456"), ALTERED),
    ("An entity in it", split(INSTANCE, "&x;"), malformed("not well-formed")),
)


def _instances() -> Iterator[Attack]:
    for name, text, why in _INSTANCES:
        yield Attack(
            name=f"The instance: {name}", make=in_text((INSTANCE, text)), why=why
        )
    entry = in_text(("<DescribeInstances ", f"{_INSTRUCTION}<DescribeInstances "))
    yield Attack(name="A processing instruction in Body", make=entry, why=ALTERED)
    quoted = f"<![CDATA[{EVIL}]]>"
    for place, old, new in (
        ("Body", "</soap:Body>", f"{quoted}</soap:Body>"),
        ("Envelope", "</soap:Envelope>", f"{quoted}</soap:Envelope>"),
        ("Envelope, before Header", "<soap:Header>", f"{quoted}<soap:Header>"),
    ):
        yield Attack(
            name=f"A CDATA section in {place}", make=in_text((old, new)), why=_STRAY
        )
    yield Attack(
        name="A CDATA section that closes the Body",
        make=in_text(("</soap:Body>", "<![CDATA[</soap:Body>]]></soap:Body>")),
        why=_STRAY,
    )
    yield attack("The entry in a comment", _entry_in_comment, ENTRIES)
    yield attack("The Body in a comment", _body_in_comment, NO_ID)


def _entry_in_comment(root: etree._Element) -> None:
    entry = body(root)[0]
    body(root).replace(entry, etree.Comment(etree.tostring(entry).decode()))


def _body_in_comment(root: etree._Element) -> None:
    """And in the signed one's place one without an id."""
    signed = body(root)
    other = etree.Element(signed.tag)
    other.append(etree.Comment(etree.tostring(signed).decode()))
    other.append(etree.fromstring(EVIL))
    root.replace(signed, other)


# --- in the signature, and in ids -------------------------------------------


def _values() -> Iterator[Attack]:
    value = ".//ds:SignatureValue"
    for name, node in (
        ("comment", etree.Comment("x")),
        ("processing instruction", etree.PI("x")),
    ):
        yield Attack(
            name=f"SignatureValue: a {name} in it",
            make=split_text(value, node, 97),
            why=FORGED,
        )
        yield Attack(
            name=f"SignatureValue: a {name} before it",
            make=split_text(value, node, 0),
            why=insecure("SignatureValue is not base64"),
        )
        yield Attack(
            name=f"The token: a {name} in it",
            make=split_text(".//wsse:BinarySecurityToken", node, 400),
            why=STRANGER,
        )
        yield Attack(
            name=f"The token: a {name} before it",
            make=split_text(".//wsse:BinarySecurityToken", node, 0),
            why=insecure("BinarySecurityToken is not base64"),
        )

    def others_token(root: etree._Element) -> None:
        comment = etree.Comment("x")
        comment.tail, token(root).text = token(root).text, identity("eve").token
        token(root).append(comment)

    yield attack("The token: another's before it and a comment", others_token, STRANGER)

    digest = ".//ds:Reference[2]/ds:DigestValue"
    yield Attack(
        name="DigestValue: a comment in it",
        make=split_text(digest, etree.Comment("x"), 20),
        why=ALTERED,
    )
    yield Attack(
        name="DigestValue: a comment before it",
        make=split_text(digest, etree.Comment("x"), 0),
        why=insecure("DigestValue is not base64"),
    )
    yield Attack(
        name="DigestValue: a processing instruction after it",
        make=split_text(digest, etree.PI("x"), 99),
        why=FORGED,
    )

    def instead(root: etree._Element) -> None:
        """Of SignedInfo, in a comment what was signed."""
        info = signed_info(root)
        signed = etree.tostring(info.findall(f"{{{DS}}}Reference")[1]).decode()
        info.remove(info.findall(f"{{{DS}}}Reference")[1])
        info.append(etree.Comment(signed))

    yield attack(
        "The Body's reference in a comment", instead, insecure("Body must be signed")
    )

    def method(root: etree._Element) -> None:
        find(signature(root), ".//ds:SignatureMethod").text = "hmac"

    yield attack("A text in SignatureMethod", method, FORGED)

    def key(root: etree._Element) -> None:
        holder = find(signature(root), ".//wsse:SecurityTokenReference")
        held = holder[0]
        holder.replace(held, etree.Comment(etree.tostring(held).decode()))

    yield attack(
        "The key reference in a comment", key, insecure("exactly one key reference")
    )

    def token_text(root: etree._Element) -> None:
        element = etree.SubElement(token(root), f"{{{WSSE}}}x")
        element.tail, token(root).text = token(root).text, None

    yield attack(
        "The token: an element before it",
        token_text,
        insecure("BinarySecurityToken is not base64"),
    )


_IDS: tuple[tuple[str, str, str, Why], ...] = (
    ("A comment in an id", "Body<!--x-->", "#Body", malformed("not well-formed")),
    ("A quoted comment in an id", "Body&lt;!--x-->", "#Body", NO_ID),
    ("A quoted CDATA section in an id", "&lt;![CDATA[Body]]&gt;", "#Body", NO_ID),
    ("A quoted instruction in a reference", "Body", "#Bo&lt;?x?>dy", NO_ID),
    ("A quoted comment in a reference", "Body", "#Body&lt;!--x-->", NO_ID),
    ("A line break in an id", "Bo&#10;dy", "#Body", NO_ID),
    ("An entity in an id", "&x;Body", "#Body", malformed("not well-formed")),
)


def _ids() -> Iterator[Attack]:
    for name, held, sought, why in _IDS:
        yield Attack(
            name=name,
            make=in_text(
                ('Body wsu:Id="Body"', f'Body wsu:Id="{held}"'),
                ('URI="#Body"', f'URI="{sought}"'),
            ),
            why=why,
        )


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    for family, maker in (
        ("Splits in the Timestamp", _moments),
        ("Splits in the Body", _instances),
        ("Splits in signature and token", _values),
        ("Splits in ids", _ids),
    ):
        for one in maker():
            yield family, one
