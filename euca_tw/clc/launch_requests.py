"""What a request to launch instances says, as a whole."""

from __future__ import annotations

import hashlib

from euca_tw.api.ec2.instances import RunInstances
from euca_tw.api.errors import InvalidParameterCombination, InvalidParameterValue
from euca_tw.api.shapes import shape_of
from euca_tw.clc.checks import unsupported


def refuse_what_is_not_here(request: RunInstances) -> None:
    """
    Refuse what would silently not be so.

    @raise UnsupportedOperation: it is asked for.
    """
    placement = request.placement
    unsupported("a choice of private addresses", request.private_ip_address)
    unsupported("instance profiles", request.iam_instance_profile is not None)
    unsupported("licences", request.license is not None)
    unsupported("volumes", request.ebs_optimized)
    unsupported("volumes", [m for m in request.block_device_mappings if m.ebs])
    if placement is not None:
        unsupported("tenancy", placement.tenancy not in (None, "", "default"))


def groups_asked(request: RunInstances) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    The security groups of a request: names and identifiers.  Today's clients may
    say them of the one network interface that an instance has.

    @raise InvalidParameterCombination: there are more interfaces, or groups in
        both places.
    @raise UnsupportedOperation: an interface is to be what none is here.
    """
    names, ids = request.group_names, request.group_ids
    if not request.network_interfaces:
        return names, ids
    [interface, *others] = request.network_interfaces
    unsupported("several network interfaces", others)
    unsupported("several network interfaces", interface.device_index != 0)
    if names or ids:
        raise InvalidParameterCombination(
            "Network interfaces and an instance-level security groups may not be "
            "specified on the same request"
        )
    unsupported(
        "network interfaces of their own", interface.network_interface_id is not None
    )
    unsupported("descriptions of network interfaces", interface.description)
    unsupported(
        "a choice of private addresses",
        bool(
            interface.private_ip_address
            or interface.private_ip_addresses
            or interface.secondary_private_ip_address_count
        ),
    )
    unsupported(
        "network interfaces that outlive their instance",
        interface.delete_on_termination is False,
    )
    unsupported(
        "public addresses that come with an instance: allocate one, and associate it",
        interface.associate_public_ip_address,
    )
    return (), interface.group_ids


def subnet_asked(request: RunInstances) -> str | None:
    """
    The subnet of a request: its own, or that of its one network interface.

    @raise InvalidParameterCombination: there are two.
    """
    interfaces = request.network_interfaces
    asked = {request.subnet_id, *(each.subnet_id for each in interfaces)}
    found = [each for each in asked if each]
    if len(found) > 1:
        raise InvalidParameterCombination("An instance is in one subnet")
    return found[0] if found else None


def stops_itself(behavior: str | None) -> bool:
    """
    Whether an instance is stopped when its guest switches itself off.  As EC2 has
    it for those whose root is no volume, it has ended unless it is said.

    @param behavior: C{stop}, C{terminate}, or nothing.
    @raise InvalidParameterValue: it is neither.
    """
    if behavior in (None, "", "terminate"):
        return False
    if behavior == "stop":
        return True
    raise InvalidParameterValue(
        "instanceInitiatedShutdownBehavior", str(behavior), "It is stop or terminate."
    )


def digest_of(request: RunInstances) -> str:
    """
    A digest of all that a request asks for, whatever its token.  Left out is
    what is not said: so a parameter that is new one day changes no digest.
    """
    asked = [
        (field.python, value)
        for field in shape_of(RunInstances).fields
        if field.python not in ("client_token", "is_dry_run")
        and (value := getattr(request, field.python)) not in (None, ())
    ]
    return hashlib.sha256(repr(asked).encode()).hexdigest()
