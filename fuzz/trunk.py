"""
What a head of another cluster says in the trunk, once it is let in: to what is
written to the networks' devices, passed on, and believed of the mesh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from attrs import Factory, define, field

from euca_tw.model.networks import ROUTER_MAC
from euca_tw.vnet.trunk.counters import Counters
from euca_tw.vnet.trunk.frames import (
    HEADER,
    LONGEST_FRAME,
    LONGEST_MESSAGE,
    SHORTEST_FRAME,
    VNET_HEADER,
    BadMessage,
    Carry,
    Hello,
    Kind,
    Ping,
    Pong,
    Reach,
    Word,
    cluster_id,
    frame_word,
    messages,
    write_word,
)
from euca_tw.vnet.trunk.link import Link
from euca_tw.vnet.trunk.pump import Port, Pump
from euca_tw.vnet.trunk.routes import Table
from euca_tw.vnet.trunk.watch import Watch
from fuzz.broken import Broken

NETWORK, ROUTER = 7, bytes((10, 0, 7, 1))
HERE, PEER, THIRD = (cluster_id(each) for each in "abc")
#: The one instance of each cluster.
MEMBERS: Mapping[str, bytes] = {each: b"\x02\0\0\0\0" + each.encode() for each in "abc"}
_OWN = MEMBERS["a"]
_AWAY = {MEMBERS["b"]: PEER, MEMBERS["c"]: THIRD}
_ROUTER = bytes.fromhex(ROUTER_MAC.replace(":", ""))


@define(eq=False)
class _Device:
    written: list[bytes] = Factory(list)

    def fileno(self) -> int:
        return 0

    def write(self, frame: memoryview, /) -> int:
        self.written.append(bytes(frame))
        return len(frame)


@define(eq=False)
class _Epoll:
    """Nothing is ever ready."""

    def register(self, fd: int, eventmask: int, /) -> None: ...
    def modify(self, fd: int, eventmask: int, /) -> None: ...
    def unregister(self, fd: int, /) -> None: ...
    def poll(self, timeout: float, maxevents: int, /) -> list[tuple[int, int]]:
        return []


@define(eq=False)
class _Line:
    """What a pump sees of a link."""

    peer: int
    counters: Counters = Factory(Counters)
    room: memoryview = Factory(lambda: memoryview(bytearray(8 * LONGEST_MESSAGE)))
    waiting: int = 0
    handled: int = 0
    is_full: bool = False
    is_over: bool = False


@define(eq=False)
class _Head:
    """One that carries a network, and passes frames on to a third."""

    away: Mapping[bytes, int]
    device: _Device = Factory(_Device)
    said: list[Word] = Factory(list)
    peer: _Line = Factory(lambda: _Line(PEER))
    third: _Line = Factory(lambda: _Line(THIRD))
    pump: Pump = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.pump = Pump(
            HERE,
            True,
            Watch(_Epoll()),
            lambda: 0.0,
            lambda _, word: self.said.append(word),
            lambda number, reason: None,
        )
        table = Table(
            here=frozenset({_OWN}),
            away=self.away,
            clusters=tuple(sorted(set(self.away.values()))),
            router=ROUTER,
        )
        self.pump.add(Port(NETWORK, cast(Any, self.device), table))
        link = cast(Link, self.third)
        self.pump.hops = {THIRD: (link, Kind.DIRECT)}

    def hear(self, parts: Sequence[bytes]) -> bool:
        """Whether all of it was a peer's."""
        held = bytearray()
        for part in parts:
            held += part
            plain = memoryview(bytearray(held))
            try:
                taken = self.pump.receive(cast(Link, self.peer), plain, len(held))
            except BadMessage:
                return False
            del held[:taken]
        return True

    def outcome(self) -> tuple[object, ...]:
        passed = bytes(self.third.room[: self.third.waiting])
        return self.device.written, self.said, passed


@define(eq=False)
class Heard:
    """
    A case begins with the place at which what follows is cut in two: what is heard
    is the same in one piece and in two.

    @ivar away: what the head believes of instances elsewhere.
    """

    away: Mapping[bytes, int] = Factory(lambda: _AWAY)

    def __call__(self, case: bytes) -> None:
        if len(case) < 2:
            return
        at, stream = 2 + int.from_bytes(case[:2]), case[2:]
        whole, halved = _Head(self.away), _Head(self.away)
        is_good = whole.hear([stream])
        if halved.hear([case[2:at], case[at:]]) != is_good:
            raise Broken("it depends on the pieces whether it is heard")
        if whole.outcome() != halved.outcome():
            raise Broken("it depends on the pieces what is heard")
        _check(whole, stream)


def _honest(stream: bytes) -> Iterator[bytes]:
    """The frames from whom they say that they are from."""
    at = 0
    while len(stream) - at >= HEADER.size:
        length, _, _, source = HEADER.unpack_from(stream, at)
        at += HEADER.size
        frame = stream[at : at + length]
        at += length
        says = frame[VNET_HEADER + 6 : VNET_HEADER + 12]
        if says == _ROUTER or _AWAY.get(says) == source:
            yield frame


def _check(head: _Head, stream: bytes) -> None:
    honest = set(_honest(stream))
    for frame in head.device.written:
        destination = frame[VNET_HEADER : VNET_HEADER + 6]
        if not SHORTEST_FRAME <= len(frame) <= LONGEST_FRAME:
            raise Broken(f"a guest is given {len(frame)} bytes")
        if frame not in honest:
            raise Broken("a guest is given what nobody may say")
        if destination != _OWN and not destination[0] & 1:
            raise Broken("a guest is given what is for others")
    for word in head.said:
        if len(write_word(word)) > LONGEST_MESSAGE:
            raise Broken("a word is longer than may be said")
    third = head.third
    for kind, _, destination, source, _, _ in messages(third.room, third.waiting):
        if (kind, destination, source) != (Kind.RELAYED, THIRD, PEER):
            raise Broken("it is passed on, and was not to be")


def _frame(kind: int, to: int, source: int, ethernet: bytes) -> bytes:
    frame = bytes(VNET_HEADER) + ethernet
    return HEADER.pack(len(frame), frame_word(kind, NETWORK), to, source) + frame


def by_trunk() -> Iterator[bytes]:
    """What honest heads say, and a little of what they do not."""
    said = [
        write_word(word)
        for word in (
            Hello(name="b", incarnation=1 << 63, takes_uso=True),
            Reach(frozenset({THIRD, 5})),
            Carry(frozenset({NETWORK, 1 << 23})),
            Carry(frozenset()),
            Ping(7),
            Pong(7),
        )
    ]
    kinds = (b"\x08\0" + bytes(46), b"\x08\x06" + bytes(24) + ROUTER)
    for kind, source in ((Kind.DIRECT, PEER), (Kind.RELAYED, THIRD)):
        name = "b" if source == PEER else "c"
        for destination in (_OWN, b"\xff" * 6):
            for rest in kinds:
                ethernet = destination + MEMBERS[name] + rest
                said.append(_frame(kind, HERE, source, ethernet))
    routed = _OWN + _ROUTER + kinds[0]
    said.append(_frame(Kind.DIRECT, HERE, PEER, routed))
    passed = MEMBERS["c"] + MEMBERS["b"] + kinds[0]
    said.append(_frame(Kind.TO_RELAY, THIRD, PEER, passed))
    said.append(_frame(Kind.DIRECT, HERE, PEER, _OWN + MEMBERS["c"] + kinds[0]))
    for each in said:
        yield b"\0\x09" + each
    yield b"\0\x28" + b"".join(said)
