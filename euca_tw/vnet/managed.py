"""
The instances' networks on a node, where the cloud manages them: one for each
security group.

Which networks there are, and which instance is in which, is told from above
(L{ManagedNodeNetwork.carry}); the machine is made so through L{INetworkHost}.  On
the bridge of each, DHCP, metadata and names are served for the instances of this
machine that are in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from random import Random

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from euca_tw.model.metadata import InstanceMetadata
from euca_tw.model.networks import Carried, Member, View
from euca_tw.nodectl.interfaces import IManagedNetwork, Lease, NetworkFailed, Nic
from euca_tw.vnet.carrying import Carrying
from euca_tw.vnet.interfaces import INetworkHost, IResponders, together
from euca_tw.vnet.interfaces import NetworkFailed as NetworkUnmade
from euca_tw.vnet.leases import Leases, card_name
from euca_tw.vnet.link_records import bridge_name
from euca_tw.vnet.paths import carriers_of, heads_of, paths

#: Of networks that are begun to be served in one turn of the reactor: each takes
#: some sockets.
_AT_ONCE = 16
#: That every network can carry (RFC 8200), where nothing is known.
_SMALLEST_MTU = 1280

_NOT_TOLD = (
    "{instance_id} has no network on this machine yet: its cluster has not told of "
    "it (it tells again by itself; see whether the cloud controller runs, and its "
    "log and the cluster controller's)"
)


@implementer(IManagedNetwork)
@define(kw_only=True, eq=False)
class ManagedNodeNetwork:
    """
    @ivar metadata_of: the facts of the instance with a private address.
    @ivar wait_s: so long L{attach} waits before it says what it waits for.
    """

    host: INetworkHost
    responders: IResponders
    metadata_of: Callable[[str], InstanceMetadata | None]
    clock: IReactorTime
    random: Random = field(repr=False)
    wait_s: float = 5.0
    leases: Leases = field(factory=Leases, init=False)
    _carrying: Carrying = field(init=False)
    # What was told last: the network of each instance of this machine.
    _told: dict[str, int] = field(factory=dict, init=False)
    # What is carried: each instance of this machine, by name; by the network's
    # number, as which view says, and its bridge.
    _here: dict[str, Member] = field(factory=dict, init=False)
    _views: dict[int, View] = field(factory=dict, init=False)
    _served: dict[int, str] = field(factory=dict, init=False)
    _waiting: set[Deferred[None]] = field(factory=set, init=False)
    _is_started: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._carrying = Carrying(
            clock=self.clock,
            random=self.random,
            apply=self._apply,
            changed=self._tell_waiting,
        )

    async def start(self) -> None:
        self._is_started = True
        self._carrying.start()

    async def stop(self) -> None:
        self._is_started = False
        await self._carrying.stop()
        for number in list(self._served):
            await self._cease(number)

    def carry(self, view: View) -> None:
        self._carrying.carry(view)

    def mended(self) -> None:
        """What others did to networks was mended; their bridges may be new ones."""
        self._carrying.make_sure()

    async def attach(self, lease: Lease) -> Nic:
        if not lease.private_ip:
            raise NetworkFailed(
                f"{lease.instance_id} was given no private address, and a card "
                "is bound to its address here"
            )
        self.leases.add(lease)
        until = self.clock.seconds() + self.wait_s
        while (member := self._ready(lease.instance_id)) is None:
            trouble = self._trouble(lease.instance_id)
            left_s = until - self.clock.seconds()
            if left_s <= 0 or trouble:
                raise NetworkFailed(
                    trouble or _NOT_TOLD.format(instance_id=lease.instance_id)
                )
            await self._change(left_s)
        if str(member.private_ip) != lease.private_ip:
            raise NetworkFailed(
                f"{lease.instance_id} was launched with {lease.private_ip}, and in "
                f"its network it is {member.private_ip}"
            )
        # Its network's packets may be smaller, for what carries them from here on.
        view = self._views[member.network]
        mtu = _mtu(view, view.networks[member.network])
        self.leases.add(evolve(lease, mtu=mtu))
        return Nic(
            mac_address=lease.mac_address,
            bridge=bridge_name(member.network),
            target=card_name(lease.instance_id),
        )

    def _ready(self, instance_id: str) -> Member | None:
        """An instance all whose network is there."""
        member = self._here.get(instance_id)
        return member if member is not None and member.network in self._served else None

    def _trouble(self, instance_id: str) -> str:
        """What keeps its network from being there; C{""}: nothing that is known."""
        concerned = self._carrying.concerned
        is_its = concerned is None or self._told.get(instance_id) in concerned
        return self._carrying.trouble if is_its else ""

    async def detach(self, instance_id: str) -> None:
        self.leases.remove(instance_id)

    # --- what is carried ---------------------------------------------------------

    async def _apply(self, view: View) -> None:
        """@raise euca_tw.vnet.interfaces.NetworkFailed:"""
        self._told = {m.instance_id: m.network for m in _own(view)}
        for number in self._served.keys() - view.networks.keys():
            # Before it goes: what is bound to a bridge hears nothing of its heir.
            await self._cease(number)
        failed: list[NetworkUnmade] = []
        try:
            await self.host.apply(view)
        except NetworkUnmade as failure:
            if failure.numbers is None:
                raise
            # All others are there.
            failed.append(failure)
        refused = {number for each in failed for number in each.numbers or ()}
        self._know(view, refused)
        # Those that are served already, too: their bridges may have been made anew.
        for count, number in enumerate(sorted(view.networks.keys() - refused), 1):
            try:
                self._serve(number)
            except NetworkUnmade as failure:
                self._served.pop(number, None)
                failed.append(NetworkUnmade(str(failure), {number}))
            if not count % _AT_ONCE:
                await deferLater(self.clock, 0)
        if failed:
            raise together(failed)

    def _know(self, view: View, refused: Collection[int]) -> None:
        """@param refused: networks that are as they were, if they were there."""
        before, views = self._here, self._views
        self._here, self._views = {}, {}
        for number in view.networks:
            if number not in refused:
                self._views[number] = view
            elif number in views:
                self._views[number] = views[number]
        for member in _own(view):
            name = member.instance_id
            if member.network not in refused or before.get(name) == member:
                self._here[name] = member

    def _serve(self, number: int) -> None:
        def lease_of(mac_address: str) -> Lease | None:
            return self._within(number, self.leases.of_mac(mac_address))

        def metadata_of(private_ip: str) -> InstanceMetadata | None:
            return self.metadata_of(private_ip) if lease_at(private_ip) else None

        def lease_at(private_ip: str) -> Lease | None:
            return self._within(number, self.leases.of_ip(private_ip))

        bridge = bridge_name(number)
        self.responders.serve(bridge, lease_of, metadata_of, lease_at)
        self._served[number] = bridge

    def _within(self, number: int, lease: Lease | None) -> Lease | None:
        """A lease, if its instance is in that network."""
        member = None if lease is None else self._here.get(lease.instance_id)
        return lease if member is not None and member.network == number else None

    async def _cease(self, number: int) -> None:
        bridge = self._served.pop(number, None)
        if bridge is not None:
            await self.responders.cease(bridge)

    # --- who waits -----------------------------------------------------------------

    async def _change(self, within_s: float) -> None:
        """Until something is carried, or cannot be, or the time is over."""
        waiting: Deferred[None] = Deferred()
        self._waiting.add(waiting)
        late = self.clock.callLater(within_s, self._tell, waiting)
        try:
            await waiting
        finally:
            if late.active():
                late.cancel()
            self._waiting.discard(waiting)

    def _tell_waiting(self) -> None:
        for waiting in list(self._waiting):
            self._tell(waiting)

    @staticmethod
    def _tell(waiting: Deferred[None]) -> None:
        if not waiting.called:
            waiting.callback(None)


def _own(view: View) -> Iterator[Member]:
    """The instances of this machine."""
    for carried in view.networks.values():
        yield from (each for each in carried.members if each.machine == view.here)


def _mtu(view: View, carried: Carried) -> int:
    """Of the largest packet that goes from here to the others of a network."""
    heads = heads_of(view.machines.values())
    here = view.machines.get(view.here)
    if here is None:
        return _SMALLEST_MTU
    return paths(here, carriers_of(view, carried, heads)).mtu
