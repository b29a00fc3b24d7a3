"""
Who is connected, how many may be, and how much they may make us hold.

Nothing here knows sockets: a connection is a L{Place}, told to make way when
another needs its room more.

The room is for those who ask something.  Whoever keeps a connection and asks
nothing, or has not asked wholly yet, makes way for newcomers: the one that was
idle longest first, and first of all those from where the newcomer comes; and if
none is idle, those of which a body is coming or which do not take their answer.
So neither idle clients lock others out, nor those that send, or read, as slowly
as they may.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import inf, isfinite
from typing import Any

from attrs import Attribute, define, evolve, field, frozen

from euca_tw.common.admission import source_of

#: So many newcomers that there is no room for are told so, at the same time;
#: others are cut off without a word.
TOLD_MOST = 64
#: How often, at most, a busy connection is filed anew among the idle ones, if none
#: of them has to make way.
_FILED_S = 1.0
#: For a body to begin, where no time is set for heads.
_GRACE_S = 30.0


def _or_zero(value: Any) -> Any:
    return 0 if value is None else value


def _count(instance: object, attribute: Attribute[int], value: object) -> None:
    """@raise ValueError:"""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(
            f"{attribute.name} is a whole number, 0 for no limit; not {value!r}"
        )


def _seconds(instance: object, attribute: Attribute[float], value: object) -> None:
    """@raise ValueError:"""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not isfinite(value)
        or value < 0
    ):
        raise ValueError(
            f"{attribute.name} is a number of seconds, 0 for no limit; not {value!r}"
        )


@frozen(kw_only=True)
class ConnectionLimits:
    """
    0, or C{None}, switches a limit off.

    @ivar most: connections at the same time.
    @ivar most_per_source: of these, from one address; of IPv6 from one /64.
    @ivar head_s: how long a request's head may take, from its first byte.
    @ivar slowest_bytes_per_s: how fast a body must come, on average; it has
        C{head_s} in addition, to begin.  So fast, too, an answer must be taken,
        whose reader may be behind by as long as he may be silent.
    @ivar pending_bytes: of large bodies, those of 64 KiB and more, that are being
        received or worked on; half of it for those of one source.
    @raise ValueError: one of them is no such number.
    """

    most: int = field(default=4096, converter=_or_zero, validator=_count)
    most_per_source: int = field(default=1024, converter=_or_zero, validator=_count)
    head_s: float = field(default=30.0, converter=_or_zero, validator=_seconds)
    slowest_bytes_per_s: int = field(default=1024, converter=_or_zero, validator=_count)
    pending_bytes: int = field(default=64 << 20, converter=_or_zero, validator=_count)

    def head_until(self, began_s: float) -> float:
        """When a head that began then must be whole."""
        return began_s + self.head_s if self.head_s else inf

    def body_until(self, began_s: float, received: int) -> float:
        """When more must have come of a body than these bytes."""
        if not self.slowest_bytes_per_s:
            return inf
        grace_s = self.head_s or _GRACE_S
        return began_s + grace_s + received / self.slowest_bytes_per_s

    def within(self, most: int) -> ConnectionLimits:
        """The same, but for no more connections than that."""
        return evolve(self, most=min(self.most or most, most))


class TooManyConnections(Exception):
    """There is no room for another one; the text says why."""


@define(eq=False)
class _Waiting:
    """Those from which something is waited for, longest first."""

    idle: OrderedDict[Place, None] = field(factory=OrderedDict)
    halfway: OrderedDict[Place, None] = field(factory=OrderedDict)


@define(eq=False)
class _Source(_Waiting):
    """What there is from one address."""

    name: str = ""
    count: int = 0
    pending: int = 0


@define(eq=False)
class Place:
    """
    Of one connection.

    @ivar make_way: ends it at once.
    @ivar pending: the bytes of a large body that it is accounted for.
    @ivar filed_s, used_s: when it was last filed among the idle, and when it was
        last in use.
    """

    source: _Source
    make_way: Callable[[], object]
    pending: int = 0
    filed_s: float = 0.0
    used_s: float = 0.0
    is_left: bool = False


@define(eq=False)
class Connections:
    """
    All of one site.

    @ivar pending: the bytes of large bodies, of all.
    @ivar told: how many newcomers are being told that there is no room.
    """

    limits: ConnectionLimits
    count: int = 0
    pending: int = 0
    told: int = 0
    _all: _Waiting = field(factory=_Waiting)
    _sources: dict[str, _Source] = field(factory=dict)

    def enter(
        self, host: str, make_way: Callable[[], object], now_s: float = 0.0
    ) -> Place:
        """
        A place for a newcomer, which is idle; another may have to make way.

        @param host: its address; empty where there is none, as of a local
            socket, and then there is no limit for that source.
        @raise TooManyConnections:
        """
        name = source_of(host)
        source = self._sources.get(name) or _Source(name=name)
        limits = self.limits
        if name and limits.most_per_source and source.count >= limits.most_per_source:
            self._make_room(
                f"There are {source.count} connections from {name} already",
                source.idle,
                source.halfway,
            )
        if limits.most and self.count >= limits.most:
            self._make_room(
                f"There are {self.count} connections already",
                source.idle,
                self._all.idle,
                source.halfway,
                self._all.halfway,
            )
        self._sources[name] = source
        place = Place(source, make_way)
        source.count += 1
        self.count += 1
        self.idle(place, now_s)
        return place

    def _make_room(self, reason: str, *queues: OrderedDict[Place, None]) -> None:
        for queue in queues:
            while queue:
                place = next(iter(queue))
                if place.used_s > place.filed_s:
                    self._refile(place)
                    continue
                self.leave(place)
                place.make_way()
                return
        raise TooManyConnections(reason)

    def leave(self, place: Place) -> None:
        """
        It is gone, or as good as gone; it may be told twice.  What it is accounted
        for stays so until L{hold} is told that there is no more of it.
        """
        if place.is_left:
            return
        place.is_left = True
        self._unfile(place)
        source = place.source
        source.count -= 1
        self.count -= 1
        self._forget_idle(source)

    def _forget_idle(self, source: _Source) -> None:
        """It, if it has nothing here any more."""
        if not (source.count or source.pending):
            self._sources.pop(source.name, None)

    def idle(self, place: Place, now_s: float) -> None:
        """From now on, nothing is known to be wanted."""
        if not place.is_left:
            self._unfile(place)
            self._all.idle[place] = place.source.idle[place] = None
            place.filed_s = place.used_s = now_s

    def used(self, place: Place, now_s: float) -> None:
        """It has asked something, and if that is answered it is idle since now."""
        place.used_s = now_s
        if now_s >= place.filed_s + _FILED_S or place in self._all.halfway:
            self.idle(place, now_s)

    def halfway(self, place: Place) -> None:
        """From now on, the rest of a body is to come, or of an answer to be taken."""
        if not place.is_left:
            self._unfile(place)
            self._all.halfway[place] = place.source.halfway[place] = None

    def answering(self, place: Place) -> None:
        """From now on, it is we who are waited for: no other goes before."""
        self._unfile(place)

    def _refile(self, place: Place) -> None:
        """It is as it was, but only since it was used."""
        place.filed_s = place.used_s
        for queues in (self._all, place.source):
            for queue in (queues.idle, queues.halfway):
                if place in queue:
                    queue.move_to_end(place)

    def _unfile(self, place: Place) -> None:
        for queues in (self._all, place.source):
            queues.idle.pop(place, None)
            queues.halfway.pop(place, None)

    def hold(self, place: Place, size: int) -> bool:
        """
        Account for that many bytes of a large body, in place of what was
        accounted for.

        @return: whether there is room for them; if not, nothing is changed.
        """
        more, most = size - place.pending, self.limits.pending_bytes
        if more > 0 and most:
            is_much = (
                self.limits.most_per_source
                and place.source.name
                and place.source.pending + more > most // 2
            )
            if is_much or self.pending + more > most:
                return False
        place.pending += more
        place.source.pending += more
        self.pending += more
        if place.is_left:
            self._forget_idle(place.source)
        return True


__all__ = [
    "TOLD_MOST",
    "ConnectionLimits",
    "Connections",
    "Place",
    "TooManyConnections",
]
