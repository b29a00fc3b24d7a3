"""
A socket to the kernel's rtnetlink: lists are asked, and many messages told at once.

It blocks.  What is said is L{euca_tw.vnet.rtnetlink}'s.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from attrs import define

from euca_tw.vnet.rtnetlink import ACK, HEADER, attributes

_SOL_NETLINK, _CAP_ACK, _EXT_ACK, _STRICT = 270, 10, 11, 12
_ERROR, _DONE = 2, 3
_HAS_TEXT = 0x200
#: Of a list: it was changed meanwhile.
_INTERRUPTED = 0x10
_TRIES = 10
_AT_ONCE_BYTES = 48 * 1024
_BUFFER_BYTES = 4 * 1024 * 1024
#: The kernel answers at once, or it hangs.
_PATIENCE_S = 60.0


class Wire(Protocol):
    """What is used of a socket."""

    def send(self, told: bytes, /) -> int: ...

    def recv(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


def open_netlink() -> NetlinkSocket:
    """@raise OSError: the kernel has no such thing."""
    made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    try:
        for option in (_CAP_ACK, _EXT_ACK, _STRICT):
            made.setsockopt(_SOL_NETLINK, option, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        made.settimeout(_PATIENCE_S)
        made.bind((0, 0))
    except OSError:
        made.close()
        raise
    return NetlinkSocket(made)


@define(eq=False)
class NetlinkSocket:
    """A context that closes it; what fails in one raises L{OSError}."""

    _wire: Wire
    _sequence: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._wire.close()

    def list(self, asked: bytes) -> Sequence[bytes]:
        """
        Each answer whole, its header included.  If something was changed while
        it was listed, it may have been passed over, so all is listed once more.
        """
        for _ in range(_TRIES):
            answers = self._listed(asked)
            if answers is not None:
                return answers
        raise OSError(
            errno.EAGAIN, "they change while they are listed, again and again"
        )

    def _listed(self, asked: bytes) -> Sequence[bytes] | None:
        self._wire.send(self._numbered(asked))
        answers: list[bytes] = []
        is_whole = True
        while True:
            for kind, sequence, answer in self._received():
                if sequence != self._sequence:
                    continue
                _, _, flags, _, _ = HEADER.unpack_from(answer)
                is_whole = is_whole and not flags & _INTERRUPTED
                if kind == _DONE:
                    return answers if is_whole else None
                if kind == _ERROR:
                    raise _os_error(answer)
                answers.append(answer)

    def tell(self, messages: Sequence[bytes]) -> Mapping[int, OSError]:
        """@return: what failed, by its place in C{messages}."""
        failed: dict[int, OSError] = {}
        for first, part in _parts(messages):
            begin = self._sequence + 1
            # Of what goes well, only the last is answered.
            numbered = [self._numbered(each) for each in part[:-1]]
            numbered.append(self._numbered(part[-1], ACK))
            self._wire.send(b"".join(numbered))
            for sequence, error in self._answers():
                failed[first + sequence - begin] = error
        return failed

    def _numbered(self, told: bytes, flags: int = 0) -> bytes:
        self._sequence += 1
        length, kind, had, _, _ = HEADER.unpack_from(told)
        header = HEADER.pack(length, kind, had | flags, self._sequence, 0)
        return header + told[HEADER.size :]

    def _answers(self) -> Iterator[tuple[int, OSError]]:
        """What failed, by number, until the last is answered."""
        while True:
            for kind, sequence, answer in self._received():
                if kind != _ERROR:
                    continue
                error = _os_error(answer)
                if error.errno:
                    yield sequence, error
                if sequence == self._sequence:
                    return

    def _received(self) -> Iterator[tuple[int, int, bytes]]:
        got = self._wire.recv(1 << 18)
        offset = 0
        while offset + HEADER.size <= len(got):
            length, kind, _, sequence, _ = HEADER.unpack_from(got, offset)
            yield kind, sequence, got[offset : offset + length]
            offset += (length + 3) & ~3


def _parts(messages: Sequence[bytes]) -> Iterator[tuple[int, Sequence[bytes]]]:
    """Such as go at once, each with the place of its first."""
    first = size = 0
    for place, each in enumerate(messages):
        if size and size + len(each) > _AT_ONCE_BYTES:
            yield first, messages[first:place]
            first, size = place, 0
        size += len(each)
    if size:
        yield first, messages[first:]


def _os_error(answer: bytes) -> OSError:
    """What an answer says that is an error; number 0 if it is none."""
    _, _, flags, _, _ = HEADER.unpack_from(answer)
    (code,) = struct.unpack_from("=i", answer, HEADER.size)
    text = os.strerror(-code)
    if flags & _HAS_TEXT:
        for kind, value in attributes(answer, 2 * HEADER.size + 4):
            if kind == 1:
                text = f"{text}: {value.rstrip(bytes(1)).decode(errors='replace')}"
    return OSError(-code, text)
