"""
What one console says, as libvirt streams it.

In the thread of libvirt's events, and so of nothing else there: what is called
must return at once.  libvirt keeps all that a daemon sends it until somebody
takes it, however much that is: so it is always taken, and thrown away if nobody
wants more, until the stream is closed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from attrs import define, field

#: libvirt's numbers: a stream whose calls return at once, and what is told of it.
NONBLOCK = 1
_READABLE, _ERROR, _HANGUP = 1, 4, 8
#: What is returned when there is nothing now.
_NOTHING_NOW = -2
#: Of one stream before others have their turn, at most this many pieces.
_PIECE_BYTES, _PIECES = 1 << 16, 8


@define(eq=False)
class ConsoleStream:
    """
    @ivar stream: a stream of libvirt's that a console was opened on.
    @ivar errors: what its methods raise.
    @ivar heard: called with what it says; returns whether more is wanted.
    @ivar ended: called once: it says no more, or more than was wanted.
    """

    _stream: Any
    _errors: type[Exception]
    _heard: Callable[[bytes], bool]
    _ended: Callable[[], None]
    _has_ended: bool = field(default=False, init=False)

    def begin(self) -> None:
        """Have it told what comes."""
        events = _READABLE | _ERROR | _HANGUP
        self._stream.eventAddCallback(events, self._changed, None)

    def close(self) -> None:
        """Hear no more.  In any thread; blocks until the daemon knows."""
        self._forget()
        with suppress(self._errors):
            self._stream.abort()
        self._end()

    def _changed(self, *ignored: Any) -> None:
        for _ in range(_PIECES):
            said: bytes | int
            try:
                said = self._stream.recv(_PIECE_BYTES)
            except self._errors:
                said = b""
            if isinstance(said, int) and said == _NOTHING_NOW:
                return
            if not said or isinstance(said, int):
                self._forget()
                self._end()
                return
            if not self._has_ended and not self._heard(said):
                self._end()

    def _forget(self) -> None:
        with suppress(self._errors):
            self._stream.eventRemoveCallback()

    def _end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._ended()
