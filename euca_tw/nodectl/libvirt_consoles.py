"""
The consoles that are listened to, by libvirt.

On a connection of their own: what guests say is not in the way of questions, nor
of the sign of life without which libvirtd hangs up.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from attrs import define, field

from euca_tw.nodectl.console_stream import NONBLOCK, ConsoleStream
from euca_tw.nodectl.interfaces import HypervisorUnavailable
from euca_tw.nodectl.libvirt_errors import asking, closing, is_alive, plain

try:
    import libvirt
except ImportError:  # a machine that runs no domains needs none
    libvirt = None


@define(eq=False)
class LibvirtConsoles:
    """
    May be used in any thread.

    @ivar open: a connection of libvirt's to the hypervisor.
    """

    _open: Callable[[], Any]
    _lock: Lock = field(factory=Lock, init=False)
    _connection: Any = field(default=None, init=False)
    _streams: set[ConsoleStream] = field(factory=set, init=False)

    def listen(
        self, name: str, heard: Callable[[bytes], bool], ended: Callable[[], None]
    ) -> ConsoleStream | None:
        """
        Be told, in libvirt's thread, what a domain's console says from now on.

        @param heard, ended: see L{ConsoleStream}.
        @return: to be closed; None: the domain does not run.
        @raise euca_tw.nodectl.interfaces.HypervisorUnavailable:
        """
        connection = self._connected()
        gone = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID)
        with asking(connection, *gone):
            handle = connection.lookupByName(name)
            opened = connection.newStream(NONBLOCK)
            handle.openConsole(None, opened, 0)
            stream = ConsoleStream(opened, libvirt.libvirtError, heard, ended)
            stream.begin()
            with self._lock:
                self._streams.add(stream)
            return stream
        return None

    def hush(self, stream: ConsoleStream) -> None:
        """Close it."""
        with self._lock:
            self._streams.discard(stream)
        stream.close()

    def close(self) -> None:
        """Of all of them no more is heard."""
        with self._lock:
            streams, self._streams = self._streams, set()
            connection, self._connection = self._connection, None
        for stream in streams:
            stream.close()
        if connection is not None:
            with closing():
                connection.close()

    def _connected(self) -> Any:
        with self._lock:
            if self._connection is not None and not is_alive(self._connection):
                with closing():
                    self._connection.close()
                self._connection = None
            if self._connection is None:
                try:
                    self._connection = self._open()
                    self._connection.setKeepAlive(5, 3)
                except libvirt.libvirtError as error:
                    raise HypervisorUnavailable(f"libvirt: {plain(error)}") from error
            return self._connection
