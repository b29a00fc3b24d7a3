"""
A fault that finds instances in every phase of their lives, played in some world.

There are two: one of real processes and real guests, and a simulated one, on one
clock.  What is done to them is written here once, so what becomes of the instances
must be the same in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from attrs import define, field, frozen

DAEMONS = ("cloud", "cluster", "node", "hypervisor")
KILL, FREEZE = "kill", "freeze"

#: Where instances are held: what is held there, by whose name.
FETCHING = "fetching"
MAKING = "making"
BOOTING = "pre-boot"
STOPPING = "pre-stop"
SHUTTING_DOWN = "pre-terminate"
TEARING_DOWN = "post-terminate"
#: The next that comes by.
NEXT = "next"


@frozen
class Outcome:
    """
    What has become of an instance.

    @ivar state: as its user is told.
    @ivar reason: the code of why, likewise.
    @ivar boots: how often its machine was begun.
    @ivar domains: of it, on all nodes.
    @ivar has_disk: it takes room on its node.
    @ivar has_card: it has an address on its bridge.
    """

    state: str
    reason: str
    boots: int
    domains: int
    has_disk: bool
    has_card: bool


class IWorld(Protocol):
    """A cloud with one cluster and one node, and what it stands on."""

    def image(self) -> str:
        """One that no node has."""

    def launch(self, image_id: str = "") -> str:
        """@return: the instance, when the cloud has acknowledged it."""

    def ask(self, what: str, instance_id: str) -> None:
        """C{stop}, C{start} or C{terminate}; returns when that is acknowledged."""

    def state(self, instance_id: str) -> str:
        """As its user is told."""

    def hold(self, phase: str, name: str) -> None:
        """Whatever comes to a phase by that name goes no further."""

    def held(self, phase: str) -> set[str]:
        """What stands there, by the names it has then."""

    def release(self) -> None:
        """All that is held, and nothing is any more."""

    def halt(self, daemon: str) -> None:
        """Have a daemon do nothing."""

    def go_on(self, daemon: str) -> None:
        """Undo L{halt}."""

    def strike(self, daemon: str, fault: str) -> None:
        """Bring a fault upon it."""

    def wait_until_missed(self, daemon: str) -> None:
        """Until others have waited in vain for one that does nothing."""

    def mend(self, daemon: str, fault: str) -> None:
        """It runs again."""

    def until(self, what: Callable[[], Any], why: str) -> None:
        """Let time pass."""

    def outcome(self, instance_id: str) -> Outcome:
        """As it is."""


@define
class Play:
    """
    One strike after another, on the same cloud.

    @ivar names: all instances there ever were, by what befell them.
    """

    world: IWorld
    names: dict[str, str] = field(factory=dict, init=False)
    _running: list[str] = field(factory=list, init=False)
    _stopped: list[str] = field(factory=list, init=False)

    def begin(self) -> None:
        """Have instances that run, and some that are stopped."""
        world = self.world
        self._running = [world.launch() for _ in range(_RUNNING + _STOPPED)]
        for number, name in enumerate(self._running):
            self.names[f"of the beginning, {number}"] = name
        self._await(self._running, "running")
        self._stopped = self._running[_RUNNING:]
        del self._running[_RUNNING:]
        for name in self._stopped:
            world.ask("stop", name)
        self._await(self._stopped, "stopped")

    def strike(self, fault: str, *daemons: str) -> None:
        """Have instances in all phases, and bring a fault upon daemons then."""
        world = self.world
        phases = dict(self._phases())
        # Nobody hears what the cloud has acknowledged now.
        world.halt("cluster")
        phases["taken, not told"] = taken = world.launch()
        for what, pool in _ASKED:
            name = getattr(self, pool).pop()
            world.ask(what, name)
            phases[f"asked to {what}, not told"] = name
        for daemon in daemons:
            world.strike(daemon, fault)
        if "cluster" not in daemons:
            world.go_on("cluster")
        world.release()
        for daemon in daemons:
            if fault == FREEZE:
                world.wait_until_missed(daemon)
        for daemon in daemons:
            world.mend(daemon, fault)
        hit = " and ".join(daemons)
        for phase, name in phases.items():
            self.names[f"{phase}, when {hit} was hit by {fault}"] = name
        self._running += [
            taken,
            *(phases[each] for each in (FETCHING, MAKING, BOOTING, _STARTING)),
            phases["asked to start, not told"],
        ]
        self._stopped += [phases[STOPPING], phases["asked to stop, not told"]]

    def _phases(self) -> Iterator[tuple[str, str]]:
        world = self.world
        ended = self._running.pop()
        world.ask("terminate", ended)
        yield "terminated", ended
        yield FETCHING, self._held(FETCHING, world.image())
        for phase in (MAKING, BOOTING):
            yield phase, self._held(phase, "")
        for phase, what, pool in (
            (STOPPING, "stop", self._running),
            (BOOTING, "start", self._stopped),
            (SHUTTING_DOWN, "terminate", self._running),
            (TEARING_DOWN, "terminate", self._running),
        ):
            name = pool.pop(0)
            world.hold(phase, name)
            world.ask(what, name)
            self._until_held(phase, name)
            yield (_STARTING if what == "start" else phase), name
        self._await([ended], "terminated")

    def _held(self, phase: str, image_id: str) -> str:
        """@return: an instance that is launched, and has come to the phase."""
        self.world.hold(phase, image_id or NEXT)
        name = self.world.launch(image_id)
        self._until_held(phase, image_id or name)
        return name

    def _until_held(self, phase: str, name: str) -> None:
        self.world.until(
            lambda: name in self.world.held(phase), f"{name} comes to {phase}"
        )

    def _await(self, names: list[str], state: str) -> None:
        self.world.until(
            lambda: all(self.world.state(name) == state for name in names),
            f"{names} are {state}",
        )

    def outcomes(self) -> dict[str, Outcome]:
        """What has become of all."""
        return {what: self.world.outcome(name) for what, name in self.names.items()}


_STARTING = "starting"
#: Asked of these when the cluster does not hear: of which they are.
_ASKED = (("stop", "_running"), ("start", "_stopped"), ("terminate", "_running"))
#: So many of each must there be for one strike.
_RUNNING, _STOPPED = 7, 3
