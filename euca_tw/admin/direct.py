"""An operator's wishes, done on the store of a cloud that does not run."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from euca_tw.admin.actions import Actions
from euca_tw.admin.client import Refused
from euca_tw.admin.configuration import Configuration, public_url
from euca_tw.admin.identities import own_identity
from euca_tw.admin.state_copies import StateCopies
from euca_tw.clc.accounts import Accounts
from euca_tw.clc.credentials import credential_files
from euca_tw.clc.sealing import Sealing
from euca_tw.common.in_thread import in_this_thread
from euca_tw.common.threads import ThisThread
from euca_tw.model.identifiers import Minter
from euca_tw.model.records import CLOUD_RECORDS, AccessKey
from euca_tw.store.interfaces import IStore, StoreUnusable
from euca_tw.store.sqlite import SqliteStore

#: The store of a cloud controller, in its state directory.
CLOUD_STORE = "cloud.db"


def cloud_sealing(state_dir: Path, random: Random) -> Sealing:
    """What seals the secrets in that store."""
    return Sealing(state_dir / "keys" / "secrets", random)


def _store(path: Path, sealing: Sealing) -> SqliteStore:
    """One that does everything at once, in this thread."""
    return SqliteStore(
        path,
        CLOUD_RECORDS,
        ThisThread,
        lambda call: call(),
        lambda failed: None,
        upgrades={"seal_secret": sealing.seal_body},
    )


@contextmanager
def opened_directly(
    path: Path, sealing: Sealing
) -> Iterator[tuple[IStore, Callable[..., None]]]:
    """
    A cloud's store, brought up to date, and what commits there.

    @raise StoreUnusable:
    """
    store = _store(path, sealing)
    _done(_awaited(store.open()))
    try:
        yield store, lambda *changes: _done(_awaited(store.commit(*changes)))
    finally:
        _done(_awaited(store.close()))


async def _awaited(deferred: Deferred[None]) -> None:
    await deferred


def do_directly(
    configuration: Configuration, name: str, arguments: dict[str, Any]
) -> Any:
    """
    @raise Refused:
    @raise ConfigError:
    """
    cloud = configuration.cloud
    path = cloud.state_dir / CLOUD_STORE
    if not path.exists():
        raise Refused(
            f"there is no cloud in {cloud.state_dir}, running or not: start one "
            "(twistd euca-clc), or name its --state-dir or its --config"
        )
    now = datetime.now(UTC)
    identity = own_identity(
        cloud.state_dir / "keys", "cloud", cloud.key, cloud.certificate, now
    )
    clock = Clock()
    clock.advance(now.timestamp())
    random = SystemRandom()
    sealing = cloud_sealing(cloud.state_dir, random)
    store = _store(path, sealing)
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
            sealing.check(store.all(AccessKey))
            return await actions.perform(name, arguments)
        finally:
            await store.close()

    try:
        return _done(work())
    except StoreUnusable as unusable:
        raise Refused(str(unusable)) from unusable


def _done(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of what does not wait for anything."""
    results: list[Any] = []
    failures: list[Any] = []
    Deferred.fromCoroutine(work).addCallbacks(results.append, failures.append)
    for failure in failures:
        failure.raiseException()
    return results[0]
