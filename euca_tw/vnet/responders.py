"""
DHCP, metadata and names on the bridges of managed networks.

Every bridge has the same address, 169.254.169.254; each socket is bound to its own
bridge, so who asks on one is never heard on another.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any

from attrs import Factory, define, frozen
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort
from zope.interface import implementer

from euca_tw.model.metadata import InstanceMetadata
from euca_tw.model.tokens import TokenMaker
from euca_tw.nodectl.interfaces import Lease
from euca_tw.vnet import dhcp_server
from euca_tw.vnet.dhcp import METADATA_ADDRESS
from euca_tw.vnet.interfaces import IResponders, NetworkFailed
from euca_tw.vnet.metadata import metadata_site
from euca_tw.vnet.names import listening
from euca_tw.vnet.names.server import NameServer

METADATA_PORT = 80
_BACKLOG = 50


@frozen
class Served:
    """@ivar index: of the bridge: another that is named so has another."""

    index: int
    ports: tuple[IListeningPort, ...]

    def close(self) -> Sequence[Deferred[Any]]:
        """Fire when all is closed; who waits for them may go."""
        return [maybeDeferred(each.stopListening) for each in self.ports]


@implementer(IResponders)
@define(eq=False)
class BridgeResponders:
    """
    @ivar _tokens: makes session tokens of the metadata service.
    @ivar _names: None: nobody is told names.
    """

    _reactor: Any
    _tokens: TokenMaker
    _names: NameServer | None = None
    _served: dict[str, Served] = Factory(dict)

    def serve(
        self,
        bridge: str,
        lease_of: Callable[[str], Lease | None],
        metadata_of: Callable[[str], InstanceMetadata | None],
        lease_at: Callable[[str], Lease | None],
    ) -> None:
        ports: list[IListeningPort] = []
        try:
            index = socket.if_nametoindex(bridge)
            served = self._served.get(bridge)
            if served is not None:
                if served.index == index:
                    return
                # What is bound to the old one hears nothing of the new.
                del self._served[bridge]
                served.close()
            responder = dhcp_server.DhcpResponder(
                METADATA_ADDRESS, lease_of, METADATA_ADDRESS if self._names else None
            )
            ports.append(dhcp_server.listen(self._reactor, bridge, responder))
            ports.append(self._listen(bridge, metadata_of))
            if self._names is not None:
                named = listening.listen(self._reactor, bridge, self._names, lease_at)
                ports.extend(named)
        except OSError as error:
            for port in ports:
                maybeDeferred(port.stopListening)
            raise NetworkFailed(
                f"DHCP, metadata and names cannot be served on {bridge}: {error}"
            ) from error
        self._served[bridge] = Served(index, tuple(ports))

    async def cease(self, bridge: str) -> None:
        served = self._served.pop(bridge, None)
        if served is not None:
            for closing in served.close():
                await closing

    def _listen(
        self, bridge: str, metadata_of: Callable[[str], InstanceMetadata | None]
    ) -> IListeningPort:
        """@raise OSError: there is no such bridge, or we may not."""
        site = metadata_site(self._reactor, metadata_of, self._tokens)
        with socket.socket(
            socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK
        ) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.setsockopt(
                socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode() + b"\0"
            )
            server.bind((str(METADATA_ADDRESS), METADATA_PORT))
            server.listen(_BACKLOG)
            port: IListeningPort = self._reactor.adoptStreamPort(
                server.fileno(), socket.AF_INET, site
            )
            return port
