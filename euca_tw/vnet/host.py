"""
A machine that carries networks: its rules, its links and its public addresses, in
the order in which nothing passes that should not.

What somebody else did to what is ours is found and mended now and then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from random import Random
from typing import Any, ClassVar, Protocol

from attrs import Factory, define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from euca_tw.common.background import Background
from euca_tw.model.networks import View
from euca_tw.vnet.filter_settings import Tracking
from euca_tw.vnet.interfaces import INetworkHost, NetworkFailed, together
from euca_tw.vnet.links_host import LinksHost
from euca_tw.vnet.rules import Rules


class _Public(Protocol):
    """Public addresses, as L{PublicAddresses} has them."""

    async def apply(self, view: View) -> None: ...
    async def purge(self) -> tuple[str, ...]: ...
    def distrust(self) -> None: ...


@implementer(INetworkHost)
@define(eq=False, kw_only=True)
class NetworkHost:
    """
    @ivar public: None: this machine has none.
    """

    rules: Rules
    links: LinksHost
    public: _Public | None = None
    _view: View | None = field(default=None, init=False)
    _lock: DeferredLock = field(default=Factory(DeferredLock), init=False)

    async def apply(self, view: View) -> None:
        await self._alone(lambda: self._apply(view))

    async def mend(self) -> None:
        """
        Compare all with what is there.

        @raise NetworkFailed: as L{apply}.
        """
        await self._alone(self._mend)

    async def purge(self) -> tuple[str, ...]:
        self._view = None
        removed: list[str] = []
        failed: list[NetworkFailed] = []
        for part in self._purging():
            try:
                removed.extend(await part())
            except NetworkFailed as error:
                failed.append(error)
        if failed:
            raise together(failed)
        return tuple(removed)

    def _purging(self) -> Iterator[Callable[[], Awaitable[tuple[str, ...]]]]:
        # What guests could reach each other by goes before what forbids it.
        if self.public is not None:
            yield self.public.purge
        yield self.links.purge
        yield self.rules.purge

    async def _alone(self, work: Callable[[], Awaitable[None]]) -> None:
        await self._lock.acquire()
        try:
            await work()
        finally:
            self._lock.release()

    async def _apply(self, view: View) -> None:
        tracking = await self.rules.tracking()
        self.links.shows_to_ip = tracking is Tracking.IP
        # There is no network without its rules, not for a moment.
        await self.rules.apply(view)
        self._view = view
        await self._after_rules(view, lambda: self.links.apply(view))

    async def _mend(self) -> None:
        view = self._view
        if view is None:
            return
        self.rules.distrust()
        await self.rules.apply(view)
        if self.public is not None:
            self.public.distrust()
        await self._after_rules(view, self.links.resync)

    async def _after_rules(
        self, view: View, of_links: Callable[[], Awaitable[None]]
    ) -> None:
        """One network that cannot be carried keeps no public address away."""
        failed: list[NetworkFailed] = []
        parts = [of_links]
        if (public := self.public) is not None:
            parts.append(lambda: public.apply(view))
        for part in parts:
            try:
                await part()
            except NetworkFailed as error:
                failed.append(error)
        if failed:
            raise together(failed)


@define(eq=False, kw_only=True)
class Mending(Service):
    """
    Has a host look at all that is its own, now and then.

    @ivar every_s: about so often; machines shall not do it all at once.
    @ivar mended: called each time, for who holds on to what may have been made anew.
    """

    host: NetworkHost
    clock: IReactorTime
    random: Random = field(repr=False)
    every_s: float = 300.0
    mended: Callable[[], None] = lambda: None
    _background: Background = field(factory=Background, init=False)
    _log: ClassVar[Logger] = Logger()

    def startService(self) -> None:
        super().startService()
        self._background.run("mending the networks", self._mend())

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        return self._background.stop()

    async def _mend(self) -> None:
        while True:
            await deferLater(self.clock, self.every_s * self.random.uniform(0.8, 1.2))
            try:
                await self.host.mend()
            except NetworkFailed as error:
                self._log.error(
                    "The networks are not as they shall be: {error}", error=str(error)
                )
            except CancelledError:
                raise
            except Exception:
                self._log.failure("Mending the networks failed")
            self.mended()
