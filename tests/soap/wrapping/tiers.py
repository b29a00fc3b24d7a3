"""
Messages between tiers: an honest request of the cloud to a cluster, and what is
made of it by who reads the wire, by a node, or by another cluster.

What is at stake is in the headers: to whom it is, what it asks, and which message
it is.  So it is these that are moved, doubled, hidden and mixed; the Body they
stand for is covered by the other families, and by the same verifier.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from lxml import etree

from euca_tw.soap.addressing import (
    ACTION,
    MESSAGE_ID,
    RECIPIENT,
    RELATES_TO,
    TO,
)
from euca_tw.soap.envelope import SOAP_11
from euca_tw.soap.signing import signed
from tests.soap.identities import NOW, identity
from tests.soap.messages import Alter, find
from tests.soap.wrapping.honest import (
    FORGED,
    ID,
    Honest,
    Make,
    Why,
    header,
    insecure,
)
from tests.soap.wrapping.naive import seal

PATH = "/axis2/services/EucalyptusCC"
NAMESPACE = "http://eucalyptus.ucsb.edu/"
STRANGER = Why(FORGED.error, "not of a peer of this service", "stranger")
OTHER_ACTION = insecure("wsa:Action must be EucalyptusCC#TerminateInstances")
DIRECT = insecure("The key must be given by a direct reference")
NAMES = {TO: "To", ACTION: "Action", MESSAGE_ID: "MessageID", RECIPIENT: "Recipient"}
#: What an attacker would have there.
EVIL = {
    TO: "/evil",
    ACTION: "EucalyptusCC#RunInstances",
    MESSAGE_ID: "urn:uuid:EVIL",
    RECIPIENT: "00",
}


def asking(operation: str, *instance_ids: str) -> str:
    ids = "".join(f"<instanceIds>{each}</instanceIds>" for each in instance_ids)
    return (
        f'<{operation} xmlns="{NAMESPACE}"><correlationId>c</correlationId>'
        f"<userId>u</userId>{ids}</{operation}>"
    )


def request(
    operation: str = "TerminateInstances",
    *instance_ids: str,
    number: int = 0,
    by: str = "cloud",
    recipient: str = "cluster",
    to: str = PATH,
    now: datetime = NOW,
    **changed: str,
) -> bytes:
    """@param changed: texts of headers, by their names."""
    headers = {
        "To": (TO, to),
        "Action": (ACTION, f"EucalyptusCC#{operation}"),
        "MessageID": (MESSAGE_ID, f"urn:uuid:{number:032X}"),
        "Recipient": (RECIPIENT, identity(recipient).fingerprint),
    }
    texts = [(tag, changed.get(name, text)) for name, (tag, text) in headers.items()]
    entry = asking(operation, *(instance_ids or ("i-1",)))
    return signed(SOAP_11, texts, entry, identity(by), now)


def reply(
    operation: str = "TerminateInstances",
    *,
    relates_to: str = f"urn:uuid:{0:032X}",
    by: str = "cluster",
    instance_id: str = "",
    now: datetime = NOW,
    said: str | None = None,
) -> bytes:
    """An answer to the honest request."""
    name = f"{operation}Response"
    inner = f"<correlationId>{instance_id}</correlationId>" if instance_id else ""
    return signed(
        SOAP_11,
        [(ACTION, said or f"EucalyptusCC#{name}"), (RELATES_TO, relates_to)],
        f'<{name} xmlns="{NAMESPACE}">{inner}<return>true</return></{name}>',
        identity(by),
        now,
    )


@cache
def honest_request() -> Honest:
    """The cloud terminates an instance, and a moment later asks after one."""
    return Honest(
        document=request(),
        other=request(
            "DescribeInstances", "i-2", number=1, now=NOW + timedelta(seconds=1)
        ),
    )


@cache
def like_it() -> bytes:
    """Another request of the same operation."""
    return request("TerminateInstances", "i-3", number=2)


# --- the parts --------------------------------------------------------------


def head(root: etree._Element, tag: str) -> etree._Element:
    return find(root, f"s:Header/{tag}")


def id_of(element: etree._Element) -> str:
    return element.get(ID) or ""


def evil(tag: str, name: str | None = None, kind: str = ID) -> etree._Element:
    made = etree.Element(tag)
    made.text = EVIL.get(tag, "urn:uuid:EVIL")
    if name is not None:
        made.set(kind, name)
    return made


def usurped(root: etree._Element, tag: str) -> etree._Element:
    """The attacker's header stands for the signed one, which is handed out."""
    old = head(root, tag)
    header(root).replace(old, evil(tag))
    return old


def wrapper(element: etree._Element) -> etree._Element:
    made = etree.Element("{urn:evil}Wrapper")
    made.append(element)
    return made


def one(tag: str) -> Why:
    return insecure(f"There must be exactly one {NAMES[tag]}")


def unsigned(tag: str) -> Why:
    return insecure(f"The {NAMES[tag]} must be signed")


def resealed(alter: Alter, by: str = "cloud") -> Alter:
    """Altered, and then signed anew: by a careless peer, not by an outsider."""

    def both(root: etree._Element) -> None:
        alter(root)
        seal(root, by)

    return both


def always(document: bytes) -> Make:
    return lambda honest: document
