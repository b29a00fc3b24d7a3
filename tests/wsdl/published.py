"""
Service descriptions, read back into values that can be compared.

The same reader reads the published ones and ours; it knows XML Schema and
WSDL, and nothing of how either was made.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from attrs import field, frozen
from lxml import etree
from twisted.trial.unittest import SkipTest

from euca_tw.api.shapes import Api, Version

SHARED = Path(__file__).resolve().parents[3] / "shared"

XS = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"


def shared(path: str) -> Path:
    """
    What the project is held against, and does not hold itself.

    @raise SkipTest: it is not on this machine.
    """
    found = SHARED / path
    if not found.exists():
        raise SkipTest(f"no oracle: {found} is absent")
    return found


def published_dates() -> tuple[Version, ...]:
    """The dates of all of Amazon's WSDLs."""
    found = shared("wsdl/amazon").glob("ec2-*.wsdl")
    return tuple(sorted(Version(p.stem.removeprefix("ec2-")) for p in found))


@cache
def amazon(version: Version) -> etree._Element:
    return etree.parse(shared(f"wsdl/amazon/ec2-{version}.wsdl")).getroot()


def original(tier: str) -> etree._Element:
    """C{cc} or C{nc}, of release 1.6.1."""
    return etree.parse(shared(f"wsdl/eucalyptus-1.6.1/{tier}.wsdl")).getroot()


def facts(name: str) -> Any:
    return json.loads(shared(f"facts/{name}").read_text())


def every_date(api: Api) -> Api:
    """C{api}, as if all of Amazon's dates were served by SOAP."""
    return Api(
        name=api.name,
        namespace=api.namespace,
        versions=published_dates(),
        operations=api.operations,
    )


# --- XML Schema -------------------------------------------------------------


@frozen
class Content:
    """
    What is inside an element: a scalar's type, or members.

    @ivar members: L{Element}s, and L{Choice}s between them.
    """

    scalar: str = ""
    members: tuple[Element | Choice, ...] = ()
    attributes: tuple[tuple[str, ...], ...] = ()
    is_mixed: bool = False


@frozen
class Element:
    name: str
    at_least: str
    at_most: str
    is_nillable: bool
    content: Content

    def __len__(self) -> int:
        """How many elements there are in it, itself among them."""
        return 1 + sum(map(len, self.content.members))


@frozen
class Choice:
    at_least: str
    at_most: str
    members: tuple[Element, ...] = field(factory=tuple)

    def __len__(self) -> int:
        return sum(map(len, self.members))


class Schema:
    """The global elements of a WSDL's (or XSD's) one schema."""

    def __init__(self, root: etree._Element) -> None:
        schema = root if root.tag == f"{XS}schema" else root.find(f".//{XS}schema")
        self.schema = schema
        self._types = {t.get("name"): t for t in schema.iterfind(f"{XS}complexType")}
        self._groups = {g.get("name"): g for g in schema.iterfind(f"{XS}group")}
        self.elements = {
            e.get("name"): self._element(e) for e in schema.iterfind(f"{XS}element")
        }

    def _element(self, e: etree._Element) -> Element:
        return Element(
            e.get("name"),
            e.get("minOccurs", "1"),
            e.get("maxOccurs", "1"),
            e.get("nillable") == "true",
            self._content(e),
        )

    def _content(self, e: etree._Element) -> Content:
        prefix, _, name = e.get("type").partition(":")
        if e.nsmap[prefix] == XS.strip("{}"):
            return Content(scalar=name)
        made = self._types[name]
        return Content(
            members=tuple(self._members(made)),
            attributes=tuple(
                (
                    a.get("name"),
                    a.get("type").partition(":")[2],
                    a.get("use"),
                    a.get("fixed"),
                )
                for a in made.iter(f"{XS}attribute")
            ),
            is_mixed=made.get("mixed") == "true",
        )

    def _members(self, inside: etree._Element) -> list[Element | Choice]:
        """
        Nested sequences and groups are flattened; a choice of one member is
        that member.
        """
        found: list[Element | Choice] = []
        for child in inside.iterchildren(f"{XS}*"):
            kind = child.tag.removeprefix(XS)
            if kind == "element":
                found.append(self._element(child))
            elif kind in ("sequence", "complexContent"):
                found.extend(self._members(child))
            elif kind == "group":
                group = self._groups[child.get("ref").partition(":")[2]]
                found.extend(self._members(group))
            elif kind == "extension":
                base = self._types[child.get("base").partition(":")[2]]
                found.extend(self._members(base) + self._members(child))
            elif kind == "choice":
                found.append(self._choice(child))
            elif kind not in ("attribute", "annotation"):
                raise AssertionError(f"the reader does not know {child.tag}")
        return found

    def _choice(self, choice: etree._Element) -> Element | Choice:
        members = tuple(self._members(choice))
        occurrence = choice.get("minOccurs", "1"), choice.get("maxOccurs", "1")
        if len(members) == 1 and occurrence == ("1", "1"):
            return members[0]
        return Choice(*occurrence, members)  # type: ignore[arg-type]


def type_names(root: etree._Element) -> dict[str, str]:
    """What the complex types are called, by the elements that have them."""
    schema = Schema(root).schema
    types = {t.get("name"): t for t in schema.iterfind(f"{XS}complexType")}
    groups = {g.get("name"): g for g in schema.iterfind(f"{XS}group")}
    found: dict[str, str] = {}

    def look(element: etree._Element, above: str) -> None:
        prefix, _, name = element.get("type").partition(":")
        if element.nsmap[prefix] != XS.strip("{}"):
            place = f"{above}/{element.get('name')}"
            found[place] = name
            look_inside(types[name], place)

    def look_inside(inside: etree._Element, place: str) -> None:
        for child in inside.iterchildren(f"{XS}*"):
            if child.tag == f"{XS}element":
                look(child, place)
            elif child.tag == f"{XS}group":
                look_inside(groups[child.get("ref").partition(":")[2]], place)
            else:
                look_inside(child, place)

    for element in schema.iterfind(f"{XS}element"):
        look(element, "")
    return found


# --- WSDL -------------------------------------------------------------------


def service_of(root: etree._Element, parts: bool = True) -> dict[str, Any]:
    """
    Names and bindings, and for each operation its bodies and its action.

    @param parts: with what the messages' parts are called.
    """
    [port_type] = root.iterfind(f"{WSDL}portType")
    [binding] = root.iterfind(f"{WSDL}binding")
    [service] = root.iterfind(f"{WSDL}service")
    [port] = service.iterfind(f"{WSDL}port")
    [style] = binding.iterfind(f"{SOAP}binding")
    messages = {
        m.get("name"): [
            (p.get("name") if parts else "", _local(p.get("element"))) for p in m
        ]
        for m in root.iterfind(f"{WSDL}message")
    }
    bound = {o.get("name"): o for o in binding.iterfind(f"{WSDL}operation")}
    operations = {}
    for o in port_type.iterfind(f"{WSDL}operation"):
        name = o.get("name")
        operations[name] = {
            "action": bound[name].find(f"{SOAP}operation").get("soapAction"),
            "uses": [b.get("use") for b in bound[name].iter(f"{SOAP}body")],
            "ends": [
                (
                    end.tag.removeprefix(WSDL),
                    end.get("name"),
                    end.get("message"),
                    messages[_local(end.get("message"))],
                )
                for end in o
            ],
            "bound ends": [
                (end.tag.removeprefix(WSDL), end.get("name"))
                for end in bound[name].iterchildren(f"{WSDL}*")
            ],
        }
    return {
        "names": (port_type.get("name"), binding.get("name"), service.get("name")),
        "port": (port.get("name"), port.get("binding"), binding.get("type")),
        "namespaces": (root.get("targetNamespace"), root.nsmap["tns"]),
        "style": style.get("style"),
        "bound": set(bound),
        "operations": operations,
    }


def _local(name: str) -> str:
    return name.partition(":")[2]
