"""
The site's own programs, called at points of an instance's life.

They are the executables in one directory, called in the order of their names,
as the user that the daemon runs as, each in a process group of its own and with
a deadline.  What anybody but that user and root could have written is never
called.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall, IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from euca_tw.common.in_thread import InThread
from euca_tw.common.process import PATH, IProcessReactor
from euca_tw.nodectl.interfaces import HookRefused, IHooks, Occasion

#: So much of what a hook says is kept, its end.
_LONGEST_OUTPUT = 4096
#: Users are told so much of it.
_LONGEST_REASON = 512
#: What a hook leaves running is not waited for, though it holds its output open.
_LAST_WORDS_S = 1.0
#: Other files are not for us: backups of editors, what packages leave.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")
_NOT_HOOKS = ("README",)
_DOCUMENT = "domain.xml"


@implementer(IHooks)
class NoHooks:
    """There are none."""

    async def call(self, occasion: Occasion) -> None:
        """Nothing happens."""


def kill_group(pid: int) -> None:
    """
    Kill a process that leads a group, and all of its group.

    @raise ProcessLookupError: there is no such group.
    """
    os.killpg(pid, signal.SIGKILL)


@implementer(IHooks)
@define(eq=False, kw_only=True)
class DirectoryHooks:
    """
    @ivar directory: of the hooks.
    @ivar deadline_s: of each.
    @ivar setsid: the program that puts a hook into a group of its own.
    """

    reactor: IProcessReactor
    in_thread: InThread
    directory: Path
    deadline_s: float = 30.0
    setsid: str = field(
        factory=lambda: shutil.which("setsid", path=PATH) or "/usr/bin/setsid"
    )
    _kill_group: Callable[[int], None] = kill_group
    _log: ClassVar[Logger] = Logger()
    # What was said about files that are not called, so that it is said once.
    _told: frozenset[str] = field(default=frozenset(), init=False)

    async def call(self, occasion: Occasion) -> None:
        hooks, faults = await self.in_thread(lambda: found(self.directory))
        for fault in sorted(faults - self._told):
            self._log.warn("{fault}; it is not called", fault=fault)
        self._told = faults
        if not hooks:
            return
        environment = await self.in_thread(lambda: self._environment(occasion))
        for hook in hooks:
            await self._call(hook, occasion, environment)

    def _environment(self, occasion: Occasion) -> dict[str, str]:
        """What a hook finds; blocks, for it writes the domain's text."""
        document = ""
        here = Path(occasion.directory)
        has_directory = here.is_dir()
        if has_directory:
            path = here / _DOCUMENT
            if occasion.domain_xml:
                _write(path, occasion.domain_xml)
            if path.is_file():
                document = str(path)
        return {
            "PATH": PATH,
            "LC_ALL": "C",
            "EUCA_HOOK": occasion.point.value,
            "EUCA_INSTANCE_ID": occasion.instance_id,
            "EUCA_DOMAIN": occasion.instance_id,
            "EUCA_DOMAIN_XML": document,
            "EUCA_INSTANCE_DIR": str(here) if has_directory else "",
            **occasion.facts,
        }

    async def _call(
        self, hook: Path, occasion: Occasion, environment: dict[str, str]
    ) -> None:
        point = occasion.point.value
        running = _Hook(self.reactor, self._kill_group)
        arguments = (str(hook), point, occasion.instance_id)
        self.reactor.spawnProcess(
            running,
            self.setsid,
            (self.setsid, *arguments),
            env=environment,
            path="/",
        )
        try:
            fault = await running.ended.addTimeout(self.deadline_s, self.reactor)
        except DeferredTimeout:
            fault = f"did not end within {self.deadline_s:g} s and was killed"
        said = running.text
        if said:
            self._log.info(
                "{hook} at {point} of {instance_id} says: {said}",
                hook=hook.name,
                point=point,
                instance_id=occasion.instance_id,
                said=said,
            )
        if not fault:
            return
        self._log.warn(
            "{hook} at {point} of {instance_id} {fault}",
            hook=hook.name,
            point=point,
            instance_id=occasion.instance_id,
            fault=fault,
        )
        if occasion.point.may_refuse:
            why = said[-_LONGEST_REASON:] if running.has_ended else ""
            raise HookRefused(f"The node's hook {hook.name} refused: {why or fault}")


class _Hook(ProcessProtocol):
    """
    One run of a hook.

    @ivar ended: fires with what is wrong with its end, C{""} for nothing;
        cancelled, it kills the hook and its group.
    @ivar has_ended: it did, by itself.
    """

    def __init__(
        self, reactor: IProcessReactor, kill_group: Callable[[int], None]
    ) -> None:
        self.ended: Deferred[str] = Deferred(lambda _: self._kill())
        self.has_ended = False
        self._is_killed = False
        self._reactor = reactor
        self._kill_group = kill_group
        self._said = bytearray()
        self._last_words: IDelayedCall | None = None

    @property
    def text(self) -> str:
        """What it said, on both its outputs, one line."""
        said = self._said.decode("utf-8", "replace")
        printable = (c if c.isprintable() else " " for c in said)
        return " ".join("".join(printable).split())

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.closeStdin()

    def childDataReceived(self, childFD: int, data: bytes) -> None:  # noqa: N803
        self._said = (self._said + data)[-_LONGEST_OUTPUT:]

    def processExited(self, reason: Failure) -> None:
        self._last_words = self._reactor.callLater(_LAST_WORDS_S, self._hang_up)

    def processEnded(self, reason: Failure) -> None:
        if self._last_words is not None and self._last_words.active():
            self._last_words.cancel()
        if self._is_killed:
            return
        self.has_ended = True
        if reason.check(ProcessDone):
            self.ended.callback("")
            return
        number = getattr(reason.value, "signal", None)
        status = getattr(reason.value, "exitCode", None)
        how = f"signal {number}" if number is not None else f"status {status}"
        self.ended.callback(f"ended with {how}")

    def _hang_up(self) -> None:
        assert self.transport is not None
        self.transport.loseConnection()

    def _kill(self) -> None:
        self._is_killed = True
        process = self.transport
        assert IProcessTransport.providedBy(process)
        pid = process.pid
        try:
            if pid is not None:
                self._kill_group(pid)
        except (ProcessLookupError, PermissionError):
            # It has not come so far as to lead a group.
            try:
                process.signalProcess("KILL")
            except ProcessExitedAlready:
                return
        process.loseConnection()


def found(directory: Path) -> tuple[tuple[Path, ...], frozenset[str]]:
    """
    What may be called, in its order, and what is wrong with the rest.  Blocks.
    """
    try:
        fault = _fault(directory, directory.stat(), is_directory=True)
        names = sorted(path.name for path in directory.iterdir())
    except OSError as error:
        return (), frozenset({f"{directory} cannot be read: {error.strerror}"})
    if fault:
        return (), frozenset({fault})
    hooks, faults = [], set()
    for name in names:
        if _NAME.match(name) is None or name in _NOT_HOOKS:
            continue
        hook = directory / name
        try:
            fault = _fault(hook, hook.stat(), is_directory=False)
        except OSError as error:
            fault = f"{hook} cannot be read: {error.strerror}"
        if fault:
            faults.add(fault)
        else:
            hooks.append(hook)
    return tuple(hooks), frozenset(faults)


def _fault(path: Path, status: os.stat_result, *, is_directory: bool) -> str:
    mode = status.st_mode
    if is_directory != stat.S_ISDIR(mode) or not (is_directory or stat.S_ISREG(mode)):
        return f"{path} is no {'directory' if is_directory else 'file'}"
    if mode & stat.S_IWOTH:
        return f"{path} can be written by everybody (chmod o-w)"
    if status.st_uid not in (0, os.geteuid()):
        return f"{path} belongs neither to root nor to this daemon's user"
    if not os.access(path, os.X_OK):
        return f"{path} cannot be executed (chmod +x)"
    return ""


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text(text)
    part.rename(path)
