"""
The networks that are found on a machine, as people read them.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from euca_tw.model.networks import ROUTER_MAC, TRANSIT_NUMBER
from euca_tw.vnet.link_records import (
    ALL_ZERO,
    NOTHING,
    Address,
    Bridge,
    Forward,
    Neighbour,
    Pin,
    Route,
    Segment,
    Tap,
    bridge_name,
    title,
)


@frozen(kw_only=True)
class Counted:
    """What went by a port of a bridge, into it and out of it."""

    bytes_in: int
    frames_in: int
    bytes_out: int
    frames_out: int
    dropped: int

    def __str__(self) -> str:
        return (
            f"in {self.frames_in} frames, {self.bytes_in} bytes  "
            f"out {self.frames_out} frames, {self.bytes_out} bytes"
            + (f"  {self.dropped} dropped" if self.dropped else "")
        )


def counted_of(listed: str) -> Mapping[str, Counted]:
    """By name of the link, of C{/proc/net/dev}."""
    found: dict[str, Counted] = {}
    for line in listed.splitlines()[2:]:
        name, _, rest = line.rpartition(":")
        numbers = [*map(int, rest.split())]
        found[name.strip()] = Counted(
            bytes_in=numbers[0],
            frames_in=numbers[1],
            bytes_out=numbers[8],
            frames_out=numbers[9],
            dropped=numbers[3] + numbers[11],
        )
    return found


def lines(
    found: Mapping[int, Segment],
    cards: Mapping[str, Sequence[str]],
    counts: Mapping[str, Counted] | None = None,
) -> Iterator[str]:
    """
    @param found: by number of the network.
    @param cards: what of others is on each bridge, by its name.
    @param counts: by name of the link.
    """
    for number in sorted(found):
        segment = found[number]
        for name in sorted(segment.strangers):
            yield f"{name} has a name of ours, but was made by somebody else"
        if segment.links or segment.entries != NOTHING.entries:
            own = cards.get(bridge_name(number), ())
            yield from _network(number, segment, own)
            for name in (*sorted(_ports(segment)), *own):
                if counts and name in counts:
                    yield f"    {name}  {counts[name]}"


def _network(number: int, segment: Segment, cards: Sequence[str]) -> Iterator[str]:
    links = ", ".join(sorted(link.name for link in segment.links))
    routes = [each for each in segment.entries if isinstance(each, Route)]
    subnets = sorted(
        {
            *(str(each.to) for each in routes if each.by is None),
            *(
                str(e.interface.network)
                for e in segment.entries
                if isinstance(e, Address) and e.interface.network.num_addresses > 1
            ),
        }
    )
    if number == TRANSIT_NUMBER:
        yield f"{title(number)}  {links}"
    else:
        yield f"{title(number)}  {' '.join(subnets) or 'without addresses'}  {links}"
    bridge = next((link for link in segment.links if isinstance(link, Bridge)), None)
    if bridge is not None:
        kind = "this machine is its router" if bridge.mac_address == ROUTER_MAC else ""
        yield f"    packets of {bridge.mtu} bytes  {kind}".rstrip()
    if number != TRANSIT_NUMBER:
        yield f"    cards here: {' '.join(cards) or 'none'}"
    neighbours = sorted(
        (each for each in segment.entries if isinstance(each, Neighbour)),
        key=lambda each: each.address,
    )
    for each in neighbours:
        who = "  router" if each.mac_address == ROUTER_MAC else ""
        way = _way(segment, each.mac_address)
        yield f"    {each.address}  {each.mac_address}  {way}{who}"
        by_it = sorted(route.to for route in routes if route.by == each.address)
        if by_it:
            yield f"        for {' '.join(map(str, by_it))}"
    if number == TRANSIT_NUMBER:
        return
    flood = sorted(
        each.to
        for each in segment.entries
        if isinstance(each, Forward) and each.mac_address == ALL_ZERO
    )
    for_all = [str(address) for address in flood]
    if any(isinstance(link, Tap) and link.bridge for link in segment.links):
        for_all.append("the trunk")
    yield f"    what is for all goes to: {', '.join(for_all) or 'none'}"


def _ports(segment: Segment) -> Iterator[str]:
    """Of the bridge: those that are ours."""
    return (link.name for link in segment.links if not isinstance(link, Bridge))


def _way(segment: Segment, mac_address: str) -> str:
    """By which a frame goes to who has the address."""
    ports = {
        entry.port
        for entry in segment.entries
        if isinstance(entry, Pin) and entry.mac_address == mac_address
    }
    if not ports:
        return "here"
    if ports & {link.name for link in segment.links if isinstance(link, Tap)}:
        return "by the trunk"
    to = [
        str(entry.to)
        for entry in segment.entries
        if isinstance(entry, Forward) and entry.mac_address == mac_address
    ]
    return f"by {to[0]}" if to else "nowhere"
