"""
From what a machine is told to its L{View}.

Pure.  What did not change since the view before is the same object in the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any, TypeVar

from attrs import Factory, define

from euca_tw.model.networks import (
    Carried,
    Elastic,
    Extent,
    Group,
    Machine,
    Member,
    Network,
    Role,
    TrunkEnd,
    View,
)
from euca_tw.overlay.entries import Difference, Entry, key_of

K = TypeVar("K")
V = TypeVar("V")


@define(eq=False)
class Picture:
    """
    What one machine was told, and the view that it makes.

    A network is carried if the machine was told of it and, on a node, has a
    member of it: entries may come in any order, and what is half told is left
    out until the rest has come.

    @ivar here: the machine's name.
    @ivar role: what the machine is.
    @ivar entries: by key.
    @ivar view: as of now.
    """

    here: str
    role: Role
    entries: dict[str, Entry] = Factory(dict)
    view: View = Factory(lambda self: View(here=self.here), takes_self=True)
    _networks: dict[int, Network] = Factory(dict)
    _machines: dict[str, Machine] = Factory(dict)
    _groups: dict[str, Group] = Factory(dict)
    _elastics: dict[IPv4Address, Elastic] = Factory(dict)
    _ends: dict[str, TrunkEnd] = Factory(dict)
    _extents: dict[int, Extent] = Factory(dict)
    _own: dict[str, Member] = Factory(dict)
    _members: dict[int, frozenset[Member]] = Factory(dict)
    _addresses: dict[str, frozenset[IPv4Address]] = Factory(dict)

    def take(self, difference: Difference) -> View:
        """What there is to tell has changed so."""
        joined: list[Member] = []
        left: list[Member] = []
        for key in difference.gone:
            self._forget(self.entries.pop(key, None), left)
        for entry in difference.puts:
            before = self.entries.get(key_of(entry))
            if before != entry:
                self._forget(before, left)
                self.entries[key_of(entry)] = entry
                self._learn(entry, joined)
        self._regroup(joined, left)
        self.view = self._made()
        return self.view

    @property
    def knows_itself(self) -> bool:
        """
        Whether the machine was told of itself.  Who was not, was told nothing that
        it could go by: it may have been of another name then.
        """
        return self.here in self._machines

    def public_ip(self, private_ip: IPv4Address) -> IPv4Address | None:
        """The public address of an instance of this machine, if it has one."""
        found = self._elastics.get(private_ip)
        return None if found is None else found.public_ip

    def member(self, instance_id: str) -> Member | None:
        """An instance of this machine, as far as was told."""
        return self._own.get(instance_id)

    def _forget(self, entry: Entry | None, left: list[Member]) -> None:
        match entry:
            case Network():
                del self._networks[entry.number]
            case Machine():
                del self._machines[entry.name]
            case Group():
                del self._groups[entry.group_id]
            case TrunkEnd():
                del self._ends[entry.cluster]
            case Extent():
                del self._extents[entry.number]
            case Elastic():
                if self._elastics.get(entry.private_ip) is entry:
                    del self._elastics[entry.private_ip]
            case Member():
                left.append(entry)
                self._own.pop(entry.instance_id, None)

    def _learn(self, entry: Entry, joined: list[Member]) -> None:
        match entry:
            case Network():
                self._networks[entry.number] = entry
            case Machine():
                self._machines[entry.name] = entry
            case Group():
                self._groups[entry.group_id] = entry
            case TrunkEnd():
                self._ends[entry.cluster] = entry
            case Extent():
                self._extents[entry.number] = entry
            case Elastic():
                self._elastics[entry.private_ip] = entry
            case Member():
                joined.append(entry)
                if entry.machine == self.here:
                    self._own[entry.instance_id] = entry

    def _regroup(self, joined: list[Member], left: list[Member]) -> None:
        """Sets are changed as wholes: that costs no hash of what stays."""
        networks: dict[int, tuple[set[Member], set[Member]]] = {}
        groups: dict[str, tuple[set[IPv4Address], set[IPv4Address]]] = {}
        for n, members in enumerate((left, joined)):
            for each in members:
                if each.machine:
                    networks.setdefault(each.network, (set(), set()))[n].add(each)
                for group in each.groups:
                    groups.setdefault(group, (set(), set()))[n].add(each.private_ip)
        for number, (lost, won) in networks.items():
            _change(self._members, number, lost, won)
        for group, (gone, come) in groups.items():
            _change(self._addresses, group, gone, come)

    def _made(self) -> View:
        before = self.view
        if self.role is Role.NODE:
            numbers = {each.network for each in self._own.values()}
        else:
            numbers = set(self._members)
        group_ids = {group for each in self._own.values() for group in each.groups}
        source_ids = {
            named
            for group_id in group_ids & self._groups.keys()
            for named in self._groups[group_id].named
        }
        networks = {
            number: self._carried(number)
            for number in sorted(numbers & self._networks.keys())
        }
        groups = {
            group_id: self._groups[group_id]
            for group_id in sorted((group_ids | source_ids) & self._groups.keys())
        }
        sources = {
            group_id: self._addresses.get(group_id, frozenset())
            for group_id in sorted(source_ids)
        }
        is_head = self.role is Role.HEAD
        elastics = {each.public_ip: each for each in self._elastics.values()}
        return View(
            here=self.here,
            machines=_kept(before.machines, self._machines),
            networks=_kept(before.networks, networks),
            groups=_kept(before.groups, groups),
            sources=_kept(before.sources, sources),
            elastics=_kept(before.elastics, elastics if is_head else {}),
            ends=_kept(before.ends, self._ends),
            extents=_kept(before.extents, self._extents),
        )

    def _carried(self, number: int) -> Carried:
        network, members = self._networks[number], self._members.get(number)
        before = self.view.networks.get(number)
        if (
            before is not None
            and before.network is network
            and before.members is members
        ):
            return before
        return Carried(network=network, members=members or frozenset())


def _kept(before: Mapping[K, V], now: Mapping[K, V]) -> Mapping[K, V]:
    """The same mapping, if it has the very same things."""
    if len(before) == len(now) and all(
        before.get(key) is value for key, value in now.items()
    ):
        return before
    return dict(now)


def _change(index: dict[Any, frozenset[Any]], at: Any, lost: Any, won: Any) -> None:
    """What is both lost and won has stayed."""
    lost, won = lost - won, won - lost
    if not (lost or won):
        return
    now = (index.get(at, frozenset()) - lost) | won
    if now:
        index[at] = now
    else:
        index.pop(at, None)
