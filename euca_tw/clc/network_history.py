"""
The history of what clusters are told of networks: which revisions this cloud's
state went through, and in which runs of the cloud controller.

So it is known whether what a cluster was told last, perhaps by an earlier run, is of
the same history, or of a state that is newer than this one: one that was lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from attrs import evolve

from euca_tw.api.networks import NetworkPosition
from euca_tw.model.records import NetworkRevision, NetworkRun, Restored
from euca_tw.store.interfaces import Change, Delete, IStore, Put

#: So many runs are kept; a cluster that heard of none of them since is told nothing
#: unasked.
_RUNS_KEPT = 1000


def revision(store: IStore) -> int:
    """Of the state as it is, whether or not it is durable."""
    kept: Iterable[NetworkRevision] = store.all(NetworkRevision)
    return sum(each.number for each in kept)


def counted(
    store: IStore, changes: Iterable[Change], kinds: tuple[type, ...], by: str = ""
) -> tuple[Change, ...]:
    """
    What to commit with changes, so that they are a revision of their own.

    @param kinds: of which clusters are told something.
    @param by: who commits them, of several.
    """
    for change in changes:
        kind = type(change.record) if isinstance(change, Put) else change.kind
        if kind in kinds:
            one = NetworkRevision(number=1, by=by)
            kept: NetworkRevision | None = store.get(NetworkRevision, one.key)
            return (Put(one if kept is None else evolve(kept, number=kept.number + 1)),)
    return ()


def beginning(store: IStore, epoch: str, now: int) -> tuple[Change, ...]:
    """
    What to commit before a run tells anything: the one before has ended.

    @param now: the L{revision}, or one since the run before ended.
    """
    runs: list[NetworkRun] = [*store.all(NetworkRun)]
    return (
        *(Put(evolve(run, ended=now)) for run in runs if run.ended is None),
        *(Delete(NetworkRun, run.key) for run in runs[: 1 - _RUNS_KEPT]),
        Put(NetworkRun(epoch=epoch, began=now)),
    )


def folded(store: IStore, by: str, others: Collection[str]) -> tuple[Change, ...]:
    """
    What to commit so that those who are no more do not count by themselves.

    @param by: who does it.
    @param others: who are still there.
    """
    kept: Iterable[NetworkRevision] = store.all(NetworkRevision)
    gone = [each for each in kept if each.by not in (by, *others)]
    if not gone:
        return ()
    own: NetworkRevision = store.get(
        NetworkRevision, NetworkRevision(number=0, by=by).key
    ) or NetworkRevision(number=0, by=by)
    total = own.number + sum(each.number for each in gone)
    return (
        *(Delete(NetworkRevision, each.key) for each in gone),
        Put(evolve(own, number=total)),
    )


def has_told(store: IStore, position: NetworkPosition) -> bool:
    """Whether what a cluster was told last is of this history."""
    if position.told_epoch is None:
        return True
    run: NetworkRun | None = store.get(NetworkRun, position.told_epoch)
    if run is None:
        return False
    last = revision(store) if run.ended is None else run.ended
    return (position.told_revision or 0) <= last


def restored(store: IStore) -> Restored | None:
    """That this state was restored, until all clusters were heard since."""
    found: Restored | None = store.get(Restored, "restored")
    return found
