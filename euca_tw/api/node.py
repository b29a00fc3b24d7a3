"""
What a cluster controller says to a node controller.

The contract of release 1.6.1 of the original (service C{EucalyptusNC},
namespace C{http://eucalyptus.ucsb.edu/}), names and order as published, and
our own further operations at the end.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.cluster import (
    RELEASE,
    ClusterMachineType,
    ClusterVolume,
    Launch,
    NetConfig,
)
from euca_tw.api.networks import NetworkChanges, NetworkPosition
from euca_tw.api.shapes import Api, Operation, shape, wire
from euca_tw.api.style import AXIS2


@shape("eucalyptusMessage", abstract=True)
class NodeMessage:
    """
    What every message begins with.

    @ivar is_success: of a reply: False means that nothing was done.
    @ivar status_message: 0 is success, 2 failure.
    """

    correlation_id: str | None = wire("correlationId")
    user_id: str | None = wire("userId")
    is_success: bool | None = wire("return")
    status_message: int | None = wire("statusMessage", nillable=True)


@shape("virtualMachineType")
class NodeMachineType:
    """@ivar memory: MiB.  @ivar disk: GiB."""

    memory: int | None = wire("memory")
    cores: int | None = wire("cores")
    disk: int | None = wire("disk")


@shape("instanceType")
class NodeInstance:
    """@ivar state_name: C{Pending}, C{Extant} or C{Teardown}."""

    reservation_id: str = wire("reservationId")
    instance_id: str = wire("instanceId")
    image_id: str = wire("imageId")
    kernel_id: str = wire("kernelId")
    ramdisk_id: str | None = wire("ramdiskId")
    user_id: str = wire("userId")
    key_name: str = wire("keyName")
    instance_type: NodeMachineType = wire("instanceType")
    net_params: NetConfig | None = wire("netParams")
    state_name: str = wire("stateName")
    launch_time: datetime | None = wire("launchTime")
    user_data: str | None = wire("userData")
    launch_index: str | None = wire("launchIndex")
    group_names: tuple[str, ...] = wire("groupNames", repeated=True, at_most=64)
    volumes: tuple[ClusterVolume, ...] = wire("volumes", repeated=True, at_most=64)
    service_tag: str | None = wire("serviceTag")


@shape("ncPowerDownType")
class NcPowerDown(NodeMessage):
    """Nothing further."""


@shape("ncPowerDownResponseType")
class NcPowerDownResponse(NodeMessage):
    """Nothing further."""


@shape("ncStartNetworkType")
class NcStartNetwork(NodeMessage):
    remote_hosts: tuple[str, ...] = wire("remoteHosts", repeated=True)
    remote_host_port: int | None = wire("remoteHostPort")
    vlan: int | None = wire("vlan")


@shape("ncStartNetworkResponseType")
class NcStartNetworkResponse(NodeMessage):
    """@ivar network_status: C{SUCCESS} or C{FAIL}."""

    network_status: str | None = wire("networkStatus")


@shape("ncRunInstanceType")
class NcRunInstance(NodeMessage):
    """@ivar key_name: the public key's text, not its name."""

    image_id: str = wire("imageId")
    kernel_id: str = wire("kernelId")
    ramdisk_id: str | None = wire("ramdiskId")
    image_url: str = wire("imageURL")
    kernel_url: str = wire("kernelURL")
    ramdisk_url: str | None = wire("ramdiskURL")
    instance_id: str = wire("instanceId")
    instance_type: NodeMachineType = wire("instanceType")
    key_name: str = wire("keyName")
    public_mac_address: str = wire("publicMacAddress")
    private_mac_address: str = wire("privateMacAddress")
    reservation_id: str = wire("reservationId")
    vlan: int = wire("vlan")
    user_data: str | None = wire("userData")
    launch_index: str | None = wire("launchIndex")
    group_names: tuple[str, ...] = wire("groupNames", repeated=True, at_most=64)


@shape("ncRunInstanceResponseType")
class NcRunInstanceResponse(NodeMessage):
    instance: NodeInstance | None = wire("instance")


@shape("ncDescribeInstancesType")
class NcDescribeInstances(NodeMessage):
    """No ids: all."""

    instance_ids: tuple[str, ...] = wire("instanceIds", repeated=True)


@shape("ncDescribeInstancesResponseType")
class NcDescribeInstancesResponse(NodeMessage):
    instances: tuple[NodeInstance, ...] = wire("instances", repeated=True)


@shape("ncTerminateInstanceType")
class NcTerminateInstance(NodeMessage):
    """
    Idempotent; an instance that never was here is then known as ended, so
    that a launch that was under way comes too late.
    """

    instance_id: str = wire("instanceId")


@shape("ncTerminateInstanceResponseType")
class NcTerminateInstanceResponse(NodeMessage):
    instance_id: str = wire("instanceId")
    shutdown_state: str | None = wire("shutdownState")
    previous_state: str | None = wire("previousState")


@shape("ncRebootInstanceType")
class NcRebootInstance(NodeMessage):
    instance_id: str = wire("instanceId")


@shape("ncRebootInstanceResponseType")
class NcRebootInstanceResponse(NodeMessage):
    status: bool = wire("status")


@shape("ncAttachVolumeType")
class NcAttachVolume(NodeMessage):
    volume_id: str | None = wire("volumeId")
    instance_id: str | None = wire("instanceId")
    remote_device: str | None = wire("remoteDev")
    local_device: str | None = wire("localDev")


@shape("ncAttachVolumeResponseType")
class NcAttachVolumeResponse(NodeMessage):
    """Nothing further."""


@shape("ncDetachVolumeType")
class NcDetachVolume(NodeMessage):
    instance_id: str | None = wire("instanceId")
    volume_id: str | None = wire("volumeId")
    remote_device: str | None = wire("remoteDev")
    local_device: str | None = wire("localDev")
    force: bool | None = wire("force")


@shape("ncDetachVolumeResponseType")
class NcDetachVolumeResponse(NodeMessage):
    """Nothing further."""


@shape("ncGetConsoleOutputType")
class NcGetConsoleOutput(NodeMessage):
    instance_id: str = wire("instanceId")


@shape("ncGetConsoleOutputResponseType")
class NcGetConsoleOutputResponse(NodeMessage):
    """@ivar console_output: base64."""

    console_output: str = wire("consoleOutput")


@shape("ncDescribeResourceType")
class NcDescribeResource(NodeMessage):
    resource_type: str | None = wire("resourceType")


@shape("ncDescribeResourceResponseType")
class NcDescribeResourceResponse(NodeMessage):
    """Memory in MiB, disk in GiB."""

    node_status: str = wire("nodeStatus")
    memory_size_max: int = wire("memorySizeMax")
    memory_size_available: int = wire("memorySizeAvailable")
    disk_size_max: int = wire("diskSizeMax")
    disk_size_available: int = wire("diskSizeAvailable")
    number_of_cores_max: int = wire("numberOfCoresMax")
    number_of_cores_available: int = wire("numberOfCoresAvailable")
    public_subnets: str = wire("publicSubnets")


# --- our own further operations ---------------------------------------------


@shape("ncLaunchInstanceType")
class NcLaunchInstance(NodeMessage):
    """Idempotent by instance id: what runs, or was ended, is left alone."""

    launch: Launch = wire("launch")


@shape("ncLaunchInstanceResponseType")
class NcLaunchInstanceResponse(NodeMessage):
    """
    @ivar refusal: why it will not run here, else it was taken.
    """

    refusal: str | None = wire("refusal")


@shape("ncChangedInstanceType")
class NcChangedInstance:
    """
    @ivar reason: why it is Teardown, stopped, or not yet Extant; for the user.
    @ivar life: C{stopping} or C{stopped}, of an instance that is, or
        C{starting}, of one that has run and shall again; the state's name, which
        is the original's, has no word for it.
    @ivar starts: after how many starts this is so; none is 0.
    """

    instance: NodeInstance = wire("instance")
    reason_code: str | None = wire("reasonCode")
    reason: str | None = wire("reason")
    network_index: int = wire("networkIndex")
    instance_type_name: str = wire("instanceTypeName")
    life: str | None = wire("life")
    starts: int | None = wire("starts")


@shape("ncStopInstanceType")
class NcStopInstance(NodeMessage):
    """
    Have its guest shut down, and its domain end; its disk is kept.  Idempotent.

    @ivar is_forced: its guest is not waited for.
    @ivar starts: how often it was started anew when this was asked: one that
        was started since is not stopped.  None: whatever it is.
    """

    instance_id: str = wire("instanceId")
    is_forced: bool | None = wire("isForced")
    starts: int | None = wire("starts")


@shape("ncStopInstanceResponseType")
class NcStopInstanceResponse(NodeMessage):
    """@ivar refusal: why it is not done."""

    refusal: str | None = wire("refusal")


@shape("ncStartInstanceType")
class NcStartInstance(NodeMessage):
    """
    Have a stopped instance run again, from its disk.  Idempotent.

    @ivar launch: as what it shall run from now on; one that was started so
        often before is left alone.  None: as it was.
    """

    instance_id: str = wire("instanceId")
    launch: Launch | None = wire("launch")


@shape("ncStartInstanceResponseType")
class NcStartInstanceResponse(NodeMessage):
    """@ivar refusal: why it is not done."""

    refusal: str | None = wire("refusal")


@shape("ncSetShutdownBehaviorType")
class NcSetShutdownBehavior(NodeMessage):
    """As L{euca_tw.api.cluster.SetShutdownBehavior}."""

    instance_id: str = wire("instanceId")
    shutdown_behavior: str | None = wire("shutdownBehavior")


@shape("ncSetShutdownBehaviorResponseType")
class NcSetShutdownBehaviorResponse(NodeMessage):
    """It is kept."""


@shape("ncReadConsoleType")
class NcReadConsole(NodeMessage):
    instance_id: str = wire("instanceId")


@shape("ncReadConsoleResponseType")
class NcReadConsoleResponse(NodeMessage):
    """
    @ivar output: the last 64 KiB, in base64.
    @ivar written_at: when the instance last wrote; none if it never did.
    """

    output: str = wire("output")
    written_at: datetime | None = wire("writtenAt")


@shape("ncMakeImageType")
class NcMakeImage(NodeMessage):
    """As L{euca_tw.api.cluster.MakeImage}."""

    image_id: str = wire("imageId")
    instance_id: str = wire("instanceId")
    is_rebooted: bool = wire("isRebooted")
    url: str = wire("url")
    key: str = wire("key")


@shape("ncMakeImageResponseType")
class NcMakeImageResponse(NodeMessage):
    """As L{euca_tw.api.cluster.MakeImageResponse}."""

    stage: str = wire("stage")
    reason: str | None = wire("reason")
    size_bytes: int | None = wire("sizeBytes", xsd="long")
    sha256: str | None = wire("sha256")


@shape("ncWaitForChangesType")
class NcWaitForChanges(NodeMessage):
    """
    A long poll; as L{euca_tw.api.cluster.WaitForChanges}.
    """

    epoch: str | None = wire("epoch")
    since: int = wire("since", xsd="long")
    timeout_s: int = wire("timeoutSeconds")


@shape("ncWaitForChangesResponseType")
class NcWaitForChangesResponse(NodeMessage):
    """
    What changed after C{since}; everything, if C{is_full}.

    The sizes and numbers are what the node has and what of it is free.

    @ivar strangers: domains with the node's mark that it knows nothing of.
    """

    epoch: str = wire("epoch")
    sequence: int = wire("sequence", xsd="long")
    is_full: bool = wire("isFull")
    instances: tuple[NcChangedInstance, ...] = wire("instances", repeated=True)
    forgotten: tuple[str, ...] = wire("forgotten", repeated=True)
    memory_size_max: int = wire("memorySizeMax")
    memory_size_available: int = wire("memorySizeAvailable")
    disk_size_max: int = wire("diskSizeMax")
    disk_size_available: int = wire("diskSizeAvailable")
    number_of_cores_max: int = wire("numberOfCoresMax")
    number_of_cores_available: int = wire("numberOfCoresAvailable")
    strangers: tuple[str, ...] = wire("strangers", repeated=True)


@shape("ncSetNetworksType")
class NcSetNetworks(NodeMessage):
    """
    What the node must know of networks; as L{euca_tw.api.cluster.SetNetworks}.

    @ivar name: by which the others know it.
    """

    name: str = wire("name")
    changes: NetworkChanges = wire("changes")


@shape("ncSetNetworksResponseType")
class NcSetNetworksResponse(NodeMessage):
    """It is kept there; what follows from it may still be under way."""

    position: NetworkPosition = wire("position")


def _operation(request: type, response: type) -> Operation:
    name = request.__name__
    return Operation("n" + name[1:], request, response)


#: The published contract.
ORIGINAL_OPERATIONS = (
    _operation(NcPowerDown, NcPowerDownResponse),
    _operation(NcStartNetwork, NcStartNetworkResponse),
    _operation(NcRunInstance, NcRunInstanceResponse),
    _operation(NcDescribeInstances, NcDescribeInstancesResponse),
    _operation(NcTerminateInstance, NcTerminateInstanceResponse),
    _operation(NcRebootInstance, NcRebootInstanceResponse),
    _operation(NcAttachVolume, NcAttachVolumeResponse),
    _operation(NcDetachVolume, NcDetachVolumeResponse),
    _operation(NcGetConsoleOutput, NcGetConsoleOutputResponse),
    _operation(NcDescribeResource, NcDescribeResourceResponse),
)

NC_LAUNCH_INSTANCE = _operation(NcLaunchInstance, NcLaunchInstanceResponse)
NC_STOP_INSTANCE = _operation(NcStopInstance, NcStopInstanceResponse)
NC_START_INSTANCE = _operation(NcStartInstance, NcStartInstanceResponse)
NC_SET_SHUTDOWN_BEHAVIOR = _operation(
    NcSetShutdownBehavior, NcSetShutdownBehaviorResponse
)
NC_READ_CONSOLE = _operation(NcReadConsole, NcReadConsoleResponse)
NC_MAKE_IMAGE = _operation(NcMakeImage, NcMakeImageResponse)
NC_WAIT_FOR_CHANGES = _operation(NcWaitForChanges, NcWaitForChangesResponse)
NC_SET_NETWORKS = _operation(NcSetNetworks, NcSetNetworksResponse)

NODE = Api(
    name="EucalyptusNC",
    namespace="http://eucalyptus.ucsb.edu/",
    versions=(RELEASE,),
    operations=(
        *ORIGINAL_OPERATIONS,
        *(NC_LAUNCH_INSTANCE, NC_STOP_INSTANCE, NC_START_INSTANCE, NC_READ_CONSOLE),
        NC_SET_SHUTDOWN_BEHAVIOR,
        *(NC_MAKE_IMAGE, NC_WAIT_FOR_CHANGES, NC_SET_NETWORKS),
    ),
    style=AXIS2,
    # The node's own is called that, too, and knows no name.
    type_names={ClusterMachineType: "clusterMachineType"},
)
