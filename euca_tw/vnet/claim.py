"""
One daemon alone carries networks in a network namespace: two would take each other's
links for such as shall not be.

What is claimed is a name of a socket that is no file: the kernel has one for each
network namespace, and it is free again as soon as its holder has ended, however that
was.
"""

from __future__ import annotations

import errno
import socket
import struct
from pathlib import Path

from attrs import define

#: Beginning with a zero, it is no file's.
_NAME = b"\0euca_tw/networks"
_PEER = struct.Struct("3i")


class Claimed(Exception):
    """Another process has it; the text says which."""


@define(eq=False)
class Claim:
    """That of this network namespace."""

    _held: socket.socket | None = None

    def take(self) -> None:
        """
        Have it until L{drop}, or the end of this process.

        @raise Claimed:
        @raise OSError: it cannot be had at all.
        """
        made = socket.socket(socket.AF_UNIX)
        try:
            made.bind(_NAME)
            # Only of one who listens can it be told who he is.
            made.listen()
        except OSError as error:
            made.close()
            if error.errno != errno.EADDRINUSE:
                raise
            raise Claimed(_holder()) from None
        self._held = made

    def drop(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()


def _holder() -> str:
    """Who has it, for people."""
    try:
        with socket.socket(socket.AF_UNIX) as asking:
            # He answers nobody, so those who asked wait for ever; for another one
            # there may be no room, and that is not to be waited for.
            asking.setblocking(False)
            asking.connect(_NAME)
            told = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
            pid, _, _ = _PEER.unpack(told)
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "another process"
    ours = [
        word.decode(errors="replace") for word in words if word.startswith(b"euca-")
    ]
    return " ".join((*ours[:1], f"(process {pid})"))
