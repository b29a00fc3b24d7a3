"""
Putting a backup in the place of a cloud controller's state.

All is checked before anything is replaced, and what was there is kept beside.  The
database is replaced last, by one rename: who is killed in between leaves a state
with which no daemon starts, or the old one, and does it again.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from random import SystemRandom

from attrs import frozen

from euca_tw.admin.backups import KEYS, NAMES, Backup, extract
from euca_tw.admin.client import Refused, is_running
from euca_tw.admin.direct import cloud_sealing, opened_directly
from euca_tw.admin.stores import CLOUD_STORE, postgres_copies
from euca_tw.common.files import make_private_directory, sync
from euca_tw.model.records import AccessKey, Instance, Restored, User
from euca_tw.soap.keys import UnusableKey, load_identity
from euca_tw.store.interfaces import Put, StoreUnusable

#: Where a backup is unpacked and checked, in the state directory.
_NEW = "restore.part"
#: SQLite's own files beside a database.
_BESIDE = ("-wal", "-shm", "-journal")


@frozen(kw_only=True)
class Outcome:
    """
    @ivar kept: where the old state, or its keys, is; None: there was none.
    @ivar kept_schema: what the old state's schema is called, in PostgreSQL; C{""}:
        there was none.
    @ivar users, instances: how many there are now, the latter without those that
        have ended.
    """

    backup: Backup
    kept: Path | None
    kept_schema: str
    users: int
    instances: int


def restore(path: Path, state_dir: Path, now: datetime, where: str = "") -> Outcome:
    """
    @param where: the PostgreSQL database that has the state instead of a file in
        C{state_dir}; the keys are there nevertheless.
    @raise Refused: nothing was replaced.
    @raise OSError: likewise, or it says what could not be written.
    """
    if is_running(state_dir):
        raise Refused(
            f"a cloud controller runs with {state_dir}: stop it first (systemctl stop "
            "euca-clc); it has stopped when `euca-tw status` says that it does not run"
        )
    # One of a whole cloud in one process others may pass through.
    make_private_directory(state_dir, 0o711 if state_dir.exists() else 0o700)
    new = state_dir / _NEW
    if new.exists():  # of one who was killed
        shutil.rmtree(new)
    new.mkdir(mode=0o700)
    try:
        backup = extract(path, new)
        users, instances = _checked(path, new, backup, now)
        kept_schema = ""
        if where:
            kept, kept_schema = _restore_shared(where, state_dir, new, backup, now)
        else:
            with _nobody_else(state_dir / CLOUD_STORE):
                kept = _keep(state_dir, now, NAMES)
                _replace(state_dir, new, backup, NAMES)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return Outcome(
        backup=backup,
        kept=kept,
        kept_schema=kept_schema,
        users=users,
        instances=instances,
    )


def _restore_shared(
    where: str, state_dir: Path, new: Path, backup: Backup, now: datetime
) -> tuple[Path | None, str]:
    """@return: where what was there before is: the keys; and the schema, or ""."""
    try:
        copies = postgres_copies()
        with copies.nobody_else(where) as connection:
            kept = _keep(state_dir, now, KEYS)
            _replace(state_dir, new, backup, KEYS)
            kept_as = f"{copies.SCHEMA}_before_restore_{now:%Y%m%dt%H%M%Sz}"
            was_there = copies.fill(connection, where, new / CLOUD_STORE, kept_as)
    except StoreUnusable as error:
        raise Refused(str(error)) from error
    return kept, kept_as if was_there else ""


def _checked(path: Path, new: Path, backup: Backup, now: datetime) -> tuple[int, int]:
    """
    See that a cloud controller of this version could start with it, and have it
    know that it was restored.

    @raise Refused:
    """
    random = SystemRandom()
    try:
        with opened_directly(
            new / CLOUD_STORE, cloud_sealing(new / "keys", random)
        ) as opened:
            store, commit = opened
            cloud_sealing(new / "keys", random).check(store.all(AccessKey))
            commit(Put(Restored(at=now, made_at=backup.made_at)))
            living = sum(each.is_live for each in store.all(Instance))
            counted = len(store.all(User)), living
        key, certificate = new / "keys/cloud-pk.pem", new / "keys/cloud-cert.pem"
        if key.exists() and certificate.exists():
            load_identity(key.read_bytes(), certificate.read_bytes())
    except (StoreUnusable, UnusableKey) as error:
        reason = str(error).replace(f"{new}/", "")
        raise Refused(f"{path} cannot be restored: in it, {reason}") from error
    for each in new.glob(f"{CLOUD_STORE}-*"):
        each.unlink()  # it was closed, so nothing is in them
    sync(new / CLOUD_STORE)
    return counted


@contextmanager
def _nobody_else(database: Path) -> Iterator[None]:
    """
    Have no daemon open it meanwhile; afterwards there is nothing beside it.  One that
    is damaged cannot be locked; nobody could use it either.

    @raise Refused: somebody has it open.
    """
    if not database.exists():
        yield
        return
    connection = sqlite3.connect(database, isolation_level=None, timeout=0)
    try:
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            # What its -wal has is brought into it, and that goes.
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
                raise Refused(
                    f"{database} is in use by another process: stop the cloud "
                    "controller that runs with this state directory"
                ) from error
        yield
    finally:
        connection.close()


def _keep(state_dir: Path, now: datetime, names: Sequence[str]) -> Path | None:
    """Have all that is about to be replaced in a directory as well."""
    olds = [state_dir / name for name in names if (state_dir / name).exists()]
    besides = [state_dir / f"{names[-1]}{each}" for each in _BESIDE]
    besides = [each for each in besides if each.exists()]
    if not (olds or besides):
        return None
    name = f"before-restore-{now:%Y%m%dT%H%M%SZ}"
    kept, number = state_dir / name, 1
    while kept.exists():
        number += 1
        kept = state_dir / f"{name}-{number}"
    for each in (*olds, *besides):
        into = kept / each.relative_to(state_dir)
        into.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(each, into)
        into.chmod(0o600)
        sync(into)
    for each in {kept, *(path.parent for path in kept.rglob("*"))}:
        sync(each)
    _give(state_dir, kept, *kept.rglob("*"))
    sync(state_dir)
    for each in besides:
        each.unlink()  # of the old database alone
    return kept


def _replace(state_dir: Path, new: Path, backup: Backup, names: Sequence[str]) -> None:
    for name in names:
        if name in backup.digests:
            into = state_dir / name
            if not into.parent.exists():
                into.parent.mkdir(mode=0o700)
                _give(state_dir, into.parent)
            _give(state_dir, new / name)
            (new / name).replace(into)
            sync(into.parent)


def _give(state_dir: Path, *paths: Path) -> None:
    """To whom the directory belongs, if we may: the command may be root's."""
    if os.geteuid() == 0:
        owner = state_dir.stat()
        for path in paths:
            os.chown(path, owner.st_uid, owner.st_gid)
