"""Availability zones: one for each cluster."""

from __future__ import annotations

from attrs import define

from euca_tw.api.ec2.zones import (
    DescribeAvailabilityZones,
    DescribeAvailabilityZonesResponse,
)
from euca_tw.api.errors import NoSuchZone
from euca_tw.clc import views
from euca_tw.clc.filters import chooser, one
from euca_tw.clc.interfaces import IClusters
from euca_tw.model.callers import Caller


@define(eq=False, kw_only=True)
class Zones:
    """
    The operations on availability zones.

    @ivar region: that all of them are in.
    """

    clusters: IClusters
    region: str

    async def describe_availability_zones(
        self, caller: Caller, request: DescribeAvailabilityZones
    ) -> DescribeAvailabilityZonesResponse:
        known = {
            zone.name: views.zone(zone.name, zone.is_reachable, self.region)
            for zone in self.clusters.zones()
        }
        for name in request.zone_names:
            if name not in known:
                raise NoSuchZone(name)
        wanted = request.zone_names or known
        passes = chooser(
            {
                "zone-name": one(lambda zone: zone.zone_name),
                "state": one(lambda zone: zone.zone_state),
                "region-name": one(lambda zone: zone.region_name),
                "message": lambda zone: zone.messages,
            },
            request.filters,
        )
        shown = (view for name, view in known.items() if name in wanted)
        return DescribeAvailabilityZonesResponse(zones=tuple(filter(passes, shown)))
