"""
The head of a cluster: the machine where its networks have their routers and their
way out, and from where the trunks go to other clusters.

Told what to carry by the cluster controller, as nodes are; it keeps that, and goes on
with it after a restart before it is told anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from random import Random
from typing import Any

from attrs import evolve
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from euca_tw.api import head as api
from euca_tw.api.errors import InvalidParameterValue, UnsupportedOperation
from euca_tw.api.shapes import Operation
from euca_tw.common.changes import Changes
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import Minter
from euca_tw.model.networks import TRANSIT_NUMBER, Role, View
from euca_tw.overlay.entries import Difference
from euca_tw.overlay.kept import KeptReplica
from euca_tw.overlay.views import Picture
from euca_tw.store.interfaces import IStore
from euca_tw.vnet.carrying import Carrying
from euca_tw.vnet.interfaces import INetworkHost, ITrunk, NetworkFailed

#: A long poll is answered by then.
_LONGEST_WAIT_S = 300.0
_TROUBLE = "trouble"


class NetworkHead(Service):
    """
    What runs on a head.  Its store is open before it is started, and closed after
    it has stopped; a stop leaves all that is carried.
    """

    def __init__(
        self,
        *,
        url: str,
        store: IStore,
        host: INetworkHost,
        trunk: ITrunk,
        clock: IReactorTime,
        random: Random,
    ) -> None:
        """@param url: where this head is reached: its name."""
        self._host = host
        self._trunk = trunk
        self._replica = KeptReplica(store, self._taken)
        self._picture = Picture(url, Role.HEAD)
        self._changes: Changes[str] = Changes(clock, Minter(random).uuid())
        self._carrying = Carrying(
            clock=clock, random=random, apply=self._apply, changed=self._changed
        )
        self._answers: dict[str, Callable[[Any], Awaitable[Any]]] = {
            api.SET_HEAD_NETWORKS.name: self._set_networks,
            api.WAIT_FOR_HEAD.name: self._wait,
        }

    def startService(self) -> None:
        super().startService()
        self._replica.begin()
        self._carrying.start()

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        self._changes.stop()
        return self._carrying.stop()

    async def dispatch(self, operation: Operation, caller: Caller, request: Any) -> Any:
        """
        Answer the cluster controller.

        @raise euca_tw.api.errors.ApiError: it was not done.
        """
        try:
            answer = self._answers[operation.name]
        except KeyError:
            raise UnsupportedOperation(
                f"This head does not do {operation.name}"
            ) from None
        return await answer(request)

    async def _set_networks(
        self, request: api.SetHeadNetworks
    ) -> api.SetHeadNetworksResponse:
        if request.name != self._picture.here:
            reason = (
                f"This head is {self._picture.here}: its url in [head], and head_url "
                "of its cluster controller, must be the same."
            )
            raise InvalidParameterValue("name", request.name, reason)
        try:
            await self._replica.hear(request.changes)
        except ValueError as error:
            raise InvalidParameterValue("changes", "networks", str(error)) from None
        return api.SetHeadNetworksResponse(position=self._replica.position)

    async def _wait(self, request: api.WaitForHead) -> api.WaitForHeadResponse:
        timeout_s = min(request.timeout_s, _LONGEST_WAIT_S)
        delta = await self._changes.wait(request.epoch, request.since, timeout_s)
        return api.WaitForHeadResponse(
            epoch=delta.epoch,
            sequence=delta.sequence,
            trouble=self._carrying.trouble or None,
        )

    def _taken(self, difference: Difference) -> None:
        view = self._picture.take(difference)
        if self._picture.knows_itself:
            self._carrying.carry(view)

    async def _apply(self, view: View) -> None:
        """@raise euca_tw.vnet.interfaces.NetworkFailed:"""
        # After it: the trunk opens what is made there; so nothing that is not ours.
        try:
            await self._host.apply(view)
        except NetworkFailed as failed:
            if failed.numbers is not None:
                self._trunk.apply(_without(view, failed.numbers))
            raise
        self._trunk.apply(view)

    def _changed(self) -> None:
        self._changes.put(_TROUBLE, self._carrying.trouble)


def _without(view: View, numbers: Collection[int]) -> View:
    kept = {n: each for n, each in view.networks.items() if n not in numbers}
    extents = {} if TRANSIT_NUMBER in numbers else view.extents
    return evolve(view, networks=kept, extents=extents)
