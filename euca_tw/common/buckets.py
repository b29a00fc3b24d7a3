"""
Token buckets: so much at once, and so much a second in the long run.

Pure: the time is an argument.  A bucket is one number, the moment at which it is
full again (the "virtual scheduling" form of GCRA, ITU-T I.371); a bucket that is
full is no bucket at all, so what was idle for long enough costs nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from attrs import define, field

K = TypeVar("K", bound=Hashable)

#: How many full buckets at most are looked for when one is added.
_LOOKED_AT = 4
#: What adding up moments may be wrong by, in tokens.
_TOLERANCE = 0.001


@define(eq=False)
class Buckets(Generic[K]):
    """
    A bucket for each key, in bounded memory.

    Where C{most} keys have buckets that are not full, all further keys share
    one: whoever comes with many names gets no more by it, and pushes nobody out.

    @ivar rate: tokens that come, a second.
    @ivar burst: how many a bucket holds.
    @ivar debt: how many more may be owed; see L{charge}.
    @ivar most: how many keys are held.
    """

    rate: float
    burst: float
    debt: float = field(default=0, kw_only=True)
    most: int = field(default=65_536, kw_only=True)
    #: Moments at which they are full again.
    _full_at: OrderedDict[K, float] = field(init=False, factory=OrderedDict)
    _shared: float = field(init=False, default=0.0)
    _each_s: float = field(init=False)
    _emptying_s: float = field(init=False)
    _longest_s: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._each_s = 1 / self.rate
        # Further from full than that, there is less than a token in it.
        self._emptying_s = (self.burst - 1 + _TOLERANCE) / self.rate
        # None is further from full than that, but where the clock was set back.
        self._longest_s = (self.burst + self.debt + _TOLERANCE) / self.rate

    def __len__(self) -> int:
        """How many keys are held."""
        return len(self._full_at)

    def may_be_empty(self, key: K) -> bool:
        """Whether L{is_empty} is worth asking, which takes longer."""
        return key in self._full_at or len(self._full_at) >= self.most

    def is_empty(self, key: K, now: float) -> bool:
        """Whether there is less than a token in the key's bucket."""
        return self._until_full(key, now) > self._emptying_s

    def take(self, key: K, now: float) -> bool:
        """Take a token, if there is one; whether there was."""
        missing_s = self._until_full(key, now)
        if missing_s > self._emptying_s:
            return False
        self._keep(key, now + missing_s + self._each_s, now)
        return True

    def charge(self, key: K, now: float) -> bool:
        """
        Take a token for what was done already, even one that is not there yet;
        whether the bucket is empty now.
        """
        missing_s = self._until_full(key, now) + self._each_s
        self._keep(key, now + min(missing_s, self._longest_s), now)
        return missing_s > self._emptying_s

    def give_back(self, key: K, now: float) -> None:
        """Put back a token that was taken for nothing."""
        if self.may_be_empty(key):
            missing_s = self._until_full(key, now) - self._each_s
            self._keep(key, now + max(missing_s, 0.0), now)

    def _until_full(self, key: K, now: float) -> float:
        full_at = self._full_at.get(key)
        if full_at is None:
            if len(self._full_at) < self.most:
                return 0.0
            full_at = self._shared
        missing_s = full_at - now
        if missing_s <= 0:
            return 0.0
        if missing_s > self._longest_s:
            missing_s = self._longest_s
            self._keep(key, now + missing_s, now)
        return missing_s

    def _keep(self, key: K, full_at: float, now: float) -> None:
        buckets = self._full_at
        if key in buckets:
            buckets[key] = full_at
            return
        self._forget(now)
        if len(buckets) < self.most:
            buckets[key] = full_at
        else:
            self._shared = full_at

    def _forget(self, now: float) -> None:
        """
        A few of those that are full again, the oldest first; what is not goes to
        the end, so that nothing hides behind it.
        """
        buckets = self._full_at
        for _ in range(min(_LOOKED_AT, len(buckets))):
            key = next(iter(buckets))
            if buckets[key] <= now:
                del buckets[key]
            else:
                buckets[key] = min(buckets[key], now + self._longest_s)
                buckets.move_to_end(key)
