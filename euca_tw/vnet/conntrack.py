"""
Forgetting the connections of addresses that are somebody else's now.

A connection that is known goes on as it began: to the instance that had its
address, by the rules of that time.  When an address changes hands that would be
wrong, for good if only one side keeps talking.  So the kernel is told to forget
it; the next packet is judged as a first one.

By the kernel's own messages (C{nfnetlink_conntrack}), for there is no program
that is always there.  It blocks: for a thread.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Collection, Iterator
from contextlib import closing
from ipaddress import IPv4Address

from euca_tw.vnet.interfaces import NetworkFailed

_NETLINK_NETFILTER = 12
_GET, _DELETE = (1 << 8) | 1, (1 << 8) | 2
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
#: Attributes: of a connection, of a direction's tuple, of its addresses.
_ORIGINAL, _REPLY, _ID, _ZONE = 1, 2, 12, 18
_ADDRESSES = 1
_SOURCE, _DESTINATION = 1, 2
_NESTED = 0x8000
_KIND = 0x3FFF

_MESSAGE = struct.Struct("=IHHII")
_FAMILY = struct.Struct("=BBH")
_ATTRIBUTE = struct.Struct("=HH")
_LARGEST = 1 << 16


def forget(addresses: Collection[IPv4Address]) -> int:
    """
    Forget all connections to or from any of the addresses, as either side sees
    them.

    @return: how many.
    @raise NetworkFailed: the kernel did not list them.
    """
    packed = {address.packed for address in addresses}
    if not packed:
        return 0
    count = 0
    try:
        with closing(_open()) as channel:
            for tuples in [*_concerned(channel, packed)]:
                count += _delete(channel, tuples)
    except OSError as error:
        raise NetworkFailed(
            f"connections of addresses that moved cannot be forgotten: {error}"
        ) from None
    return count


def _open() -> socket.socket:
    channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    channel.settimeout(10.0)
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    channel.bind((0, 0))
    return channel


def _concerned(channel: socket.socket, packed: set[bytes]) -> Iterator[bytes]:
    """What names each connection that has one of those addresses on any side."""
    channel.send(_request(_GET, _REQUEST | _DUMP, b""))
    while True:
        for kind, body in _messages(channel.recv(_LARGEST)):
            if kind == _DONE:
                return
            if kind == _ERROR:
                (code,) = struct.unpack_from("=i", body)
                raise OSError(-code, os.strerror(-code))
            whole = body[_FAMILY.size :]
            # Most are others': to look for the bytes is much quicker than to read.
            if not any(each in whole for each in packed):
                continue
            attributes = dict(_attributes(whole))
            if _sides(attributes).isdisjoint(packed):
                continue
            yield b"".join(
                _attribute(which | (_NESTED if which == _ORIGINAL else 0), value)
                for which in (_ORIGINAL, _ID, _ZONE)
                if (value := attributes.get(which)) is not None
            )


def _sides(attributes: dict[int, bytes]) -> set[bytes]:
    """The addresses of both directions."""
    found: set[bytes] = set()
    for direction in (_ORIGINAL, _REPLY):
        parts = dict(_attributes(attributes.get(direction, b"")))
        addresses = dict(_attributes(parts.get(_ADDRESSES, b"")))
        found |= {addresses.get(side, b"") for side in (_SOURCE, _DESTINATION)}
    return found


def _delete(channel: socket.socket, names: bytes) -> int:
    channel.send(_request(_DELETE, _REQUEST | _ACK, names))
    for kind, body in _messages(channel.recv(_LARGEST)):
        if kind == _ERROR:
            (code,) = struct.unpack_from("=i", body)
            # One that is gone by itself is gone.
            return int(code == 0)
    return 0


def _request(kind: int, flags: int, attributes: bytes) -> bytes:
    body = _FAMILY.pack(socket.AF_INET, 0, 0) + attributes
    return _MESSAGE.pack(_MESSAGE.size + len(body), kind, flags, 0, 0) + body


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _MESSAGE.size <= len(data):
        length, kind, *_ = _MESSAGE.unpack_from(data, at)
        yield kind, data[at + _MESSAGE.size : at + length]
        at += max(_MESSAGE.size, length + 3 & ~3)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        yield kind & _KIND, data[at + _ATTRIBUTE.size : at + length]
        at += max(_ATTRIBUTE.size, length + 3 & ~3)


def _attribute(kind: int, value: bytes) -> bytes:
    padding = bytes(-len(value) % 4)
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + padding
