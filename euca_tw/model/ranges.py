"""
Which number and which subnet a network is given.

Pure.  A private range is carved into places of equal size; the network at a place
has the place's number and its subnet.  A site may change its range, or its carving:
networks that there are keep what they have, and the places that this blocks are
given to none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Network

from attrs import Factory, define, frozen

from euca_tw.model.networks import LARGEST_NUMBER, Network

#: With fewer addresses a network has no room for an instance.
SMALLEST_NETWORK = 4


@frozen
class Carving:
    """
    A range in places of C{size} addresses, a power of two, from
    L{SMALLEST_NETWORK} to all of it.
    """

    range: IPv4Network
    size: int

    def __attrs_post_init__(self) -> None:
        if self.size & (self.size - 1) or self.size < SMALLEST_NETWORK:
            raise ValueError(
                f"{self.size} is not a power of two, {SMALLEST_NETWORK} or more"
            )
        if self.size > self.range.num_addresses:
            raise ValueError(f"{self.range} has no room for {self.size} addresses")

    @property
    def count(self) -> int:
        """How many networks there may be."""
        return min(self.range.num_addresses // self.size, LARGEST_NUMBER)

    def network(self, place: int) -> Network:
        """The one at a place, 0 and up."""
        prefix_length = 33 - self.size.bit_length()
        first = self.range.network_address + place * self.size
        return Network(number=place + 1, subnet=IPv4Network((first, prefix_length)))

    def blocked_by(self, network: Network) -> Iterator[int]:
        """
        The places that nobody else may have while there is C{network}: that of
        its number, and those of its addresses; one may come twice.
        """
        if network.number <= self.count:
            yield network.number - 1
        first = int(network.subnet.network_address) - int(self.range.network_address)
        last = first + network.subnet.num_addresses - 1
        low, high = max(0, first // self.size), min(self.count - 1, last // self.size)
        yield from range(low, high + 1)


@define(eq=False)
class Numbers:
    """
    The networks of a carving, of which some are taken.  Places are given going
    round: what was given back rests before it is another's.
    """

    carving: Carving
    _blocked: Counter[int] = Factory(Counter)
    _next: int = 0

    def take(self, network: Network) -> None:
        """It is there, whoever gave it, of whatever carving."""
        self._blocked.update(self.carving.blocked_by(network))

    def give_back(self, network: Network) -> None:
        """It is there no more; it was once taken."""
        for place in self.carving.blocked_by(network):
            self._blocked[place] -= 1
            if not self._blocked[place]:
                del self._blocked[place]

    def free(self) -> Network | None:
        """One that may be taken; None if all are."""
        count = self.carving.count
        if len(self._blocked) >= count:
            return None
        for n in range(count):
            place = (self._next + n) % count
            if place not in self._blocked:
                self._next = place + 1
                return self.carving.network(place)
        return None
