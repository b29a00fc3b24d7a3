"""
Where each network is, of all members of a cloud.

Pure, but with a memory; work is proportional to what changes.  Only who knows all
members can tell, so it is the cloud that does, and clusters are told the outcome: a
head need not know the members of a network to pass on what is for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network

from attrs import Factory, define

from euca_tw.model.networks import Extent, Member, Network
from euca_tw.overlay.entries import Difference, Entry, extent_key, key_of


@define(eq=False)
class Extents:
    """
    @ivar _subnets: of the networks that there are, by number.
    @ivar _counts: of each network, how many members each cluster has on machines.
    @ivar _places: of each of these, by key, its network and its cluster.
    @ivar _told: as it was told last.
    """

    _networks: dict[str, int] = Factory(dict)
    _subnets: dict[int, IPv4Network] = Factory(dict)
    _counts: dict[int, dict[str, int]] = Factory(dict)
    _places: dict[str, tuple[int, str]] = Factory(dict)
    _told: dict[int, Extent] = Factory(dict)

    def change(
        self, puts: Iterable[Entry] = (), gone: Iterable[str] = ()
    ) -> Difference:
        """
        Know of other entries, or of some no more.

        @return: what there is to tell of where networks are.
        """
        touched: dict[int, None] = {}
        for key in gone:
            self._leave(key, touched)
        for entry in puts:
            match entry:
                case Network():
                    self._networks[key_of(entry)] = entry.number
                    self._subnets[entry.number] = entry.subnet
                    touched[entry.number] = None
                case Member():
                    self._leave(key_of(entry), touched)
                    self._join(entry, touched)
        told: list[Entry] = []
        over: list[str] = []
        for number in touched:
            extent = self._extent(number)
            if extent == self._told.get(number):
                continue
            if extent is None:
                del self._told[number]
                over.append(extent_key(number))
            else:
                self._told[number] = extent
                told.append(extent)
        return Difference(tuple(told), tuple(over))

    def _join(self, member: Member, touched: dict[int, None]) -> None:
        if not member.machine:
            # No machine carries the network for it yet.
            return
        self._places[key_of(member)] = member.network, member.cluster
        counts = self._counts.setdefault(member.network, {})
        counts[member.cluster] = counts.get(member.cluster, 0) + 1
        touched[member.network] = None

    def _leave(self, key: str, touched: dict[int, None]) -> None:
        if key in self._networks:
            number = self._networks.pop(key)
            del self._subnets[number]
            touched[number] = None
        if key not in self._places:
            return
        number, cluster = self._places.pop(key)
        counts = self._counts[number]
        counts[cluster] -= 1
        if not counts[cluster]:
            del counts[cluster]
        if not counts:
            del self._counts[number]
        touched[number] = None

    def _extent(self, number: int) -> Extent | None:
        """None: nobody has it."""
        subnet, counts = self._subnets.get(number), self._counts.get(number)
        if subnet is None or counts is None:
            return None
        return Extent(number=number, subnet=subnet, clusters=frozenset(counts))
