"""What must be so of managed networks, of what all machines carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

from attrs import define, field

from euca_tw.model.networks import Carried, View


@define(eq=False)
class Carriers:
    """
    A number is one group's at a time, and an address one instance's on each machine.
    What of a view is the object that it was before is not looked into.

    @ivar group_of: the first group of an instance; None: nobody knows of it.
    """

    _group_of: Callable[[str], str | None]
    _views: dict[str, View] = field(factory=dict, init=False)

    def look(self, machine: str, view: View) -> Iterator[str]:
        """A machine carries this from now on: what is not as it must be."""
        before = self._views.get(machine)
        self._views[machine] = view
        for number, network in view.networks.items():
            was = before.networks.get(number) if before is not None else None
            if was is not network:
                yield from self._addresses(network, machine)
                groups = sorted(self._groups(number))
                if len(groups) > 1:
                    yield f"the network {number} is of {' and '.join(groups)}"

    def _addresses(self, network: Carried, machine: str) -> Iterator[str]:
        owners: dict[IPv4Address, str] = {}
        for member in sorted(network.members, key=lambda each: each.instance_id):
            name = member.instance_id
            other = owners.setdefault(member.private_ip, name)
            if other != name:
                yield f"{member.private_ip} on {machine} is {other}'s and {name}'s"

    def _groups(self, number: int) -> set[str]:
        """Whose members machines carry in a network."""
        found = set()
        for view in self._views.values():
            network = view.networks.get(number)
            for member in network.members if network is not None else ():
                group = self._group_of(member.instance_id)
                if group is not None:
                    found.add(group)
        return found
