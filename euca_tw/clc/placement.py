"""
Where instances go: which zones, and which places in their address ranges.

The placements that are shipped, and what becomes of their answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from attrs import define, evolve, frozen
from zope.interface import implementer

from euca_tw.clc.interfaces import IPlacement, LaunchWish, ZoneRoom


class UnsoundPlacement(Exception):
    """A placement's answer is not what it may be; the text says how."""


@frozen(kw_only=True)
class Room:
    """
    What a zone can take of one machine type.

    @ivar machines: how many there is room for.
    @ivar addresses: how many places in its address range are free.
    @ivar free: those places, in the order in which they are to be given;
        looked at no further than needed.
    @ivar is_used: as of L{ZoneRoom}.
    """

    zone: str
    machines: int
    addresses: int
    free: Iterable[int]
    is_used: bool = False

    @property
    def count(self) -> int:
        """How many instances it can take."""
        return max(0, min(self.machines, self.addresses))


@frozen
class Place:
    """One instance's zone, and its place in the zone's address range."""

    zone: str
    network_index: int


@implementer(IPlacement)
@define(eq=False)
class OrderedPlacement:
    """
    Fills one zone after the other.

    @ivar order: the order, from the zones and how many instances there are.
    """

    order: Callable[[Sequence[ZoneRoom], int], Sequence[ZoneRoom]]

    def zones(self, rooms: Sequence[ZoneRoom], wish: LaunchWish) -> Sequence[str]:
        placed: list[str] = []
        for room in self.order(rooms, wish.count):
            placed.extend([room.zone] * min(room.count, wish.count - len(placed)))
        return placed


@implementer(IPlacement)
@define(eq=False)
class SteppedPlacement:
    """
    Places one instance after the other.

    @ivar choose: of the zones that have room left (never none), the one to take;
        from these, what was placed already, and the wish.
    """

    choose: Callable[[Sequence[ZoneRoom], Sequence[str], LaunchWish], ZoneRoom]

    def zones(self, rooms: Sequence[ZoneRoom], wish: LaunchWish) -> Sequence[str]:
        left = {room.zone: room for room in rooms if room.count > 0}
        placed: list[str] = []
        while left and len(placed) < wish.count:
            room = self.choose(tuple(left.values()), placed, wish)
            placed.append(room.zone)
            if room.count == 1:
                del left[room.zone]
            else:
                left[room.zone] = evolve(room, count=room.count - 1)
        return placed


def by_name(rooms: Sequence[ZoneRoom], wanted: int) -> Sequence[ZoneRoom]:
    """The first zone by name, until it is full."""
    return sorted(rooms, key=lambda room: room.zone)


def emptiest(rooms: Sequence[ZoneRoom], wanted: int) -> Sequence[ZoneRoom]:
    """The zone with most room, until it is full."""
    return sorted(rooms, key=lambda room: (-room.count, room.zone))


def used(rooms: Sequence[ZoneRoom], wanted: int) -> Sequence[ZoneRoom]:
    """Zones that are used before those that are empty; of these, the first by name."""
    return sorted(rooms, key=lambda room: (not room.is_used, room.zone))


def fitting(rooms: Sequence[ZoneRoom], wanted: int) -> Sequence[ZoneRoom]:
    """The smallest that takes all first; then the largest of the others."""

    def key(room: ZoneRoom) -> tuple[bool, int, str]:
        takes_all = room.count >= wanted
        return (not takes_all, room.count if takes_all else -room.count, room.zone)

    return sorted(rooms, key=key)


def in_turn(
    rooms: Sequence[ZoneRoom], placed: Sequence[str], wish: LaunchWish
) -> ZoneRoom:
    """The next zone by name."""
    last = placed[-1] if placed else wish.last
    return min(rooms, key=lambda room: (room.zone <= last, room.zone))


def apart(
    rooms: Sequence[ZoneRoom], placed: Sequence[str], wish: LaunchWish
) -> ZoneRoom:
    """Where there are fewest of the security group; of these, where most room is."""

    def key(room: ZoneRoom) -> tuple[int, int, str]:
        members = wish.members(room.zone) + placed.count(room.zone)
        return (members, -room.count, room.zone)

    return min(rooms, key=key)


def zones_by(
    placement: IPlacement, rooms: Sequence[Room], wish: LaunchWish
) -> tuple[str, ...]:
    """
    The zone of each instance, for as many as there is room for.

    @raise UnsoundPlacement: what the placement says cannot be.
    """
    most = {room.zone: room.count for room in rooms}
    asked = tuple(
        ZoneRoom(zone=room.zone, count=room.count, is_used=room.is_used)
        for room in sorted(rooms, key=lambda room: room.zone)
    )
    zones = tuple(placement.zones(asked, wish))
    if len(zones) > wish.count:
        raise UnsoundPlacement(f"it placed {len(zones)} instances of {wish.count}")
    for zone, count in Counter(zones).items():
        if count > most.get(zone, 0):
            raise UnsoundPlacement(f"it placed {count} in {zone!r}, which is too many")
    return zones


def places_in(rooms: Iterable[Room], zones: Iterable[str]) -> tuple[Place, ...]:
    """A place for each instance, in its zone; none where there are no more."""
    # Zones of one network share its places: each is given once.
    shared = {id(room.free): iter(room.free) for room in rooms}
    free = {room.zone: shared[id(room.free)] for room in rooms}
    found = ((zone, next(free[zone], None)) for zone in zones)
    return tuple(Place(zone, index) for zone, index in found if index is not None)


def together(rooms: Iterable[Room], zone: str | None) -> tuple[Room, ...]:
    """
    The rooms of the one zone that all shall be in.

    @param zone: where those are that are there already; None: the emptiest.
    """
    if zone is None:
        return tuple(sorted(rooms, key=lambda room: (-room.count, room.zone))[:1])
    return tuple(room for room in rooms if room.zone == zone)


def shortage(rooms: Iterable[Room]) -> str:
    """Why no more could be placed, for the user to read."""
    told = [
        f"zone {room.zone} has room for {max(0, room.machines)} more and "
        f"{max(0, room.addresses)} free addresses"
        for room in sorted(rooms, key=lambda room: room.zone)
    ]
    return "; ".join(told) or "no zone is in reach"
