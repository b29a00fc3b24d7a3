"""
Why this cloud does not answer an operation: what of EC2 it does not have, for the
user to read.
"""

from __future__ import annotations

from collections.abc import Mapping

from euca_tw.api.shapes import Operation

_PACKAGE = "euca_tw.api.ec2."

_ONE_NETWORK = (
    "This cloud has one network, which is there for everybody: no VPC or subnet can be "
    "made, changed or deleted"
)
_ITS_OWN_WAYS = (
    "The ways in this cloud's network are its own: no {things} can be made or changed"
)
_ONE_INTERFACE = (
    "An instance of this cloud has one network interface with one private address, "
    "which come and go with it"
)
_VOLUMES = "This cloud has no block storage: there are no volumes and no snapshots"
_RESERVED = "This cloud has no Reserved Instances"
_SPOT = "This cloud has no Spot Instances"
_WINDOWS = "This cloud has nothing for Windows"
_IMPORT = (
    "This cloud imports and exports no virtual machines: register an image instead"
)
_VPN = "This cloud has no {things}: it is joined to no other network by VPN"

#: By the module that declares an operation.
FAMILIES: Mapping[str, str] = {
    "bundles": f"{_WINDOWS}: instances are not bundled",
    "conversions": _IMPORT,
    "customer_gateways": _VPN.format(things="customer gateways"),
    "dhcp_options": (
        "This cloud has no DHCP options of its users' own: what instances are told is "
        "the operator's to configure"
    ),
    "exports": _IMPORT,
    "internet_gateways": _ITS_OWN_WAYS.format(things="internet gateways"),
    "licenses": "This cloud has no licenses",
    "network_acls": _ITS_OWN_WAYS.format(things="network ACLs"),
    "network_interface_attributes": _ONE_INTERFACE,
    "network_interfaces": _ONE_INTERFACE,
    "passwords": f"{_WINDOWS}: instances have no password to tell",
    "private_addresses": _ONE_INTERFACE,
    "reserved_instances": _RESERVED,
    "reserved_listings": _RESERVED,
    "reserved_modifications": _RESERVED,
    "route_tables": _ITS_OWN_WAYS.format(things="route tables"),
    "routes": _ITS_OWN_WAYS.format(things="routes"),
    "snapshot_attributes": _VOLUMES,
    "snapshots": _VOLUMES,
    "spot": _SPOT,
    "spot_datafeed": _SPOT,
    "subnets": _ONE_NETWORK,
    "volume_attributes": _VOLUMES,
    "volume_status": _VOLUMES,
    "volumes": _VOLUMES,
    "vpc_attributes": _ONE_NETWORK,
    "vpc_peering": _ONE_NETWORK,
    "vpn_connections": _VPN.format(things="VPN connections"),
    "vpn_gateways": _VPN.format(things="VPN gateways"),
}


def family_of(operation: Operation) -> str:
    """The name of the module that declares it."""
    return operation.request.__module__.removeprefix(_PACKAGE)


def why_unanswered(operation: Operation) -> str:
    """Why it is not answered, and that it is not."""
    reason = FAMILIES.get(family_of(operation))
    told = f"This cloud does not have {operation.name}"
    return f"{reason} ({operation.name})" if reason else told
