"""
Nodes in an order, and the first of them that has room.

A sorted list in pieces.  Each piece knows the most that any of its nodes has free
of each thing, so that one look passes over all that are too full.  What changes
is moved by itself: a change costs a search and an insertion into one piece.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from typing import Any

from attrs import define, field

from euca_tw.model.capacity import Resources

#: What is sorted by; the keys of one ranking compare with each other.
Key = tuple[Any, ...]
#: Cores, memory in MiB, disk in GiB.
Size = tuple[int, int, int]

#: A piece with more nodes is cut in two.
_LONGEST = 128
#: A piece remembers so much of what it was looked through for in vain.
_MOST_MISSES = 64


_NOBODY: Mapping[str, int] = {}


@define(eq=False)
class _Piece:
    """
    Nodes that follow each other, in columns.

    @ivar groups: of each node, how many instances of each group it has.
    @ivar members: of each group, how many of the nodes have any of it.
    @ivar most: the largest number of each thing; None: not known just now.
    @ivar misses: what no one of them has, though each thing of it some have; and
        with a group, what none has that has nothing of the group.
    @ivar fewest: of a group, as many as each of them has at least.
    """

    keys: list[Key] = field(factory=list)
    urls: list[str] = field(factory=list)
    cores: list[int] = field(factory=list)
    memory: list[int] = field(factory=list)
    disk: list[int] = field(factory=list)
    groups: list[Mapping[str, int]] = field(factory=list)
    members: dict[str, int] = field(factory=dict)
    most: tuple[int, int, int] | None = None
    misses: set[tuple[Size, str | None]] = field(factory=set)
    fewest: dict[str, int] = field(factory=dict)

    def insert(
        self, at: int, key: Key, url: str, free: Resources, groups: Mapping[str, int]
    ) -> None:
        self.keys.insert(at, key)
        self.urls.insert(at, url)
        self.cores.insert(at, free.cores)
        self.memory.insert(at, free.memory_mib)
        self.disk.insert(at, free.disk_gib)
        self.groups.insert(at, groups)
        for group in groups:
            self.members[group] = self.members.get(group, 0) + 1
        self._changed()

    def delete(self, at: int) -> None:
        for group in self.groups[at]:
            self.members[group] -= 1
            if not self.members[group]:
                del self.members[group]
        for column in self._columns():
            del column[at]
        self._changed()

    def halved(self) -> _Piece:
        """Its second half, which it has no more."""
        half = len(self.keys) // 2
        second = _Piece()
        for column, further in zip(self._columns(), second._columns(), strict=True):
            further.extend(column[half:])
            del column[half:]
        for piece in (self, second):
            counted = Counter(group for groups in piece.groups for group in groups)
            piece.members = dict(counted)
        self._changed()
        return second

    def may_hold(self, needs: Size, group: str | None = None) -> bool:
        """
        False: certainly none of them does.

        @param group: of those only that have nothing of it; None: of all.
        """
        if self.most is None:
            self.most = max(self.cores), max(self.memory), max(self.disk)
        has_cores, has_memory, has_disk = self.most
        cores, memory, disk = needs
        return (
            has_cores >= cores
            and has_memory >= memory
            and has_disk >= disk
            and (group is None or self.members.get(group, 0) < len(self.keys))
            and (needs, group) not in self.misses
        )

    def able(self, needs: Size) -> Iterator[int]:
        """The places of those that have room."""
        cores, memory, disk = needs
        columns = zip(self.cores, self.memory, self.disk, strict=True)
        for place, (has_cores, has_memory, has_disk) in enumerate(columns):
            if has_cores >= cores and has_memory >= memory and has_disk >= disk:
                yield place

    def missed(self, needs: Size, group: str | None = None) -> None:
        """It was looked through for that in vain."""
        if len(self.misses) >= _MOST_MISSES:
            self.misses.clear()
        self.misses.add((needs, group))

    def at_least(self, group: str) -> int:
        """As many of the group as each of them has."""
        found = self.fewest.get(group)
        if found is None:
            found = 0
            if self.members.get(group, 0) == len(self.keys):
                found = min(groups[group] for groups in self.groups)
            self.fewest[group] = found
        return found

    def _columns(self) -> tuple[list[Any], ...]:
        return (
            self.keys,
            self.urls,
            self.cores,
            self.memory,
            self.disk,
            self.groups,
        )

    def _changed(self) -> None:
        self.most = None
        self.misses.clear()
        self.fewest.clear()


class Ranking:
    """
    Each node once, by its URL.

    A search looks at every piece up to the one that it finds something in, and
    through those that might have something.  A piece is looked through in vain
    where no one node of it has room, though one has the cores and another the
    memory (but once only, until it changes), or where those that have room are
    not wanted.
    """

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []
        # Of each piece, the last key.
        self._lasts: list[Key] = []
        self._keys: dict[str, Key] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def put(
        self,
        url: str,
        rank: Key,
        free: Resources,
        groups: Mapping[str, int] = _NOBODY,
    ) -> None:
        """
        A node has that rank, and so much room; it may be new.

        @param rank: the lower, the earlier; of equals the first by URL.
        @param groups: how many instances of each group it has, of those with any;
            for L{first_apart}.
        """
        self.drop(url)
        key = self._keys[url] = (*rank, url)
        if not self._pieces:
            self._pieces.append(_Piece())
            self._lasts.append(key)
        number = min(bisect_left(self._lasts, key), len(self._pieces) - 1)
        piece = self._pieces[number]
        piece.insert(bisect_left(piece.keys, key), key, url, free, groups)
        if len(piece.keys) > _LONGEST:
            second = piece.halved()
            self._pieces.insert(number + 1, second)
            self._lasts.insert(number + 1, second.keys[-1])
        self._lasts[number] = piece.keys[-1]

    def drop(self, url: str) -> None:
        """Nothing happens if it is not there."""
        key = self._keys.pop(url, None)
        if key is None:
            return
        number = bisect_left(self._lasts, key)
        piece = self._pieces[number]
        piece.delete(bisect_left(piece.keys, key))
        if piece.keys:
            self._lasts[number] = piece.keys[-1]
        else:
            del self._pieces[number], self._lasts[number]

    def first(
        self, needs: Resources, unwanted: Container[str] = (), after: Key = ()
    ) -> str | None:
        """
        The first node that has room.

        @param unwanted: URLs that will not do.
        @param after: a rank and a URL; only what follows is looked at.
        """
        size = (needs.cores, needs.memory_mib, needs.disk_gib)
        for number in range(bisect_left(self._lasts, after), len(self._pieces)):
            piece = self._pieces[number]
            if not piece.may_hold(size):
                continue
            holds = False
            for place in piece.able(size):
                holds = True
                url = piece.urls[place]
                if piece.keys[place] > after and url not in unwanted:
                    return url
            if not holds:
                piece.missed(size)
        return None

    def first_apart(
        self, needs: Resources, group: str, unwanted: Container[str] = ()
    ) -> str | None:
        """
        Of the nodes that have room, and as few instances of a group as any of
        them, the first.

        @param unwanted: URLs that will not do.
        """
        size = (needs.cores, needs.memory_mib, needs.disk_gib)
        for piece in self._pieces:
            if not piece.may_hold(size, group):
                continue
            holds = False
            for place in piece.able(size):
                if group not in piece.groups[place]:
                    holds = True
                    if piece.urls[place] not in unwanted:
                        return piece.urls[place]
            if not holds:
                piece.missed(size, group)
        # All that have room have some of it.
        best: str | None = None
        fewest = 0
        for piece in self._pieces:
            if best is not None and piece.at_least(group) >= fewest:
                continue
            if not piece.may_hold(size):
                continue
            for place in piece.able(size):
                count = piece.groups[place].get(group, 0)
                url = piece.urls[place]
                if (best is None or count < fewest) and url not in unwanted:
                    best, fewest = url, count
            # None has less: that was looked for before.
            if fewest == 1:
                break
        return best
