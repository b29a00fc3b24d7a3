"""
The quick lane: requests that are cut out of what has come by a few strict rules.

See Note [Two lanes] in L{euca_tw.common.channel}.
"""

from __future__ import annotations

import re
from functools import lru_cache

from attrs import define

#: The longest head of a request, and the most headers, in either lane.
MAX_HEAD = 16384
MAX_HEADERS = 100
#: The longest body of the quick lane.
QUICK_BODY = 65536
#: No body that we take has a length of more digits; C{int} of a longer text
#: would take its time, or raise.
LENGTH_DIGITS = 18

_match_first = re.compile(r"(GET|POST) ([!-~]+) HTTP/1\.1").fullmatch
_is_token = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+").fullmatch
#: What a request may begin with; some clients send an empty line before it.
_starts = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~\r-]").match
#: What may stand in a line.
_IN_LINES = bytes([9, *range(32, 127), *range(128, 256)])
#: Headers that only the careful lane understands.
_SPECIAL = frozenset({"transfer-encoding", "expect", "upgrade"})


class Special(Exception):
    """A request that the quick lane leaves alone."""


def may_begin(held: bytes) -> bool:
    """Whether a request may begin like that."""
    return _starts(held) is not None


@define(eq=False)
class Cut:
    """
    Cuts requests out of what has come.

    @ivar _max_body: of the quick lane.
    @ivar held: what belongs to no request yet.
    @ivar wanted: how much of it there must be before it is worth a look; 0 while
        the next request's head is not whole.
    """

    _max_body: int
    held: bytes = b""
    wanted: int = 0
    _begins: int = 0

    @property
    def received(self) -> int:
        """Of the next request's body, if its head is whole."""
        return len(self.held) - self._begins if self.wanted else 0

    def request(self) -> tuple[str, bytes, dict[str, str], bytes] | None:
        """
        Method, target, headers and body of the next request that is whole.

        @raise Special: it is none for the quick lane.
        """
        if len(self.held) < self.wanted:
            return None
        end = self.held.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            # A line without the head's end: it may be wrong already.
            if (
                len(self.held) > MAX_HEAD
                or b"\r\n" in self.held
                or not may_begin(self.held)
            ):
                raise Special
            return None
        method, target, headers = _head(self.held[:end])
        start = end + 4
        end = start + _length(headers, self._max_body)
        if len(self.held) < end:
            self.wanted, self._begins = end, start
            return None
        body = self.held[start:end]
        self.held, self.wanted = self.held[end:], 0
        return method, target, headers, body


def _head(head: bytes) -> tuple[str, bytes, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    found = _match_first(first)
    if (
        found is None
        or len(lines) > MAX_HEADERS
        or head.translate(None, _IN_LINES) != b"\r\n" * len(lines)
    ):
        raise Special
    headers: dict[str, str] = {}
    for line in lines:
        written, colon, value = line.partition(":")
        name = _name(written)
        if not colon:
            raise Special
        value = value.strip(" \t")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return found[1], found[2].encode("ascii"), headers


@lru_cache(maxsize=1024)
def _name(written: str) -> str:
    if not _is_token(written) or len(written) > 100:
        raise Special
    return written.lower()


def _length(headers: dict[str, str], longest: int) -> int:
    """
    How long the body is.

    @raise Special: that is not to be said simply, or much.
    """
    if not _SPECIAL.isdisjoint(headers):
        raise Special
    if headers.get("connection", "keep-alive").lower() != "keep-alive":
        raise Special
    said = headers.get("content-length", "0")
    if not (said.isascii() and said.isdigit() and len(said) <= LENGTH_DIGITS):
        raise Special
    length = int(said)
    if length > longest:
        raise Special
    return length


__all__ = [
    "LENGTH_DIGITS",
    "MAX_HEAD",
    "MAX_HEADERS",
    "QUICK_BODY",
    "Cut",
    "Special",
    "may_begin",
]
