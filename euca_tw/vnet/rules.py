"""
A machine's rules, kept as a view says: the half of L{INetworkHost} that decides
what passes.

L{euca_tw.vnet.filter_ledger} says what changes, L{euca_tw.vnet.nft} does it; here
is only the order of things, and what to do when somebody else changed our rules.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from ipaddress import IPv4Address

from attrs import Factory, define
from twisted.logger import Logger

from euca_tw.common.in_thread import InThread
from euca_tw.common.one_at_a_time import OneAtATime
from euca_tw.model.networks import Role, View
from euca_tw.vnet.conntrack import forget
from euca_tw.vnet.filter_diff import diff, parted
from euca_tw.vnet.filter_ledger import Ledger
from euca_tw.vnet.filter_records import Change, Filters
from euca_tw.vnet.filter_settings import FilterSettings, Shape, Tracking
from euca_tw.vnet.filter_text import difference, version_of, whole
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.nft import Nft, are_all_shown_to_ip

Forget = Callable[[Collection[IPv4Address]], int]

_ALL_SHOWN = (
    "An instance does not reach public addresses of instances of its own network: "
    "all bridges of this head show their packets to its IP, which translates them "
    "before they are routed (sysctl -w net.bridge.bridge-nf-call-iptables=0, if "
    "nothing else on this machine needs it)"
)


@define(eq=False)
class Rules:
    """
    @ivar _forget: forgets the connections of addresses; it blocks.
    @ivar _are_all_shown: see L{are_all_shown_to_ip}.
    @ivar _parted: whose connections are yet to be forgotten.
    @ivar _ledger: of what the rules are known to be; None: they must be looked at.
    """

    _nft: Nft
    _in_thread: InThread
    _settings: FilterSettings
    _forget: Forget = forget
    _are_all_shown: Callable[[], bool] = are_all_shown_to_ip
    _ledger: Ledger | None = None
    _shape: Shape | None = None
    _tracking: Tracking | None = None
    _parted: frozenset[IPv4Address] = frozenset()
    _lock: OneAtATime = Factory(OneAtATime)

    _log = Logger()

    async def tracking(self) -> Tracking:
        """
        Who follows connections on this machine; if it is its IP, our bridges must
        be made to show their packets to it.

        @raise NetworkFailed: nobody can.
        """
        if self._tracking is None:
            self._tracking = await self._nft.tracking()
        return self._tracking

    def distrust(self) -> None:
        """Look at the rules themselves the next time."""
        self._ledger = None

    async def apply(self, view: View) -> None:
        """
        Let through what C{view} says, and nothing else, from one packet to the
        next.  Connections that are known go on, whatever is let in now; but not
        those of an address that is here no more, or another instance's.

        @raise NetworkFailed: nothing is changed.
        """
        async with self._lock:
            await self._apply(view)

    async def purge(self) -> tuple[str, ...]:
        """
        Remove all rules of ours.

        @return: what was removed, for people.
        @raise NetworkFailed:
        """
        async with self._lock:
            self._ledger = None
            return await self._nft.remove()

    async def _apply(self, view: View) -> None:
        here = view.machines.get(view.here)
        shape = Shape(
            role=Role.NODE if here is None else here.role,
            tracking=await self.tracking(),
            settings=self._settings,
        )
        change: Change | None = None
        # Till all is done, nothing is known.
        ledger, self._ledger = self._ledger, None
        is_known = shape == self._shape
        if not is_known and shape.role is Role.HEAD and self._are_all_shown():
            self._log.warn(_ALL_SHOWN)
        if ledger is not None and is_known and ledger.view.here == view.here:
            change = await self._step(ledger, view)
        if change is None:
            ledger = Ledger()
            change = await self._from_found(ledger, shape, view)
        self._ledger, self._shape = ledger, shape
        self._parted |= parted(change)
        if self._parted:
            await self._in_thread(lambda: self._forget(self._parted))
            self._parted = frozenset()

    async def _step(self, ledger: Ledger, view: View) -> Change | None:
        """None: the rules are not what they were."""

        def work() -> tuple[Change, str]:
            change = ledger.advance(view)
            return change, difference(change)

        change, text = await self._in_thread(work)
        if change:
            try:
                await self._nft.load(text)
            except NetworkFailed as error:
                self._log.warn(
                    "The rules of the networks are looked at anew: {error}",
                    error=str(error),
                )
                return None
        return change

    async def _from_found(self, ledger: Ledger, shape: Shape, view: View) -> Change:
        found = await self._nft.found()
        is_same = found is not None and found.version == version_of(shape)
        before: Filters = {} if found is None else found.filters

        def work() -> tuple[Filters, Change]:
            wanted = ledger.advance(view).added
            return wanted, diff(wanted, before)

        wanted, change = await self._in_thread(work)
        if is_same and not change:
            return change
        if is_same and await self._is_mended(change):
            return change
        await self._nft.load(await self._in_thread(lambda: whole(shape, wanted)))
        self._log.info("The rules of the networks are loaded")
        return change

    async def _is_mended(self, change: Change) -> bool:
        """By elements; where that is refused, all can still be replaced."""
        text = await self._in_thread(lambda: difference(change))
        try:
            await self._nft.load(text)
        except NetworkFailed as error:
            self._log.warn(
                "The rules of the networks are replaced: {error}", error=str(error)
            )
            return False
        self._log.info("The rules of the networks are brought up to date")
        return True
