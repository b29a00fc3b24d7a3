"""
What the links and tables of a machine shall be, from what it knows of its networks.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from euca_tw.model.networks import (
    TRANSIT_NUMBER,
    Carried,
    Machine,
    Role,
    View,
)
from euca_tw.vnet.link_records import Route, Segment, bridge_name
from euca_tw.vnet.link_segment import segment, transit_segment
from euca_tw.vnet.paths import carriers_of, heads_of
from euca_tw.vnet.transit import between, next_hops


@frozen(kw_only=True)
class Planned:
    """
    One network.

    @ivar carried, carriers: what it was planned of.
    """

    carried: Carried
    carriers: frozenset[Machine]
    segment: Segment


@frozen(kw_only=True)
class Transit(Planned):
    """
    The transit network.

    @ivar routes: by number of the network that they lead to.
    """

    routes: Mapping[int, Route]


@frozen(kw_only=True)
class Links:
    """
    All that a machine shall have.

    @ivar view: what it was planned of.
    @ivar networks: by number.
    @ivar transit: None: it has no part in that.
    @ivar is_router: the machine forwards packets between its networks.
    @ivar shows_to_ip: as it was planned.
    """

    view: View
    networks: Mapping[int, Planned]
    transit: Transit | None = None
    is_router: bool
    shows_to_ip: bool = False

    @property
    def segments(self) -> Mapping[int, Segment]:
        """By number of the network."""
        return {number: each.segment for number, each in self.planned.items()}

    @property
    def planned(self) -> Mapping[int, Planned]:
        """By number, the transit network among them."""
        if self.transit is None:
            return self.networks
        return {**self.networks, TRANSIT_NUMBER: self.transit}


def wanted(
    view: View, before: Links | None = None, *, shows_to_ip: bool = False
) -> Links:
    """
    @param shows_to_ip: whether it is the machine's IP that follows connections of
        its instances, so that bridges must show it their packets.
    @param before: what was planned last.  A network of which nothing has changed
        since has the same plan, the object itself.
    @raise KeyError: there are networks, but the view does not know the machine
        that it is of.
    """
    if not view.networks:
        return Links(view=view, networks={}, is_router=False, shows_to_ip=shows_to_ip)
    here = view.machines[view.here]
    last: Mapping[int, Planned] = {}
    is_same_site = False
    if (
        before is not None
        and before.view.machines.get(view.here) == here
        and before.shows_to_ip == shows_to_ip
    ):
        last = before.networks
        is_same_site = before.view.machines == view.machines
    heads = heads_of(view.machines.values())

    def planned(number: int, carried: Carried) -> Planned:
        known = last.get(number)
        if known is not None and known.carried is carried and is_same_site:
            return known
        carriers = carriers_of(view, carried, heads)
        if (
            known is not None
            and known.carried is carried
            and known.carriers == carriers
        ):
            return known
        return Planned(
            carried=carried,
            carriers=carriers,
            segment=segment(here, carried, carriers, shows_to_ip=shows_to_ip),
        )

    return Links(
        view=view,
        networks={n: planned(n, carried) for n, carried in view.networks.items()},
        transit=_transit(view, before),
        is_router=here.role is Role.HEAD,
        shows_to_ip=shows_to_ip,
    )


def _transit(view: View, before: Links | None) -> Transit | None:
    last = None if before is None else before.transit
    old = View(here="") if before is None else before.view
    is_same_site = old.machines == view.machines and old.ends == view.ends
    numbers = _elsewhere(view, old)
    if before is not None and is_same_site and not numbers:
        return last
    carried = between(view)
    if carried is None:
        return None
    routes: dict[int, Route] = {}
    if last is not None and is_same_site and last.carried == carried:
        routes = {n: each for n, each in last.routes.items() if n not in numbers}
    else:
        numbers = {*view.extents}
    bridge = bridge_name(TRANSIT_NUMBER)
    own = next(m.private_ip for m in carried.members if m.machine == view.here)
    for number, by in next_hops(view, carried, numbers).items():
        routes[number] = Route(bridge, view.extents[number].subnet, own, by)
    carriers = carriers_of(view, carried, heads_of(view.machines.values()))
    return Transit(
        carried=carried,
        carriers=carriers,
        routes=routes,
        segment=transit_segment(
            view.machines[view.here], own, carried, carriers, routes.values()
        ),
    )


def _elsewhere(view: View, old: View) -> set[int]:
    """The networks that are elsewhere than before, or carried here and were not."""
    numbers = {*(view.networks.keys() ^ old.networks.keys())}
    if view.extents is not old.extents:
        for one, other in ((view.extents, old.extents), (old.extents, view.extents)):
            numbers |= {n for n, each in one.items() if other.get(n) is not each}
    return numbers
