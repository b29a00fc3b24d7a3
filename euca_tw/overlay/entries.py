"""
What is told of networks, one by one: entries, each with a key of its own.

Pure.
"""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from euca_tw.model.networks import (
    Elastic,
    Extent,
    Group,
    Machine,
    Member,
    Network,
    TrunkEnd,
)

Entry: TypeAlias = Network | Member | Machine | Group | Elastic | TrunkEnd | Extent


def key_of(entry: Entry) -> str:
    """Unique among all entries."""
    match entry:
        case Network():
            return network_key(entry.number)
        case Member():
            return member_key(entry.instance_id)
        case Machine():
            return machine_key(entry.name)
        case Group():
            return group_key(entry.group_id)
        case Elastic():
            return elastic_key(str(entry.public_ip))
        case TrunkEnd():
            return f"end/{entry.cluster}"
        case Extent():
            return extent_key(entry.number)


def network_key(number: int | str) -> str:
    return f"network/{number}"


def member_key(instance_id: str) -> str:
    return f"member/{instance_id}"


def machine_key(name: str) -> str:
    return f"machine/{name}"


def group_key(group_id: str) -> str:
    return f"group/{group_id}"


def extent_key(number: int) -> str:
    return f"extent/{number}"


def elastic_key(public_ip: str) -> str:
    return f"elastic/{public_ip}"


@frozen
class Difference:
    """
    @ivar puts: entries that are new, or other than they were.
    @ivar gone: keys of those that are no more.
    """

    puts: tuple[Entry, ...] = ()
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.puts or self.gone)
