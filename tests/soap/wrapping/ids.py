"""
What an id leads to is not what was meant: it is there twice, is no id, or is one
only for who reads namespaces carelessly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree

from euca_tw.soap.envelope import SOAP_11
from tests.soap.identities import identity
from tests.soap.wrapping.bodies import wrapped
from tests.soap.wrapping.honest import (
    ALTERED,
    EVIL,
    ID,
    ID_NAMES,
    LATE_S,
    NO_ID,
    PARTS,
    TOKEN,
    TWO_IDS,
    UNSIGNED_BODY,
    UNSIGNED_STAMP,
    WSU,
    Attack,
    Honest,
    Make,
    Why,
    attack,
    body,
    evil_body,
    header,
    in_text,
    malformed,
    on_tree,
    security,
    stamp,
    token,
    usurp_body,
    usurp_stamp,
)

Alter = Callable[[etree._Element], object]

_ORDERS: tuple[tuple[str, Callable[[etree._Element, etree._Element], object]], ...] = (
    ("before", lambda root, signed: header(root).insert(0, signed)),
    ("after", lambda root, signed: body(root)[0].append(signed)),
)

#: Attributes that are ids for some reader, in some language, but not for ours.
_FOREIGN = (
    "{urn:evil}Id",
    "{urn:evil}id",
    "id",
    "iD",
    "AssertionID",
    "name",
    f"{{{WSU}}}id",
    f"{{{WSU}}}ID",
    f"{{{SOAP_11}}}id",
    "{http://www.w3.org/XML/1998/namespace}Id",
    "{http://www.w3.org/2000/09/xmldsig#}Id",
    "{urn:oasis:names:tc:SAML:2.0:assertion}ID",
)

#: Nearly the namespace of wsu:Id.
_LOOKALIKES = (
    WSU + "/",
    WSU.upper(),
    WSU.replace("http:", "https:"),
    WSU.replace("1.0.xsd", "1.1.xsd"),
    WSU.replace("200401", "20040l"),
    WSU + " ",
    "http://schemas.xmlsoap.org/ws/2003/06/utility",
)


def _bodies() -> Iterator[Attack]:
    for kind, name in ID_NAMES.items():
        for order, place in _ORDERS:

            def alter(
                root: etree._Element,
                kind: str = kind,
                place: Callable[[etree._Element, etree._Element], object] = place,
            ) -> None:
                place(root, usurp_body(root, **{kind: "Body"}))

            readable = "xml:id" if kind == "xml_id" else kind.replace("_id", ":Id")
            title = f"Two with one id: {readable}, the signed Body {order} the other"
            yield attack(title, alter, TWO_IDS)
        yield attack(
            f"One element with one id twice: {kind}",
            _second_kind(name) if name != ID else _self_and_entry,
            TWO_IDS,
        )


def _second_kind(name: str) -> Alter:
    """The Envelope, which nobody signs, has the Body's id."""
    return lambda root: root.set(name, "Body")


def _self_and_entry(root: etree._Element) -> None:
    header(root).set(ID, "Body")


def _stamps() -> Iterator[Attack]:
    for kind in ("Id", "ID", "xml_id"):

        def alter(root: etree._Element, kind: str = kind) -> None:
            header(root).append(usurp_stamp(root, **{kind: "Timestamp"}))

        yield attack(
            f"Two Timestamps with one id: {kind}", alter, TWO_IDS, after_s=LATE_S
        )


def _tokens() -> Iterator[Attack]:
    for order in ("before", "after"):
        for by in ("mallory", "eve"):

            def alter(root: etree._Element, order: str = order, by: str = by) -> None:
                other = etree.Element(TOKEN, dict(token(root).attrib))
                other.text = identity(by).token
                place = token(root)
                (place.addprevious if order == "before" else place.addnext)(other)

            yield attack(f"The token of {by} with the id, {order}", alter, TWO_IDS)


def _confused() -> Iterator[Attack]:
    """Ids of other elements, and ids that are written in another way."""

    def to_stamp(root: etree._Element) -> None:
        stamp(root).set(ID, "Body")

    def in_entry(root: etree._Element) -> None:
        body(root)[0].set("Id", "Token")

    def in_foreign(root: etree._Element) -> None:
        etree.SubElement(header(root), "{urn:evil}x", {"ID": "Timestamp"})

    yield attack("The Timestamp has the Body's id", to_stamp, TWO_IDS)
    yield attack("The entry has the token's id", in_entry, TWO_IDS)
    yield attack("A stranger's block has the Timestamp's id", in_foreign, TWO_IDS)
    yield Attack(
        name="The same id by character references",
        make=in_text(("</soap:Header>", '<x Id="&#66;o&#x64;y"/></soap:Header>')),
        why=TWO_IDS,
    )
    for text in (" Body", "Body ", "Body&#10;"):
        yield Attack(
            name=f"The id with white space: {text!r}",
            make=_spaced(text),
            why=NO_ID,
        )


def _spaced(text: str) -> Make:
    """The id of the Body is not quite the one that is sought."""
    return in_text(('<soap:Body wsu:Id="Body">', f'<soap:Body wsu:Id="{text}">'))


def _foreign() -> Iterator[Attack]:
    for name in _FOREIGN:

        def only(root: etree._Element, name: str = name) -> None:
            signed = usurp_body(root)
            body(root).set(name, "Body")
            header(root).append(signed)

        yield attack(f"What is no id, on the new Body: {name}", only, UNSIGNED_BODY)

    def renamed(root: etree._Element) -> None:
        body(root).set("{urn:evil}Id", body(root).attrib.pop(ID))

    def stamp_too(root: etree._Element) -> None:
        signed = usurp_stamp(root)
        stamp(root).set("{urn:evil}Id", "Timestamp")
        header(root).append(signed)

    yield attack("The signed Body's id in a foreign namespace", renamed, NO_ID)
    yield attack(
        "What is no id, on the new Timestamp", stamp_too, UNSIGNED_STAMP, after_s=LATE_S
    )


# --- namespaces -------------------------------------------------------------


def _injected() -> Iterator[Attack]:
    for uri in _LOOKALIKES:

        def alter(root: etree._Element, uri: str = uri) -> None:
            signed = usurp_body(root)
            body(root).set(f"{{{uri}}}Id", "Body")
            header(root).append(signed)

        why = malformed("not a valid URI") if " " in uri else UNSIGNED_BODY
        yield attack(f"An id of a namespace like it: {uri!r}", alter, why)
    for name, changes, why in _TEXTS:
        yield Attack(name=name, make=_wrapped_text(*changes), why=why)


def _wrapped_text(*changes: tuple[str, str]) -> Make:
    """The signed Body is in a wrapper already; then the text is changed."""

    def make(honest: Honest) -> bytes:
        text = on_tree(_under_header)(honest).decode()
        for old, new in changes:
            assert text.count(old) == 1, (old, text)
            text = text.replace(old, new)
        return text.encode()

    return make


def _under_header(root: etree._Element) -> None:
    signed = body(root)
    root.replace(signed, etree.Element("MARK"))
    header(root).append(signed)


def _evil(attributes: str, name: str = "soap:Body") -> tuple[str, str]:
    return ("<MARK/>", f"<{name} {attributes}>{EVIL}</{name}>")


_TEXTS: tuple[tuple[str, tuple[tuple[str, str], ...], Why], ...] = (
    (
        "The prefix of wsu:Id is bound to something else",
        (_evil('xmlns:wsu="urn:evil" wsu:Id="Body"'),),
        UNSIGNED_BODY,
    ),
    (
        "The prefix of wsu:Id is bound once more to the same",
        (_evil(f'xmlns:wsu="{WSU}" wsu:Id="Body"'),),
        TWO_IDS,
    ),
    (
        "Another prefix for wsu:Id",
        (_evil(f'xmlns:p="{WSU}" p:Id="Body"'),),
        TWO_IDS,
    ),
    (
        "wsu's namespace is the default one, and Id has no prefix",
        (_evil(f'xmlns="{WSU}" Id="Body"'),),
        TWO_IDS,
    ),
    (
        "The prefix xml for the id",
        (_evil('xml:id="Body"'),),
        TWO_IDS,
    ),
    (
        "SOAP's namespace is the default one",
        (_evil(f'xmlns="{SOAP_11}"', "Body"),),
        UNSIGNED_BODY,
    ),
    (
        "The new Body's prefix is bound to something else",
        (_evil('xmlns:soap="urn:evil"'),),
        PARTS,
    ),
    (
        "The new Body's namespace is relative",
        (_evil('xmlns="Body"', "Body"),),
        PARTS,
    ),
    (
        "Two prefixes, one namespace, two ids",
        (_evil(f'xmlns:a="{WSU}" a:Id="Other" Id="Body"'),),
        TWO_IDS,
    ),
)


def _rebound() -> Iterator[Attack]:
    """The signed parts stay; what their prefixes mean changes around them."""
    yield Attack(
        name="wsu is another namespace around the Body",
        make=in_text(("<soap:Body ", '<soap:Body xmlns:wsu="urn:evil" ')),
        why=NO_ID,
    )
    yield Attack(
        name="soap is another namespace around the Body",
        make=in_text(("<soap:Body ", '<soap:Body xmlns:soap="urn:evil" ')),
        why=PARTS,
    )
    yield Attack(
        name="A default namespace for the Timestamp's parts",
        make=in_text(
            ("<wsu:Created>", f'<Created xmlns="{WSU}">'),
            ("</wsu:Created>", "</Created>"),
        ),
        why=ALTERED,
    )
    yield Attack(
        name="Another prefix for the Body",
        make=in_text(
            ("<soap:Body ", f'<p:Body xmlns:p="{SOAP_11}" '),
            ("</soap:Body>", "</p:Body>"),
        ),
        why=ALTERED,
    )
    yield Attack(
        name="Another prefix for the Body's id",
        make=in_text(("<soap:Body wsu:Id", f'<soap:Body xmlns:p="{WSU}" p:Id')),
        why=ALTERED,
    )
    yield attack(
        "Of the namespaces of Body and wrapper one is nested",
        lambda root: security(root).append(
            wrapped(usurp_body(root, wsu_id="Body"), f"{{{WSU}}}Body")
        ),
        TWO_IDS,
    )
    yield attack(
        "A Body without SOAP's namespace beside it",
        lambda root: root.append(evil_body("Body")),
        PARTS,
    )


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    for family, makers in (
        ("Duplicated ids", (_bodies, _stamps, _tokens, _confused)),
        ("Foreign ids", (_foreign,)),
        ("Injected namespaces", (_injected, _rebound)),
    ):
        for maker in makers:
            for one in maker():
                yield family, one
