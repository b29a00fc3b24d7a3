"""
The memory of messages that were taken, so that a copy of one is not.

What is remembered of a message is the key that signed it, the value of its
signature, and when it says that it was made.  Not the certificate: that need not
be signed, so in a copy it may be another of the same key.  A signature covers the
time that its message says it was made, so a copy has the same; and by that time,
not by when it came or how long messages are good at present, an entry is kept and
found.  So no change of the clock or of the configuration makes a copy look new:
the memory reaches back to some moment, has all that was made from then on, and
vouches for nothing that was made before (L{Verdict.FORGOTTEN}).

The memory is bounded, and forgets nothing before its time: who has too much in it
is told to wait (L{Verdict.FULL}).

Here are the words, the counts, and a memory that lasts as long as the process;
L{euca_tw.store.replays} has the one that daemons use.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from enum import Enum
from functools import lru_cache
from hashlib import sha256
from heapq import heappop, heappush
from math import ceil, floor, inf

from attrs import Factory, define, field, frozen
from zope.interface import Interface, implementer

#: Lives are told, and entries counted, in steps of so many seconds.
STEP_S = 30


class Verdict(Enum):
    """What the memory says of a message."""

    #: It was not taken before, and is now.
    FRESH = "fresh"
    #: It was.
    SEEN = "seen"
    #: It, or others in its place, may be taken when something was forgotten.
    FULL = "full"
    #: It may have been: it was made before the memory's time.
    FORGOTTEN = "forgotten"


class CannotRemember(Exception):
    """
    The memory cannot be written, so that nothing may be taken.  The text is for
    the operator.
    """


class IReplays(Interface):
    """
    Which signatures were taken.  Several may share what they know; then one of
    them takes a message, and all have seen it.
    """

    def open(is_first: bool = False) -> Awaitable[None]:
        """
        Make ready: know what was taken before.

        @param is_first: nobody had a key yet with which to sign, so that nothing
            was; where nothing is known either, that is believed.
        """

    def close() -> Awaitable[None]:
        """Let go of files.  What was taken stays so."""

    def take(
        *, owner: bytes, value: bytes, made: datetime, end: datetime, now: datetime
    ) -> Awaitable[Verdict]:
        """
        Take a message, if it was not taken before.  When this has answered, it
        is remembered, though the process be killed at once.

        @param owner: to whom it counts, as one of so many.
        @param value: the signature's, with what tells its key from all others.
        @param made: when the message says that it was made; signed, so that it
            is always the same with the same signature.
        @param end: up to when it is to be remembered at least.
        @raise CannotRemember: it is not taken.
        """


@frozen(kw_only=True)
class Bounds:
    """How many entries there may be, of one owner and in all."""

    of_one: int = 50_000
    of_all: int = 1_000_000


BOUNDS = Bounds()


@frozen
class Entry:
    """
    What is remembered of a message.  Two of the same value are a copy of each
    other, as far as anybody can tell who cannot break SHA-256.

    @ivar made: in whole seconds of the epoch.
    @ivar owner: to whom it counts; the same message to whomever it does.
    @ivar life: seconds after C{made} for which it is to be remembered; told in
        steps, so that there are few different ones.
    """

    made: int
    owner: bytes = field(eq=False)
    value: bytes
    life: int = field(eq=False)

    @classmethod
    def of(cls, *, owner: bytes, value: bytes, made: datetime, end: datetime) -> Entry:
        second = second_of(made)
        steps = ceil((end.timestamp() - second) / STEP_S)
        return cls(
            second,
            _short(owner),
            # Who finds two signatures of his own that agree in so much has one
            # of them refused.
            sha256(value).digest()[:16],
            max(steps, 0) * STEP_S,
        )


def second_of(moment: datetime) -> int:
    """The whole second of the epoch that the moment is in."""
    return floor(moment.timestamp())


@lru_cache(maxsize=4096)
def _short(owner: bytes) -> bytes:
    return sha256(owner).digest()[:8]


@define
class Tally:
    """How many entries there are, by the time at which they were made."""

    _bounds: Bounds
    _steps: dict[int, dict[bytes, int]] = Factory(dict)
    _of_one: dict[bytes, int] = Factory(dict)
    _of_all: int = 0
    _first: int = 0

    def has_room(self, owner: bytes) -> bool:
        return (
            self._of_all < self._bounds.of_all
            and self._of_one.get(owner, 0) < self._bounds.of_one
        )

    def add(self, made: int, owner: bytes, number: int = 1) -> None:
        step = self._steps.setdefault(made // STEP_S, {})
        step[owner] = step.get(owner, 0) + number
        self._change(owner, number)

    def remove(self, made: int, owner: bytes) -> None:
        """Take back one that was added, if it counts still."""
        step = self._steps.get(made // STEP_S, {})
        if step.get(owner):
            step[owner] -= 1
            self._change(owner, -1)

    def _change(self, owner: bytes, number: int) -> None:
        self._of_all += number
        left = self._of_one.get(owner, 0) + number
        if left:
            self._of_one[owner] = left
        else:
            self._of_one.pop(owner, None)

    def drop_before(self, made: int) -> None:
        """Count no more what was made before, but for the rest of its step."""
        first = made // STEP_S
        if first == self._first:
            return
        self._first = first
        for step in [step for step in self._steps if step < first]:
            for owner, number in self._steps.pop(step).items():
                self._change(owner, -number)

    def __len__(self) -> int:
        return self._of_all


@implementer(IReplays)
@define(eq=False)
class MemoryReplays:
    """
    Closed and opened again it still knows everything, as a disk would.

    @ivar since: what was made before that second was not seen by it; see
        L{second_of}.
    """

    bounds: Bounds = BOUNDS
    since: float = -inf
    _life: int = 0
    _tally: Tally = field(init=False)
    #: By the second in which they were made; and those seconds, as a heap.
    _entries: dict[int, set[Entry]] = Factory(dict)
    _seconds: list[int] = Factory(list)

    def __attrs_post_init__(self) -> None:
        self._tally = Tally(self.bounds)

    async def open(self, is_first: bool = False) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to close."""

    async def take(
        self,
        *,
        owner: bytes,
        value: bytes,
        made: datetime,
        end: datetime,
        now: datetime,
    ) -> Verdict:
        entry = Entry.of(owner=owner, value=value, made=made, end=end)
        self._life = max(self._life, entry.life)
        self._sweep(second_of(now) - self._life)
        if entry.made < self.since:
            return Verdict.FORGOTTEN
        if entry in self._entries.get(entry.made, ()):
            return Verdict.SEEN
        if not self._tally.has_room(entry.owner):
            return Verdict.FULL
        self._tally.add(entry.made, entry.owner)
        if entry.made not in self._entries:
            self._entries[entry.made] = set()
            heappush(self._seconds, entry.made)
        self._entries[entry.made].add(entry)
        return Verdict.FRESH

    def _sweep(self, before: int) -> None:
        """Forget two seconds at most: more than a take can add."""
        self._tally.drop_before(before)
        for _ in range(2):
            if not self._seconds or self._seconds[0] >= before:
                return
            self.since = heappop(self._seconds) + 1
            del self._entries[self.since - 1]

    def __len__(self) -> int:
        return sum(map(len, self._entries.values()))
