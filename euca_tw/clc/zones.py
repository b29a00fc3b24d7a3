"""
Availability zones: one for each cluster.

As in the original cloud an administrator who asks for the zone C{verbose} is told
besides, in rows that look like further zones, how many instances of each type a
cluster has room for, and how many it would have with nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import define, field

from euca_tw.api.ec2.zones import (
    AvailabilityZone,
    DescribeAvailabilityZones,
    DescribeAvailabilityZonesResponse,
)
from euca_tw.api.errors import NoSuchZone
from euca_tw.clc import views
from euca_tw.clc.filters import Reads, chooser, one
from euca_tw.clc.interfaces import IClusters, Zone
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType

#: What an administrator asks for as if it were a zone.
VERBOSE = "verbose"

_ROW = "|- {}"
_HEADING = "free / max   cpu   ram  disk"
_CAPACITY = "{free:04d} / {most:04d}  {cores:2d}   {memory:4d}  {disk:4d}"

_FILTERS: dict[str, Reads[AvailabilityZone]] = {
    "group-name": one(lambda zone: zone.group_name),
    "message": lambda zone: zone.messages,
    "opt-in-status": one(lambda zone: zone.opt_in_status),
    "region-name": one(lambda zone: zone.region_name),
    "state": one(lambda zone: zone.zone_state),
    "zone-id": one(lambda zone: zone.zone_id),
    "zone-name": one(lambda zone: zone.zone_name),
    "zone-type": one(lambda zone: zone.zone_type),
    # Of zones that are part of others, which there are none of here.
    **dict.fromkeys(
        ("group-long-name", "parent-zone-id", "parent-zone-name"), lambda zone: ()
    ),
}


@define(eq=False, kw_only=True)
class Zones:
    """
    The operations on availability zones.

    @ivar region: that all of them are in.
    @ivar machine_types: by name, as they are told of.
    """

    clusters: IClusters
    region: str
    machine_types: Mapping[str, MachineType] = field(factory=dict)

    async def describe_availability_zones(
        self, caller: Caller, request: DescribeAvailabilityZones
    ) -> DescribeAvailabilityZonesResponse:
        passes = chooser(_FILTERS, request.filters)
        known = {zone.name: zone for zone in self.clusters.zones()}
        named = dict.fromkeys((*request.zone_names, *request.zone_ids))
        is_verbose = caller.is_admin and VERBOSE in named and VERBOSE not in known
        if is_verbose:
            del named[VERBOSE]
        for name in named:
            if name not in known:
                raise NoSuchZone(name)
        told: list[AvailabilityZone] = []
        for name, zone in known.items():
            view = views.zone(name, zone.is_reachable, self.region)
            if (not named or name in named) and passes(view):
                told.append(view)
                told.extend(self._capacity(zone) if is_verbose else ())
        return DescribeAvailabilityZonesResponse(zones=tuple(told))

    def _capacity(self, zone: Zone) -> Iterator[AvailabilityZone]:
        yield self._row("vm types", _HEADING)
        for name, machine in self.machine_types.items():
            told = _CAPACITY.format(
                free=zone.available.get(name, 0),
                most=zone.most.get(name, 0),
                cores=machine.cores,
                memory=machine.memory_mib,
                disk=machine.disk_gib,
            )
            yield self._row(name, told)

    def _row(self, name: str, told: str) -> AvailabilityZone:
        return AvailabilityZone(
            zone_name=_ROW.format(name),
            zone_state=told,
            region_name=self.region,
            messages=(),
        )
