"""
Where instances go: which zones, and which places in their address ranges.

A launch stays in one zone when one can take all that is wanted, the emptiest
first; else it is spread, the emptiest first, as the original cloud did.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from attrs import frozen


@frozen(kw_only=True)
class Room:
    """
    What a zone can take of one machine type.

    @ivar machines: how many there is room for.
    @ivar addresses: how many places in its address range are free.
    @ivar free: those places, in the order in which they are to be given;
        looked at no further than needed.
    """

    zone: str
    machines: int
    addresses: int
    free: Iterable[int]

    @property
    def count(self) -> int:
        """How many instances it can take."""
        return max(0, min(self.machines, self.addresses))


@frozen
class Place:
    """One instance's zone, and its place in the zone's address range."""

    zone: str
    network_index: int


def place(rooms: Iterable[Room], at_most: int) -> tuple[Place, ...]:
    """
    Places for as many instances as there is room for.

    @param at_most: how many are wanted.
    """
    emptiest_first = sorted(rooms, key=lambda room: (-room.count, room.zone))
    placed: list[Place] = []
    for room in emptiest_first:
        wanted = min(room.count, at_most - len(placed))
        placed.extend(Place(room.zone, index) for index in islice(room.free, wanted))
    return tuple(placed)


def shortage(rooms: Iterable[Room]) -> str:
    """Why no more could be placed, for the user to read."""
    told = [
        f"zone {room.zone} has room for {max(0, room.machines)} more and "
        f"{max(0, room.addresses)} free addresses"
        for room in sorted(rooms, key=lambda room: room.zone)
    ]
    return "; ".join(told) or "no zone is in reach"
