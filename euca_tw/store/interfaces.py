"""The door to what is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
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


class StoreUnreachable(StoreUnusable):
    """
    What keeps the records answers nothing at this moment.  The store goes on by
    itself as soon as it does, and can be asked again: nobody need end.
    """


class Conflict(Exception):
    """
    Another process has changed what a commit's maker had read, or wanted to
    change.  Nothing of the commit was made, and memory has what the other did: the
    maker is to read again, and decide anew.
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


class IShared(ICopied):
    """
    A store that several processes work on at once.

    For each of them it is an L{IStore}: memory has the changes of its own commits
    at once, and those of others when they are heard of, between two turns of the
    reactor and never within one.  All commits of all processes happen in one order,
    and each as if its maker had read and decided at the moment of its place there;
    one for which that is not so fails with L{Conflict}.

    What memory shows of a commit that has not fired may be taken back, so it may be
    shown to a user but must not be acted on: C{await} the commit first.
    """

    def commit(*changes: Change) -> Awaitable[None]:
        """
        As L{IStore.commit}.

        @raise Conflict: another process was faster; memory is as if this commit had
            never been.
        @raise StoreUnreachable: it could not be made in time, and memory is as if
            it had never been; but if it is in doubt whether it was made, memory
            has it until that is found out, and then has the truth.
        @raise StoreUnusable: the daemon must end and start again.
        """

    def current() -> Awaitable[None]:
        """
        Fires when memory has everything that any process had committed before this
        call, and who watches was told.

        @raise StoreUnreachable: that is not to be found out in time.
        """

    def watch(heard: Callable[[tuple[Change, ...]], None]) -> None:
        """
        Have C{heard} told of every commit that is durable, of this and of other
        processes, in their one order; of an own one before its awaitable fires.
        Memory may be further by then.
        """

    def lead(name: str, holder: str, for_s: float) -> Awaitable[float | None]:
        """
        Have, or go on having, what only one process may have at a time.

        @param holder: who asks, unique among all processes that ever ask.
        @return: for so many seconds from the moment of this call it is the
            holder's, unless it is L{release}d; None: another has it.
        @raise StoreUnreachable: it is not known; what was granted before still is.
        """

    def release(name: str, holder: str) -> Awaitable[None]:
        """Let others have it at once, if the holder has it."""
