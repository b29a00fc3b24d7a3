"""Where a cloud controller keeps its state: what stands in C{[cloud] store}."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from random import Random
from types import ModuleType

from twisted.internet.interfaces import IReactorTime

from euca_tw.admin.sections import CloudSection
from euca_tw.common.threads import Deliver, IWorker, ThisThread, thread_worker
from euca_tw.store.codec import Upgrade
from euca_tw.store.interfaces import IShared, StoreUnusable
from euca_tw.store.shared import PATIENCE_S, SharedStore

#: The store of a cloud controller that shares it with no other, in its state
#: directory.
CLOUD_STORE = "cloud.db"


def place_of(section: CloudSection) -> Path | str:
    """An SQLite file; or of a shared database, what libpq calls it."""
    return section.store or section.state_dir / CLOUD_STORE


def postgres_journal() -> ModuleType:
    """
    @raise StoreUnusable: the driver is not installed.
    """
    return _by_driver("postgres_journal")


def postgres_copies() -> ModuleType:
    """
    @raise StoreUnusable: the driver is not installed.
    """
    return _by_driver("postgres_copies")


def _by_driver(name: str) -> ModuleType:
    try:
        return import_module(f"euca_tw.store.{name}")
    except ImportError as error:
        raise StoreUnusable(
            "[cloud] store names a PostgreSQL database, and what talks to it is not "
            f"installed ({error}): pip install 'euca_tw[postgresql]'"
        ) from error


def shared_store(
    where: str,
    kinds: tuple[type, ...],
    clock: IReactorTime,
    random: Random,
    on_failure: Callable[[StoreUnusable], None],
    upgrades: Mapping[str, Upgrade],
    *,
    make_worker: Callable[[str], IWorker] = thread_worker,
    deliver: Deliver,
    listens: bool = True,
    patience_s: float = PATIENCE_S,
) -> IShared:
    """
    @param where: of libpq's.
    @raise StoreUnusable: see L{postgres_journal}.
    """
    journal = postgres_journal().PostgresJournal(where, make_worker, deliver, listens)
    store: IShared = SharedStore(
        journal, kinds, clock, random, on_failure, upgrades, patience_s
    )
    return store


def shared_store_at_once(
    where: str,
    kinds: tuple[type, ...],
    clock: IReactorTime,
    random: Random,
    upgrades: Mapping[str, Upgrade],
) -> IShared:
    """
    One that does everything in the thread of who asks, never hears of news, and
    waits for nothing: what is not there at once will not be.
    """
    return shared_store(
        where,
        kinds,
        clock,
        random,
        lambda failed: None,
        upgrades,
        make_worker=lambda name: ThisThread(),
        deliver=lambda call: call(),
        listens=False,
        patience_s=0,
    )
