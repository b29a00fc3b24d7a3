"""
Domains by libvirt, on the reactor.

L{euca_tw.nodectl.libvirt_connection} says how libvirt is talked to; here is
when, and that nothing of it ever blocks.  Calls for one domain are made one
after another, in their order; each has a time after which its caller is told
that the hypervisor is unavailable, and what hangs holds up one thread and one
domain.  What only asks has threads of its own, so that it can be asked while
domains hang.  When libvirt's daemon dies the connection is made again, as often
as it takes; the domains do not notice.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import ClassVar, Protocol, TypeVar

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import (
    IDelayedCall,
    IReactorFromThreads,
    IReactorTime,
)
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from euca_tw.common.background import Background
from euca_tw.common.backoff import Backoff
from euca_tw.common.calls import BlockingCalls
from euca_tw.common.threads import IWorker, thread_worker
from euca_tw.model.capacity import Resources
from euca_tw.nodectl.domain_xml import Machine, domain_xml
from euca_tw.nodectl.interfaces import (
    Domain,
    DomainRefused,
    DomainSpec,
    HypervisorUnavailable,
    IHypervisor,
)
from euca_tw.nodectl.libvirt_connection import (
    ConnectionLost,
    NeverAvailable,
    Watchers,
    connect,
)

T = TypeVar("T")


class IReactor(IReactorTime, IReactorFromThreads):
    """What is needed of a reactor."""


class Connection(Protocol):
    """What is needed of a L{libvirt_connection.Connection}."""

    def domains(self) -> tuple[Domain, ...]: ...
    def domain(self, name: str) -> Domain | None: ...
    def run(self, name: str, uuid: str, xml: str, *, is_kept: bool) -> None: ...
    def destroy(self, name: str) -> None: ...
    def memo(self, name: str) -> str: ...
    def shut_down(self, name: str) -> bool: ...
    def reboot(self, name: str) -> bool: ...
    def reset(self, name: str) -> None: ...
    def capacity(self) -> Resources: ...
    def close(self) -> None: ...


Connect = Callable[[str, str, Watchers], Connection]


@frozen(kw_only=True)
class Patience:
    """
    How long things may take, in seconds.

    @ivar run: a domain's start; under emulation on a busy machine, 14 s.
    @ivar destroy: a domain that hangs is killed after 10 to 16 s.
    @ivar reboot: what a guest is given to begin anew when it is asked to;
        then it is reset.
    """

    connect: float = 30.0
    ask: float = 15.0
    run: float = 120.0
    destroy: float = 60.0
    reboot: float = 90.0


@implementer(IHypervisor)
@define(eq=False, kw_only=True)
class LibvirtHypervisor:
    """
    @ivar uri: C{qemu:///system}, C{xen:///system}, C{test:///default}.
    @ivar machine: of the domains; it must suit C{uri}.
    @ivar mark: of this node controller.  Its domains carry it; others are
        never listed nor touched.  It must not change while domains run.
    @ivar random: for the back-off of reconnecting.
    """

    reactor: IReactor
    random: Random = field(repr=False)
    uri: str
    machine: Machine
    mark: str = "euca_tw"
    patience: Patience = Patience()
    _connect: Connect = connect
    _make_worker: Callable[[str], IWorker] = thread_worker
    _log: ClassVar[Logger] = Logger()

    _subscribers: list[Callable[[str | None], None]] = field(factory=list, init=False)
    _background: Background = field(factory=Background, init=False)
    # Of domains, and of questions.
    _acting: BlockingCalls | None = field(default=None, init=False)
    _asking: BlockingCalls | None = field(default=None, init=False)
    _connection: Connection | None = field(default=None, init=False)
    _why_not: str = field(default="not started", init=False)
    _has_connected: bool = field(default=False, init=False)
    _never: NeverAvailable | None = field(default=None, init=False)
    # They wait for the first connection.
    _starting: list[Deferred[None]] = field(factory=list, init=False)
    # Fires when the connection is lost.
    _lost: Deferred[None] = field(factory=Deferred, init=False)
    _rebooting: dict[str, IDelayedCall] = field(factory=dict, init=False)

    # IHypervisor

    async def start(self) -> None:
        if self._acting is None:
            self._acting = self._calls("libvirt-act", 8)
            self._asking = self._calls("libvirt-ask", 2)
            self._has_connected = False
            self._never = None
            self._background.run(
                f"staying connected to {self.uri}", self._stay_connected()
            )
        if self._never is not None:
            raise self._never
        if not self._has_connected:
            waiting: Deferred[None] = Deferred(self._starting.remove)
            self._starting.append(waiting)
            await waiting

    async def stop(self) -> None:
        self._subscribers.clear()
        for name in list(self._rebooting):
            self._forget_reboot(name)
        await self._background.stop()
        connection, self._connection = self._connection, None
        self._why_not = "stopped"
        acting, self._acting = self._acting, None
        asking, self._asking = self._asking, None
        self._started(HypervisorUnavailable(self._why_not))
        if acting is not None:
            acting.stop()
        if asking is not None:
            if connection is not None:
                await self._close(connection, asking)
            asking.stop()

    def subscribe(self, changed: Callable[[str | None], None]) -> None:
        self._subscribers.append(changed)

    async def list(self) -> tuple[Domain, ...]:
        return await self._ask(lambda connection: connection.domains())

    async def find(self, name: str) -> Domain | None:
        return await self._ask(lambda connection: connection.domain(name))

    async def memo(self, name: str) -> str:
        return await self._ask(lambda connection: connection.memo(name))

    def document(self, spec: DomainSpec) -> str:
        try:
            return domain_xml(spec, self.machine, self.mark)
        except ValueError as error:
            raise DomainRefused(str(error)) from error

    async def run(self, spec: DomainSpec) -> None:
        xml = self.document(spec)
        try:
            await self._act(
                spec.name,
                self.patience.run,
                lambda connection: connection.run(
                    spec.name, spec.uuid, xml, is_kept=self.machine.keeps_ended
                ),
            )
        except DomainRefused as refused:
            # Users are told less: nothing of where things are on this machine.
            self._log.warn(
                "{name} is refused: {why}",
                name=spec.name,
                why=str(refused.__cause__ or refused),
            )
            raise

    async def destroy(self, name: str) -> None:
        await self._act(
            name, self.patience.destroy, lambda connection: connection.destroy(name)
        )

    async def shut_down(self, name: str) -> bool:
        return await self._act(
            name, self.patience.ask, lambda connection: connection.shut_down(name)
        )

    async def reboot(self, name: str) -> None:
        is_asked = await self._act(
            name, self.patience.ask, lambda connection: connection.reboot(name)
        )
        if is_asked and name not in self._rebooting and self._acting is not None:
            self._rebooting[name] = self.reactor.callLater(
                self.patience.reboot, self._has_not_rebooted, name
            )

    async def capacity(self) -> Resources:
        return await self._ask(lambda connection: connection.capacity())

    @property
    def hung_threads(self) -> int:
        """How many threads are in a call that takes too long."""
        pools = (self._acting, self._asking)
        return sum(pool.hung for pool in pools if pool is not None)

    # Calls

    def _calls(self, name: str, size: int) -> BlockingCalls:
        return BlockingCalls(
            self.reactor,
            self.reactor.callFromThread,
            lambda: self._make_worker(name),
            size,
        )

    def _connected_now(self) -> Connection:
        """May be called in any thread."""
        connection = self._connection
        if connection is None:
            raise HypervisorUnavailable(self._why_not)
        return connection

    async def _act(
        self, name: str, timeout_s: float, call: Callable[[Connection], T]
    ) -> T:
        return await self._call(self._acting, timeout_s, call, name)

    async def _ask(self, call: Callable[[Connection], T]) -> T:
        return await self._call(self._asking, self.patience.ask, call, None)

    async def _call(
        self,
        calls: BlockingCalls | None,
        timeout_s: float,
        call: Callable[[Connection], T],
        lane: str | None,
    ) -> T:
        self._connected_now()
        if calls is None:
            raise HypervisorUnavailable(self._why_not)
        answer = calls.call(lambda: call(self._connected_now()), timeout_s, lane)
        try:
            return await answer
        except TimeoutError:
            raise HypervisorUnavailable(
                f"{self.uri} has not answered within {timeout_s:g} s"
            ) from None
        except CancelledError:
            if self._acting is None:
                raise HypervisorUnavailable(self._why_not) from None
            raise
        except ConnectionLost as lost:
            self._is_lost(str(lost))
            raise

    # The connection

    async def _stay_connected(self) -> None:
        backoff = Backoff(random=self.random, first_s=0.1, ceiling_s=5.0)
        assert self._asking is not None
        calls = self._asking
        while True:
            try:
                self._connection = connection = await self._open(calls)
            except HypervisorUnavailable as why:
                if isinstance(why, NeverAvailable) and not self._has_connected:
                    self._why_not = str(why)
                    self._never = why
                    self._started(why)
                    return
                if self._why_not != str(why):
                    self._why_not = str(why)
                    self._log.warn(
                        "{uri} is not available: {why}", uri=self.uri, why=str(why)
                    )
                await deferLater(self.reactor, backoff.next())
                continue
            self._log.info("connected to {uri}", uri=self.uri)
            backoff.reset()
            if self._has_connected:
                self._tell(None)
            self._has_connected = True
            self._started(None)
            await self._lost
            self._connection = None
            await self._close(connection, calls)

    def _started(self, failure: HypervisorUnavailable | None) -> None:
        """Whoever waits for the start waits no more."""
        starting, self._starting = self._starting, []
        for waiting in starting:
            if failure is None:
                waiting.callback(None)
            else:
                waiting.errback(failure)

    async def _open(self, calls: BlockingCalls) -> Connection:
        """
        A new connection.  This waits for as long as it takes: another try
        while the first hangs would only hold another thread.
        """
        self._lost = lost = Deferred[None]()
        watchers = Watchers(
            changed=lambda name, anew: self.reactor.callFromThread(
                self._changed, name, anew
            ),
            lost=lambda: self.reactor.callFromThread(
                self._is_lost, "libvirtd has closed the connection", lost
            ),
        )
        is_wanted = True

        def opened() -> Connection:
            connection = self._connect(self.uri, self.mark, watchers)
            if not is_wanted:
                connection.close()
            return connection

        late = self.reactor.callLater(self.patience.connect, self._opens_late)
        try:
            return await calls.call(opened, None)
        finally:
            is_wanted = False
            if late.active():
                late.cancel()

    def _opens_late(self) -> None:
        self._why_not = (
            f"{self.uri} has not answered within {self.patience.connect:g} s: "
            "libvirtd hangs; restart it (its domains go on)"
        )
        self._log.warn("{why}", why=self._why_not)

    def _is_lost(self, why: str, of: Deferred[None] | None = None) -> None:
        """@param of: the C{_lost} of the connection that is lost; None: of this."""
        lost = self._lost
        if (of is None or of is lost) and not lost.called:
            if self._connection is not None:
                self._log.warn("{uri} is lost: {why}", uri=self.uri, why=why)
            self._why_not = why
            for name in list(self._rebooting):
                # Whether it has cannot be known; a reset could cost its disk.
                self._forget_reboot(name)
            lost.callback(None)

    async def _close(self, connection: Connection, calls: BlockingCalls) -> None:
        try:
            await calls.call(connection.close, self.patience.ask)
        except TimeoutError:
            self._log.warn("closing the connection to {uri} hangs", uri=self.uri)

    # Changes

    def _changed(self, name: str, began_anew: bool) -> None:
        if began_anew:
            self._forget_reboot(name)
        self._tell(name)

    def _tell(self, name: str | None) -> None:
        for changed in tuple(self._subscribers):
            changed(name)

    def _forget_reboot(self, name: str) -> None:
        waiting = self._rebooting.pop(name, None)
        if waiting is not None and waiting.active():
            waiting.cancel()

    def _has_not_rebooted(self, name: str) -> None:
        del self._rebooting[name]
        self._log.info(
            "{name} was asked to reboot and has not for {seconds} s: it is reset",
            name=name,
            seconds=self.patience.reboot,
        )
        self._background.run(
            f"resetting {name}",
            self._act(
                name, self.patience.ask, lambda connection: connection.reset(name)
            ),
        )
