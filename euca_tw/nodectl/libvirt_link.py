"""
The way to libvirt: connected as long as that can be, and calls made on it.

Nothing of it blocks the reactor.  Each call has a time after which its caller
is told that the hypervisor is unavailable; what hangs holds up one thread, and
what else is of its lane.  What only asks has threads of its own, and so has each
kind of acting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import ClassVar, Protocol, TypeVar

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from euca_tw.common.background import Background
from euca_tw.common.backoff import Backoff
from euca_tw.common.calls import BlockingCalls
from euca_tw.common.threads import IWorker
from euca_tw.model.capacity import Resources
from euca_tw.nodectl.console_stream import ConsoleStream
from euca_tw.nodectl.interfaces import Domain, HypervisorUnavailable
from euca_tw.nodectl.libvirt_attempt import Attempt
from euca_tw.nodectl.libvirt_errors import ConnectionLost, NeverAvailable
from euca_tw.nodectl.libvirt_events import Watchers

T = TypeVar("T")

#: Threads of what acts, by kind: what runs domains, what ends them, and what
#: talks to their guests and may hang as long as they do.  libvirtd has 20 by
#: default, for all its clients: some must be left for questions though all of
#: ours hang there.
RUN, END, GUEST = "libvirt-run", "libvirt-end", "libvirt-guest"
_ACTING = {RUN: 6, END: 5, GUEST: 5}
_ASK = "libvirt-ask"
_ASKING = {_ASK: 4}


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
    def hold(self, name: str) -> bool: ...
    def release(self, name: str) -> None: ...
    def reboot(self, name: str) -> bool: ...
    def reset(self, name: str) -> None: ...
    def attempt(self, name: str, uuid: str) -> Attempt: ...
    def capacity(self) -> Resources: ...
    def listen_to(
        self, name: str, heard: Callable[[bytes], bool], ended: Callable[[], None]
    ) -> ConsoleStream | None: ...
    def hush(self, stream: ConsoleStream) -> None: ...
    def close(self) -> None: ...


Connect = Callable[[str, str, Watchers], Connection]


@frozen(kw_only=True)
class Patience:
    """
    How long things may take, in seconds.

    @ivar run: a domain's start; under emulation on a busy machine, 14 s.
    @ivar destroy: a domain that hangs is killed after 10 to 16 s, five at a
        time.
    @ivar reboot: what a guest is given to begin anew when it is asked to;
        then it is reset.
    """

    connect: float = 30.0
    ask: float = 15.0
    run: float = 120.0
    destroy: float = 60.0
    reboot: float = 90.0


@define(eq=False, kw_only=True)
class Link:
    """
    @ivar mark: of this node controller.
    @ivar made: waited for when a connection was made, before whoever waits for
        the first hears of it; called with whether there was one before.  It may
        raise L{ConnectionLost}.
    @ivar changed: called with a domain's name, and whether its guest began anew
        or ended.
    @ivar lost: called when the connection is.
    """

    reactor: IReactor
    random: Random = field(repr=False)
    uri: str
    mark: str
    patience: Patience
    connect: Connect
    make_worker: Callable[[str], IWorker]
    made: Callable[[bool], Awaitable[None]]
    changed: Callable[[str, bool], None]
    lost: Callable[[], None]
    _log: ClassVar[Logger] = Logger()

    _background: Background = field(factory=Background, init=False)
    _acting: BlockingCalls | None = field(default=None, init=False)
    _asking: BlockingCalls | None = field(default=None, init=False)
    _connection: Connection | None = field(default=None, init=False)
    _why_not: str = field(default="not started", init=False)
    _has_connected: bool = field(default=False, init=False)
    _is_stopping: bool = field(default=False, init=False)
    _never: NeverAvailable | None = field(default=None, init=False)
    # They wait for the first connection.
    _starting: list[Deferred[None]] = field(factory=list, init=False)
    # Fires when the connection is lost.
    _lost: Deferred[None] = field(factory=Deferred, init=False)

    async def start(self) -> None:
        """
        Fires when first connected.

        @raise HypervisorUnavailable: it never can be; or it was stopped.
        """
        if self._acting is None:
            self._acting = self._calls(_ACTING)
            self._asking = self._calls(_ASKING)
            self._has_connected = self._is_stopping = False
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
        """Disconnect; who waits for an answer is told so."""
        self._is_stopping = True
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

    @property
    def is_started(self) -> bool:
        """It was started, and was not stopped."""
        return self._acting is not None

    @property
    def is_connected(self) -> bool:
        """There is a connection, as far as is known."""
        return self._connection is not None

    @property
    def hung_threads(self) -> int:
        """How many threads are in a call that takes too long."""
        pools = (self._acting, self._asking)
        return sum(pool.hung for pool in pools if pool is not None)

    # Calls

    async def act(
        self,
        name: str,
        kind: str,
        timeout_s: float,
        call: Callable[[Connection], T],
        *,
        overtakes: bool = False,
    ) -> T:
        """
        Something is done to a domain, after all that was to be before.

        @param kind: L{RUN}, L{END} or L{GUEST}.
        @param overtakes: what was given up and hangs is not waited for.
        @raise HypervisorUnavailable:
        """
        calls, connected = self._acting, self._connected_now
        connected()
        if calls is None:
            raise HypervisorUnavailable(self._why_not)
        answer = calls.call(
            lambda: call(connected()), timeout_s, kind, name, overtakes=overtakes
        )
        return await self._answer(answer, timeout_s)

    async def ask(
        self,
        call: Callable[[Connection], T],
        unwanted: Callable[[T], object] | None = None,
    ) -> T:
        """
        @param unwanted: see L{BlockingCalls.call}.
        @raise HypervisorUnavailable:
        """
        calls, connected, timeout_s = (
            self._asking,
            self._connected_now,
            self.patience.ask,
        )
        connected()
        if calls is None:
            raise HypervisorUnavailable(self._why_not)
        answer = calls.call(
            lambda: call(connected()), timeout_s, _ASK, unwanted=unwanted
        )
        return await self._answer(answer, timeout_s)

    def _calls(self, pools: dict[str, int]) -> BlockingCalls:
        deliver = self.reactor.callFromThread
        return BlockingCalls(self.reactor, deliver, self.make_worker, pools)

    def _connected_now(self) -> Connection:
        """May be called in any thread."""
        connection = self._connection
        if connection is None:
            raise HypervisorUnavailable(self._why_not)
        return connection

    async def _answer(self, answer: Deferred[T], timeout_s: float) -> T:
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
            try:
                await self.made(self._has_connected)
            except ConnectionLost:
                await deferLater(self.reactor, backoff.next())
            else:
                backoff.reset()
                self._has_connected = True
                self._started(None)
            if self._is_stopping:
                # By whoever was told: what runs just now cannot be cancelled.
                return
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
                self.changed, name, anew
            ),
            lost=lambda: self.reactor.callFromThread(
                self._is_lost, "libvirtd has closed the connection", lost
            ),
        )
        late = self.reactor.callLater(self.patience.connect, self._opens_late)
        try:
            return await calls.call(
                lambda: self.connect(self.uri, self.mark, watchers),
                None,
                _ASK,
                unwanted=lambda connection: connection.close(),
            )
        finally:
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
            self.lost()
            lost.callback(None)

    async def _close(self, connection: Connection, calls: BlockingCalls) -> None:
        try:
            await calls.call(connection.close, self.patience.ask, _ASK)
        except TimeoutError:
            self._log.warn("closing the connection to {uri} hangs", uri=self.uri)
