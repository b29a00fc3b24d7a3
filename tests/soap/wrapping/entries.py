"""
The reader sees another entry than the signer did: elements renamed, doubled,
typed, or fetched from a part of the message that nobody signed.

Where Alice herself must have sent something odd, her key signs it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree

from euca_tw.api.errors import InvalidParameterValue, UnknownParameter
from tests.soap.messages import find
from tests.soap.wrapping.honest import (
    ALTERED,
    EC2_NAMESPACE,
    ENTRIES,
    EVIL,
    INSTANCE,
    PARTS,
    Attack,
    Why,
    asking,
    attack,
    body,
    header,
    in_text,
    malformed,
)
from tests.soap.wrapping.naive import seal

Alter = Callable[[etree._Element], object]

XSI = "http://www.w3.org/2001/XMLSchema-instance"
SOAPENC = "http://schemas.xmlsoap.org/soap/encoding/"
XLINK = "http://www.w3.org/1999/xlink"
XOP = "http://www.w3.org/2004/08/xop/include"
XINCLUDE = "http://www.w3.org/2001/XInclude"

_BARE, _SLASHED = f'"{EC2_NAMESPACE[:-1]}"', f'"{EC2_NAMESPACE}"'

_RENAMED: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "The operation",
        (
            ("<DescribeInstances ", "<TerminateInstances "),
            ("</DescribeInstances>", "</TerminateInstances>"),
        ),
    ),
    (
        "The operation, in small letters",
        (
            ("<DescribeInstances ", "<describeInstances "),
            ("</DescribeInstances>", "</describeInstances>"),
        ),
    ),
    (
        "The instance, so that a schema sees it, but no reader",
        (
            ("<instanceId>", "<ec2:instanceId xmlns:ec2='urn:evil'>"),
            ("</instanceId>", "</ec2:instanceId>"),
        ),
    ),
    (
        "The set",
        (
            ("<instancesSet>", "<instanceSet>"),
            ("</instancesSet>", "</instanceSet>"),
        ),
    ),
    ("The date", (("2008-02-01", "2011-01-01"),)),
    ("The date, an older one", (("2008-02-01", "2006-06-26"),)),
    ("The namespace, without its slash", ((_SLASHED, _BARE),)),
    ("The namespace, of another service", (("ec2.amazonaws", "s3.amazonaws"),)),
    ("The namespace, empty", ((_SLASHED, '""'),)),
    (
        "The namespace, by a prefix",
        (
            ("<DescribeInstances xmlns=", "<e:DescribeInstances xmlns:e="),
            ("</DescribeInstances>", "</e:DescribeInstances>"),
        ),
    ),
    ("The instance's id", ((INSTANCE, "i-66666666"),)),
    ("The instance's id, with white space", ((INSTANCE, f" {INSTANCE}"),)),
    (
        "The list, with one more",
        (("<item>", "<item><instanceId>i-66666666</instanceId></item><item>"),),
    ),
    ("The list, with a hidden one", (("<item>", "<Item/><item>"),)),
)

_ATTRIBUTES = {
    "xsi:type of another operation": (f"{{{XSI}}}type", "TerminateInstancesType"),
    "xsi:type with a prefix": (f"{{{XSI}}}type", "wsu:Timestamp"),
    "xsi:nil": (f"{{{XSI}}}nil", "true"),
    "xsi:schemaLocation": (f"{{{XSI}}}schemaLocation", "urn:evil http://evil/x.xsd"),
    "href": ("href", "#evil"),
    "xlink:href": (f"{{{XLINK}}}href", "#evil"),
    "a root of SOAP's encoding": (f"{{{SOAPENC}}}root", "0"),
    "an encoding style": (
        "{http://schemas.xmlsoap.org/soap/envelope/}encodingStyle",
        SOAPENC,
    ),
    "xml:base": ("{http://www.w3.org/XML/1998/namespace}base", "http://evil/"),
    "xml:space": ("{http://www.w3.org/XML/1998/namespace}space", "preserve"),
}


def _altered() -> Iterator[Attack]:
    for name, changes in _RENAMED:
        yield Attack(name=f"Renamed: {name}", make=in_text(*changes), why=ALTERED)
    for name, (attribute, value) in _ATTRIBUTES.items():
        for where, path in (("the Body", "."), ("the entry", "*"), ("a list", "*/*")):

            def alter(
                root: etree._Element,
                path: str = path,
                attribute: str = attribute,
                value: str = value,
            ) -> None:
                find(body(root), path).set(attribute, value)

            yield attack(f"Added to {where}: {name}", alter, ALTERED)


# --- more than one entry ----------------------------------------------------


def _entries() -> Iterator[Attack]:
    for name, text in (
        ("of the same operation", asking("DescribeInstances", "i-66666666")),
        ("of another date", EVIL.replace("2008-02-01", "2011-01-01")),
        ("of another service", EVIL.replace("//ec2.", "//s3.")),
        ("of no namespace", EVIL.replace(f' xmlns="{EC2_NAMESPACE}"', "")),
        (
            "of SOAP itself",
            '<Fault xmlns="http://schemas.xmlsoap.org/soap/envelope/"/>',
        ),
        ("empty", '<x xmlns="urn:evil"/>'),
    ):
        for order, place in (("before", 0), ("after", 1)):

            def alter(
                root: etree._Element, text: str = text, place: int = place
            ) -> None:
                body(root).insert(place, etree.fromstring(text))

            yield attack(f"An entry {name}, {order}", alter, ENTRIES)
    yield attack("An entry beside the Body", _beside, PARTS)
    yield attack("No entry", lambda root: body(root).remove(body(root)[0]), ENTRIES)
    yield Attack(
        name="Text beside the entry",
        make=in_text(("</soap:Body>", "TerminateInstances</soap:Body>")),
        why=malformed("text between the elements"),
    )


def _beside(root: etree._Element) -> None:
    root.append(etree.fromstring(EVIL))


# --- references within the message ------------------------------------------


def _multiref(attribute: str, value: str, *, at: str, name: str = "evil") -> Alter:
    """Alice's entry points to a part that she did not sign."""

    def alter(root: etree._Element) -> None:
        pointing = find(body(root), at)
        pointing.clear()
        pointing.set(attribute, value)
        seal(root, "alice")
        part = etree.SubElement(header(root), "{urn:evil}multiRef", id=name)
        part.append(etree.fromstring(EVIL))

    return alter


def _included(tag: str) -> Alter:
    def alter(root: etree._Element) -> None:
        held = find(body(root), "*/*/*/*")
        held.text = None
        etree.SubElement(held, tag, href="cid:evil")
        seal(root, "alice")

    return alter


def _odd(attribute: str, value: str) -> Alter:
    def alter(root: etree._Element) -> None:
        find(body(root), "*/*").set(attribute, value)
        seal(root, "alice")

    return alter


def _multirefs() -> Iterator[Attack]:
    for at, path in (
        ("*", "DescribeInstances@href"),
        ("*/*", "instancesSet@href"),
        ("*/*/*", "item[1]@href"),
        ("*/*/*/*", "instanceId@href"),
    ):
        yield attack(
            f"href to an unsigned part, at {path}",
            _multiref("href", "#evil", at=at),
            Why(UnknownParameter, path),
        )
    for name, why in (
        ("ref", Why(UnknownParameter, "instancesSet@ref")),
        ("id", Why(UnknownParameter, "instancesSet@id")),
    ):
        yield attack(
            f"{name} to an unsigned part", _multiref(name, "evil", at="*/*"), why
        )
    for name, tag in (
        ("XOP", f"{{{XOP}}}Include"),
        ("XInclude", f"{{{XINCLUDE}}}include"),
    ):
        yield attack(
            f"An inclusion by {name}",
            _included(tag),
            Why(UnknownParameter, "instanceId." + etree.QName(tag).localname),
        )
    yield attack(
        "A list that is nil, and yet not empty",
        _odd(f"{{{XSI}}}nil", "true"),
        Why(InvalidParameterValue, "nil, and yet not empty"),
    )
    yield attack("A second entry by multiRef", _multiref_in_body, ENTRIES)


def _multiref_in_body(root: etree._Element) -> None:
    find(body(root), "*/*").set("href", "#evil")
    part = etree.SubElement(body(root), "{urn:evil}multiRef", id="evil")
    part.append(etree.fromstring(EVIL))


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    for family, maker in (
        ("Entries renamed and typed", _altered),
        ("Second entries", _entries),
        ("Multiple references", _multirefs),
    ):
        for one in maker():
            yield family, one
