"""
A port of UDP from which one question goes out, to one address.

Twisted's own port says in the log that it was opened, and that it was closed: twice
for each name that a guest asks for.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from zope.interface import implementer

#: What may come by UDP.
_LONGEST_DATAGRAM = 65_535
#: Others wait while these are read.
_AT_ONCE = 16

#: Called with each datagram, or with what the kernel says of those that were sent.
Heard = Callable[[bytes | OSError], None]


@implementer(IReadDescriptor)
class QuestionPort:
    """
    Open from the start.  The kernel chooses its number, which nobody can guess, lets
    in what comes from that address alone, and says when nobody listens there.
    """

    def __init__(
        self, reactor: IReactorFDSet, address: str, port: int, heard: Heard
    ) -> None:
        """@raise OSError: there is no way to it, or no port to be had."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._reactor = reactor
        self._heard = heard
        self._is_open = True
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.connect((address, port))
        except OSError:
            self._socket.close()
            raise
        reactor.addReader(self)

    def send(self, datagram: bytes) -> None:
        """@raise OSError:"""
        self._socket.send(datagram)

    def close(self) -> None:
        """Nothing is heard any more; again, it is nothing."""
        if self._is_open:
            self._is_open = False
            self._reactor.removeReader(self)
            self._socket.close()

    def doRead(self) -> None:
        for _ in range(_AT_ONCE):
            if not self._is_open:
                return
            try:
                datagram = self._socket.recv(_LONGEST_DATAGRAM)
            except BlockingIOError:
                return
            except OSError as error:
                self._heard(error)
                return
            self._heard(datagram)

    def fileno(self) -> int:
        return self._socket.fileno()

    def logPrefix(self) -> str:
        return "names"

    def connectionLost(self, reason: Any) -> None:
        """So a reactor says that there is an error, if nothing was to be read."""
        if self._is_open:
            number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self.close()
            self._heard(OSError(number, os.strerror(number)))
