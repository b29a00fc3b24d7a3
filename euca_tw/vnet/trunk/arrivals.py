"""
Strangers at the door: whoever connects and has not shown yet who he is.

Pure; the time is an argument.  To shake hands costs us a signature, so there is a
limit to how often one may make us do that, to how often all may, and to how many
may be at it.  From where a peer once came, or is configured to be, others' floods
keep nobody out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from attrs import define, field

from euca_tw.common.admission import source_of
from euca_tw.common.buckets import Buckets

#: Handshakes that one address may begin: a second, and at once; and all may.
_PER_S, _BURST = 1.0, 16
_ALL_PER_S, _ALL_BURST = 20.0, 64
#: How many addresses are counted, and how many known ones remembered.
_MOST_SOURCES, _MOST_KNOWN = 4096, 256


@define(eq=False)
class Arrivals:
    """
    @ivar most: how many may be at it at a time; a quarter of it from one source.
    """

    most: int
    _each: Buckets[str] = field(init=False)
    _all: Buckets[str] = field(init=False)
    _at_it: dict[Hashable, str] = field(init=False, factory=dict)
    _known: OrderedDict[str, None] = field(init=False, factory=OrderedDict)

    def __attrs_post_init__(self) -> None:
        self._each = Buckets(_PER_S, _BURST, most=_MOST_SOURCES)
        self._all = Buckets(_ALL_PER_S, _ALL_BURST)

    def __len__(self) -> int:
        """How many are at it."""
        return len(self._at_it)

    def know(self, host: str) -> None:
        """A peer is, or was, there."""
        source = source_of(host)
        self._known[source] = None
        self._known.move_to_end(source)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    def may_enter(self, host: str, now: float) -> bool:
        """Whether one from there may begin to shake hands."""
        source = source_of(host)
        is_known = source in self._known
        count = sum(1 for each in self._at_it.values() if each == source)
        if count >= max(1, self.most // 4):
            return False
        # Known ones have room of their own.
        if len(self._at_it) >= self.most * (2 if is_known else 1):
            return False
        return self._each.take(source, now) and (is_known or self._all.take("", now))

    def enter(self, who: Hashable, host: str) -> None:
        """He began."""
        self._at_it[who] = source_of(host)

    def leave(self, who: Hashable) -> None:
        """He is known, or gone; it may be told twice."""
        self._at_it.pop(who, None)
