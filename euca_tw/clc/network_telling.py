"""
That every cluster knows what it must of the cloud's networks: what one cloud
controller at a time sees to.

What is told is known as that of one run: from when a cloud controller begins to tell
until it ends, or another does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, ClassVar

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from euca_tw.api import cluster as api
from euca_tw.api.networks import NetworkChanges, NetworkPosition
from euca_tw.clc import network_history
from euca_tw.clc.anew import OF_THE_CLOUD, Anew
from euca_tw.common.background import Background
from euca_tw.common.backoff import Backoff
from euca_tw.model.identifiers import Minter
from euca_tw.model.records import GroupNetwork, Instance, LostCluster, Restored
from euca_tw.model.sharing import Controller, FeedStanding
from euca_tw.overlay.chart import Chart, Place, Scope
from euca_tw.overlay.entries import Difference
from euca_tw.overlay.feed import Feed
from euca_tw.soap.interfaces import IPeer, PeerUnreachable
from euca_tw.store.interfaces import Change, Delete, IStore, Put


@define(eq=False, kw_only=True)
class NetworkTelling:
    """
    @ivar clusters: by the availability zone's name.
    @ivar chart: of all networks, kept up to date by who made this.
    @ivar revision: of the state, as it is durable.
    @ivar by: what this cloud controller is called; C{""}: it is the only one.
    @ivar may_act: whether it may still tell.
    """

    store: IStore
    clusters: Mapping[str, IPeer]
    chart: Chart
    clock: IReactorTime
    random: Random = field(repr=False)
    timeout_s: float
    revision: Callable[[], int]
    by: str = ""
    may_act: Callable[[], bool] = lambda: True
    _log: ClassVar[Logger] = Logger()
    _background: Background = field(factory=Background, init=False)
    _epoch: str = field(init=False)
    _feeds: dict[str, Feed] = field(factory=dict, init=False)
    # Networks that are over, and what holds them up.
    _over: dict[int, GroupNetwork] = field(factory=dict, init=False)
    _unsettled: dict[str, tuple[str, ...]] = field(factory=dict, init=False)
    _again: Backoff = field(init=False)
    _anew: Anew = field(init=False)
    _sweep: IDelayedCall | None = field(default=None, init=False)
    _accepted: set[str] = field(factory=set, init=False)
    _is_running: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._epoch = epoch = Minter(self.random).uuid()
        self._again = Backoff(random=self.random, first_s=0.5, ceiling_s=60.0)
        self._anew = Anew(clock=self.clock, random=self.random, times=OF_THE_CLOUD)
        for name, peer in self.clusters.items():
            self._feeds[name] = Feed(
                name=name,
                clock=self.clock,
                random=self.random,
                epoch=epoch,
                send=self._sender(name, peer),
                settled=self._settled,
                judge=lambda at: network_history.has_told(self.store, at),
                revision=self.revision,
                turned=self._turned,
            )
            self.put({_place(name): self.chart.follow(_place(name))})

    def start(self) -> None:
        """Begin to tell; the store is open."""
        self._is_running = True
        for record in list(self.store.all(GroupNetwork)):
            self.read(record)
            self.see_whether_over(record.number)
        self._background.run("beginning to tell of networks", self._begin())

    async def _begin(self) -> None:
        """What is told is known as this run's, whatever comes."""
        now = network_history.revision(self.store)
        if self.by:
            # What was read till here is nothing that the next commit goes by.
            await deferLater(self.clock, 0)
            await self._anew.commit(self.store, self._folded)
        await self._anew.commit(
            self.store,
            lambda: network_history.beginning(self.store, self._epoch, now),
        )
        if self._is_running:
            for feed in self._feeds.values():
                feed.start()

    def _folded(self) -> Sequence[Change]:
        others = [each.name for each in self.store.all(Controller)]
        return network_history.folded(self.store, self.by, others)

    def stop(self) -> Deferred[Any]:
        """Tell no more."""
        self._is_running = False
        if self._sweep is not None and self._sweep.active():
            self._sweep.cancel()
        for name in self._feeds:
            self.chart.leave(_place(name))
        feeds = [feed.stop() for feed in self._feeds.values()]
        return DeferredList([*feeds, self._background.stop()])

    def put(self, told: Mapping[Place, Difference]) -> None:
        """The chart has changed so."""
        for place, difference in told.items():
            self._feeds[place.name].put(difference)

    def _sender(self, name: str, peer: IPeer) -> Any:
        async def send(changes: NetworkChanges) -> NetworkPosition:
            if not self.may_act():
                raise PeerUnreachable(name, "another cloud controller tells it")
            request = api.SetNetworks(user_id="eucalyptus", changes=changes)
            told = await peer.call(api.SET_NETWORKS, request, self.timeout_s)
            self._unsettled[name] = told.unsettled
            position: NetworkPosition = told.position
            return position

        return send

    # --- how it stands with clusters -------------------------------------------

    def ask(self, zone: str) -> None:
        """A cluster is heard again: see where it stands."""
        self._feeds[zone].ask()

    def standing(self, zone: str) -> FeedStanding:
        """How it stands with a cluster."""
        feed = self._feeds[zone]
        return FeedStanding(
            zone=zone, is_held=feed.held is not None, has_told=feed.has_told
        )

    def accept(self, zone: str) -> None:
        """Have a cluster take this cloud's networks, or do without its word."""
        self._log.warn("{zone} is to take networks of this state", zone=zone)
        self._feeds[zone].accept()
        self._accepted.add(zone)
        self._see_whether_all_are_heard()

    def _settled(self) -> None:
        self._see_whether_all_are_heard()
        self.forget_what_is_over()

    def _see_whether_all_are_heard(self) -> None:
        def changes() -> Sequence[Change]:
            record = network_history.restored(self.store)
            return () if record is None else (Delete(Restored, record.key),)

        if network_history.restored(self.store) is not None and all(
            feed.has_told or name in self._accepted
            for name, feed in self._feeds.items()
        ):
            self._commit("all clusters are heard", changes)

    def _turned(self) -> None:
        """Others are to know how it stands."""
        if self.by and self._standings():
            self._commit("keeping how it stands with clusters", self._standings)

    def _standings(self) -> Sequence[Change]:
        return [
            Put(standing)
            for standing in map(self.standing, self._feeds)
            if standing != self.store.get(FeedStanding, standing.zone)
        ]

    # --- what is over ------------------------------------------------------------

    def read(self, record: GroupNetwork) -> None:
        """It was committed."""
        if record.is_over:
            self._over[record.number] = record
            self._again.reset()

    def see_whether_over(self, number: int) -> None:
        """An instance of the network has ended."""

        def changes() -> Sequence[Change]:
            record = self.store.get(GroupNetwork, str(number))
            if record is None or record.is_over:
                return ()
            # From here to the commit nothing waits: a launch would see that it is.
            if self.store.where(Instance, "member_of", f"network/{number}"):
                return ()
            self._log.info(
                "Network {number} of {group_id} is over",
                number=number,
                group_id=record.group_id,
            )
            return (Put(evolve(record, is_over=True)),)

        if self._is_running:
            self._commit("ending a network", changes)

    def forget_what_is_over(self) -> None:
        """What no machine has anything of may be used for others."""
        for number, record in list(self._over.items()):
            if all(map(self._is_settled, record.zones)):
                del self._over[number]
                gone = (Delete(GroupNetwork, record.key),)
                self._commit("forgetting a network", lambda gone=gone: gone)  # type: ignore[misc]
        if self._over and self._sweep is None and self._is_running:
            self._sweep = self.clock.callLater(self._again.next(), self._ask_again)

    def _is_settled(self, zone: str) -> bool:
        if self.store.get(LostCluster, zone) is not None:
            return True
        feed = self._feeds.get(zone)
        return feed is None or (feed.is_settled and not self._unsettled.get(zone))

    def _ask_again(self) -> None:
        self._sweep = None
        zones = {zone for record in self._over.values() for zone in record.zones}
        for zone in sorted(zones & self._feeds.keys()):
            self._feeds[zone].ask()
        self.forget_what_is_over()

    def _commit(self, what: str, decide: Callable[[], Sequence[Change]]) -> None:
        async def commit() -> None:
            await self._anew.commit(self.store, decide)

        self._background.run(what, commit())


def _place(name: str) -> Place:
    return Place(Scope.CLUSTER, name)


__all__ = ["NetworkTelling"]
