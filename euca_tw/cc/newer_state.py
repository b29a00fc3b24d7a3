"""
What a cluster was told of networks is not undone by a cloud controller that knows
less: one that lost its state, or came back with an older one.

# Note [An older world]
#
# What a cluster is not told of is carried no more: so an empty world, or an older
# one, would cut off instances that run.  A cluster controller keeps which state of
# the cloud's it was told last: the run of the cloud controller (its epoch), and that
# state's revision.  Who tells all must name what it replaces, as it was told of it;
# it does so only when its own records have that run, with that revision: then its
# state goes on from there.  A restored state has the run, but ended it earlier; an
# empty one has not.  Then nothing is told, and nobody but an operator can have it
# told all the same (C{euca-tw state accept}).
"""

from __future__ import annotations

from typing import ClassVar

from attrs import define, field
from twisted.logger import Logger

from euca_tw.api.networks import NetworkChanges, NetworkPosition
from euca_tw.cc.records import NetworksTold
from euca_tw.store.interfaces import IStore, Put


@define(eq=False)
class NewestState:
    """The newest that was told; its store is open."""

    _cluster: str
    _store: IStore
    _is_refusing: bool = field(default=False, init=False)
    _log: ClassVar[Logger] = Logger()

    @property
    def _told(self) -> NetworksTold | None:
        found: NetworksTold | None = self._store.get(NetworksTold, "told")
        return found

    def lets(self, changes: NetworkChanges) -> bool:
        """Whether who tells this knows what it takes the place of."""
        told = self._told
        if not changes.is_full or told is None or changes.epoch == told.epoch:
            return True
        named = changes.replaces_epoch, changes.replaces_revision
        if named == (told.epoch, told.revision):
            return True
        if not self._is_refusing:
            self._is_refusing = True
            self._log.warn(
                "{cluster} is told of networks by a cloud controller that does not "
                "know what it was told before; all stays as it is",
                cluster=self._cluster,
            )
        return False

    async def keep(self, changes: NetworkChanges) -> None:
        """This was taken: keep that, before anything follows from it."""
        self._is_refusing = False
        told = NetworksTold(epoch=changes.epoch, revision=changes.revision or 0)
        if told != self._told:
            await self._store.commit(Put(told))

    def with_told(self, position: NetworkPosition) -> NetworkPosition:
        """A position that says what was told last."""
        told = self._told
        return NetworkPosition(
            epoch=position.epoch,
            sequence=position.sequence,
            told_epoch=told.epoch if told else None,
            told_revision=told.revision if told else None,
        )
