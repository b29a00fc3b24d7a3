"""
The networks of a cloud, as a machine must know them that carries them.

Pure.  A network is a user's and a security group's: one layer 2 wherever it has
instances, known by a number of 24 bits, addressed from the cloud's private range.
No two networks of a cloud overlap, so an address is one instance's.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from ipaddress import IPv4Address, IPv4Network

from attrs import Factory, frozen

#: Of the transit network, in which are the heads of clusters and no instances:
#: the largest that VXLAN has room for.
TRANSIT_NUMBER = (1 << 24) - 1
#: Of a network of instances.
LARGEST_NUMBER = TRANSIT_NUMBER - 1
#: The MAC address of every network's router, wherever it is: a guest that finds
#: its router on another machine need not learn it anew.
ROUTER_MAC = "02:00:5e:00:00:01"
#: Of each subnet: its own address, its router's, and that for all.
_NOT_FOR_INSTANCES = 3


@frozen(kw_only=True)
class Network:
    """@ivar number: 1 to L{LARGEST_NUMBER}, never used for another at a time."""

    number: int
    subnet: IPv4Network

    @property
    def router(self) -> IPv4Address:
        """The first of its addresses."""
        return self.subnet.network_address + 1

    @property
    def room(self) -> int:
        """How many instances it has addresses for."""
        return self.subnet.num_addresses - _NOT_FOR_INSTANCES

    def address(self, index: int) -> IPv4Address:
        """Of the instance at a place, 0 and up, less than L{room}."""
        return self.router + 1 + index


@frozen(kw_only=True, cache_hash=True)
class Member:
    """
    An instance's card.

    @ivar network: the number of its network.
    @ivar machine: the name of the L{Machine} that runs it; C{""} of one that no
        machine was chosen for yet, which no L{View} has.
    @ivar groups: identifiers of its security groups.
    @ivar cluster: that it is in, whatever its machine.
    """

    instance_id: str
    network: int
    mac_address: str
    private_ip: IPv4Address
    machine: str
    groups: frozenset[str] = frozenset()
    cluster: str = ""


class Role(Enum):
    """HEAD: of a cluster, with its networks' routers.  NODE: runs instances."""

    HEAD = "head"
    NODE = "node"


@frozen(kw_only=True)
class Machine:
    """
    One that carries networks.

    @ivar address: where others of its cluster send it packets.
    @ivar is_routed: machines of other clusters reach that address as well.
    @ivar mtu: of the largest packet that goes from there to the others whole.
    """

    name: str
    cluster: str
    role: Role
    address: IPv4Address
    is_routed: bool = False
    mtu: int = 1500


@frozen(kw_only=True)
class Rule:
    """
    What may come in, or go out.

    @ivar protocol: of IP: 6, 17, 1, …; None: any.
    @ivar low, high: ports of TCP and UDP, both included; of ICMP the type and
        the code, -1 for any.
    @ivar source: a network, or the identifier of a security group: where it comes
        from; of what goes out, where it goes to.
    """

    protocol: int | None
    low: int = -1
    high: int = -1
    source: IPv4Network | str


@frozen(kw_only=True)
class Group:
    """
    A security group.

    @ivar rules: of what may come in; what none lets in is kept out.
    @ivar egress: of what may go out; None: all may.
    """

    group_id: str
    rules: frozenset[Rule] = frozenset()
    egress: frozenset[Rule] | None = None

    @property
    def named(self) -> frozenset[str]:
        """The groups that its rules name, either way."""
        return frozenset(
            rule.source
            for rules in (self.rules, self.egress or ())
            for rule in rules
            if isinstance(rule.source, str)
        )


@frozen(kw_only=True)
class Elastic:
    """A public address, and the private one of the instance that has it."""

    public_ip: IPv4Address
    private_ip: IPv4Address


@frozen(kw_only=True)
class TrunkEnd:
    """
    Where the head of a cluster is to be found by the heads of others.

    @ivar endpoint: C{host:port}; C{""} of one that can only dial.
    @ivar certificate: PEM, by which it is known.
    """

    cluster: str
    endpoint: str
    certificate: str


@frozen(kw_only=True)
class Extent:
    """
    Where a network is, for heads that do not carry it.

    @ivar clusters: those of which a machine has an instance of it; one at least.
    """

    number: int
    subnet: IPv4Network
    clusters: frozenset[str]


@frozen(kw_only=True)
class Carried:
    """
    One network, with all that a machine must know of it.

    @ivar members: on whatever machine, of whatever cluster.
    """

    network: Network
    members: frozenset[Member] = frozenset()


@frozen(kw_only=True)
class View:
    """
    All that one machine must know.  What did not change since is the same
    object, so that who compares need not look into it.

    @ivar here: the name of the machine.
    @ivar machines: by name; all that carry what this one carries.
    @ivar networks: by number; those that this machine carries.
    @ivar groups: by identifier; those of members here, and those that their rules
        name, whose members are in C{sources}.
    @ivar sources: members of groups that rules name, by group: their addresses.
    @ivar elastics: by public address; of instances whose way out is here.
    @ivar ends: by cluster; of all trunks, to a head.
    @ivar extents: by number; of all networks of the cloud, to a head.
    """

    here: str
    machines: Mapping[str, Machine] = Factory(dict)
    networks: Mapping[int, Carried] = Factory(dict)
    groups: Mapping[str, Group] = Factory(dict)
    sources: Mapping[str, frozenset[IPv4Address]] = Factory(dict)
    elastics: Mapping[IPv4Address, Elastic] = Factory(dict)
    ends: Mapping[str, TrunkEnd] = Factory(dict)
    extents: Mapping[int, Extent] = Factory(dict)
