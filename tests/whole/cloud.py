"""One life of the cloud controller of a site, and what users ask of it."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from euca_tw.api.ec2.addresses import AllocateAddress, AssociateAddress, ReleaseAddress
from euca_tw.api.ec2.groups import (
    AuthorizeSecurityGroupIngress,
    CreateSecurityGroup,
    IpPermission,
    RevokeSecurityGroupIngress,
    UserIdGroupPair,
)
from euca_tw.api.ec2.instances import (
    GetConsoleOutput,
    GetConsoleOutputResponse,
    PlacementRequest,
    RebootInstances,
    RunInstances,
    TerminateInstances,
)
from euca_tw.clc.addresses import Addresses
from euca_tw.clc.clusters import Clusters
from euca_tw.clc.groups import Groups
from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.instances import Instances
from euca_tw.clc.launches import Launches
from euca_tw.clc.networks import CloudNetworks
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType
from euca_tw.model.identifiers import ImageId, Minter
from euca_tw.model.networks import TrunkEnd
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Instance, InstanceState
from euca_tw.overlay.settings import STATIC, NetworkSettings
from euca_tw.store.watched import WatchedStore
from tests.whole.mortal import DiskStore, Life, MortalPeers

ALICE = Caller(account_id="000000000001", user_name="alice", is_admin=True)
SMALL = MachineType(name="m1.small", cores=1, memory_mib=128, disk_gib=2)
TYPES = {SMALL.name: SMALL}
IMAGE = ImageId("emi-00000001")
POOL = ("198.51.100.1", "198.51.100.2")


class Cloud:
    """One life of the cloud controller: its operations and its convergence."""

    def __init__(
        self,
        *,
        names: Iterable[str],
        peers: MortalPeers,
        life: Life,
        store: DiskStore,
        random: Random,
        settings: ConvergenceSettings | None,
        network: NetworkSettings,
    ) -> None:
        """@param names: of the clusters."""
        self.store = watched = WatchedStore(store)
        urls = {name: url_of(name) for name in names}
        self.networks: CloudNetworks | None = None
        if network.is_managed:
            self.networks = CloudNetworks(
                settings=network,
                clusters={name: peers.peer(url_of(name)) for name in urls},
                ends=[
                    TrunkEnd(cluster=name, endpoint=f"{name}:8776", certificate=name)
                    for name in urls
                ],
                store=watched,
                clock=life,
                random=random,
                convergence=settings,
            )
            watched.watch(self.networks.changed)
        self.clusters = Clusters(
            clusters=urls,
            peers=peers,
            store=watched,
            images=MemoryImageStore(),
            machine_types=TYPES,
            clock=life,
            random=random,
            settings=settings,
            networks=self.networks,
            network_mode=network.mode if network.mode != STATIC else None,
        )
        self.launches = Launches(
            store=watched,
            clusters=self.clusters,
            clock=life,
            minter=Minter(random),
            quotas=Quotas(),
            machine_types=TYPES,
            networks=self.networks,
        )
        self.instances = Instances(store=watched, clusters=self.clusters, clock=life)
        self.groups = Groups(store=watched, minter=Minter(random), quotas=Quotas())
        self.addresses = Addresses(
            store=watched, clusters=self.clusters, quotas=Quotas(), pool=POOL
        )
        self.clusters.startService()

    def launch(
        self, zone: str, count: int = 1, token: str = "", groups: tuple[str, ...] = ()
    ) -> Deferred[Any]:
        """Run instances in a zone; fires with their identifiers."""
        request = RunInstances(
            image_id=IMAGE,
            min_count=count,
            max_count=count,
            instance_type=SMALL.name,
            placement=PlacementRequest(availability_zone=zone),
            client_token=token or None,
            security_group_names=groups,
        )
        asked = Deferred.fromCoroutine(self.launches.run_instances(ALICE, request))
        return asked.addCallback(
            lambda told: tuple(each.instance_id for each in told.instances)
        )

    def create_group(self, name: str) -> Deferred[Any]:
        """Make a security group."""
        request = CreateSecurityGroup(group_name=name, group_description=name)
        return Deferred.fromCoroutine(self.groups.create_security_group(ALICE, request))

    def authorize(self, group: str, source: str) -> Deferred[Any]:
        """Let all TCP into one group from another."""
        request = AuthorizeSecurityGroupIngress(**_rule(group, source))
        return Deferred.fromCoroutine(
            self.groups.authorize_security_group_ingress(ALICE, request)
        )

    def revoke(self, group: str, source: str) -> Deferred[Any]:
        """Undo L{authorize}."""
        request = RevokeSecurityGroupIngress(**_rule(group, source))
        return Deferred.fromCoroutine(
            self.groups.revoke_security_group_ingress(ALICE, request)
        )

    def allocate(self) -> Deferred[Any]:
        """Have a public address; fires with it."""
        asked = Deferred.fromCoroutine(
            self.addresses.allocate_address(ALICE, AllocateAddress())
        )
        return asked.addCallback(lambda told: told.public_ip)

    def associate(self, public_ip: str, instance_id: str) -> Deferred[Any]:
        """Give a public address to an instance."""
        request = AssociateAddress(public_ip=public_ip, instance_id=instance_id)
        return Deferred.fromCoroutine(self.addresses.associate_address(ALICE, request))

    def release(self, public_ip: str) -> Deferred[Any]:
        """Give a public address back."""
        request = ReleaseAddress(public_ip=public_ip)
        return Deferred.fromCoroutine(self.addresses.release_address(ALICE, request))

    def terminate(self, *instance_ids: str) -> Deferred[Any]:
        """End instances."""
        request = TerminateInstances(instance_ids=instance_ids)
        return Deferred.fromCoroutine(
            self.instances.terminate_instances(ALICE, request)
        )

    def reboot(self, *instance_ids: str) -> Deferred[Any]:
        """Reboot instances."""
        request = RebootInstances(instance_ids=instance_ids)
        return Deferred.fromCoroutine(self.instances.reboot_instances(ALICE, request))

    def console(self, instance_id: str) -> Deferred[GetConsoleOutputResponse]:
        """What a user is told of an instance's console."""
        request = GetConsoleOutput(instance_id=instance_id)
        return Deferred.fromCoroutine(self.instances.get_console_output(ALICE, request))

    def instance(self, instance_id: str) -> Instance:
        """A record."""
        found = self.store.get(Instance, instance_id)
        assert found is not None, instance_id
        return found

    def states(self) -> dict[str, InstanceState]:
        """The state of every instance."""
        return {each.instance_id: each.state for each in self.store.all(Instance)}


def _rule(group: str, source: str) -> dict[str, Any]:
    return {
        "group_name": group,
        "ip_permissions": (
            IpPermission(
                ip_protocol="tcp",
                from_port=1,
                to_port=65535,
                groups=(UserIdGroupPair(group_name=source),),
            ),
        ),
    }


def url_of(name: str) -> str:
    """Where a daemon is reached."""
    return f"http://{name}/"
