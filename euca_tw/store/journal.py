"""
The door to what several processes keep together: records, and a journal that says
in which order they came to be.

Below it is a database, or a memory that stands for one; above it is
L{euca_tw.store.shared.SharedStore}, which has all records in memory.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from attrs import frozen
from zope.interface import Interface

from euca_tw.store.codec import Codec, Row
from euca_tw.store.database import Gone
from euca_tw.store.interfaces import Change
from euca_tw.store.reads import Reads
from euca_tw.store.tables import Step, Tables
from euca_tw.store.validation import Touch


@frozen
class Position:
    """
    How much of the journal somebody has heard.

    @ivar sequence: of the last entry; 0: of none.
    @ivar batch: who wrote that entry: so a journal that went back and took another
        course is known.
    """

    sequence: int = 0
    batch: str = ""


@frozen(eq=False)
class Proposal:
    """
    A commit that is to be made, unless somebody was faster.

    @ivar rows: what is to be kept or deleted, in order.
    @ivar steps: the same, with what was there before.
    @ivar reads: what whoever decided on it had read.
    """

    rows: tuple[Row | Gone, ...]
    steps: tuple[Step, ...]
    reads: Reads


@frozen(eq=False)
class Entry:
    """
    A commit that was made.

    @ivar batch: says who made it, with which call.
    @ivar number: which of that call's proposals it was.
    @ivar changes: nothing if C{batch} is that of who asks: he knows.
    """

    sequence: int
    batch: str
    number: int
    touches: tuple[Touch, ...]
    changes: tuple[Change, ...] = ()

    @property
    def position(self) -> Position:
        """Of who has heard this and all before."""
        return Position(self.sequence, self.batch)


@frozen(eq=False)
class Loaded:
    """All records at one moment, and which that was."""

    tables: Tables
    position: Position


@frozen(eq=False)
class Heard:
    """
    What follows a position.

    @ivar entries: the first of them, in order.
    @ivar head: there was everything up to it when they were asked for.
    """

    entries: Sequence[Entry]
    head: int


@frozen(eq=False)
class Appended:
    """
    What became of proposals.

    @ivar entries: all that follow the position which they were made at: of others,
        and of ours those that were made.
    @ivar refused: the numbers of the others.
    """

    entries: Sequence[Entry]
    refused: frozenset[int]


class IJournal(Interface):
    """
    Everything may raise L{euca_tw.store.interfaces.StoreUnreachable}, and what is
    asked again later is answered; and L{euca_tw.store.interfaces.StoreUnusable},
    after which there is no sense in that.
    """

    def open(codec: Codec, on_news: Callable[[], None]) -> Awaitable[Loaded]:
        """
        Load everything, brought up to date.

        @param on_news: called in the reactor's thread, when there may be entries
            that were not there before.
        """

    def close() -> Awaitable[None]:
        """Let go of it, after all that was asked."""

    def append(
        position: Position, batch: str, proposals: Sequence[Proposal]
    ) -> Awaitable[Appended]:
        """
        Make proposals, in their order; but none that has read what an entry after
        C{position}, or one of these that is refused, touched.

        Asked again, with the same batch, because it was unreachable: if it was done
        the first time it is not done again, and the answer says what became of it.

        @param batch: unique for ever.
        """

    def read(position: Position) -> Awaitable[Heard]:
        """What follows a position."""

    def lead(name: str, holder: str, for_s: float) -> Awaitable[bool]:
        """See L{euca_tw.store.interfaces.IShared.lead}."""

    def release(name: str, holder: str) -> Awaitable[None]:
        """See L{euca_tw.store.interfaces.IShared.release}."""

    def hang_up() -> None:
        """
        Break off all that was asked and is not answered: it took too long.  Who
        asked is told soon that it was unreachable, and asks on another way.
        """

    def copy_to(path: Path) -> Awaitable[None]:
        """See L{euca_tw.store.interfaces.ICopied.copy_to}."""
