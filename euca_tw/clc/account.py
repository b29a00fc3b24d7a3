"""
What a user asks of the cloud as a whole: its one region, and what his account can
have in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import define

from euca_tw.api.ec2.account import (
    AccountAttribute,
    DescribeAccountAttributes,
    DescribeAccountAttributesResponse,
)
from euca_tw.api.ec2.zones import DescribeRegions, DescribeRegionsResponse, Region
from euca_tw.api.errors import InvalidParameterValue, NoSuchRegion
from euca_tw.clc.default_network import DefaultNetwork
from euca_tw.clc.filters import Reads, chooser, one
from euca_tw.clc.limits import PLENTY, limits_of
from euca_tw.clc.views import NO_OPT_IN
from euca_tw.model.callers import Caller
from euca_tw.model.quotas import UNLIMITED, Quotas
from euca_tw.store.interfaces import IStore

#: See docs/compatibility.md, "EC2-Classic and the default VPC".
CLASSIC, VPC = "EC2", "VPC"

_REGION_FILTERS: dict[str, Reads[Region]] = {
    "endpoint": one(lambda region: region.region_endpoint),
    "opt-in-status": one(lambda region: region.opt_in_status),
    "region-name": one(lambda region: region.region_name),
}
_ATTRIBUTE_FILTERS: dict[str, Reads[AccountAttribute]] = {
    "attribute-name": one(lambda attribute: attribute.name),
    "attribute-value": lambda attribute: attribute.values,
}


@define(eq=False, kw_only=True)
class Account:
    """
    The operations on regions and on attributes of the account.

    @ivar endpoint: host and port at which users reach the cloud.
    @ivar network: None where instances have none that could be described.
    """

    store: IStore
    quotas: Quotas
    region: str
    endpoint: str
    network: DefaultNetwork | None = None

    async def describe_regions(
        self, caller: Caller, request: DescribeRegions
    ) -> DescribeRegionsResponse:
        passes = chooser(_REGION_FILTERS, request.filters)
        for name in request.region_names:
            if name != self.region:
                raise NoSuchRegion(name)
        region = Region(
            region_name=self.region,
            region_endpoint=self.endpoint,
            opt_in_status=NO_OPT_IN,
        )
        return DescribeRegionsResponse(regions=tuple(filter(passes, (region,))))

    async def describe_account_attributes(
        self, caller: Caller, request: DescribeAccountAttributes
    ) -> DescribeAccountAttributesResponse:
        limits = limits_of(self.store, self.quotas, caller.account_id)
        told = self._attributes()
        wanted = request.attribute_names or tuple(told)
        for name in wanted:
            if name not in told:
                known = ", ".join(told)
                raise InvalidParameterValue("attributeName", name, f"It is of {known}.")
        attributes = (
            AccountAttribute(name=name, values=told[name](limits))
            for name in dict.fromkeys(wanted)
        )
        passes = chooser(_ATTRIBUTE_FILTERS, request.filters)
        return DescribeAccountAttributesResponse(
            attributes=tuple(filter(passes, attributes))
        )

    def _attributes(self) -> Mapping[str, Callable[[Quotas], tuple[str, ...]]]:
        network = self.network
        return {
            "supported-platforms": lambda _: (CLASSIC, *([VPC] if network else [])),
            "default-vpc": lambda _: (network.vpc_id if network else "none",),
            "max-instances": lambda limits: _number(limits.instances),
            "max-elastic-ips": lambda limits: _number(limits.addresses),
            "vpc-max-elastic-ips": lambda limits: _number(
                limits.addresses if network else 0
            ),
            "vpc-max-security-groups-per-interface": lambda limits: _number(
                limits.security_groups if network else 0
            ),
        }


def _number(limit: int) -> tuple[str, ...]:
    """The largest that a client's C{int} holds stands for no limit."""
    return (str(PLENTY - 1 if limit == UNLIMITED else limit),)
