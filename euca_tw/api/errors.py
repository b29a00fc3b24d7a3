"""
Refusals: what EC2 says when it will not.

Each is an exception that carries fields, not prose; its class knows EC2's code
and HTTP status, and the sentence to make of the fields.  A door turns one into
a SOAP fault or a Query error; nothing else of an exception reaches a client.
Codes and texts follow EC2's developer guide, "Error codes".
"""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import define, field


@define
class ApiError(Exception):
    """
    @cvar code: EC2's error code.
    @cvar status: the HTTP status of a Query answer; SOAP always says 500.
    @cvar text: the message, with the fields' names in braces.
    @cvar retry_after_s: when to ask again, where that is known.
    """

    code: ClassVar[str] = "InternalError"
    status: ClassVar[int] = 400
    retry_after_s: ClassVar[int | None] = None
    text: ClassVar[str] = "An internal error has occurred"

    @property
    def message(self) -> str:
        """The sentence for the client."""
        return self.text.format(
            **{name: _cut(getattr(self, name), 1000) for name in _fields(type(self))}
        )

    @property
    def is_servers(self) -> bool:
        """Whether the fault is ours (C{Server.}), not the client's."""
        return self.status >= 500

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What an HTTP reply that tells it has besides."""
        after_s = self.retry_after_s
        return () if after_s is None else (("Retry-After", str(after_s)),)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def _cut(told: Any, most: int) -> Any:
    """Clients may say much; it is not said back in full."""
    is_long = isinstance(told, str) and len(told) > most
    return f"{told[:most]}…" if is_long else told


def _shown(value: str) -> str:
    return str(_cut(value, 100))


def _fields(cls: type) -> tuple[str, ...]:
    return tuple(a.name for a in cls.__attrs_attrs__)  # type: ignore[attr-defined]


# --- the request itself -----------------------------------------------------


@define
class InternalError(ApiError):
    """A bug of ours; the log has it under the request id."""

    code = "InternalError"
    status = 500
    text = "An internal error has occurred"


@define
class Unavailable(ApiError):
    """The request is right, but cannot be answered at this moment."""

    code = "Unavailable"
    status = 503
    text = "{reason}"
    reason: str


@define
class RequestLimitExceeded(ApiError):
    """
    It is one of too many; the same may be asked again later.  EC2 says that by
    the status of a server's fault, and by the code of a client's.
    """

    code = "RequestLimitExceeded"
    status = 503
    text = "Request limit exceeded. {reason}"
    retry_after_s = 1
    reason: str

    @property
    def is_servers(self) -> bool:
        return False


@define
class MalformedRequest(ApiError):
    """It cannot be read as XML, as SOAP or as Query parameters."""

    code = "MalformedXML"
    text = "{reason}"
    reason: str


@define
class MalformedQueryString(ApiError):
    code = "MalformedQueryString"
    status = 400
    text = "{reason}"
    reason: str


@define
class CompressedRequest(ApiError):
    code = "MalformedQueryString"
    status = 415
    text = "The body is compressed, which is not taken: send it as it is"


@define
class NoSuchPage(ApiError):
    """There is nothing at this path: it is not one of EC2's."""

    code = "InvalidURI"
    status = 404
    text = "There is no service at {path}"
    path: str


@define
class RequestTooLarge(ApiError):
    code = "RequestEntityTooLarge"
    status = 413
    text = "The request is larger than the {limit_bytes} bytes that are taken"
    limit_bytes: int


@define
class NoSuchVersion(ApiError):
    code = "NoSuchVersion"
    text = "The requested version ({version}) of service AmazonEC2 does not exist"
    version: str


@define
class InvalidAction(ApiError):
    code = "InvalidAction"
    text = "The action {action} is not valid for this web service"
    action: str


@define
class MissingAction(ApiError):
    code = "MissingAction"
    text = "The request must contain the parameter Action"


@define
class UnsupportedOperation(ApiError):
    code = "UnsupportedOperation"
    text = "{reason}"
    reason: str


@define
class UnknownParameter(ApiError):
    code = "UnknownParameter"
    text = "The parameter {parameter} is not recognized"
    parameter: str


@define
class MissingParameter(ApiError):
    code = "MissingParameter"
    text = "The request must contain the parameter {parameter}"
    parameter: str


@define
class InvalidParameterValue(ApiError):
    """@ivar value: no more of it is told than is good for a message."""

    code = "InvalidParameterValue"
    text = "Value ({value}) for parameter {parameter} is invalid. {reason}"
    parameter: str
    value: str = field(converter=_shown)
    reason: str = ""


@define
class InvalidParameterCombination(ApiError):
    code = "InvalidParameterCombination"
    text = "{reason}"
    reason: str


@define
class DryRunOperation(ApiError):
    code = "DryRunOperation"
    status = 412
    text = "Request would have succeeded, but DryRun flag is set."


# --- who asks ---------------------------------------------------------------


@define
class AuthFailure(ApiError):
    code = "AuthFailure"
    status = 401
    text = "{reason}"
    reason: str = "AWS was not able to validate the provided access credentials"


@define
class MissingAuthenticationToken(ApiError):
    code = "MissingAuthenticationToken"
    status = 403
    text = "The request must contain a signature"


@define
class InvalidSecurity(ApiError):
    """The WS-Security header is not of the form that we take."""

    code = "InvalidSecurity"
    status = 401
    text = "{reason}"
    reason: str


@define
class IncompleteSignature(ApiError):
    """There is a signature, but not all that belongs to it."""

    code = "IncompleteSignature"
    text = "{reason}"
    reason: str


@define
class RequestTimeTooSkewed(ApiError):
    """@ivar most: how much, and which way, they may differ."""

    code = "RequestTimeTooSkewed"
    status = 403
    text = (
        "The difference between the request's time and ours is too large: the "
        "request says {said}, it is {now} here, and it may be {most}. Check your "
        "clock."
    )
    said: str
    now: str
    most: str


@define
class RequestExpired(ApiError):
    code = "RequestExpired"
    status = 400
    text = "{reason}"
    reason: str


@define
class UnauthorizedOperation(ApiError):
    code = "UnauthorizedOperation"
    status = 403
    text = "You are not authorized to perform this operation. {reason}"
    reason: str = ""


# --- things that are not there, or are there already ------------------------


@define
class NoSuchInstance(ApiError):
    code = "InvalidInstanceID.NotFound"
    text = "The instance ID '{instance_id}' does not exist"
    instance_id: str


@define
class MalformedInstanceId(ApiError):
    code = "InvalidInstanceID.Malformed"
    text = 'Invalid id: "{instance_id}" (expecting "i-...")'
    instance_id: str


@define
class NoSuchImage(ApiError):
    code = "InvalidAMIID.NotFound"
    text = "The image id '[{image_id}]' does not exist"
    image_id: str


@define
class MalformedImageId(ApiError):
    code = "InvalidAMIID.Malformed"
    text = 'Invalid id: "{image_id}" (expecting "emi-...")'
    image_id: str


@define
class ImageUnavailable(ApiError):
    code = "InvalidAMIID.Unavailable"
    text = "The image id '[{image_id}]' is no longer available ({state})"
    image_id: str
    state: str


@define
class ImageInUse(ApiError):
    code = "InvalidAMIName.Duplicate"
    text = "AMI name {name} is already in use by AMI {image_id}"
    name: str
    image_id: str


@define
class NoSuchKeyPair(ApiError):
    code = "InvalidKeyPair.NotFound"
    text = "The key pair '{key_name}' does not exist"
    key_name: str


@define
class DuplicateKeyPair(ApiError):
    code = "InvalidKeyPair.Duplicate"
    text = "The keypair '{key_name}' already exists."
    key_name: str


@define
class InvalidKeyFormat(ApiError):
    code = "InvalidKey.Format"
    text = "Key is not in valid OpenSSH public key format. {reason}"
    reason: str = ""


@define
class NoSuchGroup(ApiError):
    code = "InvalidGroup.NotFound"
    text = "The security group '{group}' does not exist"
    group: str


@define
class DuplicateGroup(ApiError):
    code = "InvalidGroup.Duplicate"
    text = "The security group '{group}' already exists"
    group: str


@define
class GroupInUse(ApiError):
    code = "InvalidGroup.InUse"
    text = "There are active instances using security group '{group}'"
    group: str


@define
class ReservedGroup(ApiError):
    code = "InvalidGroup.Reserved"
    text = "The security group '{group}' is reserved"
    group: str


@define
class DuplicatePermission(ApiError):
    code = "InvalidPermission.Duplicate"
    text = "The specified rule '{rule}' already exists"
    rule: str


@define
class NoSuchPermission(ApiError):
    code = "InvalidPermission.NotFound"
    text = "The specified rule does not exist in this security group: {rule}"
    rule: str


@define
class RepeatedPermission(ApiError):
    code = "InvalidParameterValue"
    text = "The same permission must not appear multiple times"


@define
class MalformedPermission(ApiError):
    code = "InvalidPermission.Malformed"
    text = "{reason}"
    reason: str


@define
class NoSuchAddress(ApiError):
    code = "InvalidAddress.NotFound"
    text = "Address '{public_ip}' not found"
    public_ip: str


@define
class NoSuchAllocation(ApiError):
    code = "InvalidAllocationID.NotFound"
    text = "The allocation ID '{allocation_id}' does not exist"
    allocation_id: str


@define
class NoSuchAssociation(ApiError):
    code = "InvalidAssociationID.NotFound"
    text = "The association ID '{association_id}' does not exist"
    association_id: str


@define
class AddressLimitExceeded(ApiError):
    code = "AddressLimitExceeded"
    text = "The maximum number of addresses has been reached: {limit}"
    limit: int


@define
class InsufficientAddressCapacity(ApiError):
    code = "InsufficientAddressCapacity"
    status = 503
    text = "There are not enough free addresses in the cloud's pool"


@define
class NoSuchRegion(ApiError):
    code = "InvalidParameterValue"
    text = "Invalid region: [{region}]"
    region: str


@define
class InvalidInstanceType(ApiError):
    code = "InvalidInstanceType"
    text = "The following supplied instance types do not exist: [{names}]"
    names: str


@define
class NoSuchPlacementGroup(ApiError):
    code = "InvalidPlacementGroup.Unknown"
    text = "The placement group '{group}' is unknown."
    group: str


@define
class DuplicatePlacementGroup(ApiError):
    code = "InvalidPlacementGroup.Duplicate"
    text = "The placement group '{group}' already exists."
    group: str


@define
class PlacementGroupInUse(ApiError):
    code = "InvalidPlacementGroup.InUse"
    text = "The placement group '{group}' is in use: it has {count} instances"
    group: str
    count: int


@define
class NoSuchVpc(ApiError):
    code = "InvalidVpcID.NotFound"
    text = "The vpc ID '{vpc_id}' does not exist"
    vpc_id: str


@define
class NoSuchSubnet(ApiError):
    code = "InvalidSubnetID.NotFound"
    text = "The subnet ID '{subnet_id}' does not exist"
    subnet_id: str


@define
class NoSuchNetworkInterface(ApiError):
    code = "InvalidNetworkInterfaceID.NotFound"
    text = "The networkInterface ID '{network_interface_id}' does not exist"
    network_interface_id: str


@define
class NoSuchZone(ApiError):
    code = "InvalidParameterValue"
    text = "Invalid availability zone: [{zone}]"
    zone: str


# --- limits and states ------------------------------------------------------


@define
class VpcLimitExceeded(ApiError):
    code = "VpcLimitExceeded"
    text = (
        "The maximum number of VPCs has been reached: this cloud has one network, "
        "which is there for everybody"
    )


@define
class VpcIsDefault(ApiError):
    code = "OperationNotPermitted"
    text = "The default VPC '{vpc_id}' is there for everybody, and is not deleted"
    vpc_id: str


@define
class SubnetIsDefault(ApiError):
    code = "OperationNotPermitted"
    text = "The default subnet '{subnet_id}' is there for everybody, and is not deleted"
    subnet_id: str


@define
class SubnetConflict(ApiError):
    code = "InvalidSubnet.Conflict"
    text = "The CIDR '{cidr}' conflicts with another subnet"
    cidr: str


@define
class InstanceLimitExceeded(ApiError):
    code = "InstanceLimitExceeded"
    text = (
        "You have requested more instances ({wanted}) than your current "
        "instance limit of {limit} allows"
    )
    wanted: int
    limit: int


@define
class VcpuLimitExceeded(ApiError):
    code = "VcpuLimitExceeded"
    text = (
        "You have requested more vCPU capacity ({wanted}) than your current vCPU "
        "limit of {limit} allows"
    )
    wanted: int
    limit: int


@define
class SecurityGroupLimitExceeded(ApiError):
    code = "SecurityGroupLimitExceeded"
    text = "The maximum number of security groups has been reached: {limit}"
    limit: int


@define
class RulesPerSecurityGroupLimitExceeded(ApiError):
    code = "RulesPerSecurityGroupLimitExceeded"
    text = "The maximum number of rules per security group has been reached: {limit}"
    limit: int


@define
class ResourceLimitExceeded(ApiError):
    code = "ResourceLimitExceeded"
    text = "The maximum number of {things} has been reached: {limit}"
    things: str
    limit: int


@define
class InsufficientInstanceCapacity(ApiError):
    code = "InsufficientInstanceCapacity"
    status = 503
    text = "There is not enough capacity for {wanted} x {instance_type}: {reason}"
    wanted: int
    instance_type: str
    reason: str


@define
class TagLimitExceeded(ApiError):
    code = "TagLimitExceeded"
    text = "A resource may have {limit} tags, and no more"
    limit: int


@define
class IncorrectInstanceState(ApiError):
    code = "IncorrectInstanceState"
    text = (
        "The instance '{instance_id}' is not in a state from which it can be "
        "{action}: it is {state}"
    )
    instance_id: str
    state: str
    action: str


@define
class TerminationProtected(ApiError):
    code = "OperationNotPermitted"
    text = (
        "The instance '{instance_id}' may not be terminated. Modify its "
        "'disableApiTermination' instance attribute and try again."
    )
    instance_id: str


@define
class IdempotentParameterMismatch(ApiError):
    code = "IdempotentParameterMismatch"
    text = "The client token {client_token} was used before, with other parameters"
    client_token: str


@define
class IdempotentInstanceTerminated(ApiError):
    code = "IdempotentInstanceTerminated"
    text = (
        "The client token {client_token} launched instances that have been "
        "terminated since"
    )
    client_token: str


# --- values that are not of their form --------------------------------------


@define
class InvalidId(ApiError):
    """What shall be tagged is nothing that can have tags."""

    code = "InvalidID"
    text = "The ID '{resource_id}' is not valid"
    resource_id: str


@define
class InvalidTagType(ApiError):
    code = "InvalidParameterValue"
    text = "'{resource_type}' is not a valid taggable resource type for this operation"
    resource_type: str


@define
class InvalidFilter(ApiError):
    code = "InvalidParameterValue"
    text = "The filter '{name}' is invalid"
    name: str


@define
class FilterLimitExceeded(ApiError):
    code = "FilterLimitExceeded"
    text = "{reason}"
    reason: str


@define
class InvalidNextToken(ApiError):
    code = "InvalidNextToken"
    text = "The token '{next_token}' is invalid"
    next_token: str


@define
class ImpossibleVpcRange(ApiError):
    code = "InvalidVpc.Range"
    text = "The CIDR '{cidr}' is invalid: a VPC's is between /16 and /28"
    cidr: str


@define
class ImpossibleSubnetRange(ApiError):
    code = "InvalidSubnet.Range"
    text = (
        "The CIDR '{cidr}' is invalid: a subnet's is part of its VPC's, and between "
        "/16 and /28"
    )
    cidr: str


@define
class InvalidRuleDescription(ApiError):
    code = "InvalidParameterValue"
    text = (
        "Invalid rule description. It is shorter than 256 characters, and has letters "
        "and digits of ASCII, the space, curly brackets and . _ - : / ( ) # , @ [ ] + "
        "= & ; ! $ *"
    )


@define
class AddressInUse(ApiError):
    code = "InvalidIPAddress.InUse"
    text = "The address '{public_ip}' is allocated already"
    public_ip: str


@define
class MalformedUserData(ApiError):
    code = "InvalidUserData.Malformed"
    text = "{reason}"
    reason: str


@define
class MalformedImageName(ApiError):
    code = "InvalidAMIName.Malformed"
    text = (
        "AMI names must be between 3 and 128 characters long, and may contain "
        "letters, numbers, and ( ) [ ] . - / ' @ _ and the space"
    )


@define
class MalformedAddress(ApiError):
    code = "InvalidParameterValue"
    text = "Invalid value '{public_ip}' for {parameter}. It is not an IPv4 address"
    public_ip: str
    parameter: str = "publicIp"


@define
class MalformedUserId(ApiError):
    code = "InvalidUserID.Malformed"
    text = 'Invalid user id: "{user_id}"'
    user_id: str


@define
class InvalidAttributeValue(ApiError):
    code = "InvalidAMIAttributeItemValue"
    text = 'Invalid attribute item value "{value}" for {item} item type.'
    item: str
    value: str


@define
class AlreadyAssociated(ApiError):
    code = "Resource.AlreadyAssociated"
    text = "resource {public_ip} is already associated with {instance_id}"
    public_ip: str
    instance_id: str


@define
class MalformedGroupId(ApiError):
    code = "InvalidGroupId.Malformed"
    text = 'Invalid id: "{group_id}" (expecting "sg-...")'
    group_id: str
