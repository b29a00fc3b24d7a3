"""
The cloud's networks: which security group has which.

All is made of records, so it is the same after a restart, and in every cloud
controller that shares them; clusters are told what changed when it is durable
(L{euca_tw.clc.network_telling}).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from ipaddress import IPv4Address
from random import Random
from typing import Any

from attrs import evolve
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.api import cluster as api
from euca_tw.api.networks import MachineEntry
from euca_tw.clc import network_entries, network_history
from euca_tw.clc.anew import OF_THE_CLOUD, Anew
from euca_tw.clc.network_telling import NetworkTelling
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.common.background import Background
from euca_tw.model.networks import Member, Network, Role, TrunkEnd, View
from euca_tw.model.ranges import Numbers
from euca_tw.model.records import (
    Address,
    GroupNetwork,
    Instance,
    KnownMachine,
    NetworkRevision,
    SecurityGroup,
    place_in_network,
)
from euca_tw.model.sharing import ClusterReport, FeedStanding
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
from euca_tw.overlay.settings import NetworkSettings
from euca_tw.overlay.views import Picture
from euca_tw.overlay.wire import machine_of
from euca_tw.soap.interfaces import IPeer
from euca_tw.store.interfaces import Change, Delete, IStore, Put

#: Kinds of which entries are made, in an order in which they can be.
_KINDS = (GroupNetwork, SecurityGroup, KnownMachine, Instance, Address)
#: What else is read.
_LOADED = (*_KINDS, NetworkRevision, ClusterReport)


class NoFreeNetwork(Exception):
    """All that the private range has room for are taken."""


class NetworksHeld(Exception):
    """
    Some cluster has, or may have, instances that this cloud knows nothing of: what
    is free cannot be known.
    """


class CloudNetworks(Service):
    """
    The networks of this cloud.  The store is open before this is started, and this
    is told of its commits (L{changed}), those of other cloud controllers as well.
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
        by: str = "",
    ) -> None:
        """
        @param clusters: by the availability zone's name.
        @param by: what this cloud controller is called among those that share the
            state, of whom one tells clusters at a time (L{lead}, L{follow}); C{""}:
            it is the only one.
        """
        self.mode = settings.mode
        self._store = store
        self._clusters = clusters
        self._by = by
        self._numbers = Numbers(settings.carving)
        self._taken: dict[int, Network] = {}
        self._next: dict[int, int] = {}
        self._chart = Chart()
        self._extents = Extents()
        self._chart.change(ends)
        self._background = Background()
        self._anew = Anew(clock=clock, random=random, times=OF_THE_CLOUD)
        # Of what is told: it is durable.
        self._counts: dict[str, int] = {}
        self._heard: dict[str, tuple[str, bool]] = {}
        self._telling: NetworkTelling | None = None
        self._make_telling = partial(
            NetworkTelling,
            store=store,
            clusters=clusters,
            chart=self._chart,
            clock=clock,
            random=random,
            timeout_s=(convergence or ConvergenceSettings()).call_timeout_s,
            revision=lambda: sum(self._counts.values()),
            by=by,
        )

    def startService(self) -> None:
        super().startService()
        self.changed([Put(each) for kind in _LOADED for each in self._store.all(kind)])
        if not self._by:
            self.lead(lambda: True)

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        return DeferredList([self.follow(), self._background.stop()])

    def lead(self, may_act: Callable[[], bool]) -> None:
        """Tell clusters, from now on."""
        self._telling = self._make_telling(may_act=may_act)
        self._telling.start()

    def follow(self) -> Deferred[Any]:
        """Tell no more; fires when that is so."""
        telling, self._telling = self._telling, None
        return succeed(None) if telling is None else telling.stop()

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
        network = self._free_network()
        if network is None:
            raise NoFreeNetwork
        return GroupNetwork(
            number=network.number,
            subnet=str(network.subnet),
            group_id=group_id,  # type: ignore[arg-type]
        )

    def _free_network(self) -> Network | None:
        found = self._numbers.free()
        if found is None and self._by:
            # A commit that was overtaken may have left one taken.
            for number in list(self._taken):
                if self._store.get(GroupNetwork, str(number)) is None:
                    self._give_back(number)
            found = self._numbers.free()
        while found is not None:
            record = self._store.get(GroupNetwork, str(found.number))
            if record is None:
                break
            self._take(record)  # which was not durable when it was looked for
            found = self._numbers.free()
        return found

    def _take(self, record: GroupNetwork) -> None:
        if record.number not in self._taken:
            network = network_entries.network_of(record)
            self._taken[record.number] = network
            self._numbers.take(network)

    def _give_back(self, number: int) -> None:
        network = self._taken.pop(number, None)
        if network is not None:
            self._numbers.give_back(network)

    def use(self, record: GroupNetwork, zones: Iterable[str]) -> tuple[Put, ...]:
        """What to commit at once, for instances of the network in these zones."""
        self._take(record)
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
        return network_history.counted(self._store, changes, _KINDS, self._by)

    def holds(self, zone: str) -> bool:
        """Whether a cluster holds on to what this cloud knows nothing of."""
        return self._standing(zone).is_held

    def has_told(self, zone: str) -> bool:
        """Whether a cluster has taken this cloud's networks, since it is told."""
        return self._standing(zone).has_told

    def _standing(self, zone: str) -> FeedStanding:
        if self._telling is not None:
            return self._telling.standing(zone)
        kept: FeedStanding | None = self._store.get(FeedStanding, zone)
        return kept or FeedStanding(zone=zone)

    @property
    def is_holding(self) -> bool:
        """
        Whether there may be instances that this cloud knows nothing of: some cluster
        says so, or this state was restored and not all have been heard.
        """
        if any(map(self.holds, self._clusters)):
            return True
        return network_history.restored(self._store) is not None

    async def accept(self, zone: str) -> None:
        """
        Have a cluster take this cloud's networks, or do without its word.

        @raise LookupError: it does not hold on to others, and is not waited for.
        """
        if zone not in self._clusters:
            raise LookupError(zone)
        standing = self._standing(zone)
        is_awaited = network_history.restored(self._store) and not standing.has_told
        if not standing.is_held and not is_awaited:
            raise LookupError(zone)
        if self._telling is not None:
            self._telling.accept(zone)
        else:
            # Who tells it hears of this.
            await self._store.commit(Put(evolve(standing, is_accepted=True)))

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
                if change.kind is GroupNetwork:
                    self._give_back(int(change.key))
            elif change.kind is NetworkRevision:
                self._counts.pop(change.key, None)
        where = self._extents.change(puts, gone)
        told = self._chart.change((*puts, *where.puts), (*gone, *where.gone))
        if self._telling is None:
            return
        self._telling.put(told)
        for change in changes:
            record = change.record if isinstance(change, Put) else None
            if isinstance(record, Instance) and record.network and not record.is_live:
                self._telling.see_whether_over(record.network)
        self._telling.forget_what_is_over()

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
                self._counts[record.key] = record.number
            case SecurityGroup():
                puts.append(network_entries.group_of(record))
            case GroupNetwork():
                self._take(record)
                if self._telling is not None:
                    self._telling.read(record)
                if record.is_over:
                    gone.append(network_key(record.number))
                else:
                    puts.append(network_entries.network_of(record))
            case KnownMachine():
                puts.append(network_entries.machine_of(record))
            case Address():
                holder = None
                if record.instance_id is not None:
                    holder = self._store.get(Instance, record.instance_id)
                self._read_address(record, holder, puts, gone)
            case ClusterReport():
                self._read_report(record)
            case FeedStanding() if record.is_accepted and self._telling is not None:
                self._telling.accept(record.zone)

    @staticmethod
    def _read_address(
        address: Address, holder: Instance | None, puts: list[Entry], gone: list[str]
    ) -> None:
        elastic = network_entries.elastic_of(address, holder)
        if elastic is None:
            gone.append(elastic_key(address.public_ip))
        else:
            puts.append(elastic)

    # --- what clusters tell ------------------------------------------------------

    def heard(
        self, name: str, told: api.WaitForChangesResponse, *, is_another: bool
    ) -> None:
        """
        A cluster is heard again.

        @param is_another: it was started anew, and has told what it is made of.
        """
        if self._telling is not None:
            self._telling.ask(name)
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

        def changes() -> Sequence[Change]:
            known = self._store.where(KnownMachine, "cluster", name)
            return [
                *(
                    Delete(KnownMachine, each.key)
                    for each in known
                    if each.name not in machines
                ),
                *(
                    Put(each)
                    for each in machines.values()
                    if each != self._store.get(KnownMachine, each.key)
                ),
            ]

        async def keep() -> None:
            await self._anew.commit(self._store, changes)

        self._background.run("keeping what carries networks", keep())

    def _read_report(self, report: ClusterReport) -> None:
        """Another may have heard a cluster again."""
        now = report.epoch, report.is_reachable
        before = self._heard.get(report.zone)
        self._heard[report.zone] = now
        if self._telling is not None and before != now and report.is_reachable:
            self._telling.ask(report.zone)


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
