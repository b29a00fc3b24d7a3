"""The door to what is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from attrs import frozen
from zope.interface import Interface


class Record(Protocol):
    """
    A frozen attrs value that a store can keep.

    @cvar INDEXES: the fields by which L{IStore.where} finds records.  A class
        may have C{MANY_INDEXES} besides: fields whose value is a tuple of
        different values, by each of which a record is found; and C{TOTALS}: for
        some of the C{INDEXES}, fields of whole numbers that are summed up.
    """

    INDEXES: ClassVar[tuple[str, ...]]

    @property
    def key(self) -> str:
        """Unique among the records of the class."""


R = TypeVar("R", bound=Record)


@frozen
class Put:
    """Keep a record in place of any other with its class and key."""

    record: Any


@frozen
class Delete:
    """Keep it no more; nothing happens if there is none."""

    kind: type
    key: str


Change = Put | Delete


class StoreUnusable(Exception):
    """
    What is on disk cannot be used: corrupt, of a newer version, locked by
    another process, or the disk refused a write.  The text says what to do.
    """


class IStore(Interface):
    """
    Records by class and key, durable when a commit's awaitable fires.

    Reads are from memory and see every commit at once; so a caller that
    reads, decides and commits without an C{await} between acts atomically.
    """

    def open() -> Awaitable[None]:
        """
        Make ready; load what was kept.

        @raise StoreUnusable: with what is wrong and what to do.
        """

    def close() -> Awaitable[None]:
        """Write what is still to be written, and release the files."""

    def get(kind: type[R], key: str) -> R | None:
        """The record of that class and key."""

    def all(kind: type[R]) -> Collection[R]:
        """
        Every record of a class, oldest first; a view that changes with the
        store.
        """

    def where(kind: type[R], field: str, value: object) -> Collection[R]:
        """
        The records whose C{field}, one of the class's C{INDEXES}, is
        C{value}, or, one of its C{MANY_INDEXES}, has it; oldest first; a view,
        as L{all}.  Costs by what is found.
        """

    def total(kind: type[R], field: str, value: object, of: str) -> int:
        """
        The sum of the fields C{of} of the records whose C{field} is C{value};
        one that the class has C{TOTALS} of.  Costs nothing.
        """

    def commit(*changes: Change) -> Awaitable[None]:
        """
        Make changes, all or none.  Memory has them when this returns; the
        awaitable fires when the disk has them, and only then may anybody be
        told.

        @raise StoreUnusable: an earlier or this write failed; the daemon
            must end and start again from what the disk has.
        """


class ICopied(IStore):
    """A store that can be copied while it is used."""

    def copy_to(path: Path) -> Awaitable[None]:
        """
        Have all that is kept at one moment, not before this call, in a file of
        mode 0600 at C{path}, where there is none; on the disk when the awaitable
        fires.  Commits go on meanwhile.

        @raise StoreUnusable: with what is wrong; there is no file then.
        """
