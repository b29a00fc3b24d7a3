"""What one cluster has told."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from euca_tw.api import cluster as api


@define
class ClusterView:
    """
    A cluster, as last heard of.

    @ivar is_complete: it has told all that it knows, in its present epoch.
    @ivar is_well: it answered the last time.
    @ivar is_silent: it has not been heard of for long.
    """

    is_complete: bool = False
    is_well: bool = False
    is_silent: bool = False
    epoch: str | None = None
    sequence: int = 0
    addresses: int = 0
    room: Mapping[str, int] = field(factory=dict)
    instances: dict[str, api.ChangedInstance] = field(factory=dict)

    def hear(self, told: api.WaitForChangesResponse) -> set[str]:
        """Take in an answer; the instances that it changes anything of."""
        changed = {name_of(one) for one in told.instances}
        if told.epoch != self.epoch:
            self.is_complete = False
        if told.is_full:
            changed |= self.instances.keys()
            self.instances.clear()
            self.is_complete = True
        for one in told.instances:
            self.instances[name_of(one)] = one
        for name in told.forgotten:
            if self.instances.pop(name, None) is not None:
                changed.add(name)
        self.epoch, self.sequence = told.epoch, told.sequence
        self.addresses = told.addresses_per_cluster
        self.room = {
            (each.instance_type.name or "") if each.instance_type else "": (
                each.available_instances or 0
            )
            for each in told.resources
        }
        return changed


def name_of(one: api.ChangedInstance) -> str:
    return one.instance.instance_id or ""
