"""
A backup of a cloud controller's state: one file, a plain tar archive.

Its first member, C{manifest.json}, says what is in it, with a SHA-256 of each; then
comes the database, as it was at one moment, and the keys without which it is of no
use.  Who has it has every secret of the cloud.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from attrs import frozen

from euca_tw.admin.client import Refused
from euca_tw.admin.stores import CLOUD_STORE
from euca_tw.common.files import give_name, sync

#: Told in the manifest; a greater one is of a newer version.
FORMAT = 1
_KIND = "the state of a cloud controller of euca_tw"
_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 1 << 16
_CHUNK = 1 << 20

#: What there is besides the database, where it is in the state directory: what seals
#: secrets; what proves that a node may fetch an image; the cloud's own identity.
KEYS = ("keys/secrets", "keys/images", "keys/cloud-pk.pem", "keys/cloud-cert.pem")
#: In the order in which they are put into their places; the database is the last.
NAMES = (*KEYS, CLOUD_STORE)


@frozen(kw_only=True)
class Backup:
    """
    What a backup says of itself.

    @ivar made_at: the moment that the database is of, or shortly after it.
    @ivar host: where it was made.
    @ivar digests: by name: the SHA-256 of what is in it, in hexadecimal digits.
    """

    made_at: datetime
    host: str
    digests: Mapping[str, str]


def write_backup(
    path: Path, keys_dir: Path, database: BinaryIO, now: datetime
) -> Backup:
    """
    Make one, of mode 0600; it is whole and on the disk when it has its name.

    @param keys_dir: where the cloud's keys are.
    @param database: a copy of it.
    @raise Refused: there is such a file already.
    @raise OSError: it cannot be.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    if path.exists():
        raise Refused(f"{path} is there already: name another file, or a directory")
    with _sources(keys_dir, database) as sources:
        digests = {name: _digest(source) for name, source in sources.items()}
        backup = Backup(made_at=now, host=socket.gethostname(), digests=digests)
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as writing:
                _write(writing, backup, sources)
            give_name(part, path)
        except FileExistsError:
            raise Refused(f"{path} is there already: name another file") from None
        finally:
            part.unlink(missing_ok=True)
    return backup


@contextmanager
def _sources(keys_dir: Path, database: BinaryIO) -> Iterator[Mapping[str, BinaryIO]]:
    """By name, what there is."""
    opened: dict[str, BinaryIO] = {}
    try:
        for name in KEYS:
            key = keys_dir / Path(name).name
            if key.exists():
                opened[name] = key.open("rb")
        yield {**opened, CLOUD_STORE: database}
    finally:
        for each in opened.values():
            each.close()


def _write(writing: BinaryIO, backup: Backup, sources: Mapping[str, BinaryIO]) -> None:
    manifest = {
        "kind": _KIND,
        "format": FORMAT,
        "made_at": backup.made_at.isoformat(timespec="seconds"),
        "host": backup.host,
        "sha256": dict(backup.digests),
    }
    with tarfile.open(fileobj=writing, mode="w", format=tarfile.PAX_FORMAT) as tar:
        text = json.dumps(manifest, indent=1).encode()
        tar.addfile(_member(_MANIFEST, len(text), backup), io.BytesIO(text))
        for name, source in sources.items():
            size = source.seek(0, os.SEEK_END)
            source.seek(0)
            tar.addfile(_member(name, size, backup), source)


def _member(name: str, size: int, backup: Backup) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    member.mtime = backup.made_at.timestamp()
    return member


def _digest(source: BinaryIO) -> str:
    source.seek(0)
    found = hashlib.sha256()
    while some := source.read(_CHUNK):
        found.update(some)
    return found.hexdigest()


def extract(path: Path, into: Path) -> Backup:
    """
    Put what is in a backup into a directory, which is there and empty, each file
    of mode 0600.

    @raise Refused: it is none, or is not whole.
    @raise OSError: it cannot be read, or written there.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            backup = _manifest(tar, path)
            for name, digest in backup.digests.items():
                if _extract(tar, name, into / name) != digest:
                    raise Refused(_BROKEN.format(path=path, what=f"{name} is damaged"))
    except (tarfile.TarError, KeyError, EOFError) as error:
        what = str(error.args[0]) if error.args else "it ends too early"
        raise Refused(_BROKEN.format(path=path, what=what)) from error
    return backup


def _manifest(tar: tarfile.TarFile, path: Path) -> Backup:
    member = tar.next()
    if member is None or member.name != _MANIFEST or member.size > _LARGEST_MANIFEST:
        raise Refused(_NONE.format(path=path))
    reading = tar.extractfile(member)
    try:
        told: Any = json.loads(reading.read() if reading is not None else b"")
        if told["kind"] != _KIND:
            raise Refused(_NONE.format(path=path))
        if told["format"] > FORMAT:
            raise Refused(
                f"{path} was written by a newer version of euca_tw (format "
                f"{told['format']}, this one knows {FORMAT}): install that version"
            )
        made_at = datetime.fromisoformat(told["made_at"]).astimezone(UTC)
        backup = Backup(made_at=made_at, host=str(told["host"]), digests=told["sha256"])
        is_sound = {CLOUD_STORE} <= backup.digests.keys() <= {*NAMES}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"{_MANIFEST} cannot be read"
        raise Refused(_BROKEN.format(path=path, what=what)) from error
    if not is_sound:
        raise Refused(_BROKEN.format(path=path, what="it has not what belongs in it"))
    return backup


def _extract(tar: tarfile.TarFile, name: str, into: Path) -> str:
    """@return: the digest of what was there."""
    member = tar.getmember(name)
    reading = tar.extractfile(member) if member.isfile() else None
    if reading is None:
        raise tarfile.ReadError(f"{name} is no file")
    into.parent.mkdir(mode=0o700, exist_ok=True)
    found = hashlib.sha256()
    handle = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as writing:
        while some := reading.read(_CHUNK):
            found.update(some)
            writing.write(some)
    sync(into)
    return found.hexdigest()


_NONE = "{path} is no backup of a cloud controller's state"
_BROKEN = "{path} is no whole backup ({what}): use another"
