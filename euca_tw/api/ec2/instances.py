"""
Instances: launching, describing, rebooting and ending them.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import (
    Acknowledgement,
    Filter,
    GroupItem,
    ProductCode,
    Request,
    Response,
    StateReason,
    Tag,
    TagSpecification,
)
from euca_tw.api.ec2.devices import BlockDeviceMapping, InstanceBlockDevice
from euca_tw.api.ec2.instance_interfaces import (
    InstanceNetworkInterface,
    NetworkInterfaceWanted,
)
from euca_tw.api.shapes import Attribute, Operation, members, shape, wire

# --- RunInstances -----------------------------------------------------------


@shape("RunInstanceItemType", list_type="RunInstancesInfoType")
class RunInstanceItem:
    """
    How many of what image.

    @ivar min_count: fewer will not do.
    """

    image_id: str = wire("imageId")
    min_count: int = wire("minCount")
    max_count: int = wire("maxCount")
    key_name: str | None = wire("keyName")


@shape(
    "UserDataType",
    attributes=(Attribute("version", "1.0"), Attribute("encoding", "base64")),
)
class UserData:
    """@ivar data: base64 text."""

    data: str | None = wire("data", required=((None, "2009-10-31"),))


@shape("PlacementRequestType")
class PlacementRequest:
    """@ivar tenancy: C{default} or C{dedicated}."""

    availability_zone: str | None = wire("availabilityZone")
    group_name: str | None = wire("groupName", since="2010-06-15")
    tenancy: str | None = wire("tenancy", since="2011-02-28")


@shape("MonitoringInstanceType")
class MonitoringRequest:
    is_enabled: bool | None = wire("enabled")


@shape("InstanceLicenseRequestType")
class LicenseRequest:
    """@ivar pool: of licences to take one from (Windows)."""

    pool: str = wire("pool")


@shape("IamInstanceProfileRequestType")
class InstanceProfileRequest:
    """One of the two names it."""

    arn: str | None = wire("arn")
    name: str | None = wire("name")


#: SOAP listed items before it; Query always had these parameters.
_FLAT = (("2007-08-29", None),)


@shape("RunInstancesType")
class RunInstances(Request):
    """
    Launch instances, together one reservation.

    What dates and doors say differently is joined in L{items},
    L{group_names}, L{group_ids} and L{encoded_user_data}.

    @ivar min_count: fewer will not do.
    @ivar instances: until 2007-08-29, in place of the fields before it.
    @ivar groups: as SOAP says them; Query says C{security_group_names} and
        C{security_group_ids}.
    @ivar addressing_type: C{public} or C{direct}; long without meaning.
    @ivar instance_type: C{m1.small}, if Query does not say.
    @ivar instance_initiated_shutdown_behavior: C{stop} or C{terminate}.
    @ivar client_token: the same token again launches nothing more.
    """

    image_id: str = wire("imageId", soap=_FLAT)
    min_count: int = wire("minCount", soap=_FLAT)
    max_count: int = wire("maxCount", soap=_FLAT)
    key_name: str | None = wire("keyName", soap=_FLAT)
    instances: tuple[RunInstanceItem, ...] = wire(
        "instancesSet", query="", until="2007-08-29", at_least=1
    )
    groups: tuple[GroupItem, ...] = wire("groupSet", query="")
    security_group_names: tuple[str, ...] = wire("securityGroup", soap=False)
    security_group_ids: tuple[str, ...] = wire(
        "securityGroupId", since="2011-01-01", soap=False
    )
    additional_info: str | None = wire(
        "additionalInfo", soap=((None, "2012-07-20"), ("2012-10-01", "2013-06-15"))
    )
    user_data: UserData | None = wire("userData", query="", since="2006-10-01")
    user_data_text: str | None = wire("userData", since="2006-10-01", soap=False)
    addressing_type: str | None = wire(
        "addressingType",
        since="2007-01-19",
        soap=((None, "2012-07-20"), ("2012-10-01", "2013-06-15")),
    )
    instance_type: str | None = wire(
        "instanceType", since="2007-08-29", required=True, query_optional=True
    )
    placement: PlacementRequest | None = wire("placement", since="2008-02-01")
    kernel_id: str | None = wire("kernelId", since="2008-02-01")
    ramdisk_id: str | None = wire("ramdiskId", since="2008-02-01")
    block_device_mappings: tuple[BlockDeviceMapping, ...] = wire(
        "blockDeviceMapping", since="2008-02-01", required=False
    )
    monitoring: MonitoringRequest | None = wire("monitoring", since="2009-04-04")
    subnet_id: str | None = wire("subnetId", since="2009-07-15")
    disable_api_termination: bool | None = wire(
        "disableApiTermination", since="2009-10-31"
    )
    instance_initiated_shutdown_behavior: str | None = wire(
        "instanceInitiatedShutdownBehavior", since="2009-10-31"
    )
    license: LicenseRequest | None = wire("license", since="2010-06-15")
    private_ip_address: str | None = wire("privateIpAddress", since="2010-06-15")
    client_token: str | None = wire("clientToken", since="2010-08-31")
    network_interfaces: tuple[NetworkInterfaceWanted, ...] = wire(
        "networkInterfaceSet",
        query="NetworkInterface",
        since="2011-12-01",
        required=False,
    )
    iam_instance_profile: InstanceProfileRequest | None = wire(
        "iamInstanceProfile", since="2012-06-01"
    )
    ebs_optimized: bool | None = wire("ebsOptimized", since="2012-07-20")
    tag_specifications: tuple[TagSpecification, ...] = wire(
        "tagSpecificationSet",
        query="TagSpecification",
        since="2016-11-15",
        required=False,
    )

    @property
    def items(self) -> tuple[RunInstanceItem, ...]:
        """How many of what: one item, save from SOAP until 2007-08-29."""
        return self.instances or (
            RunInstanceItem(
                image_id=self.image_id,
                min_count=self.min_count,
                max_count=self.max_count,
                key_name=self.key_name,
            ),
        )

    @property
    def group_names(self) -> tuple[str, ...]:
        """The security groups that were asked for by name."""
        named = tuple(g.name for g in self.groups if g.name and not g.group_id)
        return named + self.security_group_names

    @property
    def group_ids(self) -> tuple[str, ...]:
        """The security groups that were asked for by id."""
        return tuple(g.group_id for g in self.groups if g.group_id) + (
            self.security_group_ids
        )

    @property
    def encoded_user_data(self) -> str | None:
        """The user data in base64, whichever door it came through."""
        return self.user_data.data if self.user_data else self.user_data_text


# --- what an instance is ----------------------------------------------------


@shape("InstanceStateType")
class InstanceState:
    """
    @ivar code: 0 pending, 16 running, 32 shutting-down, 48 terminated.
    @ivar name: that word.
    """

    code: int = wire("code")
    name: str = wire("name")


@shape("PlacementResponseType")
class Placement:
    """@ivar tenancy: C{default} or C{dedicated}."""

    availability_zone: str = wire("availabilityZone")
    group_name: str | None = wire("groupName", since="2010-06-15")
    tenancy: str | None = wire("tenancy", since="2011-02-28")


@shape("InstanceMonitoringStateType")
class Monitoring:
    """@ivar state: C{enabled} or C{disabled}."""

    state: str = wire("state")


@shape("InstanceLicenseResponseType")
class License:
    pool: str = wire("pool")


@shape("IamInstanceProfileResponseType")
class InstanceProfile:
    arn: str = wire("arn")
    id: str = wire("id")


@shape("RunningInstancesItemType", kept=True)
class Instance:
    """
    @ivar private_dns_name: C{""} until it has an address; so C{dns_name}.
    @ivar reason: of the last change of state (C{User initiated}).
    @ivar launch_index: its number within the reservation, from 0; a string.
    @ivar launch_time: UTC.
    @ivar platform: C{windows}, or not there.
    @ivar root_device_type: C{instance-store} or C{ebs}.
    @ivar virtualization_type: C{hvm} or C{paravirtual}.
    """

    instance_id: str = wire("instanceId")
    image_id: str | None = wire("imageId", required=((None, "2009-10-31"),))
    state: InstanceState = wire("instanceState")
    private_dns_name: str | None = wire(
        "privateDnsName", since="2007-01-19", required=True
    )
    dns_name: str | None = wire("dnsName", required=((None, "2009-07-15"),))
    reason: str | None = wire("reason")
    key_name: str | None = wire("keyName")
    launch_index: str | None = wire("amiLaunchIndex", since="2006-10-01")
    product_codes: tuple[ProductCode, ...] = wire(
        "productCodes", since="2007-03-01", required=False
    )
    instance_type: str = wire("instanceType", since="2007-08-29")
    launch_time: datetime = wire("launchTime", since="2007-08-29")
    placement: Placement | None = wire(
        "placement", since="2008-02-01", required=((None, "2008-08-08"),)
    )
    kernel_id: str | None = wire("kernelId", since="2008-02-01")
    ramdisk_id: str | None = wire("ramdiskId", since="2008-02-01")
    platform: str | None = wire("platform", since="2008-08-08")
    monitoring: Monitoring | None = wire("monitoring", since="2009-04-04")
    subnet_id: str | None = wire("subnetId", since="2009-07-15")
    vpc_id: str | None = wire("vpcId", since="2009-07-15")
    private_ip_address: str | None = wire("privateIpAddress", since="2009-07-15")
    ip_address: str | None = wire("ipAddress", since="2009-07-15")
    source_dest_check: bool | None = wire("sourceDestCheck", since="2011-01-01")
    groups: tuple[GroupItem, ...] = wire("groupSet", since="2011-01-01")
    state_reason: StateReason | None = wire("stateReason", since="2009-10-31")
    architecture: str | None = wire("architecture", since="2009-10-31")
    root_device_type: str | None = wire("rootDeviceType", since="2009-10-31")
    root_device_name: str | None = wire("rootDeviceName", since="2009-10-31")
    block_devices: tuple[InstanceBlockDevice, ...] = wire(
        "blockDeviceMapping", since="2009-10-31", required=False
    )
    lifecycle: str | None = wire("instanceLifecycle", since="2009-11-30")
    spot_instance_request_id: str | None = wire(
        "spotInstanceRequestId", since="2009-11-30"
    )
    license: License | None = wire("license", since="2010-06-15")
    virtualization_type: str | None = wire("virtualizationType", since="2010-06-15")
    client_token: str | None = wire("clientToken", since="2010-08-31")
    tags: tuple[Tag, ...] = wire("tagSet", since="2010-08-31", required=False)
    hypervisor: str | None = wire("hypervisor", since="2010-11-15")
    network_interfaces: tuple[InstanceNetworkInterface, ...] = wire(
        "networkInterfaceSet", since="2011-12-01", required=False
    )
    iam_instance_profile: InstanceProfile | None = wire(
        "iamInstanceProfile", since="2012-06-01"
    )
    ebs_optimized: bool | None = wire("ebsOptimized", since="2012-07-20")
    sriov_net_support: str | None = wire("sriovNetSupport", since="2013-10-15")


@members
class Launched:
    """
    What was launched by one request.

    @ivar requester_id: who did it in the owner's name.
    """

    reservation_id: str = wire("reservationId")
    owner_id: str = wire("ownerId")
    groups: tuple[GroupItem, ...] = wire("groupSet")
    instances: tuple[Instance, ...] = wire("instancesSet", at_least=1)
    requester_id: str | None = wire("requesterId", since="2008-08-08")


@shape("ReservationInfoType", list_type="ReservationSetType", kept=True)
class Reservation(Launched):
    """One reservation among others."""


@shape("RunInstancesResponseType")
class RunInstancesResponse(Launched, Response):
    """The new reservation."""


# --- the other operations ---------------------------------------------------


@shape("DescribeInstancesType")
class DescribeInstances(Request):
    """
    @ivar instance_ids: none: all.
    @ivar next_token: as the last answer had it, for what comes after it.
    """

    instance_ids: tuple[str, ...] = wire(
        "instancesSet",
        query="InstanceId",
        leaf="instanceId",
        item_type="DescribeInstancesItemType",
        list_type="DescribeInstancesInfoType",
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )
    next_token: str | None = wire("nextToken", since="2013-10-15")
    max_results: int | None = wire("maxResults", since="2013-10-15")


@shape("DescribeInstancesResponseType")
class DescribeInstancesResponse(Response):
    """@ivar next_token: there is more; None: that was all."""

    reservations: tuple[Reservation, ...] = wire("reservationSet")
    next_token: str | None = wire("nextToken", since="2013-10-15")


@shape("TerminateInstancesType")
class TerminateInstances(Request):
    instance_ids: tuple[str, ...] = wire(
        "instancesSet",
        query="InstanceId",
        leaf="instanceId",
        item_type="InstanceIdType",
        at_least=1,
        early_types=(
            "2009-10-31",
            "TerminateInstancesInfoType",
            "TerminateInstancesItemType",
        ),
        at_least_until="2009-10-31",
    )


@shape("InstanceStateChangeType")
class InstanceStateChange:
    """
    What an instance was and now is; make it with L{InstanceStateChange.of}.

    @ivar shutdown_state: what C{current_state} was called until 2009-10-31.
    """

    instance_id: str = wire("instanceId")
    current_state: InstanceState | None = wire(
        "currentState", since="2009-10-31", required=True
    )
    shutdown_state: InstanceState | None = wire(
        "shutdownState", until="2009-10-31", required=True
    )
    previous_state: InstanceState = wire("previousState")

    @classmethod
    def of(
        cls, instance_id: str, *, previous: InstanceState, current: InstanceState
    ) -> InstanceStateChange:
        return cls(
            instance_id=instance_id,
            current_state=current,
            shutdown_state=current,
            previous_state=previous,
        )


@shape("TerminateInstancesResponseType")
class TerminateInstancesResponse(Response):
    instances: tuple[InstanceStateChange, ...] = wire(
        "instancesSet",
        early_types=(
            "2009-10-31",
            "TerminateInstancesResponseInfoType",
            "TerminateInstancesResponseItemType",
        ),
    )


@shape("RebootInstancesType")
class RebootInstances(Request):
    instance_ids: tuple[str, ...] = wire(
        "instancesSet",
        query="InstanceId",
        leaf="instanceId",
        item_type="RebootInstancesItemType",
        list_type="RebootInstancesInfoType",
        at_least=1,
    )


@shape("RebootInstancesResponseType")
class RebootInstancesResponse(Acknowledgement):
    """It will be done."""


@shape("GetConsoleOutputType")
class GetConsoleOutput(Request):
    """@ivar is_latest: what the console shows now, not what was last kept."""

    instance_id: str = wire("instanceId")
    is_latest: bool | None = wire("latest", since="2016-11-15")


@shape("GetConsoleOutputResponseType")
class GetConsoleOutputResponse(Response):
    """
    @ivar timestamp: when the instance last wrote, UTC.
    @ivar output: base64 of the last 64 KiB.
    """

    instance_id: str = wire("instanceId")
    timestamp: datetime = wire("timestamp")
    output: str | None = wire("output", required=((None, "2014-06-15"),))


@shape("ConfirmProductInstanceType")
class ConfirmProductInstance(Request):
    """Does the instance run with that product code?  The code's owner asks."""

    product_code: str = wire("productCode")
    instance_id: str = wire("instanceId")


@shape("ConfirmProductInstanceResponseType")
class ConfirmProductInstanceResponse(Acknowledgement):
    """
    @ivar is_success: whether it does.
    @ivar owner_id: the instance's owner, if it does.
    """

    owner_id: str | None = wire("ownerId")


OPERATIONS = (
    Operation(
        "RunInstances",
        RunInstances,
        RunInstancesResponse,
        early_response_type=("2008-08-08", "ReservationInfoType"),
    ),
    Operation(
        "DescribeInstances",
        DescribeInstances,
        DescribeInstancesResponse,
    ),
    Operation(
        "RebootInstances",
        RebootInstances,
        RebootInstancesResponse,
        since="2007-01-03",
    ),
    Operation(
        "TerminateInstances",
        TerminateInstances,
        TerminateInstancesResponse,
    ),
    Operation(
        "GetConsoleOutput",
        GetConsoleOutput,
        GetConsoleOutputResponse,
        since="2007-01-03",
    ),
    Operation(
        "ConfirmProductInstance",
        ConfirmProductInstance,
        ConfirmProductInstanceResponse,
        since="2007-03-01",
    ),
)
