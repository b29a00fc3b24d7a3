"""
What a machine was told last, kept: so that it goes on with it after a restart,
before anybody tells it anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from attrs import Factory, define, frozen
from twisted.internet.defer import Deferred

from euca_tw.api.networks import (
    ElasticEntry,
    ExtentEntry,
    GroupEntry,
    MachineEntry,
    MemberEntry,
    NetworkChanges,
    NetworkEntry,
    NetworkPosition,
    TrunkEndEntry,
)
from euca_tw.common.background import Background
from euca_tw.overlay.entries import Difference, Entry, key_of
from euca_tw.overlay.replica import Replica
from euca_tw.overlay.wire import entry_of, told_of
from euca_tw.store.interfaces import Delete, IStore, Put, StoreUnusable


@frozen(kw_only=True)
class KeptEntry:
    """One entry, as it was told: one of the fields besides the key."""

    INDEXES: ClassVar[tuple[str, ...]] = ()

    key: str
    network: NetworkEntry | None = None
    member: MemberEntry | None = None
    machine: MachineEntry | None = None
    group: GroupEntry | None = None
    elastic: ElasticEntry | None = None
    end: TrunkEndEntry | None = None
    extent: ExtentEntry | None = None

    @classmethod
    def of(cls, entry: Entry) -> KeptEntry:
        key = key_of(entry)
        # The kind, which each key begins with, is the field's name.
        return cls(key=key, **{key.partition("/")[0]: told_of(entry)})  # type: ignore[arg-type]

    @property
    def entry(self) -> Entry:
        """@raise ValueError: it is none."""
        for told in (
            *(self.network, self.member, self.machine),
            *(self.group, self.elastic, self.end, self.extent),
        ):
            if told is not None:
                return entry_of(told)
        raise ValueError(f"{self.key} is kept empty")


@frozen(kw_only=True)
class KeptPosition:
    """Up to where what is kept is all."""

    INDEXES: ClassVar[tuple[str, ...]] = ()

    epoch: str
    sequence: int

    @property
    def key(self) -> str:
        return "position"


#: What a machine that carries networks keeps of them.
OVERLAY_RECORDS: tuple[type, ...] = (KeptEntry, KeptPosition)


# Note [Who asked may be gone]
#
# A lost caller cancels what it asked.  But what a replica has taken in is never told
# again; so what follows from it is done whether or not anybody waits for it.


@define(eq=False)
class KeptReplica:
    """
    A L{Replica} on a store, which is open.

    @ivar taken: called with what is other than it was, when that is kept.
    """

    _store: IStore
    _taken: Callable[[Difference], None]
    _replica: Replica = Factory(Replica)
    _background: Background = Factory(Background)
    _unkept: int = 0

    def begin(self) -> None:
        """Go on with what was kept; nothing happens if nothing ever was."""
        entries = [kept.entry for kept in self._store.all(KeptEntry)]
        for position in self._store.all(KeptPosition):
            self._replica.epoch = position.epoch
            self._replica.sequence = position.sequence
        self._replica.entries.update((key_of(each), each) for each in entries)
        if self._replica.is_complete:
            self._taken(Difference(tuple(entries)))

    @property
    def position(self) -> NetworkPosition:
        """Up to where all is known."""
        return self._replica.position

    async def hear(self, changes: NetworkChanges) -> None:
        """
        Take in what is told; done when it is kept.

        @raise ValueError: there is something that cannot be so; text for people.
        """
        difference = self._replica.hear(changes)
        if difference is None and not self._unkept:
            return
        # What is told once more may be on its way to the disk: who tells it must not
        # be told that it is known before it is there.
        difference = difference or Difference()
        replica = self._replica
        assert replica.epoch is not None
        position = KeptPosition(epoch=replica.epoch, sequence=replica.sequence)
        done: Deferred[None] = Deferred()
        # See Note [Who asked may be gone].
        work = self._keep(difference, position, done)
        self._background.run("keeping what was told of networks", work)
        await done

    async def _keep(
        self, difference: Difference, position: KeptPosition, done: Deferred[None]
    ) -> None:
        self._unkept += 1
        try:
            await self._store.commit(
                *(Put(KeptEntry.of(entry)) for entry in difference.puts),
                *(Delete(KeptEntry, key) for key in difference.gone),
                Put(position),
            )
        except StoreUnusable:
            # The store tells its owner, who ends: nobody is told any more.
            return
        self._unkept -= 1
        if difference:
            self._taken(difference)
        if not done.called:
            done.callback(None)
