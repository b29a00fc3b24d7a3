"""What shall be, made known: kept first, then told to the clusters."""

from __future__ import annotations

from collections.abc import Iterable

from euca_tw.clc.interfaces import IClusters
from euca_tw.store.interfaces import Change, IStore


async def intend(
    store: IStore, clusters: IClusters, changes: Iterable[Change], zones: Iterable[str]
) -> None:
    """
    Commit C{changes} and wake C{zones}.  Also when nobody waits for it any
    more: what was begun is a fact, and the clusters must learn of it.
    """
    try:
        await store.commit(*changes)
    finally:
        for zone in dict.fromkeys(zones):
            clusters.wake(zone)
