"""
What a connection has still to send.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define

#: A longer answer is handed over in parts of that size, as the client takes them.
PART = 65536


def write_at_once(transport: Any, is_plain: bool, data: bytes) -> None:
    """
    Write an answer without waiting for the reactor to find the connection
    writable: it nearly always is, and to ask costs as much as a small answer
    does.  What it does not take now goes the usual way, and so does all that
    comes while some of that waits.

    @param is_plain: the transport is a TCP connection, and no other.
    """
    if is_plain and not (transport.dataBuffer or transport._tempDataBuffer):
        taken = transport.writeSomeData(data)
        # What is no number is a connection that was lost.
        data = data[taken:] if isinstance(taken, int) else data
    if data:
        transport.write(data)


def unsent(transport: Any) -> int:
    """
    How many bytes wait in a transport for the client to take others.  Not those
    that are in the kernel; nor any of a transport that does not tell, as tests'.
    """
    waiting: int = getattr(transport, "_tempDataLen", 0)
    waiting += len(getattr(transport, "dataBuffer", b""))
    waiting -= getattr(transport, "offset", 0)
    # Of TLS: what it could not encrypt yet, and what the connection below has.
    waiting += sum(map(len, getattr(transport, "_appSendBuffer", ())))
    below = getattr(transport, "transport", None)
    return waiting if below is None else waiting + unsent(below)


@define(eq=False)
class LongAnswer:
    """
    A body that is there as a whole, on its way.

    @ivar done: called when all of it is handed over.
    """

    _rest: memoryview
    done: Callable[[], object]

    def part(self) -> bytes:
        """The next one; empty after the last."""
        part, self._rest = self._rest[:PART], self._rest[PART:]
        return bytes(part)


__all__ = ["PART", "LongAnswer", "unsent", "write_at_once"]
