"""L{MemoryJournal} is a journal."""

from __future__ import annotations

from attrs import define
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.store.memory_journal import Hub, MemoryJournal
from tests.suites.journal import make_ijournal_tests


@define(eq=False)
class _Place:
    hub: Hub
    clock: Clock

    def journal(self) -> MemoryJournal:
        return MemoryJournal(self.hub)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)


def place(case: SynchronousTestCase) -> _Place:
    clock = Clock()
    return _Place(Hub(clock), clock)


class MemoryJournalTests(make_ijournal_tests(place)):  # type: ignore[misc]
    """The suite, in memory."""
