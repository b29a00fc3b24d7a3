"""
Memory, where it is ahead of the journal: what that says up to a position, and on top
of it the commits of this process that it does not have yet.

Knows nothing of time, or of how a journal is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred

from euca_tw.store.codec import Codec, Row
from euca_tw.store.database import Gone
from euca_tw.store.interfaces import Change, Put
from euca_tw.store.journal import Entry, Position, Proposal
from euca_tw.store.reads import Reads
from euca_tw.store.tables import Tables
from euca_tw.store.validation import Touched, touches_of


@define(eq=False)
class Pending:
    """A commit on top, and who waits for it."""

    changes: tuple[Change, ...]
    proposal: Proposal
    waiting: Deferred[None] = field(factory=Deferred)


@frozen(eq=False)
class Settled:
    """
    What is to be told.

    @ivar durable: what the journal has now, in its order; with the commit, if it
        is one of ours.
    @ivar refused: what will never be there.
    @ivar touched: what others have; nothing, if everything was as thought.
    """

    durable: Sequence[tuple[tuple[Change, ...], Pending | None]]
    refused: Sequence[Pending]
    touched: Touched


@define(eq=False)
class Ahead:
    """
    @ivar pending: what is on top, in its order: the batch that was proposed, and
        what came after.
    @ivar batch_size: how many of C{pending} were proposed, under the name C{batch}.
    """

    _codec: Codec
    tables: Tables
    position: Position
    pending: list[Pending] = field(init=False, factory=list)
    batch: str = field(init=False, default="")
    batch_size: int = field(init=False, default=0)

    def put(self, changes: tuple[Change, ...], reads: Reads) -> Pending:
        """
        Make a commit, in memory.

        @raise TypeError, ValueError: it has what cannot be kept; nothing is made.
        """
        rows = tuple(self._kept(change) for change in changes)
        proposal = Proposal(rows, tuple(self.tables.undoable(changes)), reads)
        pending = Pending(changes, proposal)
        self.pending.append(pending)
        return pending

    def _kept(self, change: Change) -> Row | Gone:
        if isinstance(change, Put):
            return self._codec.row(change.record)
        return Gone(self._codec.name_of(change.kind), change.key)

    def propose(self, name: str, most: int) -> None:
        """What is on top, at most so many, is the batch."""
        self.batch, self.batch_size = name, min(len(self.pending), most)

    def proposals(self) -> Sequence[Proposal]:
        """Those of the batch."""
        return [each.proposal for each in self.pending[: self.batch_size]]

    def settle(
        self, entries: Sequence[Entry], refused: Collection[int] | None = None
    ) -> Settled:
        """
        Follow the journal.

        @param entries: those after C{position}.
        @param refused: which of the batch are not among them and will not be;
            None: nothing is known of the batch, and there is none.
        """
        batch = self.pending[: self.batch_size]
        name, self.batch, self.batch_size = self.batch, "", 0
        assert (refused is None) == (not batch)
        touched = Touched(self._codec)
        if entries:
            self.position = entries[-1].position
        if not refused and all(each.batch == name for each in entries):
            del self.pending[: len(batch)]
            return Settled([(each.changes, each) for each in batch], (), touched)
        queued = self.pending[len(batch) :]
        self._undo(self.pending)
        durable = self._follow(entries, name, batch, touched)
        lost = [batch[number] for number in sorted(refused or ())]
        for each in lost:
            touched.add(touches_of(each.proposal, self._codec))
        self.pending = []
        for each in queued:
            if touched.has_any_of(each.proposal.reads):
                touched.add(touches_of(each.proposal, self._codec))
                lost.append(each)
            else:
                steps = tuple(self.tables.undoable(each.changes))
                each.proposal = evolve(each.proposal, steps=steps)
                self.pending.append(each)
        return Settled(durable, lost, touched)

    def _follow(
        self,
        entries: Sequence[Entry],
        name: str,
        batch: Sequence[Pending],
        touched: Touched,
    ) -> list[tuple[tuple[Change, ...], Pending | None]]:
        durable: list[tuple[tuple[Change, ...], Pending | None]] = []
        for entry in entries:
            if entry.batch == name:
                ours = batch[entry.number]
                durable.append((ours.changes, ours))
                self.tables.apply(ours.changes)
            else:
                durable.append((entry.changes, None))
                self.tables.apply(entry.changes)
                touched.add(entry.touches)
        return durable

    def drop_queued(self) -> Sequence[Pending]:
        """Take back what is not of the batch."""
        queued = self.pending[self.batch_size :]
        self._undo(queued)
        del self.pending[self.batch_size :]
        return queued

    def _undo(self, pending: Sequence[Pending]) -> None:
        for each in reversed(pending):
            self.tables.undo(each.proposal.steps)
