"""
That a request is answered by what all cloud controllers have committed before it
came, where several share their state; and how somebody in front of them is told
whether this one can.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from attrs import frozen
from twisted.internet.defer import succeed

from euca_tw.api.errors import ApiError, Unavailable
from euca_tw.common.asked import Answer, Asked, Reply
from euca_tw.store.interfaces import StoreUnusable

#: Where this cloud controller says whether it can answer.
HEALTH: Final = b"/health"

_TYPE = "text/plain;charset=UTF-8"


def always_current() -> Awaitable[None]:
    """Of a state that nobody else changes."""
    return succeed(None)


@frozen(eq=False)
class Fresh:
    """
    @ivar current: fires when what others have committed before is here.
    @ivar refuse: makes the reply where that cannot be known.
    """

    _current: Callable[[], Awaitable[None]]
    _refuse: Callable[[Asked, ApiError], Reply]

    def answer_by(self, answer: Answer) -> Answer:
        """The same answer, by what is then."""

        async def fresh(asked: Asked) -> Reply:
            # The sooner the better: who may call is known by it as well.
            try:
                await self._current()
            except StoreUnusable:
                return self._refuse(
                    asked,
                    Unavailable(
                        "The cloud cannot know its state at this moment: try again "
                        "later"
                    ),
                )
            return await answer(asked)

        return fresh


@frozen(eq=False)
class Health:
    """
    Answers L{HEALTH}: by 200 while requests can be answered, else by 503.

    @ivar answer: all other requests.
    @ivar current: see L{Fresh}.
    """

    _answer: Answer
    _current: Callable[[], Awaitable[None]] = always_current

    def answer(self, asked: Asked) -> Awaitable[Reply]:
        """An L{euca_tw.common.web.Answer}."""
        if asked.target.partition(b"?")[0] == HEALTH:
            return self._told()
        return self._answer(asked)

    async def _told(self) -> Reply:
        try:
            await self._current()
        except StoreUnusable as unusable:
            return Reply(503, _TYPE, (f"{unusable}\n".encode(),))
        return Reply(200, _TYPE, (b"ok\n",))


__all__ = ["HEALTH", "Fresh", "Health", "always_current"]
