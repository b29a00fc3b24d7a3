"""
Sites of some clusters, and what each of their machines must know.

In a name as C{x1}, the letter is the cluster's; C{x0} is its head.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network

from attrs import evolve

from euca_tw.model.networks import (
    Carried,
    Extent,
    Machine,
    Member,
    Network,
    Role,
    View,
)


def machine(name: str, *, is_routed: bool = False, mtu: int = 1500) -> Machine:
    cluster, number = name[0], int(name[1:])
    return Machine(
        name=name,
        cluster=cluster,
        role=Role.NODE if number else Role.HEAD,
        address=IPv4Address(f"172.20.{ord(cluster) - ord('a')}.{number + 1}"),
        is_routed=is_routed,
        mtu=mtu,
    )


def machines(*names: str, routed: Iterable[str] = ()) -> Mapping[str, Machine]:
    """@param routed: clusters whose machines are reached from everywhere."""
    return {name: machine(name, is_routed=name[0] in routed) for name in names}


def member(network: int, number: int, machine: str) -> Member:
    """The instance of that number, 2 to 254, on a network, 1 to 255."""
    return Member(
        instance_id=f"i-{network:04x}{number:04x}",
        network=network,
        mac_address=f"D0:0D:00:00:{network:02X}:{number:02X}",
        private_ip=IPv4Address(f"10.0.{network}.{number}"),
        machine=machine,
    )


def carried(network: int, *on: str) -> Carried:
    """A network with an instance on each of these machines, 2 and further."""
    return Carried(
        network=Network(number=network, subnet=IPv4Network(f"10.0.{network}.0/24")),
        members=frozenset(
            member(network, number, name) for number, name in enumerate(on, 2)
        ),
    )


def extent(network: int, clusters: str) -> Extent:
    """@param clusters: their letters."""
    return Extent(
        number=network,
        subnet=IPv4Network(f"10.0.{network}.0/24"),
        clusters=frozenset(clusters),
    )


def knowing(made: View, **where: str) -> View:
    """@param where: the clusters that a network is in, by C{n} and its number."""
    extents = [extent(int(name[1:]), clusters) for name, clusters in where.items()]
    return evolve(made, extents={each.number: each for each in extents})


def view(here: str, machines: Mapping[str, Machine], *networks: Carried) -> View:
    return View(
        here=here,
        machines=machines,
        networks={each.network.number: each for each in networks},
    )
