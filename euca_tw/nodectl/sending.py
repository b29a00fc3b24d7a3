"""
An image on its way from its node to the cloud controller: piece by piece, each
from the file when it is its turn, so that nothing of it is held but one piece.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from attrs import define, evolve
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as WaitedTooLong
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from euca_tw.common.in_thread import InThread
from euca_tw.common.uploading import (
    CHECKING,
    FULL,
    MORE,
    PIECE_BYTES,
    WHOLE,
    Piece,
    read_answer,
)
from euca_tw.nodectl.interfaces import MakingFailed, MakingRefused

#: An HTTP POST: of a URL, headers and a body; the status and body of its answer.
#: Raises L{MakingFailed} where there is none.
Post = Callable[[str, Mapping[str, str], bytes], Awaitable[tuple[int, bytes]]]

#: Whether it is what it should be is asked again after so long.
_ASK_AGAIN_S = 1.0
#: So often all that had come may turn out to be damaged.
_MOST_ROUNDS = 3
_LONGEST_REASON = 200


@define(eq=False, kw_only=True)
class Sender:
    """@ivar answer_s: how long the cloud controller may take to answer."""

    post: Post
    clock: IReactorTime
    in_thread: InThread
    answer_s: float = 60.0
    piece_bytes: int = PIECE_BYTES

    async def send(self, path: Path, whole: Piece, url: str, key: str) -> None:
        """
        Send what is there in a file, or the rest of it.

        @param whole: whatever its offset, of which image.
        @raise MakingRefused: it will not be taken.
        @raise MakingFailed: it was broken off; to call this again goes on.
        """
        rounds, piece, data = 0, evolve(whole, offset=0), b""
        while True:
            received = await self._ask(url, key, piece, data)
            if received is None:
                return
            if received < piece.offset:
                rounds += 1
                if rounds >= _MOST_ROUNDS:
                    raise MakingRefused("it arrives damaged, again and again")
            piece = evolve(piece, offset=received)
            data = await self.in_thread(
                partial(_read, path, received, self.piece_bytes)
            )
            if not data:
                # All of it is there, and is being checked.
                await deferLater(self.clock, _ASK_AGAIN_S)

    async def _ask(self, url: str, key: str, piece: Piece, data: bytes) -> int | None:
        """How much of it is there; None: it is there and is well."""
        asking = Deferred.fromCoroutine(self._post(url, piece.headers(key, data), data))
        try:
            status, body = await asking.addTimeout(self.answer_s, self.clock)
        except WaitedTooLong:
            raise MakingFailed("the cloud controller does not answer") from None
        if status == WHOLE:
            return None
        received = read_answer(body)
        if status in (MORE, CHECKING) and received is not None:
            return min(received, piece.size_bytes)
        reason = body[:_LONGEST_REASON].decode("utf-8", "replace").strip()
        why = f"the cloud controller does not take it: {reason or status}"
        is_final = status < 500 or status == FULL
        raise MakingRefused(why) if is_final else MakingFailed(why)

    async def _post(
        self, url: str, headers: Mapping[str, str], data: bytes
    ) -> tuple[int, bytes]:
        return await self.post(url, headers, data)


def _read(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as reading:
        reading.seek(offset)
        return reading.read(size)
