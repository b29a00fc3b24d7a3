"""
Whose message it is, for whom, and which: parts of several honest messages between
tiers, or of a message to somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree

from euca_tw.soap.addressing import (
    ACTION,
    MESSAGE_ID,
    OF_REQUEST,
    TO,
)
from tests.soap.identities import identity
from tests.soap.messages import each_form
from tests.soap.wrapping.honest import (
    ALTERED,
    ELSEWHERE,
    FORGED,
    ID,
    TWO_IDS,
    Attack,
    Honest,
    Make,
    attack,
    body,
    header,
    insecure,
    on_both,
    on_tree,
    security,
    signature,
    token,
)
from tests.soap.wrapping.tiers import (
    DIRECT,
    NAMES,
    OTHER_ACTION,
    STRANGER,
    always,
    head,
    like_it,
    one,
    reply,
    request,
)

# --- two messages mixed -----------------------------------------------------


def _mixed() -> Iterator[Attack]:
    for tag, why in ((ACTION, OTHER_ACTION), (MESSAGE_ID, ALTERED)):

        def transplant(
            root: etree._Element, other: etree._Element, tag: str = tag
        ) -> None:
            header(root).replace(head(root, tag), head(other, tag))

        yield Attack(
            name=f"{NAMES[tag]} of another message", make=on_both(transplant), why=why
        )

        def beside(root: etree._Element, other: etree._Element, tag: str = tag) -> None:
            taken = head(other, tag)
            taken.set(ID, "Other")
            header(root).append(taken)

        yield Attack(
            name=f"{NAMES[tag]} of another message beside",
            make=on_both(beside),
            why=one(tag),
        )

    def other_body(root: etree._Element, other: etree._Element) -> None:
        root.replace(body(root), body(other))

    def all_headers(root: etree._Element, other: etree._Element) -> None:
        for tag in OF_REQUEST:
            header(root).replace(head(root, tag), head(other, tag))

    def body_and_action(root: etree._Element, other: etree._Element) -> None:
        header(root).replace(head(root, ACTION), head(other, ACTION))
        root.replace(body(root), body(other))

    def other_security(root: etree._Element, other: etree._Element) -> None:
        header(root).replace(security(root), security(other))

    def other_signature(root: etree._Element, other: etree._Element) -> None:
        security(root).replace(signature(root), signature(other))

    for_its_body = insecure("wsa:Action must be EucalyptusCC#DescribeInstances")
    for name, alter, why in (
        ("The Body of another message", other_body, for_its_body),
        ("All headers of another message", all_headers, OTHER_ACTION),
        ("Body and Action of another message", body_and_action, ALTERED),
        ("Security of another message", other_security, ALTERED),
        ("The Signature of another message", other_signature, ALTERED),
    ):
        yield Attack(name=name, make=on_both(alter), why=why)
    for name, alter, why in (
        ("The Body of a message like it", other_body, ALTERED),
        ("All headers of a message like it", all_headers, ALTERED),
        ("The Signature of a message like it", other_signature, ALTERED),
    ):
        yield Attack(name=name, make=_with_like(alter), why=why)


def _with_like(alter: Callable[[etree._Element, etree._Element], object]) -> Make:
    def make(honest: Honest) -> bytes:
        root = etree.fromstring(honest.document)
        alter(root, etree.fromstring(like_it()))
        return etree.tostring(root)

    return make


# --- whose, and for whom ----------------------------------------------------


def _parties() -> Iterator[Attack]:
    no_to = one(TO)
    for name, document, why in (
        ("A message for a node", request(recipient="node"), ELSEWHERE),
        (
            "A message for a node, by its path",
            request(recipient="node", to="/axis2/services/EucalyptusNC"),
            ELSEWHERE,
        ),
        (
            "A message for another service of this certificate",
            request(to="/axis2/services/EucalyptusNC"),
            ELSEWHERE,
        ),
        ("A message for the cloud itself", request(recipient="cloud"), ELSEWHERE),
        ("A node's message", request(by="node"), STRANGER),
        ("A cluster's own message", request(by="cluster"), STRANGER),
        ("A reply of the cluster", reply(), no_to),
        ("A reply of the cloud", reply(by="cloud"), no_to),
        ("A reply of a node", reply(by="node"), no_to),
    ):
        yield Attack(name=name, make=always(document), why=why)
    for by in ("node", "cluster"):

        def named(root: etree._Element, by: str = by) -> None:
            token(root).text = identity(by).token

        yield attack(f"The certificate of {by} for the cloud's", named, STRANGER)

        def cloud_named(honest: Honest, by: str = by) -> bytes:
            root = etree.fromstring(request(by=by))
            token(root).text = identity("cloud").token
            return etree.tostring(root)

        yield Attack(
            name=f"The cloud's certificate, {by} signs", make=cloud_named, why=FORGED
        )
    for name, form in each_form(identity("cloud").certificate).items():
        yield attack(f"The cloud's certificate by {name}", form, DIRECT)


def _reply_with_headers(root: etree._Element) -> None:
    """A reply that was given the headers of a request; only its own are signed."""
    asked = etree.fromstring(request())
    for tag in OF_REQUEST:
        for old in header(root).findall(tag):
            header(root).remove(old)
        header(root).append(head(asked, tag))


def _replies() -> Iterator[Attack]:
    yield Attack(
        name="A reply of the cloud with a request's headers",
        make=lambda honest: on_tree(_reply_with_headers)(
            Honest(document=reply(by="cloud"), other=b"")
        ),
        why=TWO_IDS,
    )


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    for family, maker in (
        ("Two tier messages mixed", _mixed),
        ("Messages of and for others", _parties),
        ("Replies as requests", _replies),
    ):
        for each in maker():
            yield family, each
