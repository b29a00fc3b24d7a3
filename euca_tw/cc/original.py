"""
The cluster's operations as the original published them, in terms of ours.

There is one flat network in this release: security groups' networks are noted
and need nothing done; their rules are refused, for they would not be enforced.
Volumes are refused too.  A refusal is C{return=false} on the wire.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from twisted.internet.interfaces import IReactorTime

from euca_tw.api import cluster as api
from euca_tw.api import node as node_api
from euca_tw.api.errors import (
    InsufficientInstanceCapacity,
    InvalidParameterValue,
    NoSuchInstance,
    Unavailable,
    UnsupportedOperation,
)
from euca_tw.api.shapes import Operation
from euca_tw.cc.converge import Placements
from euca_tw.cc.nodes import Nodes
from euca_tw.cc.records import Placement, PublicAddress, StartedNetwork
from euca_tw.cc.settings import ClusterSettings
from euca_tw.cc.steps import CONSOLE, REBOOT
from euca_tw.common.changes import Changes
from euca_tw.common.clock import utc_now
from euca_tw.soap.interfaces import IPeers, PeerRefused, PeerUnreachable
from euca_tw.store.interfaces import Delete, IStore, Put

Answer = Callable[[Any], Awaitable[Any]]
_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - the contract's word for none


class OriginalCluster:
    """@ivar answers: by the operation's name."""

    def __init__(
        self,
        *,
        name: str,
        store: IStore,
        nodes: Nodes,
        peers: IPeers,
        placements: Placements,
        changes: Changes[api.ChangedInstance],
        clock: IReactorTime,
        settings: ClusterSettings,
        resources: Callable[
            [Iterable[api.ClusterMachineType]], tuple[api.ClusterResource, ...]
        ],
    ) -> None:
        self._name = name
        self._store = store
        self._nodes = nodes
        self._peers = peers
        self._placements = placements
        self._changes = changes
        self._clock = clock
        self._settings = settings
        self._resources = resources
        self.answers: dict[str, Answer] = {
            "AttachVolume": self._no_volumes,
            "DetachVolume": self._no_volumes,
            "GetConsoleOutput": self._get_console_output,
            "RebootInstances": self._reboot_instances,
            "StartNetwork": self._start_network,
            "StopNetwork": self._stop_network,
            "ConfigureNetwork": self._configure_network,
            "AssignAddress": self._assign_address,
            "UnassignAddress": self._unassign_address,
            "DescribeNetworks": self._describe_networks,
            "DescribePublicAddresses": self._describe_public_addresses,
            "DescribeInstances": self._describe_instances,
            "DescribeResources": self._describe_resources,
            "TerminateInstances": self._terminate_instances,
            "RunInstances": self._run_instances,
        }

    # --- instances -----------------------------------------------------------

    async def _run_instances(
        self, request: api.RunInstances
    ) -> api.RunInstancesResponse:
        launches = self._launches(request)
        refused = await self._placements.launch(launches)
        names = {each.instance_id for each in refused}
        taken = [each for each in launches if each.instance_id not in names]
        if len(taken) < request.min_count:
            await self._placements.end([each.instance_id for each in taken])
            of = request.instance_type
            raise InsufficientInstanceCapacity(
                request.min_count, (of.name or "") if of else "", refused[0].reason
            )
        return api.RunInstancesResponse(
            instances=self._instances([each.instance_id for each in taken])
        )

    def _launches(self, request: api.RunInstances) -> list[api.Launch]:
        count = len(request.instance_ids)
        indexes = request.network_indexes
        if len(request.mac_addresses) != count or len(indexes) != count:
            raise InvalidParameterValue(
                "instanceIds",
                str(count),
                "There must be as many macAddresses and networkIndexList.",
            )
        if request.min_count > count:
            raise InvalidParameterValue(
                "minCount",
                str(request.min_count),
                f"There are {count} instanceIds.",
            )
        first = int(request.launch_index) if request.launch_index.isdigit() else 0
        return [
            api.Launch(
                instance_id=instance_id,
                reservation_id=request.reservation_id,
                owner_id=request.user_id or "",
                root=api.ImageSource(
                    image_id=request.image_id or "", url=request.image_url or ""
                ),
                kernel=_source(request.kernel_id, request.kernel_url),
                ramdisk=_source(request.ramdisk_id, request.ramdisk_url),
                instance_type=request.instance_type or api.ClusterMachineType(),
                public_key=request.key_name,
                user_data=request.user_data or None,
                launch_index=first + n,
                launch_time=utc_now(self._clock),
                group_names=request.net_names,
                zone=self._name,
                network_index=indexes[n],
                mac_address=request.mac_addresses[n],
            )
            for n, instance_id in enumerate(request.instance_ids)
        ]

    async def _describe_instances(
        self, request: api.DescribeInstances
    ) -> api.DescribeInstancesResponse:
        names = list(request.instance_ids)
        if not names:
            names = [placement.key for placement in self._store.all(Placement)]
            self._changes.heard(self._changes.sequence)
        return api.DescribeInstancesResponse(instances=self._instances(names))

    def _instances(self, names: Iterable[str]) -> tuple[api.ClusterInstance, ...]:
        told = (self._changes.get(name) for name in names)
        return tuple(each.instance for each in told if each is not None)

    async def _terminate_instances(
        self, request: api.TerminateInstances
    ) -> api.TerminateInstancesResponse:
        await self._placements.end(request.instance_ids)
        return api.TerminateInstancesResponse(
            is_terminated=tuple(True for _ in request.instance_ids)
        )

    async def _reboot_instances(
        self, request: api.RebootInstances
    ) -> api.RebootInstancesResponse:
        for name in request.instance_ids:
            told = await self.ask_node(
                name, REBOOT, node_api.NcRebootInstance(instance_id=name)
            )
            if not told.status:
                raise Unavailable(f"{name} does not run")
        return api.RebootInstancesResponse()

    async def _get_console_output(
        self, request: api.GetConsoleOutput
    ) -> api.GetConsoleOutputResponse:
        name = request.instance_id or ""
        told = await self.ask_node(
            name, CONSOLE, node_api.NcGetConsoleOutput(instance_id=name)
        )
        return api.GetConsoleOutputResponse(console_output=told.console_output)

    async def ask_node(self, name: str, operation: Operation, request: Any) -> Any:
        """
        @raise NoSuchInstance: no node has it.
        @raise Unavailable: its node does not answer, or does not do it.
        """
        placement = self._store.get(Placement, name)
        if placement is None or not placement.node:
            raise NoSuchInstance(name)
        return await self.ask(placement.node, operation, request)

    async def ask(self, node: str, operation: Operation, request: Any) -> Any:
        """@raise Unavailable: the node does not answer, or does not do it."""
        peer = self._peers.peer(node)
        try:
            return await peer.call(operation, request, self._settings.call_timeout_s)
        except (PeerUnreachable, PeerRefused) as e:
            raise Unavailable(str(e)) from None

    async def _describe_resources(
        self, request: api.DescribeResources
    ) -> api.DescribeResourcesResponse:
        return api.DescribeResourcesResponse(
            resources=self._resources(request.instance_types),
            service_tags=tuple(self._nodes.views),
        )

    # --- networks and addresses ----------------------------------------------

    async def _start_network(
        self, request: api.StartNetwork
    ) -> api.StartNetworkResponse:
        network = StartedNetwork(
            user=request.user_id or "",
            name=request.net_name or "",
            vlan=request.vlan or 0,
        )
        await self._store.commit(Put(network))
        return api.StartNetworkResponse()

    async def _stop_network(self, request: api.StopNetwork) -> api.StopNetworkResponse:
        await self._store.commit(Delete(StartedNetwork, str(request.vlan or 0)))
        return api.StopNetworkResponse()

    async def _configure_network(self, request: api.ConfigureNetwork) -> Any:
        raise UnsupportedOperation("Rules are not enforced by this cluster")

    async def _describe_networks(
        self, request: api.DescribeNetworks
    ) -> api.DescribeNetworksResponse:
        return api.DescribeNetworksResponse(
            mode=0,
            addresses_per_net=self._settings.addresses,
            active_networks=tuple(
                api.ClusterNetwork(
                    vlan=network.vlan, net_name=network.name, user_name=network.user
                )
                for network in self._store.all(StartedNetwork)
            ),
        )

    async def _assign_address(
        self, request: api.AssignAddress
    ) -> api.AssignAddressResponse:
        await self._store.commit(
            Put(PublicAddress(source=request.source, dest=request.dest))
        )
        return api.AssignAddressResponse()

    async def _unassign_address(
        self, request: api.UnassignAddress
    ) -> api.UnassignAddressResponse:
        await self._store.commit(
            Put(PublicAddress(source=request.source, dest=_NO_ADDRESS))
        )
        return api.UnassignAddressResponse()

    async def _describe_public_addresses(
        self, request: api.DescribePublicAddresses
    ) -> api.DescribePublicAddressesResponse:
        addresses = tuple(self._store.all(PublicAddress))
        return api.DescribePublicAddressesResponse(
            source_addresses=tuple(a.source for a in addresses),
            dest_addresses=tuple(a.dest for a in addresses),
        )

    async def _no_volumes(self, request: Any) -> Any:
        raise UnsupportedOperation("This cluster has no volumes")


def _source(image_id: str | None, url: str | None) -> api.ImageSource | None:
    if not image_id or not url:
        return None
    return api.ImageSource(image_id=image_id, url=url)
