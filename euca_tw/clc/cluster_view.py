"""What one cluster has told."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from attrs import define, field

from euca_tw.api import cluster as api
from euca_tw.clc import plan
from euca_tw.clc.interfaces import Stranger, TroubledNode
from euca_tw.model.lifecycle import Phase, phase_told
from euca_tw.model.records import Instance

_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - the contract's word for none


@define
class ClusterView:
    """
    A cluster, as last heard of.

    @ivar is_complete: it has told all that it knows, in its present epoch.
    @ivar is_well: it answered the last time.
    @ivar why: why it did not; C{""} if it did.
    @ivar is_silent: it has not been heard of for long.
    @ivar nodes: those of its nodes that are silent, or lost.
    """

    is_complete: bool = False
    is_well: bool = False
    why: str = ""
    is_silent: bool = False
    epoch: str | None = None
    sequence: int = 0
    addresses: int = 0
    room: Mapping[str, int] = field(factory=dict)
    most: Mapping[str, int] = field(factory=dict)
    nodes: Collection[TroubledNode] = ()
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
        self.nodes = [
            TroubledNode(url=each.service_tag, state=each.state, since=each.since)
            for each in told.nodes
        ]
        self.room = {
            _type_of(each): each.available_instances or 0 for each in told.resources
        }
        self.most = {_type_of(each): each.max_instances or 0 for each in told.resources}
        return changed

    @property
    def is_empty(self) -> bool:
        """Whether it is known that nothing runs there."""
        return (
            self.is_complete
            and self.is_well
            and all(map(_has_ended, self.instances.values()))
        )

    def runs(self, instance_id: str) -> bool:
        """Whether it told of an instance, and that it has not ended."""
        told = self.instances.get(instance_id)
        return told is not None and not _has_ended(told)

    def seen(
        self,
        instance_id: str,
        record: Instance | None,
        refusal: api.RefusedLaunch | None,
    ) -> plan.Seen:
        """
        What the cluster says of an instance.

        @param record: what is kept of it.
        @param refusal: why it was not taken, when it was last launched.
        """
        told = self.instances.get(instance_id)
        if not self.is_well:
            look = plan.Look.UNHEARD
        elif told is not None:
            phase = phase_told(told.instance.state_name or "", told.life)
            look = plan.LOOKS[phase]
        else:
            look = plan.Look.MISSING if self.is_complete else plan.Look.UNHEARD
        return plan.Seen(
            look=look,
            private_ip=_private_ip(record, told),
            node=(told.instance.service_tag or "") if told else "",
            reason_code=(told.reason_code or "") if told else "",
            reason=(told.reason or "") if told else "",
            starts=(told.starts or 0) if told else 0,
            refusal=refusal.reason if refusal else "",
            is_refusal_final=refusal.is_final if refusal else False,
            is_silent=self.is_silent or (told.is_silent if told else False),
        )


def _has_ended(told: api.ChangedInstance) -> bool:
    return told.instance.state_name == Phase.TEARDOWN.value


def _type_of(resource: api.ClusterResource) -> str:
    kind = resource.instance_type
    return (kind.name or "") if kind else ""


def _private_ip(record: Instance | None, told: api.ChangedInstance | None) -> str:
    """In a network it is the cloud's to give; else the cluster's."""
    if record is not None and record.network:
        return record.private_ip
    net = told.instance.net_params if told else None
    private_ip = net.private_ip if net else ""
    return private_ip if private_ip != _NO_ADDRESS else ""


def stranger(told: api.ChangedInstance) -> Stranger:
    """What a cluster tells of an instance that nobody here knows of."""
    index = told.instance.network_index
    return Stranger(
        instance_id=name_of(told),
        owner_id=told.instance.owner_id or "",
        private_ip=_private_ip(None, told),
        network_index=-1 if index is None else index,
    )


def name_of(one: api.ChangedInstance) -> str:
    return one.instance.instance_id or ""
