"""
Connections of TCP, as sockets that do not block; they are watched where all of
the trunk is.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from errno import EINPROGRESS
from select import EPOLLIN, EPOLLOUT
from typing import Protocol

from attrs import define
from twisted.internet.defer import Deferred

from euca_tw.common.in_thread import InThread
from euca_tw.vnet.trunk.link import Wire
from euca_tw.vnet.trunk.settings import Address
from euca_tw.vnet.trunk.watch import Watch

#: From linux/tcp.h: so much at most waits in the kernel that was not sent yet, so
#: that what is more urgent does not wait behind it.
_TCP_NOTSENT_LOWAT, _NOT_SENT = 25, 131072
_BACKLOG = 64
#: Of newcomers in one turn.
_ACCEPTED = 8


class Lines(Protocol):
    """The doors to the wide network."""

    def dial(self, address: Address, /) -> Awaitable[Wire]:
        """
        May be cancelled.

        @raise OSError: there is no way, or nobody there.
        """

    def listen(
        self, address: Address, arrived: Callable[[Wire, str], None], /
    ) -> Callable[[], None]:
        """
        Call C{arrived} with each newcomer and his address.

        @return: what ends it.
        @raise OSError: it cannot be.
        """


@define(eq=False)
class SocketLines:
    """L{Lines}, by the kernel."""

    _watch: Watch
    _in_thread: InThread

    async def dial(self, address: Address) -> Wire:
        def look_up() -> list[tuple[int, tuple[str, int]]]:
            found = socket.getaddrinfo(
                address.host, address.port, type=socket.SOCK_STREAM
            )
            return [(each[0], each[4][:2]) for each in found]  # type: ignore[misc]

        failure: OSError = OSError(f"{address.host} has no address")
        for family, where in await self._in_thread(look_up):
            try:
                return await self._connect(family, where)
            except OSError as error:
                failure = error
        raise failure

    def _connect(self, family: int, where: tuple[str, int]) -> Deferred[Wire]:
        def cancel(_: Deferred[Wire]) -> None:
            self._watch.drop(wire.fileno())
            wire.close()

        def happened(_: int) -> None:
            self._watch.drop(wire.fileno())
            code = wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                wire.close()
                connected.errback(OSError(code, os.strerror(code)))
            else:
                _prepare(wire)
                connected.callback(wire)

        connected = Deferred[Wire](cancel)
        wire = socket.socket(family, socket.SOCK_STREAM)
        wire.setblocking(False)
        code = wire.connect_ex(where)
        if code not in (0, EINPROGRESS):
            wire.close()
            raise OSError(code, os.strerror(code))
        self._watch.add(wire.fileno(), EPOLLOUT, happened)
        return connected

    def listen(
        self, address: Address, arrived: Callable[[Wire, str], None]
    ) -> Callable[[], None]:
        door, spare = _open_door(address), _open_spare()

        def stop() -> None:
            self._watch.drop(door.fileno())
            door.close()
            os.close(spare)

        def happened(_: int) -> None:
            nonlocal spare
            for _ in range(_ACCEPTED):
                try:
                    wire, where = door.accept()
                except BlockingIOError:
                    return
                except OSError:
                    # He is gone again; or there are no descriptors left, and then
                    # he must not wait where he would be seen over and over.
                    os.close(spare)
                    with contextlib.suppress(OSError):
                        door.accept()[0].close()
                    spare = _open_spare()
                    return
                wire.setblocking(False)
                _prepare(wire)
                arrived(wire, str(where[0]))

        self._watch.add(door.fileno(), EPOLLIN, happened)
        return stop


def _open_spare() -> int:
    return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)


def _open_door(address: Address) -> socket.socket:
    """@raise OSError: it cannot be."""
    has_ipv6 = not address.host and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if has_ipv6 or ":" in address.host else socket.AF_INET
    door = socket.create_server(
        (address.host, address.port),
        family=family,
        backlog=_BACKLOG,
        dualstack_ipv6=has_ipv6,
    )
    door.setblocking(False)
    return door


def _prepare(wire: socket.socket) -> None:
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _NOT_SENT)
