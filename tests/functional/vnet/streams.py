"""What guests say to each other while other things are done."""

from __future__ import annotations

import contextlib
import hashlib
import random
import select
import socket
import time
from collections.abc import Callable
from threading import Thread
from typing import Any, Protocol, Self

from attrs import define, field

from euca_tw.vnet.classes import ICMP
from tests.functional.vnet.guests import Guest, icmp, inside

_PORT = 4001
_ECHO = 8 << 8
_PERIOD_S = 0.01
_PATIENCE_S = 2.0


class Placed(Protocol):
    """@ivar pid: in whose namespace it is."""

    @property
    def pid(self) -> int: ...


def wait_for(is_so: Callable[[], bool], what: str, seconds: float = 30) -> float:
    """How long it took, in seconds."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


@define(eq=False)
class Stream:
    """
    A TCP connection of two guests, on which one says a lot.

    @ivar gap_s: the longest time in which nothing came.
    """

    sender: socket.socket
    receiver: socket.socket
    is_ending: bool = False
    sent: int = 0
    received: int = 0
    gap_s: float = 0.0
    trouble: list[str] = field(factory=list)
    _digests: list[Any] = field(factory=lambda: [hashlib.sha256(), hashlib.sha256()])
    _threads: list[Thread] = field(factory=list)

    @classmethod
    def open(cls, one: Placed, other: Placed, to: str, port: int = _PORT) -> Stream:
        door = inside(other.pid, lambda: socket.create_server((to, port)))
        sender = inside(one.pid, lambda: socket.create_connection((to, port), 10))
        receiver, _ = door.accept()
        door.close()
        return cls(sender, receiver)

    def start(self) -> None:
        for work in (self._send, self._receive):
            thread = Thread(target=self._guarded, args=(work,))
            thread.start()
            self._threads.append(thread)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            self.trouble.append(str(error))

    def _send(self) -> None:
        chance = random.Random(1)
        self.sender.settimeout(60)
        while not self.is_ending:
            piece = chance.randbytes(65536)
            self.sender.sendall(piece)
            self._digests[0].update(piece)
            self.sent += len(piece)
        self.sender.shutdown(socket.SHUT_WR)

    def _receive(self) -> None:
        self.receiver.settimeout(60)
        last = time.monotonic()
        while piece := self.receiver.recv(1 << 18):
            now = time.monotonic()
            self.gap_s, last = max(self.gap_s, now - last), now
            self._digests[1].update(piece)
            self.received += len(piece)

    def end(self) -> None:
        self.is_ending = True
        for thread in self._threads:
            thread.join()
        self.sender.close()
        self.receiver.close()

    def is_whole(self) -> bool:
        """Whether all that was sent came, as it was, in its order."""
        sent, received = (each.digest() for each in self._digests)
        return self.sent == self.received and sent == received


@define(eq=False)
class Pings:
    """
    A hundred a second, each of them a connection of its own to who follows these.

    @ivar lost: how many were not answered, once it has ended.
    """

    one: Guest
    other: Guest
    sent: int = 0
    lost: int = 0
    _is_ending: bool = False
    _thread: Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._thread = Thread(target=self._go)
        self._thread.start()

    def _go(self) -> None:
        answered: set[int] = set()
        with self.one.open(ICMP) as asking:
            asking.connect((self.other.address, 0))
            began = time.monotonic()
            while not self._is_ending:
                self.sent += 1
                # It may be that there is no way at all now.
                with contextlib.suppress(OSError):
                    asking.send(icmp(_ECHO, self.sent))
                self._hear(asking, answered, began + self.sent * _PERIOD_S)
            until = time.monotonic() + _PATIENCE_S
            while len(answered) < self.sent and time.monotonic() < until:
                self._hear(asking, answered, time.monotonic() + _PERIOD_S)
        self.lost = self.sent - len(answered)

    def _hear(self, asking: socket.socket, answered: set[int], until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            if not select.select([asking], [], [], left)[0]:
                return
            with contextlib.suppress(OSError):
                said = asking.recv(100)
                if said[20:22] == b"\0\0":
                    answered.add(int.from_bytes(said[24:26]))

    def end(self) -> Self:
        """It has."""
        self._is_ending = True
        self._thread.join()
        return self
