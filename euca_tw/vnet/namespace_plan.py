"""
A network namespace for a head on a machine that runs instances too: what it is made
of, and what is yet to be done.

Pure.  Head and node are both the router's and the instances' side of a network, so
one kernel's links cannot be both.  The head has a network namespace of its own, and a
cable (a pair of C{veth}) joins that with the machine's: to the one as to the other it
is a wire to another machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import TypeAlias

from attrs import frozen

from euca_tw.vnet.link_records import VXLAN_PORT

#: The end of the cable that is in the namespace; the machine's is named as that is.
INNER = "machine"
_ALL = IPv4Network("0.0.0.0/0")


@frozen(kw_only=True)
class NamespaceSettings:
    """
    @ivar name: of the namespace, and of the machine's end of the cable.
    @ivar link: the cable's network: the machine has its first address, and the head
        the second.
    @ivar mtu: of the largest packet that the cable carries.
    @ivar public: public addresses, which the machine reaches by the head.
    @ivar forwards: whether the machine forwards between the head and what is beyond.
    """

    name: str
    link: IPv4Network
    mtu: int = 1500
    public: tuple[IPv4Network, ...] = ()
    forwards: bool = False

    @property
    def machine(self) -> IPv4Address:
        return self.link.network_address + 1

    @property
    def head(self) -> IPv4Address:
        return self.link.network_address + 2


class Side(Enum):
    """An end of the cable, and all that is on that side of it."""

    MACHINE = "the machine"
    INSIDE = "the namespace"


@frozen
class Namespace:
    """It is there."""

    def __str__(self) -> str:
        return "the namespace itself"


@frozen
class Cable:
    """Its ends are where they shall be, and are up."""

    def __str__(self) -> str:
        return f"the cable between the machine and {INNER}, its end inside"


@frozen
class Mtu:
    side: Side
    bytes: int

    def __str__(self) -> str:
        return f"packets of {self.bytes} bytes, by the end in {self.side.value}"


@frozen
class Address:
    side: Side
    interface: IPv4Interface

    def __str__(self) -> str:
        return f"address {self.interface} of {self.side.value}"


@frozen
class Route:
    """Of one network, at most one is ours."""

    side: Side
    to: IPv4Network
    via: IPv4Address

    def __str__(self) -> str:
        return f"route of {self.side.value} to {self.to} by {self.via}"


@frozen
class Setting:
    """
    @ivar name: of a file below /proc/sys/net.  A setting that the kernel does not
        have is as it shall be.
    """

    side: Side
    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name} = {self.value} in {self.side.value}"


Fact: TypeAlias = Namespace | Cable | Mtu | Address | Route | Setting


@frozen(kw_only=True)
class Plan:
    """
    @ivar gone: what there is too much, to be taken away first.
    @ivar come: what is missing, in the order in which it can be made.
    """

    gone: tuple[Address | Route, ...] = ()
    come: tuple[Fact, ...] = ()


def wanted(settings: NamespaceSettings) -> tuple[Fact, ...]:
    """All of it, in the order in which it can be made."""
    return tuple(_wanted(settings))


def _wanted(settings: NamespaceSettings) -> Iterator[Fact]:
    yield Namespace()
    # Nothing else is there that could need it, and the head must not have it.
    yield Setting(Side.INSIDE, "bridge/bridge-nf-call-iptables", "0")
    yield Cable()
    addresses = (settings.machine, settings.head)
    ends = ((Side.MACHINE, settings.name), (Side.INSIDE, INNER))
    for (side, name), address in zip(ends, addresses, strict=True):
        yield Mtu(side, settings.mtu)
        # Nobody needs it here: instances have none.
        yield Setting(side, f"ipv6/conf/{name}/disable_ipv6", "1")
        yield Address(side, IPv4Interface((address, settings.link.prefixlen)))
    yield Route(Side.INSIDE, _ALL, settings.machine)
    for network in settings.public:
        yield Route(Side.MACHINE, network, settings.head)
    if settings.forwards:
        yield Setting(Side.MACHINE, "ipv4/ip_forward", "1")


def plan(shall: Collection[Fact], found: Collection[Fact]) -> Plan:
    """
    What makes of what is found what shall be.

    @param found: with the settings that are asked for; addresses are those of the
        cable's ends, and routes those that are ours.
    """
    there = {*found}
    if Cable() not in there:
        # What was on it goes with it, or went.
        there = {each for each in there if isinstance(each, Namespace)}
    return Plan(
        gone=tuple(
            sorted(
                (
                    each
                    for each in there
                    if isinstance(each, Address | Route) and each not in shall
                ),
                key=lambda each: (isinstance(each, Address), str(each)),
            )
        ),
        come=tuple(each for each in shall if each not in there),
    )


def table(name: str) -> str:
    """The name of the machine's table about the namespace of that name."""
    return f"euca_tw_{name}"


def removal(name: str) -> str:
    """For C{nft -f}: removes the table, whether it is there or not."""
    return f"table inet {table(name)}\ndelete table inet {table(name)}\n"


def ruleset(settings: NamespaceSettings) -> str:
    """
    For C{nft -f}, in one transaction: what comes from the head, and so from
    instances, reaches nothing of the machine but what carries their networks; nor
    does it pass the machine, but if it forwards.
    """
    lines = [removal(settings.name), f"table inet {table(settings.name)} {{\n"]
    for chain, rules in _chains(settings):
        lines += [f"\tchain {chain} {{\n", *(f"\t\t{rule}\n" for rule in rules)]
        lines.append("\t}\n")
    return "".join((*lines, "}\n"))


def _chains(settings: NamespaceSettings) -> Iterator[tuple[str, Iterator[str]]]:
    yield "asked", _asked(settings)
    yield "passing", _passing(settings)
    if settings.forwards:
        yield "leaving_as", _leaving_as(settings)


def _asked(settings: NamespaceSettings) -> Iterator[str]:
    yield "type filter hook input priority filter; policy accept;"
    yield f'iifname != "{settings.name}" accept'
    yield "ct state established,related accept"
    # To no other address of the machine's: an instance may leave as the head does,
    # but not to where other machines are, and VXLAN hears at all addresses.
    yield (
        f"ip saddr {settings.head} ip daddr {settings.machine} "
        f"udp dport {VXLAN_PORT} accept"
    )
    yield "counter drop"


def _passing(settings: NamespaceSettings) -> Iterator[str]:
    cable = f'"{settings.name}"'
    yield "type filter hook forward priority filter; policy accept;"
    if settings.forwards:
        yield f"iifname {cable} accept"
        yield f"oifname {cable} ct state established,related accept"
        # What the site itself leads to the head, as to its trunk.
        yield f"oifname {cable} ip daddr {settings.head} ct status dnat accept"
        if settings.public:
            written = ", ".join(map(str, settings.public))
            yield f"oifname {cable} ip daddr {{ {written} }} accept"
    else:
        yield f"iifname {cable} counter drop"
    yield f"oifname {cable} counter drop"


def _leaving_as(settings: NamespaceSettings) -> Iterator[str]:
    yield "type nat hook postrouting priority srcnat; policy accept;"
    yield f'ip saddr {settings.head} oifname != "{settings.name}" masquerade'
