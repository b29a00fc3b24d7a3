"""
Which node an instance goes to.  Pure; the original's policies, and one more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

from attrs import evolve, frozen

from euca_tw.model.capacity import Resources


@frozen(kw_only=True)
class Candidate:
    """
    A node that answers.

    @ivar machine: what it has.
    @ivar free: what of it is promised to no instance.
    """

    url: str
    machine: Resources
    free: Resources


#: Of the candidates with room (never none), in the site's order, the one to
#: take; the second argument is the node that was taken last.
Policy = Callable[[Sequence[Candidate], str], Candidate]


def greedy(able: Sequence[Candidate], last: str) -> Candidate:
    """The first with room: fill one after the other."""
    return able[0]


def round_robin(able: Sequence[Candidate], last: str) -> Candidate:
    """Take turns by name."""
    in_turn = sorted(able, key=lambda node: node.url)
    after = [node for node in in_turn if node.url > last]
    return after[0] if after else in_turn[0]


def spread(able: Sequence[Candidate], last: str) -> Candidate:
    """The one with most memory free, then most cores."""
    return max(able, key=lambda node: (node.free.memory_mib, node.free.cores))


POLICIES: dict[str, Policy] = {
    "greedy": greedy,
    "round-robin": round_robin,
    "spread": spread,
}


def choose(
    policy: Policy,
    candidates: Sequence[Candidate],
    wanted: Resources,
    refused_by: Set[str] = frozenset(),
    last: str = "",
) -> Candidate | None:
    """The node for one instance; None if none has room."""
    able = [
        node
        for node in candidates
        if node.url not in refused_by and node.free.holds(wanted)
    ]
    return policy(able, last) if able else None


def can_ever_hold(candidates: Sequence[Candidate], wanted: Resources) -> bool:
    """Whether any would have room if it were empty."""
    return any(node.machine.holds(wanted) for node in candidates)


def place(
    policy: Policy,
    candidates: Sequence[Candidate],
    wanted: Sequence[Resources],
    last: str = "",
) -> list[str]:
    """
    Nodes for several instances, each counted against its node's room.

    @return: for each the node's URL, or C{""}.
    """
    free = {node.url: node for node in candidates}
    chosen: list[str] = []
    for each in wanted:
        node = choose(policy, tuple(free.values()), each, last=last)
        if node is None:
            chosen.append("")
            continue
        free[node.url] = evolve(node, free=node.free - each)
        chosen.append(last := node.url)
    return chosen
