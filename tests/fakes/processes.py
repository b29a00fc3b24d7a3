"""A reactor whose programs are played by the test."""

# ruff: noqa: N803 - the arguments' names are Twisted's

from __future__ import annotations

from typing import Any

from attrs import Factory, define
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from euca_tw.common.process import IProcessReactor


@implementer(IProcessTransport)
@define(eq=False)
class MemoryProcess:
    """
    A program that does what the test says.

    @ivar stdin: what it was given.
    @ivar path: the directory that it is run in; None: the reactor's own.
    @ivar signals: what it was sent; C{KILL} ends it.
    """

    protocol: ProcessProtocol
    command: tuple[str, ...]
    env: dict[str, str]
    path: str | None = None
    stdin: bytes = b""
    is_stdin_closed: bool = False
    signals: list[str] = Factory(list)
    pid: int | None = 4711

    def say(self, text: bytes) -> None:
        """It writes to its standard output."""
        self.protocol.childDataReceived(1, text)

    def complain(self, text: bytes) -> None:
        """It writes to its standard error."""
        self.protocol.childDataReceived(2, text)

    def end(self, status: int = 0) -> None:
        """It ends by itself."""
        self._ended(ProcessDone(0) if status == 0 else ProcessTerminated(status))

    def _ended(self, reason: Exception) -> None:
        if self.pid is not None:
            self.pid = None
            self.protocol.processEnded(Failure(reason))

    def write(self, data: bytes) -> None:
        self.stdin += data

    def closeStdin(self) -> None:
        self.is_stdin_closed = True

    def signalProcess(self, signalID: Any) -> None:
        if self.pid is None:
            raise ProcessExitedAlready
        self.signals.append(signalID)
        if signalID == "KILL":
            self._ended(ProcessTerminated(None, 9))

    def writeSequence(self, seq: Any) -> None:
        self.write(b"".join(seq))

    def writeToChild(self, childFD: int, data: bytes) -> None:
        assert childFD == 0
        self.write(data)

    def closeChildFD(self, descriptor: Any) -> None:
        """Nothing is open."""

    closeStdout = closeStderr = loseConnection = lambda self: None

    def getPeer(self) -> None:
        """Nobody."""

    def getHost(self) -> None:
        """Nobody."""


@implementer(IProcessReactor)
class MemoryProcessReactor(Clock):
    """
    A clock, and the programs that were started on it.

    @ivar fault: why none can be started; None: they can.
    """

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[MemoryProcess] = []
        self.fault: OSError | None = None

    def spawnProcess(
        self,
        processProtocol: Any,
        executable: Any,
        args: Any = (),
        env: Any = None,
        path: Any = None,
        uid: Any = None,
        gid: Any = None,
        usePTY: bool = False,
        childFDs: Any = None,
    ) -> MemoryProcess:
        if self.fault is not None:
            raise self.fault
        process = MemoryProcess(processProtocol, tuple(args), dict(env or {}), path)
        self.processes.append(process)
        processProtocol.makeConnection(process)
        return process
