"""
The clusters of this cloud: all loops, one for each, as the cloud's operations
see them.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

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
from euca_tw.clc.networks import CloudNetworks
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.model.capacity import MachineType
from euca_tw.model.records import Image, Instance, InstanceState
from euca_tw.soap.interfaces import IPeer, IPeers, PeerRefused, PeerUnreachable
from euca_tw.store.interfaces import IStore


@implementer(IClusters)
class Clusters(Service):
    """
    Keeps every cluster in step with the store, which is open before this is
    started, and closed after it has stopped.
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
    ) -> None:
        """
        @param ended: called when instances have ended, and that is kept.
        @param clusters: the URL of each, by the availability zone's name.
        @param networks: where they are managed; started and stopped with this.
        @param network_mode: what clusters are told of it, if anything.
        """
        self._urls = clusters
        self._peers = peers
        self._store = store
        self._settings = settings or ConvergenceSettings()
        self._networks = networks
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
        }
        self._zones = {name: self._loop(name) for name in sorted(clusters)}
        self._lost: dict[str, ZoneConvergence] = {}

    def startService(self) -> None:
        super().startService()
        if self._networks is not None:
            self._networks.startService()
        for zone in self._zones.values():
            zone.start()
        live = (
            each.zone
            for each in self._store.all(Instance)
            if each.state is not InstanceState.TERMINATED
        )
        for name in dict.fromkeys(live):
            if name not in self._zones:
                self._log.warn(
                    "{zone} is not a cluster of this cloud any more, and there "
                    "are instances in it",
                    zone=name,
                )
                self._loop_of(name).wake_all()

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        loops = [*self._zones.values(), *self._lost.values()]
        stopping = [loop.stop() for loop in loops]
        if self._networks is not None:
            stopping.append(self._networks.stopService())
        return DeferredList(stopping)

    def zones(self) -> tuple[Zone, ...]:
        return tuple(zone.zone for zone in self._zones.values())

    def wake(self, instances: Iterable[Instance]) -> None:
        by_zone: dict[str, list[str]] = {}
        for each in instances:
            by_zone.setdefault(each.zone, []).append(each.instance_id)
        for zone, names in by_zone.items():
            self._loop_of(zone).wake(names)

    def _loop_of(self, zone: str) -> ZoneConvergence:
        loop = self._zones.get(zone)
        if loop is None:
            loop = self._lost.get(zone) or self._loop(zone)
            self._lost[zone] = loop
        return loop

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

    def _loop(self, name: str) -> ZoneConvergence:
        return ZoneConvergence(
            name=name,
            peer=self._peer(name) if name in self._urls else None,
            **self._loop_arguments,
        )
