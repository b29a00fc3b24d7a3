"""
Answers to the cloud, which are not the cluster's answer to what it asked.

Who made them has read the wire for a long time: he has other requests and other
answers of the same cluster, answers of other clusters, and keys of his own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import timedelta

from attrs import frozen
from lxml import etree

from euca_tw.api.errors import AuthFailure
from euca_tw.soap.addressing import ACTION, MESSAGE_ID, RELATES_TO, TO
from euca_tw.soap.envelope import SOAP_11
from euca_tw.soap.faults import fault
from euca_tw.soap.signing import signed
from tests.soap.identities import NOW, identity
from tests.soap.messages import Alter
from tests.soap.wrapping.honest import (
    ID,
    body,
    drop,
    header,
    reference_to,
    security,
    signature,
    token,
    usurp_body,
)
from tests.soap.wrapping.naive import seal
from tests.soap.wrapping.tiers import evil, head, id_of, reply, wrapper

_OTHER = "it answered to something else"
_ANOTHERS = "somebody else's certificate signed its answer"
_CREDENTIALS = "not able to validate"
_NAMES = {ACTION: "Action", RELATES_TO: "RelatesTo"}


@frozen(kw_only=True)
class Answer:
    """
    @ivar make: of the request, and of the honest answer to it, what comes.
    @ivar why: a part of what the client says is wrong.
    """

    name: str
    family: str
    make: Callable[[bytes, bytes], bytes]
    why: str


def message_id(request: bytes) -> str:
    return head(etree.fromstring(request), MESSAGE_ID).text or ""


def _altered(alter: Alter) -> Callable[[bytes, bytes], bytes]:
    def make(request: bytes, answer: bytes) -> bytes:
        root = etree.fromstring(answer)
        alter(root)
        return etree.tostring(root)

    return make


def _made(**changed: str) -> Callable[[bytes, bytes], bytes]:
    """A reply that relates to the request, but for what is changed."""

    def make(request: bytes, answer: bytes) -> bytes:
        given = {"relates_to": message_id(request), **changed}
        return reply(**given)

    return make


# --- the headers ------------------------------------------------------------


def _headers() -> Iterator[tuple[str, Callable[[bytes, bytes], bytes], str]]:
    for tag, name in _NAMES.items():

        def usurped(root: etree._Element, tag: str = tag) -> etree._Element:
            old = head(root, tag)
            header(root).replace(old, evil(tag))
            return old

        def moved(root: etree._Element, usurped: Alter = usurped) -> None:
            found = usurped(root)
            assert isinstance(found, etree._Element)
            header(root).append(wrapper(found))

        def into_security(root: etree._Element, usurped: Alter = usurped) -> None:
            found = usurped(root)
            assert isinstance(found, etree._Element)
            security(root).append(found)

        def doubled(root: etree._Element, tag: str = tag) -> None:
            header(root).insert(0, evil(tag))

        def same_id(root: etree._Element, tag: str = tag) -> None:
            header(root).insert(0, evil(tag, id_of(head(root, tag))))

        def dropped(root: etree._Element, tag: str = tag) -> None:
            drop(head(root, tag))

        def forgotten(root: etree._Element, tag: str = tag) -> None:
            drop(reference_to(root, id_of(head(root, tag))))
            drop(head(root, tag))
            seal(root, "cluster")

        def unsigned(root: etree._Element, tag: str = tag) -> None:
            drop(reference_to(root, id_of(head(root, tag))))
            seal(root, "cluster")

        def split(root: etree._Element, tag: str = tag) -> None:
            head(root, tag).append(etree.Comment("x"))

        def written(root: etree._Element, tag: str = tag) -> None:
            head(root, tag).text = "urn:uuid:EVIL"

        def no_id(root: etree._Element, tag: str = tag) -> None:
            head(root, tag).attrib.pop(ID)

        for what, alter, why in (
            ("moved into a block, another for it", moved, "leads to no part"),
            ("moved into Security, another for it", into_security, "must be signed"),
            ("doubled", doubled, f"exactly one {name}"),
            ("doubled, with one id", same_id, "An Id occurs twice"),
            ("dropped", dropped, "leads to no Id"),
            ("never there", forgotten, f"exactly one {name}"),
            ("not signed", unsigned, f"The {name} must be signed"),
            ("split by a comment", split, f"{name} must have text only"),
            ("with another text", written, _CREDENTIALS),
            ("without id", no_id, "leads to no Id"),
        ):
            yield f"{name} {what}", _altered(alter), why

    def swapped(root: etree._Element) -> None:
        first, second = head(root, ACTION), head(root, RELATES_TO)
        name = id_of(first)
        first.set(ID, id_of(second))
        second.set(ID, name)

    yield "Action and RelatesTo with each other's id", _altered(swapped), _CREDENTIALS


# --- whose, and to what -----------------------------------------------------


def _parties() -> Iterator[tuple[str, Callable[[bytes, bytes], bytes], str]]:
    yield from (
        ("Of another cluster", _made(by="node"), _ANOTHERS),
        ("Of the cloud itself", _made(by="cloud"), _ANOTHERS),
        ("To another request", _made(relates_to="urn:uuid:1"), _OTHER),
        ("To no request", _made(relates_to=""), _OTHER),
        ("To another operation", _made(operation="DescribeInstances"), _OTHER),
        (
            "Of another operation, under this one's name",
            _made(
                operation="DescribeInstances",
                said="EucalyptusCC#TerminateInstancesResponse",
            ),
            _OTHER,
        ),
        (
            "Under another operation's name",
            _made(said="EucalyptusCC#DescribeInstancesResponse"),
            _OTHER,
        ),
        ("Under the name of a fault", _made(said="EucalyptusCC#Fault"), _OTHER),
        (
            "Of another service",
            _made(said="EucalyptusNC#TerminateInstancesResponse"),
            _OTHER,
        ),
        ("The request itself", lambda request, answer: request, "one RelatesTo"),
        ("The request, related to itself", _echoed, "leads to no Id"),
        ("The request, as if it were signed so", _signed_echo, _ANOTHERS),
        ("Old", _old, "expired"),
        ("Of the future", _early, "in the future"),
    )
    for by in ("node", "cloud"):

        def named(root: etree._Element, by: str = by) -> None:
            token(root).text = identity(by).token

        yield f"The honest one with the certificate of {by}", _altered(named), _ANOTHERS

        def as_cluster(request: bytes, answer: bytes, by: str = by) -> bytes:
            root = etree.fromstring(reply(relates_to=message_id(request), by=by))
            token(root).text = identity("cluster").token
            return etree.tostring(root)

        yield f"The cluster's certificate, {by} signs", as_cluster, _CREDENTIALS


def _echoed(request: bytes, answer: bytes) -> bytes:
    """The cloud's own request, its MessageID turned into RelatesTo."""
    root = etree.fromstring(request)
    drop(head(root, TO))
    head(root, MESSAGE_ID).tag = RELATES_TO
    return etree.tostring(root)


def _signed_echo(request: bytes, answer: bytes) -> bytes:
    return signed(
        SOAP_11,
        [
            (ACTION, "EucalyptusCC#TerminateInstancesResponse"),
            (RELATES_TO, message_id(request)),
        ],
        etree.tostring(body(etree.fromstring(request))[0]).decode(),
        identity("cloud"),
        NOW,
    )


def _old(request: bytes, answer: bytes) -> bytes:
    return reply(relates_to=message_id(request), now=NOW - timedelta(minutes=6))


def _early(request: bytes, answer: bytes) -> bytes:
    return reply(relates_to=message_id(request), now=NOW + timedelta(minutes=1))


# --- two answers mixed ------------------------------------------------------


def _mixed() -> Iterator[tuple[str, Callable[[bytes, bytes], bytes], str]]:
    for what, other in (
        ("an answer of yesterday's", reply(relates_to="urn:uuid:1", instance_id="i")),
        ("a fault", _fault()),
    ):
        for name, alter in (
            ("RelatesTo", _with_head(RELATES_TO)),
            ("The Body", lambda root, other: root.replace(body(root), body(other))),
            (
                "The entry",
                lambda root, other: body(root).replace(body(root)[0], body(other)[0]),
            ),
            (
                "The Signature",
                lambda root, other: security(root).replace(
                    signature(root), signature(other)
                ),
            ),
        ):

            def make(
                request: bytes,
                answer: bytes,
                other: bytes = other,
                alter: Callable[[etree._Element, etree._Element], object] = alter,
            ) -> bytes:
                root = etree.fromstring(answer)
                alter(root, etree.fromstring(other))
                return etree.tostring(root)

            yield f"{name} of {what}", make, _CREDENTIALS

        def under(request: bytes, answer: bytes, other: bytes = other) -> bytes:
            """The other answer, but with this one's RelatesTo beside its own."""
            root = etree.fromstring(other)
            taken = head(etree.fromstring(answer), RELATES_TO)
            taken.set(ID, "Taken")
            header(root).append(taken)
            return etree.tostring(root)

        yield f"RelatesTo beside that of {what}", under, "exactly one RelatesTo"


def _fault() -> bytes:
    return signed(
        SOAP_11,
        [(ACTION, "EucalyptusCC#Fault"), (RELATES_TO, "urn:uuid:1")],
        fault(SOAP_11, AuthFailure(), "r"),
        identity("cluster"),
        NOW,
    )


def _with_head(tag: str) -> Callable[[etree._Element, etree._Element], object]:
    return lambda root, other: header(root).replace(head(root, tag), head(other, tag))


def _bodies() -> Iterator[tuple[str, Callable[[bytes, bytes], bytes], str]]:
    def in_block(root: etree._Element) -> None:
        header(root).append(wrapper(usurp_body(root)))

    def in_security(root: etree._Element) -> None:
        security(root).append(usurp_body(root))

    def same_id(root: etree._Element) -> None:
        header(root).append(usurp_body(root, wsu_id="Body"))

    def second(root: etree._Element) -> None:
        root.append(deepcopy(body(root)))

    def no_security(root: etree._Element) -> None:
        drop(security(root))

    def no_reference(root: etree._Element) -> None:
        drop(reference_to(root, "Body"))
        seal(root, "cluster")

    for name, alter, why in (
        ("The signed Body in a block", in_block, "leads to no part"),
        ("The signed Body in Security", in_security, "The Body must be signed"),
        ("The signed Body in the Header, with one id", same_id, "occurs twice"),
        ("Two Bodies", second, "at most one Header, then one Body"),
        ("Not signed", no_security, "its answer is not signed"),
        ("The Body not signed", no_reference, "The Body must be signed"),
    ):
        yield name, _altered(alter), why


def answers() -> Iterator[Answer]:
    """All of them."""
    for family, maker in (
        ("Addressing of answers", _headers),
        ("Answers of others, and to others", _parties),
        ("Two answers mixed", _mixed),
        ("Bodies of answers", _bodies),
    ):
        for name, make, why in maker():
            yield Answer(name=name, family=family, make=make, why=why)
