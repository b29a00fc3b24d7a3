"""
Questions for names that are not the cloud's, passed on to the site's resolvers.

As RFC 5625 has it: they are passed on as they are, by UDP what came by UDP and by TCP
what came by TCP, and so come the answers back.  Each question goes out with a number
of its own from a port of its own, and only its resolver's answer to it is heard.
"""

# Note [Not a resolver]
#
# twisted.names has a client, a cache and a server that could be joined to do this.
# Between them they lose what they do not know: EDNS options, a guest's wish for
# signatures, why a name was denied and for how long, types of records; and each
# failure is logged with a traceback, which every guest could cause.

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Protocol

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionClosed,
)
from twisted.internet.protocol import Factory
from twisted.names import dns
from twisted.protocols.basic import Int16StringReceiver
from twisted.python.failure import Failure

from euca_tw.vnet.names.messages import Asked
from euca_tw.vnet.names.passed_on import code_of, is_answer
from euca_tw.vnet.names.question_port import Heard

#: What a resolver says that would rather not answer: another may.
_UNWILLING = (dns.ESERVER, dns.ENOTIMP, dns.EREFUSED)
#: Something on the way to a resolver, or the resolver itself, is not as it should be.
_UNREACHED = (OSError, ConnectError, ConnectionClosed)

IsAnswer = Callable[[bytes], bool]


class Port(Protocol):
    """As L{euca_tw.vnet.names.question_port.QuestionPort}."""

    def send(self, datagram: bytes) -> None: ...
    def close(self) -> None: ...


OpenPort = Callable[[str, int, Heard], Port]


@define(eq=False)
class _Once:
    """What is waited for, which may come twice, or in two ways."""

    said: Deferred[bytes] = field(factory=Deferred)

    def say(self, answer: bytes | Failure) -> None:
        if not self.said.called:
            self.said.callback(answer)


class _Stream(Int16StringReceiver):
    """One question by TCP."""

    def __init__(self, is_answer: IsAnswer) -> None:
        self._is_answer = is_answer
        self.once = _Once()

    def stringReceived(self, string: bytes) -> None:
        if self._is_answer(string):
            self.once.say(string)

    def connectionLost(self, reason: Any = None) -> None:
        self.once.say(reason)


class _Streams(Factory):
    """Else each connection is logged."""

    noisy = False

    def __init__(self, is_answer: IsAnswer) -> None:
        self._is_answer = is_answer

    def buildProtocol(self, addr: Any) -> _Stream:
        return _Stream(self._is_answer)


@define(eq=False, kw_only=True)
class Forwarder:
    """
    @ivar reactor: has TCP and the time.
    @ivar open_port: gives a port of UDP to an address and a port; may raise OSError.
    @ivar random: unguessable, except in tests.
    @ivar resolvers: the addresses of the site's, now, in order.
    @ivar patience_s: for each try; there are so many.
    """

    reactor: Any
    open_port: OpenPort
    random: Random = field(repr=False)
    resolvers: Callable[[], Sequence[str]]
    port: int = dns.PORT
    patience_s: tuple[float, ...] = (1.5, 1.5, 2.0)
    # The one that answered last.
    _good: str = field(default="", init=False)

    async def ask(
        self, asked: Asked, message: bytes, *, by_stream: bool
    ) -> bytes | None:
        """
        @param message: the question, as it came.
        @return: the answer of a resolver; None if none answers.
        """
        unwilling: dict[str, bytes] = {}
        for address, patience_s in self._tries(unwilling):
            number = self.random.getrandbits(16)
            sent = struct.pack("!H", number) + message[2:]

            def is_right(heard: bytes, number: int = number) -> bool:
                return is_answer(heard, number, asked)

            way = self._by_stream if by_stream else self._by_datagram
            trying = Deferred.fromCoroutine(way(address, sent, is_right))
            try:
                answer = await trying.addTimeout(patience_s, self.reactor)
            except (TimeoutError, *_UNREACHED):
                continue
            if code_of(answer) not in _UNWILLING:
                self._good = address
                return answer
            unwilling[address] = answer
        return next(iter(unwilling.values()), None)

    def _tries(self, unwilling: dict[str, bytes]) -> Iterator[tuple[str, float]]:
        """Going round, from the one that answered last."""
        resolvers = [*self.resolvers()]
        if self._good in resolvers:
            at = resolvers.index(self._good)
            resolvers = resolvers[at:] + resolvers[:at]
        for n, patience_s in enumerate(self.patience_s if resolvers else ()):
            address = resolvers[n % len(resolvers)]
            if address not in unwilling:
                yield address, patience_s

    async def _by_datagram(
        self, address: str, sent: bytes, is_right: IsAnswer
    ) -> bytes:
        once = _Once()

        def heard(what: bytes | OSError) -> None:
            if isinstance(what, OSError):
                once.say(Failure(what))
            elif is_right(what):
                once.say(what)

        port = self.open_port(address, self.port, heard)
        try:
            port.send(sent)
            return await once.said
        finally:
            port.close()

    async def _by_stream(self, address: str, sent: bytes, is_right: IsAnswer) -> bytes:
        kind: Any = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
        # It is given up from outside.
        endpoint = kind(self.reactor, address, self.port, timeout=None)
        try:
            protocol: Any = await endpoint.connect(_Streams(is_right))
        except ConnectingCancelledError:
            raise CancelledError from None
        try:
            protocol.sendString(sent)
            answer: bytes = await protocol.once.said
            return answer
        finally:
            protocol.transport.abortConnection()
