"""One life of the cloud controller of a site, and what users ask of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from euca_tw.api.ec2.addresses import AllocateAddress, AssociateAddress, ReleaseAddress
from euca_tw.api.ec2.common import AttributeValue
from euca_tw.api.ec2.groups import (
    AuthorizeSecurityGroupIngress,
    CreateSecurityGroup,
    IpPermission,
    RevokeSecurityGroupIngress,
    UserIdGroupPair,
)
from euca_tw.api.ec2.image_copies import CreateImage
from euca_tw.api.ec2.images import DeregisterImage
from euca_tw.api.ec2.instance_attributes import ModifyInstanceAttribute
from euca_tw.api.ec2.instance_states import StartInstances, StopInstances
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
from euca_tw.clc.image_copies import ImageCopies
from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.images import Images
from euca_tw.clc.imports import Imports
from euca_tw.clc.instance_attributes import InstanceAttributes
from euca_tw.clc.instances import Instances
from euca_tw.clc.launches import Launches
from euca_tw.clc.makings import Makings
from euca_tw.clc.networks import CloudNetworks
from euca_tw.clc.power import Power
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType
from euca_tw.model.identifiers import ImageId, Minter
from euca_tw.model.networks import TrunkEnd
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Address, Instance, InstanceState
from euca_tw.overlay.settings import STATIC, NetworkSettings
from euca_tw.store.watched import WatchedStore
from tests.whole.mortal import DiskStore, Life, MortalPeers

ALICE = Caller(account_id="000000000001", user_name="alice", is_admin=True)
SMALL = MachineType(name="m1.small", cores=1, memory_mib=128, disk_gib=2)
LARGE = MachineType(name="m1.large", cores=1, memory_mib=256, disk_gib=2)
TYPES = {each.name: each for each in (SMALL, LARGE)}
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
        images: MemoryImageStore,
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
            watched.join(self.networks.counted)
            watched.watch(self.networks.changed)
        self.clusters = Clusters(
            clusters=urls,
            peers=peers,
            store=watched,
            images=images,
            machine_types=TYPES,
            clock=life,
            random=random,
            settings=settings,
            networks=self.networks,
            network_mode=network.mode if network.mode != STATIC else None,
            ended=lambda: self.imports.begin_sweep(),
        )
        self.imports = Imports(store=watched, images=images)
        self.makings = Makings(
            store=watched,
            clusters=self.clusters,
            images=images,
            clock=life,
            random=random,
            settings=settings,
        )
        self.copies = ImageCopies(
            store=watched,
            makings=self.makings,
            imports=self.imports,
            clock=life,
            minter=Minter(random),
            quotas=Quotas(),
            region="eucalyptus",
        )
        self.images = Images(
            store=watched,
            imports=self.imports,
            clock=life,
            minter=Minter(random),
            quotas=Quotas(),
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
        self.attributes = InstanceAttributes(
            store=watched,
            clusters=self.clusters,
            quotas=Quotas(),
            machine_types=TYPES,
        )
        self.power = Power(
            store=watched, clusters=self.clusters, clock=life, quotas=Quotas()
        )
        self.groups = Groups(
            store=watched, clock=life, minter=Minter(random), quotas=Quotas()
        )
        self.addresses = Addresses(
            store=watched,
            clusters=self.clusters,
            minter=Minter(random),
            quotas=Quotas(),
            pool=POOL,
            networks=self.networks,
        )
        self.imports.resume()
        self.clusters.startService()
        self.makings.start()

    def launch(
        self,
        zone: str,
        count: int = 1,
        token: str = "",
        groups: tuple[str, ...] = (),
        *,
        stops_itself: bool = False,
        image_id: str = IMAGE,
    ) -> Deferred[Any]:
        """Run instances in a zone; fires with their identifiers."""
        request = RunInstances(
            image_id=image_id,
            min_count=count,
            max_count=count,
            instance_type=SMALL.name,
            placement=PlacementRequest(availability_zone=zone),
            client_token=token or None,
            security_group_names=groups,
            instance_initiated_shutdown_behavior="stop" if stops_itself else None,
        )
        asked = Deferred.fromCoroutine(self.launches.run_instances(ALICE, request))
        return asked.addCallback(
            lambda told: tuple(each.instance_id for each in told.instances)
        )

    def create_image(
        self, instance_id: str, name: str, no_reboot: bool = False
    ) -> Deferred[Any]:
        """Make an image of an instance; fires with its identifier."""
        request = CreateImage(instance_id=instance_id, name=name, no_reboot=no_reboot)
        asked = Deferred.fromCoroutine(self.copies.create_image(ALICE, request))
        return asked.addCallback(lambda told: told.image_id)

    def deregister(self, image_id: str) -> Deferred[Any]:
        """Have an image launched no more."""
        request = DeregisterImage(image_id=image_id)
        return Deferred.fromCoroutine(self.images.deregister_image(ALICE, request))

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
        return Deferred.fromCoroutine(self.power.terminate_instances(ALICE, request))

    def stop(self, *instance_ids: str, force: bool = False) -> Deferred[Any]:
        """Stop instances."""
        request = StopInstances(instance_ids=instance_ids, force=force)
        return Deferred.fromCoroutine(self.power.stop_instances(ALICE, request))

    def start(self, *instance_ids: str) -> Deferred[Any]:
        """Start instances that were stopped."""
        request = StartInstances(instance_ids=instance_ids)
        return Deferred.fromCoroutine(self.power.start_instances(ALICE, request))

    def set_behavior(self, instance_id: str, behavior: str) -> Deferred[Any]:
        """Say what becomes of an instance when its guest switches itself off."""
        return self.modify(
            instance_id,
            instance_initiated_shutdown_behavior=AttributeValue(value=behavior),
        )

    def modify(self, instance_id: str, **change: Any) -> Deferred[Any]:
        """Change an attribute of an instance."""
        request = ModifyInstanceAttribute(instance_id=instance_id, **change)
        return Deferred.fromCoroutine(
            self.attributes.modify_instance_attribute(ALICE, request)
        )

    def reboot(self, *instance_ids: str) -> Deferred[Any]:
        """Reboot instances."""
        request = RebootInstances(instance_ids=instance_ids)
        return Deferred.fromCoroutine(self.power.reboot_instances(ALICE, request))

    def console(self, instance_id: str) -> Deferred[GetConsoleOutputResponse]:
        """What a user is told of an instance's console."""
        request = GetConsoleOutput(instance_id=instance_id)
        return Deferred.fromCoroutine(self.instances.get_console_output(ALICE, request))

    def instance(self, instance_id: str) -> Instance:
        """A record."""
        found = self.store.get(Instance, instance_id)
        assert found is not None, instance_id
        return found

    def addresses_held(self) -> Collection[Address]:
        """Every public address that anybody has."""
        return self.store.all(Address)

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
