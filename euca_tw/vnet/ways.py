"""
By which machines a packet reaches an instance, told for people.

Pure.  The machines decide by L{euca_tw.vnet.paths}, and so it is told by that.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from euca_tw.model.networks import Carried, Machine, Member, View
from euca_tw.vnet.paths import TRUNK, carriers_of, heads_of, paths


@frozen(kw_only=True)
class Way:
    """
    @ivar is_open: it gets there, and the answer back.
    @ivar lines: a sentence for each part, in order; if it is not open, the last
        says why.
    """

    is_open: bool
    lines: tuple[str, ...]


class _Closed(Exception):
    """There is no way on; the text says why."""


def way(view: View, target: Member, sender: Member | None) -> Way:
    """
    @param view: knows the networks of both, and the ends of the trunks.
    @param target: whom it is for.
    @param sender: None: somebody outside.
    """
    lines: list[str] = []
    try:
        for line in _parts(view, target, sender):
            lines.append(line)
    except _Closed as closed:
        return Way(is_open=False, lines=(*lines, str(closed)))
    return Way(is_open=True, lines=tuple(lines))


def _parts(view: View, target: Member, sender: Member | None) -> Iterator[str]:
    to = _machine(view, target.machine)
    inner = view.networks[target.network]
    if sender is None:
        router = _head(view, to.cluster)
        yield f"By {router.name}, where public addresses are."
        yield from _within(view, inner, router, to)
        return
    start = _machine(view, sender.machine)
    if sender.network == target.network:
        yield from _within(view, inner, start, to)
        return
    outer = view.networks[sender.network]
    router = _head(view, start.cluster)
    yield from _within(view, outer, start, router)
    _routed(view, inner, router, to, "there")
    yield (
        f"From network {outer.network.number} to network {inner.network.number} by "
        f"{router.name}."
    )
    yield from _within(view, inner, router, to)
    _routed(view, outer, _head(view, to.cluster), start, "back")


def _routed(
    view: View, carried: Carried, router: Machine, to: Machine, where: str
) -> None:
    """@raise _Closed: the router has no part in the network of whom it is for."""
    if router not in _carriers(view, carried, to):
        raise _Closed(
            f"{router.name} does not carry network {carried.network.number}, for no "
            f"instance of its cluster is in it: it does not get {where}."
        )


def _within(view: View, carried: Carried, start: Machine, to: Machine) -> Iterator[str]:
    """In one network, from one machine to another."""
    if start == to:
        yield f"It crosses the bridge of {to.name}."
        return
    found = paths(start, _carriers(view, carried, start))
    hop = found.hops.get(to.name)
    if hop is None:
        raise _headless(start.cluster)
    if hop is TRUNK:
        yield _trunk(view, start, to.cluster)
        head = _head(view, to.cluster)
        if head != to:
            yield from _within(view, carried, head, to)
    elif hop == to.address:
        yield f"By VXLAN from {start.name} to {to.name}, {to.address}."
    else:
        head = _head(view, start.cluster)
        yield f"By VXLAN from {start.name} to its head, {head.name}, {hop}."
        yield from _within(view, carried, head, to)


def _trunk(view: View, head: Machine, cluster: str) -> str:
    for each in (head.cluster, cluster):
        if each not in view.ends:
            raise _Closed(
                f"From cluster {head.cluster} to cluster {cluster} it goes by the "
                f"trunk, and cluster {each} has no trunk: give trunk_certificate, and "
                "trunk if it can be dialled, in its [[cluster]] of the cloud "
                "controller's configuration."
            )
    by = f"By the trunk from {head.name} to {_head(view, cluster).name}"
    if any(view.ends[each].endpoint for each in (head.cluster, cluster)):
        return f"{by}; where they cannot connect, by another head between them."
    return f"{by}, by another head between them: neither of the two can be dialled."


def _carriers(view: View, carried: Carried, seen_from: Machine) -> frozenset[Machine]:
    heads = heads_of(view.machines.values())
    return carriers_of(evolve(view, here=seen_from.name), carried, heads)


def _machine(view: View, name: str) -> Machine:
    found = view.machines.get(name)
    if found is None:
        raise _Closed(
            f"{name} is not known: its cluster controller has not told of it yet, or "
            "has it in its configuration no more."
        )
    return found


def _head(view: View, cluster: str) -> Machine:
    found = heads_of(view.machines.values()).get(cluster)
    if found is None:
        raise _headless(cluster)
    return found


def _headless(cluster: str) -> _Closed:
    return _Closed(
        f"What is between cluster {cluster} and others, networks or the outside, goes "
        f"by its head, and cluster {cluster} has no head: give head_url and "
        "head_certificate in [cluster_controller] of its configuration."
    )
