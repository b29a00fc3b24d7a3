"""
What a header C{Content-Type} says, as far as doors must know it.

Anybody may send one, before anything is known of him: so it is short, and read
once from left to right (RFC 9110, 8.3).
"""

from __future__ import annotations

import re
from functools import lru_cache

from attrs import frozen

#: Longer ones say nothing that anybody needs.
LONGEST = 256

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_match_kind = re.compile(rf"[ \t]*+({_WORD}/{_WORD})[ \t]*+").match
# A parameter may be empty, and some write spaces around its "=".
_match_parameter = re.compile(
    rf"""
    ;[ \t]*+
    (?:
        ({_WORD}) [ \t]*+ = [ \t]*+
        (?: ({_WORD}) | "((?:[^"\\]|\\.)*+)" )
        [ \t]*+
    )?+
    """,
    re.VERBOSE | re.DOTALL,
).match
_unescaped = re.compile(r"\\(.)", re.DOTALL).sub


@frozen
class ContentType:
    """
    @ivar kind: the media type, in small letters.
    @ivar charset: as it is written; None if it is not said.
    """

    kind: str
    charset: str | None = None


def content_type_of(header: str) -> ContentType | None:
    """What the header says; None if it is none, or longer than L{LONGEST}."""
    return _read(header) if len(header) <= LONGEST else None


@lru_cache(maxsize=64)
def _read(header: str) -> ContentType | None:
    found = _match_kind(header)
    if found is None:
        return None
    kind, at, charset = found[1].lower(), found.end(), None
    while at < len(header):
        found = _match_parameter(header, at)
        if found is None:
            return None
        at = found.end()
        name, token, quoted = found.groups()
        if name is None or name.lower() != "charset":
            continue
        value = token if token is not None else _unescaped(r"\1", quoted)
        if charset is not None and charset.lower() != value.lower():
            return None
        charset = charset or value
    return ContentType(kind, charset)


__all__ = ["LONGEST", "ContentType", "content_type_of"]
