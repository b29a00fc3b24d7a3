"""
What a daemon tells its caller: a table whose changes are numbered.

The caller asks with the number up to which it knows all (a long poll) and is
told what changed after it: at once if there is anything, else as soon as there
is.  Numbers belong to an epoch, which is new with each start of the daemon; a
caller that comes with another epoch, or with a number that is too old, is told
everything.

A caller's next question says that it has the last answer.  So a daemon can
keep what has ended until its caller has heard of it: L{Changes.is_heard}.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

T = TypeVar("T")

#: A question is held no longer than this, unless a site wants it otherwise.
LONGEST_WAIT_S = 300.0
#: Beyond so many forgotten keys, a caller that missed the oldest is told all.
_FORGOTTEN_KEPT = 1000


@frozen(kw_only=True)
class Delta(Generic[T]):
    """
    @ivar is_full: C{values} is everything that there is.
    @ivar sequence: ask with this the next time.
    """

    epoch: str
    sequence: int
    is_full: bool
    values: tuple[T, ...]
    forgotten: tuple[str, ...]


@define
class Changes(Generic[T]):
    """
    @ivar epoch: another with each start.
    @ivar sequence: the number of the last change.
    """

    _clock: IReactorTime
    epoch: str
    sequence: int = field(default=0, init=False)
    # Both in order of their numbers: the newest are last.
    _values: dict[str, tuple[int, T]] = field(factory=dict, init=False)
    _forgotten: dict[str, int] = field(factory=dict, init=False)
    _oldest: int = field(default=0, init=False)
    _heard: int = field(default=-1, init=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)
    _release: IDelayedCall | None = field(default=None, init=False)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def get(self, key: str) -> T | None:
        """What is told of C{key}."""
        found = self._values.get(key)
        return None if found is None else found[1]

    def put(self, key: str, value: T) -> None:
        """Tell this of C{key}; no change if it is what was told before."""
        found = self._values.get(key)
        if found is None or found[1] != value:
            self._values.pop(key, None)
            self._forgotten.pop(key, None)
            self.touch()
            self._values[key] = (self.sequence, value)

    def drop(self, key: str) -> None:
        """Tell of C{key} no more."""
        if self._values.pop(key, None) is not None:
            self.touch()
            self._forgotten[key] = self.sequence
            if len(self._forgotten) > _FORGOTTEN_KEPT:
                first = next(iter(self._forgotten))
                self._oldest = self._forgotten.pop(first)

    def touch(self) -> None:
        """Something has changed that goes with every answer."""
        self.sequence += 1
        if self._waiting and self._release is None:
            # Not at once: one answer for all that changes in this turn.
            self._release = self._clock.callLater(0, self._answer_all)

    def begin(self, epoch: str) -> None:
        """Start another epoch: whoever asks is told everything."""
        self.epoch = epoch
        self._heard = -1
        self.touch()

    def heard(self, sequence: int) -> None:
        """A caller has all up to that number."""
        self._heard = max(self._heard, sequence)

    def is_heard(self, key: str) -> bool:
        """Whether a caller has the last that was put of C{key}."""
        found = self._values.get(key)
        return found is None or found[0] <= self._heard

    def since(self, epoch: str | None, since: int) -> Delta[T]:
        """What changed after C{since}."""
        is_full = epoch != self.epoch or since < self._oldest or since > self.sequence
        values: list[T] = []
        for number, value in reversed(self._values.values()):
            if not is_full and number <= since:
                break
            values.append(value)
        forgotten: list[str] = []
        for key, number in reversed(self._forgotten.items()):
            if is_full or number <= since:
                break
            forgotten.append(key)
        return Delta(
            epoch=self.epoch,
            sequence=self.sequence,
            is_full=is_full,
            values=tuple(reversed(values)),
            forgotten=tuple(reversed(forgotten)),
        )

    async def wait(self, epoch: str | None, since: int, timeout_s: float) -> Delta[T]:
        """
        What changed after C{since}, when there is anything; by C{timeout_s}
        even if there is nothing.
        """
        if epoch == self.epoch:
            self.heard(min(since, self.sequence))
            if since == self.sequence and timeout_s > 0:
                await self._change(timeout_s)
        return self.since(epoch, since)

    def stop(self) -> None:
        """Answer all who wait."""
        self._answer_all()

    async def _change(self, timeout_s: float) -> None:
        changed: Deferred[None] = Deferred()
        self._waiting.append(changed)
        late = self._clock.callLater(timeout_s, self._answer, changed)
        try:
            await changed
        finally:
            if late.active():
                late.cancel()
            if changed in self._waiting:
                self._waiting.remove(changed)

    def _answer(self, one: Deferred[None]) -> None:
        self._waiting.remove(one)
        one.callback(None)

    def _answer_all(self) -> None:
        if self._release is not None and self._release.active():
            self._release.cancel()
        self._release = None
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)
