"""From what nodes have told to what the plan is told of one instance.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from euca_tw.cc import plan
from euca_tw.cc.nodes import NodeView
from euca_tw.cc.orders import phase_of
from euca_tw.cc.records import Placement
from euca_tw.model.lifecycle import Phase


def seen(
    placement: Placement,
    at: NodeView | None,
    places: Iterable[NodeView],
    *,
    are_all_known: Callable[[], bool],
    is_heard: bool,
) -> plan.Seen:
    """
    @param at: the node that it was given to; None if there is none, or no such node.
    @param places: the nodes that tell of it.
    @param are_all_known: whether what was on any node ever has a placement.
    @param is_heard: see L{plan.Seen}.
    """
    told = None
    strays = []
    for view in places:
        sighting = view.instances[placement.instance_id]
        if view is at:
            told = sighting
        elif view.is_well and phase_of(sighting) is not Phase.TEARDOWN:
            strays.append(view.url)
    look = plan.Look.ABSENT
    if not placement.node:
        if not are_all_known():
            look = plan.Look.UNHEARD
    elif at is None:
        look = plan.Look.REMOVED
    elif at.is_lost and placement.phase is not Phase.TEARDOWN:
        look = plan.Look.LOST
    elif not (at.is_known and at.is_well):
        look = plan.Look.UNHEARD
    elif told is not None:
        look = plan.LOOKS[phase_of(told)]
    return plan.Seen(
        look=look,
        reason_code=(told.reason_code or "") if told else "",
        reason=(told.reason or "") if told else "",
        starts=(told.starts or 0) if told else placement.starts_told,
        strays=tuple(strays),
        is_heard=is_heard,
    )
