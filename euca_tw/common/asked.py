"""
What goes into an answer, and what comes out: the words between the HTTP shell
and the front ends.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from attrs import frozen


@frozen
class Asked:
    """
    One request, as it came.

    @ivar target: of the request line: path, C{?} and raw query.
    @ivar headers: gives the text of the header of that name (in any case), its
        values joined by commas; None if it is not there.
    @ivar peer: the address that the request came from.
    """

    method: str
    target: bytes
    headers: Callable[[str], str | None]
    body: bytes
    peer: str = ""


@frozen
class Reply:
    """
    @ivar body: pieces; none is asked for before the last one is on its way.  If
        it has a method C{close}, that is called when no more is wanted.
    @ivar headers: further ones, besides those that the shell writes itself.
    """

    status: int
    content_type: str
    body: Iterable[bytes]
    headers: tuple[tuple[str, str], ...] = ()


Answer = Callable[[Asked], Awaitable[Reply]]

__all__ = ["Answer", "Asked", "Reply"]
