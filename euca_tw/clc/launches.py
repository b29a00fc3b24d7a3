"""
RunInstances: from what is asked to what shall be.

Everything is looked at first; then the instances, all or none, are one commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import Factory, define
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.api.ec2.instances import Instance as InstanceView
from euca_tw.api.ec2.instances import (
    RunInstances,
    RunInstancesResponse,
)
from euca_tw.api.errors import (
    IdempotentInstanceTerminated,
    IdempotentParameterMismatch,
    InsufficientInstanceCapacity,
    InvalidParameterCombination,
)
from euca_tw.clc import views
from euca_tw.clc.checks import checked_text
from euca_tw.clc.default_network import DefaultNetwork
from euca_tw.clc.groups import (
    DEFAULT,
    have_default_group,
)
from euca_tw.clc.intent import intend
from euca_tw.clc.interfaces import IClusters, IPlacement, LaunchWish, Zone
from euca_tw.clc.launch_checks import LaunchChecks, SoundLaunch
from euca_tw.clc.launch_requests import (
    digest_of,
    groups_asked,
)
from euca_tw.clc.limits import may_launch_more, need
from euca_tw.clc.networks import CloudNetworks, NetworksHeld, NoFreeNetwork
from euca_tw.clc.placement import (
    OrderedPlacement,
    Place,
    Room,
    UnsoundPlacement,
    emptiest,
    places_in,
    shortage,
    together,
    zones_by,
)
from euca_tw.clc.tags import tags_of, with_tags
from euca_tw.common.clock import utc_now
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType
from euca_tw.model.identifiers import (
    AccountId,
    InstanceId,
    Minter,
    ReservationId,
    mac_address,
)
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import (
    ClientToken,
    GroupNetwork,
    Image,
    Instance,
    place_in,
    placement_group_key,
)
from euca_tw.store.interfaces import IStore, Put

LONGEST_TOKEN = 64


@define(eq=False, kw_only=True)
class Launches:
    """
    The operation that launches instances.

    @ivar default_type: of instances, when the request names none.
    @ivar networks: where they are managed: an instance is in the network of the
        first of its groups.
    @ivar network: what users are told of that, if it can be described.
    @ivar placement: which zones a launch goes to; C{placement_name} is for the log.
    @ivar domain: what names of instances end in; C{""} where they have none.
    """

    store: IStore
    clusters: IClusters
    clock: IReactorTime
    minter: Minter
    quotas: Quotas
    machine_types: Mapping[str, MachineType]
    default_type: str = "m1.small"
    networks: CloudNetworks | None = None
    network: DefaultNetwork | None = None
    domain: str = ""
    placement: IPlacement = Factory(lambda: OrderedPlacement(emptiest))
    placement_name: str = "least-loaded"
    _next: dict[str, int] = Factory(dict)
    _last_zone: str = ""
    _log = Logger()

    @property
    def _checks(self) -> LaunchChecks:
        return LaunchChecks(
            store=self.store,
            clusters=self.clusters,
            quotas=self.quotas,
            machine_types=self.machine_types,
            default_type=self.default_type,
            network=self.network,
        )

    async def run_instances(
        self, caller: Caller, request: RunInstances
    ) -> RunInstancesResponse:
        """
        One image in one request: the first dates' list of items has one.

        As many instances as there is room for are launched, up to
        C{max_count}; with no room for C{min_count}, none.
        """
        names, ids = groups_asked(request)
        if not (names or ids) or DEFAULT in names:
            await have_default_group(self.store, self.minter, caller.account_id)
        # From here to the commit nothing waits: what is found stays true.
        digest = digest_of(request)
        if request.client_token:
            token = self._token(caller, request.client_token)
            if token is not None:
                return await self._launched_before(token, digest)
        launch = self._checks.checked(caller, request)
        network = self._network(launch)
        places = self._places(caller, launch, network)
        launched = self._instances(caller, launch, places, network)
        changes = [Put(each) for each in launched]
        many = len(launched) * len(launch.tags)
        need(self.store, self.quotas, caller, "tags", many)
        for each in launched:
            changes.extend(
                with_tags(each.owner_id, "instance", each.instance_id, launch.tags)
            )
        if self.networks is not None and network is not None:
            zones = {each.zone for each in launched}
            changes.extend(self.networks.use(network, zones))
        if launch.client_token:
            changes.append(Put(_token_of(launched[0], digest)))
        await intend(self.store, self.clusters, changes, launched)
        return self._told(launched, launch.image)

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
        return self._told(launched, self.store.get(Image, launched[0].image_id))

    # --- is there room? -----------------------------------------------------

    def _network(self, launch: SoundLaunch) -> GroupNetwork | None:
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
        except NetworksHeld:
            raise InsufficientInstanceCapacity(
                launch.at_least,
                launch.machine.name,
                "the cloud was restored, and its operator has yet to say what becomes "
                "of the instances that it does not know",
            ) from None

    def _places(
        self, caller: Caller, launch: SoundLaunch, network: GroupNetwork | None
    ) -> tuple[Place, ...]:
        most = may_launch_more(
            self.store, self.quotas, caller, launch.machine, launch.at_least
        )
        rooms = tuple(self._rooms(launch, network))
        if launch.placement_group:
            zone = self._zone_of(caller, launch.placement_group)
            if zone is not None and launch.zone not in (None, zone):
                raise InvalidParameterCombination(
                    f"The instances of the placement group {launch.placement_group} "
                    f"are in {zone}, and cannot be in {launch.zone} too"
                )
            rooms = together(rooms, zone)
        places = self._placed(launch, rooms, min(most, launch.at_most))
        if len(places) < launch.at_least:
            raise InsufficientInstanceCapacity(
                launch.at_least, launch.machine.name, shortage(rooms)
            )
        return places

    def _placed(
        self, launch: SoundLaunch, rooms: Iterable[Room], count: int
    ) -> tuple[Place, ...]:
        """
        What the placement says; a stranger's may fail, which is told by its name,
        and then this launch has the places that it would have by default.
        """
        counted: Counter[str] | None = None

        def members(zone: str) -> int:
            nonlocal counted
            if counted is None:
                group_id = launch.groups[0].group_id if launch.groups else ""
                of_group = self.store.where(Instance, "group_ids", group_id)
                counted = Counter(each.live_in for each in of_group)
            return counted[zone]

        rooms = tuple(rooms)
        wish = LaunchWish(count=count, last=self._last_zone, members=members)
        name = self.placement_name
        try:
            zones = zones_by(self.placement, rooms, wish)
        except UnsoundPlacement as error:
            self._log.error(
                "The placement {name} is unsound: {why}", name=name, why=str(error)
            )
            zones = zones_by(OrderedPlacement(emptiest), rooms, wish)
        except Exception:
            self._log.failure("The placement {name} failed", name=name)
            zones = zones_by(OrderedPlacement(emptiest), rooms, wish)
        places = places_in(rooms, zones)
        if places:
            self._last_zone = places[-1].zone
        return places

    def _zone_of(self, caller: Caller, placement_group: str) -> str | None:
        """Where the group's instances are; None if it has none."""
        key = placement_group_key(caller.account_id, placement_group)
        for member in self.store.where(Instance, "placed_in", key):
            zone: str = member.zone
            return zone
        return None

    def _rooms(
        self, launch: SoundLaunch, network: GroupNetwork | None
    ) -> Iterable[Room]:
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
                    addresses = zone.addresses - live - len(zone.strangers)
                machines = zone.available.get(launch.machine.name, 0)
                yield Room(
                    zone=zone.name,
                    machines=machines,
                    is_used=machines < zone.most.get(launch.machine.name, machines),
                    addresses=addresses,
                    free=shared or self._free(zone),
                )

    def _free(self, zone: Zone) -> Iterable[int]:
        """
        The free places in a zone's range, going round: what was given back
        rests before it is another's.
        """
        start = self._next.get(zone.name, 0)
        strangers = {each.network_index for each in zone.strangers}
        for n in range(zone.addresses):
            index = (start + n) % zone.addresses
            if index not in strangers and not self.store.where(
                Instance, "occupies", place_in(zone.name, index)
            ):
                self._next[zone.name] = index + 1
                yield index

    # --- then so be it ------------------------------------------------------

    def _instances(
        self,
        caller: Caller,
        launch: SoundLaunch,
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
                is_protected=launch.is_protected,
                is_monitored=launch.is_monitored,
                stops_itself=launch.stops_itself,
                is_told_to_stop=launch.stops_itself,
                zone=placed.zone,
                placement_group=launch.placement_group,
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

    # --- what is told -------------------------------------------------------

    def _told(
        self, launched: Iterable[Instance], image: Image | None
    ) -> RunInstancesResponse:
        def view(each: Instance) -> InstanceView:
            tags = tags_of(self.store, each.owner_id, each.instance_id)
            return views.instance(each, image, "", tags, self.network, self.domain)

        [reservation] = views.reservations([(each, view(each)) for each in launched])
        return RunInstancesResponse(
            reservation_id=reservation.reservation_id,
            owner_id=reservation.owner_id,
            groups=reservation.groups,
            instances=reservation.instances,
        )


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
