"""
The elements of a machine's sets, and what changes of them.

Pure.  An element is kept as nft writes it, so that what shall be, what is found
and what is sent are the same and are compared as text is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TypeAlias

from attrs import Factory, frozen

#: An element of a set, or of a map with its value after C{ : }.
Element: TypeAlias = str


class Set(Enum):
    """
    The sets of ours; the value is the name.

    SENDERS: which card may send as which MAC and IP address.
    CLASSES: the class of each card; a map.
    ORIGINS: the class of an address as a source, and as a destination; a map.
    PORTS_FROM, PROTOCOLS_FROM: what a class lets in from networks.
    PORTS_OF, PROTOCOLS_OF: what a class lets in of classes.
    RESTRICTED: the classes that do not let out everything.
    PORTS_TO, PROTOCOLS_TO: what such a class lets out to networks.
    PORTS_TO_CLASSES, PROTOCOLS_TO_CLASSES: what it lets out to classes.
    BRIDGED_ROUTERS, ROUTERS: the addresses of routers, of all networks here.
    BROADCASTS: the addresses for all of a network, of those here.
    MACHINES: the addresses of machines; SUBNETS: of instances.
    SENDING_HEADS: which head may hand on what is from which network.
    INWARD, OUTWARD: public address to private, and back; maps.
    """

    SENDERS = "senders"
    CLASSES = "classes"
    ORIGINS = "origins"
    PORTS_FROM = "ports_from"
    PROTOCOLS_FROM = "protocols_from"
    PORTS_OF = "ports_of"
    PROTOCOLS_OF = "protocols_of"
    RESTRICTED = "restricted"
    PORTS_TO = "ports_to"
    PROTOCOLS_TO = "protocols_to"
    PORTS_TO_CLASSES = "ports_to_classes"
    PROTOCOLS_TO_CLASSES = "protocols_to_classes"
    BRIDGED_ROUTERS = "bridged_routers"
    BROADCASTS = "broadcasts"
    ROUTERS = "routers"
    MACHINES = "machines"
    SUBNETS = "subnets"
    SENDING_HEADS = "sending_heads"
    INWARD = "inward"
    OUTWARD = "outward"


#: Of all of a machine's sets; one that is not there is empty.
Filters: TypeAlias = Mapping[Set, frozenset[Element]]


@frozen(kw_only=True)
class Change:
    """What is removed, then what is added; never what is there already."""

    removed: Filters = Factory(dict)
    added: Filters = Factory(dict)

    def __bool__(self) -> bool:
        return bool(self.removed or self.added)


def gathered(elements: Iterable[tuple[Set, Element]]) -> Filters:
    """Elements by their sets."""
    sets: defaultdict[Set, set[Element]] = defaultdict(set)
    for which, element in elements:
        sets[which].add(element)
    return {which: frozenset(those) for which, those in sets.items()}
