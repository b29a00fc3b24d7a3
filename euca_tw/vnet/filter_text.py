"""
A machine's rules as texts for C{nft -f}, each one transaction.

Pure.  A whole text replaces what is there of ours; a change is elements only, so
that no chain is touched and no connection forgotten.  Two tables of one name are
ours: that of the bridges, and that of the machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from attrs import frozen

from euca_tw.vnet import filter_chains, filter_egress, filter_machine
from euca_tw.vnet.filter_chains import Chains
from euca_tw.vnet.filter_records import Change, Element, Filters, Set
from euca_tw.vnet.filter_settings import Shape

NAME = "euca_tw_vnet"
FAMILIES = ("bridge", "inet")
#: A chain without rules, whose name says which text made the table.
_VERSION = "version_"
_VALUE = " : "


@frozen
class Declared:
    """How nft knows a set; C{value} is that of a map."""

    family: str
    key: str
    value: str = ""
    is_interval: bool = False

    @property
    def has_names(self) -> bool:
        """Of interfaces, first in each element."""
        return self.key.startswith("ifname")


DECLARED = {
    Set.SENDERS: Declared("bridge", "ifname . ether_addr . ipv4_addr"),
    Set.CLASSES: Declared("bridge", "ifname", "mark"),
    Set.ORIGINS: Declared("bridge", "ipv4_addr", "classid"),
    Set.PORTS_FROM: Declared(
        "bridge", "mark . ipv4_addr . inet_proto . inet_service", is_interval=True
    ),
    Set.PROTOCOLS_FROM: Declared(
        "bridge", "mark . ipv4_addr . inet_proto", is_interval=True
    ),
    Set.PORTS_OF: Declared(
        "bridge", "mark . classid . inet_proto . inet_service", is_interval=True
    ),
    Set.PROTOCOLS_OF: Declared(
        "bridge", "mark . classid . inet_proto", is_interval=True
    ),
    Set.RESTRICTED: Declared("bridge", "mark"),
    Set.PORTS_TO: Declared(
        "bridge", "mark . ipv4_addr . inet_proto . inet_service", is_interval=True
    ),
    Set.PROTOCOLS_TO: Declared(
        "bridge", "mark . ipv4_addr . inet_proto", is_interval=True
    ),
    Set.PORTS_TO_CLASSES: Declared(
        "bridge", "mark . classid . inet_proto . inet_service", is_interval=True
    ),
    Set.PROTOCOLS_TO_CLASSES: Declared(
        "bridge", "mark . classid . inet_proto", is_interval=True
    ),
    Set.BROADCASTS: Declared("bridge", "ipv4_addr"),
    Set.BRIDGED_ROUTERS: Declared("bridge", "ipv4_addr"),
    Set.SENDING_HEADS: Declared("bridge", "ether_addr . ipv4_addr", is_interval=True),
    Set.ROUTERS: Declared("inet", "ipv4_addr"),
    Set.MACHINES: Declared("inet", "ipv4_addr"),
    Set.SUBNETS: Declared("inet", "ipv4_addr", is_interval=True),
    Set.INWARD: Declared("inet", "ipv4_addr", "ipv4_addr"),
    Set.OUTWARD: Declared("inet", "ipv4_addr", "ipv4_addr"),
}

_COUNTERS = {
    "bridge": filter_chains.COUNTERS,
    "inet": filter_machine.COUNTERS,
}


def whole(shape: Shape, filters: Filters) -> str:
    """All of it, in place of what there is of ours."""
    version = version_of(shape)
    return "".join(
        (
            removal(),
            *(
                "".join(_table(family, version, chains, filters))
                for family, chains in _chains(shape).items()
            ),
        )
    )


def removal() -> str:
    """Removes the tables, whether they are there or not."""
    return "".join(
        f"table {family} {NAME}\ndelete table {family} {NAME}\n" for family in FAMILIES
    )


def version_of(shape: Shape) -> str:
    """The name of the chain that tells the text of the tables."""
    tables = [
        "".join(_table(family, "", chains, {}))
        for family, chains in _chains(shape).items()
    ]
    digest = hashlib.sha256("".join(tables).encode()).hexdigest()
    return f"{_VERSION}{digest[:16]}"


def is_version(chain: str) -> bool:
    """Whether the name of a chain tells a version."""
    return chain.startswith(_VERSION)


def difference(change: Change) -> str:
    """
    A change, in one transaction.  What goes does so first: the kernel takes nothing
    that overlaps what is still there.
    """
    return "".join(
        (
            *(
                _elements("delete", which, _keys(which, elements))
                for which, elements in change.removed.items()
            ),
            *(
                _elements("add", which, elements)
                for which, elements in change.added.items()
            ),
        )
    )


def _chains(shape: Shape) -> dict[str, Chains]:
    return {
        "bridge": {
            **filter_chains.bridge_chains(shape),
            **filter_egress.egress_chains(shape),
        },
        "inet": filter_machine.machine_chains(shape),
    }


def _keys(which: Set, elements: Iterable[Element]) -> Iterator[Element]:
    """
    What elements are deleted by.

    One whose parts are all single values nft 1.0.6 adds, but does not find again: it
    turns the bytes of its class round.  As a range, of one, the last part prevents it.
    """
    is_boxes = DECLARED[which].is_interval and " . " in DECLARED[which].key
    for element in elements:
        key = element.partition(_VALUE)[0]
        last = key.rpartition(" ")[2]
        is_single = not ("-" in last or "/" in last)
        yield f"{key}-{last}" if is_boxes and is_single else key


def _elements(what: str, which: Set, elements: Iterable[Element]) -> str:
    table = f"{DECLARED[which].family} {NAME}"
    return f"{what} element {table} {which.value} {{ {', '.join(elements)} }}\n"


def _table(
    family: str, version: str, chains: Chains, filters: Filters
) -> Iterator[str]:
    yield f"table {family} {NAME} {{\n"
    for counter in _COUNTERS[family]:
        yield f"\tcounter {counter} {{\n\t}}\n"
    for which, declared in DECLARED.items():
        if declared.family == family:
            yield from _set(which, declared, filters.get(which, frozenset()))
    for name, rules in chains.items():
        yield f"\tchain {name} {{\n"
        yield from (f"\t\t{rule}\n" for rule in rules)
        yield "\t}\n"
    if version:
        yield f"\tchain {version} {{\n\t}}\n"
    yield "}\n"


def _set(which: Set, declared: Declared, elements: frozenset[Element]) -> Iterator[str]:
    kind = "map" if declared.value else "set"
    value = f"{_VALUE}{declared.value}" if declared.value else ""
    yield f"\t{kind} {which.value} {{\n\t\ttype {declared.key}{value}\n"
    if declared.is_interval:
        yield "\t\tflags interval\n"
    if elements:
        yield f"\t\telements = {{ {', '.join(elements)} }}\n"
    yield "\t}\n"
