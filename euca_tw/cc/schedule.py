"""
Which node an instance goes to: the schedulers that are shipped.

All but one have an order of nodes that one instance is like another to, and take
the first with room.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from zope.interface import implementer

from euca_tw.cc.interfaces import IRestful, IScheduler, Node, Wish
from euca_tw.cc.ranking import Key, Ranking

Rank = Callable[[Node], Key]


def by_place(node: Node) -> Key:
    """In the site's order."""
    return (node.place,)


def by_name(node: Node) -> Key:
    """By URL, as every ranking does of equals."""
    return ()


def by_use(node: Node) -> Key:
    """Those first that something is on; then in the site's order."""
    return (not node.instances, node.place)


def by_load(node: Node) -> Key:
    """
    By the share that is taken of what is scarcest on a node; then by that of all
    things together; then in the site's order.
    """
    machine, free = node.machine, node.free
    taken = [
        1.0 - left / whole if whole else 1.0
        for whole, left in (
            (machine.cores, free.cores),
            (machine.memory_mib, free.memory_mib),
            (machine.disk_gib, free.disk_gib),
        )
    ]
    return (max(taken), sum(taken), node.place)


def by_fit(node: Node) -> Key:
    """
    By the memory that is left, least first; then by cores, disk, and in the
    site's order.  What is left now and what will be left are in the same order.
    """
    free = node.free
    return (free.memory_mib, free.cores, free.disk_gib, node.place)


@implementer(IScheduler)
@define(eq=False)
class RankedScheduler:
    """
    Takes the first with room, in one order.

    @ivar rank: by what; the lower, the earlier.
    """

    rank: Rank
    _ranking: Ranking = field(factory=Ranking, init=False)

    def node_changed(self, node: Node) -> None:
        self._ranking.put(node.url, self.rank(node), node.free)

    def node_gone(self, url: str) -> None:
        self._ranking.drop(url)

    def pick(self, wish: Wish) -> str | None:
        return self._ranking.first(wish.needs, wish.refused_by)


@implementer(IScheduler)
@define(eq=False)
class RoundRobin:
    """Takes turns, by name."""

    _ranking: Ranking = field(factory=Ranking, init=False)
    _last: str = field(default="", init=False)

    def node_changed(self, node: Node) -> None:
        self._ranking.put(node.url, by_name(node), node.free)

    def node_gone(self, url: str) -> None:
        self._ranking.drop(url)

    def pick(self, wish: Wish) -> str | None:
        found = self._ranking.first(wish.needs, wish.refused_by, after=(self._last,))
        if found is None:
            found = self._ranking.first(wish.needs, wish.refused_by)
        if found is not None:
            self._last = found
        return found


@implementer(IRestful)
@define(eq=False)
class PowerSave(RankedScheduler):
    """Fills those that are used before it takes an empty one."""

    rank: Rank = by_use
    _empty: set[str] = field(factory=set, init=False)

    def node_changed(self, node: Node) -> None:
        RankedScheduler.node_changed(self, node)
        if node.instances:
            self._empty.discard(node.url)
        else:
            self._empty.add(node.url)

    def node_gone(self, url: str) -> None:
        RankedScheduler.node_gone(self, url)
        self._empty.discard(url)

    def may_sleep(self, url: str) -> bool:
        return url in self._empty


@implementer(IScheduler)
@define(eq=False)
class SpreadByGroup:
    """
    Takes a node with as few instances of the same group as can be, of these the
    least loaded: so what a node takes down with it is little of any group.
    """

    _ranking: Ranking = field(factory=Ranking, init=False)

    def node_changed(self, node: Node) -> None:
        self._ranking.put(node.url, by_load(node), node.free, node.groups)

    def node_gone(self, url: str) -> None:
        self._ranking.drop(url)

    def pick(self, wish: Wish) -> str | None:
        return self._ranking.first_apart(wish.needs, wish.group, wish.refused_by)
