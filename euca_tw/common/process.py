"""Running other programs without waiting for them on the reactor."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

#: Where programs are looked for: an administrator's path, whoever we are.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#: More than this of what a program says is not kept.
LONGEST_OUTPUT = 16 * 1024 * 1024
_LONGEST_COMPLAINT = 2000

#: Changes the directory, and is everywhere.
_ENV = "/usr/bin/env"


class IProcessReactor(IReactorProcess, IReactorTime):
    """A reactor that can run programs and tell the time."""


@define
class CommandFailed(Exception):
    """
    A program could not be run, failed, or took too long.

    @ivar status: its exit status; None if it had none.
    @ivar text: what it, or we, say about it.
    """

    command: tuple[str, ...]
    status: int | None
    text: str

    def __str__(self) -> str:
        return f"{' '.join(self.command)}: {self.text}"


@define(eq=False)
class _Command(ProcessProtocol):
    """One run of a program, from its standard input to its end."""

    _command: tuple[str, ...]
    _input: bytes
    ended: Deferred[bytes] = Factory(
        lambda self: Deferred(lambda _: self.kill()), takes_self=True
    )
    _said: bytearray = Factory(bytearray)
    _complained: bytearray = Factory(bytearray)
    _is_killed: bool = False

    def connectionMade(self) -> None:
        assert self.transport is not None
        if self._input:
            self.transport.write(self._input)
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        self._said += data[: LONGEST_OUTPUT - len(self._said)]

    def errReceived(self, data: bytes) -> None:
        self._complained = (self._complained + data)[-_LONGEST_COMPLAINT:]

    def processEnded(self, reason: Failure) -> None:
        if self._is_killed:
            return
        if reason.check(ProcessDone):
            self.ended.callback(bytes(self._said))
            return
        text = self._complained.decode("utf-8", "replace").strip()
        status = getattr(reason.value, "exitCode", None)
        signal = getattr(reason.value, "signal", None)
        how = f"ended with status {status}" if signal is None else f"signal {signal}"
        self.ended.errback(CommandFailed(self._command, status, text or how))

    def kill(self) -> None:
        self._is_killed = True
        if self.transport is None:
            return
        try:
            self.transport.signalProcess("KILL")
        except ProcessExitedAlready:
            return


def _within(directory: str, program: str, command: tuple[str, ...]) -> tuple[str, ...]:
    """
    Twisted could change to the directory itself, but only in a fork: that costs
    some 5 ms for each program, and more in a large process; without one it is 1.
    """
    return ("env", f"--chdir={directory}", program, *command[1:])


async def run(
    reactor: IProcessReactor,
    *command: str,
    stdin: bytes = b"",
    timeout_s: float = 30.0,
    environment: Mapping[str, str] | None = None,
    directory: str | None = None,
) -> bytes:
    """
    Run a program to its end.  If this is cancelled, the program is killed.

    @param command: the program, looked for in L{PATH}, and its arguments.
    @param environment: in addition to C{PATH} and C{LC_ALL=C}.
    @param directory: where it is run; None: where we are.
    @return: what it wrote to its standard output.
    @raise CommandFailed: it is not installed, its status is not 0, or it did
        not end in time and was killed.
    """
    program = shutil.which(command[0], path=PATH)
    if program is None:
        raise CommandFailed(command, None, f"{command[0]} is not installed")
    process = _Command(command, stdin)
    whole = command if directory is None else _within(directory, program, command)
    try:
        reactor.spawnProcess(
            process,
            program if directory is None else _ENV,
            whole,
            env={"PATH": PATH, "LC_ALL": "C", **(environment or {})},
        )
    except OSError as error:
        text = f"cannot be started: {error.strerror}"
        raise CommandFailed(command, None, text) from error
    try:
        return await process.ended.addTimeout(timeout_s, reactor)
    except DeferredTimeout:
        text = f"did not end within {timeout_s:g} s and was killed"
        raise CommandFailed(command, None, text) from None
