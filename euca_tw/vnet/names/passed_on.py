"""
Others' answers, as far as one must read them who passes them on and keeps them.

Pure.  As of questions, nothing in them is decoded: what is looked for is whether one
answers a question, and how long it holds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from attrs import frozen
from twisted.names import dns

from euca_tw.vnet.names.messages import (
    AUTHORITATIVE,
    HEADER,
    OPCODE,
    RCODE,
    RESPONSE,
    TRUNCATED,
    Asked,
    Malformed,
    records,
)

_LIFETIME = struct.Struct("!I")


def code_of(message: bytes) -> int:
    """What an answer says of how it went; without what options add."""
    return message[3] & RCODE


def is_truncated(message: bytes) -> bool:
    return bool(message[2] & TRUNCATED >> 8)


def is_answer(message: bytes, number: int, asked: Asked) -> bool:
    """Whether it answers that question, asked with that number."""
    if len(message) < HEADER.size:
        return False
    found, flags, questions, *_ = HEADER.unpack_from(message)
    if found != number or not flags & RESPONSE or flags & OPCODE:
        return False
    if not questions:
        # So says who could not read it.
        return bool(code_of(message))
    end = HEADER.size + len(asked.question)
    name, tail = asked.question[:-4], asked.question[-4:]
    return (
        questions == 1
        and message[end - 4 : end] == tail
        and message[HEADER.size : end - 4].lower() == name.lower()
    )


def fitted(message: bytes, asked: Asked, *, most: int) -> bytes:
    """
    An answer to the same question, for who asks it now: with its number, and in its
    case of letters; where it is longer than C{most}, that it is so.
    """
    _, flags, questions, *counts = HEADER.unpack_from(message)
    question = asked.question if questions else b""
    if len(message) > most:
        header = HEADER.pack(asked.number, flags | TRUNCATED, questions, 0, 0, 0)
        return header + question
    header = HEADER.pack(asked.number, flags, questions, *counts)
    return header + question + message[HEADER.size + len(question) :]


@frozen
class Lifetimes:
    """
    @ivar least_s: until the first of a message's records has lived.
    @ivar places: where their lifetimes stand.
    """

    least_s: int
    places: tuple[int, ...]


def lifetimes(message: bytes, asked: Asked) -> Lifetimes | None:
    """
    How long an answer holds (RFC 2181, 2308).

    @return: None for what is said for this once.
    """
    code = code_of(message)
    if code not in (dns.OK, dns.ENAME) or is_truncated(message):
        return None
    _, _, questions, *counts = HEADER.unpack_from(message)
    if questions != 1:
        return None
    said: list[int] = []
    places: list[int] = []
    is_denial = code == dns.ENAME or not counts[0]
    is_denied = False
    try:
        at = HEADER.size + len(asked.question)
        for kind, _, lifetime, length, begin in records(message, at, sum(counts)):
            if kind == dns.OPT:
                continue
            # With its highest bit set it is none (RFC 2181, 8).
            said.append(lifetime if lifetime < 1 << 31 else 0)
            places.append(begin - 6)
            if kind == dns.SOA and length >= _LIFETIME.size:
                is_denied = True
                end = begin + length
                said.append(*_LIFETIME.unpack_from(message, end - _LIFETIME.size))
    except Malformed:
        return None
    if not said or (is_denial and not is_denied):
        return None
    return Lifetimes(min(said), tuple(places))


def aged(message: bytes, by_s: int, places: Iterable[int]) -> bytes:
    """The same, so much later, from one who only heard it."""
    old = bytearray(message)
    old[2] &= ~(AUTHORITATIVE >> 8) & 0xFF
    for at in places:
        (lifetime,) = _LIFETIME.unpack_from(old, at)
        _LIFETIME.pack_into(old, at, max(lifetime - by_s, 0))
    return bytes(old)
