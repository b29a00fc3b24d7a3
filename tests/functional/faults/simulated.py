"""The simulated world: the daemons of C{tests.whole}, on one clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from zope.interface import implementer

from euca_tw.model.capacity import Resources
from euca_tw.model.identifiers import ImageId
from euca_tw.model.records import Image
from euca_tw.nodectl.interfaces import (
    NO_EXTRAS,
    Extras,
    IHooks,
    ImageSource,
    Occasion,
    StagedInstance,
)
from euca_tw.nodectl.memory import MemoryInstanceStore
from euca_tw.nodectl.memory_images import MemoryImageMaker
from euca_tw.store.interfaces import Put
from tests.functional.faults.play import (
    FETCHING,
    FREEZE,
    KILL,
    MAKING,
    NEXT,
    Outcome,
)
from tests.functional.faults.settings import CLOUD, CLUSTER, NODE, ROOM
from tests.whole.cloud import IMAGE
from tests.whole.judgement import is_sound
from tests.whole.site import Site

_NODE = "north-1"
_NAMES = {"cloud": "cloud", "cluster": "north", "node": _NODE}
#: By then all has ended as it will.
_SETTLED_S = 300.0
#: Longer than any daemon waits for another.
_FROZEN_S = 120.0
_IMAGES = 20


@implementer(IHooks)
@define(eq=False)
class Gates:
    """What holds instances up, by phase and name."""

    _shut: dict[tuple[str, str], list[Deferred[None]]] = field(factory=dict)
    held: dict[str, set[str]] = field(factory=lambda: defaultdict(set))

    def hold(self, phase: str, name: str) -> None:
        self._shut[phase, name] = []

    async def call(self, occasion: Occasion) -> None:
        await self.passed(occasion.point.value, occasion.instance_id)

    async def passed(self, phase: str, name: str) -> None:
        if (phase, NEXT) in self._shut:
            self._shut[phase, name] = self._shut.pop((phase, NEXT))
        waiting = self._shut.get((phase, name))
        if waiting is not None:
            self.held[phase].add(name)
            freed: Deferred[None] = Deferred()
            waiting.append(freed)
            await freed

    def release(self) -> None:
        shut, self._shut = self._shut, {}
        self.held.clear()
        for waiting in shut.values():
            for each in waiting:
                if not each.called:
                    each.callback(None)


@define(eq=False, kw_only=True)
class GatedInstanceStore(MemoryInstanceStore):
    """Where images come, and disks are made, when they are let."""

    gates: Gates
    _have: set[str] = field(factory=set, init=False)

    async def stage(
        self,
        instance_id: str,
        root: ImageSource,
        kernel: ImageSource | None,
        ramdisk: ImageSource | None,
        disk_gib: int,
        extras: Extras = NO_EXTRAS,
        *,
        has_run: bool = False,
    ) -> StagedInstance:
        await self.gates.passed(FETCHING, root.image_id)
        if not self.has_disk(instance_id):
            await self.gates.passed(MAKING, instance_id)
        return await super().stage(
            instance_id, root, kernel, ramdisk, disk_gib, extras, has_run=has_run
        )


class SimulatedWorld:
    """See L{IWorld<tests.functional.faults.play.IWorld>}."""

    def __init__(self) -> None:
        self._gates = Gates()
        self.site = site = Site(
            {"north": (_NODE,)},
            machine=Resources(cores=ROOM.cores, memory_mib=ROOM.memory_mib, disk_gib=0),
            cloud_settings=CLOUD,
            cluster_settings=CLUSTER,
            node_settings=NODE,
        )
        site.always = is_sound
        site.hooks = self._gates
        self._machine = machine = site.machines[_NODE]
        machine.instances = GatedInstanceStore(
            clock=site.clock,
            consoles=machine.hypervisor.consoles,
            written_at=machine.hypervisor.written_at,
            gates=self._gates,
        )
        machine.maker = MemoryImageMaker(site.clock, machine.instances)
        self._images = [ImageId(f"emi-1000{number:04x}") for number in range(_IMAGES)]
        records = site.daemons["cloud"].disk
        image = records.records[Image, IMAGE]
        records.write([Put(evolve(image, image_id=each)) for each in self._images])
        site.start()
        self.until(lambda: site.cloud.clusters.zones()[0].available, "there is room")

    def image(self) -> str:
        return self._images.pop()

    def launch(self, image_id: str = "") -> str:
        names: tuple[str, ...] = self._answer(
            self.site.cloud.launch("north", image_id=image_id or IMAGE)
        )
        return names[0]

    def ask(self, what: str, instance_id: str) -> None:
        self._answer(getattr(self.site.cloud, what)(instance_id))

    def _answer(self, asked: Deferred[Any]) -> Any:
        told: list[Any] = []
        asked.addBoth(told.append)
        self.until(lambda: told, "it is answered")
        return told[0]

    def state(self, instance_id: str) -> str:
        return self.site.cloud.instance(instance_id).state_name

    def hold(self, phase: str, name: str) -> None:
        self._gates.hold(phase, name)

    def held(self, phase: str) -> set[str]:
        return self._gates.held[phase]

    def release(self) -> None:
        self._gates.release()

    def halt(self, daemon: str) -> None:
        if daemon == "hypervisor":
            self._machine.hypervisor.disconnect()
        else:
            self.site.stop(_NAMES[daemon])

    def go_on(self, daemon: str) -> None:
        if daemon == "hypervisor":
            self._machine.hypervisor.reconnect()
        else:
            self.site.go_on(_NAMES[daemon])

    def strike(self, daemon: str, fault: str) -> None:
        is_halted = daemon == "cluster"
        if fault == FREEZE:
            if not is_halted:
                self.halt(daemon)
        elif daemon == "hypervisor":
            self._machine.hypervisor.disconnect()
        else:
            self.site.kill(_NAMES[daemon])

    def wait_until_missed(self, daemon: str) -> None:
        self.site.run(_FROZEN_S)

    def mend(self, daemon: str, fault: str) -> None:
        if fault == KILL and daemon != "hypervisor":
            self.site.run(1)
            self.site.start(_NAMES[daemon])
        else:
            self.go_on(daemon)

    def until(self, what: Callable[[], Any], why: str) -> None:
        self.site.run_until(lambda: bool(what()), _SETTLED_S)

    def settle(self) -> None:
        """All ends as it will."""
        self.site.run(_SETTLED_S)

    def outcome(self, instance_id: str) -> Outcome:
        told = self.site.cloud.instance(instance_id)
        consoles = self._machine.hypervisor.consoles
        boots = [
            said.count(b"Linux version")
            for path, said in consoles.items()
            if instance_id in path
        ]
        place = (_NODE, instance_id)
        return Outcome(
            state=told.state_name,
            reason=told.state_reason_code,
            boots=sum(boots),
            domains=self.site.domains().count(place),
            has_disk=place in self.site.disks(),
            has_card=place in self.site.leases(),
        )
