"""
What must be so at every moment of a run, and what must be so in the end.

At every moment: an instance runs on one node at most; what was told to have ended
does not run, then or ever again; no node has more on it than it has room for.
In the end, when faults are over and the cloud had time (L{final}): all that users
want runs, and is told to run, and nothing else does; nothing that was acknowledged
is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from attrs import define, field, frozen

from euca_tw.model.capacity import NOTHING, Resources
from euca_tw.model.identifiers import InstanceId
from euca_tw.model.records import Instance, InstanceState

_S = InstanceState
#: Of many that are alike, so many are told.
_MOST = 20


@define(eq=False)
class Watchman:
    """
    Sees every domain begin and end.

    @ivar violations: what was not as it must be; the first L{_MOST}.
    @ivar count: of all.
    @ivar domains: the node of each that runs.
    """

    violations: list[str] = field(factory=list, init=False)
    count: int = field(default=0, init=False)
    domains: dict[str, str] = field(factory=dict, init=False)
    _on: dict[str, Resources] = field(factory=dict, init=False)
    _ended: set[str] = field(factory=set, init=False)

    def began(
        self, at_s: float, name: str, node: str, needs: Resources, room: Resources
    ) -> None:
        """A domain runs from now on."""
        other = self.domains.get(name)
        if other is not None:
            self.note(at_s, f"{name} runs on {node}, and on {other} too")
        if name in self._ended:
            self.note(at_s, f"{name} runs on {node} after it was told to have ended")
        self.domains[name] = node
        total = self._on.get(node, NOTHING) + needs
        self._on[node] = total
        if total.cores > room.cores or total.memory_mib > room.memory_mib:
            self.note(at_s, f"{node} is overfilled by {name}: {total} in {room}")

    def ceased(self, name: str, node: str, needs: Resources) -> None:
        """It runs no more."""
        self._on[node] -= needs
        if self.domains.get(name) == node:
            del self.domains[name]

    def told_ended(self, at_s: float, name: str) -> None:
        """Its user has been told that it has ended."""
        self._ended.add(name)
        if name in self.domains:
            node = self.domains[name]
            self.note(at_s, f"{name} is told to have ended, and runs on {node}")

    def note(self, at_s: float, what: str) -> None:
        """Something is not as it must be."""
        self.count += 1
        if len(self.violations) < _MOST:
            self.violations.append(f"at {at_s:.3f} s: {what}")


@frozen(kw_only=True)
class End:
    """
    What a cloud was found to be.

    @ivar instances: what its disk says.
    @ivar domains: the node of each that runs.
    @ivar acknowledged: instances whose users were told of them, and were not told
        that they have ended.
    @ivar dead: nodes that do not answer any more.
    @ivar node_of: the name of a node, of what records say.
    @ivar disks: the instance and the node of each disk; None: they are not looked
        at.
    """

    instances: Iterable[Instance]
    domains: Mapping[str, str]
    acknowledged: Collection[str]
    dead: Collection[str]
    node_of: Callable[[str], str] = str
    disks: Collection[tuple[str, str]] | None = None


def final(end: End) -> Iterator[str]:
    """What is not as it must be."""
    known = {each.instance_id: each for each in end.instances}
    for name in end.acknowledged:
        if name not in known:
            yield f"{name} was acknowledged, and is forgotten"
    kept: set[tuple[str, str]] = set()
    for name, one in known.items():
        node = end.node_of(one.node)
        if one.wanted is _S.TERMINATED or node in end.dead:
            continue
        kept.add((name, node))
        if one.state is not one.wanted or one.is_silent:
            yield f"{_wish(one)}, and is told to be {_told(one)}"
        elif one.wanted is _S.STOPPED:
            continue
        elif name not in end.domains:
            yield f"{name} is told to run, and does not"
        elif end.domains[name] != node:
            yield f"{name} runs on {end.domains[name]} in place of {node}"
    for name, node in end.domains.items():
        record = known.get(InstanceId(name))
        if record is None or record.wanted is not _S.RUNNING:
            yield f"{name} runs on {node}, and nobody wants it"
    yield from _disks(end, kept)


def _disks(end: End, kept: set[tuple[str, str]]) -> Iterator[str]:
    if end.disks is None:
        return
    for name, node in sorted(kept - set(end.disks)):
        yield f"{name} has no disk on {node or 'any node'}"
    for name, node in end.disks:
        if (name, node) not in kept and node not in end.dead:
            yield f"{name} has a disk on {node}, and nobody wants it"


def _wish(one: Instance) -> str:
    verb = "run" if one.wanted is _S.RUNNING else "be stopped"
    return f"{one.instance_id} shall {verb}"


def _told(one: Instance) -> str:
    return one.state.value + (", and silent" if one.is_silent else "")
