"""
The HTTP shell around both front ends: bytes in, bytes out.

A front end is an L{Answer}: what was L{Asked} goes in, a L{Reply} comes out,
and it never sees twisted.web.  What twisted.web would parse by itself (forms,
cookies, query arguments) is left alone: a signature is over the raw bytes, and
that parsing is dearer than all the rest of a small request.

What a client can do wrong at this level (no HTTP at all, a body without end,
going away) ends its connection, and nothing else: no traceback, no memory held.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator
from itertools import chain
from types import coroutine
from typing import Any

from attrs import define
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import CooperativeTask, Cooperator
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from euca_tw.common.asked import Answer, Asked, Reply
from euca_tw.common.connections import ConnectionLimits
from euca_tw.common.exchange import Exchange
from euca_tw.common.refusals import (
    TooBusy,
    TooLarge,
    busy_in_text,
    too_large_in_text,
)
from euca_tw.common.site import AnswerSite

IDLE_S = 60

_LIMITS = ConnectionLimits()
_FAILED = Reply(500, "text/plain;charset=UTF-8", (b"Internal Server Error\n",))


class AnswerResource(Resource):
    """
    An L{Answer} in a tree of resources; only below a site of L{make_site}.

    If the client goes away, the answer is cancelled.  A failure before the
    first byte is status 500, later it cuts the connection.
    """

    isLeaf = True
    _log = Logger()

    def __init__(self, answer: Answer, cooperator: Cooperator) -> None:
        """@param cooperator: makes the pieces of long replies, step by step."""
        super().__init__()
        self._answer = answer
        self._cooperator = cooperator

    def is_answered(self, target: bytes) -> bool:
        """
        Whether the answer alone answers requests for that target.  A subclass
        that renders some by itself says False to them here.
        """
        return True

    def render(self, request: Any) -> int:
        self.take(request)
        return NOT_DONE_YET

    def take(self, exchange: Exchange) -> None:
        """Answer it, sooner or later."""
        work = self._exchange(exchange)
        try:
            awaited = work.send(None)
        except StopIteration:
            return
        running = Deferred.fromCoroutine(_resumed(work, awaited))
        if not running.called:
            exchange.runs(running)

    async def _exchange(self, exchange: Exchange) -> None:
        try:
            reply = await self._answer(exchange.asked())
            first, rest = _opened(reply.body)
        except Exception as error:
            if exchange.is_lost and isinstance(error, CancelledError):
                return
            self._log.failure("Answering {target} failed", target=exchange.target)
            reply, first, rest = _FAILED, b"".join(_FAILED.body), None
        if not exchange.is_lost:
            if rest is None or exchange.is_head:
                exchange.answer_whole(reply, first, rest is None)
            else:
                await self._stream(exchange, reply, chain((first,), rest))

    async def _stream(
        self, exchange: Exchange, reply: Reply, pieces: Iterator[bytes]
    ) -> None:
        exchange.begin(reply)
        try:
            await self._write(exchange, pieces)
        except Exception:
            if exchange.is_lost:
                return
            self._log.failure("Answering {target} broke off", target=exchange.target)
            exchange.hang_up()
        else:
            exchange.finish()
        finally:
            _close(reply.body)

    async def _write(self, exchange: Exchange, pieces: Iterator[bytes]) -> None:
        """Write piece by piece, as fast as the client takes them."""
        task = self._cooperator.cooperate(exchange.write(each) for each in pieces)
        exchange.registerProducer(_Flow(task), True)
        try:
            await task.whenDone()
        except CancelledError:
            # Only then: a coroutine that is thrown away unfinished must not be
            # woken by its own end.
            task.stop()
            raise
        finally:
            if not exchange.is_lost:
                exchange.unregisterProducer()


@coroutine
def _resumed(
    work: Coroutine[Any, Any, None], awaited: Any
) -> Generator[Any, Any, None]:
    """
    Goes on with what has come to wait for something.  Most answers never do,
    and are spared the machinery for those that do.
    """
    try:
        while True:
            try:
                result = yield awaited
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:
                awaited = work.throw(error)
            else:
                awaited = work.send(result)
    except StopIteration:
        return


def _close(body: Any) -> None:
    """No more is wanted; the body need not wait to be found as garbage."""
    close: Callable[[], object] | None = getattr(body, "close", None)
    if close is not None:
        close()


def _opened(body: Iterable[bytes]) -> tuple[bytes, Iterator[bytes] | None]:
    """The whole body, if it is of one piece; else its first, and the rest."""
    if type(body) is tuple and len(body) == 1:
        return body[0], None
    pieces = iter(body)
    first = next(pieces, b"")
    second = next(pieces, None)
    return first, None if second is None else chain((second,), pieces)


@define(eq=False)
class _Flow:
    """Holds the writing task back while the client does not read."""

    _task: CooperativeTask[Any]
    _is_held: bool = False

    def pauseProducing(self) -> None:
        if not self._is_held:
            self._is_held = True
            self._task.pause()

    def resumeProducing(self) -> None:
        if self._is_held:
            self._is_held = False
            self._task.resume()

    def stopProducing(self) -> None:
        """The connection is lost, which the exchange will be told."""


def make_site(
    resource: Resource,
    max_body_bytes: int,
    clock: IReactorTime,
    *,
    too_large: TooLarge | None = None,
    too_busy: TooBusy | None = None,
    idle_s: float | None = IDLE_S,
    limits: ConnectionLimits = _LIMITS,
) -> Site:
    """
    The factory to listen with.

    @param resource: an L{AnswerResource} for every path (the quick way), or a
        tree of them and others.  C{request.args} is always empty.
    @param max_body_bytes: a longer body is refused with status 413 before it
        is read.
    @param too_large: what is said then, by the content type of the body.
    @param too_busy: what is said to one of too many connections, or of too many
        large bodies, by the content type (C{None} where no request is known yet)
        and the reason.  Its status should be 503.
    @param idle_s: how long a connection may be silent between requests, or
        within one, or take nothing of an answer; None: for ever.
    @param limits: for all connections of this factory.
    """
    return AnswerSite(
        resource,
        max_body_bytes,
        clock,
        too_large=too_large or too_large_in_text(max_body_bytes),
        too_busy=too_busy or busy_in_text,
        idle_s=idle_s,
        limits=limits,
    )


__all__ = ["Answer", "AnswerResource", "Asked", "Reply", "make_site"]
