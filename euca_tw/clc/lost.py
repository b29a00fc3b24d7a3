"""
Clusters that were declared lost: when they may be, what that brings about, and when
they are found again.  And nodes that are, which their clusters see to.

What holds of a lost node holds of a lost cluster: see Note [An instance runs at most
once] in L{euca_tw.cc.lost}.  It is given nothing until it has told all that it has,
and that all of it has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import ClassVar, Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.api.cluster import DECLARE_NODE_LOST, DeclareNodeLost
from euca_tw.clc.cluster_view import ClusterView
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.common.background import Background
from euca_tw.common.clock import utc_now
from euca_tw.common.silence import declares_itself, left_s
from euca_tw.model.records import LostCluster
from euca_tw.model.sharing import ClusterReport
from euca_tw.soap.interfaces import IPeer, PeerRefused, PeerUnreachable
from euca_tw.store.interfaces import (
    Conflict,
    Delete,
    IStore,
    Put,
    StoreUnreachable,
)


class NotDeclared(Exception):
    """It was not declared lost; the text says why, for the operator."""


class IsLoop(Protocol):
    """What is needed of a cluster's loop."""

    @property
    def view(self) -> ClusterView: ...

    @property
    def silence_s(self) -> float: ...

    def wake_all(self) -> None: ...


@define(eq=False, kw_only=True)
class LostClusters:
    """
    @ivar names: of the clusters that there are.
    @ivar peer_of: a cluster, by the zone's name.
    @ivar zones: the loops of those whose work is done here, by name.
    @ivar silent: how many clusters are silent.
    """

    store: IStore
    clock: IReactorTime
    settings: ConvergenceSettings
    names: Collection[str]
    peer_of: Callable[[str], IPeer]
    zones: Callable[[], Mapping[str, IsLoop]]
    silent: Callable[[], int]
    _background: Background = field(factory=Background, init=False)
    _declaring: set[str] = field(factory=set, init=False)
    _log: ClassVar[Logger] = Logger()

    def since(self, zone: str) -> datetime | None:
        """When a cluster was declared lost; None: it is not."""
        record = self.store.get(LostCluster, zone)
        return None if record is None else record.declared_at

    def stop(self) -> Deferred[object]:
        """Whatever is under way."""
        return self._background.stop()

    # --- declared --------------------------------------------------------------

    async def declare(self, zone: str) -> None:
        """
        A cluster that is silent does not come back, an operator says.

        @raise NotDeclared:
        """
        if zone not in self.names:
            known = ", ".join(self.names) or "none"
            raise NotDeclared(f"there is no cluster {zone}; there are {known}")
        if self.since(zone) is not None:
            return
        loop = self.zones().get(zone)
        if loop is None:
            raise NotDeclared(
                f"another cloud controller leads the work for {zone}, and only that "
                "one knows how long it has been silent: ask it (`euca-tw status` "
                "tells which it is)"
            )
        if loop.view.is_well:
            raise NotDeclared(f"{zone} answers")
        after_s = self.settings.lost_after_s
        more_s = left_s(loop.silence_s, after_s)
        if more_s:
            raise NotDeclared(
                f"{zone} has been silent for {loop.silence_s:.0f} s only, and may be "
                f"declared lost after {after_s:.0f} s: in {more_s:.0f} s"
            )
        done: Deferred[None] = Deferred()
        # Also when nobody waits for it any more.
        self._begin(zone, "by an operator", done)
        await done

    async def declare_node(self, node: str) -> str:
        """
        The same of a node, by its cluster.

        @param node: its URL, or the host in it.
        @return: its URL.
        @raise NotDeclared:
        """
        unasked = []
        request = DeclareNodeLost(user_id="eucalyptus", service_tag=node)
        for zone in self.names:
            try:
                told = await self.peer_of(zone).call(
                    DECLARE_NODE_LOST, request, self.settings.call_timeout_s
                )
            except (PeerUnreachable, PeerRefused) as e:
                unasked.append(f"{zone} cannot be asked ({e})")
                continue
            if told.refusal:
                raise NotDeclared(told.refusal)
            if told.service_tag:
                found: str = told.service_tag
                return found
        raise NotDeclared(
            "; ".join([f"no cluster that answers has a node {node}", *unasked])
        )

    def unheard(self, zone: str) -> None:
        """It was asked, and has not answered."""
        loop = self.zones().get(zone)
        if loop is None or self.since(zone) is not None:
            return
        if declares_itself(
            self.settings.declare_lost,
            loop.silence_s,
            self.settings.lost_after_s,
            self.silent(),
            len(self.names),
        ):
            done: Deferred[None] = Deferred()
            # If it could not be kept, it is tried when it is not heard again.
            done.addErrback(lambda failure: None)
            self._begin(zone, "for it is silent", done)

    def _begin(self, zone: str, by: str, done: Deferred[None]) -> None:
        what = f"declaring {zone} lost"
        self._background.run(what, self._declare(zone, by, done))

    async def _declare(self, zone: str, by: str, done: Deferred[None]) -> None:
        if self.since(zone) is None and zone not in self._declaring:
            self._declaring.add(zone)
            # Who leads its work by the time that this is kept, and has heard it, has
            # told so: then this has been overtaken.
            self.store.get(ClusterReport, zone)
            try:
                await self.store.commit(
                    Put(LostCluster(name=zone, declared_at=utc_now(self.clock)))
                )
            except (Conflict, StoreUnreachable) as error:
                why = str(error) or "another cloud controller changed the same"
                if not done.called:
                    done.errback(NotDeclared(f"{zone} is not declared lost: {why}"))
                return
            finally:
                self._declaring.discard(zone)
            self._log.warn("{zone} is declared lost, {by}", zone=zone, by=by)
            # Another may lead its work by now, and begins with looking at all.
            if (loop := self.zones().get(zone)) is not None:
                loop.wake_all()
        if not done.called:
            done.callback(None)

    # --- found -----------------------------------------------------------------

    def heard(self, zone: str) -> None:
        """It has told something: a lost one may have come back."""
        if self.since(zone) is None:
            return
        loop = self.zones().get(zone)
        if loop is not None and loop.view.is_empty:
            self._log.info("{zone}, which was lost, is found again", zone=zone)

            async def forget() -> None:
                # If this fails, it is done when it is heard the next time.
                with suppress(Conflict, StoreUnreachable):
                    await self.store.commit(Delete(LostCluster, zone))

            self._background.run(f"forgetting that {zone} was lost", forget())
