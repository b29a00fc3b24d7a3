"""
The nodes, as what chooses among them is told of them; and its choices, checked.

The scheduler may be a stranger's: what it says is held against what is known,
and what it raises is told by its name and goes no further.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Set
from typing import Any

from attrs import define, field
from twisted.logger import Logger

from euca_tw.api.cluster import Launch
from euca_tw.cc.interfaces import IRestful, IScheduler, Node, Wish
from euca_tw.cc.nodes import Nodes
from euca_tw.cc.orders import phase_of
from euca_tw.cc.records import group_of, needs
from euca_tw.cc.room import Room
from euca_tw.common.evolved import evolve
from euca_tw.model.capacity import NOTHING, MachineType, Resources
from euca_tw.model.lifecycle import Phase


@define(eq=False)
class Fleet:
    """
    Keeps a scheduler in step with the nodes: told of what changed, no more.

    @ivar name: the scheduler's, for the log.
    """

    _log = Logger()

    _nodes: Nodes
    _room: Room
    _scheduler: IScheduler
    name: str
    _places: dict[str, int] = field(init=False)
    # As the scheduler was told.
    _told: dict[str, Node] = field(factory=dict, init=False)
    # Of the machines that were ever heard of, whether or not they are just now.
    _machines: dict[str, Resources] = field(factory=dict, init=False)
    _sizes: Counter[Resources] = field(factory=Counter, init=False)
    # To be told of; in an order that is the same each time.
    _stale: dict[str, None] = field(factory=dict, init=False)
    _may_sleep: set[str] = field(factory=set, init=False)
    _restful: Any = field(init=False)
    _failed: set[str] = field(factory=set, init=False)
    # What was asked of last, and how many of each all nodes hold, and have room for.
    _asked: tuple[MachineType, ...] = field(default=(), init=False)
    _held: list[int] = field(factory=list, init=False)
    _open: list[int] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self._places = {url: place for place, url in enumerate(self._nodes.views)}
        self._restful = IRestful(self._scheduler, None)

    def changed(self, url: str) -> None:
        """Something of a node is another; it is looked at before the next choice."""
        self._stale[url] = None

    def tell(self) -> None:
        """Look at what changed, and tell the scheduler of it."""
        stale, self._stale = self._stale, {}
        for url in stale:
            self._measure(url)
            self._tell(url, self._now(url))

    def pick(self, launch: Launch, refused_by: Set[str] = frozenset()) -> str | None:
        """
        The node for an instance, which from then on counts as taken there, until
        the node is looked at anew; None if no node has room.
        """
        self.tell()
        wish = Wish(needs=needs(launch), group=group_of(launch), refused_by=refused_by)
        url = self._guarded(self._scheduler.pick, wish)
        if url is None:
            return None
        node = self._told.get(url) if isinstance(url, str) else None
        if node is None or url in refused_by or not node.free.holds(wish.needs):
            self._log.error(
                "The scheduler {name} chose {node!r}, which cannot be chosen",
                name=self.name,
                node=url,
            )
            return None
        groups = dict(node.groups)
        if wish.group:
            groups[wish.group] = groups.get(wish.group, 0) + 1
        taken = evolve(
            node,
            free=node.free - wish.needs,
            instances=node.instances + 1,
            groups=groups,
        )
        self._tell(node.url, taken)
        return node.url

    def can_ever_hold(self, wanted: Resources) -> bool:
        """
        Whether any node would have room if it were empty, and heard; as long as one
        was never heard to tell how large it is, that may be.
        """
        self.tell()
        are_measured = len(self._machines) == len(self._nodes.views)
        return not are_measured or any(size.holds(wanted) for size in self._sizes)

    def room_for(self, types: tuple[MachineType, ...]) -> list[tuple[int, int]]:
        """
        How many machines of each type all nodes together hold, and how many of these
        there is room for.  Nodes are gone through only where other types are asked
        of than the last time.
        """
        self.tell()
        if types != self._asked:
            self._asked = types
            self._held, self._open = [0] * len(types), [0] * len(types)
            for node in self._told.values():
                self._count(node, 1)
        return self.room()

    def room(self) -> list[tuple[int, int]]:
        """The same, of the types that were asked of last."""
        self.tell()
        return [*zip(self._held, self._open, strict=True)]

    def _count(self, node: Node, step: int) -> None:
        for n, machine in enumerate(self._asked):
            self._held[n] += step * node.machine.times(machine)
            self._open[n] += step * node.free.times(machine)

    def _now(self, url: str) -> Node | None:
        """None: it cannot be chosen."""
        view = self._nodes.views.get(url)
        if view is None or view.is_lost or not (view.is_known and view.is_well):
            return None
        return Node(
            url=url,
            place=self._places[url],
            machine=view.machine,
            free=self._room.free(view),
            instances=self._room.coming(url)
            + sum(
                phase_of(told) is not Phase.TEARDOWN for told in view.instances.values()
            ),
            groups=self._room.groups(url),
        )

    def _measure(self, url: str) -> None:
        view = self._nodes.views.get(url)
        if view is None:
            return
        # One that is lost has nothing for anybody.
        machine = NOTHING if view.is_lost else view.machine
        if not view.is_lost and (not view.is_known or machine == NOTHING):
            # It does not know yet, or again, what it has.
            return
        before = self._machines.get(url)
        if before == machine:
            return
        if before is not None:
            self._sizes[before] -= 1
            if not self._sizes[before]:
                del self._sizes[before]
        self._machines[url] = machine
        self._sizes[machine] += 1

    def _tell(self, url: str, node: Node | None) -> None:
        before = self._told.get(url)
        if node != before:
            self._note(url, before, node)
        if self._restful is not None:
            self._tell_rest(url)

    def _note(self, url: str, before: Node | None, node: Node | None) -> None:
        if before is not None:
            del self._told[url]
            self._count(before, -1)
        if node is None:
            self._guarded(self._scheduler.node_gone, url)
        else:
            self._told[url] = node
            self._count(node, 1)
            self._guarded(self._scheduler.node_changed, node)

    def _tell_rest(self, url: str) -> None:
        """Say which nodes could sleep, and which no more."""
        may = bool(self._guarded(self._restful.may_sleep, url))
        if may and url not in self._may_sleep:
            self._may_sleep.add(url)
            self._log.info("{node} has no instances and could sleep", node=url)
        elif not may and url in self._may_sleep:
            self._may_sleep.discard(url)
            self._log.info("{node} is not one that could sleep any more", node=url)

    def _guarded(self, ask: Callable[[Any], Any], about: object) -> Any:
        try:
            return ask(about)
        except Exception:
            # Each thing once: what fails may do so at every change of every node.
            call = getattr(ask, "__name__", repr(ask))
            if call not in self._failed:
                self._failed.add(call)
                self._log.failure(
                    "The scheduler {name} failed at {call}", name=self.name, call=call
                )
            return None
