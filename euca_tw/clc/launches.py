"""
RunInstances: from what is asked to what shall be.

Everything is looked at first; then the instances, all or none, are one commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import Factory, define, frozen
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.ec2.instances import (
    RunInstanceItem,
    RunInstances,
    RunInstancesResponse,
)
from euca_tw.api.errors import (
    IdempotentInstanceTerminated,
    IdempotentParameterMismatch,
    ImageUnavailable,
    InstanceLimitExceeded,
    InsufficientInstanceCapacity,
    InvalidParameterCombination,
    InvalidParameterValue,
    NoSuchZone,
)
from euca_tw.clc import views
from euca_tw.clc.access import usable_image_of
from euca_tw.clc.checks import checked_text, checked_user_data
from euca_tw.clc.groups import DEFAULT, groups_named, have_default_group
from euca_tw.clc.intent import intend
from euca_tw.clc.interfaces import IClusters, Zone
from euca_tw.clc.keypairs import find_key_pair
from euca_tw.clc.launch_requests import digest_of, refuse_what_is_not_here
from euca_tw.clc.networks import CloudNetworks, NoFreeNetwork
from euca_tw.clc.placement import Place, Room, place, shortage
from euca_tw.common.clock import utc_now
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType
from euca_tw.model.identifiers import (
    AccountId,
    ImageId,
    InstanceId,
    Minter,
    ReservationId,
    mac_address,
)
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import (
    ClientToken,
    GroupName,
    GroupNetwork,
    Image,
    ImageKind,
    ImageState,
    Instance,
    KeyPair,
    place_in,
)
from euca_tw.store.interfaces import IStore, Put

LONGEST_TOKEN = 64


@frozen(kw_only=True)
class _Launch:
    """
    A request that was found to be right.

    @ivar zone: the only one that will do; None for any.
    """

    at_least: int
    at_most: int
    image: Image
    kernel_id: ImageId | None
    ramdisk_id: ImageId | None
    machine: MachineType
    key: KeyPair | None
    groups: tuple[GroupName, ...]
    user_data: str
    zone: str | None
    client_token: str


@define(eq=False, kw_only=True)
class Launches:
    """
    The operation that launches instances.

    @ivar default_type: of instances, when the request names none.
    @ivar networks: where they are managed: an instance is in the network of the
        first of its groups.
    """

    store: IStore
    clusters: IClusters
    clock: IReactorTime
    minter: Minter
    quotas: Quotas
    machine_types: Mapping[str, MachineType]
    default_type: str = "m1.small"
    networks: CloudNetworks | None = None
    _next: dict[str, int] = Factory(dict)

    async def run_instances(
        self, caller: Caller, request: RunInstances
    ) -> RunInstancesResponse:
        """
        One image in one request: the first dates' list of items has one.

        As many instances as there is room for are launched, up to
        C{max_count}; with no room for C{min_count}, none.
        """
        if not (request.group_names or request.group_ids) or (
            DEFAULT in request.group_names
        ):
            await have_default_group(self.store, self.minter, caller.account_id)
        # From here to the commit nothing waits: what is found stays true.
        digest = digest_of(request)
        if request.client_token:
            token = self._token(caller, request.client_token)
            if token is not None:
                return await self._launched_before(token, digest)
        launch = self._checked(caller, request)
        network = self._network(launch)
        places = self._places(caller, launch, network)
        launched = self._instances(caller, launch, places, network)
        changes = [Put(each) for each in launched]
        if self.networks is not None and network is not None:
            zones = {each.zone for each in launched}
            changes.extend(self.networks.use(network, zones))
        if launch.client_token:
            changes.append(Put(_token_of(launched[0], digest)))
        await intend(self.store, self.clusters, changes, launched)
        return _told(launched, launch.image)

    # --- once and no more ---------------------------------------------------

    def _token(self, caller: Caller, token: str) -> ClientToken | None:
        checked_text("clientToken", token, LONGEST_TOKEN)
        return self.store.get(ClientToken, f"{caller.account_id}/{token}")

    async def _launched_before(
        self, token: ClientToken, digest: str
    ) -> RunInstancesResponse:
        if token.digest != digest:
            raise IdempotentParameterMismatch(token.token)
        # Kept once more: so this answer waits for the first one's commit.
        await self.store.commit(Put(token))
        launched = sorted(
            self.store.where(Instance, "reservation_id", token.reservation_id),
            key=lambda each: each.launch_index,
        )
        if not launched:
            raise IdempotentInstanceTerminated(token.token)
        return _told(launched, self.store.get(Image, launched[0].image_id))

    # --- is it right? -------------------------------------------------------

    def _checked(self, caller: Caller, request: RunInstances) -> _Launch:
        """@raise ApiError: it is not; says why."""
        refuse_what_is_not_here(request)
        [item, *others] = request.items
        if others:
            raise InvalidParameterCombination(
                "One request launches one image: send one for each item"
            )
        if not 1 <= item.min_count <= item.max_count:
            raise InvalidParameterValue(
                "minCount",
                str(item.min_count),
                f"It is between 1 and maxCount ({item.max_count}).",
            )
        image = usable_image_of(self.store, caller, item.image_id, ImageKind.MACHINE)
        kernel_id = self._boots(caller, request.kernel_id, image, ImageKind.KERNEL)
        ramdisk_id = self._boots(caller, request.ramdisk_id, image, ImageKind.RAMDISK)
        if ramdisk_id is not None and kernel_id is None:
            raise InvalidParameterCombination("A ramdisk needs a kernel")
        names = request.group_names
        if not names and not request.group_ids:
            names = (DEFAULT,)
        groups = groups_named(self.store, caller.account_id, names, request.group_ids)
        return _Launch(
            at_least=item.min_count,
            at_most=item.max_count,
            image=image,
            kernel_id=kernel_id,
            ramdisk_id=ramdisk_id,
            machine=self._machine(request.instance_type or self.default_type),
            key=self._key(caller, item),
            groups=tuple(GroupName(group_id=g.group_id, name=g.name) for g in groups),
            user_data=checked_user_data(
                request.encoded_user_data, self.quotas.user_data_bytes
            ),
            zone=self._zone(request),
            client_token=request.client_token or "",
        )

    def _boots(
        self, caller: Caller, asked: str | None, image: Image, kind: ImageKind
    ) -> ImageId | None:
        """
        The kernel or ramdisk: the one that is asked for, which the caller
        must have access to, or the image's own, which comes with it.
        """
        if asked:
            return usable_image_of(self.store, caller, asked, kind).image_id
        own = image.kernel_id if kind is ImageKind.KERNEL else image.ramdisk_id
        if own is not None:
            found = self.store.get(Image, own)
            if found is None:
                raise ImageUnavailable(own, ImageState.DEREGISTERED.value)
            if found.state is not ImageState.AVAILABLE:
                raise ImageUnavailable(own, found.state.value)
        return own

    def _machine(self, name: str) -> MachineType:
        try:
            return self.machine_types[name]
        except KeyError:
            known = ", ".join(self.machine_types)
            raise InvalidParameterValue(
                "instanceType", name, f"This cloud has {known}."
            ) from None

    def _key(self, caller: Caller, item: RunInstanceItem) -> KeyPair | None:
        if not item.key_name:
            return None
        return find_key_pair(self.store, caller.account_id, item.key_name)

    def _zone(self, request: RunInstances) -> str | None:
        zone = request.placement and request.placement.availability_zone
        if not zone:
            return None
        if zone not in {each.name for each in self.clusters.zones()}:
            raise NoSuchZone(zone)
        return zone

    # --- is there room? -----------------------------------------------------

    def _network(self, launch: _Launch) -> GroupNetwork | None:
        """None: networks are not managed."""
        if self.networks is None:
            return None
        try:
            return self.networks.network_for(launch.groups[0].group_id)
        except NoFreeNetwork:
            raise InsufficientInstanceCapacity(
                launch.at_least,
                launch.machine.name,
                "the cloud has as many networks as it has addresses for",
            ) from None

    def _places(
        self, caller: Caller, launch: _Launch, network: GroupNetwork | None
    ) -> tuple[Place, ...]:
        most = launch.at_most
        if not caller.is_admin:
            most = min(most, self.quotas.instances - self._held(caller))
            if most < launch.at_least:
                raise InstanceLimitExceeded(launch.at_least, self.quotas.instances)
        rooms = tuple(self._rooms(launch, network))
        places = place(rooms, most)
        if len(places) < launch.at_least:
            raise InsufficientInstanceCapacity(
                launch.at_least, launch.machine.name, shortage(rooms)
            )
        return places

    def _held(self, caller: Caller) -> int:
        """How many instances the caller has that shall run."""
        return len(self.store.where(Instance, "charged_to", caller.account_id))

    def _rooms(self, launch: _Launch, network: GroupNetwork | None) -> Iterable[Room]:
        # All zones of one network take from one range.
        shared: Iterable[int] = ()
        if self.networks is not None and network is not None:
            shared = self.networks.free(network)
        for zone in self.clusters.zones():
            if zone.is_reachable and launch.zone in (None, zone.name):
                if self.networks is not None and network is not None:
                    addresses = self.networks.addresses(network)
                else:
                    live = len(self.store.where(Instance, "live_in", zone.name))
                    addresses = zone.addresses - live
                yield Room(
                    zone=zone.name,
                    machines=zone.available.get(launch.machine.name, 0),
                    addresses=addresses,
                    free=shared or self._free(zone),
                )

    def _free(self, zone: Zone) -> Iterable[int]:
        """
        The free places in a zone's range, going round: what was given back
        rests before it is another's.
        """
        start = self._next.get(zone.name, 0)
        for n in range(zone.addresses):
            index = (start + n) % zone.addresses
            if not self.store.where(Instance, "occupies", place_in(zone.name, index)):
                self._next[zone.name] = index + 1
                yield index

    # --- then so be it ------------------------------------------------------

    def _instances(
        self,
        caller: Caller,
        launch: _Launch,
        places: Iterable[Place],
        network: GroupNetwork | None,
    ) -> list[Instance]:
        now = utc_now(self.clock)
        reservation_id = self._new_reservation()
        made: dict[InstanceId, Instance] = {}
        for index, placed in enumerate(places):
            instance_id = self._new_instance(made)
            private_ip = ""
            if network is not None:
                private_ip = str(CloudNetworks.address(network, placed.network_index))
            made[instance_id] = Instance(
                instance_id=instance_id,
                reservation_id=reservation_id,
                owner_id=AccountId(caller.account_id),
                image_id=launch.image.image_id,
                kernel_id=launch.kernel_id,
                ramdisk_id=launch.ramdisk_id,
                instance_type=launch.machine.name,
                cores=launch.machine.cores,
                memory_mib=launch.machine.memory_mib,
                disk_gib=launch.machine.disk_gib,
                ephemeral_gib=launch.machine.ephemeral_gib,
                swap_mib=launch.machine.swap_mib,
                key_name=launch.key.name if launch.key else "",
                public_key=launch.key.public_key if launch.key else "",
                groups=launch.groups,
                user_data=launch.user_data,
                launch_index=index,
                launched_at=_to_milliseconds(now),
                client_token=launch.client_token,
                zone=placed.zone,
                network=network.number if network is not None else 0,
                network_index=placed.network_index,
                mac_address=mac_address(instance_id),
                private_ip=private_ip,
            )
        return list(made.values())

    def _new_reservation(self) -> ReservationId:
        def is_taken(made: str) -> bool:
            return bool(self.store.where(Instance, "reservation_id", made))

        return ReservationId(self.minter.mint("r", is_taken))

    def _new_instance(self, made: Mapping[InstanceId, Instance]) -> InstanceId:
        def is_taken(text: str) -> bool:
            return text in made or self.store.get(Instance, text) is not None

        return InstanceId(self.minter.mint("i", is_taken))


def _token_of(launched: Instance, digest: str) -> ClientToken:
    return ClientToken(
        owner_id=launched.owner_id,
        token=launched.client_token,
        digest=digest,
        reservation_id=launched.reservation_id,
    )


def _to_milliseconds(moment: datetime) -> datetime:
    """As it is told: so it sorts as what users are told sorts."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _told(launched: Iterable[Instance], image: Image | None) -> RunInstancesResponse:
    pairs = [(each, views.instance(each, image, "")) for each in launched]
    [reservation] = views.reservations(pairs)
    return RunInstancesResponse(
        reservation_id=reservation.reservation_id,
        owner_id=reservation.owner_id,
        groups=reservation.groups,
        instances=reservation.instances,
    )
