"""Tests of L{euca_tw.vnet.nft_listing}."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.filter_records import Set
from euca_tw.vnet.nft_listing import Unreadable, parse


def listing(*objects: dict[str, Any]) -> bytes:
    return json.dumps(
        {"nftables": [{"metainfo": {"version": "1.0.6"}}, *objects]}
    ).encode()


def a_set(name: str, *elements: Any, kind: str = "set") -> dict[str, Any]:
    head = {"family": "bridge", "name": name, "table": "euca_tw_vnet", "handle": 9}
    return {kind: {**head, **({"elem": [*elements]} if elements else {})}}


class ParseTests(SynchronousTestCase):
    """Reading listings."""

    def test_elements(self) -> None:
        """Elements are read as they were written."""
        prefix = {"prefix": {"addr": "10.0.0.0", "len": 8}}
        found = parse(
            listing(
                a_set(
                    "senders", {"concat": ["vn_i-1", "d0:0d:00:00:01:02", "10.0.1.2"]}
                ),
                a_set("classes", ["vn_i-1", 77], ["vn_i-2", 78], kind="map"),
                a_set("ports_from", {"concat": [7, prefix, 6, {"range": [20, 30]}]}),
                a_set("protocols_of"),
                a_set("subnets", prefix),
                a_set("inward", ["192.0.2.1", "10.0.1.2"], kind="map"),
                {"chain": {"name": "sending"}},
                {"chain": {"name": "version_0123"}},
            )
        )
        self.assertEqual(found.version, "version_0123")
        self.assertEqual(
            found.filters,
            {
                Set.SENDERS: {'"vn_i-1" . d0:0d:00:00:01:02 . 10.0.1.2'},
                Set.CLASSES: {'"vn_i-1" : 77', '"vn_i-2" : 78'},
                Set.PORTS_FROM: {"7 . 10.0.0.0/8 . 6 . 20-30"},
                Set.SUBNETS: {"10.0.0.0/8"},
                Set.INWARD: {"192.0.2.1 : 10.0.1.2"},
            },
        )

    def test_no_version(self) -> None:
        """A table without a version is nobody's."""
        self.assertEqual(parse(listing()).version, "")

    def test_unreadable(self) -> None:
        """What is cut off, or not ours, is said to be unreadable."""
        whole = listing(a_set("inward", ["192.0.2.1", "10.0.1.2"], kind="map"))
        for text in (
            b"",
            whole[: len(whole) // 2],
            whole[:-20],
            whole[:-1],
            b"[]",
            listing(a_set("of_a_stranger", "10.0.0.1")),
            listing(a_set("inward", {"concat": 5}, kind="map")),
            listing({"chain": {}}),
            b'"elem": [1]',
        ):
            self.assertRaises(Unreadable, parse, text)
