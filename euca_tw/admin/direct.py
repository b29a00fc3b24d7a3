"""An operator's wishes, done on the store of a cloud that does not run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock

from euca_tw.admin.actions import Actions
from euca_tw.admin.client import Refused
from euca_tw.admin.configuration import Configuration, public_url
from euca_tw.admin.identities import own_identity
from euca_tw.admin.state_copies import StateCopies
from euca_tw.admin.stores import place_of, shared_store_at_once
from euca_tw.clc.accounts import Accounts
from euca_tw.clc.credentials import credential_files
from euca_tw.clc.sealing import Sealing
from euca_tw.common.in_thread import in_this_thread
from euca_tw.common.threads import ThisThread
from euca_tw.model.identifiers import Minter
from euca_tw.model.records import CLOUD_RECORDS, AccessKey, User
from euca_tw.store.interfaces import ICopied, IStore, StoreUnreachable, StoreUnusable
from euca_tw.store.sqlite import SqliteStore


def cloud_sealing(keys_dir: Path, random: Random) -> Sealing:
    """What seals the secrets in that store."""
    return Sealing(keys_dir / "secrets", random)


def _store(place: Path | str, sealing: Sealing, clock: IReactorTime) -> ICopied:
    """One that does everything at once, in this thread."""
    upgrades = {"seal_secret": sealing.seal_body}
    if isinstance(place, str):
        return shared_store_at_once(
            place, CLOUD_RECORDS, clock, SystemRandom(), upgrades
        )
    store: ICopied = SqliteStore(
        place,
        CLOUD_RECORDS,
        ThisThread,
        lambda call: call(),
        lambda failed: None,
        upgrades=upgrades,
    )
    return store


@contextmanager
def opened_directly(
    path: Path, sealing: Sealing
) -> Iterator[tuple[IStore, Callable[..., None]]]:
    """
    A cloud's store, brought up to date, and what commits there.

    @raise StoreUnusable:
    """
    store = _store(path, sealing, Clock())
    _done(_awaited(store.open()))
    try:
        yield store, lambda *changes: _done(_awaited(store.commit(*changes)))
    finally:
        _done(_awaited(store.close()))


async def _awaited(kept: Awaitable[None]) -> None:
    await kept


def do_directly(
    configuration: Configuration, name: str, arguments: dict[str, Any]
) -> Any:
    """
    @raise Refused:
    @raise ConfigError:
    """
    cloud = configuration.cloud
    place = place_of(cloud)
    nothing = Refused(
        f"there is no cloud in {cloud.state_dir}, running or not: start one "
        "(twistd euca-clc), or name its --state-dir or its --config"
    )
    if isinstance(place, Path) and not place.exists():
        raise nothing
    now = datetime.now(UTC)
    identity = own_identity(cloud.keys_dir, "cloud", cloud.key, cloud.certificate, now)
    clock = Clock()
    clock.advance(now.timestamp())
    random = SystemRandom()
    sealing = cloud_sealing(cloud.keys_dir, random)
    store = _store(place, sealing, clock)
    actions = Actions(
        store=store,
        quotas=configuration.quotas,
        copies=StateCopies(store, cloud.state_dir),
        accounts=Accounts(
            store=store,
            clock=clock,
            minter=Minter(random),
            in_thread=in_this_thread,
            sealing=sealing,
        ),
        files_of=partial(
            credential_files,
            cloud_url=public_url("cloud", cloud.listen, cloud.url),
            region=cloud.region,
            cloud_certificate_pem=identity.certificate_pem,
        ),
    )

    async def work() -> Any:
        await store.open()
        try:
            if isinstance(place, str) and not store.all(User):
                raise nothing
            sealing.check(store.all(AccessKey))
            return await actions.perform(name, arguments)
        finally:
            await store.close()

    try:
        return _done(work())
    except StoreUnusable as unusable:
        raise Refused(str(unusable)) from unusable


def _done(work: Coroutine[Any, Any, Any]) -> Any:
    """
    The result of what does not wait for anything.

    @raise StoreUnreachable: it would have waited for the database.
    """
    results: list[Any] = []
    failures: list[Any] = []
    Deferred.fromCoroutine(work).addCallbacks(results.append, failures.append)
    for failure in failures:
        failure.raiseException()
    if not results:
        raise StoreUnreachable(
            "the cloud's database does not answer any more: see what was done, and "
            "try again"
        )
    return results[0]
