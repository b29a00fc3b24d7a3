"""From the cloud's records to what is told of networks.  Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from euca_tw.model.networks import (
    Elastic,
    Group,
    Machine,
    Member,
    Network,
    Role,
    Rule,
)
from euca_tw.model.records import (
    EVERYTHING,
    Address,
    GroupNetwork,
    Instance,
    KnownMachine,
    Permission,
    SecurityGroup,
)

_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "-1": None}


def network_of(record: GroupNetwork) -> Network:
    return Network(number=record.number, subnet=IPv4Network(record.subnet))


def member_of(instance: Instance) -> Member | None:
    """None: it is in no network, or has ended."""
    if not (instance.network and instance.is_live):
        return None
    return Member(
        instance_id=instance.instance_id,
        network=instance.network,
        mac_address=instance.mac_address,
        private_ip=IPv4Address(instance.private_ip),
        machine=instance.node,
        groups=frozenset(group.group_id for group in instance.groups),
        cluster=instance.zone,
    )


def group_of(record: SecurityGroup) -> Group:
    return Group(
        group_id=record.group_id,
        rules=frozenset(map(rule_of, record.permissions)),
        # Who lets out everything lets out what other rules say, too.
        egress=None
        if EVERYTHING in record.egress
        else frozenset(map(rule_of, record.egress)),
    )


def rule_of(permission: Permission) -> Rule:
    source: IPv4Network | str
    if permission.group is not None:
        source = permission.group.group_id
    else:
        source = IPv4Network(permission.cidr or "0.0.0.0/0")
    protocol = permission.protocol
    return Rule(
        protocol=_PROTOCOLS[protocol] if protocol in _PROTOCOLS else int(protocol),
        low=permission.from_port,
        high=permission.to_port,
        source=source,
    )


def elastic_of(address: Address, holder: Instance | None) -> Elastic | None:
    """@param holder: the instance that has it, if any."""
    member = None if holder is None else member_of(holder)
    if member is None:
        return None
    return Elastic(
        public_ip=IPv4Address(address.public_ip), private_ip=member.private_ip
    )


def machine_of(record: KnownMachine) -> Machine:
    return Machine(
        name=record.name,
        cluster=record.cluster,
        role=Role(record.role),
        address=IPv4Address(record.address),
        is_routed=record.is_routed,
        mtu=record.mtu,
    )
