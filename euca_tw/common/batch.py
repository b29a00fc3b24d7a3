"""One message for all that is asked in one turn of the reactor."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

Q = TypeVar("Q")
A = TypeVar("A")


@define
class Batch(Generic[Q, A]):
    """
    @ivar send: asks several at once; the answers in the same order.  What it
        raises, every one that asked is told.
    @ivar limit: so many go into one message.
    """

    _clock: IReactorTime
    _send: Callable[[Sequence[Q]], Coroutine[Any, Any, Sequence[A]]]
    limit: int = 50
    _asked: list[tuple[Q, Deferred[A]]] = field(factory=list, init=False)
    _under_way: set[Deferred[Any]] = field(factory=set, init=False)

    def ask(self, question: Q) -> Deferred[A]:
        """Fires with the answer to this one."""
        answer: Deferred[A] = Deferred()
        if not self._asked:
            self._clock.callLater(0, self._go)
        self._asked.append((question, answer))
        return answer

    def stop(self) -> Deferred[Any]:
        """Break off what is under way."""
        self._asked = []
        for each in (under_way := list(self._under_way)):
            each.cancel()
        return DeferredList(under_way)

    def _go(self) -> None:
        asked, self._asked = self._asked, []
        for start in range(0, len(asked), self.limit):
            self._deliver(asked[start : start + self.limit])

    def _deliver(self, asked: Sequence[tuple[Q, Deferred[A]]]) -> None:
        waiting = [answer for _, answer in asked]
        work = Deferred.fromCoroutine(self._send([question for question, _ in asked]))
        self._under_way.add(work)

        def answered(answers: Sequence[A]) -> None:
            for each, answer in zip(waiting, answers, strict=True):
                if not each.called:
                    each.callback(answer)

        def failed(failure: Failure) -> None:
            for each in waiting:
                if not each.called:
                    each.errback(failure)

        def ended(result: Any) -> Any:
            self._under_way.discard(work)
            return result

        work.addBoth(ended)
        work.addCallbacks(answered, failed)
