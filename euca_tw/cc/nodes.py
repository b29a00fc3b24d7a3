"""
The cluster's nodes, as heard of: what each has, and what is on it.

All of it is rebuilt from the nodes themselves after a start.  It is a table of
what was last told; whether it still holds is for L{NodeView.is_well} to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.node import (
    NC_WAIT_FOR_CHANGES,
    NcChangedInstance,
    NcWaitForChanges,
    NcWaitForChangesResponse,
)
from euca_tw.cc.settings import ClusterSettings
from euca_tw.common.watch import Watch
from euca_tw.model.capacity import NOTHING, Resources
from euca_tw.soap.interfaces import IPeers, PeerRefused, PeerUnreachable

#: Beyond what a node may hold a question, the answer may take so long.
_GRACE_S = 10.0
#: By what share of itself the time for which a node may hold a question differs.
_JITTER = 0.3


@define
class NodeView:
    """
    One node.

    @ivar is_known: it has told all that is on it, since this start.
    @ivar is_well: it answered the last time.
    @ivar is_silent: it has not been heard of for long.
    @ivar is_lost: it was declared so, and has not been found again.
    @ivar strangers: domains on it that it knows nothing of.
    @ivar instances: what it told last, by instance.
    """

    url: str
    is_known: bool = False
    is_well: bool = False
    is_silent: bool = False
    is_lost: bool = False
    epoch: str | None = None
    sequence: int = 0
    machine: Resources = NOTHING
    free: Resources = NOTHING
    strangers: tuple[str, ...] = ()
    instances: dict[str, NcChangedInstance] = field(factory=dict)

    def hear(self, told: NcWaitForChangesResponse) -> set[str]:
        """Take in an answer; the instances that it changes anything of."""
        changed = {one.instance.instance_id for one in told.instances}
        if told.is_full:
            changed |= self.instances.keys()
            self.instances.clear()
        for one in told.instances:
            self.instances[one.instance.instance_id] = one
        for name in told.forgotten:
            if self.instances.pop(name, None) is not None:
                changed.add(name)
        self.epoch, self.sequence = told.epoch, told.sequence
        self.strangers = told.strangers
        self.machine = Resources(
            cores=told.number_of_cores_max,
            memory_mib=told.memory_size_max,
            disk_gib=told.disk_size_max,
        )
        self.free = Resources(
            cores=told.number_of_cores_available,
            memory_mib=told.memory_size_available,
            disk_gib=told.disk_size_available,
        )
        return changed


class Nodes:
    """Listens to every node."""

    def __init__(
        self,
        *,
        urls: Iterable[str],
        peers: IPeers,
        clock: IReactorTime,
        random: Random,
        settings: ClusterSettings,
        heard: Callable[[NodeView, set[str]], Any],
        changed: Callable[[NodeView], None],
        unheard: Callable[[NodeView], None] = lambda view: None,
    ) -> None:
        """
        @param heard: awaited with what changed before the node is asked
            again; so what it does is done before the node thinks it known.
        @param changed: a node fell silent, or cannot be reached just now.
        @param unheard: a node was asked, and has not answered.
        """
        self.views: Mapping[str, NodeView] = {url: NodeView(url) for url in urls}
        self._peers = peers
        self._random = random
        self._settings = settings
        self._heard = heard
        self._changed = changed
        self._places: dict[str, set[str]] = {}
        self._watches = {
            url: Watch(
                name=url,
                clock=clock,
                random=random,
                ask=lambda view=view: self._ask(view),  # type: ignore[misc]
                failures=(PeerUnreachable, PeerRefused),
                silent=lambda view=view: self._silent(view),  # type: ignore[misc]
                silent_after_s=settings.silent_after_s,
                unheard=lambda view=view: unheard(view),  # type: ignore[misc]
            )
            for url, view in self.views.items()
        }

    def start(self) -> None:
        """Begin to listen."""
        for watch in self._watches.values():
            watch.start()

    def stop(self) -> Deferred[Any]:
        """Listen no more."""
        return DeferredList([watch.stop() for watch in self._watches.values()])

    def places(self, instance_id: str) -> tuple[NodeView, ...]:
        """The nodes that tell of an instance."""
        urls = sorted(self._places.get(instance_id, ()))
        return tuple(self.views[url] for url in urls)

    @property
    def is_complete(self) -> bool:
        """Whether every node that there is has told all since this start."""
        return all(view.is_known or view.is_lost for view in self.views.values())

    def silence_s(self, url: str) -> float:
        """How long a node has been silent; see L{euca_tw.common.silence}."""
        return self._watches[url].silence.seconds

    async def _ask(self, view: NodeView) -> None:
        # What falls silent is asked briefly first: it may be told anew.
        hold_s, patience_s = 0.0, self._settings.call_timeout_s
        if view.is_well:
            # Apart, so that it is never the turn of many at once.
            hold_s = self._settings.hold_s(len(self.views)) * self._random.uniform(
                1 - _JITTER, 1
            )
            patience_s = hold_s + _GRACE_S
        request = NcWaitForChanges(
            user_id="eucalyptus",
            epoch=view.epoch,
            since=view.sequence,
            timeout_s=int(hold_s),
        )
        try:
            told = await self._peers.peer(view.url).call(
                NC_WAIT_FOR_CHANGES, request, patience_s
            )
        except (PeerUnreachable, PeerRefused):
            if view.is_well:
                view.is_well = False
                self._changed(view)
            raise
        changed = view.hear(told)
        for name in changed:
            self._note(name, view)
        if not view.is_well or view.is_silent:
            # All that waited for it may go on.
            changed |= view.instances.keys()
            view.is_well, view.is_silent = True, False
            self._changed(view)
        view.is_known = view.is_known or told.is_full
        await self._heard(view, changed)

    def _note(self, instance_id: str, view: NodeView) -> None:
        places = self._places.setdefault(instance_id, set())
        if instance_id in view.instances:
            places.add(view.url)
        else:
            places.discard(view.url)
        if not places:
            del self._places[instance_id]

    def _silent(self, view: NodeView) -> None:
        view.is_silent = True
        self._changed(view)
