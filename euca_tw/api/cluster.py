"""
What the cloud controller says to a cluster controller.

The contract of release 1.6.1 of the original (service C{EucalyptusCC},
namespace C{http://eucalyptus.ucsb.edu/}), names and order as published, and
our own further operations at the end, which carry what it cannot:
L{LaunchInstances} and L{WaitForChanges}.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.networks import MachineEntry, NetworkChanges, NetworkPosition
from euca_tw.api.shapes import Api, Operation, Version, shape, wire
from euca_tw.api.style import AXIS2

#: The release whose contract this is; tiers know no dates.
RELEASE = Version("1.6.1")


@shape("eucalyptusMessage", abstract=True)
class ClusterMessage:
    """
    What every message begins with.

    @ivar correlation_id: chosen by the caller, echoed in the reply.
    @ivar user_id: for whom; C{eucalyptus} is the cloud itself.
    @ivar is_success: of a reply: False means that nothing was done.
    """

    correlation_id: str | None = wire("correlationId")
    user_id: str | None = wire("userId")
    status_message: str | None = wire("statusMessage", nillable=True)
    is_success: bool | None = wire("return")


@shape("virtualMachineType")
class ClusterMachineType:
    """@ivar memory: MiB.  @ivar disk: GiB."""

    name: str | None = wire("name")
    memory: int | None = wire("memory")
    cores: int | None = wire("cores")
    disk: int | None = wire("disk")


@shape("netConfigType")
class NetConfig:
    """Addresses of one instance; C{0.0.0.0} for none."""

    private_mac_address: str = wire("privateMacAddress")
    public_mac_address: str = wire("publicMacAddress")
    vlan: int = wire("vlan")
    private_ip: str = wire("privateIp")
    public_ip: str = wire("publicIp")


@shape("volumeType")
class ClusterVolume:
    volume_id: str | None = wire("volumeId")
    remote_device: str | None = wire("remoteDev")
    local_device: str | None = wire("localDev")
    state: str | None = wire("state")


@shape("ccInstanceType")
class ClusterInstance:
    """
    One instance, as a cluster knows it.

    @ivar state_name: C{Pending}, C{Extant} or C{Teardown}.
    @ivar key_name: the public key's text, not its name.
    @ivar service_tag: the URL of the node that has it.
    """

    image_id: str | None = wire("imageId")
    kernel_id: str | None = wire("kernelId")
    ramdisk_id: str | None = wire("ramdiskId")
    instance_id: str | None = wire("instanceId")
    instance_type: ClusterMachineType | None = wire("instanceType")
    key_name: str | None = wire("keyName")
    launch_time: datetime | None = wire("launchTime")
    state_name: str | None = wire("stateName")
    net_params: NetConfig | None = wire("netParams")
    owner_id: str | None = wire("ownerId")
    reservation_id: str | None = wire("reservationId")
    service_tag: str | None = wire("serviceTag")
    user_data: str | None = wire("userData")
    launch_index: str | None = wire("launchIndex")
    network_index: int | None = wire("networkIndex")
    group_names: tuple[str, ...] = wire("groupNames", repeated=True, at_most=64)
    volumes: tuple[ClusterVolume, ...] = wire("volumes", repeated=True)


@shape("ccResourceType")
class ClusterResource:
    """How many more instances of a type there is room for."""

    instance_type: ClusterMachineType | None = wire("instanceType")
    max_instances: int | None = wire("maxInstances")
    available_instances: int | None = wire("availableInstances")


@shape("networkType")
class ClusterNetwork:
    vlan: int = wire("vlan")
    net_name: str = wire("netName")
    user_name: str = wire("userName")
    active_addresses: tuple[int, ...] = wire("activeAddrs", repeated=True)


@shape("networkRule")
class NetworkRule:
    """@ivar type: C{firewall-open} or C{firewall-close}."""

    type: str = wire("type")
    source_names: tuple[str, ...] = wire("sourceNames", repeated=True)
    user_names: tuple[str, ...] = wire("userNames", repeated=True)
    source_nets: tuple[str, ...] = wire("sourceNets", repeated=True)
    dest_user_name: str | None = wire("destUserName")
    dest_name: str = wire("destName")
    protocol: str = wire("protocol")
    port_range_min: int = wire("portRangeMin")
    port_range_max: int = wire("portRangeMax")


@shape("attachVolumeType")
class AttachVolume(ClusterMessage):
    volume_id: str | None = wire("volumeId")
    instance_id: str | None = wire("instanceId")
    remote_device: str | None = wire("remoteDev")
    local_device: str | None = wire("localDev")


@shape("attachVolumeResponseType")
class AttachVolumeResponse(ClusterMessage):
    """Nothing further."""


@shape("detachVolumeType")
class DetachVolume(ClusterMessage):
    instance_id: str | None = wire("instanceId")
    volume_id: str | None = wire("volumeId")
    remote_device: str | None = wire("remoteDev")
    local_device: str | None = wire("localDev")
    force: bool | None = wire("force")


@shape("detachVolumeResponseType")
class DetachVolumeResponse(ClusterMessage):
    """Nothing further."""


@shape("getConsoleOutputType")
class GetConsoleOutput(ClusterMessage):
    instance_id: str | None = wire("instanceId")


@shape("getConsoleOutputResponseType")
class GetConsoleOutputResponse(ClusterMessage):
    """@ivar console_output: base64."""

    console_output: str | None = wire("consoleOutput")


@shape("rebootInstancesType")
class RebootInstances(ClusterMessage):
    instance_ids: tuple[str, ...] = wire("instanceIds", repeated=True)


@shape("rebootInstancesResponseType")
class RebootInstancesResponse(ClusterMessage):
    """Nothing further."""


@shape("startNetworkType")
class StartNetwork(ClusterMessage):
    vlan: int | None = wire("vlan")
    net_name: str | None = wire("netName")
    nameserver: str | None = wire("nameserver")
    cluster_controllers: tuple[str, ...] = wire("clusterControllers", repeated=True)


@shape("startNetworkResponseType")
class StartNetworkResponse(ClusterMessage):
    """Nothing further."""


@shape("stopNetworkType")
class StopNetwork(ClusterMessage):
    vlan: int | None = wire("vlan")
    net_name: str | None = wire("netName")


@shape("stopNetworkResponseType")
class StopNetworkResponse(ClusterMessage):
    """Nothing further."""


@shape("configureNetworkType")
class ConfigureNetwork(ClusterMessage):
    """The full set of a group's rules."""

    rules: tuple[NetworkRule, ...] = wire("rules", repeated=True)


@shape("configureNetworkResponseType")
class ConfigureNetworkResponse(ClusterMessage):
    """Nothing further."""


@shape("assignAddressType")
class AssignAddress(ClusterMessage):
    """@ivar source: the public address.  @ivar dest: the private one."""

    source: str = wire("source")
    dest: str = wire("dest")


@shape("assignAddressResponseType")
class AssignAddressResponse(ClusterMessage):
    """Nothing further."""


@shape("unassignAddressType")
class UnassignAddress(ClusterMessage):
    source: str = wire("source")
    dest: str = wire("dest")


@shape("unassignAddressResponseType")
class UnassignAddressResponse(ClusterMessage):
    """Nothing further."""


@shape("describeNetworksType")
class DescribeNetworks(ClusterMessage):
    nameserver: str | None = wire("nameserver")
    cluster_controllers: tuple[str, ...] = wire("clusterControllers", repeated=True)


@shape("describeNetworksResponseType")
class DescribeNetworksResponse(ClusterMessage):
    """@ivar mode: 1 for MANAGED, else 0."""

    mode: int | None = wire("mode")
    addresses_per_net: int | None = wire("addrsPerNet")
    active_networks: tuple[ClusterNetwork, ...] = wire("activeNetworks", repeated=True)


@shape("describePublicAddressesType")
class DescribePublicAddresses(ClusterMessage):
    """Nothing further."""


@shape("describePublicAddressesResponseType")
class DescribePublicAddressesResponse(ClusterMessage):
    """Two lists side by side; C{0.0.0.0} for an address that is not assigned."""

    source_addresses: tuple[str, ...] = wire("sourceAddresses", repeated=True)
    dest_addresses: tuple[str, ...] = wire("destAddresses", repeated=True)


@shape("describeInstancesType")
class DescribeInstances(ClusterMessage):
    """No ids: all."""

    instance_ids: tuple[str, ...] = wire("instanceIds", repeated=True, nillable=True)


@shape("describeInstancesResponseType")
class DescribeInstancesResponse(ClusterMessage):
    instances: tuple[ClusterInstance, ...] = wire(
        "instances", repeated=True, nillable=True
    )


@shape("describeResourcesType")
class DescribeResources(ClusterMessage):
    instance_types: tuple[ClusterMachineType, ...] = wire(
        "instanceTypes", repeated=True, at_least=1
    )


@shape("describeResourcesResponseType")
class DescribeResourcesResponse(ClusterMessage):
    """@ivar service_tags: the URLs of the cluster's nodes."""

    resources: tuple[ClusterResource, ...] = wire(
        "resources", repeated=True, nillable=True
    )
    service_tags: tuple[str, ...] = wire("serviceTags", repeated=True)


@shape("terminateInstancesType")
class TerminateInstances(ClusterMessage):
    instance_ids: tuple[str, ...] = wire("instanceIds", repeated=True, nillable=True)


@shape("terminateInstancesResponseType")
class TerminateInstancesResponse(ClusterMessage):
    is_terminated: tuple[bool, ...] = wire("isTerminated", repeated=True)


@shape("runInstancesType")
class RunInstances(ClusterMessage):
    """
    Instances of one reservation.  C{instance_ids}, C{mac_addresses} and
    C{network_indexes} run in parallel.

    @ivar key_name: the public key's text, not its name.
    """

    image_id: str | None = wire("imageId")
    kernel_id: str | None = wire("kernelId")
    ramdisk_id: str | None = wire("ramdiskId")
    image_url: str | None = wire("imageURL")
    kernel_url: str | None = wire("kernelURL")
    ramdisk_url: str | None = wire("ramdiskURL")
    instance_type: ClusterMachineType | None = wire("instanceType")
    key_name: str | None = wire("keyName")
    max_count: int = wire("maxCount")
    min_count: int = wire("minCount")
    reservation_id: str = wire("reservationId")
    instance_ids: tuple[str, ...] = wire("instanceIds", repeated=True, at_least=1)
    net_names: tuple[str, ...] = wire("netNames", repeated=True, at_least=1)
    mac_addresses: tuple[str, ...] = wire("macAddresses", repeated=True, at_least=1)
    network_indexes: tuple[int, ...] = wire("networkIndexList", repeated=True)
    vlan: int = wire("vlan")
    user_data: str = wire("userData")
    launch_index: str = wire("launchIndex")


@shape("runInstancesResponseType")
class RunInstancesResponse(ClusterMessage):
    instances: tuple[ClusterInstance, ...] = wire("instances", repeated=True)


# --- our own further operations ---------------------------------------------


@shape("imageSourceType")
class ImageSource:
    """@ivar sha256: of the image's bytes, hex; what was fetched must match."""

    image_id: str = wire("imageId")
    url: str = wire("url")
    sha256: str | None = wire("sha256")


@shape("launchType")
class Launch:
    """
    All that a node needs to run one instance and to serve its metadata.

    @ivar public_key: one line of authorized_keys.
    @ivar key_name: the key pair's name.
    @ivar user_data: base64.
    @ivar private_ip: of a managed network, set by the cloud; else by the cluster
        for its nodes.
    @ivar ephemeral_gib, swap_mib: of the type's disk, so much is further disks.
    @ivar network_mode: the cloud's; none is C{static}.
    @ivar starts: how often it was started anew; none is 0.
    @ivar shutdown_behavior: what becomes of it when its guest switches itself
        off: C{stop}, or C{terminate}, which none is.
    """

    instance_id: str = wire("instanceId")
    reservation_id: str = wire("reservationId")
    owner_id: str = wire("ownerId")
    root: ImageSource = wire("root")
    kernel: ImageSource | None = wire("kernel")
    ramdisk: ImageSource | None = wire("ramdisk")
    instance_type: ClusterMachineType = wire("instanceType")
    key_name: str | None = wire("keyName")
    public_key: str | None = wire("publicKey")
    user_data: str | None = wire("userData")
    launch_index: int = wire("launchIndex")
    launch_time: datetime = wire("launchTime")
    group_names: tuple[str, ...] = wire("groupNames", repeated=True)
    zone: str = wire("zone")
    network_index: int = wire("networkIndex")
    mac_address: str = wire("macAddress")
    private_ip: str | None = wire("privateIp")
    prefix_length: int | None = wire("prefixLength")
    router: str | None = wire("router")
    nameservers: tuple[str, ...] = wire("nameservers", repeated=True)
    public_ip: str | None = wire("publicIp")
    manifest_path: str | None = wire("manifestPath")
    product_codes: tuple[str, ...] = wire("productCodes", repeated=True)
    ephemeral_gib: int | None = wire("ephemeralGib")
    swap_mib: int | None = wire("swapMib")
    network_mode: str | None = wire("networkMode")
    starts: int | None = wire("starts")
    shutdown_behavior: str | None = wire("shutdownBehavior")


@shape("refusedLaunchType")
class RefusedLaunch:
    """
    @ivar is_final: it will not be better later (no such type of machine
        here); else there may be room or a node later.
    """

    instance_id: str = wire("instanceId")
    reason: str = wire("reason")
    is_final: bool = wire("isFinal")


@shape("launchInstancesType")
class LaunchInstances(ClusterMessage):
    """Idempotent by instance id: what runs, or was ended, is left alone."""

    launches: tuple[Launch, ...] = wire("launches", repeated=True, at_least=1)


@shape("launchInstancesResponseType")
class LaunchInstancesResponse(ClusterMessage):
    """Those not refused are taken: their nodes will report them."""

    refused: tuple[RefusedLaunch, ...] = wire("refused", repeated=True)


@shape("stopType")
class Stop:
    """
    @ivar starts: how often it was started anew when this was asked: one that
        was started since is not stopped.
    @ivar is_forced: its guest is not waited for.
    """

    instance_id: str = wire("instanceId")
    starts: int = wire("starts")
    is_forced: bool = wire("isForced")


@shape("stopInstancesType")
class StopInstances(ClusterMessage):
    """Idempotent: what is stopped, or was ended, is left alone."""

    stops: tuple[Stop, ...] = wire("stops", repeated=True, at_least=1)


@shape("stopInstancesResponseType")
class StopInstancesResponse(ClusterMessage):
    """They are taken: their nodes will report them."""


@shape("startInstancesType")
class StartInstances(ClusterMessage):
    """
    Have stopped instances run again, from their disks, and as is said here.
    Idempotent by the number of its starts: one that was started so often
    before, or was ended, is left alone.
    """

    launches: tuple[Launch, ...] = wire("launches", repeated=True, at_least=1)


@shape("startInstancesResponseType")
class StartInstancesResponse(ClusterMessage):
    """Those refused stay stopped."""

    refused: tuple[RefusedLaunch, ...] = wire("refused", repeated=True)


@shape("setShutdownBehaviorType")
class SetShutdownBehavior(ClusterMessage):
    """As L{Launch.shutdown_behavior}, from now on.  Idempotent."""

    instance_id: str = wire("instanceId")
    shutdown_behavior: str | None = wire("shutdownBehavior")


@shape("setShutdownBehaviorResponseType")
class SetShutdownBehaviorResponse(ClusterMessage):
    """Its node knows it."""


@shape("readConsoleType")
class ReadConsole(ClusterMessage):
    instance_id: str = wire("instanceId")


@shape("readConsoleResponseType")
class ReadConsoleResponse(ClusterMessage):
    """
    @ivar output: the last 64 KiB, in base64.
    @ivar written_at: when the instance last wrote; none if it never did.
    """

    output: str = wire("output")
    written_at: datetime | None = wire("writtenAt")


@shape("changedInstanceType")
class ChangedInstance:
    """
    @ivar reason: why it is Teardown, stopped, or not yet Extant; text for the
        user.
    @ivar is_silent: its node does not answer; the rest is the last known.
    @ivar life: C{stopping} or C{stopped}, of an instance that is; the state's
        name, which is the original's, has no word for it.
    @ivar starts: after how many starts this was so; none is 0.
    """

    instance: ClusterInstance = wire("instance")
    reason_code: str | None = wire("reasonCode")
    reason: str | None = wire("reason")
    is_silent: bool = wire("isSilent")
    life: str | None = wire("life")
    starts: int | None = wire("starts")


@shape("makeImageType")
class MakeImage(ClusterMessage):
    """
    Have the node of an instance make an image of its disk, and send it to the
    cloud controller.  Idempotent by image: asked again it only tells how far
    that has come.

    @ivar is_rebooted: its guest is shut down for it; else it is held still for
        a moment.
    @ivar url: to which it is sent.
    @ivar key: with which that is signed; see L{euca_tw.common.uploading}.
    @ivar service_tag: the URL of the node that has the instance, or had it.
    """

    image_id: str = wire("imageId")
    instance_id: str = wire("instanceId")
    is_rebooted: bool = wire("isRebooted")
    url: str = wire("url")
    key: str = wire("key")
    service_tag: str | None = wire("serviceTag")


@shape("makeImageResponseType")
class MakeImageResponse(ClusterMessage):
    """
    @ivar stage: C{wanted}, C{captured}, C{finished}, C{sent} or C{failed}; or
        C{unknown}: its node knows neither the image nor the instance, or no node
        is known that has it.
    @ivar reason: why it failed; text for the user.
    @ivar size_bytes, sha256: of what is sent, once it is finished.
    """

    stage: str = wire("stage")
    reason: str | None = wire("reason")
    size_bytes: int | None = wire("sizeBytes", xsd="long")
    sha256: str | None = wire("sha256")


@shape("declareNodeLostType")
class DeclareNodeLost(ClusterMessage):
    """
    A node that is silent does not come back, an operator says: what was on it has
    ended.  Idempotent.

    @ivar service_tag: the node's URL, or the host in it.
    """

    service_tag: str = wire("serviceTag")


@shape("declareNodeLostResponseType")
class DeclareNodeLostResponse(ClusterMessage):
    """
    @ivar service_tag: the node's URL; none: it is no node of this cluster.
    @ivar refusal: why it is not declared lost now; text for the operator.
    """

    service_tag: str | None = wire("serviceTag")
    refusal: str | None = wire("refusal")


@shape("nodeTroubleType")
class NodeTrouble:
    """
    A node that cannot be used.

    @ivar state: C{silent}; or C{lost}: it was declared so, and has not been found
        again.
    @ivar since: of one that is lost.
    """

    service_tag: str = wire("serviceTag")
    state: str = wire("state")
    since: datetime | None = wire("since")


@shape("waitForChangesType")
class WaitForChanges(ClusterMessage):
    """
    A long poll.

    @ivar epoch: as the last answer had it; none at first.
    @ivar since: the sequence number up to which all is known.
    @ivar timeout_s: answer by then, changes or none.
    """

    epoch: str | None = wire("epoch")
    since: int = wire("since", xsd="long")
    timeout_s: int = wire("timeoutSeconds")
    instance_types: tuple[ClusterMachineType, ...] = wire(
        "instanceTypes", repeated=True
    )


@shape("waitForChangesResponseType")
class WaitForChangesResponse(ClusterMessage):
    """
    What changed after C{since}.  With C{is_full} set it is everything, and an
    instance that is not in it is not known to the cluster: that happens at
    the first call, with another epoch (the cluster controller was started
    anew), or when C{since} is too old.

    @ivar forgotten: instances that ended and are told no more.
    @ivar service_tags, machines: its nodes, and those of the cluster's machines
        that carry networks; told to who comes with another epoch only.
    @ivar nodes: those of them that are silent, or lost.
    """

    epoch: str = wire("epoch")
    sequence: int = wire("sequence", xsd="long")
    is_full: bool = wire("isFull")
    instances: tuple[ChangedInstance, ...] = wire("instances", repeated=True)
    forgotten: tuple[str, ...] = wire("forgotten", repeated=True)
    resources: tuple[ClusterResource, ...] = wire("resources", repeated=True)
    service_tags: tuple[str, ...] = wire("serviceTags", repeated=True)
    addresses_per_cluster: int = wire("addressesPerCluster")
    machines: tuple[MachineEntry, ...] = wire("machines", repeated=True)
    nodes: tuple[NodeTrouble, ...] = wire("nodes", repeated=True)


@shape("setNetworksType")
class SetNetworks(ClusterMessage):
    """
    What the cluster must know of networks.  Idempotent; what does not go on
    from where the cluster stands is not taken.
    """

    changes: NetworkChanges = wire("changes")


@shape("setNetworksResponseType")
class SetNetworksResponse(ClusterMessage):
    """
    @ivar unsettled: the names of those of its machines that do not yet know all
        that follows from this.
    """

    position: NetworkPosition = wire("position")
    unsettled: tuple[str, ...] = wire("unsettled", repeated=True)


def _operation(request: type, response: type) -> Operation:
    return Operation(request.__name__, request, response)


#: The published contract.
ORIGINAL_OPERATIONS = (
    _operation(AttachVolume, AttachVolumeResponse),
    _operation(DetachVolume, DetachVolumeResponse),
    _operation(GetConsoleOutput, GetConsoleOutputResponse),
    _operation(RebootInstances, RebootInstancesResponse),
    _operation(StartNetwork, StartNetworkResponse),
    _operation(StopNetwork, StopNetworkResponse),
    _operation(ConfigureNetwork, ConfigureNetworkResponse),
    _operation(AssignAddress, AssignAddressResponse),
    _operation(UnassignAddress, UnassignAddressResponse),
    _operation(DescribeNetworks, DescribeNetworksResponse),
    _operation(DescribePublicAddresses, DescribePublicAddressesResponse),
    _operation(DescribeInstances, DescribeInstancesResponse),
    _operation(DescribeResources, DescribeResourcesResponse),
    _operation(TerminateInstances, TerminateInstancesResponse),
    _operation(RunInstances, RunInstancesResponse),
)

LAUNCH_INSTANCES = _operation(LaunchInstances, LaunchInstancesResponse)
STOP_INSTANCES = _operation(StopInstances, StopInstancesResponse)
START_INSTANCES = _operation(StartInstances, StartInstancesResponse)
SET_SHUTDOWN_BEHAVIOR = _operation(SetShutdownBehavior, SetShutdownBehaviorResponse)
READ_CONSOLE = _operation(ReadConsole, ReadConsoleResponse)
MAKE_IMAGE = _operation(MakeImage, MakeImageResponse)
WAIT_FOR_CHANGES = _operation(WaitForChanges, WaitForChangesResponse)
SET_NETWORKS = _operation(SetNetworks, SetNetworksResponse)
DECLARE_NODE_LOST = _operation(DeclareNodeLost, DeclareNodeLostResponse)

CLUSTER = Api(
    name="EucalyptusCC",
    namespace="http://eucalyptus.ucsb.edu/",
    versions=(RELEASE,),
    operations=(
        *ORIGINAL_OPERATIONS,
        LAUNCH_INSTANCES,
        STOP_INSTANCES,
        START_INSTANCES,
        SET_SHUTDOWN_BEHAVIOR,
        READ_CONSOLE,
        MAKE_IMAGE,
        WAIT_FOR_CHANGES,
        SET_NETWORKS,
        DECLARE_NODE_LOST,
    ),
    style=AXIS2,
)
