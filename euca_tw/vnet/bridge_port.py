"""
A port of UDP on one bridge, where guests ask.

Twisted's own port reads on until it has so many bytes, or nothing more is there: who
sends empty datagrams as fast as they are read would have the whole daemon for
himself.  This one reads a few, and then others have their turn.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address
from typing import Any

from twisted.internet import udp
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger

#: Others wait while these are answered.
AT_ONCE = 16


class BridgePort(udp.Port):
    """It hears what comes by its bridge, and nothing else."""

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        bridge: str,
        protocol: DatagramProtocol,
        *,
        address: IPv4Address,
        number: int,
        longest: int,
    ) -> None:
        """
        @param address, number: where it listens.
        @param longest: of a datagram, in bytes; of a longer one that much is heard.
        """
        self._bridge = bridge
        self._made: socket.socket | None = None
        super().__init__(number, protocol, str(address), longest, reactor)

    def startListening(self) -> None:
        """
        @raise OSError: there is no such bridge, it has not that address, the port is
            taken, or we may not.
        """
        try:
            super().startListening()
        except CannotListenError as failed:
            if self._made is not None:
                self._made.close()
            raise failed.socketError from None

    def createInternetSocket(self) -> socket.socket:
        self._made = made = super().createInternetSocket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        made.setsockopt(
            socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._bridge.encode() + b"\0"
        )
        return made

    def doRead(self) -> None:
        for _ in range(AT_ONCE):
            try:
                datagram, where = self.socket.recvfrom(self.maxPacketSize)
            except (BlockingIOError, ConnectionRefusedError):
                return
            try:
                self.protocol.datagramReceived(datagram, where)
            except Exception:
                self._log.failure("A datagram by {bridge}", bridge=self._bridge)
