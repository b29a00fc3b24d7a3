"""
One life of a simulated site's cloud controller: the real operations that its users
need, and the real convergence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from euca_tw.api.ec2.instances import RunInstances, TerminateInstances
from euca_tw.clc.clusters import Clusters
from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.launches import Launches
from euca_tw.clc.power import Power
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType
from euca_tw.model.identifiers import Minter
from euca_tw.model.quotas import NO_LIMITS
from euca_tw.model.records import Instance
from euca_tw.overlay.settings import STATIC
from euca_tw.sim.life import Life
from euca_tw.soap.interfaces import IPeers
from euca_tw.store.interfaces import Change, IStore, Put
from euca_tw.store.watched import WatchedStore

#: Who asks for everything.  (An administrator: quotas are off.)
USER = Caller(account_id="000000000001", user_name="user", is_admin=True)


class Cloud:
    """What users can ask of it, and whom it tells of instances."""

    def __init__(
        self,
        *,
        urls: Mapping[str, str],
        peers: IPeers,
        life: Life,
        store: IStore,
        random: Random,
        settings: ConvergenceSettings,
        machine_types: Mapping[str, MachineType],
        images: MemoryImageStore,
        told: Callable[[Instance], None],
    ) -> None:
        """
        @param urls: of clusters, by name.
        @param told: called with each instance as it is kept from now on.
        """
        self._life = life
        self._told = told
        watched = WatchedStore(store)
        watched.watch(self._kept)
        self.clusters = Clusters(
            clusters=urls,
            peers=peers,
            store=watched,
            images=images,
            machine_types=machine_types,
            clock=life,
            random=random,
            settings=settings,
            network_mode=STATIC,
        )
        self._launches = Launches(
            store=watched,
            clusters=self.clusters,
            clock=life,
            minter=Minter(random),
            quotas=NO_LIMITS,
            machine_types=machine_types,
        )
        self._power = Power(
            store=watched, clusters=self.clusters, clock=life, quotas=NO_LIMITS
        )
        self.clusters.startService()

    def launch(self, image_id: str, machine: str, token: str) -> Deferred[Any]:
        """
        Run an instance; asked again with the same token it is the same one.

        @return: its identifier; never, if the cloud dies meanwhile.
        """
        request = RunInstances(
            image_id=image_id,
            min_count=1,
            max_count=1,
            instance_type=machine,
            client_token=token,
        )
        asked = self._life.begin(self._launches.run_instances(USER, request))
        return asked.addCallback(lambda told: told.instances[0].instance_id)

    def terminate(self, instance_id: str) -> Deferred[Any]:
        """End one."""
        request = TerminateInstances(instance_ids=(instance_id,))
        return self._life.begin(self._power.terminate_instances(USER, request))

    def is_ready(self, machines: Iterable[str]) -> bool:
        """Whether all clusters are heard, and have room."""
        return all(
            zone.is_reachable and any(zone.available.get(name) for name in machines)
            for zone in self.clusters.zones()
        )

    def _kept(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            if isinstance(change, Put) and isinstance(change.record, Instance):
                self._told(change.record)
