"""
DNS messages (RFC 1035, 6891), as far as one must read them who passes them on, and
answers of our own.

Pure.  Answers are made of C{twisted.names}' records.  Questions are not taken apart:
only where their parts end is looked for, and nothing in them is decoded.  So whatever
a guest's resolver and the site's agree on gets through unchanged (RFC 5625), and no
message can cost more than its length: names are not followed to where they point.
What is done with others' answers is in L{euca_tw.vnet.names.passed_on}.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from io import BytesIO

from attrs import field, frozen
from twisted.names import dns

HEADER = struct.Struct("!6H")
_KIND_AND_CLASS = struct.Struct("!2H")
#: Of a record, after its name: type, class, lifetime, length of what it says.
_RECORD = struct.Struct("!HHIH")

RESPONSE, AUTHORITATIVE, TRUNCATED = 0x8000, 0x0400, 0x0200
RECURSES, CHECKED = 0x0080, 0x0020
OPCODE, RCODE = 0x7800, 0x000F
#: What an answer repeats of the question: recursion desired, checking disabled.
_REPEATED = 0x0110
#: What an answer depends on: the same, and whether it may say that it was checked.
_ASKED_FOR = _REPEATED | CHECKED

#: RFC 1035, 2.3.4.
_LONGEST_LABEL, _LONGEST_NAME = 63, 255
#: What everybody takes by UDP, and what goes over every link whole.
_LEAST_SIZE, OUR_SIZE = 512, 1232
#: Of an additional section: options, and a signature.
_MOST_ADDITIONAL = 2
#: Of an OPT record without an option.
_OPTIONS_SIZE = 11
_BADVERS = 1
_DO = 0x8000


class Unanswerable(Exception):
    """
    It is no question that can be answered.

    @ivar reply: what says so.
    """

    def __init__(self, reply: bytes) -> None:
        super().__init__()
        self.reply = reply


class Malformed(Exception):
    """It is no DNS message, or ends within one of its parts."""


@frozen(kw_only=True)
class Asked:
    """
    A message that asks one thing.

    @ivar flags: the header's second word.
    @ivar labels: of the name, in the case of letters that was used.
    @ivar question: the section that says it, as it came; C{rest} what is after.
    @ivar size: of the longest answer that is taken by UDP.
    @ivar has_options: there is an OPT record; its fields follow.
    @ivar is_plain: there is nothing else after the question, and no option in it.
    """

    number: int
    flags: int
    labels: tuple[bytes, ...]
    kind: int
    cls: int
    question: bytes = field(repr=False)
    rest: bytes = field(repr=False, default=b"")
    size: int = _LEAST_SIZE
    has_options: bool = False
    version: int = 0
    wants_signatures: bool = False
    is_plain: bool = True

    @property
    def name(self) -> tuple[bytes, ...]:
        """The labels, in small letters."""
        return tuple(label.lower() for label in self.labels)

    @property
    def key(self) -> tuple[int, bytes, bytes, bytes]:
        """What two questions have in common that have one answer."""
        name, tail = self.question[:-4], self.question[-4:]
        # A label is shorter than the letters' numbers, so lengths stay as they are.
        return self.flags & _ASKED_FOR, name.lower(), tail, self.rest


def parse(message: bytes) -> Asked | None:
    """
    Read a question.

    @return: None where silence is right: for answers, and what is no DNS.
    @raise Unanswerable:
    """
    if len(message) < HEADER.size:
        return None
    number, flags, questions, *others = HEADER.unpack_from(message)
    if flags & RESPONSE:
        return None
    if flags & OPCODE:
        raise Unanswerable(_bare(number, flags, dns.ENOTIMP))
    try:
        if questions != 1 or others[0] or others[1] or others[2] > _MOST_ADDITIONAL:
            raise Malformed
        labels, at = _labels(message, HEADER.size)
        kind, cls = _unpack(_KIND_AND_CLASS, message, at)
        end = at + _KIND_AND_CLASS.size
        options = _options(message, end, others[2])
    except Malformed:
        raise Unanswerable(_bare(number, flags, dns.EFORMAT)) from None
    _, size, lifetime, _, begin = options or (0, 0, 0, 0, end)
    return Asked(
        number=number,
        flags=flags,
        labels=labels,
        kind=kind,
        cls=cls,
        question=message[HEADER.size : end],
        rest=message[end:],
        size=max(size, _LEAST_SIZE),
        has_options=options is not None,
        version=lifetime >> 16 & 0xFF,
        wants_signatures=bool(lifetime & _DO),
        is_plain=begin == len(message) and begin - end in (0, _OPTIONS_SIZE),
    )


def _bare(number: int, flags: int, code: int) -> bytes:
    """An answer to what could not be read."""
    said = RESPONSE | flags & (OPCODE | _REPEATED) | code
    return HEADER.pack(number, said, 0, 0, 0, 0)


def _unpack(form: struct.Struct, message: bytes, at: int) -> tuple[int, ...]:
    """@raise Malformed:"""
    if at + form.size > len(message):
        raise Malformed
    return form.unpack_from(message, at)


def _labels(message: bytes, at: int) -> tuple[tuple[bytes, ...], int]:
    """
    A question's name, which has nothing before it to point to, and where it ends.

    @raise Malformed:
    """
    labels: list[bytes] = []
    begin = at
    while True:
        if at >= len(message):
            raise Malformed
        length = message[at]
        at += 1
        if not length:
            return tuple(labels), at
        if length > _LONGEST_LABEL or at + length - begin >= _LONGEST_NAME:
            raise Malformed
        labels.append(message[at : at + length])
        at += length


def _skipped(message: bytes, at: int) -> int:
    """
    Where a name ends.

    @raise Malformed:
    """
    while at < len(message):
        length = message[at]
        if length > _LONGEST_LABEL:
            if length < 0xC0:
                break
            return at + 2
        at += 1 + length
        if not length:
            return at
    raise Malformed


Record = tuple[int, int, int, int, int]


def records(message: bytes, at: int, count: int) -> Iterator[Record]:
    """
    Type, class, lifetime, length of what is said, and where that begins.

    @raise Malformed:
    """
    for _ in range(count):
        at = _skipped(message, at)
        kind, cls, lifetime, length = _unpack(_RECORD, message, at)
        at += _RECORD.size
        if at + length > len(message):
            raise Malformed
        yield kind, cls, lifetime, length, at
        at += length


def _options(message: bytes, at: int, count: int) -> Record | None:
    """
    The OPT record, of which there is one at most.

    @raise Malformed:
    """
    found = [each for each in records(message, at, count) if each[0] == dns.OPT]
    if len(found) > 1:
        raise Malformed
    return found[0] if found else None


def answer(
    asked: Asked,
    code: int,
    answers: Iterable[dns.RRHeader] = (),
    authority: Iterable[dns.RRHeader] = (),
    *,
    is_ours: bool = False,
) -> bytes:
    """
    An answer of our own.

    @param code: C{twisted.names}' number of it.
    @param is_ours: the name is of our domain.
    """
    extended = 0
    if asked.version:
        # RFC 6891, 6.1.3: nobody knows what it asks.
        code, extended, answers, authority, is_ours = dns.OK, _BADVERS, (), (), False
    sections = [*answers], [*authority]
    flags = RESPONSE | asked.flags & _REPEATED | RECURSES | code
    header = HEADER.pack(
        asked.number,
        flags | AUTHORITATIVE if is_ours else flags,
        1,
        *map(len, sections),
        int(asked.has_options),
    )
    body = BytesIO()
    body.write(asked.question)
    places = _places(asked)
    for section in sections:
        for record in section:
            record.encode(body, places)
    if asked.has_options:
        said = extended << 24 | (_DO if asked.wants_signatures else 0)
        body.write(b"\0" + _RECORD.pack(dns.OPT, OUR_SIZE, said, 0))
    return header + body.getvalue()


def _places(asked: Asked) -> dict[bytes, int]:
    """Where the question's name, and each that it ends in, can be pointed to."""
    places: dict[bytes, int] = {}
    at = HEADER.size
    for n, label in enumerate(asked.labels):
        places[b".".join(asked.labels[n:])] = at
        at += 1 + len(label)
    return places
