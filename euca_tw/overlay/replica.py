"""
Who is told: what is known so far, and what a message makes of it.

Messages may be lost, come twice, or late; what does not go on from where we are is
not taken, and the answer says where that is.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import Factory, define

from euca_tw.api.networks import NetworkChanges, NetworkPosition
from euca_tw.overlay.entries import Difference, Entry, key_of
from euca_tw.overlay.wire import entries_of


@define
class _Staged:
    """The parts of a change that have come; it is not so before the last has."""

    change: tuple[str, int, int, bool]
    parts: int = 0
    entries: dict[str, Entry] = Factory(dict)
    gone: list[str] = Factory(list)


@define(eq=False)
class Replica:
    """
    @ivar entries: all that is known, by key.
    @ivar epoch: None: nothing was ever told.
    """

    entries: dict[str, Entry] = Factory(dict)
    epoch: str | None = None
    sequence: int = 0
    _staged: _Staged | None = None

    @property
    def position(self) -> NetworkPosition:
        """Up to where all is known."""
        return NetworkPosition(epoch=self.epoch, sequence=self.sequence)

    @property
    def is_complete(self) -> bool:
        """Whether all was told, once."""
        return self.epoch is not None

    def hear(self, changes: NetworkChanges) -> Difference | None:
        """
        @return: what is other than it was; None if nothing was taken.
        @raise ValueError: there is something that cannot be so; text for people.
        """
        entries = entries_of(changes)
        change = changes.epoch, changes.since, changes.sequence, changes.is_full
        if changes.part == 0:
            self._staged = _Staged(change) if self._goes_on(changes) else None
        staged = self._staged
        if staged is None or (staged.change, staged.parts) != (change, changes.part):
            self._staged = None
            return None
        staged.parts += 1
        staged.entries.update((key_of(entry), entry) for entry in entries)
        staged.gone.extend(changes.gone)
        if not changes.is_last:
            return None
        self._staged = None
        if changes.is_full:
            staged.gone.extend(self.entries.keys() - staged.entries.keys())
        self.epoch, self.sequence = changes.epoch, changes.sequence
        return self._become(staged.entries, staged.gone)

    def _goes_on(self, changes: NetworkChanges) -> bool:
        if changes.is_full:
            is_older = changes.sequence < self.sequence
            return not (changes.epoch == self.epoch and is_older)
        return (changes.epoch, changes.since) == (self.epoch, self.sequence)

    def _become(self, entries: dict[str, Entry], gone: Iterable[str]) -> Difference:
        forgotten = [key for key in gone if self.entries.pop(key, None) is not None]
        puts = [each for key, each in entries.items() if self.entries.get(key) != each]
        self.entries.update((key_of(each), each) for each in puts)
        return Difference(tuple(puts), tuple(sorted(forgotten)))
