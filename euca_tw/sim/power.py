"""
What the nodes' power comes to: a model, for the controllers switch nothing off.

A node draws what it draws idle, and more with each core that is in use.  One that has
been empty for a while sleeps, where the cluster's scheduler is one that leaves nodes
empty on purpose (L{IRestful}): as the original's power save put it to sleep.  It is
awake when it is needed, at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorTime

from euca_tw.common.config import checked
from euca_tw.sim.distributions import check_amount
from euca_tw.sim.summary import Usage


@frozen(kw_only=True)
class Power:
    """
    @ivar idle_w, busy_w: what a node draws with none, and with all, of its cores in
        use; between them it is a line.
    @ivar asleep_w: and asleep.
    @ivar asleep_after_s: it sleeps when it has been empty for so long.
    """

    idle_w: float = checked(check_amount, 100.0)
    busy_w: float = checked(check_amount, 250.0)
    asleep_w: float = checked(check_amount, 10.0)
    asleep_after_s: float = checked(check_amount, 300.0)


@define(eq=False)
class _Node:
    cores: float
    may_sleep: bool
    used: float = 0.0
    is_on: bool = True
    is_asleep: bool = False
    #: Counts the times that it was empty.
    rests: int = 0


@define(eq=False, kw_only=True)
class Meter:
    """
    @ivar drawn: watts of all nodes, and how many are asleep, over the run.
    """

    power: Power
    clock: IReactorTime
    duration_s: float
    cores: Mapping[str, float]
    sleepers: frozenset[str]
    drawn: Usage = field(init=False)
    asleep: Usage = field(init=False)
    _began_at: float = field(init=False)
    _nodes: dict[str, _Node] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._began_at = self.clock.seconds()
        self._nodes = {
            name: _Node(cores, name in self.sleepers)
            for name, cores in self.cores.items()
        }
        self.drawn = Usage(1.0, self.duration_s)
        self.asleep = Usage(max(1.0, len(self._nodes)), self.duration_s)

    def begin(self) -> None:
        """The run begins: all are awake and empty."""
        self._began_at = self.clock.seconds()
        self.drawn.change(0.0, sum(self._watts(each) for each in self._nodes.values()))
        for name, node in self._nodes.items():
            if node.may_sleep and not node.used:
                self._rest(name, node)

    def use(self, name: str, cores: float) -> None:
        """So many more cores of a node are in use; fewer, if it is below 0."""
        node = self._nodes[name]
        before = self._watts(node)
        node.used += cores
        if node.used and node.is_asleep:
            self._sleeps(node, False)
        self._changed(node, before)
        if node.may_sleep and not node.used:
            self._rest(name, node)

    def switch(self, name: str, is_on: bool) -> None:
        """It has lost its power, or has it again."""
        node = self._nodes[name]
        before = self._watts(node)
        node.is_on = is_on
        self._changed(node, before)

    def _rest(self, name: str, node: _Node) -> None:
        node.rests += 1
        self.clock.callLater(
            self.power.asleep_after_s, self._fall_asleep, node, node.rests
        )

    def _fall_asleep(self, node: _Node, rests: int) -> None:
        if node.rests == rests and not node.used and not node.is_asleep:
            before = self._watts(node)
            self._sleeps(node, True)
            self._changed(node, before)

    def _sleeps(self, node: _Node, is_asleep: bool) -> None:
        node.is_asleep = is_asleep
        self.asleep.change(self._now(), 1.0 if is_asleep else -1.0)

    def _changed(self, node: _Node, before: float) -> None:
        more = self._watts(node) - before
        if more:
            self.drawn.change(self._now(), more)

    def _watts(self, node: _Node) -> float:
        power = self.power
        if not node.is_on:
            return 0.0
        if node.is_asleep:
            return power.asleep_w
        share = node.used / node.cores
        return power.idle_w + share * (power.busy_w - power.idle_w)

    def _now(self) -> float:
        return self.clock.seconds() - self._began_at
