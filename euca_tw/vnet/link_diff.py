"""
The steps from the links that are found to those that are wanted.

Pure.  In such an order that no packet is lost of what stays: what is new is there
before what it replaces goes, and what is right is not touched.  Only what is ours
ever goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from attrs import Factory, evolve, frozen

from euca_tw.vnet.link_records import (
    NOTHING,
    Address,
    Bridge,
    Entry,
    Forward,
    Link,
    Neighbour,
    Other,
    Pin,
    Route,
    Segment,
    Tap,
    Vxlan,
    title,
)


@frozen
class Make:
    """A link whose name is free."""

    link: Link


@frozen
class Mend:
    """A link is there; it shall be like this."""

    link: Link


@frozen
class Unmake:
    """With a link goes what is entered in its tables."""

    name: str


@frozen
class Put:
    """
    In place of what has the same key; a route only where there is none, unless it
    is by another machine.
    """

    entry: Entry


@frozen
class Drop:
    """If it is still there."""

    entry: Entry


@frozen
class Plug:
    """An instance's card becomes a port of its bridge, if it is still there."""

    card: str
    bridge: str


Step: TypeAlias = Make | Mend | Unmake | Put | Drop | Plug


@frozen(kw_only=True)
class Plan:
    """
    @ivar refused: why some networks are left as they are, for people; by number.
    """

    steps: tuple[Step, ...] = ()
    refused: Mapping[int, str] = Factory(dict)


@frozen(kw_only=True)
class _Changes:
    """Of one network, what is to be done, by the time at which it is."""

    unmade_first: tuple[Unmake, ...]
    links: tuple[Make | Mend, ...]
    puts: tuple[Put, ...]
    drops: tuple[Drop, ...]
    unmade_last: tuple[Unmake, ...]


#: A bridge is there before its ports, and goes after them.
_LINKS: tuple[type, ...] = (Bridge, Vxlan, Tap, Other)
#: Who is answered for by ARP can be reached already.
_PUTS: tuple[type, ...] = (Address, Forward, Pin, Neighbour)
#: The kernel drops a route whose source is no more an address of the machine.
_DROPS: tuple[type, ...] = (Neighbour, Pin, Forward, Route, Address)


def plan(wanted: Mapping[int, Segment], found: Mapping[int, Segment]) -> Plan:
    """
    @param wanted: by number of the network.
    @param found: likewise; of a network that is not in it, nothing is found.
    """
    changes: list[_Changes] = []
    refused: dict[int, str] = {}
    for number in sorted(wanted.keys() | found.keys()):
        shall, there = wanted.get(number, NOTHING), found.get(number, NOTHING)
        taken = {link.name for link in shall.links} & there.strangers
        if taken:
            refused[number] = (
                f"{title(number)} cannot be carried: there is a link "
                f"{' and '.join(sorted(taken))} that is not of euca_tw; "
                "remove or rename it"
            )
        elif shall != there:
            changes.append(_changes(shall, there))
    return Plan(steps=tuple(_in_order(changes)), refused=refused)


def _in_order(changes: Sequence[_Changes]) -> Iterator[Step]:
    """All networks together, so that the kernel can be told much at once."""
    yield from (step for each in changes for step in each.unmade_first)
    for kind in _LINKS:
        for verb in (Make, Mend):
            for each in changes:
                for link in each.links:
                    if isinstance(link, verb) and isinstance(link.link, kind):
                        yield link
    for kind in _PUTS:
        for each in changes:
            yield from (put for put in each.puts if isinstance(put.entry, kind))
    yield from _routes(changes, by_others=True)
    for kind in _DROPS:
        for each in changes:
            yield from (drop for drop in each.drops if isinstance(drop.entry, kind))
    # Where there was one before, which it does not take the place of.
    yield from _routes(changes, by_others=False)
    yield from (step for each in changes for step in each.unmade_last)


def _routes(changes: Sequence[_Changes], *, by_others: bool) -> Iterator[Put]:
    for each in changes:
        for put in each.puts:
            entry = put.entry
            if isinstance(entry, Route) and (entry.by is not None) == by_others:
                yield put


def _changes(wanted: Segment, found: Segment) -> _Changes:
    there = {link.name: link for link in found.links}
    shall = {link.name: link for link in wanted.links}
    remade = {name for name in shall if _is_to_be_remade(shall[name], there.get(name))}
    gone = there.keys() - shall.keys()
    moved = {
        name
        for name in shall.keys() & there.keys()
        if _bridge_of(there[name]) in remade
        or _bridge_of(there[name]) != _bridge_of(shall[name])
    }
    # With its MAC address, the kernel forgets a link's neighbours.
    renumbered = {
        name
        for name in shall.keys() & there.keys()
        if _mac_address_of(there[name]) != _mac_address_of(shall[name])
    }
    links: list[Make | Mend] = []
    for name, link in shall.items():
        if name not in there or name in remade:
            links.append(Make(link))
        elif name in moved or link != there[name]:
            links.append(Mend(link))
    have = {
        entry
        for entry in found.entries
        if entry.link not in remade | gone
        and not (isinstance(entry, Pin) and entry.port in remade | gone | moved)
        and not (isinstance(entry, Neighbour) and entry.link in renumbered)
    }
    new = wanted.entries - have
    # The kernel keeps one of a key.
    keys = {entry.key for entry in new}
    old = {entry for entry in have - wanted.entries if entry.key not in keys}
    # By name, a bridge would go before its ports.
    return _Changes(
        unmade_first=tuple(Unmake(name) for name in sorted(remade)),
        links=tuple(links),
        puts=tuple(Put(entry) for entry in new),
        drops=tuple(Drop(entry) for entry in old),
        unmade_last=tuple(Unmake(name) for name in sorted(gone, reverse=True)),
    )


def _bridge_of(link: Link) -> str:
    """That it is a port of; C{""}: of none."""
    return link.bridge if isinstance(link, Vxlan | Tap) else ""


def _mac_address_of(link: Link) -> str:
    return link.mac_address if isinstance(link, Bridge) else ""


def _is_to_be_remade(wanted: Link, found: Link | None) -> bool:
    """Whether it differs in what the kernel does not let change."""
    if found is None:
        return False
    if isinstance(wanted, Vxlan) and isinstance(found, Vxlan):
        return wanted != evolve(
            wanted,
            number=found.number,
            port=found.port,
            learns_as_device=found.learns_as_device,
        )
    return type(wanted) is not type(found)
