"""What shall be, made known: kept first, then told to the clusters."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from euca_tw.clc.interfaces import IClusters
from euca_tw.model.records import Instance
from euca_tw.store.interfaces import Change, IStore, StoreUnreachable, StoreUnusable


async def intend(
    store: IStore,
    clusters: IClusters,
    changes: Iterable[Change],
    instances: Iterable[Instance],
) -> None:
    """
    Commit C{changes}, which are of these instances, and have them seen to when that
    is durable, and not before: else a cluster might be told of what a crash then
    makes undone.  If others overtook it, whatever they made of these is seen to.
    Also when nobody waits for it any more: what was begun is a fact,
    and the clusters must learn of it.
    """
    release = clusters.hold(instances)
    kept = Deferred.fromCoroutine(_committed(store, changes))
    answer: Deferred[None] = Deferred()

    def ended(result: Failure | None) -> None:
        if not _is_end(result):
            release()
        if answer.called:
            return
        if isinstance(result, Failure):
            answer.errback(result)
        else:
            answer.callback(None)

    kept.addBoth(ended)
    await answer


async def _committed(store: IStore, changes: Iterable[Change]) -> None:
    await store.commit(*changes)


def _is_end(result: Failure | None) -> bool:
    """
    Whether nothing will be durable any more, though memory has it.  Who could not
    reach what is shared does not lead the clusters' work now; and what cannot be kept
    at all is not in memory.
    """
    return (
        isinstance(result, Failure)
        and result.check(StoreUnusable) is not None
        and result.check(StoreUnreachable) is None
    )
