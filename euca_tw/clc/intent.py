"""What shall be, made known: kept first, then told to the clusters."""

from __future__ import annotations

from collections.abc import Iterable

from euca_tw.clc.interfaces import IClusters
from euca_tw.model.records import Instance
from euca_tw.store.interfaces import Change, IStore


async def intend(
    store: IStore,
    clusters: IClusters,
    changes: Iterable[Change],
    instances: Iterable[Instance],
) -> None:
    """
    Commit C{changes}, which are of these instances, and have them seen to.
    Also when nobody waits for it any more: what was begun is a fact, and the
    clusters must learn of it.
    """
    try:
        await store.commit(*changes)
    finally:
        clusters.wake(instances)
