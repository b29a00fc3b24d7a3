"""What goes with an instance of which nothing is kept any more.  Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from euca_tw.clc.tags import without_tags
from euca_tw.model.records import ClientToken, Instance
from euca_tw.store.interfaces import Change, Delete, IStore


def forgetting(store: IStore, instance: Instance) -> tuple[Change, ...]:
    """What to commit so that nothing is kept of it, but for L{unused_tokens}."""
    return (
        Delete(Instance, instance.instance_id),
        *without_tags(store, instance.instance_id),
    )


def unused_tokens(store: IStore, changes: Iterable[Change]) -> tuple[Delete, ...]:
    """
    The client tokens of those reservations of which nothing is left when C{changes}
    are made; these are to be of the same commit.
    """
    going = [
        found
        for each in changes
        if isinstance(each, Delete) and each.kind is Instance
        if (found := store.get(Instance, each.key)) is not None
    ]
    gone = Counter(each.reservation_id for each in going)
    last = {each.reservation_id: each for each in going if each.client_token}
    return tuple(
        Delete(ClientToken, f"{each.owner_id}/{each.client_token}")
        for reservation_id, each in last.items()
        if len(store.where(Instance, "reservation_id", reservation_id))
        == gone[reservation_id]
    )
