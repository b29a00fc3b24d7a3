"""One life of the cloud controller of a site, and what users ask of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from euca_tw.api.ec2.addresses import AllocateAddress, AssociateAddress, ReleaseAddress
from euca_tw.api.ec2.common import AttributeValue
from euca_tw.api.ec2.egress import (
    AuthorizeSecurityGroupEgress,
    RevokeSecurityGroupEgress,
)
from euca_tw.api.ec2.groups import (
    AuthorizeSecurityGroupIngress,
    CreateSecurityGroup,
    IpPermission,
    IpRange,
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
from euca_tw.clc.anew import OF_THE_CLOUD, Anew
from euca_tw.clc.clusters import Clusters
from euca_tw.clc.controllers import Controllers
from euca_tw.clc.group_rules import GroupRules
from euca_tw.clc.groups import Groups, find_group
from euca_tw.clc.image_copies import ImageCopies
from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.images import Images
from euca_tw.clc.imports import Imports
from euca_tw.clc.instance_attributes import InstanceAttributes
from euca_tw.clc.instances import Instances
from euca_tw.clc.launches import Launches
from euca_tw.clc.makings import Makings
from euca_tw.clc.metering import Metering
from euca_tw.clc.networks import CloudNetworks
from euca_tw.clc.power import Power
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.clc.views import permissions
from euca_tw.common.leading import Duty, MayAct
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType
from euca_tw.model.identifiers import ImageId, Minter
from euca_tw.model.networks import TrunkEnd
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Address, Instance, InstanceState
from euca_tw.overlay.settings import STATIC, NetworkSettings
from euca_tw.sim.life import Life
from euca_tw.store.interfaces import IShared, IStore
from euca_tw.store.watched import WatchedStore
from tests.whole.mortal import MortalPeers

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
        store: IStore,
        random: Random,
        settings: ConvergenceSettings | None,
        network: NetworkSettings,
        images: MemoryImageStore,
        name: str = "",
    ) -> None:
        """
        @param names: of the clusters.
        @param name: of this one among those that share the store, if that is shared.
        """
        self.store = watched = WatchedStore(store)
        self._shared: IShared | None = None
        self._anew = Anew(clock=life, random=random)
        of_the_cloud: Anew | None = None
        if IShared.providedBy(store):
            self._shared = IShared(store)
            of_the_cloud = Anew(clock=life, random=random, times=OF_THE_CLOUD)
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
                by=name,
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
            is_shared=self._shared is not None,
        )
        self.imports = Imports(store=watched, images=images, anew=of_the_cloud)
        self.metering = Metering(store=watched, clock=life, anew=of_the_cloud)
        self.makings = Makings(
            store=watched,
            clusters=self.clusters,
            images=images,
            clock=life,
            random=random,
            settings=settings,
            is_shared=self._shared is not None,
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
        self.rules = GroupRules(
            store=watched, minter=Minter(random), quotas=Quotas(), vpc_id="vpc-1"
        )
        self.addresses = Addresses(
            store=watched,
            clusters=self.clusters,
            minter=Minter(random),
            quotas=Quotas(),
            pool=POOL,
            networks=self.networks,
        )
        self.controllers: Controllers | None = None
        if self._shared is not None:
            self._share(self._shared, name, life, random)
            return
        self.imports.resume()
        self.clusters.startService()
        self.makings.start()

    def _share(self, shared: IShared, name: str, life: Life, random: Random) -> None:
        """Lead what nobody else does."""
        controllers = self.controllers = Controllers(
            store=self.store,
            leases=shared,
            current=shared.current,
            clock=life,
            random=random,
            monotonic=life.seconds,
            name=name,
            listen=name,
            host="here",
            pid=1,
        )
        for heard in (
            controllers.changed,
            self.clusters.changed,
            self.imports.changed,
            self.makings.changed,
            self.metering.changed,
        ):
            self.store.watch(heard)
        self.clusters.startService()

        def lead_images(may_act: MayAct) -> None:
            self.imports.lead(may_act)
            self.makings.lead(may_act)

        networks = self.networks
        controllers.start(
            [
                *self.clusters.duties(),
                Duty("images", lead_images, lambda: self.imports.follow()),
                Duty("usage", self.metering.lead, self.metering.follow),
                *(
                    [Duty("networks", networks.lead, networks.follow)]
                    if networks is not None
                    else []
                ),
            ]
        )

    def _asked(self, once: Callable[[], Awaitable[Any]]) -> Deferred[Any]:
        """As the front and the dispatcher have it done."""

        async def fresh() -> Any:
            if self._shared is None:
                return await once()
            await self._shared.current()
            return await self._anew.decide(once)

        return Deferred.fromCoroutine(fresh())

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
        asked = self._asked(lambda: self.launches.run_instances(ALICE, request))
        return asked.addCallback(
            lambda told: tuple(each.instance_id for each in told.instances)
        )

    def create_image(
        self, instance_id: str, name: str, no_reboot: bool = False
    ) -> Deferred[Any]:
        """Make an image of an instance; fires with its identifier."""
        request = CreateImage(instance_id=instance_id, name=name, no_reboot=no_reboot)
        asked = self._asked(lambda: self.copies.create_image(ALICE, request))
        return asked.addCallback(lambda told: told.image_id)

    def deregister(self, image_id: str) -> Deferred[Any]:
        """Have an image launched no more."""
        request = DeregisterImage(image_id=image_id)
        return self._asked(lambda: self.images.deregister_image(ALICE, request))

    def create_group(self, name: str) -> Deferred[Any]:
        """Make a security group."""
        request = CreateSecurityGroup(group_name=name, group_description=name)
        return self._asked(lambda: self.groups.create_security_group(ALICE, request))

    def authorize(self, group: str, source: str) -> Deferred[Any]:
        """Let all TCP into one group from another."""
        request = AuthorizeSecurityGroupIngress(**_rule(group, source))
        return self._asked(
            lambda: self.rules.authorize_security_group_ingress(ALICE, request)
        )

    def revoke(self, group: str, source: str) -> Deferred[Any]:
        """Undo L{authorize}."""
        request = RevokeSecurityGroupIngress(**_rule(group, source))
        return self._asked(
            lambda: self.rules.revoke_security_group_ingress(ALICE, request)
        )

    def restrict(self, group: str, **to: Any) -> Deferred[Any]:
        """Let a group send HTTPS there, and nothing else."""
        return Deferred.fromCoroutine(self._restrict(group, **to))

    async def _restrict(
        self, name: str, cidr: str | None = None, group_id: str | None = None
    ) -> None:
        """@param cidr, group_id: one of them, where to."""
        found = find_group(self.store, ALICE.account_id, name)
        assert found is not None
        rule = IpPermission(
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            ip_ranges=(IpRange(cidr_ip=cidr),) if cidr else (),
            groups=(UserIdGroupPair(group_id=group_id),) if group_id else (),
        )
        await self.rules.revoke_security_group_egress(
            ALICE,
            RevokeSecurityGroupEgress(
                group_id=found.group_id,
                ip_permissions=permissions(found.egress),
            ),
        )
        await self.rules.authorize_security_group_egress(
            ALICE,
            AuthorizeSecurityGroupEgress(
                group_id=found.group_id, ip_permissions=(rule,)
            ),
        )

    def allocate(self) -> Deferred[Any]:
        """Have a public address; fires with it."""
        asked = self._asked(
            lambda: self.addresses.allocate_address(ALICE, AllocateAddress())
        )
        return asked.addCallback(lambda told: told.public_ip)

    def associate(self, public_ip: str, instance_id: str) -> Deferred[Any]:
        """Give a public address to an instance."""
        request = AssociateAddress(public_ip=public_ip, instance_id=instance_id)
        return self._asked(lambda: self.addresses.associate_address(ALICE, request))

    def release(self, public_ip: str) -> Deferred[Any]:
        """Give a public address back."""
        request = ReleaseAddress(public_ip=public_ip)
        return self._asked(lambda: self.addresses.release_address(ALICE, request))

    def terminate(self, *instance_ids: str) -> Deferred[Any]:
        """End instances."""
        request = TerminateInstances(instance_ids=instance_ids)
        return self._asked(lambda: self.power.terminate_instances(ALICE, request))

    def stop(self, *instance_ids: str, force: bool = False) -> Deferred[Any]:
        """Stop instances."""
        request = StopInstances(instance_ids=instance_ids, force=force)
        return self._asked(lambda: self.power.stop_instances(ALICE, request))

    def start(self, *instance_ids: str) -> Deferred[Any]:
        """Start instances that were stopped."""
        request = StartInstances(instance_ids=instance_ids)
        return self._asked(lambda: self.power.start_instances(ALICE, request))

    def set_behavior(self, instance_id: str, behavior: str) -> Deferred[Any]:
        """Say what becomes of an instance when its guest switches itself off."""
        return self.modify(
            instance_id,
            instance_initiated_shutdown_behavior=AttributeValue(value=behavior),
        )

    def modify(self, instance_id: str, **change: Any) -> Deferred[Any]:
        """Change an attribute of an instance."""
        request = ModifyInstanceAttribute(instance_id=instance_id, **change)
        return self._asked(
            lambda: self.attributes.modify_instance_attribute(ALICE, request)
        )

    def reboot(self, *instance_ids: str) -> Deferred[Any]:
        """Reboot instances."""
        request = RebootInstances(instance_ids=instance_ids)
        return self._asked(lambda: self.power.reboot_instances(ALICE, request))

    def console(self, instance_id: str) -> Deferred[GetConsoleOutputResponse]:
        """What a user is told of an instance's console."""
        request = GetConsoleOutput(instance_id=instance_id)
        return self._asked(lambda: self.instances.get_console_output(ALICE, request))

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
