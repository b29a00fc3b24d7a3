"""
The admin socket: a line of JSON asks, a line of JSON answers.

It lies in the cloud controller's state directory, and is open to the daemon's
user (and root) alone; who may speak is an operator.  Asked is
C{{"do": name, "with": {…}}}; the answer is C{{"done": …}} or C{{"refused": text}}.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IReactorUNIX
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver

from euca_tw.admin.client import SOCKET, Refused, socket_path

#: Does what is asked: L{euca_tw.admin.actions.Actions.perform}.
Perform = Callable[[str, dict[str, Any]], Awaitable[Any]]


class AdminProtocol(LineOnlyReceiver):
    """Answers one line after the other."""

    delimiter = b"\n"
    MAX_LENGTH = 1 << 16
    _log = Logger()

    def __init__(self, perform: Perform) -> None:
        self._perform = perform

    def lineReceived(self, line: bytes) -> None:
        Deferred.fromCoroutine(self._answer(line)).addErrback(self._failed)

    async def _answer(self, line: bytes) -> None:
        try:
            name, arguments = _asked(line)
            answer = {"done": await self._perform(name, arguments)}
        except Refused as refusal:
            answer = {"refused": str(refusal)}
        self.sendLine(json.dumps(answer).encode())

    def _failed(self, failure: Any) -> None:
        self._log.failure("An operator's request failed", failure)
        assert self.transport is not None
        self.transport.loseConnection()


def _asked(line: bytes) -> tuple[str, dict[str, Any]]:
    try:
        asked = json.loads(line)
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or asked.keys() != {"do", "with"}:
        raise Refused('a request is {"do": name, "with": {…}}')
    name, arguments = asked["do"], asked["with"]
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise Refused('a request is {"do": name, "with": {…}}')
    return name, arguments


@define(eq=False)
class AdminFactory(Factory):
    """Makes a protocol for each operator."""

    _perform: Perform
    noisy = False

    def buildProtocol(self, _: object) -> AdminProtocol:
        return AdminProtocol(self._perform)


@define(eq=False)
class AdminSocket(Service):
    """
    Listens in a state directory that this process has for itself (it holds the
    store), so a socket that lies there is one that a dead process left.
    """

    _reactor: IReactorUNIX
    _state_dir: Path
    _perform: Perform
    _open: ExitStack = field(init=False, factory=ExitStack)
    _port: IListeningPort | None = field(init=False, default=None)

    def startService(self) -> None:
        """
        @raise OSError, CannotListenError: it cannot listen there.
        """
        super().startService()
        (self._state_dir / SOCKET).unlink(missing_ok=True)
        path = self._open.enter_context(socket_path(self._state_dir))
        factory = AdminFactory(self._perform)
        self._port = self._reactor.listenUNIX(path, factory, mode=0o600)

    async def _stop(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            await maybeDeferred(port.stopListening)
        self._open.close()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return Deferred.fromCoroutine(self._stop())
