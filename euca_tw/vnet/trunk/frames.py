"""
What heads say to each other in the TLS stream: frames of networks, and a few
words about the mesh.

Pure.  A message is a header of 16 bytes and so many bytes as that says.  Of a
frame these are a C{virtio_net_hdr}, by which TCP segments of 64 KiB cross whole
and their checksums uncounted, and the Ethernet frame.  What does not read as one
of these ends the connection: between two that know each other there is no excuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from hashlib import sha256
from itertools import pairwise
from struct import Struct
from typing import TypeAlias

from attrs import frozen

from euca_tw.model.networks import TRANSIT_NUMBER

#: Of all that is said; heads of different versions do not talk.
VERSION = 1
#: Length of what follows; kind and network; destination, source (L{cluster_id}).
HEADER = Struct("!IIII")
LENGTH_BYTES = 4
#: Of the C{virtio_net_hdr}.
VNET_HEADER = 10
_ETHERNET = 14
SHORTEST_FRAME = VNET_HEADER + _ETHERNET
#: 64 KiB of IP, with a VLAN tag's worth to spare.
LONGEST_FRAME = VNET_HEADER + _ETHERNET + 4 + 65536
#: A message of the mesh has no need to be longer.
LONGEST_WORD = 65536
LONGEST_MESSAGE = HEADER.size + LONGEST_FRAME
MOST_NAMED = LONGEST_WORD // 4

_HELLO = Struct("!HHQ")
_PING = Struct("!Q")
_NAME_BYTES = 255


class Kind(IntEnum):
    """
    DIRECT: a frame from the sender to the receiver.  TO_RELAY: one that the
    receiver is asked to pass on.  RELAYED: one that was passed on, and never is
    again.  The others are words about the mesh, with network, destination and
    source 0.
    """

    DIRECT = 0
    TO_RELAY = 1
    RELAYED = 2
    HELLO = 16
    REACH = 17
    CARRY = 18
    PING = 19
    PONG = 20


@frozen(kw_only=True)
class Hello:
    """
    The first message each way.

    @ivar incarnation: random, of the process: who has another one now has
        forgotten the connections of before.
    @ivar takes_uso: whether its kernel takes segments of UDP that are yet to be
        cut.
    """

    name: str
    incarnation: int
    takes_uso: bool = False
    version: int = VERSION


@frozen
class Reach:
    """Those to whom the sender passes frames on."""

    clusters: frozenset[int]


@frozen
class Carry:
    """The numbers of the networks that the sender carries."""

    networks: frozenset[int]


@frozen
class Ping:
    """To be answered with the same token."""

    token: int


@frozen
class Pong:
    """@ivar token: of the L{Ping}."""

    token: int


Word: TypeAlias = Hello | Reach | Carry | Ping | Pong


class BadMessage(Exception):
    """What came is none of ours; the text says why."""


def cluster_id(name: str) -> int:
    """
    What stands for a cluster in headers: made of its name, so that nobody has to
    give out numbers.  Never 0.
    """
    return int.from_bytes(sha256(name.encode()).digest()[:4]) or 1


def frame_word(kind: int, network: int) -> int:
    """The second number of a frame's header."""
    return kind << 24 | network


def write_word(word: Word) -> bytes:
    """A message about the mesh, with its header."""
    match word:
        case Hello():
            kind = Kind.HELLO
            body = _HELLO.pack(word.version, word.takes_uso, word.incarnation)
            body += word.name.encode()
        case Reach():
            kind, body = Kind.REACH, _numbers(word.clusters)
        case Carry():
            kind, body = Kind.CARRY, _numbers(word.networks)
        case Ping():
            kind, body = Kind.PING, _PING.pack(word.token)
        case Pong():
            kind, body = Kind.PONG, _PING.pack(word.token)
    return HEADER.pack(len(body), kind << 24, 0, 0) + body


def _numbers(numbers: Iterable[int]) -> bytes:
    """As many as fit."""
    fit = sorted(numbers)[:MOST_NAMED]
    return b"".join(number.to_bytes(4) for number in fit)


def read_word(kind: int, body: bytes) -> Word:
    """
    @param kind: 16 or more.
    @raise BadMessage:
    """
    match kind:
        case Kind.HELLO:
            return _read_hello(body)
        case Kind.REACH:
            return Reach(_read_numbers(body, 1, 0xFFFFFFFF))
        case Kind.CARRY:
            return Carry(_read_numbers(body, 1, TRANSIT_NUMBER))
        case Kind.PING | Kind.PONG if len(body) == _PING.size:
            [token] = _PING.unpack(body)
            return Ping(token) if kind == Kind.PING else Pong(token)
    raise BadMessage(f"a message of kind {kind} with {len(body)} bytes")


def _read_hello(body: bytes) -> Hello:
    name = body[_HELLO.size :]
    if len(body) < _HELLO.size or not 1 <= len(name) <= _NAME_BYTES:
        raise BadMessage(f"a greeting of {len(body)} bytes")
    version, flags, incarnation = _HELLO.unpack_from(body)
    if version != VERSION:
        raise BadMessage(f"version {version} of the trunk; here is {VERSION}")
    if flags > 1:
        raise BadMessage(f"a greeting with flags {flags:#x}")
    try:
        text = name.decode()
    except UnicodeDecodeError:
        raise BadMessage("a greeting with no name in UTF-8") from None
    return Hello(name=text, incarnation=incarnation, takes_uso=bool(flags))


def _read_numbers(body: bytes, low: int, high: int) -> frozenset[int]:
    if len(body) % 4:
        raise BadMessage(f"a list of numbers of {len(body)} bytes")
    numbers = [int.from_bytes(body[at : at + 4]) for at in range(0, len(body), 4)]
    if any(not low <= number <= high for number in numbers):
        raise BadMessage("a list with a number out of range")
    if any(a >= b for a, b in pairwise(numbers)):
        raise BadMessage("a list that is not in order")
    return frozenset(numbers)


#: The bits of a network's number.
_NUMBER = (1 << 24) - 1
#: Kind, network, destination, source; where what follows the header starts and
#: ends.
Message: TypeAlias = tuple[int, int, int, int, int, int]


def messages(received: bytearray | memoryview, end: int) -> Iterator[Message]:
    """
    The whole messages in the first C{end} bytes, in order.

    @raise BadMessage: the next one is none; those before it were good.
    """
    at, unpack, size = 0, HEADER.unpack_from, HEADER.size
    while end - at >= size:
        length, word, destination, source = unpack(received, at)
        kind, network = word >> 24, word & _NUMBER
        check_header(length, kind, network, destination, source)
        start = at + size
        at = start + length
        if at > end:
            return
        yield kind, network, destination, source, start, at


def check_header(
    length: int, kind: int, network: int, destination: int, source: int
) -> None:
    """@raise BadMessage: there is no such message."""
    if kind <= Kind.RELAYED:
        if not SHORTEST_FRAME <= length <= LONGEST_FRAME:
            raise BadMessage(f"a frame of {length} bytes")
        if not (network and destination and source):
            raise BadMessage("a frame of no network, from or to nobody")
    elif not Kind.HELLO <= kind <= Kind.PONG:
        raise BadMessage(f"a message of kind {kind}")
    elif length > LONGEST_WORD or network or destination or source:
        raise BadMessage(f"a message of kind {kind} that says too much")
