"""
One life of a simulated site's cloud controller: the real operations that its users
need, and the real convergence.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from euca_tw.api.ec2.addresses import (
    AllocateAddress,
    AssociateAddress,
    DisassociateAddress,
    ReleaseAddress,
)
from euca_tw.api.ec2.groups import (
    AuthorizeSecurityGroupIngress,
    CreateSecurityGroup,
    IpPermission,
    RevokeSecurityGroupIngress,
    UserIdGroupPair,
)
from euca_tw.api.ec2.instance_states import StartInstances, StopInstances
from euca_tw.api.ec2.instances import (
    PlacementRequest,
    RebootInstances,
    RunInstances,
    TerminateInstances,
)
from euca_tw.clc.addresses import Addresses
from euca_tw.clc.clusters import Clusters
from euca_tw.clc.dispatch import kept
from euca_tw.clc.group_rules import GroupRules
from euca_tw.clc.groups import Groups
from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.interfaces import IPlacement
from euca_tw.clc.launches import Launches
from euca_tw.clc.networks import CloudNetworks
from euca_tw.clc.power import Power
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType
from euca_tw.model.identifiers import Minter
from euca_tw.model.quotas import NO_LIMITS
from euca_tw.model.records import Instance
from euca_tw.overlay.settings import MANAGED, STATIC
from euca_tw.sim.life import Life, Moment
from euca_tw.sim.networks import ManagedNetworks
from euca_tw.soap.interfaces import IPeers
from euca_tw.store.interfaces import Change, IStore, Put
from euca_tw.store.watched import WatchedStore

#: Who asks for everything.  (An administrator: quotas are off.)
USER = Caller(account_id="000000000001", user_name="user", is_admin=True)
#: The public addresses that there are.
POOL = tuple(f"198.51.100.{n}" for n in range(1, 4))


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
        placement: tuple[str, IPlacement],
        networks: ManagedNetworks | None = None,
    ) -> None:
        """
        @param placement: what chooses clusters, with its name.
        @param urls: of clusters, by name.
        @param told: called with each instance as it is kept from now on.
        @param networks: what carries them, where they are managed.
        """
        self._life = life
        self._told = told
        watched = WatchedStore(store)
        watched.watch(self._kept)
        managed = None
        if networks is not None:
            managed = CloudNetworks(
                settings=networks.settings,
                clusters={name: peers.peer(url) for name, url in urls.items()},
                ends=networks.ends,
                store=watched,
                clock=life,
                random=random,
                convergence=settings,
            )
            watched.join(managed.counted)
            watched.watch(managed.changed)
        self.clusters = Clusters(
            clusters=urls,
            peers=peers,
            store=watched,
            images=images,
            machine_types=machine_types,
            clock=life,
            random=random,
            settings=settings,
            networks=managed,
            network_mode=MANAGED if managed is not None else STATIC,
        )
        self._launches = Launches(
            store=watched,
            clusters=self.clusters,
            clock=life,
            minter=Minter(random),
            quotas=NO_LIMITS,
            machine_types=machine_types,
            networks=managed,
            placement=placement[1],
            placement_name=placement[0],
        )
        self._power = Power(
            store=watched, clusters=self.clusters, clock=life, quotas=NO_LIMITS
        )
        self._addresses = Addresses(
            store=watched,
            clusters=self.clusters,
            minter=Minter(random),
            quotas=NO_LIMITS,
            pool=POOL,
            networks=managed,
        )
        self._groups = Groups(
            store=watched, clock=life, minter=Minter(random), quotas=NO_LIMITS
        )
        self._rules = GroupRules(store=watched, minter=Minter(random), quotas=NO_LIMITS)
        self.clusters.startService()

    def launch(
        self,
        image_id: str,
        machine: str,
        token: str,
        *,
        count: int = 1,
        zone: str = "",
        stops_itself: bool = False,
        groups: tuple[str, ...] = (),
    ) -> Deferred[Any]:
        """
        Run instances, all or none; asked again with the same token they are the
        same.

        @param zone: C{""}: any.
        @return: their identifiers; never, if the cloud dies meanwhile.
        """
        request = RunInstances(
            image_id=image_id,
            min_count=count,
            max_count=count,
            instance_type=machine,
            client_token=token,
            placement=PlacementRequest(availability_zone=zone) if zone else None,
            instance_initiated_shutdown_behavior="stop" if stops_itself else None,
            security_group_names=groups,
        )
        asked = self._asked(self._launches.run_instances(USER, request))
        return asked.addCallback(
            lambda told: tuple(each.instance_id for each in told.instances)
        )

    def terminate(self, *instance_ids: str) -> Deferred[Any]:
        """End some."""
        request = TerminateInstances(instance_ids=instance_ids)
        return self._asked(self._power.terminate_instances(USER, request))

    def stop(self, instance_id: str, *, force: bool) -> Deferred[Any]:
        """Stop one."""
        request = StopInstances(instance_ids=(instance_id,), force=force)
        return self._asked(self._power.stop_instances(USER, request))

    def start(self, instance_id: str) -> Deferred[Any]:
        """Start one that has stopped."""
        request = StartInstances(instance_ids=(instance_id,))
        return self._asked(self._power.start_instances(USER, request))

    def reboot(self, instance_id: str) -> Deferred[Any]:
        """Reboot one."""
        request = RebootInstances(instance_ids=(instance_id,))
        return self._asked(self._power.reboot_instances(USER, request))

    def allocate(self) -> Deferred[Any]:
        """Have a public address; fires with it."""
        asked = self._asked(self._addresses.allocate_address(USER, AllocateAddress()))
        return asked.addCallback(lambda told: told.public_ip)

    def associate(self, public_ip: str, instance_id: str) -> Deferred[Any]:
        """Give a public address to an instance."""
        request = AssociateAddress(public_ip=public_ip, instance_id=instance_id)
        return self._asked(self._addresses.associate_address(USER, request))

    def disassociate(self, public_ip: str) -> Deferred[Any]:
        """Take it from the instance that has it."""
        request = DisassociateAddress(public_ip=public_ip)
        return self._asked(self._addresses.disassociate_address(USER, request))

    def release(self, public_ip: str) -> Deferred[Any]:
        """Give a public address back."""
        request = ReleaseAddress(public_ip=public_ip)
        return self._asked(self._addresses.release_address(USER, request))

    def create_group(self, name: str) -> Deferred[Any]:
        """Make a security group."""
        request = CreateSecurityGroup(group_name=name, group_description=name)
        return self._asked(self._groups.create_security_group(USER, request))

    def authorize(self, group: str, source: str) -> Deferred[Any]:
        """Let all TCP into one group from another."""
        request = AuthorizeSecurityGroupIngress(**_rule(group, source))
        return self._asked(self._rules.authorize_security_group_ingress(USER, request))

    def revoke(self, group: str, source: str) -> Deferred[Any]:
        """Undo L{authorize}."""
        request = RevokeSecurityGroupIngress(**_rule(group, source))
        return self._asked(self._rules.revoke_security_group_ingress(USER, request))

    def _asked(self, work: Awaitable[Any]) -> Deferred[Any]:
        """
        What a user asks; he is answered, if this life lasts so long, with the word
        of the real doors for what cannot be kept.
        """
        return self._life.begin(kept(work), Moment.ANSWERING)

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


def _rule(group: str, source: str) -> dict[str, Any]:
    rule = IpPermission(
        ip_protocol="tcp",
        from_port=1,
        to_port=65535,
        groups=(UserIdGroupPair(group_name=source),),
    )
    return {"group_name": group, "ip_permissions": (rule,)}
