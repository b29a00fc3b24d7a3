"""
What changes of a machine's elements from one view to the next.

Pure, but with a memory.  Work is proportional to what differs: what is the same
object as before is not looked into, and pieces of what stays are not made anew.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv4Address
from typing import TypeVar

from attrs import Factory, define

from euca_tw.model.networks import Carried, Member, View
from euca_tw.vnet.classes import BITS, Collided, Groups, number_of
from euca_tw.vnet.filter_diff import diff
from euca_tw.vnet.filter_plan import (
    card,
    machines,
    named_by,
    of_number,
    origin,
    permitted,
    wanted,
)
from euca_tw.vnet.filter_records import Change, Element, Set, gathered
from euca_tw.vnet.nat_plan import translated

K = TypeVar("K")
V = TypeVar("V")
_NO_MEMBERS: frozenset[Member] = frozenset()
_NOBODY: frozenset[IPv4Address] = frozenset()

_NOTHING = View(here="")

Elements = set[tuple[Set, Element]]


def changed(old: Mapping[K, V], new: Mapping[K, V]) -> Iterable[K]:
    """The keys of what is not the same object, or is only on one side."""
    if old is new:
        return ()
    gone = [key for key in old if key not in new]
    return gone + [key for key, value in new.items() if old.get(key) is not value]


@define
class _Class:
    """
    @ivar cards: how many there are of it here.
    @ivar is_made: whether C{elements} are there.
    @ivar sources: groups that its rules name.
    @ivar elements: what it lets in, and out.
    """

    cards: int = 0
    is_made: bool = False
    sources: frozenset[str] = frozenset()
    elements: frozenset[tuple[Set, Element]] = frozenset()


@define(eq=False)
class Ledger:
    """
    @ivar view: what was advanced to last.
    @ivar _groups_of: of each address, the groups that it is a source in.
    @ivar _origins: how many addresses there are of each class as a source.
    @ivar _of_groups: the classes that each group has such addresses in.
    """

    _bits: int = BITS
    view: View = _NOTHING
    _numbers: dict[Groups, int] = Factory(dict)
    _taken: dict[int, Groups] = Factory(dict)
    _classes: dict[Groups, _Class] = Factory(lambda: defaultdict(_Class))
    _groups_of: dict[IPv4Address, Groups] = Factory(dict)
    _origins: Counter[Groups] = Factory(Counter)
    _of_groups: dict[str, set[Groups]] = Factory(lambda: defaultdict(set))
    _is_plain: bool = True

    def advance(self, view: View) -> Change:
        """
        Go on to a view.

        @return: what makes of L{wanted} of the last one that of this.
        """
        old = self.view
        if view.here != old.here and old.here:
            raise ValueError(f"{view.here} is not {old.here}")
        change: Change | None = None
        if self._is_plain:
            try:
                change = self._advance(old, view)
            except Collided:
                self._is_plain = False
        if change is None:
            # Numbers then depend on all classes together.  It hardly ever happens.
            change = diff(wanted(view, self._bits), wanted(old, self._bits))
        self.view = view
        return change

    def _advance(self, old: View, new: View) -> Change:
        gone, come = self._members(old, new)
        for member in come:
            self._classes[member.groups].cards += 1
        touched = {member.groups for member in come}
        for member in gone:
            self._classes[member.groups].cards -= 1
            touched.add(member.groups)
        removed: Elements = set()
        added: Elements = set()
        moved, sources = self._sources(old, new)
        for address, before, after in moved:
            if before is not None:
                removed.add(origin(address, self._number(before)))
            if after is not None:
                added.add(origin(address, self._number(after)))
        for member in gone:
            removed.update(card(member, self._number(member.groups)))
        for member in come:
            added.update(card(member, self._number(member.groups)))
        self._permissions(old, new, touched, sources, removed, added)
        self._others(old, new, removed, added)
        self._forget(touched, {before for _, before, _ in moved if before is not None})
        return Change(
            removed=gathered(removed - added), added=gathered(added - removed)
        )

    def _number(self, groups: Groups) -> int:
        """@raise Collided: it is another's, too."""
        number = self._numbers.get(groups)
        if number is None:
            number = number_of(groups, self._bits)
            if self._taken.setdefault(number, groups) != groups:
                raise Collided
            self._numbers[groups] = number
        return number

    def _forget(self, *classes: Collection[Groups]) -> None:
        """Those that nobody is of any more."""
        for groups in {each for some in classes for each in some}:
            if groups not in self._classes and groups not in self._origins:
                del self._taken[self._numbers.pop(groups)]

    def _members(self, old: View, new: View) -> tuple[list[Member], list[Member]]:
        """Those here, that went and that came."""
        gone: list[Member] = []
        come: list[Member] = []
        for number in changed(old.networks, new.networks):
            before, after = (_members_of(v.networks.get(number)) for v in (old, new))
            gone += (m for m in before - after if m.machine == new.here)
            come += (m for m in after - before if m.machine == new.here)
        return gone, come

    def _sources(
        self, old: View, new: View
    ) -> tuple[list[tuple[IPv4Address, Groups | None, Groups | None]], set[str]]:
        """
        Addresses that are sources in other groups than before, and the groups that
        for that have members in other classes than before.
        """
        joined: defaultdict[IPv4Address, set[str]] = defaultdict(set)
        parted: defaultdict[IPv4Address, set[str]] = defaultdict(set)
        for group in changed(old.sources, new.sources):
            before, after = (v.sources.get(group, _NOBODY) for v in (old, new))
            for address in after - before:
                joined[address].add(group)
            for address in before - after:
                parted[address].add(group)
        moved: list[tuple[IPv4Address, Groups | None, Groups | None]] = []
        classes: set[Groups] = set()
        for address in {*joined, *parted}:
            was = self._groups_of.pop(address, None)
            now = ((was or frozenset()) - parted[address]) | joined[address]
            if was is not None:
                self._origins[was] -= 1
                classes.add(was)
            if now:
                self._groups_of[address] = now
                self._origins[now] += 1
                classes.add(now)
            moved.append((address, was, now or None))
        return moved, self._regroup(classes)

    def _regroup(self, classes: Iterable[Groups]) -> set[str]:
        touched: set[str] = set()
        for groups in classes:
            has_some = self._origins[groups] > 0
            if not has_some:
                del self._origins[groups]
            for group in groups:
                among = self._of_groups[group]
                if has_some == (groups in among):
                    continue
                touched.add(group)
                if has_some:
                    among.add(groups)
                else:
                    among.discard(groups)
        return touched

    def _permissions(
        self,
        old: View,
        new: View,
        touched: Collection[Groups],
        sources: Collection[str],
        removed: Elements,
        added: Elements,
    ) -> None:
        """Of classes that came or went, or whose rules or sources changed."""
        groups_changed = frozenset(changed(old.groups, new.groups))
        sources_changed = frozenset(sources)
        for groups in [*self._classes]:
            each = self._classes[groups]
            is_dirty = (
                (groups in touched and each.is_made != bool(each.cards))
                or not groups_changed.isdisjoint(groups)
                or not sources_changed.isdisjoint(each.sources)
            )
            if not is_dirty:
                continue
            removed |= each.elements
            if not each.cards:
                del self._classes[groups]
                continue
            each.sources = named_by(groups, new.groups)
            for named in each.sources:
                for source in self._of_groups.get(named, ()):
                    self._number(source)
            each.is_made = True
            each.elements = frozenset(
                permitted(
                    self._number(groups),
                    groups,
                    new.groups,
                    self._of_groups,
                    self._numbers,
                )
            )
            added |= each.elements

    def _others(self, old: View, new: View, removed: Elements, added: Elements) -> None:
        for number in {
            *changed(old.networks, new.networks),
            *changed(old.extents, new.extents),
        }:
            for view, elements in ((old, removed), (new, added)):
                elements.update(of_number(view, number))
        if old.machines is not new.machines or old.ends is not new.ends:
            removed.update(machines(old))
            added.update(machines(new))
        if old.elastics is not new.elastics:
            removed.update(translated(old.elastics.values()))
            added.update(translated(new.elastics.values()))


def _members_of(carried: Carried | None) -> frozenset[Member]:
    return _NO_MEMBERS if carried is None else carried.members


__all__ = ["Ledger"]
