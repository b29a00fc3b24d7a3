"""Tests for L{euca_tw.wsdl.write} and L{euca_tw.wsdl.schema}."""

from __future__ import annotations

from io import BytesIO

from lxml import etree
from twisted.trial.unittest import SynchronousTestCase
from zeep import Client

from euca_tw.api.cluster import CLUSTER
from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
from euca_tw.api.head import HEAD
from euca_tw.api.node import NODE
from euca_tw.api.shapes import (
    Api,
    Attribute,
    Operation,
    Version,
    list_type_of,
    shape,
    wire,
)
from euca_tw.wsdl.schema import TypeNameClash, schema_element
from euca_tw.wsdl.write import schema, wsdl

ONE = Version("2008-02-01")
XS = "{http://www.w3.org/2001/XMLSchema}"


@shape("ThingType")
class Thing:
    name: str = wire("name")


@shape("ThingType")
class OtherThing:
    size: int = wire("size")


@shape("AskType")
class Ask:
    thing: Thing = wire("thing")


@shape("AnswerType")
class Answer:
    things: tuple[Thing, ...] = wire("thingSet", at_least=1)
    others: tuple[OtherThing, ...] = wire("otherSet", since="2009-01-01")
    names: tuple[str, ...] = wire("nameSet")
    plain: tuple[str, ...] = wire("plain", repeated=True, at_least=2, at_most=3)


@shape("ThingSetType")
class NamedLikeAList:
    thing: Thing = wire("thing")


@shape("KnownThingType", list_type="KnownSetType")
class KnownThing:
    name: str = wire("name")


@shape("ListingType")
class Listing:
    things: tuple[KnownThing, ...] = wire("thingSet")
    names: tuple[str, ...] = wire("nameSet", leaf="name", item_type="NameItemType")
    others: tuple[str, ...] = wire(
        "others", leaf="name", item_type="NameItemType", list_type="ListOfNamesType"
    )
    more_names: tuple[str, ...] = wire("more", leaf="name", item_type="NameItemType")


@shape("BadListingType")
class BadListing:
    names: tuple[str, ...] = wire("nameSet", leaf="name", item_type="NameItemType")
    more_names: tuple[str, ...] = wire(
        "more", leaf="name", item_type="NameItemType", at_least=1
    )


@shape("ChoosyType")
class Choosy:
    left: str | None = wire("left", choice="side", choice_required=False)
    right: str | None = wire("right", choice="side", choice_required=False)
    up: str | None = wire("up", choice="height", required=False)
    down: str | None = wire("down", choice="height", required=False)
    aliases: tuple[str, ...] = wire(
        "aliasSet", leaf="alias", leaf_required=(("2009-01-01", None),)
    )


@shape("NotedType", attributes=(Attribute("unit", "GiB"),))
class Noted:
    """Text with an attribute."""


def api_of(request: type, response: type, **more: object) -> Api:
    return Api(
        name="Things",
        namespace="http://things.example/{version}/",
        versions=(ONE,),
        operations=(Operation("Ask", request, response),),
        **more,  # type: ignore[arg-type]
    )


class Served(SynchronousTestCase):
    """What is served can be used."""

    def test_zeep(self) -> None:
        """
        zeep reads every description, and can make every request of it, at the
        address that it was written for.
        """
        made = 0
        for api in (EC2, CLUSTER, NODE, HEAD):
            for version in api.versions:
                url = f"http://{api.name.lower()}.example/{version}"
                client = Client(BytesIO(wsdl(api, version, url)))  # type: ignore[arg-type]
                [service] = client.wsdl.services.values()
                [port] = service.ports.values()
                self.assertEqual(port.binding_options["address"], url)
                names = [o.name for o in api.at(version)]
                self.assertCountEqual(port.binding._operations, names)
                for name in names:
                    element = client.get_element(
                        f"{{{api.namespace_of(version)}}}{name}"
                    )
                    self.assertEqual(element.name, name)
                    made += 1
        self.assertEqual(made, 4392)

    def test_schemas_compile(self) -> None:
        """libxml2 takes every schema, of SOAP's dates and of all others."""
        every = Api(EC2.name, EC2.namespace, QUERY_VERSIONS, EC2.operations)
        for api in (every, CLUSTER, NODE, HEAD):
            for version in api.versions:
                etree.XMLSchema(etree.fromstring(schema(api, version)))
        self.assertEqual(len(every.versions), 52)

    def test_schema_is_that_of_the_wsdl(self) -> None:
        """The schema by itself is the one inside the description."""
        description = etree.fromstring(wsdl(EC2, ONE, "http://x.example/"))
        inside = description.find(".//{http://www.w3.org/2001/XMLSchema}schema")
        alone = etree.fromstring(schema(EC2, ONE))

        def canonical(element: etree._Element) -> bytes:
            parser = etree.XMLParser(remove_blank_text=True)
            again = etree.fromstring(etree.tostring(element), parser)
            etree.indent(again)
            return etree.tostring(again, method="c14n", exclusive=True)

        self.assertEqual(canonical(inside), canonical(alone))

    def test_only_types_of_the_date(self) -> None:
        """A type that no element of a date has is not in its schema."""
        types = [t.get("name") for t in schema_element(EC2, Version("2006-06-26"))]
        self.assertIn("RunInstanceItemType", types)
        self.assertNotIn("UserDataType", types)
        self.assertNotIn("EbsBlockDeviceType", types)

    def test_addresses(self) -> None:
        """It is of a service at the address that is said."""
        for url in "http://one.example/", "http://two.example/":
            self.assertIn(url.encode(), wsdl(EC2, ONE, url))

    def test_address_is_escaped(self) -> None:
        """No address breaks out of its attribute."""
        url = "http://x.example/?a=1&b=\"<'"
        written = etree.fromstring(wsdl(EC2, ONE, url))
        [address] = written.iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")
        self.assertEqual(address.get("location"), url)


class Occurrences(SynchronousTestCase):
    """What may be left out."""

    def elements(self, version: str) -> dict[str, etree._Element]:
        api = api_of(Choosy, KnownThing)
        made = schema_element(api, Version(version))
        return {e.get("name", ""): e for e in made.iterfind(f".//{XS}sequence//{XS}*")}

    def test_choices(self) -> None:
        """A whole choice may be left out, or each of its members."""
        made = self.elements(ONE)
        told = {
            name: (made[name].get("minOccurs"), _above(made[name]).get("minOccurs"))
            for name in ("left", "right", "up", "down")
        }
        self.assertEqual(
            told,
            {
                "left": (None, "0"),
                "right": (None, "0"),
                "up": ("0", None),
                "down": ("0", None),
            },
        )

    def test_leaves(self) -> None:
        """So may what is in an item, until a date."""
        self.assertEqual(self.elements(ONE)["alias"].get("minOccurs"), "0")
        self.assertIs(self.elements("2009-01-01")["alias"].get("minOccurs"), None)


def _above(element: etree._Element) -> etree._Element:
    above = element.getparent()
    assert above is not None
    return above


class TypeNames(SynchronousTestCase):
    """Each type has a name of its own."""

    def test_lists(self) -> None:
        """
        The types of lists are named for what is in them; where that has no
        name, for where they are.
        """
        made = {
            t.get("name"): [
                {k: v for k, v in e.items() if k != "name"}
                for e in t.iter("{http://www.w3.org/2001/XMLSchema}element")
            ]
            for t in schema_element(api_of(Ask, Answer), ONE).iterfind("{*}complexType")
        }
        self.assertEqual(
            made,
            {
                "AskType": [{"type": "tns:ThingType"}],
                "ThingType": [{"type": "xs:string"}],
                "AnswerType": [
                    {"type": "tns:ThingSetType"},
                    {"type": "tns:AnswerNameSetType"},
                    {"type": "xs:string", "minOccurs": "2", "maxOccurs": "3"},
                ],
                "ThingSetType": [
                    {
                        "type": "tns:ThingType",
                        "minOccurs": "1",
                        "maxOccurs": "unbounded",
                    }
                ],
                "AnswerNameSetType": [
                    {"type": "xs:string", "minOccurs": "0", "maxOccurs": "unbounded"}
                ],
            },
        )

    def test_told(self) -> None:
        """A list, and an item that is a single scalar, are called as told."""
        types = {
            t.get("name"): [e.get("type") for e in t.iter(f"{XS}element")]
            for t in schema_element(api_of(Listing, Answer), ONE).iterfind("{*}*")
        }
        self.assertEqual(
            types["ListingType"],
            [
                "tns:KnownSetType",
                "tns:NameSetType",
                "tns:ListOfNamesType",
                "tns:NameSetType",
            ],
        )
        self.assertEqual(types["KnownSetType"], ["tns:KnownThingType"])
        for listed in ("NameSetType", "ListOfNamesType"):
            self.assertEqual(types[listed], ["tns:NameItemType"])
        self.assertEqual(types["NameItemType"], ["xs:string"])

    def test_one_name_for_two_lists(self) -> None:
        """Lists of one name that differ are a slip."""
        error = self.assertRaises(
            TypeNameClash, schema_element, api_of(BadListing, Answer), ONE
        )
        self.assertIn("NameSetType", str(error))

    def test_usual_names(self) -> None:
        """What a list is usually called."""
        for item in ("GroupItemType", "GroupSetItemType", "GroupType"):
            self.assertEqual(list_type_of(item), "GroupSetType")

    def test_clash(self) -> None:
        """Two shapes of one name in one version are a slip."""
        clashing = Api(
            name="Things",
            namespace="http://things.example/{version}/",
            versions=(ONE, Version("2009-01-01")),
            operations=(Operation("Ask", Ask, Answer),),
        )
        self.assertRaises(
            TypeNameClash, schema_element, clashing, Version("2009-01-01")
        )
        self.assertTrue(len(schema_element(clashing, ONE)))

    def test_clash_with_a_list(self) -> None:
        """So is a shape that is called as a list is."""
        clashing = api_of(NamedLikeAList, Answer)
        error = self.assertRaises(TypeNameClash, schema_element, clashing, ONE)
        self.assertIn("ThingSetType", str(error))

    def test_renamed(self) -> None:
        """An API may call a shape otherwise."""
        renamed = api_of(
            NamedLikeAList, Answer, type_names={NamedLikeAList: "AskedType"}
        )
        types = [t.get("name") for t in schema_element(renamed, ONE)]
        self.assertIn("AskedType", types)

    def test_ours(self) -> None:
        """No name of ours clashes, in any version."""
        for version in QUERY_VERSIONS:
            schema_element(EC2, version)
        for api in (CLUSTER, NODE, HEAD):
            schema_element(api, api.versions[0])

    def test_attributes_without_members(self) -> None:
        """A type may have attributes and nothing else."""
        made = schema_element(api_of(Noted, Answer), ONE)
        noted = made.find("{*}complexType[@name='NotedType']")
        assert noted is not None
        self.assertEqual(noted.get("mixed"), "true")
        self.assertEqual([c.get("fixed") for c in noted], ["GiB"])
