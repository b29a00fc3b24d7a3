"""
Instances that were launched: telling of them, rebooting and ending them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable

from attrs import Factory, define
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.ec2.instances import (
    ConfirmProductInstance,
    ConfirmProductInstanceResponse,
    DescribeInstances,
    DescribeInstancesResponse,
    GetConsoleOutput,
    GetConsoleOutputResponse,
)
from euca_tw.api.errors import (
    InvalidParameterCombination,
    MalformedInstanceId,
    NoSuchInstance,
    Unavailable,
)
from euca_tw.clc import views
from euca_tw.clc.access import instance_of, instances_of
from euca_tw.clc.addresses import public_addresses
from euca_tw.clc.checks import checked_text
from euca_tw.clc.default_network import DefaultNetwork
from euca_tw.clc.filters import Tagged, chooser
from euca_tw.clc.instance_filters import FILTERS, INDEXES, Shown, place_of
from euca_tw.clc.interfaces import Console, IClusters
from euca_tw.clc.narrowing import instances_that_may_pass
from euca_tw.clc.paging import asked_page, paged
from euca_tw.clc.tags import tags_of
from euca_tw.common.clock import utc_now
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import InstanceId, is_identifier
from euca_tw.model.records import Image, Instance
from euca_tw.store.interfaces import IStore

#: So much of a console's output is told, from its end.
CONSOLE_BYTES = 65536


@define(eq=False, kw_only=True)
class Instances:
    """
    The operations on instances that there are.

    @ivar network: that they are in, if it can be described.
    @ivar domain: what their names end in; C{""} where they have none.
    """

    store: IStore
    clusters: IClusters
    clock: IReactorTime
    network: DefaultNetwork | None = None
    domain: str = ""
    _views: views.InstanceViews = Factory(
        lambda self: views.InstanceViews(network=self.network, domain=self.domain),
        takes_self=True,
    )

    async def describe_instances(
        self, caller: Caller, request: DescribeInstances
    ) -> DescribeInstancesResponse:
        """The caller's own; to administrators, all."""
        passes = chooser(FILTERS, request.filters, self._tagged(caller))
        asked = asked_page(request.max_results, request.next_token)
        found: Iterable[Instance]
        if request.instance_ids:
            if request.max_results is not None:
                raise InvalidParameterCombination(
                    "The parameter instancesSet cannot be used with maxResults"
                )
            found = instances_of(self.store, caller, request.instance_ids)
        else:
            found = instances_that_may_pass(
                self.store, caller, INDEXES, request.filters
            )
        told = await paged(
            self.clock,
            list(found),
            place_of,
            asked,
            self._shown(caller, passes if request.filters else None),
        )
        self._views.keep(2 * len(self.store.all(Instance)) + 1000)
        return DescribeInstancesResponse(
            reservations=self._views.reservations(told.items),
            next_token=told.next_token,
        )

    def _shown(
        self, caller: Caller, passes: Callable[[Shown], bool] | None
    ) -> Callable[[Instance], Shown | None]:
        public = public_addresses(self.store, caller)

        def shown(each: Instance) -> Shown | None:
            image = self.store.get(Image, each.image_id)
            public_ip = public.get(each.instance_id, "")
            tags = tags_of(self.store, caller.account_id, each.instance_id)
            pair = each, self._views.of(each, image, public_ip, tags)
            return pair if passes is None or passes(pair) else None

        return shown

    def _tagged(self, caller: Caller) -> Tagged[Shown]:
        return lambda pair: tags_of(self.store, caller.account_id, pair[0].instance_id)

    async def get_console_output(
        self, caller: Caller, request: GetConsoleOutput
    ) -> GetConsoleOutputResponse:
        """
        Nothing, of an instance that no node has yet.  Of one that has ended, as
        long as its node keeps it; then nothing.
        """
        instance = instance_of(self.store, caller, request.instance_id)
        console = Console()
        if instance.node:
            try:
                console = await self.clusters.console(instance)
            except Unavailable:
                if instance.is_live:
                    raise
        return GetConsoleOutputResponse(
            instance_id=instance.instance_id,
            timestamp=console.written_at or utc_now(self.clock),
            output=base64.b64encode(console.output[-CONSOLE_BYTES:]).decode("ascii"),
        )

    async def confirm_product_instance(
        self, caller: Caller, request: ConfirmProductInstance
    ) -> ConfirmProductInstanceResponse:
        """
        Whether an instance runs an image of the caller's that has the code.
        Who has neither learns nothing of the instance.
        """
        code = checked_text("productCode", request.product_code)
        if not is_identifier(request.instance_id, "i"):
            raise MalformedInstanceId(request.instance_id)
        instance = self.store.get(Instance, InstanceId(request.instance_id))
        if instance is None or not instance.is_live:
            raise NoSuchInstance(request.instance_id)
        image = self.store.get(Image, instance.image_id)
        if (
            image is not None
            and (caller.is_admin or image.owner_id == caller.account_id)
            and code in image.product_codes
        ):
            return ConfirmProductInstanceResponse(owner_id=instance.owner_id)
        if not (caller.is_admin or instance.owner_id == caller.account_id):
            raise NoSuchInstance(request.instance_id)
        return ConfirmProductInstanceResponse(is_success=False)
