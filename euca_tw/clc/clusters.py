"""
The clusters of this cloud: all loops, one for each, as the cloud's operations
see them.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from euca_tw.api import cluster as api
from euca_tw.api.errors import Unavailable
from euca_tw.clc.converge import ZoneConvergence
from euca_tw.clc.interfaces import (
    Console,
    IClusters,
    IImageStore,
    Making,
    StoredImage,
    Upload,
    Zone,
)
from euca_tw.clc.lost import LostClusters
from euca_tw.clc.networks import CloudNetworks
from euca_tw.clc.reports import unknown_zone, zone_of
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.common.leading import Duty, MayAct
from euca_tw.model.capacity import MachineType
from euca_tw.model.records import Image, Instance, InstanceState
from euca_tw.model.sharing import ClusterReport
from euca_tw.soap.interfaces import IPeer, IPeers, PeerRefused, PeerUnreachable
from euca_tw.store.interfaces import Change, IStore, Put

#: The duty of seeing to instances in clusters that there are no more.
REMOVED = "removed zones"


def _always() -> bool:
    return True


@define(eq=False)
class _Hold:
    """
    Instances whose commit is under way.

    @ivar names: of them, by zone.
    @ivar releases: lets go of them in the loops that hold them.
    """

    names: Mapping[str, Sequence[str]]
    releases: list[Callable[[], None]] = field(factory=list, init=False)

    def begin(self, loop: ZoneConvergence) -> None:
        """Have a loop begin nothing for them."""
        if names := self.names.get(loop.name):
            self.releases.append(loop.hold(names))


@implementer(IClusters)
class Clusters(Service):
    """
    Keeps every cluster in step with the store, which is open before this is
    started, and closed after it has stopped.

    Where several cloud controllers share the store, the work for each cluster is a
    duty (L{duties}), done by one of them at a time; the others hear of a cluster by
    what that one keeps of it.
    """

    _log = Logger()

    def __init__(
        self,
        *,
        clusters: Mapping[str, str],
        peers: IPeers,
        store: IStore,
        images: IImageStore,
        machine_types: Mapping[str, MachineType],
        clock: IReactorTime,
        random: Random,
        settings: ConvergenceSettings | None = None,
        networks: CloudNetworks | None = None,
        network_mode: str | None = None,
        ended: Callable[[], object] = lambda: None,
        is_shared: bool = False,
    ) -> None:
        """
        @param ended: called when instances have ended, and that is kept.
        @param is_shared: there are others; then this is told of all commits, theirs
            as well (L{changed}).
        @param clusters: the URL of each, by the availability zone's name.
        @param networks: where they are managed; started and stopped with this.
        @param network_mode: what clusters are told of it, if anything.
        """
        self._urls = clusters
        self._peers = peers
        self._store = store
        self._settings = settings or ConvergenceSettings()
        self._networks = networks
        self._is_shared = is_shared
        self._machine_types = machine_types
        self._reports: dict[str, ClusterReport] = {}
        self._loop_arguments: dict[str, Any] = {
            "store": store,
            "images": images,
            "machine_types": machine_types,
            "clock": clock,
            "random": random,
            "settings": self._settings,
            "networks": networks,
            "network_mode": network_mode,
            "ended": ended,
            "is_reported": is_shared,
        }
        # Those whose work is done here.
        self._zones: dict[str, ZoneConvergence] = {}
        self._removed: dict[str, ZoneConvergence] = {}
        self._may_see_to_removed: MayAct | None = None
        # In an order that is the same each time, as everything on one clock is.
        self._holds: dict[_Hold, None] = {}
        self.lost = LostClusters(
            store=store,
            clock=clock,
            settings=self._settings,
            names=tuple(sorted(clusters)),
            peer_of=self._peer,
            zones=lambda: self._zones,
            silent=self._silent,
        )
        self._loop_arguments |= {"lost": self.lost, "clusters": self}
        if not is_shared:
            self._zones = {name: self._loop(name, _always) for name in sorted(clusters)}

    def startService(self) -> None:
        super().startService()
        if self._networks is not None:
            self._networks.startService()
        if self._is_shared:
            for report in self._store.all(ClusterReport):
                self._reports[report.zone] = report
            return
        for zone in self._zones.values():
            zone.start()
        self._begin_removed(_always)

    def duties(self) -> tuple[Duty, ...]:
        """The work for each cluster, and for those that there are no more."""
        return (
            *(self._duty(name) for name in sorted(self._urls)),
            Duty(REMOVED, self._begin_removed, self._end_removed),
        )

    def _duty(self, name: str) -> Duty:
        def begin(may_act: MayAct) -> None:
            zone = self._zones[name] = self._loop(name, may_act)
            zone.start()

        def end() -> Deferred[Any]:
            return self._zones.pop(name).stop()

        return Duty(f"zone {name}", begin, end)

    def _begin_removed(self, may_act: MayAct) -> None:
        self._may_see_to_removed = may_act
        live = (
            each.zone
            for each in self._store.all(Instance)
            if each.state is not InstanceState.TERMINATED
        )
        for name in dict.fromkeys(live):
            if name not in self._urls:
                self._log.warn(
                    "{zone} is not a cluster of this cloud any more, and there "
                    "are instances in it",
                    zone=name,
                )
                if (loop := self._loop_of(name)) is not None:
                    loop.wake_all()

    def _end_removed(self) -> Deferred[Any]:
        self._may_see_to_removed = None
        removed, self._removed = self._removed, {}
        return DeferredList([loop.stop() for loop in removed.values()])

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        loops = [*self._zones.values(), *self._removed.values()]
        stopping = [self.lost.stop(), *(loop.stop() for loop in loops)]
        if self._networks is not None:
            stopping.append(self._networks.stopService())
        return DeferredList(stopping)

    def zones(self) -> tuple[Zone, ...]:
        return tuple(map(self._zone, sorted(self._urls)))

    def _zone(self, name: str) -> Zone:
        loop, report = self._zones.get(name), self._reports.get(name)
        # Who begins has heard nothing yet, but the one before him has.
        if loop is not None and (loop.has_asked or report is None):
            return loop.zone
        if report is None:
            return unknown_zone(name)
        return zone_of(self._store, report, self._machine_types)

    def _silent(self) -> int:
        """How many clusters are, or were when somebody last told of them."""
        silent = 0
        for name in self._urls:
            loop, report = self._zones.get(name), self._reports.get(name)
            if loop is not None:
                silent += loop.view.is_silent
            else:
                silent += report is None or not report.is_reachable
        return silent

    def hold(self, instances: Iterable[Instance]) -> Callable[[], None]:
        by_zone: dict[str, list[str]] = {}
        for each in instances:
            by_zone.setdefault(each.zone, []).append(each.instance_id)
        hold = _Hold(by_zone)
        # Where another does the work, that one hears of it when it is durable.
        for zone in by_zone:
            if (loop := self._loop_of(zone)) is not None:
                hold.begin(loop)
        self._holds[hold] = None

        def release() -> None:
            self._holds.pop(hold, None)
            for each in hold.releases:
                each()

        return release

    def _wake(self, instances: Iterable[tuple[str, str]]) -> None:
        by_zone: dict[str, list[str]] = {}
        for zone, instance_id in instances:
            by_zone.setdefault(zone, []).append(instance_id)
        for zone, names in by_zone.items():
            if (loop := self._loop_of(zone)) is not None:
                loop.wake(names)

    def changed(self, changes: Sequence[Change]) -> None:
        """These records were committed, by whomsoever."""
        woken: list[tuple[str, str]] = []
        for change in changes:
            if not isinstance(change, Put):
                continue
            if isinstance(change.record, Instance):
                woken.append((change.record.zone, change.record.instance_id))
            elif isinstance(change.record, ClusterReport):
                self._reports[change.record.zone] = change.record
        if woken:
            self._wake(woken)

    def _loop_of(self, zone: str) -> ZoneConvergence | None:
        """None: another does its work."""
        if zone in self._urls:
            return self._zones.get(zone)
        if self._may_see_to_removed is None:
            return None
        if zone not in self._removed:
            self._removed[zone] = self._loop(zone, self._may_see_to_removed)
        return self._removed[zone]

    async def console(self, instance: Instance) -> Console:
        if instance.zone not in self._urls:
            raise Unavailable(f"{instance.zone} is not a cluster of this cloud")
        request = api.ReadConsole(
            user_id=instance.owner_id, instance_id=instance.instance_id
        )
        try:
            told = await self._peer(instance.zone).call(
                api.READ_CONSOLE, request, self._settings.call_timeout_s
            )
        except (PeerUnreachable, PeerRefused) as e:
            self._log.info(
                "the console of {instance_id} cannot be had: {reason}",
                instance_id=instance.instance_id,
                reason=str(e),
            )
            raise Unavailable(
                f"The console of {instance.instance_id} cannot be asked at this moment"
            ) from None
        return Console(output=b64decode(told.output), written_at=told.written_at)

    async def make_image(self, image: Image, upload: Upload) -> Making:
        if image.made_in not in self._urls:
            return Making(stage="failed", reason="Its cluster was taken out")
        if self.lost.since(image.made_in) is not None:
            return Making(stage="failed", reason="Its cluster was declared lost")
        request = api.MakeImage(
            user_id=image.owner_id,
            image_id=image.image_id,
            instance_id=image.made_of or "",
            is_rebooted=image.is_rebooted,
            url=upload.url,
            key=upload.key,
            service_tag=image.made_on or None,
        )
        try:
            told = await self._peer(image.made_in).call(
                api.MAKE_IMAGE, request, self._settings.call_timeout_s
            )
        except (PeerUnreachable, PeerRefused) as e:
            raise Unavailable(str(e)) from None
        made = None
        if told.sha256:
            made = StoredImage(size_bytes=told.size_bytes or 0, sha256=told.sha256)
        return Making(stage=told.stage, reason=told.reason or "", made=made)

    def _peer(self, name: str) -> IPeer:
        peer: IPeer = self._peers.peer(self._urls[name])
        return peer

    def _loop(self, name: str, may_act: MayAct) -> ZoneConvergence:
        loop = ZoneConvergence(
            name=name,
            may_act=may_act,
            peer=self._peer(name) if name in self._urls else None,
            **self._loop_arguments,
        )
        # It begins with what memory has, of which that is not durable yet.
        for hold in self._holds:
            hold.begin(loop)
        return loop
