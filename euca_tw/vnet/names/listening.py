"""
DNS on one bridge: the sockets, and who is answered on them.

Only instances of this machine that are on the bridge, by the address that they ask
from; the bridge sees to it that nobody asks from another's.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.error import MessageLengthError
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.internet.protocol import DatagramProtocol, Factory
from twisted.names import dns
from twisted.protocols.basic import Int16StringReceiver
from twisted.protocols.policies import TimeoutMixin

from euca_tw.common.background import Background
from euca_tw.common.connections import (
    Place,
    TooManyConnections,
)
from euca_tw.nodectl.interfaces import Lease
from euca_tw.vnet.bridge_port import BridgePort
from euca_tw.vnet.dhcp import METADATA_ADDRESS
from euca_tw.vnet.names.server import NameServer

#: A question is hardly longer than a name.
LONGEST_QUESTION = 4096
#: RFC 7766 has seconds; a guest asks and goes.
IDLE_S = 10.0
#: Of what comes by a connection; others wait while it is answered.
AT_ONCE = 8
_BACKLOG = 50

#: Who is there, by private address.
LeaseAt = Callable[[str], Lease | None]


@define(eq=False, repr=False)
class NameDatagrams(DatagramProtocol):
    """By UDP."""

    _names: NameServer
    _lease_at: LeaseAt
    _background: Background = field(factory=Background)

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        lease = self._lease_at(addr[0])
        if lease is not None:
            self._background.run(
                f"answering {lease.instance_id} for names",
                self._answer(datagram, lease.instance_id, addr),
            )

    async def _answer(self, datagram: bytes, instance_id: str, addr: Any) -> None:
        answer = await self._names.answer(datagram, instance_id, by_stream=False)
        if answer is None or self.transport is None:
            return
        try:
            self.transport.write(answer, addr)
        except (OSError, MessageLengthError):
            # The bridge is going, or its queue is full: who still wants it asks again.
            return

    def stopProtocol(self) -> None:
        self._background.stop()


class NameStream(Int16StringReceiver, TimeoutMixin):
    """
    One connection.

    @ivar _is_deaf: answers wait for it.
    @ivar _rest: until others have had their turn.
    """

    MAX_LENGTH = LONGEST_QUESTION
    factory: NameStreams
    _place: Place | None = None
    _is_deaf = False
    _count = 0
    _rest: IDelayedCall | None = None

    def connectionMade(self) -> None:
        transport: Any = self.transport
        self._host = transport.getPeer().host
        self._background = Background()
        clock = self.factory.names.clock
        try:
            if self.factory.lease_at(self._host) is None:
                raise TooManyConnections
            self._place = self.factory.names.connections.enter(
                self._host, transport.abortConnection, clock.seconds()
            )
        except TooManyConnections:
            transport.abortConnection()
            return
        # Who does not take its answers is not read from.
        transport.registerProducer(self, True)
        self.setTimeout(IDLE_S)

    def pauseProducing(self) -> None:
        """Its answers are not taken."""
        self._is_deaf = True
        self._look()

    def resumeProducing(self) -> None:
        """They are again."""
        self._is_deaf = False
        self._look()

    def _take_turns(self) -> None:
        self._count += 1
        if not self._count % AT_ONCE and self._rest is None:
            self._rest = self.factory.names.clock.callLater(0, self._rested)
            self._look()

    def _rested(self) -> None:
        self._rest = None
        self._look()

    def _look(self) -> None:
        """Whether more is to be heard."""
        shall_pause = self._is_deaf or self._rest is not None
        if shall_pause and not self.paused:
            super().pauseProducing()
        elif self.paused and not shall_pause:
            super().resumeProducing()

    def stringReceived(self, string: bytes) -> None:
        self._take_turns()
        lease = self.factory.lease_at(self._host)
        transport: Any = self.transport
        if lease is None or self._place is None:
            transport.abortConnection()
            return
        self.resetTimeout()
        names = self.factory.names
        names.connections.idle(self._place, names.clock.seconds())
        self._background.run(
            f"answering {lease.instance_id} for names",
            self._answer(string, lease.instance_id),
        )

    async def _answer(self, string: bytes, instance_id: str) -> None:
        names = self.factory.names
        answer = await names.answer(string, instance_id, by_stream=True)
        if answer is not None:
            self.sendString(answer)

    def callLater(self, period: float, func: Any) -> Any:
        return self.factory.names.clock.callLater(period, func)

    def lengthLimitExceeded(self, length: int) -> None:
        self.timeoutConnection()

    def timeoutConnection(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Any = None) -> None:
        self.setTimeout(None)
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        self._background.stop()
        if self._place is not None:
            self.factory.names.connections.leave(self._place)


@define(eq=False, repr=False)
class NameStreams(Factory):
    """By TCP."""

    names: NameServer
    lease_at: LeaseAt

    protocol: Any = NameStream
    noisy = False


def listen(
    reactor: Any, bridge: str, names: NameServer, lease_at: LeaseAt
) -> tuple[IListeningPort, ...]:
    """
    Answer on C{bridge}, at the metadata service's address, and nowhere else.

    @param reactor: takes sockets.
    @raise OSError: there is no such bridge, it has not that address, the port is
        taken, or we may not; the text says what to do.
    """
    try:
        return _listen(reactor, bridge, names, lease_at)
    except OSError as error:
        reason = (
            f"names, at {METADATA_ADDRESS} port {dns.PORT}: {error.strerror} (where "
            "another name server has it, end that, or set serves_names = false in "
            "[node_controller])"
        )
        raise OSError(reason) from error


def _listen(
    reactor: Any, bridge: str, names: NameServer, lease_at: LeaseAt
) -> tuple[IListeningPort, ...]:
    with _bound(bridge) as stream:
        stream.listen(_BACKLOG)
        datagrams = BridgePort(
            reactor,
            bridge,
            NameDatagrams(names, lease_at),
            address=METADATA_ADDRESS,
            number=dns.PORT,
            longest=LONGEST_QUESTION,
        )
        datagrams.startListening()
        streams = reactor.adoptStreamPort(
            stream.fileno(), socket.AF_INET, NameStreams(names, lease_at)
        )
        return streams, datagrams


def _bound(bridge: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(
            socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode() + b"\0"
        )
        made.bind((str(METADATA_ADDRESS), dns.PORT))
    except OSError:
        made.close()
        raise
    return made
