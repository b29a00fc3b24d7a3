"""
What containers say, into files.

Of a container's terminal libvirt logs nothing: somebody must read it, or the
guest waits once it has written some 30 KiB.  So the console of each domain that
runs is listened to, from when it begins until it ends, and again when the node
controller or libvirtd was started anew; what is said meanwhile waits in the
terminal.  The one thread of libvirt's hears all of them, and threads of the
reactor's write.  Of each there is little in memory: one that says too much is
not listened to for a second, in which its guest waits, and a few KiB of what it
said are lost.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Protocol

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from euca_tw.common.background import Background
from euca_tw.common.in_thread import InThread
from euca_tw.nodectl.interfaces import Domain, DomainState, HypervisorUnavailable

#: What a console may say in a second, and what of it may wait to be written.
MOST_BYTES = 1 << 17
_SECOND_S = 1.0
#: One that has ended may be that of a guest that reboots.
_AGAIN_S = 0.2


class IReactor(IReactorTime, IReactorFromThreads):
    """What is needed of a reactor."""


class Listened(Protocol):
    """What is needed of a L{euca_tw.nodectl.libvirt.LibvirtHypervisor}."""

    def start(self) -> Awaitable[None]: ...
    def subscribe(self, changed: Callable[[str | None], None]) -> None: ...
    def list(self) -> Awaitable[tuple[Domain, ...]]: ...
    def listen(
        self, name: str, heard: Callable[[bytes], bool], ended: Callable[[], None]
    ) -> Awaitable[Callable[[], Awaitable[None]] | None]: ...


@define(eq=False, kw_only=True)
class _Said:
    """
    What one stream says: heard in libvirt's thread, taken on the reactor.

    @ivar is_over: it says no more, or too much.
    """

    reactor: IReactor
    is_over: bool = False
    _pieces: deque[bytes] = field(factory=deque, init=False)
    _second_began: float = field(default=0.0, init=False)
    _heard_bytes: int = field(default=0, init=False)
    _is_told: bool = field(default=False, init=False)
    _waiting: Deferred[None] | None = field(default=None, init=False)

    # In libvirt's thread

    def hear(self, said: bytes) -> bool:
        now = self.reactor.seconds()
        if not self._pieces and now - self._second_began >= _SECOND_S:
            self._second_began, self._heard_bytes = now, 0
        self._pieces.append(said)
        self._heard_bytes += len(said)
        self._tell()
        return self._heard_bytes < MOST_BYTES

    def end(self) -> None:
        self.is_over = True
        self._tell()

    def _tell(self) -> None:
        # What comes between this and L{_wake} is taken with it.
        if not self._is_told:
            self._is_told = True
            self.reactor.callFromThread(self._wake)

    # On the reactor

    def _wake(self) -> None:
        self._is_told = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    async def wait(self) -> None:
        """Until something is said, or it is over."""
        if not self._pieces and not self.is_over:
            self._waiting = Deferred()
            await self._waiting

    def take(self) -> bytes:
        """All that was said and not taken."""
        return b"".join(self._pieces.popleft() for _ in range(len(self._pieces)))


@define(eq=False, kw_only=True)
class ContainerConsoles(Service):
    """
    Writes down what they say, for as long as it runs.

    @ivar path_of: the file for a domain's console.  What is said when its
        directory is not there is thrown away.
    """

    reactor: IReactor
    in_thread: InThread
    hypervisor: Listened
    path_of: Callable[[str], Path]
    _background: Background = field(factory=Background, init=False)
    #: Those that are listened to, or are about to be, and of those the ones
    #: whose domains have changed since they were looked at.
    _followed: set[str] = field(factory=set, init=False)
    _changed: set[str] = field(factory=set, init=False)
    #: Those of which it was told that what they say cannot be written.
    _unwritten: set[str] = field(factory=set, init=False)
    _log: ClassVar[Logger] = Logger()

    def startService(self) -> None:
        super().startService()
        self.hypervisor.subscribe(self._look)
        self._background.run("listening to consoles", self._begin())

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return self._background.stop()

    async def _begin(self) -> None:
        try:
            await self.hypervisor.start()
        except HypervisorUnavailable:
            return  # it never will be, which its owner tells
        await self._look_at_all()

    def _look(self, name: str | None) -> None:
        """It may have changed."""
        if not self.running:
            return
        if name is None:
            self._background.run("listening to consoles", self._look_at_all())
        elif name in self._followed:
            self._changed.add(name)
        else:
            self._followed.add(name)
            self._background.run(f"the console of {name}", self._follow(name))

    async def _look_at_all(self) -> None:
        while True:
            try:
                domains = await self.hypervisor.list()
                break
            except HypervisorUnavailable:
                await deferLater(self.reactor, _SECOND_S)
        for domain in domains:
            if domain.state is DomainState.RUNNING:
                self._look(domain.name)

    async def _follow(self, name: str) -> None:
        """For as long as its domain runs."""
        try:
            while True:
                self._changed.discard(name)
                try:
                    again_s = await self._listen(name)
                except HypervisorUnavailable:
                    again_s = _SECOND_S
                if again_s is None and name not in self._changed:
                    return
                await deferLater(self.reactor, again_s or 0)
        finally:
            for names in (self._followed, self._changed, self._unwritten):
                names.discard(name)

    async def _listen(self, name: str) -> float | None:
        """
        Until it says no more.

        @return: when to try again; None: it does not run.
        @raise HypervisorUnavailable:
        """
        said = _Said(reactor=self.reactor)
        hush = await self.hypervisor.listen(name, said.hear, said.end)
        if hush is None:
            return None
        began = self.reactor.seconds()
        try:
            while not said.is_over:
                await said.wait()
                await self._write(name, said.take())
        finally:
            await self._write(name, said.take())
            # With the connection all of its consoles are closed.
            with suppress(HypervisorUnavailable):
                await hush()
        return max(_AGAIN_S, began + _SECOND_S - self.reactor.seconds())

    async def _write(self, name: str, said: bytes) -> None:
        if not said:
            return
        path = self.path_of(name)
        try:
            await self.in_thread(lambda: _append(path, said))
        except FileNotFoundError:
            return  # the instance is about to be forgotten
        except OSError as error:
            if name not in self._unwritten:
                self._unwritten.add(name)
                self._log.warn(
                    "{path} cannot be written: {why}",
                    path=str(path),
                    why=error.strerror,
                )
        else:
            self._unwritten.discard(name)


def _append(path: Path, said: bytes) -> None:
    # Whoever cuts it meanwhile has it go on at the new end.
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "wb") as console:
        console.write(said)
