"""
What all daemons have in common: parts that start one after the other, an end
within seconds, and one line for the operator when something of his is wrong.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from time import CLOCK_BOOTTIME, clock_gettime
from types import MappingProxyType
from typing import Any, NoReturn, Protocol, TypeVar

from attrs import evolve, frozen
from twisted.application.service import IService, Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError, ReactorNotRunning
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.web.client import _HTTP11ClientFactory
from twisted.web.server import Site

from euca_tw.admin.configuration import Configuration, configuration_of
from euca_tw.admin.stores import shared_store
from euca_tw.common.clock import SteadyClock, make_steady
from euca_tw.common.config import ConfigError, Invalid
from euca_tw.common.files import make_private_directory
from euca_tw.common.garbage import Garbage
from euca_tw.common.in_thread import InThread, PooledThreads
from euca_tw.common.log import lead_in_libraries
from euca_tw.common.replays import IReplays
from euca_tw.common.threads import thread_worker
from euca_tw.model.identifiers import Minter
from euca_tw.soap.compat import LibrariesDiffer, check_libraries
from euca_tw.soap.keys import UnusableKey
from euca_tw.store.codec import Upgrade
from euca_tw.store.interfaces import IStore, StoreUnusable
from euca_tw.store.replay_file import ReplayFile
from euca_tw.store.replays import FileReplays
from euca_tw.store.sqlite import SqliteStore

S = TypeVar("S")

#: So long at most a part has to stop.
PATIENCE_S = 5.0

#: What is wrong on the operator's side; its text says what to do.
OPERATORS = (
    ConfigError,
    StoreUnusable,
    CannotListenError,
    LibrariesDiffer,
    UnusableKey,
    OSError,
)

#: Tells each run of a machine from all others.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: The memory of signed messages, in a daemon's state directory.
REPLAYS = "replays.db"

Action = Callable[[], Any]


@frozen(kw_only=True)
class Part:
    """
    Something that a daemon is made of.

    @ivar start, stop: may return awaitables.
    """

    name: str
    start: Action = lambda: None
    stop: Action = lambda: None


class MakeStore(Protocol):
    """
    A store for some classes of records, in a file at a path, or in the database that
    a text names (L{euca_tw.admin.stores}).  The last argument has the upgrades that
    the classes list by a name.
    """

    def __call__(
        self,
        place: Path | str,
        kinds: tuple[type, ...],
        upgrades: Mapping[str, Upgrade] = ...,
        /,
    ) -> IStore: ...


@frozen(kw_only=True, eq=False)
class Machine:
    """
    What daemons run on; in tests, and all in one process, made otherwise.

    @ivar reactor: with all its interfaces.
    @ivar random: unguessable, except in tests.
    @ivar fail: ends the process, for a reason that was logged.
    @ivar make_store: see L{MakeStore}.
    @ivar make_replays: a memory of signed messages, at a path.
    @ivar monotonic: seconds of a clock that cannot be set, and goes on while this
        machine sleeps.
    @ivar begin: called before a daemon starts.
    @ivar settle: called when a daemon has started.
    """

    reactor: Any
    random: Random
    in_thread: InThread
    fail: Action
    make_store: MakeStore
    make_replays: Callable[[Path], IReplays]
    monotonic: Callable[[], float] = lambda: clock_gettime(CLOCK_BOOTTIME)
    begin: Callable[[], None] = lambda: None
    settle: Callable[[], None] = lambda: None

    @property
    def minter(self) -> Minter:
        return Minter(self.random)

    @property
    def request_ids(self) -> Minter:
        """For what need not be a secret, but is made at every request."""
        return Minter(Random(self.random.getrandbits(128)))  # noqa: S311 - no secret


def real_machine(reactor: Any) -> Machine:
    """This machine; from now on the reactor goes by a steady clock."""
    make_steady(reactor, SteadyClock(time.time, time.monotonic))
    log = Logger(namespace=__name__)
    fail = partial(end_failed, reactor)

    def store_failed(reason: StoreUnusable) -> None:
        log.critical("The store failed: {reason}", reason=str(reason))
        fail()

    def make_store(
        place: Path | str,
        kinds: tuple[type, ...],
        upgrades: Mapping[str, Upgrade] = MappingProxyType({}),
    ) -> IStore:
        if isinstance(place, str):
            shared: IStore = shared_store(
                place,
                kinds,
                reactor,
                SystemRandom(),
                store_failed,
                upgrades,
                deliver=reactor.callFromThread,
            )
            return shared
        store: IStore = SqliteStore(
            place,
            kinds,
            partial(thread_worker, f"store {place.stem}"),
            reactor.callFromThread,
            store_failed,
            upgrades=upgrades,
        )
        return store

    def replays_failed(reason: StoreUnusable) -> None:
        log.critical(
            "The memory of signed messages failed: {reason}", reason=str(reason)
        )
        fail()

    boot = _BOOT_ID.read_text(encoding="ascii").strip()

    def make_replays(path: Path) -> IReplays:
        replays: IReplays = FileReplays(
            ReplayFile(path, boot),
            reactor,
            partial(thread_worker, path.stem),
            reactor.callFromThread,
            replays_failed,
        )
        return replays

    return Machine(
        reactor=reactor,
        random=SystemRandom(),
        in_thread=PooledThreads(reactor, reactor.getThreadPool()),
        fail=fail,
        make_store=make_store,
        make_replays=make_replays,
        begin=gc.disable,
        settle=Garbage().begin,
    )


def end_failed(reactor: Any) -> None:
    """Stop the reactor in order; the process then ends with status 1."""
    atexit.register(_exit_failed)
    # Two stores of one process may fail at once.
    with suppress(ReactorNotRunning):
        reactor.stop()


def _exit_failed() -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


class Daemon(Service):
    """
    Starts its parts in their order, each when the one before is ready, and
    stops those that were started in the reverse order.
    """

    _log = Logger()

    def __init__(self, name: str, machine: Machine, parts: Sequence[Part]) -> None:
        self.setName(name)
        self.parts = parts
        self._machine = machine
        self._started: list[Part] = []
        self._starting: Deferred[Any] | None = None

    def startService(self) -> None:
        super().startService()
        self._machine.reactor.callWhenRunning(self._begin)

    def _begin(self) -> None:
        if self.running:
            self._machine.begin()
            self._starting = Deferred.fromCoroutine(self._start())

    async def _start(self) -> None:
        try:
            for part in self.parts:
                self._started.append(part)
                await _maybe(part.start)
        except CancelledError:
            return
        except OPERATORS as error:
            self._log.critical("{reason}", reason=reason_of(error))
            self._machine.fail()
        except Exception:
            self._log.failure("The start failed")
            self._machine.fail()
        else:
            self._machine.settle()
            self._log.info("{daemon} is ready", daemon=self.name)

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
        while self._started:
            part = self._started.pop()
            stopping = Deferred.fromCoroutine(_maybe(part.stop))
            stopping.addTimeout(PATIENCE_S, self._machine.reactor)
            try:
                await stopping
            except DeferredTimeout:
                self._log.warn("{part} did not stop in time", part=part.name)
            except Exception:
                self._log.failure("{part} did not stop well", part=part.name)


async def _maybe(action: Action) -> None:
    result = action()
    if isinstance(result, Awaitable):
        await result


def reason_of(error: BaseException) -> str:
    """One line for the operator."""
    if isinstance(error, CannotListenError):
        why = getattr(error.socketError, "strerror", None) or error.socketError
        return f"cannot listen on {error.interface or '*'}:{error.port}: {why}"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


# --- the usual parts --------------------------------------------------------


def store_part(store: IStore) -> Part:
    """Open while later parts run."""
    return Part(name="the store", start=store.open, stop=store.close)


def replays_part(
    replays: IReplays, is_first: Callable[[], bool] = lambda: False
) -> Part:
    """
    Open while doors that ask it are.

    @param is_first: see L{IReplays.open}.
    """
    return Part(
        name="the memory of signed messages",
        start=lambda: replays.open(is_first()),
        stop=replays.close,
    )


def service_part(service: IService) -> Part:
    """A Twisted service."""
    return Part(
        name=str(service.name or type(service).__name__),
        start=service.startService,
        stop=service.stopService,
    )


def listen_part(machine: Machine, section: str, listen: str, site: Site) -> Part:
    """
    A site at an endpoint.

    @raise ConfigError: C{listen} is no endpoint.
    """
    try:
        endpoint = serverFromString(machine.reactor, listen)
    except (ValueError, TypeError) as error:
        reason = f"{listen!r} is no endpoint: {error}"
        raise ConfigError("the configuration", section, "listen", reason) from error
    ports: list[IListeningPort] = []
    log = Logger(namespace=__name__)
    site.noisy = False

    async def start() -> None:
        ports.append(await endpoint.listen(site))
        log.info("Listening on {listen}", listen=listen)

    async def stop() -> None:
        for port in ports:
            await maybeDeferred(port.stopListening)

    return Part(name=f"listening on {listen}", start=start, stop=stop)


# --- from a command line to a daemon ----------------------------------------


def prepare(state_dirs: Iterable[Path], mode: int = 0o700) -> None:
    """
    See that the libraries fit, and that there is a place for the state.

    @param mode: of directories that are made.

    @raise LibrariesDiffer:
    @raise OSError:
    """
    check_libraries()
    lead_in_libraries()
    _HTTP11ClientFactory.noisy = False  # or each connection would be two lines
    for state_dir in state_dirs:
        make_private_directory(state_dir, mode)


def overridden(section: S, given: Mapping[str, object]) -> S:
    """
    A section with what the command line says in place of the file's.

    @param given: by field; None stands for nothing said.
    @raise ConfigError: a value is not allowed.
    """
    said = {key: value for key, value in given.items() if value is not None}
    try:
        return evolve(section, **said)  # type: ignore[misc]
    except Invalid as error:
        key = f"--{error.key.replace('_', '-')}"
        raise ConfigError("the command line", "", key, error.reason) from error


def path_or_none(text: str | None) -> Path | None:
    """A path of the command line."""
    return None if text is None else Path(text)


def make_or_exit(
    name: str, config: str | None, make: Callable[[Configuration], Daemon]
) -> Daemon:
    """
    What a C{makeService} does: twistd has no way for it to refuse but to raise,
    and shows a traceback of all but this.

    @raise SystemExit: with one line that says what is wrong.
    """
    try:
        return make(configuration_of(path_or_none(config)))
    except OPERATORS as error:
        raise SystemExit(f"{name}: {reason_of(error)}") from error
