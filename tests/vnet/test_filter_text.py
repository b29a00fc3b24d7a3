"""Tests of L{euca_tw.vnet.filter_text}, by golden files."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import Elastic, Role
from euca_tw.vnet.filter_diff import diff
from euca_tw.vnet.filter_plan import wanted
from euca_tw.vnet.filter_records import Change, Filters, Set
from euca_tw.vnet.filter_settings import FilterSettings, Shape, Tracking
from euca_tw.vnet.filter_text import (
    difference,
    is_version,
    removal,
    version_of,
    whole,
)
from tests.vnet.groups import group, member_of, rule, view_of

GOLDEN = Path(__file__).parent.parent / "golden" / "nftables"
NODE = Shape(role=Role.NODE, tracking=Tracking.BRIDGE)
PUBLIC = IPv4Address("192.0.2.1")


def few() -> Filters:
    """One element of each set that has any: the order of more is not ours."""
    egress = [rule(6, 80, 80), rule(17, -1, -1, "sg-x"), rule(17, 53, 53, "sg-x")]
    group_x = group("sg-x", rule(6, 22, 22), egress=egress)
    view = view_of("a1", [member_of(2, "a1", "sg-x")], [group_x])
    filters = wanted(
        evolve(
            view,
            elastics={
                PUBLIC: Elastic(public_ip=PUBLIC, private_ip=IPv4Address("10.0.1.2"))
            },
        )
    )
    return {which: frozenset(sorted(those)[:1]) for which, those in filters.items()}


class TextTests(SynchronousTestCase):
    """What L{euca_tw.vnet.filter_text} writes."""

    def golden(self, name: str, written: str) -> None:
        self.assertEqual(written, (GOLDEN / f"{name}.nft").read_text())

    def test_node(self) -> None:
        """A node keeps cards honest, asks the groups, and is itself closed."""
        self.golden("vnet_node", whole(NODE, few()))

    def test_node_by_ip(self) -> None:
        """Where no bridge follows connections, IP marks what is established."""
        shape = Shape(
            role=Role.NODE,
            tracking=Tracking.IP,
            settings=FilterSettings(metadata_port=8080, serves_names=True),
        )
        self.golden("vnet_node_by_ip", whole(shape, {}))

    def test_head(self) -> None:
        """A head translates public addresses, and lets out who has one or may."""
        settings = FilterSettings(
            outer="eth0",
            way_out=IPv4Address("192.0.2.254"),
            closed=(IPv4Network("172.16.0.0/24"), IPv4Network("172.16.1.0/24")),
        )
        shape = Shape(role=Role.HEAD, tracking=Tracking.BRIDGE, settings=settings)
        heads = {Set.SENDING_HEADS: frozenset({"d2:0d:00:00:00:01 . 10.0.2.0/24"})}
        self.golden("vnet_head", whole(shape, {**few(), **heads}))

    def test_closed_head(self) -> None:
        """Without an outer interface nothing leaves and nothing enters."""
        self.golden("vnet_closed_head", whole(evolve(NODE, role=Role.HEAD), {}))

    def test_no_way_out(self) -> None:
        """Who has no public address does not leave."""
        settings = FilterSettings(outer="eth0")
        shape = evolve(NODE, role=Role.HEAD, settings=settings)
        self.golden("vnet_no_way_out", whole(shape, {}))

    def test_difference(self) -> None:
        """What goes does so before what comes; of a map the key names it, and of
        single values a range.
        """
        change = Change(
            removed={
                Set.CLASSES: frozenset({'"vn_i-1" : 7'}),
                Set.PORTS_FROM: frozenset({"7 . 10.0.1.2 . 6 . 22"}),
                Set.PORTS_OF: frozenset({"7 . 0:7 . 6 . 22-25"}),
                Set.SENDING_HEADS: frozenset({"d2:0d:00:00:00:01 . 10.0.2.0/24"}),
            },
            added={
                Set.CLASSES: frozenset({'"vn_i-1" : 8'}),
                Set.INWARD: frozenset({"192.0.2.1 : 10.0.1.2"}),
            },
        )
        self.golden("vnet_difference", difference(change))

    def test_no_difference(self) -> None:
        """Nothing to change is no text."""
        self.assertEqual(difference(diff(few(), few())), "")

    def test_removal(self) -> None:
        """Removal works whether the tables are there or not."""
        self.golden("vnet_removal", removal())

    def test_version(self) -> None:
        """Another text has another version; other elements have not."""
        self.assertTrue(is_version(version_of(NODE)))
        self.assertIn(version_of(NODE), whole(NODE, few()))
        shapes = [
            NODE,
            evolve(NODE, role=Role.HEAD),
            evolve(NODE, tracking=Tracking.IP),
            evolve(NODE, settings=FilterSettings(serves_names=True)),
        ]
        self.assertEqual(len({version_of(shape) for shape in shapes}), len(shapes))
