"""
Nodes that were declared lost: when they may be, what that brings about, and when
they are found again.

# Note [An instance runs at most once]
#
# What was on a lost node has ended, for everybody but that node: its addresses and
# its network may be another's.  So a declaration is durable before anything follows
# from it; and should the node come back, it is given nothing until all that it ran
# is known to have ended there, domains that it knows nothing of among it, and some
# time has passed in which it could have found more.  What a declaration cannot do
# is to reach a node that only the controller does not hear: that is for an operator
# to switch off first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar
from urllib.parse import urlsplit

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.api.cluster import DeclareNodeLostResponse, NodeTrouble
from euca_tw.cc.nodes import Nodes, NodeView
from euca_tw.cc.orders import phase_of
from euca_tw.cc.records import LostNode
from euca_tw.cc.settings import ClusterSettings
from euca_tw.common.alarms import Alarms
from euca_tw.common.background import Background
from euca_tw.common.clock import utc_now
from euca_tw.common.convergence import Setback
from euca_tw.common.silence import declares_itself, left_s
from euca_tw.model.lifecycle import Phase
from euca_tw.store.interfaces import Delete, IStore, Put


@define(eq=False)
class LostNodes:
    """
    Keeps C{is_lost} of each node's view.

    @ivar changed: called when a node is lost, or found.
    @ivar end: has a node end an instance; raises L{Setback}.
    """

    _store: IStore
    _nodes: Nodes
    _clock: IReactorTime
    _settings: ClusterSettings
    _changed: Callable[[NodeView], None]
    _end: Callable[[str, str], Awaitable[None]]
    # By URL: those that are silent, or lost.
    _troubled: dict[str, NodeView] = field(factory=dict, init=False)
    _background: Background = field(factory=Background, init=False)
    _finding: Alarms = field(init=False)
    _log: ClassVar[Logger] = Logger()

    def __attrs_post_init__(self) -> None:
        self._finding = Alarms(self._clock, self._find)

    def start(self) -> None:
        """Before nodes are listened to."""
        for record in self._store.all(LostNode):
            view = self._nodes.views.get(record.url)
            # One that was taken out is lost still when it is put in again.
            if view is not None:
                view.is_lost = True
                self.note(view)

    def stop(self) -> Deferred[object]:
        """Whatever is under way."""
        self._finding.stop()
        return self._background.stop()

    @property
    def troubles(self) -> tuple[NodeTrouble, ...]:
        """The nodes that cannot be used."""
        return tuple(map(self._trouble, self._troubled.values()))

    def note(self, view: NodeView) -> None:
        """Something of it is another: it fell silent, was lost, or is heard again."""
        if view.is_lost or view.is_silent:
            self._troubled[view.url] = view
        else:
            self._troubled.pop(view.url, None)

    def _trouble(self, view: NodeView) -> NodeTrouble:
        record = self._store.get(LostNode, view.url) if view.is_lost else None
        return NodeTrouble(
            service_tag=view.url,
            state="lost" if view.is_lost else "silent",
            since=record.declared_at if record else None,
        )

    # --- declared --------------------------------------------------------------

    async def declare(self, named: str) -> DeclareNodeLostResponse:
        """@param named: the node's URL, or the host in it."""
        found = [
            view
            for url, view in self._nodes.views.items()
            if named in (url, urlsplit(url).hostname)
        ]
        if not found:
            return DeclareNodeLostResponse()
        if len(found) > 1:
            urls = ", ".join(view.url for view in found)
            why = f"{named} may be each of {urls}"
            return DeclareNodeLostResponse(service_tag=named, refusal=why)
        [view] = found
        refusal = "" if view.is_lost else self._refusal(view)
        if not refusal and not view.is_lost:
            done: Deferred[None] = Deferred()
            # Also when nobody waits for it any more.
            self._begin(view, "by an operator", done)
            await done
        return DeclareNodeLostResponse(service_tag=view.url, refusal=refusal or None)

    def _refusal(self, view: NodeView) -> str:
        if view.is_well:
            return f"{view.url} answers"
        silence_s, after_s = (
            self._nodes.silence_s(view.url),
            self._settings.lost_after_s,
        )
        more_s = left_s(silence_s, after_s)
        if not more_s:
            return ""
        return (
            f"{view.url} has been silent for {silence_s:.0f} s only, and may be "
            f"declared lost after {after_s:.0f} s: in {more_s:.0f} s"
        )

    def unheard(self, view: NodeView) -> None:
        """It was asked, and has not answered."""
        self._finding.clear(view.url)
        if not view.is_lost and declares_itself(
            self._settings.declare_lost,
            self._nodes.silence_s(view.url),
            self._settings.lost_after_s,
            sum(each.is_silent for each in self._troubled.values()),
            len(self._nodes.views),
        ):
            self._begin(view, "for it is silent", Deferred())

    def _begin(self, view: NodeView, by: str, done: Deferred[None]) -> None:
        # At once, so that it is done once.
        view.is_lost = True
        what = f"declaring {view.url} lost"
        self._background.run(what, self._declare(view, by, done))

    async def _declare(self, view: NodeView, by: str, done: Deferred[None]) -> None:
        record = LostNode(url=view.url, declared_at=utc_now(self._clock))
        await self._store.commit(Put(record))
        self._log.warn("{node} is declared lost, {by}", node=view.url, by=by)
        self._changed(view)
        if not done.called:
            done.callback(None)

    # --- found -----------------------------------------------------------------

    def heard(self, view: NodeView) -> None:
        """It has told something: a lost one may have come back."""
        if not view.is_lost:
            return
        for name in view.strangers:
            self._background.run(f"ending {name}", self._end_stranger(view.url, name))
        if self._is_empty(view):
            if view.url not in self._finding:
                found_at = self._clock.seconds() + self._settings.silent_after_s
                self._finding.set(view.url, found_at)
        else:
            self._finding.clear(view.url)

    def _is_empty(self, view: NodeView) -> bool:
        return (
            view.is_known
            and view.is_well
            and not view.strangers
            and all(phase_of(t) is Phase.TEARDOWN for t in view.instances.values())
        )

    async def _end_stranger(self, node: str, name: str) -> None:
        try:
            await self._end(node, name)
        except Setback as setback:
            # It is told of again, and asked again then.
            self._log.info(
                "{name} on {node} is not ended: {reason}",
                name=name,
                node=node,
                reason=str(setback),
            )

    def _find(self, url: str) -> None:
        view = self._nodes.views[url]
        if view.is_lost and self._is_empty(view):
            self._log.info("{node}, which was lost, is found again", node=url)
            view.is_lost = False
            self._forget(url)
            self._changed(view)

    def _forget(self, url: str) -> None:
        async def forget() -> None:
            await self._store.commit(Delete(LostNode, url))

        self._background.run(f"forgetting that {url} was lost", forget())
