"""
Answers of others, kept as long as they hold, and for five minutes at most.

Pure: the time is an argument.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from attrs import define, field, frozen

from euca_tw.vnet.names.messages import Asked
from euca_tw.vnet.names.passed_on import aged, lifetimes

#: A site's name that was changed is the new one everywhere within this time.
LONGEST_S = 300


@frozen
class _Kept:
    message: bytes
    since_s: float
    until_s: float
    places: tuple[int, ...]


@define(eq=False, kw_only=True)
class KeptAnswers:
    """
    @ivar most: how many; those that were used last are kept.
    @ivar longest: of one, in bytes.
    """

    most: int = 1024
    longest: int = 4096
    _kept: OrderedDict[Hashable, _Kept] = field(factory=OrderedDict, init=False)

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, now_s: float) -> bytes | None:
        """What was answered, with the lifetimes that are left."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if not kept.since_s <= now_s < kept.until_s:
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return aged(kept.message, int(now_s - kept.since_s), kept.places)

    def put(self, key: Hashable, asked: Asked, message: bytes, now_s: float) -> None:
        """Keep an answer, if it is one that may be kept."""
        if not asked.is_plain or len(message) > self.longest:
            # What has options of its own is between those two.
            return
        held = lifetimes(message, asked)
        if held is None or not held.least_s:
            return
        until_s = now_s + min(held.least_s, LONGEST_S)
        self._kept[key] = _Kept(message, now_s, until_s, held.places)
        self._kept.move_to_end(key)
        if len(self._kept) > self.most:
            self._kept.popitem(last=False)
