"""
What was read: so that it can be told later whether that still holds.

To note a read must cost next to nothing, as every request reads a great deal and
few commit.  So reads are only listed as they come; a commit remembers how long the
list was, and who looks at it does so only if somebody else has changed something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from attrs import define, field, frozen

from euca_tw.store.interfaces import Change, Put, R
from euca_tw.store.tables import View

#: A class: all its records were read.  And a key: that one was, or that there is none.
#: And a field and a value: all that have it.
Read = tuple[type] | tuple[type, str] | tuple[type, str, object]


def written(change: Change) -> Read:
    """Who changes a record without having looked relies on what he thinks of it."""
    if isinstance(change, Put):
        return (type(change.record), change.record.key)
    return (change.kind, change.key)


@frozen(eq=False)
class Reads:
    """The first so many of a list that may grow."""

    _noted: list[Read]
    _count: int

    def __iter__(self) -> Iterator[Read]:
        return islice(self._noted, self._count)


@define(eq=False)
class Noted:
    """
    What was read in this turn of the reactor.

    It begins anew when the C{end} that was asked for with the turn's first read
    comes: in the reactor's own loop, before it calls anybody whom a descriptor or
    a timer of the next turn concerns, and never within anybody's call.  Whoever
    reads and commits without an C{await} in between does so in one turn, however
    deep in calls; whatever else is read in the same turn is noted with it, which
    may refuse a commit without need, and never let one pass.

    @ivar _at_the_end: has something called at the end of the turn, or later.
    @ivar is_spoiled: whether something of it was changed by somebody else within the
        turn, so that nothing that is decided in it can be relied on.
    """

    _at_the_end: Callable[[Callable[[], None]], object]
    is_spoiled: bool = field(init=False, default=False)
    _noted: list[Read] = field(init=False, factory=list)

    def add(self, read: Read) -> None:
        """Note it."""
        noted = self._noted
        if not noted:
            self._at_the_end(self.end)
        noted.append(read)

    def end(self) -> None:
        """What is read from now on belongs to another turn."""
        self._noted, self.is_spoiled = [], False

    def so_far(self) -> Reads:
        """What was read in this turn."""
        return Reads(self._noted, len(self._noted))


@define(eq=False)
class NotedView(View[R]):
    """A view that tells when it is looked at; to have it is not to have read."""

    _add: Callable[[Read], None] = lambda read: None

    def _found(self) -> dict[str, R]:
        self._note()
        return super()._found()

    def __iter__(self) -> Iterator[R]:
        self._note()
        return super().__iter__()

    def _note(self) -> None:
        kind = self._table.kind
        if self._field is None:
            self._add((kind,))
        else:
            self._add((kind, self._field, self._value))
