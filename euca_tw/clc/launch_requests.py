"""What a request to launch instances says, as a whole."""

from __future__ import annotations

import hashlib

from euca_tw.api.ec2.instances import RunInstances
from euca_tw.api.shapes import shape_of
from euca_tw.clc.checks import unsupported


def refuse_what_is_not_here(request: RunInstances) -> None:
    """
    Refuse what would silently not be so.

    @raise UnsupportedOperation: it is asked for.
    """
    placement, monitoring = request.placement, request.monitoring
    unsupported("VPCs", request.subnet_id)
    unsupported("a choice of private addresses", request.private_ip_address)
    unsupported("network interfaces", request.network_interfaces)
    unsupported("instance profiles", request.iam_instance_profile is not None)
    unsupported("licences", request.license is not None)
    unsupported("protection from termination", request.disable_api_termination)
    unsupported("stopping", request.instance_initiated_shutdown_behavior == "stop")
    unsupported("volumes", request.ebs_optimized)
    unsupported("volumes", [m for m in request.block_device_mappings if m.ebs])
    unsupported("monitoring", monitoring is not None and monitoring.is_enabled)
    unsupported("tags", request.tag_specifications)
    if placement is not None:
        unsupported("placement groups", placement.group_name)
        unsupported("tenancy", placement.tenancy not in (None, "", "default"))


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
