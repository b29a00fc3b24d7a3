"""
Licences that users bring with them, for software that runs on instances.

Instances take theirs from a pool.  So many of a licence are activated, and
stay so for a time before they can be deactivated.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import Acknowledgement, Filter, Request, Response, Tag
from euca_tw.api.shapes import Operation, members, shape, wire


@members
class Activation(Request):
    """@ivar capacity: how many more, or fewer, are to be active."""

    license_id: str = wire("licenseId")
    capacity: int = wire("capacity")


@shape("ActivateLicenseType")
class ActivateLicense(Activation):
    """More are to be active."""


@shape("ActivateLicenseResponseType")
class ActivateLicenseResponse(Acknowledgement):
    """They will be."""


@shape("DeactivateLicenseType")
class DeactivateLicense(Activation):
    """Fewer are to be active."""


@shape("DeactivateLicenseResponseType")
class DeactivateLicenseResponse(Acknowledgement):
    """They will not be."""


@shape("DescribeLicensesType")
class DescribeLicenses(Request):
    """@ivar license_ids: none: all of the user's."""

    license_ids: tuple[str, ...] = wire(
        "licenseIdSet",
        query="LicenseId",
        leaf="licenseId",
        item_type="LicenseIdSetItemType",
        required=False,
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )


@shape("LicenseCapacitySetItemType")
class LicenseCapacity:
    """
    Those of a licence that are in one state.

    @ivar capacity: how many they are.
    @ivar instance_capacity: how many instances they are enough for.
    @ivar state: whether they are in use.
    @ivar earliest_allowed_deactivation_time: UTC.
    """

    capacity: int = wire("capacity")
    instance_capacity: int = wire("instanceCapacity")
    state: str = wire("state")
    earliest_allowed_deactivation_time: datetime | None = wire(
        "earliestAllowedDeactivationTime"
    )


@shape("LicenseSetItemType")
class License:
    """
    @ivar type: of what product: C{Microsoft/Windows/Standard}.
    @ivar pool: what RunInstances names to take one of it.
    """

    license_id: str = wire("licenseId")
    type: str = wire("type")
    pool: str = wire("pool")
    capacities: tuple[LicenseCapacity, ...] = wire("capacitySet")
    tags: tuple[Tag, ...] = wire("tagSet", since="2010-08-31", required=False)


@shape("DescribeLicensesResponseType")
class DescribeLicensesResponse(Response):
    licenses: tuple[License, ...] = wire("licenseSet")


OPERATIONS = (
    Operation(
        "ActivateLicense",
        ActivateLicense,
        ActivateLicenseResponse,
        since="2010-06-15",
    ),
    Operation(
        "DescribeLicenses",
        DescribeLicenses,
        DescribeLicensesResponse,
        since="2010-06-15",
    ),
    Operation(
        "DeactivateLicense",
        DeactivateLicense,
        DeactivateLicenseResponse,
        since="2010-06-15",
    ),
)
