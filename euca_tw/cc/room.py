"""
What of each node's room is promised: told as free by the node, which does not
know yet of what was given to it.  And whose instances were given to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import define, field

from euca_tw.cc.nodes import Nodes, NodeView
from euca_tw.cc.records import Placement, group_of, needs
from euca_tw.model.capacity import NOTHING, Resources
from euca_tw.model.lifecycle import Phase
from euca_tw.store.interfaces import IStore


@define(eq=False)
class Room:
    """
    Counts what nodes were given and have not told of.

    @ivar changed: called with a node's URL when what is counted of it is another.
    """

    _store: IStore
    _nodes: Nodes
    changed: Callable[[str], None] = lambda url: None
    # By instance, and in sum.
    _on_its_way: dict[str, tuple[str, Resources]] = field(factory=dict, init=False)
    _promised: dict[str, Resources] = field(factory=dict, init=False)
    _coming: dict[str, int] = field(factory=dict, init=False)
    # By instance: its node, and its group if it has one.
    _members: dict[str, tuple[str, str]] = field(factory=dict, init=False)
    _groups: dict[str, dict[str, int]] = field(factory=dict, init=False)

    def count(self, instance_id: str) -> None:
        """Its placement is another, or its node has told something else of it."""
        url, needed = self._on_its_way.pop(instance_id, ("", NOTHING))
        if url:
            self._promised[url] -= needed
            self._coming[url] -= 1
            self.changed(url)
        placement = self._store.get(Placement, instance_id)
        self._count_member(instance_id, placement)
        if placement is None or placement.launch is None or not placement.node:
            return
        at = self._nodes.views.get(placement.node)
        is_told = at is not None and instance_id in at.instances
        if not is_told and placement.phase is not Phase.TEARDOWN:
            url, needed = placement.node, needs(placement.launch)
            self._on_its_way[instance_id] = url, needed
            self._promised[url] = self._promised.get(url, NOTHING) + needed
            self._coming[url] = self._coming.get(url, 0) + 1
            self.changed(url)

    def _count_member(self, instance_id: str, placement: Placement | None) -> None:
        before = self._members.pop(instance_id, None)
        after = None
        if (
            placement is not None
            and placement.launch is not None
            and placement.node
            and placement.phase is not Phase.TEARDOWN
            and (group := group_of(placement.launch))
        ):
            after = self._members[instance_id] = placement.node, group
        if before == after:
            return
        for place, step in ((before, -1), (after, 1)):
            if place is not None:
                url, group = place
                groups = self._groups.setdefault(url, {})
                groups[group] = groups.get(group, 0) + step
                if not groups[group]:
                    del groups[group]
                self.changed(url)

    def free(self, view: NodeView) -> Resources:
        """What of a node is promised to nobody."""
        return view.free - self._promised.get(view.url, NOTHING)

    def coming(self, url: str) -> int:
        """How many instances a node was given and has not told of."""
        return self._coming.get(url, 0)

    def groups(self, url: str) -> Mapping[str, int]:
        """How many instances of each group a node was given, and are not ended."""
        return dict(self._groups.get(url, {}))
