"""
A cluster's networks: what the cloud told, joined with where this cluster has placed
its instances, and told to its machines.

What the cloud told is not kept: it is told anew to a cluster that was started anew,
and until then no machine is told anything, so that all go on with what they have.
Only which state of the cloud's that was is: see L{euca_tw.cc.newer_state}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

from attrs import evolve, frozen
from twisted.internet.defer import Deferred, DeferredList, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from euca_tw.api import head as head_api
from euca_tw.api import node as node_api
from euca_tw.api.cluster import SetNetworks, SetNetworksResponse
from euca_tw.api.errors import InvalidParameterValue
from euca_tw.api.networks import MachineEntry, NetworkChanges, NetworkPosition
from euca_tw.cc.newer_state import NewestState
from euca_tw.cc.settings import ClusterSettings
from euca_tw.common.background import Background
from euca_tw.common.watch import Watch
from euca_tw.model.networks import Machine, Member, Role
from euca_tw.overlay.chart import Chart, Place, Scope
from euca_tw.overlay.entries import Difference, Entry, machine_key, member_key
from euca_tw.overlay.feed import Feed
from euca_tw.overlay.replica import Replica
from euca_tw.overlay.wire import told_of
from euca_tw.soap.interfaces import IPeer, IPeers, PeerRefused, PeerUnreachable
from euca_tw.store.interfaces import IStore

#: So many entries are looked at in one turn of the reactor.
_SLICE = 200
#: Beyond what a head may hold a question, the answer may take so long.
_GRACE_S = 10.0


@frozen(kw_only=True)
class Carriers:
    """
    The machines of a cluster that carry its networks.

    @ivar nodes: by their URLs, which are their names.
    @ivar head: the same of the head; None: it has none, so no router.
    @ivar head_peer: with which the head is spoken to.
    """

    nodes: tuple[Machine, ...]
    head: Machine | None = None
    head_peer: IPeer | None = None

    def __iter__(self) -> Iterator[Machine]:
        yield from self.nodes
        if self.head is not None:
            yield self.head


class ClusterNetworks:
    """Has each machine of a cluster know what it must of networks."""

    _log = Logger()

    def __init__(
        self,
        *,
        cluster: str,
        carriers: Carriers,
        peers: IPeers,
        clock: IReactorTime,
        random: Random,
        epoch: str,
        settings: ClusterSettings,
        node_of: Callable[[str], str],
        is_lost: Callable[[str], bool] = lambda url: False,
        store: IStore,
    ) -> None:
        """
        @param store: is open when the cloud tells anything.
        @param epoch: another with each start.
        @param node_of: to which node this cluster gave an instance; C{""}: it
            does not know.
        @param is_lost: whether a node was declared lost: it has nothing of any
            network then, and is told all when it comes back.
        """
        self._cluster = cluster
        self._carriers = carriers
        self._node_of = node_of
        self._is_lost = is_lost
        self._settings = settings
        self._clock = clock
        self._background = Background()
        self._lock = DeferredLock()
        self._is_charted = False
        self._newest = NewestState(cluster, store)
        self._replica = Replica()
        self._untaken = 0
        self._chart = Chart()
        self._heard: set[str] = set()
        self._feeds: dict[Place, Feed] = {}
        self._names = {machine_key(machine.name) for machine in carriers}
        self._head_epoch: str | None = None
        self._head_sequence = 0
        self._watch: Watch | None = None

        def follow(machine: Machine, send: Any) -> None:
            place = self._place(machine)
            self._feeds[place] = Feed(
                name=machine.name,
                clock=clock,
                random=random,
                epoch=epoch,
                send=send,
            )
            self._put({place: self._chart.follow(place)})

        for machine in carriers.nodes:
            follow(machine, self._to_node(machine.name, peers.peer(machine.name)))
        if carriers.head is not None and carriers.head_peer is not None:
            follow(carriers.head, self._to_head(carriers.head.name, carriers.head_peer))
            self._watch = Watch(
                name=carriers.head.name,
                clock=clock,
                random=random,
                ask=self._ask_head,
                failures=(PeerUnreachable, PeerRefused),
                silent=lambda: None,
                silent_after_s=settings.silent_after_s,
            )
        self._put(self._chart.change(carriers))

    def start(self) -> None:
        """Begin to listen to the head; nodes are listened to elsewhere."""
        if self._watch is not None:
            self._watch.start()

    def stop(self) -> Deferred[Any]:
        """Tell no more; machines go on with what they know."""
        stopping = [feed.stop() for feed in self._feeds.values()]
        stopping.append(self._background.stop())
        if self._watch is not None:
            stopping.append(self._watch.stop())
        return DeferredList(stopping)

    @property
    def machines(self) -> tuple[MachineEntry, ...]:
        """As the cloud is told of them."""
        return tuple(told_of(each) for each in self._carriers)  # type: ignore[misc]

    # --- what the cloud tells --------------------------------------------------

    async def set(self, request: SetNetworks) -> SetNetworksResponse:
        """
        Take in what the cloud tells.

        @raise InvalidParameterValue: it cannot be so.
        """
        changes = request.changes
        difference = None
        if self._newest.lets(changes):
            try:
                difference = self._replica.hear(changes)
            except ValueError as error:
                raise InvalidParameterValue("changes", "networks", str(error)) from None
        # What is told once more may not be kept yet: it is answered when it is.
        if difference is not None or self._untaken:
            done: Deferred[None] = Deferred()
            work = self._take(difference or Difference(), changes, done)
            # Also when nobody waits for it any more: it is not told again.
            self._background.run("taking in networks", work)
            await done
        return SetNetworksResponse(
            position=self._newest.with_told(self._replica.position),
            unsettled=tuple(
                feed.name
                for feed in self._feeds.values()
                if not feed.is_settled and not self._is_lost(feed.name)
            ),
        )

    async def _take(
        self, difference: Difference, changes: NetworkChanges, done: Deferred[None]
    ) -> None:
        """In slices, one a turn: after a start there may be thousands."""
        self._untaken += 1
        await self._lock.acquire()
        try:
            if changes.epoch == self._replica.epoch:
                await self._newest.keep(changes)
            gone = [key for key in difference.gone if key not in self._names]
            self._put(self._chart.change(gone=gone))
            for start in range(0, len(difference.puts), _SLICE):
                if start:
                    await deferLater(self._clock, 0)
                some = difference.puts[start : start + _SLICE]
                self._put(self._chart.change(self._joined(some)))
        finally:
            self._untaken -= 1
            self._lock.release()
        self._is_charted = True
        self._start_all()
        if not done.called:
            done.callback(None)

    def _joined(self, told: Iterable[Entry]) -> Iterator[Entry]:
        """Of its own machines and placements a cluster knows better."""
        for entry in told:
            if isinstance(entry, Member):
                yield self._placed(entry)
            elif not (isinstance(entry, Machine) and entry.cluster == self._cluster):
                yield entry

    def _placed(self, member: Member) -> Member:
        if member.cluster != self._cluster:
            return member
        node = self._node_of(member.instance_id)
        return evolve(member, machine=node) if node else member

    # --- what is learned here ----------------------------------------------------

    def placed(self, instance_id: str) -> None:
        """An instance may have been given to another node."""
        member = self._replica.entries.get(member_key(instance_id))
        if isinstance(member, Member):
            self._put(self._chart.change([self._placed(member)]))

    def heard(self, machine: str, *, is_another: bool) -> None:
        """
        A machine is heard, and all that is on it is known here.

        @param is_another: it was started anew, or is heard again.
        """
        self._heard.add(machine)
        for place, feed in self._feeds.items():
            if feed.name == machine:
                self._start(place)
                if is_another:
                    feed.ask()

    def _start_all(self) -> None:
        for place in self._feeds:
            self._start(place)

    def _start(self, place: Place) -> None:
        """
        Not before all is known that concerns it: what a machine is not told of
        it carries no more.
        """
        feed = self._feeds[place]
        if self._is_charted and feed.name in self._heard:
            feed.start()

    def _put(self, told: dict[Place, Difference]) -> None:
        for place, difference in told.items():
            self._feeds[place].put(difference)

    def _place(self, machine: Machine) -> Place:
        if machine.role is Role.HEAD:
            return Place(Scope.HEAD, self._cluster)
        return Place(Scope.NODE, machine.name)

    # --- machines ----------------------------------------------------------------

    def _to_node(self, name: str, peer: IPeer) -> Any:
        async def send(changes: NetworkChanges) -> NetworkPosition:
            request = node_api.NcSetNetworks(
                user_id="eucalyptus", name=name, changes=changes
            )
            told = await peer.call(
                node_api.NC_SET_NETWORKS, request, self._settings.call_timeout_s
            )
            position: NetworkPosition = told.position
            return position

        return send

    def _to_head(self, name: str, peer: IPeer) -> Any:
        async def send(changes: NetworkChanges) -> NetworkPosition:
            request = head_api.SetHeadNetworks(
                user_id="eucalyptus", name=name, changes=changes
            )
            told = await peer.call(
                head_api.SET_HEAD_NETWORKS, request, self._settings.call_timeout_s
            )
            position: NetworkPosition = told.position
            return position

        return send

    async def _ask_head(self) -> None:
        head, peer = self._carriers.head, self._carriers.head_peer
        assert head is not None
        assert peer is not None
        poll_s = self._settings.poll_s
        request = head_api.WaitForHead(
            user_id="eucalyptus",
            epoch=self._head_epoch,
            since=self._head_sequence,
            timeout_s=int(poll_s) if self._head_epoch else 0,
        )
        try:
            told = await peer.call(head_api.WAIT_FOR_HEAD, request, poll_s + _GRACE_S)
        except (PeerUnreachable, PeerRefused):
            # It may be another when it is heard again.
            self._head_epoch = None
            raise
        is_another = told.epoch != self._head_epoch
        self._head_epoch, self._head_sequence = told.epoch, told.sequence
        if told.trouble:
            self._log.warn(
                "{head} does not carry what it shall: {trouble}",
                head=head.name,
                trouble=told.trouble,
            )
        self.heard(head.name, is_another=is_another)
