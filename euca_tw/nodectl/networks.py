"""
What a node was told of networks, kept, and given to what carries them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from ipaddress import IPv4Address

from attrs import Factory, define, field

from euca_tw.api.errors import InvalidParameterValue, UnsupportedOperation
from euca_tw.api.node import NcSetNetworks, NcSetNetworksResponse
from euca_tw.model.networks import Role
from euca_tw.nodectl.interfaces import IManagedNetwork
from euca_tw.nodectl.life import Life
from euca_tw.nodectl.records import HostedInstance
from euca_tw.overlay.entries import Difference
from euca_tw.overlay.kept import KeptReplica
from euca_tw.overlay.settings import MANAGED, STATIC
from euca_tw.overlay.views import Picture
from euca_tw.store.interfaces import IStore


@define(eq=False)
class NodeNetworks:
    """@ivar here: the name of this machine: the node's URL."""

    here: str
    _store: IStore
    _network: IManagedNetwork
    _replica: KeptReplica = field(
        init=False,
        default=Factory(lambda self: KeptReplica(self._store, self._taken), True),
    )
    _picture: Picture = field(
        init=False, default=Factory(lambda self: Picture(self.here, Role.NODE), True)
    )

    def begin(self) -> None:
        """
        Go on with what was told before this start.  Who was never told anything
        leaves the machine as it is.
        """
        self._replica.begin()

    def _taken(self, difference: Difference) -> None:
        view = self._picture.take(difference)
        if self._picture.knows_itself:
            self._network.carry(view)

    async def set(self, request: NcSetNetworks) -> NcSetNetworksResponse:
        """
        Take in what the cluster tells.

        @raise InvalidParameterValue: it cannot be so, or is of another machine.
        """
        if request.name != self.here:
            reason = (
                f"This node is {self.here}: its url in [node_controller], and that in "
                "its cluster controller's [[node]], must be the same."
            )
            raise InvalidParameterValue("name", request.name, reason)
        try:
            await self._replica.hear(request.changes)
        except ValueError as error:
            raise InvalidParameterValue("changes", "networks", str(error)) from None
        return NcSetNetworksResponse(position=self._replica.position)

    def public_ip(self, private_ip: str) -> str:
        """The public address of an instance that is here; C{""} for none."""
        found = self._picture.public_ip(IPv4Address(private_ip))
        return "" if found is None else str(found)


def living(records: Iterable[HostedInstance]) -> Mapping[str, str]:
    """The mode in which each instance was launched that has not ended."""
    return {
        each.instance_id: each.launch.network_mode or STATIC
        for each in records
        if each.launch is not None and each.life is not Life.TERMINATED
    }


def setting(
    networks: NodeNetworks | None, mode: str
) -> Callable[[NcSetNetworks], Awaitable[NcSetNetworksResponse]]:
    """
    What takes in what the cluster tells.

    @param networks: None: they are not managed here, but of C{mode}; then it is
        refused.
    """
    if networks is not None:
        return networks.set

    async def refuse(request: NcSetNetworks) -> NcSetNetworksResponse:
        raise UnsupportedOperation(
            f"The networks of this node are {mode}: set mode in [network] of its "
            f"configuration to {MANAGED}"
        )

    return refuse
