"""The steps of a cluster's plan: what its nodes are told."""

from __future__ import annotations

from typing import Any

from attrs import define

from euca_tw.api import node as api
from euca_tw.api.cluster import Launch
from euca_tw.api.shapes import Operation
from euca_tw.cc import plan
from euca_tw.cc.records import Placement
from euca_tw.cc.settings import ClusterSettings
from euca_tw.common.convergence import Setback
from euca_tw.common.evolved import evolve
from euca_tw.overlay.settings import STATIC
from euca_tw.soap.interfaces import IPeers, PeerRefused, PeerUnreachable


@define
class Steps:
    """Talks to nodes; everything is idempotent by instance."""

    _peers: IPeers
    _settings: ClusterSettings
    _network_mode: str = STATIC

    def addressed(self, launch: Launch) -> Launch:
        """A launch with the addresses that the cluster gives."""
        set_ = self._settings
        if self._network_mode != STATIC:
            return evolve(launch, nameservers=set_.nameservers)  # type: ignore[misc]
        return evolve(  # type: ignore[misc]
            launch,
            private_ip=str(set_.address_of(launch.network_index)),
            prefix_length=set_.network.prefixlen,
            router=set_.router_address,
            nameservers=set_.nameservers,
        )

    async def launch(self, node: str, launch: Launch) -> str:
        """
        Have a node take an instance on.

        @return: why it will not; C{""} if it has.
        @raise Setback: nothing is known.
        """
        request = api.NcLaunchInstance(user_id=launch.owner_id, launch=launch)
        told = await self._call(node, api.NC_LAUNCH_INSTANCE, request)
        refusal: str | None = told.refusal
        return refusal or ""

    async def start(self, node: str, launch: Launch) -> str:
        """
        Have a node run again what has stopped there.

        @return: why it will not; C{""} if it will.
        @raise Setback: nothing is known.
        """
        request = api.NcStartInstance(
            user_id=launch.owner_id, instance_id=launch.instance_id, launch=launch
        )
        told = await self._call(node, api.NC_START_INSTANCE, request)
        refusal: str | None = told.refusal
        return refusal or ""

    async def stop(self, placement: Placement) -> None:
        """
        Have its node stop an instance.

        @raise Setback: nothing is known, or it will not.
        """
        request = api.NcStopInstance(
            user_id="eucalyptus",
            instance_id=placement.instance_id,
            is_forced=placement.is_forced,
            starts=max(placement.starts, placement.starts_told),
        )
        told = await self._call(placement.node, api.NC_STOP_INSTANCE, request)
        if told.refusal:
            raise Setback(told.refusal)

    async def terminate(self, step: plan.Terminate, instance_id: str) -> None:
        """
        Have a node end an instance.

        @raise Setback: nothing is known.
        """
        request = api.NcTerminateInstance(user_id="eucalyptus", instance_id=instance_id)
        await self._call(step.node, TERMINATE, request)

    async def _call(self, node: str, operation: Operation, request: object) -> Any:
        peer = self._peers.peer(node)
        try:
            return await peer.call(operation, request, self._settings.call_timeout_s)
        except (PeerUnreachable, PeerRefused) as e:
            raise Setback(str(e)) from None


TERMINATE = api.NODE.named("ncTerminateInstance")
REBOOT = api.NODE.named("ncRebootInstance")
CONSOLE = api.NODE.named("ncGetConsoleOutput")
