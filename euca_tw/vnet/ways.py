"""
By which machines a packet reaches an instance, told for people.

Pure.  The machines decide by L{euca_tw.vnet.paths}, and so it is told by that.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from euca_tw.model.networks import TRANSIT_NUMBER, Carried, Machine, Member, View
from euca_tw.vnet.link_records import title
from euca_tw.vnet.paths import TRUNK, carriers_of, heads_of, paths
from euca_tw.vnet.transit import gateway, is_by_vxlan


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
    @param view: knows the networks of both and where they are, all heads, and the
        ends of the trunks.
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
    yield from _routed(view, outer, inner, router, to)
    try:
        for _ in _routed(view, inner, outer, _head(view, to.cluster), start):
            pass
    except _Closed as closed:
        raise _Closed(f"The answer does not get back: {closed}") from None


def _routed(
    view: View, outer: Carried, inner: Carried, router: Machine, to: Machine
) -> Iterator[str]:
    """From a head, in whose cluster is who sends, to another network."""
    before = title(outer.network.number)
    if router not in _carriers(view, inner, to):
        other = gateway(view, router, inner.network.number)
        if other is None:
            raise _Closed(
                f"{router.name} does not carry network {inner.network.number}, for no "
                "instance of its cluster is in it, and knows no head that does."
            )
        yield f"From {before} to {title(TRANSIT_NUMBER)} by {router.name}."
        if is_by_vxlan(router, other):
            yield f"By VXLAN from {router.name} to {other.name}, {other.address}."
        else:
            yield _trunk(view, router, other.cluster)
        router, before = other, title(TRANSIT_NUMBER)
    yield f"From {before} to {title(inner.network.number)} by {router.name}."
    yield from _within(view, inner, router, to)


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
