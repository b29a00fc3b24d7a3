"""
A store that several processes work on, by way of a journal.

Memory has what the journal says up to a position, and on top of that the process's
own commits that are not in it yet (L{euca_tw.store.ahead}).  These are proposed to
the journal, all that have come meanwhile at once, together with what was read for
each; the answer tells what others have put there before them, and which were refused
(L{euca_tw.store.validation}).  If there was anything of that, what is on top is
undone, the journal is followed, and the rest is put on top again.

What happens when the journal is not reached: commits wait, for a bounded time; then
they fail, and so do those that come, at once, until it is reached again.  Of
proposals whose answer was lost it is not known whether they were made.  They stay
on top, and are proposed again, under the same name, until the journal says what
became of them: nothing is ever guessed.

What ends the store for good is an entry that this version of the software does not
understand, or a journal that is not the one that was followed so far.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from euca_tw.common.backoff import Backoff
from euca_tw.store.ahead import Ahead
from euca_tw.store.codec import Codec, Upgrade
from euca_tw.store.currents import Currents
from euca_tw.store.interfaces import (
    Change,
    Conflict,
    IShared,
    R,
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
)
from euca_tw.store.leases import Leases
from euca_tw.store.reads import Noted, NotedView, written
from euca_tw.store.tables import Tables, indexes_of
from euca_tw.store.telling import Telling, Watcher
from euca_tw.store.tries import Tries

T = TypeVar("T")

#: So long a commit, or a question, waits for a journal that is not reached.
PATIENCE_S = 15.0
#: So many commits are proposed at once, at most.
_MOST = 1000


@implementer(IShared)
@define(eq=False)
class SharedStore:
    """
    @ivar _kinds: the classes of the records that are kept.
    @ivar _clock: tells when a turn of the reactor ends, too: see L{Noted}.
    @ivar _random: no two stores of one journal may have it alike.
    @ivar _on_failure: told once, when the store has ended for good.
    @ivar _upgrades: the steps that the classes list by a name.
    """

    _journal: IJournal
    _kinds: tuple[type, ...]
    _clock: IReactorTime
    _random: Random
    _on_failure: Callable[[StoreUnusable], None]
    _upgrades: Mapping[str, Upgrade] = MappingProxyType({})
    _patience_s: float = PATIENCE_S

    _codec: Codec = field(init=False)
    _noted: Noted = field(init=False)
    _telling: Telling = field(init=False)
    _writing: Tries[Appended] = field(init=False)
    _reading: Tries[Heard] = field(init=False)
    _ahead: Ahead = field(init=False)
    _currents: Currents = field(init=False, factory=Currents)
    _has_news: bool = field(init=False, default=False)
    _is_open: bool = field(init=False, default=False)
    #: Why nothing can be committed any more.
    _unusable: StoreUnusable | None = field(
        init=False, factory=lambda: StoreUnusable("the store is not open")
    )
    _leases: Leases = field(init=False)
    _is_committing: bool = field(init=False, default=False)
    _drained: Deferred[None] | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._codec = Codec.of(self._kinds, self._upgrades)
        self._noted = Noted(lambda end: self._clock.callLater(0, end))
        self._telling = Telling(self._clock, self._go_on)
        self._ahead = Ahead(self._codec, Tables(), Position())
        self._writing = Tries(
            self._clock,
            self._new_backoff(),
            self._patience_s,
            self._propose,
            self._appended,
            self._not_written,
            self._end,
        )
        self._reading = Tries(
            self._clock,
            self._new_backoff(),
            self._patience_s,
            self._ask,
            self._heard,
            self._not_read,
            self._end,
        )

        self._leases = Leases(self._journal, self._clock, self._patience_s)

    def _new_backoff(self) -> Backoff:
        return Backoff(random=self._random, first_s=0.1, ceiling_s=5.0)

    # --- opening and closing ------------------------------------------------

    def open(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._open())

    async def _open(self) -> None:
        loaded = await self._loaded()
        self._ahead = Ahead(self._codec, loaded.tables, loaded.position)
        self._unusable, self._is_open = None, True

    async def _loaded(self) -> Loaded:
        """The machine with the journal may be starting just now, as this one is."""
        begun, backoff = self._clock.seconds(), self._new_backoff()
        while True:
            try:
                loaded: Loaded = await self._journal.open(self._codec, self._news)
            except StoreUnreachable:
                if self._clock.seconds() >= begun + self._patience_s:
                    raise
            else:
                return loaded
            await deferLater(self._clock, backoff.next())

    def close(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        is_sound = self._unusable is None
        closed = self._unusable or StoreUnusable("the store is closed")
        self._unusable = closed
        if is_sound and self._ahead.pending and not self._writing.failing:
            self._drained = Deferred()
            await self._drained
        self._writing.stop()
        self._reading.stop()
        self._give_up(closed)
        await self._journal.close()

    # --- reading ------------------------------------------------------------

    def get(self, kind: type[R], key: str) -> R | None:
        self._noted.add((kind, key))
        return self._ahead.tables.get(kind, key)

    def all(self, kind: type[R]) -> Collection[R]:
        return NotedView(self._ahead.tables.table(kind), add=self._noted.add)

    def where(self, kind: type[R], field: str, value: object) -> Collection[R]:
        if field not in indexes_of(kind):
            raise ValueError(f"{kind.__name__} has no index {field!r}")
        table = self._ahead.tables.table(kind)
        return NotedView(table, field, value, self._noted.add)

    def total(self, kind: type[R], field: str, value: object, of: str) -> int:
        self._noted.add((kind, field, value))
        return self._ahead.tables.total(kind, field, value, of)

    def watch(self, heard: Watcher) -> None:
        self._telling.watch(heard)

    # --- writing ------------------------------------------------------------

    def commit(self, *changes: Change) -> Deferred[None]:
        refusal = self._unusable or self._writing.failing
        if refusal is not None:
            return fail(refusal)
        if self._noted.is_spoiled:
            return fail(Conflict())
        for change in changes:
            self._noted.add(written(change))
        pending = self._ahead.put(changes, self._noted.so_far())
        self._is_committing = True
        try:
            self._write()
        finally:
            self._is_committing = False
        return pending.waiting

    def _write(self) -> None:
        """Propose what is on top, unless an answer is awaited or being told."""
        if self._ahead.batch or self._telling.is_telling or not self._ahead.pending:
            return
        self._ahead.propose(f"{self._random.getrandbits(128):032x}", _MOST)
        self._writing.begin()

    def _propose(self) -> Awaitable[Appended]:
        ahead = self._ahead
        answer: Awaitable[Appended] = self._journal.append(
            ahead.position, ahead.batch, ahead.proposals()
        )
        return answer

    def _appended(self, appended: Appended) -> None:
        self._settle(appended.entries, appended.refused)

    def _settle(
        self, entries: Sequence[Entry], refused: frozenset[int] | None = None
    ) -> None:
        settled = self._ahead.settle(entries, refused)
        if self._is_committing and settled.touched.has_any_of(self._noted.so_far()):
            # The answer was there at once, within the call of somebody who may
            # go on to commit what he decided by what is no longer so.
            self._noted.is_spoiled = True
        for changes, pending in settled.durable:
            self._telling.durable(changes, None if pending is None else pending.waiting)
        for pending in settled.refused:
            self._telling.failed(pending.waiting, Conflict())
        self._telling.tell()
        self._go_on()

    def _go_on(self) -> None:
        """Ask what there is to ask now."""
        if not self._telling.is_behind:
            self._currents.have(self._ahead.position.sequence)
        self._write()
        self._read()
        if self._drained is not None and not self._ahead.pending:
            drained, self._drained = self._drained, None
            drained.callback(None)

    def _not_read(self, why: StoreUnreachable) -> None:
        self._journal.hang_up()
        self._currents.fail(why)

    def _not_written(self, why: StoreUnreachable) -> None:
        self._journal.hang_up()
        doubtful = self._ahead.pending[: self._ahead.batch_size]
        doubt = StoreUnreachable(f"it is not known whether this was kept: {why}")
        for each in doubtful:
            self._telling.failed(each.waiting, doubt)
        for each in self._ahead.drop_queued():
            self._telling.failed(each.waiting, why)
        self._currents.fail(why)
        self._telling.tell()
        if self._drained is not None:
            drained, self._drained = self._drained, None
            drained.callback(None)

    def _end(self, why: StoreUnusable) -> None:
        """For good."""
        is_first, self._unusable = self._unusable is None, why
        self._writing.stop()
        self._reading.stop()
        self._give_up(why)
        if is_first:
            self._on_failure(why)

    def _give_up(self, why: StoreUnusable) -> None:
        for each in self._ahead.pending:
            self._telling.failed(each.waiting, why)
        self._currents.fail(why)
        self._telling.tell()

    # --- following ----------------------------------------------------------

    def current(self) -> Deferred[None]:
        refusal = self._unusable or self._writing.failing or self._reading.failing
        if refusal is not None:
            return fail(refusal)
        waiting = self._currents.come()
        self._read()
        return waiting

    def _news(self) -> None:
        self._has_news = True
        self._read()

    def _read(self) -> None:
        """
        Ask what others have done, if somebody wants to know.  If a batch was
        proposed the answer to that tells it as well, later.
        """
        if self._reading.is_asking or self._unusable is not None:
            return
        has_news = self._has_news or self._currents.is_any
        if self._currents.is_question or (has_news and not self._ahead.batch):
            self._has_news = False
            self._reading.begin()

    def _ask(self) -> Awaitable[Heard]:
        self._currents.ask()
        answer: Awaitable[Heard] = self._journal.read(self._ahead.position)
        return answer

    def _heard(self, heard: Heard) -> None:
        self._currents.answered(heard.head)
        if not self._ahead.batch:
            position = self._ahead.position.sequence
            # A batch may have been answered since this was asked.
            entries = [each for each in heard.entries if each.sequence > position]
            if entries:
                self._settle(entries)
        self._has_news |= heard.head > self._ahead.position.sequence
        self._go_on()

    # --- leading ------------------------------------------------------------

    def lead(self, name: str, holder: str, for_s: float) -> Awaitable[float | None]:
        if self._unusable is not None:
            return fail(self._unusable)
        return self._leases.lead(name, holder, for_s)

    def release(self, name: str, holder: str) -> Awaitable[None]:
        if self._unusable is not None:
            return fail(self._unusable)
        return self._leases.release(name, holder)

    # --- copying ------------------------------------------------------------

    def copy_to(self, path: Path) -> Awaitable[None]:
        if self._unusable is not None:
            return fail(self._unusable)
        copied: Awaitable[None] = self._journal.copy_to(path)
        return copied
