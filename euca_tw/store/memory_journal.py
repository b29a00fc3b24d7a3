"""
A journal in memory, which several stores of one process share: for tests, and for
simulated clouds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from euca_tw.store.codec import Codec, Row
from euca_tw.store.database import Database, Gone
from euca_tw.store.interfaces import (
    Change,
    Delete,
    Put,
    StoreUnreachable,
    StoreUnusable,
)
from euca_tw.store.journal import (
    Appended,
    Entry,
    Heard,
    IJournal,
    Loaded,
    Position,
    Proposal,
)
from euca_tw.store.tables import Tables
from euca_tw.store.validation import Touch, Touched, refusals, touches_of

T = TypeVar("T")


@frozen(eq=False)
class Kept:
    """An entry as it is kept: in text, which another version may have written."""

    sequence: int
    batch: str
    number: int
    rows: tuple[Row | Gone, ...]
    touches: tuple[Touch, ...]

    def entry(self, codec: Codec, asked_by: str = "") -> Entry:
        """
        @param asked_by: the batch whose changes who asks has himself.
        @raise Unknown: this version of the software does not understand it.
        """
        changes: tuple[Change, ...] = ()
        if self.batch != asked_by:
            changes = tuple(_change(row, codec) for row in self.rows)
        return Entry(self.sequence, self.batch, self.number, self.touches, changes)


def _change(row: Row | Gone, codec: Codec) -> Change:
    if isinstance(row, Row):
        return Put(codec.record(row))
    return Delete(codec.kind_of(row.kind), row.key)


@define(eq=False)
class Hub:
    """
    What stands for the database.

    @ivar delay_s: how long a question is on its way, and an answer as well; None:
        neither is, and every answer is there at once.
    @ivar is_down: whether nobody reaches it.
    """

    clock: IReactorTime
    delay_s: float | None = None
    is_down: bool = False
    rows: dict[tuple[str, str], Row] = field(init=False, factory=dict)
    entries: list[Kept] = field(init=False, factory=list)
    leases: dict[str, tuple[str, float]] = field(init=False, factory=dict)
    journals: list[MemoryJournal] = field(init=False, factory=list)

    @property
    def position(self) -> Position:
        """Of its last entry."""
        if not self.entries:
            return Position()
        return Position(self.entries[-1].sequence, self.entries[-1].batch)

    def after(self, position: Position) -> list[Kept]:
        """
        The entries that follow it.

        @raise StoreUnusable: it is not of this journal.
        """
        at = self.entries[: position.sequence][-1:]
        if [Position(each.sequence, each.batch) for each in at] != (
            [position] if position.sequence else []
        ):
            raise StoreUnusable("the journal has taken another course: start again")
        return self.entries[position.sequence :]

    def write(
        self,
        batch: str,
        number: int,
        rows: tuple[Row | Gone, ...],
        touches: tuple[Touch, ...],
    ) -> None:
        """Another entry."""
        for row in rows:
            key = (row.kind, row.key)
            if isinstance(row, Row):
                self.rows[key] = row
            else:
                self.rows.pop(key, None)
        sequence = len(self.entries) + 1
        self.entries.append(Kept(sequence, batch, number, rows, touches))

    def tell(self, but: MemoryJournal) -> None:
        """Tell the others that there is something, in a turn of their own."""
        for journal in self.journals:
            if journal is not but:
                self.clock.callLater(self.delay_s or 0, journal.hear)


@implementer(IJournal)
@define(eq=False)
class MemoryJournal:
    """
    One process's way to the hub.

    @ivar is_cut: whether it is interrupted.
    @ivar loses_answers: whether only the answers do not arrive.
    @ivar is_mute: whether what it appends does not arrive.
    @ivar is_deaf: whether it does not hear of news.
    @ivar questions: how often it was asked for what follows a position.
    """

    _hub: Hub
    is_cut: bool = False
    loses_answers: bool = False
    is_mute: bool = False
    is_deaf: bool = False
    questions: int = 0
    _codec: Codec = field(init=False)
    _on_news: Callable[[], None] = field(init=False)

    def open(self, codec: Codec, on_news: Callable[[], None]) -> Deferred[Loaded]:
        self._codec, self._on_news = codec, on_news
        if self not in self._hub.journals:
            self._hub.journals.append(self)
        return self._asked(self._load)

    def _load(self) -> Loaded:
        tables = Tables()
        tables.apply(Put(self._codec.record(row)) for row in self._hub.rows.values())
        return Loaded(tables, self._hub.position)

    def close(self) -> Deferred[None]:
        if self in self._hub.journals:
            self._hub.journals.remove(self)
        return succeed(None)

    def hear(self) -> None:
        """There is something new."""
        is_heard = not (self.is_cut or self._hub.is_down or self.is_deaf)
        if is_heard and self in self._hub.journals:
            self._on_news()

    def append(
        self, position: Position, batch: str, proposals: Sequence[Proposal]
    ) -> Deferred[Appended]:
        return self._asked(lambda: self._append(position, batch, proposals))

    def _append(
        self, position: Position, batch: str, proposals: Sequence[Proposal]
    ) -> Appended:
        if self.is_mute:
            raise StoreUnreachable(_UNREACHABLE)
        hub, codec = self._hub, self._codec
        after = hub.after(position)
        if made := {each.number for each in after if each.batch == batch}:
            refused = frozenset(range(len(proposals))) - made
        else:
            touched = Touched(codec)
            for each in after:
                touched.add(each.touches)
            refused = refusals(touched, proposals, codec)
            for number, proposal in enumerate(proposals):
                if number not in refused:
                    touches = touches_of(proposal, codec)
                    hub.write(batch, number, proposal.rows, touches)
            if len(refused) < len(proposals):
                hub.tell(self)
        entries = hub.after(position)
        return Appended([each.entry(codec, batch) for each in entries], refused)

    def read(self, position: Position) -> Deferred[Heard]:
        self.questions += 1
        return self._asked(lambda: self._read(position))

    def _read(self, position: Position) -> Heard:
        after = self._hub.after(position)
        entries = [each.entry(self._codec) for each in after]
        return Heard(entries, self._hub.position.sequence)

    def lead(self, name: str, holder: str, for_s: float) -> Deferred[bool]:
        def lead() -> bool:
            now = self._hub.clock.seconds()
            other, until = self._hub.leases.get(name, (holder, now))
            if other != holder and until > now:
                return False
            self._hub.leases[name] = (holder, now + for_s)
            return True

        return self._asked(lead)

    def release(self, name: str, holder: str) -> Deferred[None]:
        def release() -> None:
            if self._hub.leases.get(name, ("", 0.0))[0] == holder:
                del self._hub.leases[name]

        return self._asked(release)

    def hang_up(self) -> None:
        """It is all or nothing here."""

    def copy_to(self, path: Path) -> Deferred[None]:
        def copy() -> None:
            if path.exists():
                raise StoreUnusable(f"{path} is there already")
            database = Database(path)
            database.open()
            database.write(self._hub.rows.values())
            database.close()

        return self._asked(copy)

    def _asked(self, work: Callable[[], T]) -> Deferred[T]:
        """Have it done at the hub, and the answer come back."""
        answer: Deferred[T] = Deferred()
        later = self._later

        def do() -> None:
            try:
                with self._on_the_way():
                    result = work()
            except Exception:  # whatever it is, who asked is told
                later(lambda failure: answer.errback(failure), Failure())
            else:
                later(arrive, result)

        def arrive(result: T) -> None:
            try:
                with self._on_the_way():
                    if self.loses_answers:
                        raise StoreUnreachable(_UNREACHABLE)
            except StoreUnreachable:
                answer.errback(Failure())
            else:
                answer.callback(result)

        later(do)
        return answer

    def _later(self, call: Callable[..., object], *arguments: Any) -> None:
        if self._hub.delay_s is None:
            call(*arguments)
        else:
            self._hub.clock.callLater(self._hub.delay_s, call, *arguments)

    @contextmanager
    def _on_the_way(self) -> Iterator[None]:
        if self.is_cut or self._hub.is_down:
            raise StoreUnreachable(_UNREACHABLE)
        yield


_UNREACHABLE = "the hub cannot be reached"
