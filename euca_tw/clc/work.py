"""
The requests that are being answered, and that there are not too many of them.

A request is in work from when it was read till its answer is made: an answer that
is sent in pieces counts until the last of them is made, for till then all that it
tells of is held.  Of all places no source (L{source_of}) has more than half, so
that one who asks for much and reads it slowly does not shut everybody out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from attrs import define, field

from euca_tw.common.admission import source_of
from euca_tw.common.asked import Answer, Asked, Reply


@define(eq=False)
class RequestsInWork:
    """
    @ivar most: how many there may be; 0: any number.
    @ivar refuse: what one gets that would be one more.
    @ivar count: how many there are.
    """

    _answer: Answer
    most: int
    _refuse: Callable[[Asked], Reply]
    count: int = field(init=False, default=0)
    _share: int = field(init=False)
    _by_source: dict[str, int] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._share = (self.most + 1) // 2

    async def answer(self, asked: Asked) -> Reply:
        """An L{euca_tw.common.web.Answer}."""
        if not self.most:
            return await self._answer(asked)
        source = source_of(asked.peer)
        of_source = self._by_source.get(source, 0)
        if self.count >= self.most or of_source >= self._share:
            return self._refuse(asked)
        self.count += 1
        self._by_source[source] = of_source + 1
        try:
            reply = await self._answer(asked)
        except BaseException:
            self._done(source)
            raise
        if type(reply.body) is tuple:
            self._done(source)
            return reply
        body = _Pieces(iter(reply.body), lambda: self._done(source))
        return Reply(reply.status, reply.content_type, body, reply.headers)

    def _done(self, source: str) -> None:
        self.count -= 1
        left = self._by_source[source] - 1
        if left:
            self._by_source[source] = left
        else:
            del self._by_source[source]


@define(eq=False)
class _Pieces(Iterable[bytes]):
    """Says when the last is made, or nobody wants more."""

    _pieces: Iterator[bytes]
    _tell_end: Callable[[], None] | None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self._end()
            raise

    def close(self) -> None:
        """Nobody wants the rest."""
        self._pieces = iter(())
        self._end()

    def _end(self) -> None:
        tell, self._tell_end = self._tell_end, None
        if tell is not None:
            tell()

    def __del__(self) -> None:
        self._end()


__all__ = ["RequestsInWork"]
