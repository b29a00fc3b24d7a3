"""
One connection between two heads: a socket, TLS, and what waits on either side.

Whatever goes wrong with it ends it, and is told once to whom it belongs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from select import EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT
from typing import Protocol

from attrs import define, field

from euca_tw.vnet.trunk.counters import Counters
from euca_tw.vnet.trunk.frames import (
    HEADER,
    LENGTH_BYTES,
    LONGEST_MESSAGE,
    BadMessage,
    Word,
    write_word,
)
from euca_tw.vnet.trunk.records import RECORD, TAKEN
from euca_tw.vnet.trunk.tls import Sealed, TlsEnded, TlsFailed
from euca_tw.vnet.trunk.watch import Watch

#: So much may wait in plain text before frames for the peer are not taken.
MOST_WAITING = 256 * 1024
#: Words are taken beyond that; whoever lets so many wait is not there any more.
_MOST_WORDS = 128 * 1024
#: Of what the peer sent, received in one go.
CHUNK = 128 * 1024
#: Of messages, before others have their turn: each may cost the kernel its way to a
#: guest.
_MOST_HANDLED = 64


class Wire(Protocol):
    """What is used of a socket that does not block."""

    def fileno(self) -> int: ...
    def send(self, data: memoryview, /) -> int: ...
    def recv_into(self, buffer: memoryview, /) -> int: ...
    def close(self) -> None: ...


class Owner(Protocol):
    """Whom a link tells."""

    def opened(self, link: Link, /) -> None:
        """Hands are shaken: the peer's certificate may be asked for."""

    def received(self, link: Link, plain: memoryview, end: int, /) -> int:
        """
        Bytes of messages.

        @return: how many of them were whole messages.
        @raise BadMessage:
        """

    def lost(self, link: Link, reason: str, /) -> None:
        """It has ended; not told if that was by L{Link.end}."""


#: Who has not shown who he is gets no room for what he may say.
_NO_ROOM = memoryview(bytearray(0))


@define(eq=False)
class Link:
    """
    @ivar _scratch: for what is received; nothing is kept in it.
    @ivar is_dialler: whether it was us who connected.
    @ivar where: the peer's address, for people.
    @ivar peer: its cluster, once that is known; then C{counters} are its as well.
    @ivar room: what is to be sealed: so many bytes as are C{waiting}, and room.
    @ivar handled: how many messages came; for its owner to count.
    @ivar records_in, records_out: of TLS, about; a key is good for so many.
    @ivar has_said: whether anything came since it was last set to False.
    """

    _wire: Wire
    _watch: Watch
    _sealed: Sealed
    _owner: Owner
    _scratch: memoryview
    is_dialler: bool
    where: str
    peer: int = field(init=False, default=0)
    counters: Counters = field(init=False, factory=Counters)
    room: memoryview = field(init=False, default=_NO_ROOM)
    waiting: int = field(init=False, default=0)
    handled: int = field(init=False, default=0)
    records_in: int = field(init=False, default=0)
    records_out: int = field(init=False, default=0)
    has_said: bool = field(init=False, default=True)
    is_finished: bool = field(init=False, default=False)
    is_over: bool = field(init=False, default=False)
    _unsent: memoryview = field(init=False, default=_NO_ROOM)
    _mask: int = field(init=False, default=EPOLLIN)
    _plain: memoryview = field(init=False, default=_NO_ROOM)
    _opened: int = field(init=False, default=0)
    _has_more: bool = field(init=False, default=False)
    _is_sealed: bool = field(init=False, default=False)
    _worth: int = field(init=False, default=HEADER.size)

    @property
    def is_open(self) -> bool:
        """Whether hands are shaken."""
        return self._sealed.is_open

    @property
    def is_full(self) -> bool:
        """Whether it takes no more frames for now."""
        return self.waiting >= MOST_WAITING

    def start(self) -> None:
        """Begin to listen, and to talk if that is for us to do."""
        self._watch.add(self._wire.fileno(), self._mask, self._happened)
        self._guarded(self._shake_hands)

    def certificate(self) -> bytes:
        """The peer's (DER); of one that is open."""
        return self._sealed.peer_certificate()

    def say(self, word: Word) -> None:
        """Tell the peer, after all that waits."""
        message = write_word(word)
        after = self.waiting + len(message)
        if self.is_over or self.is_finished or not self.is_open:
            return
        if after > len(self.room) - LONGEST_MESSAGE:
            self.fail("it does not take what it is told")
            return
        self.room[self.waiting : after] = message
        self.waiting = after
        if not self._unsent:
            self.flush()
        # Else the watch tells when more can be sent, and who waits for that sees it.

    def flush(self) -> None:
        """Seal and send, as much as can be."""
        self._guarded(self._flush)

    def end(self) -> None:
        """It is not needed any more."""
        if self.is_over:
            return
        self._sealed.end()
        self._is_sealed = True
        with suppress(OSError):
            self._send()
        self._close()

    def finish(self) -> None:
        """Say no more, but hear what the peer has said until it ends; then fail."""
        if not self.is_over:
            self.is_finished = True
            self._guarded(self._finish)

    def _finish(self) -> None:
        if self.waiting:
            self._sealed.seal(self.room[: self.waiting])
            self.waiting = 0
        self._sealed.end()
        self._is_sealed = True
        self._send()

    def fail(self, reason: str) -> None:
        """It is as good as over: its owner is told so."""
        if not self.is_over:
            self._close()
            self._owner.lost(self, reason)

    def _happened(self, mask: int) -> None:
        if mask & EPOLLOUT:
            self.flush()
        if self._has_more:
            self._guarded(self._open)
        elif mask & (EPOLLIN | EPOLLERR | EPOLLHUP):
            self._guarded(self._receive)

    def _guarded(self, work: Callable[[], object]) -> None:
        if self.is_over:
            return
        try:
            work()
        except TlsEnded:
            self.fail("the other side ended it")
        except (TlsFailed, BadMessage) as error:
            self.fail(str(error))
        except OSError as error:
            self.fail(error.strerror or str(error))

    def _close(self) -> None:
        self.is_over = True
        self.waiting = 0
        self._watch.drop(self._wire.fileno())
        self._wire.close()

    def _shake_hands(self) -> None:
        try:
            is_done = self._sealed.shake_hands()
        finally:
            # What went wrong is told to the peer as well.
            self._is_sealed = True
            self._send()
        if is_done:
            self.room = memoryview(
                bytearray(MOST_WAITING + _MOST_WORDS + LONGEST_MESSAGE)
            )
            self._plain = memoryview(bytearray(LONGEST_MESSAGE + RECORD))
            self._owner.opened(self)

    def _receive(self) -> None:
        try:
            count = self._wire.recv_into(self._scratch)
        except BlockingIOError:
            return
        if not count:
            self.fail("the other side closed it")
            return
        self.has_said = True
        self._sealed.receive(self._scratch[:count])
        if not self.is_open:
            self._shake_hands()
        if self.is_open:
            self._open()

    def _open(self) -> None:
        """Pass on what was received, a record at a time; the rest next time."""
        plain, until, count = self._plain, self.handled + _MOST_HANDLED, 1
        while count and self.handled < until and not self.is_over:
            count = self._sealed.open_into(plain[self._opened :])
            self.records_in += 1
            self._opened = opened = self._opened + count
            if opened < self._worth:
                continue
            taken = self._owner.received(self, plain, opened)
            self._opened = rest = opened - taken
            if taken:
                plain[:rest] = plain[taken:opened]
            # Nothing is to be told until all of the next message is there.
            self._worth = HEADER.size
            if rest >= HEADER.size:
                self._worth += int.from_bytes(plain[:LENGTH_BYTES])
        self._has_more = count > 0
        self._look()

    def _flush(self) -> None:
        while self._send() and self.waiting:
            self._sealed.seal(self.room[: self.waiting])
            self._is_sealed = True
            self.records_out += self.waiting // RECORD + 1
            self.waiting = 0

    def _send(self) -> bool:
        """Whether all that was sealed is sent."""
        unsent, send = self._unsent, self._wire.send
        try:
            while unsent or self._is_sealed:
                if not unsent:
                    unsent = self._sealed.take()
                    self._is_sealed = len(unsent) == TAKEN
                unsent = unsent[send(unsent) :]
        except BlockingIOError:
            # Later.
            pass
        self._unsent = unsent
        self._look()
        return not unsent

    def _look(self) -> None:
        """Have the watch tell when there is something to do."""
        # A socket that takes more is ready at once: so there will be a next time,
        # in turn.  One that does not has been sent what it has to read first.
        wants_out = bool(self._unsent) or self._has_more
        mask = EPOLLIN | EPOLLOUT if wants_out else EPOLLIN
        if mask != self._mask and not self.is_over:
            self._mask = mask
            self._watch.change(self._wire.fileno(), mask)
