"""DHCP on one bridge: the socket and who is answered on it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any
from weakref import WeakSet

from attrs import Factory, define, evolve
from twisted.internet.interfaces import IListeningPort, IReactorSocket
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger

from euca_tw.nodectl.interfaces import Lease
from euca_tw.vnet.bridge_port import BridgePort
from euca_tw.vnet.dhcp import (
    ANY,
    SERVER_PORT,
    Kind,
    destination,
    parse,
    reply,
    write,
)

_LONGEST_DATAGRAM = 2048


@define(eq=False, repr=False)
class DhcpResponder(DatagramProtocol):
    """
    @ivar _server: our own address on the bridge.
    @ivar _lease_of: the lease of a card by its MAC address; None for cards
        that are not ours, which get no answer.
    @ivar _names: where to ask for names, if a lease says nothing else.
    """

    _server: IPv4Address
    _lease_of: Callable[[str], Lease | None]
    _names: IPv4Address | None = None
    _told: WeakSet[Lease] = Factory(WeakSet)

    _log = Logger()

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """Answer, where an answer is due."""
        asked = parse(datagram)
        lease = None if asked is None else self._lease_of(asked.mac_address)
        if asked is None or lease is None:
            return
        told = lease
        if self._names is not None and not lease.nameservers:
            told = evolve(lease, nameservers=(str(self._names),))
        answer = reply(asked, told, self._server)
        if answer is None:
            return
        if answer.kind is Kind.ACK and lease not in self._told:
            # Once: a guest may ask as often as it likes.
            self._told.add(lease)
            self._log.info(
                "{instance_id} has its address {private_ip}",
                instance_id=lease.instance_id,
                private_ip=lease.private_ip,
            )
        assert self.transport is not None
        try:
            self.transport.write(write(answer), destination(answer))
        except OSError as error:
            # The bridge is going, or its queue is full: the client asks again.
            self._log.warn(
                "{instance_id} could not be answered: {error}",
                instance_id=lease.instance_id,
                error=error.strerror,
            )


def listen(
    reactor: IReactorSocket, bridge: str, responder: DhcpResponder
) -> IListeningPort:
    """
    Answer on C{bridge} and nowhere else.

    @raise OSError: there is no such bridge, the port is taken on it, or we
        are not root.
    """
    port = BridgePort(
        reactor,
        bridge,
        responder,
        address=ANY,
        number=SERVER_PORT,
        longest=_LONGEST_DATAGRAM,
    )
    port.startListening()
    return port
