"""
The cloud's networks: which security group has which, and that every cluster knows
what it must of them.

All is made of records, so it is the same after a restart; clusters are told what
changed when it is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address
from random import Random
from typing import Any

from attrs import evolve
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from euca_tw.api import cluster as api
from euca_tw.api.networks import MachineEntry, NetworkChanges, NetworkPosition
from euca_tw.clc import network_entries, network_history
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.common.background import Background
from euca_tw.common.backoff import Backoff
from euca_tw.model.identifiers import Minter
from euca_tw.model.networks import Member, Role, TrunkEnd, View
from euca_tw.model.ranges import Numbers
from euca_tw.model.records import (
    Address,
    GroupNetwork,
    Instance,
    KnownMachine,
    NetworkRevision,
    Restored,
    SecurityGroup,
    place_in_network,
)
from euca_tw.overlay.chart import ENDS, HEADS, Chart, Place, Scope
from euca_tw.overlay.entries import (
    Difference,
    Entry,
    elastic_key,
    group_key,
    machine_key,
    member_key,
    network_key,
)
from euca_tw.overlay.extents import Extents
from euca_tw.overlay.feed import Feed
from euca_tw.overlay.settings import NetworkSettings
from euca_tw.overlay.views import Picture
from euca_tw.overlay.wire import machine_of
from euca_tw.soap.interfaces import IPeer
from euca_tw.store.interfaces import Change, Delete, IStore, Put

#: Kinds of which entries are made, in an order in which they can be.
_KINDS = (GroupNetwork, SecurityGroup, KnownMachine, Instance, Address)


class NoFreeNetwork(Exception):
    """All that the private range has room for are taken."""


class NetworksHeld(Exception):
    """
    Some cluster has, or may have, instances that this cloud knows nothing of: what
    is free cannot be known.
    """


class CloudNetworks(Service):
    """
    What each cluster is told of networks.  The store is open before this is
    started, and this is told of its commits (L{changed}).
    """

    _log = Logger()

    def __init__(
        self,
        *,
        settings: NetworkSettings,
        clusters: Mapping[str, IPeer],
        ends: Iterable[TrunkEnd] = (),
        store: IStore,
        clock: IReactorTime,
        random: Random,
        convergence: ConvergenceSettings | None = None,
    ) -> None:
        """@param clusters: by the availability zone's name."""
        self.mode = settings.mode
        self._store = store
        self._clock = clock
        self._timeout_s = (convergence or ConvergenceSettings()).call_timeout_s
        self._numbers = Numbers(settings.carving)
        self._next: dict[int, int] = {}
        self._chart = Chart()
        self._extents = Extents()
        self._chart.change(ends)
        self._background = Background()
        # Networks that are over, and what holds them up.
        self._over: dict[int, GroupNetwork] = {}
        self._unsettled: dict[str, tuple[str, ...]] = {}
        self._again = Backoff(random=random, first_s=0.5, ceiling_s=60.0)
        self._sweep: IDelayedCall | None = None
        self._epoch = epoch = Minter(random).uuid()
        # Of what is told: it is durable.
        self._revision = 0
        self._accepted: set[str] = set()
        self._feeds = {
            name: Feed(
                name=name,
                clock=clock,
                random=random,
                epoch=epoch,
                send=self._sender(name, peer),
                settled=self._settled,
                judge=lambda position: network_history.has_told(store, position),
                revision=lambda: self._revision,
            )
            for name, peer in clusters.items()
        }
        for name in clusters:
            self._put({_place(name): self._chart.follow(_place(name))})

    def startService(self) -> None:
        super().startService()
        for record in self._store.all(GroupNetwork):
            self._numbers.take(network_entries.network_of(record))
        self.changed([Put(each) for kind in _KINDS for each in self._store.all(kind)])
        for record in self._store.all(GroupNetwork):
            self._see_whether_over(record.number)
        self._background.run("beginning to tell of networks", self._begin())

    async def _begin(self) -> None:
        """What is told is known as this run's, whatever comes."""
        self._revision = network_history.revision(self._store)
        await self._store.commit(*network_history.beginning(self._store, self._epoch))
        if self.running:
            for feed in self._feeds.values():
                feed.start()

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        if self._sweep is not None and self._sweep.active():
            self._sweep.cancel()
        feeds = [feed.stop() for feed in self._feeds.values()]
        return DeferredList([*feeds, self._background.stop()])

    # --- what launches ask -----------------------------------------------------

    def network_for(self, group_id: str) -> GroupNetwork:
        """
        The network of a group's instances, or one that may become it (L{use}).

        @raise NoFreeNetwork:
        @raise NetworksHeld:
        """
        if self.is_holding:
            raise NetworksHeld
        for record in self._store.where(GroupNetwork, "serves", group_id):
            return record
        network = self._numbers.free()
        if network is None:
            raise NoFreeNetwork
        return GroupNetwork(
            number=network.number,
            subnet=str(network.subnet),
            group_id=group_id,  # type: ignore[arg-type]
        )

    def use(self, record: GroupNetwork, zones: Iterable[str]) -> tuple[Put, ...]:
        """What to commit at once, for instances of the network in these zones."""
        if self._store.get(GroupNetwork, record.key) is None:
            self._numbers.take(network_entries.network_of(record))
        known = tuple(sorted({*record.zones, *zones}))
        used = evolve(record, zones=known)
        return () if used == self._store.get(GroupNetwork, record.key) else (Put(used),)

    def free(self, record: GroupNetwork) -> Iterator[int]:
        """
        The free places in a network, going round: what was given back rests
        before it is another's.
        """
        room = network_entries.network_of(record).room
        start = self._next.get(record.number, 0)
        for n in range(room):
            index = (start + n) % room
            place = place_in_network(record.number, index)
            if not self._store.where(Instance, "occupies", place):
                self._next[record.number] = index + 1
                yield index

    def addresses(self, record: GroupNetwork) -> int:
        """How many places are free."""
        taken = self._store.where(Instance, "member_of", f"network/{record.number}")
        return network_entries.network_of(record).room - len(taken)

    @staticmethod
    def address(record: GroupNetwork, index: int) -> IPv4Address:
        """Of the instance at a place."""
        return network_entries.network_of(record).address(index)

    # --- when a newer state was lost --------------------------------------------

    def counted(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """What is committed with these changes: their number."""
        return network_history.counted(self._store, changes, _KINDS)

    def holds(self, zone: str) -> bool:
        """Whether a cluster holds on to what this cloud knows nothing of."""
        return self._feeds[zone].held is not None

    def has_told(self, zone: str) -> bool:
        """Whether a cluster has taken this cloud's networks, in this run."""
        return self._feeds[zone].has_told

    @property
    def is_holding(self) -> bool:
        """
        Whether there may be instances that this cloud knows nothing of: some cluster
        says so, or this state was restored and not all have been heard.
        """
        if any(feed.held is not None for feed in self._feeds.values()):
            return True
        return network_history.restored(self._store) is not None

    async def accept(self, zone: str) -> None:
        """
        Have a cluster take this cloud's networks, or do without its word.

        @raise LookupError: it does not hold on to others, and is not waited for.
        """
        feed = self._feeds[zone]
        is_awaited = network_history.restored(self._store) and not feed.has_told
        if feed.held is None and not is_awaited:
            raise LookupError(zone)
        self._log.warn("{zone} is to take networks of this state", zone=zone)
        feed.accept()
        self._accepted.add(zone)
        self._see_whether_all_are_heard()

    def _settled(self) -> None:
        self._see_whether_all_are_heard()
        self._forget_what_is_over()

    def _see_whether_all_are_heard(self) -> None:
        record = network_history.restored(self._store)
        if record is not None and all(
            feed.has_told or name in self._accepted
            for name, feed in self._feeds.items()
        ):
            self._commit("all clusters are heard", Delete(Restored, record.key))

    # --- what operators ask ----------------------------------------------------

    def member_at(self, address: IPv4Address) -> Member | None:
        """The instance that has a private address."""
        return self._chart.member_at(address)

    def seen_from(self, machine: str, networks: Iterable[int]) -> View:
        """
        What a machine that runs instances knows; and as a head does, of these
        networks, of its instances' public addresses, of all heads and of the trunks.
        """
        also = [(kind, n) for n in networks for kind in ("network", "extent")]
        place = Place(Scope.NODE, machine)
        found = self._chart.concerning(place, ENDS, HEADS, *also)
        return Picture(machine, Role.HEAD).take(Difference(found))

    # --- what changes ------------------------------------------------------------

    def changed(self, changes: Sequence[Change]) -> None:
        """These records were committed."""
        puts: list[Entry] = []
        gone: list[str] = []
        for change in changes:
            if isinstance(change, Put):
                self._read(change.record, puts, gone)
            elif change.kind in _KEYS:
                gone.append(_KEYS[change.kind](change.key))
        where = self._extents.change(puts, gone)
        told = self._chart.change((*puts, *where.puts), (*gone, *where.gone))
        self._put(told)
        for change in changes:
            record = change.record if isinstance(change, Put) else None
            if isinstance(record, Instance) and record.network and not record.is_live:
                self._see_whether_over(record.network)
        self._forget_what_is_over()

    def _read(self, record: Any, puts: list[Entry], gone: list[str]) -> None:
        match record:
            case Instance():
                member = network_entries.member_of(record)
                if member is None:
                    gone.append(member_key(record.instance_id))
                else:
                    puts.append(member)
                held = self._store.where(Address, "instance_id", record.instance_id)
                for address in held:
                    self._read_address(address, record, puts, gone)
            case NetworkRevision():
                self._revision = max(self._revision, record.number)
            case SecurityGroup():
                puts.append(network_entries.group_of(record))
            case GroupNetwork() if record.is_over:
                self._over[record.number] = record
                self._again.reset()
                gone.append(network_key(record.number))
            case GroupNetwork():
                puts.append(network_entries.network_of(record))
            case KnownMachine():
                puts.append(network_entries.machine_of(record))
            case Address():
                holder = None
                if record.instance_id is not None:
                    holder = self._store.get(Instance, record.instance_id)
                self._read_address(record, holder, puts, gone)

    @staticmethod
    def _read_address(
        address: Address, holder: Instance | None, puts: list[Entry], gone: list[str]
    ) -> None:
        elastic = network_entries.elastic_of(address, holder)
        if elastic is None:
            gone.append(elastic_key(address.public_ip))
        else:
            puts.append(elastic)

    def _put(self, told: Mapping[Place, Difference]) -> None:
        for place, difference in told.items():
            self._feeds[place.name].put(difference)

    def _sender(self, name: str, peer: IPeer) -> Any:
        async def send(changes: NetworkChanges) -> NetworkPosition:
            request = api.SetNetworks(user_id="eucalyptus", changes=changes)
            told = await peer.call(api.SET_NETWORKS, request, self._timeout_s)
            self._unsettled[name] = told.unsettled
            position: NetworkPosition = told.position
            return position

        return send

    # --- what clusters tell ------------------------------------------------------

    def heard(
        self, name: str, told: api.WaitForChangesResponse, *, is_another: bool
    ) -> None:
        """
        A cluster is heard again.

        @param is_another: it was started anew, and has told what it is made of.
        """
        self._feeds[name].ask()
        if not is_another:
            return
        try:
            machines = {each.name: _known(name, each) for each in told.machines}
        except ValueError as error:
            self._log.warn(
                "{zone} tells of a machine that cannot be: {reason}",
                zone=name,
                reason=str(error),
            )
            return
        known = self._store.where(KnownMachine, "cluster", name)
        changes: list[Change] = [
            Delete(KnownMachine, each.key)
            for each in known
            if each.name not in machines
        ]
        changes += [
            Put(each)
            for each in machines.values()
            if each != self._store.get(KnownMachine, each.key)
        ]
        if changes:
            self._commit("keeping what carries networks", *changes)

    # --- what is over ------------------------------------------------------------

    def _see_whether_over(self, number: int) -> None:
        record = self._store.get(GroupNetwork, str(number))
        if record is None or record.is_over:
            return
        # From here to the commit nothing waits: a launch would see that it is.
        if not self._store.where(Instance, "member_of", f"network/{number}"):
            self._log.info(
                "Network {number} of {group_id} is over",
                number=number,
                group_id=record.group_id,
            )
            self._commit("ending a network", Put(evolve(record, is_over=True)))

    def _forget_what_is_over(self) -> None:
        """What no machine has anything of may be used for others."""
        for number, record in list(self._over.items()):
            if all(map(self._is_settled, record.zones)):
                del self._over[number]
                self._numbers.give_back(network_entries.network_of(record))
                self._commit("forgetting a network", Delete(GroupNetwork, record.key))
        if self._over and self._sweep is None and self.running:
            self._sweep = self._clock.callLater(self._again.next(), self._ask_again)

    def _is_settled(self, zone: str) -> bool:
        feed = self._feeds.get(zone)
        return feed is None or (feed.is_settled and not self._unsettled.get(zone))

    def _ask_again(self) -> None:
        self._sweep = None
        zones = {zone for record in self._over.values() for zone in record.zones}
        for zone in sorted(zones & self._feeds.keys()):
            self._feeds[zone].ask()
        self._forget_what_is_over()

    def _commit(self, what: str, *changes: Change) -> None:
        async def commit() -> None:
            await self._store.commit(*changes)

        self._background.run(what, commit())


_KEYS: Mapping[type, Callable[[str], str]] = {
    Instance: member_key,
    SecurityGroup: group_key,
    GroupNetwork: network_key,
    KnownMachine: machine_key,
    Address: elastic_key,
}


def _known(cluster: str, told: MachineEntry) -> KnownMachine:
    """@raise ValueError: it cannot be so."""
    machine = machine_of(told)
    return KnownMachine(
        name=machine.name,
        cluster=cluster,
        role=machine.role.value,
        address=str(machine.address),
        is_routed=machine.is_routed,
        mtu=machine.mtu,
    )


def _place(name: str) -> Place:
    return Place(Scope.CLUSTER, name)
