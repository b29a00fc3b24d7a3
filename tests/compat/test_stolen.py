"""
A signed message that somebody caught on its way, and what he might make of it.

The caught one only looks (DescribeKeyPairs); what he wants is a key pair of his
own.  Each attempt goes to a running cloud, and at the end there is none.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from copy import deepcopy

from lxml import etree

from euca_tw.soap.envelope import SOAP_11, SOAP_12
from euca_tw.soap.wsse import DS, ID, SECURITY
from tests.compat.test_bad_input import NAMESPACE, BadInputCase
from tests.compat.test_boto3 import client_of
from tests.soap.messages import find

LOOK = f'<DescribeKeyPairs xmlns="{NAMESPACE}"><keySet/></DescribeKeyPairs>'
HIS = f'<CreateKeyPair xmlns="{NAMESPACE}"><keyName>stolen</keyName></CreateKeyPair>'
XML_ID = "{http://www.w3.org/XML/1998/namespace}id"

Alter = Callable[[etree._Element], object]


def other_body(
    soap: str = SOAP_11, name: str | None = None, value: str = "Body"
) -> etree._Element:
    """His Body, with that id."""
    body = etree.Element(f"{{{soap}}}Body")
    if name is not None:
        body.set(name, value)
    body.append(etree.fromstring(HIS))
    return body


def moved(to: str, name: str | None = None, value: str = "Body") -> Alter:
    """The signed Body goes elsewhere, and his takes its place."""

    def alter(root: etree._Element) -> None:
        signed = find(root, "s:Body")
        root.replace(signed, other_body(name=name, value=value))
        find(root, to).append(signed)

    return alter


def wrapped(root: etree._Element) -> None:
    signed = find(root, "s:Body")
    his = other_body()
    root.replace(signed, his)
    his[0].append(signed)


def algorithm(path: str, name: str) -> Alter:
    return lambda root: find(root, path).set("Algorithm", name)


def doubled(path: str, is_first: bool) -> Alter:
    """An element twice, the other without an id."""

    def alter(root: etree._Element) -> None:
        element = find(root, path)
        other = deepcopy(element)
        for each in other.iter("*"):
            each.attrib.pop(ID, None)
        (element.addprevious if is_first else element.addnext)(other)

    return alter


def later(root: etree._Element) -> None:
    """The signed Timestamp goes to the Header; one for ever takes its place."""
    signed = find(root, ".//wsu:Timestamp")
    other = deepcopy(signed)
    other.attrib.pop(ID)
    find(other, "wsu:Expires").text = "2099-01-01T00:00:00Z"
    find(root, ".//wsse:Security").replace(signed, other)
    find(root, "s:Header").append(signed)


def without_references(root: etree._Element) -> None:
    signed_info = find(root, ".//ds:SignedInfo")
    for each in signed_info.findall(f"{{{DS}}}Reference"):
        signed_info.remove(each)


MALFORMED: tuple[Alter, ...] = (
    lambda root: root.append(other_body()),
    lambda root: root.insert(1, other_body()),
    lambda root: root.append(other_body(SOAP_12)),
    lambda root: root.insert(0, etree.Element(f"{{{SOAP_11}}}Header")),
    lambda root: find(root, "s:Body").append(etree.fromstring(HIS)),
)

INSECURE: tuple[Alter, ...] = (
    *(
        moved(to, name, value)
        for to in ("s:Header", ".//wsse:Security", ".//ds:Signature", ".//ds:KeyInfo")
        for name, value in (
            (None, ""),
            (ID, "Body"),
            (ID, "Other"),
            ("Id", "Body"),
            ("ID", "Body"),
            ("id", "Body"),
            (XML_ID, "Body"),
        )
    ),
    wrapped,
    later,
    doubled(".//wsu:Timestamp", is_first=True),
    doubled(".//wsse:Security", is_first=True),
    doubled(".//wsse:Security", is_first=False),
    doubled(".//ds:Signature", is_first=True),
    lambda root: find(root, "s:Header").append(etree.Element(SECURITY)),
    without_references,
    algorithm(".//ds:Transform", "http://www.w3.org/TR/1999/REC-xslt-19991116"),
    algorithm(".//ds:Transform", "http://www.w3.org/TR/1999/REC-xpath-19991116"),
    algorithm(".//ds:SignatureMethod", f"{DS}hmac-sha1"),
    lambda root: find(root, ".//ds:Reference").set("URI", ""),
    lambda root: find(root, ".//ds:Reference").set("URI", "#xpointer(/)"),
    lambda root: find(root, ".//ds:Reference").set("URI", "file:///etc/passwd"),
)


class StolenTests(BadInputCase):
    """None of it is worth anything."""

    def check_nothing_stolen(self) -> None:
        told = client_of(self.cloud).describe_key_pairs()["KeyPairs"]
        self.assertNotIn("stolen", [each["KeyName"] for each in told])

    def altered(self, alter: Alter, message: bytes) -> bytes:
        root = etree.fromstring(message)
        alter(root)
        return etree.tostring(root)

    def test_another_form(self) -> None:
        """A message of two Bodies, Headers or entries is none."""
        for alter in MALFORMED:
            message = self.altered(alter, self.message(LOOK))
            self.soap_refused("MalformedXML", message)
        self.check_nothing_stolen()

    def test_another_meaning(self) -> None:
        """What is signed stands where it is looked for, or it is not signed."""
        for number, alter in enumerate(INSECURE):
            message = self.altered(alter, self.message(LOOK))
            answer = self.soap(message)
            self.assertIn(b"aws:Client.InvalidSecurity<", answer.body, number)
        self.check_nothing_stolen()

    def test_another_text(self) -> None:
        """Of a text with a comment in it the whole is read, as it was signed."""
        entry = HIS.replace("stolen", "stolen-not")
        message = self.message(entry).replace(b"stolen-not", b"stolen<!-- -->-not")
        answer = self.soap(message)
        self.assertIn(b"<keyName>stolen-not</keyName>", answer.body)
        self.check_nothing_stolen()

    def test_again(self) -> None:
        """Sent again, it is refused, whatever is changed that is not signed."""
        message = self.message(LOOK)
        self.assertEqual(self.soap(message).status, 200)

        def value(change: Callable[[bytes], str]) -> Alter:
            def alter(root: etree._Element) -> None:
                element = find(root, ".//ds:SignatureValue")
                element.text = change(b64decode(element.text or ""))

            return alter

        for alter in (
            lambda root: None,
            value(lambda raw: f"\n {b64encode(raw).decode()} \n"),
            value(lambda raw: f"!{b64encode(raw).decode()}"),
            lambda root: find(root, ".//wsse:Security").append(etree.Comment("x")),
            lambda root: find(root, "s:Header").append(etree.Element("{urn:x}x")),
        ):
            self.soap_refused("InvalidSecurity", self.altered(alter, message))
        longer = value(lambda raw: b64encode(b"\0" + raw).decode())
        self.soap_refused("AuthFailure", self.altered(longer, message))
