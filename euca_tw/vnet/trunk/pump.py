"""
What moves frames between TAP devices and links.

Theory of operation: devices and sockets are in an epoll of the trunk's own, and
the reactor watches only that epoll's descriptor, so what the reactor costs is paid
once a burst and not once a frame.  In each round the kernel names a few that are
ready, in turn; what is read from devices goes at once into the room of the link
that it is for, and is sealed and sent in one go at the round's end.

Where a peer is full, devices of which all peers are full are not read: their short
queues drop in the kernel, before the trunk, and so the TCP inside slows down.  A
device that has a peer with room is read, and what is for a full one is dropped
here: none waits for another's.

Each network may send as many bytes as each other.  No turn takes long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from select import EPOLLIN
from typing import Protocol

from attrs import define, field

from euca_tw.vnet.trunk.counters import Counters
from euca_tw.vnet.trunk.frames import (
    HEADER,
    LONGEST_FRAME,
    SHORTEST_FRAME,
    VNET_HEADER,
    Kind,
    Word,
    frame_word,
    messages,
    read_word,
)
from euca_tw.vnet.trunk.link import MOST_WAITING, Link
from euca_tw.vnet.trunk.routes import (
    HEAD,
    HEAD_OF_ARRIVED,
    Fate,
    Hop,
    Table,
    destinations,
    fate,
    is_welcome,
)
from euca_tw.vnet.trunk.watch import Watch

#: How long a turn of the reactor is used, about.
TURN_S = 0.003
#: So many of those that are ready are named at a time: none of them waits long,
#: and the kernel lets them take turns.
_NAMED = 2
#: What a network may send in a round, at least; and what a frame counts beside
#: its bytes, so that small ones have a price.
_QUOTA, _FRAME_COUNTS = 65536, 512
_FRAME_AT = HEADER.size


class Device(Protocol):
    """What is used of a TAP device."""

    def fileno(self) -> int: ...
    def close(self) -> None: ...
    def leave_uncut(self, *, with_uso: bool) -> None: ...

    def readinto(self, room: memoryview, /) -> int | None:
        """
        A frame; None if there is none.

        @raise OSError: the device is gone.
        """

    def write(self, frame: memoryview, /) -> int | None:
        """
        None if it was not taken, for now.

        @raise OSError: it was not taken.
        """


@define(eq=False)
class Port:
    """
    A network's end here.

    @ivar links: those that any of its frames may go to.
    @ivar likely: of these, the one that the last went to.
    @ivar credit: bytes that it may still send before it is others' turn, kept
        where it was held up; less than none if it has sent more.
    """

    number: int
    device: Device
    table: Table
    counters: Counters = field(factory=Counters)
    links: tuple[Link, ...] = ()
    likely: Link | None = None
    credit: int = 0


@define(eq=False)
class Pump:
    """
    @ivar here: the cluster.
    @ivar hops: the way to each cluster, and what frames for it are marked as.
    @ivar passes_on: whether frames of two others may go by here.
    @ivar _said: told a peer's word about the mesh.
    @ivar _gone: told of a network whose device is gone, and why.
    """

    here: int
    passes_on: bool
    _watch: Watch
    _seconds: Callable[[], float]
    _said: Callable[[Link, Word], object]
    _gone: Callable[[int, str], object]
    ports: dict[int, Port] = field(init=False, factory=dict)
    hops: dict[int, tuple[Link, int]] = field(init=False, factory=dict)
    _ready: list[Port] = field(init=False, factory=list)
    _paused: dict[Port, None] = field(init=False, factory=dict)
    _filled: dict[Link, None] = field(init=False, factory=dict)

    def add(self, port: Port) -> None:
        """Carry a network."""
        self.ports[port.number] = port
        self._watch.add(
            port.device.fileno(), EPOLLIN, lambda _: self._ready.append(port)
        )
        self._find_links(port)

    def remove(self, number: int) -> Port:
        """Carry it no more; its device is left open."""
        port = self.ports.pop(number)
        self._paused.pop(port, None)
        self._watch.drop(port.device.fileno())
        return port

    def change(self, number: int, table: Table) -> None:
        """From now on, its frames go by that."""
        port = self.ports[number]
        port.table = table
        self._find_links(port)
        self._resume()

    def direct(self, hops: Mapping[int, Hop], links: Mapping[int, Link]) -> None:
        """
        From now on, go these ways.

        @param links: by cluster; those that C{hops} names, at least.
        """
        self.hops = {
            cluster: (links[hop.cluster], hop.kind) for cluster, hop in hops.items()
        }
        for port in self.ports.values():
            self._find_links(port)
        self._resume()

    def _find_links(self, port: Port) -> None:
        hops = (self.hops.get(cluster) for cluster in port.table.clusters)
        port.links = tuple(dict.fromkeys(hop[0] for hop in hops if hop))
        port.likely = None

    def turn(self) -> None:
        """Move what there is to move, but not for long."""
        until = self._seconds() + TURN_S
        while self._watch.look(_NAMED):
            ready, self._ready = self._ready, []
            for port in ready:
                # One that is alone may fill the room, for that is sealed at once.
                self._fill(port, max(_QUOTA, MOST_WAITING // len(ready)))
            self.flush()
            if self._seconds() >= until:
                return

    def flush(self) -> None:
        """Send what was put into links; go on with devices that waited for it."""
        filled, self._filled = self._filled, {}
        for link in filled:
            link.flush()
        if self._paused:
            self._resume()

    def _fill(self, port: Port, quota: int) -> None:
        """Read from its device into the links' rooms."""
        if port.credit <= 0:
            port.credit += quota
        read, counters = port.device.readinto, port.counters
        while port.credit > 0:
            link = port.likely
            if link is None or link.is_full:
                link = next((one for one in port.links if not one.is_full), None)
                if link is None:
                    self._pause(port)
                    return
                port.likely = link
            at, room = link.waiting + _FRAME_AT, link.room
            try:
                size = read(room[at : at + LONGEST_FRAME])
            except OSError as error:
                self._lose(port, error)
                return
            if size is None:
                port.credit = 0
                return
            port.credit -= size + _FRAME_COUNTS
            if not SHORTEST_FRAME <= size <= LONGEST_FRAME:
                continue
            frame = room[at : at + size]
            head = bytes(frame[VNET_HEADER : VNET_HEADER + HEAD])
            for cluster in destinations(port.table, head):
                hop = self.hops.get(cluster)
                if hop is None:
                    counters.nowhere += 1
                    continue
                to, kind = hop
                if self._put(to, kind, port.number, cluster, self.here, frame):
                    counters.frames_out += 1
                    counters.bytes_out += size
                    port.likely = to
                else:
                    counters.full += 1

    def _put(
        self,
        link: Link,
        kind: int,
        network: int,
        destination: int,
        source: int,
        frame: memoryview,
    ) -> bool:
        """
        Whether there was room.

        @param frame: it may be where it belongs already.
        """
        if link.is_full:
            link.counters.full += 1
            return False
        at, size = link.waiting, len(frame)
        start = at + _FRAME_AT
        word = frame_word(kind, network)
        HEADER.pack_into(link.room, at, size, word, destination, source)
        # Where it is in place, that is a memmove() onto itself, and costs nothing.
        link.room[start : start + size] = frame
        link.waiting = start + size
        link.counters.frames_out += 1
        link.counters.bytes_out += size
        self._filled[link] = None
        return True

    def _pause(self, port: Port) -> None:
        self._paused[port] = None
        self._watch.change(port.device.fileno(), 0)

    def _resume(self) -> None:
        for port in list(self._paused):
            if any(not link.is_full for link in port.links):
                del self._paused[port]
                self._watch.change(port.device.fileno(), EPOLLIN)

    def _lose(self, port: Port, error: OSError) -> None:
        self.remove(port.number).device.close()
        self._gone(port.number, error.strerror or str(error))

    def receive(self, link: Link, plain: memoryview, end: int) -> int:
        """
        What came from a peer.

        @return: how many bytes were whole messages.
        @raise BadMessage:
        """
        taken = 0
        for kind, network, destination, source, start, stop in messages(plain, end):
            frame = plain[start:stop]
            taken = stop
            link.handled += 1
            if kind > Kind.RELAYED:
                self._said(link, read_word(kind, bytes(frame)))
                if link.is_over:
                    break
                continue
            match fate(self.here, link.peer, kind, destination, source):
                case Fate.DELIVER:
                    self._deliver(link, network, source, frame)
                case Fate.PASS_ON:
                    self._pass_on(link, network, destination, source, frame)
                case _:
                    link.counters.unwelcome += 1
        return taken

    def _deliver(
        self, link: Link, network: int, source: int, frame: memoryview
    ) -> None:
        port = self.ports.get(network)
        head = bytes(frame[VNET_HEADER : VNET_HEADER + HEAD_OF_ARRIVED])
        if port is None or not is_welcome(port.table, source, head):
            link.counters.unwelcome += 1
            return
        try:
            taken = port.device.write(frame)
        except OSError:
            # The device is down, or the header is nonsense.
            taken = None
        if taken is None:
            port.counters.unwritten += 1
            return
        for counters in (link.counters, port.counters):
            counters.frames_in += 1
            counters.bytes_in += len(frame)

    def _pass_on(
        self,
        link: Link,
        network: int,
        destination: int,
        source: int,
        frame: memoryview,
    ) -> None:
        hop = self.hops.get(destination)
        if hop is None or hop[1] != Kind.DIRECT or not self.passes_on:
            link.counters.nowhere += 1
        elif self._put(hop[0], Kind.RELAYED, network, destination, source, frame):
            link.counters.passed_on += 1
