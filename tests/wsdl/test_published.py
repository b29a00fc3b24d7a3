"""
What we serve against what was published.
"""

from __future__ import annotations

from lxml import etree
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from euca_tw.api.cluster import (
    CLUSTER,
    DECLARE_NODE_LOST,
    LAUNCH_INSTANCES,
    MAKE_IMAGE,
    READ_CONSOLE,
    RELEASE,
    SET_NETWORKS,
    SET_SHUTDOWN_BEHAVIOR,
    START_INSTANCES,
    STOP_INSTANCES,
    WAIT_FOR_CHANGES,
)
from euca_tw.api.ec2.table import EC2
from euca_tw.api.node import (
    NC_LAUNCH_INSTANCE,
    NC_MAKE_IMAGE,
    NC_READ_CONSOLE,
    NC_SET_NETWORKS,
    NC_SET_SHUTDOWN_BEHAVIOR,
    NC_START_INSTANCE,
    NC_STOP_INSTANCE,
    NC_WAIT_FOR_CHANGES,
    NODE,
)
from euca_tw.api.shapes import Api, Version
from euca_tw.wsdl.write import wsdl
from tests.wsdl.published import (
    Schema,
    amazon,
    original,
    published_dates,
    service_of,
    shared,
    type_names,
)

URL = "http://cloud.example:8773/services/Eucalyptus"


def ours(api: Api, version: Version) -> etree._Element:
    return etree.fromstring(wsdl(api, version, URL))


def encrypted_in(root: etree._Element) -> set[str]:
    """The names of the types that have an element C{encrypted}."""
    return set(root.xpath("//*[@name='encrypted']/ancestor::*[@name][1]/@name"))


class Amazon(SynchronousTestCase):
    """Against Amazon's, of every date."""

    def test_dates(self) -> None:
        """What was published is served, and three dates more."""
        self.assertEqual(
            set(EC2.versions) - set(published_dates()),
            {"2011-05-15", "2011-07-15", "2014-05-01"},
        )
        self.assertEqual(set(published_dates()) - set(EC2.versions), set())
        self.assertEqual(len(published_dates()), 41)

    def test_elements(self) -> None:
        """
        In each date the same elements are global, and in each there is the
        same: names, order, types, occurrences, choices, attributes.
        """
        trees, compared = 0, 0
        for version in published_dates():
            made, published = Schema(ours(EC2, version)), Schema(amazon(version))
            self.assertEqual(made.elements.keys(), published.elements.keys())
            for name, element in published.elements.items():
                self.assertEqual(made.elements[name], element, f"{version} {name}")
                trees += 1
                compared += len(element)
        self.assertEqual((trees, compared), (7912, 72891))

    def test_type_names(self) -> None:
        """Every type of an element is called as published, at each date."""
        compared = 0
        for version in published_dates():
            made, published = (
                type_names(each) for each in (ours(EC2, version), amazon(version))
            )
            self.assertEqual(made, published, version)
            compared += len(made)
        self.assertEqual(compared, 29370)

    def test_dates_that_nobody_kept(self) -> None:
        """
        Two of the three are as the date before them; the third has encrypted
        volumes, which the date after it has, too.
        """
        before = Schema(amazon(Version("2011-02-28"))).elements
        for version in "2011-05-15", "2011-07-15":
            self.assertEqual(Schema(ours(EC2, Version(version))).elements, before)
        made = encrypted_in(ours(EC2, Version("2014-05-01")))
        self.assertEqual(made, encrypted_in(amazon(Version("2014-06-15"))))
        self.assertEqual(encrypted_in(amazon(Version("2014-02-01"))), set())
        plain = ours(EC2, Version("2014-05-01"))
        for element in plain.xpath("//*[@name='encrypted']"):
            element.getparent().remove(element)
        self.assertEqual(
            Schema(plain).elements, Schema(amazon(Version("2014-02-01"))).elements
        )

    def test_schema(self) -> None:
        """The schema is of the published namespace, and as qualified."""
        for version in published_dates():
            made, published = (
                Schema(each).schema for each in (ours(EC2, version), amazon(version))
            )
            for name in ("targetNamespace", "elementFormDefault"):
                self.assertEqual(made.get(name), published.get(name))

    def test_service(self) -> None:
        """
        Service, port, port type, binding, operations, messages and soapActions
        are called as published.  What parts are called changes from date to
        date, with many a slip; they are held to one way.
        """
        for version in published_dates():
            made, published = (
                service_of(each, parts=False)
                for each in (ours(EC2, version), amazon(version))
            )
            self.assertEqual(made, published, version)

    def test_parts(self) -> None:
        """
        The one way is Amazon's from 2007-01-19 on, save its slips.
        """
        same, slips = 0, 0
        for version in published_dates()[3:]:
            made, published = (
                service_of(each)["operations"]
                for each in (ours(EC2, version), amazon(version))
            )
            for name, operation in published.items():
                for mine, end in zip(
                    made[name]["ends"], operation["ends"], strict=True
                ):
                    if mine == end:
                        same += 1
                    else:
                        [(part, _)], [(mine_part, _)] = end[3], mine[3]
                        self.assertEqual(
                            part, mine_part.replace("ResponseMsg", "RequestMsg")
                        )
                        slips += 1
        self.assertEqual((same, slips), (7580, 232))

    def test_slip_of_the_oldest_date(self) -> None:
        """In 2006-06-26, and only there, an action lacks its last letter."""
        actions = {
            version: service_of(amazon(version))["operations"]["DescribeKeyPairs"][
                "action"
            ]
            for version in published_dates()
        }
        slips = [v for v, action in actions.items() if action != "DescribeKeyPairs"]
        self.assertEqual(slips, ["2006-06-26"])
        self.assertEqual(
            EC2.named("DescribeKeyPairs").soap_action_in(Version("2006-06-26")),
            actions[Version("2006-06-26")],
        )


class Tiers(SynchronousTestCase):
    """Against the original's, between its tiers."""

    def check(self, api: Api, tier: str, further: set[str]) -> int:
        made, published = ours(api, RELEASE), original(tier)
        ours_elements, elements = Schema(made).elements, Schema(published).elements
        for name, element in elements.items():
            self.assertEqual(ours_elements[name], element, name)
        self.assertEqual(
            ours_elements.keys() - elements.keys(),
            further | {f"{name}Response" for name in further},
        )
        service, contract = service_of(made), service_of(published)
        operations = service.pop("operations")
        for name, operation in contract.pop("operations").items():
            self.assertEqual(operations.pop(name), operation)
        self.assertEqual(operations.keys(), further)
        self.assertEqual(service.pop("bound") - contract.pop("bound"), further)
        self.assertEqual(service, contract)
        return sum(map(len, elements.values()))

    def test_cluster(self) -> None:
        """The cluster's is the original's and our own operations."""
        further = (
            *(LAUNCH_INSTANCES, READ_CONSOLE, SET_NETWORKS, WAIT_FOR_CHANGES),
            *(STOP_INSTANCES, START_INSTANCES, SET_SHUTDOWN_BEHAVIOR, MAKE_IMAGE),
            DECLARE_NODE_LOST,
        )
        compared = self.check(CLUSTER, "cc", {each.name for each in further})
        self.assertEqual(compared, 294)

    def test_node(self) -> None:
        """The node's is the original's and our own operations."""
        further = (
            *(NC_LAUNCH_INSTANCE, NC_STOP_INSTANCE, NC_START_INSTANCE),
            *(NC_READ_CONSOLE, NC_SET_NETWORKS, NC_WAIT_FOR_CHANGES),
            *(NC_SET_SHUTDOWN_BEHAVIOR, NC_MAKE_IMAGE),
        )
        compared = self.check(NODE, "nc", {each.name for each in further})
        self.assertEqual(compared, 208)


class Reader(SynchronousTestCase):
    """The reader sees every difference that there can be."""

    def test_absent(self) -> None:
        """What there is no oracle for is skipped, not passed."""
        self.assertRaises(SkipTest, shared, "wsdl/amazon/ec2-1999-01-01.wsdl")

    def elements(self, edit: str, value: str, select: str) -> object:
        root = ours(EC2, Version("2008-02-01"))
        [found] = root.xpath(
            select, namespaces={"xs": "http://www.w3.org/2001/XMLSchema"}
        )
        if edit == "move":
            found.getparent().append(found)
        elif edit == "unchoose":
            found.tag = "{http://www.w3.org/2001/XMLSchema}sequence"
        else:
            found.set(edit, value)
        return Schema(root).elements

    def test_differences(self) -> None:
        """
        Another name, order, type, occurrence, choice, attribute or mixture is
        another value.
        """
        untouched = Schema(ours(EC2, Version("2008-02-01"))).elements
        run = "//xs:complexType[@name='RunInstancesType']//xs:element"
        user_data = "//xs:complexType[@name='UserDataType']"
        permission = "//xs:complexType[@name='LaunchPermissionItemType']//xs:choice"
        for edit, value, select in (
            ("name", "imageID", f"{run}[@name='imageId']"),
            ("move", "", f"{run}[@name='imageId']"),
            ("type", "xs:long", f"{run}[@name='minCount']"),
            ("minOccurs", "1", f"{run}[@name='keyName']"),
            ("maxOccurs", "2", f"{run}[@name='imageId']"),
            ("nillable", "true", f"{run}[@name='imageId']"),
            ("unchoose", "", permission),
            ("minOccurs", "0", permission),
            ("fixed", "2.0", f"{user_data}/xs:attribute[@name='version']"),
            ("mixed", "false", user_data),
        ):
            changed = self.elements(edit, value, select)
            self.assertNotEqual(changed, untouched, (edit, select))
