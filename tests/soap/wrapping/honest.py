"""
One honest message, and the words in which attacks on it are told.

Alice signs.  Mallory is another user of the cloud, and Eve is nobody's user;
both have read what Alice sent, and have keys of their own.  Nothing here knows
how the door verifies.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache

from attrs import frozen
from lxml import etree

from euca_tw.api.errors import (
    ApiError,
    AuthFailure,
    InvalidSecurity,
    MalformedRequest,
    MissingAuthenticationToken,
)
from euca_tw.soap.envelope import SOAP_11
from tests.soap.identities import NOW
from tests.soap.messages import NAMES, SECURITY, TIMESTAMP, Alter, find, message

EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2008-02-01/"
INSTANCE = "i-12345678"
DS, WSSE, WSU = (NAMES[prefix] for prefix in ("ds", "wsse", "wsu"))
TOKEN = f"{{{WSSE}}}BinarySecurityToken"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ID = f"{{{WSU}}}Id"
XML_ID = "{http://www.w3.org/XML/1998/namespace}id"

#: When the honest message is too old, and what an attacker writes then.
LATE_S = 600


def asking(operation: str, instance_id: str) -> str:
    return (
        f'<{operation} xmlns="{EC2_NAMESPACE}"><instancesSet><item><instanceId>'
        f"{instance_id}</instanceId></item></instancesSet></{operation}>"
    )


#: What the attacker wants to have executed.
EVIL = asking("TerminateInstances", "i-66666666")


@frozen(kw_only=True)
class Honest:
    """
    @ivar document: Alice describes an instance.
    @ivar other: and, a moment later, terminates another one.
    """

    document: bytes
    other: bytes


@cache
def honest(number: int = 0) -> Honest:
    """@param number: makes another message of the same meaning."""
    now = NOW + timedelta(milliseconds=number)
    later = now + timedelta(seconds=1)
    return Honest(
        document=message(asking("DescribeInstances", INSTANCE), headers=(), now=now),
        other=message(
            asking("TerminateInstances", "i-87654321"), headers=(), now=later
        ),
    )


# --- what an attack is ------------------------------------------------------


@frozen
class Why:
    """
    The reason for which a message is refused.

    @ivar said: a part of what the refusal tells.
    @ivar flaw: AuthFailure tells nothing: what is wrong with the signature.
    """

    error: type[ApiError]
    said: str
    flaw: str = ""


_CREDENTIALS = "not able to validate the provided access credentials"

#: The certificate is of nobody; the key did not sign; what it signed is altered.
STRANGER = Why(AuthFailure, _CREDENTIALS, "stranger")
FORGED = Why(AuthFailure, _CREDENTIALS, "signature")
ALTERED = Why(AuthFailure, _CREDENTIALS, "digest")
UNSIGNED = Why(MissingAuthenticationToken, "must contain a signature")

Make = Callable[[Honest], bytes]


def insecure(said: str) -> Why:
    return Why(InvalidSecurity, said)


def malformed(said: str) -> Why:
    return Why(MalformedRequest, said)


UNSIGNED_BODY = insecure("The Body must be signed")
UNSIGNED_STAMP = insecure("The Timestamp must be signed")
NO_PART = insecure("leads to no part of the message")
NO_ID = insecure("leads to no Id of this message")
TWO_IDS = insecure("An Id occurs twice")
TWO_REFERENCES = insecure("Two references lead to one part of the message")
ONE_SECURITY = insecure("exactly one Security header")
ONE_SIGNATURE = insecure("exactly one Signature")
ONE_STAMP = insecure("exactly one Timestamp")
SIGNATURE_FORM = insecure("Signature must have SignedInfo, SignatureValue, KeyInfo")
ELSEWHERE = insecure("The message is for somebody else")
STALE = insecure("Request has expired")
REPLAYED = insecure("replay detected")
PARTS = malformed("at most one Header, then one Body")
ENTRIES = malformed("exactly one entry")
NOT_UNDERSTOOD = malformed("is not understood here")


@frozen(kw_only=True)
class Attack:
    """
    @ivar after_s: so long after the honest message was signed it is sent.
    @ivar is_replay: the honest message was sent, and executed, before.
    """

    name: str
    make: Make
    why: Why
    after_s: float = 0
    is_replay: bool = False


def attack(name: str, alter: Alter, why: Why, *, after_s: float = 0) -> Attack:
    """One that alters the tree of the honest message."""
    return Attack(name=name, make=on_tree(alter), why=why, after_s=after_s)


def on_tree(alter: Alter) -> Make:
    def make(honest: Honest) -> bytes:
        root = etree.fromstring(honest.document)
        alter(root)
        return etree.tostring(root)

    return make


def on_both(alter: Callable[[etree._Element, etree._Element], object]) -> Make:
    """Alters the first message by means of the other."""

    def make(honest: Honest) -> bytes:
        root = etree.fromstring(honest.document)
        alter(root, etree.fromstring(honest.other))
        return etree.tostring(root)

    return make


def in_text(*changes: tuple[str, str]) -> Make:
    """Replaces what must be there once."""

    def make(honest: Honest) -> bytes:
        text = honest.document.decode()
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return text.encode()

    return make


# --- the parts of a message -------------------------------------------------


def header(root: etree._Element) -> etree._Element:
    return find(root, "s:Header")


def body(root: etree._Element) -> etree._Element:
    return find(root, "s:Body")


def security(root: etree._Element) -> etree._Element:
    return find(root, f"s:Header/{SECURITY}")


def signature(root: etree._Element) -> etree._Element:
    return find(root, f"s:Header/{SECURITY}/ds:Signature")


def signed_info(root: etree._Element) -> etree._Element:
    return find(signature(root), "ds:SignedInfo")


def stamp(root: etree._Element) -> etree._Element:
    return find(security(root), TIMESTAMP)


def token(root: etree._Element) -> etree._Element:
    return find(security(root), TOKEN)


def reference_to(root: etree._Element, name: str) -> etree._Element:
    return find(signed_info(root), f"ds:Reference[@URI='#{name}']")


def drop(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)
    return element


def block(tag: str = "{urn:evil}Wrapper", **attributes: str) -> etree._Element:
    return etree.Element(tag, dict(attributes))


def evil_body(tag: str = f"{{{SOAP_11}}}Body") -> etree._Element:
    found = etree.Element(tag, nsmap={"soap": SOAP_11, "wsu": WSU})
    found.append(etree.fromstring(EVIL))
    return found


def usurp_body(root: etree._Element, **ids: str) -> etree._Element:
    """Another Body stands for the signed one, which is handed out."""
    signed = body(root)
    root.replace(signed, evil_body())
    for name, value in ids.items():
        body(root).set(ID_NAMES[name], value)
    return signed


#: As keywords: the attributes by which elements are told apart.
ID_NAMES = {"wsu_id": ID, "Id": "Id", "ID": "ID", "xml_id": XML_ID}


def evil_stamp() -> etree._Element:
    made = etree.Element(TIMESTAMP, nsmap={"wsu": WSU})
    for name, seconds in (("Created", LATE_S), ("Expires", LATE_S + 300)):
        moment = NOW + timedelta(seconds=seconds)
        text = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        etree.SubElement(made, f"{{{WSU}}}{name}").text = text
    return made


def usurp_stamp(root: etree._Element, **ids: str) -> etree._Element:
    """A younger Timestamp stands for the signed one, which is handed out."""
    signed, younger = stamp(root), evil_stamp()
    for name, value in ids.items():
        younger.set(ID_NAMES[name], value)
    security(root).replace(signed, younger)
    return signed
