"""
What one tier tells the next of the instances' networks; of our own, beside the
original's contract.

Entries have keys (C{network/5}, C{member/i-12345678}, …), by which those that are
gone are named.
"""

from __future__ import annotations

from euca_tw.api.shapes import shape, wire


@shape("networkEntryType")
class NetworkEntry:
    """@ivar subnet: as C{10.0.0.32/27}."""

    number: int = wire("number")
    subnet: str = wire("subnet")


@shape("networkMemberType")
class MemberEntry:
    """
    An instance's card.

    @ivar network: the number of its network.
    @ivar machine: the name of the machine that has it, if one was chosen.
    @ivar group_ids: of its security groups.
    """

    instance_id: str = wire("instanceId")
    network: int = wire("network")
    mac_address: str = wire("macAddress")
    private_ip: str = wire("privateIp")
    cluster: str = wire("cluster")
    machine: str | None = wire("machine")
    group_ids: tuple[str, ...] = wire("groupIds", repeated=True)


@shape("networkMachineType")
class MachineEntry:
    """
    One that carries networks.

    @ivar role: C{head} or C{node}.
    @ivar address: where others of its cluster send it packets.
    @ivar is_routed: machines of other clusters reach that address as well.
    @ivar mtu: of the largest packet that goes from there to the others whole.
    """

    name: str = wire("name")
    cluster: str = wire("cluster")
    role: str = wire("role")
    address: str = wire("address")
    is_routed: bool = wire("isRouted")
    mtu: int = wire("mtu")


@shape("networkGroupRuleType")
class RuleEntry:
    """
    What may come in, or go out.

    @ivar protocol: of IP; none: any.
    @ivar low, high: ports, or type and code of ICMP; -1 for any.
    @ivar source_net, source_group: one of them: a network, or the identifier of
        a security group; of what goes out, where to.
    """

    protocol: int | None = wire("protocol")
    low: int = wire("low")
    high: int = wire("high")
    source_net: str | None = wire("sourceNet")
    source_group: str | None = wire("sourceGroup")


@shape("networkGroupEgressType")
class EgressEntry:
    """All that may go out."""

    rules: tuple[RuleEntry, ...] = wire("rules", repeated=True)


@shape("networkGroupType")
class GroupEntry:
    """
    @ivar rules: of what may come in.
    @ivar egress: none: all may go out, as who knows of no such rules has it.
    """

    group_id: str = wire("groupId")
    rules: tuple[RuleEntry, ...] = wire("rules", repeated=True)
    egress: EgressEntry | None = wire("egress")


@shape("networkElasticType")
class ElasticEntry:
    public_ip: str = wire("publicIp")
    private_ip: str = wire("privateIp")


@shape("networkTrunkEndType")
class TrunkEndEntry:
    """
    Where the head of a cluster is found by the heads of others.

    @ivar endpoint: C{host:port}; none: it can only dial.
    @ivar certificate: PEM.
    """

    cluster: str = wire("cluster")
    endpoint: str | None = wire("endpoint")
    certificate: str = wire("certificate")


@shape("networkExtentType")
class ExtentEntry:
    """
    Where a network is.

    @ivar subnet: as C{10.0.0.32/27}.
    @ivar clusters: those that have an instance of it.
    """

    number: int = wire("number")
    subnet: str = wire("subnet")
    clusters: tuple[str, ...] = wire("clusters", repeated=True)


@shape("networkChangesType")
class NetworkChanges:
    """
    What changed from C{since} to C{sequence}, of C{epoch}: what is new or other
    than it was, and the keys of what is gone.  It may come in parts, and is so
    when the last has come.

    @ivar epoch: another with each start of who tells.
    @ivar is_full: there is nothing but this; C{since} says nothing.
    @ivar part: 0 and up.
    @ivar revision: of the state of who tells; greater with each change of it.
    @ivar replaces_epoch, replaces_revision: with C{is_full}: what it takes the
        place of, as the peer told; who was told something else keeps that.
    """

    epoch: str = wire("epoch")
    since: int = wire("since", xsd="long")
    sequence: int = wire("sequence", xsd="long")
    is_full: bool = wire("isFull")
    part: int = wire("part")
    is_last: bool = wire("isLast")
    networks: tuple[NetworkEntry, ...] = wire("networks", repeated=True)
    members: tuple[MemberEntry, ...] = wire("members", repeated=True)
    machines: tuple[MachineEntry, ...] = wire("machines", repeated=True)
    groups: tuple[GroupEntry, ...] = wire("groups", repeated=True)
    elastics: tuple[ElasticEntry, ...] = wire("elastics", repeated=True)
    ends: tuple[TrunkEndEntry, ...] = wire("ends", repeated=True)
    extents: tuple[ExtentEntry, ...] = wire("extents", repeated=True)
    gone: tuple[str, ...] = wire("gone", repeated=True)
    revision: int | None = wire("revision", xsd="long")
    replaces_epoch: str | None = wire("replacesEpoch")
    replaces_revision: int | None = wire("replacesRevision", xsd="long")


@shape("networkPositionType")
class NetworkPosition:
    """
    Up to where all is known; who tells goes on from there, and tells all to who
    knows another epoch, or none.

    @ivar told_epoch, told_revision: of what was told here last, also before this
        start; none: nothing ever was, or it is not kept here.
    """

    epoch: str | None = wire("epoch")
    sequence: int = wire("sequence", xsd="long")
    told_epoch: str | None = wire("toldEpoch")
    told_revision: int | None = wire("toldRevision", xsd="long")
