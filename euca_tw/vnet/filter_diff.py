"""What must change, for what is found to become what is wanted.  Pure."""

from __future__ import annotations

from ipaddress import IPv4Address

from euca_tw.vnet.dhcp import ANY
from euca_tw.vnet.filter_records import Change, Filters, Set

_NONE: frozenset[str] = frozenset()


def diff(wanted: Filters, found: Filters) -> Change:
    """The least that makes of C{found} what is wanted."""
    return Change(removed=_less(found, wanted), added=_less(wanted, found))


def applied(change: Change, found: Filters) -> Filters:
    """What is there after a change."""
    sets = {**found}
    for which, removed in change.removed.items():
        sets[which] = sets.get(which, _NONE) - removed
    for which, added in change.added.items():
        sets[which] = sets.get(which, _NONE) | added
    return {which: those for which, those in sets.items() if those}


def parted(change: Change) -> frozenset[IPv4Address]:
    """
    Addresses that are not here, or not the same instance's, after a change: known
    connections of theirs are not to go on.
    """
    gone = change.removed.get(Set.SENDERS, _NONE)
    public = change.removed.get(Set.INWARD, _NONE)
    return frozenset(
        (
            *(IPv4Address(element.rpartition(" ")[2]) for element in gone),
            *(IPv4Address(element.partition(" ")[0]) for element in public),
        )
    ) - {ANY}


def _less(these: Filters, those: Filters) -> Filters:
    left = {which: each - those.get(which, _NONE) for which, each in these.items()}
    return {which: each for which, each in left.items() if each}
