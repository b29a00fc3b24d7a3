"""
Which private address each public one stands for.

Pure.  A head translates by two maps, so that to give an address to an instance,
or to another, is one transaction on elements, and no rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address

from euca_tw.model.networks import Elastic
from euca_tw.vnet.filter_records import Element, Set


def translated(elastics: Iterable[Elastic]) -> Iterator[tuple[Set, Element]]:
    """
    Both ways.  An instance has one public address; of one with two, which is
    between two steps of a change, the first is that it leaves as.
    """
    outward: dict[IPv4Address, IPv4Address] = {}
    for elastic in sorted(elastics, key=lambda each: each.public_ip):
        yield Set.INWARD, f"{elastic.public_ip} : {elastic.private_ip}"
        outward.setdefault(elastic.private_ip, elastic.public_ip)
    for private, public in outward.items():
        yield Set.OUTWARD, f"{private} : {public}"
