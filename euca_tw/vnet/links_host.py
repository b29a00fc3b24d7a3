"""
The links of a machine, kept as they shall be.

What was made is remembered, so that a change costs what it changes and nothing is
listed for it; what others did to our links meanwhile is found when all is compared
anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from attrs import Factory, define
from twisted.logger import Logger
from zope.interface import implementer

from euca_tw.common.in_thread import InThread
from euca_tw.common.one_at_a_time import OneAtATime
from euca_tw.model.networks import View
from euca_tw.vnet.interfaces import ILinks, INetworkHost, NetworkFailed, together
from euca_tw.vnet.leases import card_name
from euca_tw.vnet.link_diff import Plug, plan
from euca_tw.vnet.link_plan import Links, wanted
from euca_tw.vnet.link_records import Segment, bridge_name, title

T = TypeVar("T")


@implementer(INetworkHost)
@define(eq=False)
class LinksHost:
    """
    @ivar _in_thread: all that blocks, planning included, which takes a while for
        hundreds of networks.
    @ivar shows_to_ip: see L{wanted}.
    @ivar _planned: what is there, if nobody has touched it; None: not known.
    @ivar _view: what shall be.
    """

    _links: ILinks
    _in_thread: InThread
    shows_to_ip: bool = False
    _planned: Links | None = None
    _view: View | None = None
    _lock: OneAtATime = Factory(OneAtATime)

    _log = Logger()

    async def apply(self, view: View) -> None:
        self._view = view
        await self._alone(lambda: self._apply(view))

    async def resync(self) -> None:
        """
        Compare all with what is there, and mend what somebody did to it.

        @raise NetworkFailed: as L{apply}.
        """

        def work() -> int:
            self._planned = None
            return 0 if self._view is None else self._apply(self._view)

        steps = await self._alone(work)
        if steps:
            self._log.warn(
                "The networks' links were not as they shall be: {steps} steps "
                "were taken",
                steps=steps,
            )

    async def purge(self) -> tuple[str, ...]:
        self._view = None
        return await self._alone(self._purge)

    async def _alone(self, work: Callable[[], T]) -> T:
        async with self._lock:
            return await self._in_thread(work)

    # --- in a thread --------------------------------------------------------

    def _apply(self, view: View) -> int:
        """@return: how many steps were taken."""
        if view.networks and view.here not in view.machines:
            raise NetworkFailed(
                f"{view.here} is to carry networks, but was not told its own address; "
                "its cluster controller tells it"
            )
        before, self._planned = self._planned, None
        return self._compare(view) if before is None else self._change(view, before)

    def _compare(self, view: View) -> int:
        shall = wanted(view, shows_to_ip=self.shows_to_ip)
        made = plan(shall.segments, self._links.look())
        failed = [NetworkFailed(why, {n}) for n, why in made.refused.items()]
        if shall.is_router:
            self._attempt(self._links.forward, failed)
        self._attempt(lambda: self._links.carry_out(made.steps), failed)
        plugs: list[Plug] = []
        self._attempt(lambda: plugs.extend(self._plug(shall)), failed)
        self._end(shall, failed)
        return len(made.steps) + len(plugs)

    def _change(self, view: View, before: Links) -> int:
        shall = wanted(view, before, shows_to_ip=self.shows_to_ip)
        made = plan(*_changed(shall, before))
        failed: list[NetworkFailed] = []
        if shall.is_router and not before.is_router:
            self._attempt(self._links.forward, failed)
        if made.steps:
            self._attempt(lambda: self._links.carry_out(made.steps), failed)
        self._end(shall, failed)
        return len(made.steps)

    def _end(self, shall: Links, failed: Sequence[NetworkFailed]) -> None:
        if failed:
            raise together(failed)
        self._planned = shall

    def _plug(self, shall: Links) -> Sequence[Plug]:
        """
        Cards of running instances, whose bridge was taken away under them.  (What
        is to run is put there by its hypervisor.)
        """
        bridges = {
            card_name(member.instance_id): bridge_name(number)
            for number, each in shall.networks.items()
            for member in each.carried.members
            if member.machine == shall.view.here
        }
        loose = self._links.loose(bridges.keys()) if bridges else ()
        plugs = [Plug(card, bridges[card]) for card in sorted(loose)]
        if plugs:
            self._links.carry_out(plugs)
        return plugs

    def _attempt(self, work: Callable[[], None], failed: list[NetworkFailed]) -> None:
        try:
            work()
        except NetworkFailed as error:
            failed.append(error)

    def _purge(self) -> tuple[str, ...]:
        self._planned = None
        there = self._links.look()
        self._links.carry_out(plan({}, there).steps)
        return tuple(
            f"{title(number)}: {', '.join(sorted(link.name for link in each.links))}"
            for number, each in sorted(there.items())
            if each.links
        )


def _changed(
    shall: Links, before: Links
) -> tuple[Mapping[int, Segment], Mapping[int, Segment]]:
    """What shall be and what there is of the networks that are not the same."""
    new, old = shall.planned, before.planned
    numbers = {n for n in new.keys() | old.keys() if new.get(n) is not old.get(n)}
    return (
        {n: new[n].segment for n in numbers if n in new},
        {n: old[n].segment for n in numbers if n in old},
    )
