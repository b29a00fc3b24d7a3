"""
The machine's files, made once: dom0's image, and Xen frozen when it is ready.

They are in a directory that is named for all they are made of; when any of
that changes there is another.  Checkouts that differ have one each; those that
were not used for longest are deleted.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from demo_cloud.steps import Failed, run, say, step

from xen_bed import packages, python, rootfs
from xen_bed.access import Access
from xen_bed.locks import alone
from xen_bed.machine import EMULATOR, Files, Machine
from xen_bed.places import GUEST, GUEST_BUILDER, HERE, LOCK, LONGEST_NAME, ROOT

_DISK_MIB = 1536
_ELSEWHERE = "set XDG_CACHE_HOME to a directory of yours"
_BOOT_S = 400
#: So many others; they are 0.7 GB each.
_KEPT = 2
# What the first start of anything would read from the disk, and slowly.
_WARM_UP = (
    "PYTHONPATH=/opt/euca_tw/lib python3 -c 'import libvirt, lxml, xmlsec, "
    "spyne.application, twisted.web.server, twisted.internet.reactor, "
    "twisted.scripts.twistd, OpenSSL, cattrs, treq'; cat /guest/* >/dev/null; "
    "qemu-img --version; nft list ruleset; /usr/libexec/xen-qemu-system-i386 -version"
)


def prepare() -> Files:
    """
    Have a frozen machine that is as it would be made today.

    @raise Failed:
    """
    if len(str(HERE)) > LONGEST_NAME:
        raise Failed(
            f"{HERE} is too long a name", "set XDG_CACHE_HOME to a shorter one"
        )
    try:
        HERE.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failed(f"{HERE} cannot be made: {error.strerror}", _ELSEWHERE) from None
    if not os.access(HERE, os.W_OK):
        raise Failed(f"{HERE} is another's", _ELSEWHERE)
    with alone(LOCK):
        run(GUEST_BUILDER, GUEST, timeout_s=600)
        wanted = packages.needed()
        files = Files(directory=HERE / _key(wanted))
        if files.frozen_disk.exists():
            os.utime(files.directory)
            return files
        began = time.monotonic()
        say("A real Xen is built, of Debian's packages; it takes a minute or two.")
        for old in abandoned(HERE):
            shutil.rmtree(old)
        with step("Packages"):
            packages.fetch(wanted)
        with tempfile.TemporaryDirectory(prefix="new-", dir=HERE) as part:
            made = Files(directory=Path(part) / "files")
            made.directory.mkdir()
            with step("dom0's file system"):
                _build(wanted, made, Path(part))
            with step("Xen starts, and is frozen when libvirt answers"):
                # Its disk tells where the one under it is.
                made.directory.rename(files.directory)
                _freeze(files, Path(part))
        say(f"It took {time.monotonic() - began:.0f} s, once; it is kept in {HERE}.")
        return files


def abandoned(here: Path) -> tuple[Path, ...]:
    """
    What can be deleted there before another is made: all but those used last,
    and what was begun and not ended.
    """
    begun, made = [], []
    for path in here.iterdir():
        if path.name.startswith("new-"):
            begun.append(path)
        elif re.fullmatch(r"[0-9a-f]{16}", path.name):
            is_whole = Files(directory=path).frozen_disk.exists()
            (made if is_whole else begun).append(path)
    made.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return (*begun, *made[_KEPT:])


def _key(wanted: Iterable[packages.Package]) -> str:
    ours = Path(__file__).parent.rglob("*")
    files = sorted(path for path in ours if path.is_file() and path.suffix != ".pyc")
    emulator = run(EMULATOR, "--version", advice="make setup")
    lock, guest = ROOT / "requirements.lock", GUEST / "stamp"
    return key_of(wanted, (*files, lock, guest), emulator)


def key_of(
    wanted: Iterable[packages.Package], files: Iterable[Path], emulator: str
) -> str:
    """Of all that the machine is made of."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\n".encode() + path.read_bytes())
    for package in wanted:
        digest.update(f"{package.file}\n".encode())
    digest.update(emulator.encode())
    return digest.hexdigest()[:16]


def _build(wanted: tuple[packages.Package, ...], made: Files, part: Path) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "xen", "-f", made.key)
    public_key = made.key.with_suffix(".pub").read_text()
    work = part / "dom0"
    work.mkdir()
    dom0 = rootfs.build(wanted, work, public_key)
    python.install(dom0.root)
    for source, target in (
        (dom0.hypervisor, made.hypervisor),
        (dom0.kernel, made.kernel),
        (dom0.ramdisk, made.ramdisk),
    ):
        source.rename(target)
    run("truncate", "-s", f"{_DISK_MIB}M", made.disk)
    run(
        *("env", "PATH=/usr/sbin:/sbin:/usr/bin:/bin", "mke2fs", "-q", "-t", "ext4"),
        *("-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0"),
        *("-d", dom0.root, made.disk),
        timeout_s=300,
    )


def _freeze(files: Files, part: Path) -> None:
    machine = Machine.boot(files, part)
    try:
        access = Access(files.key, part, machine.ports)
        if not access.answers(_BOOT_S, lambda: machine.runs):
            raise Failed("Xen or its libvirt does not start", "", part / "console.log")
        access.run(_WARM_UP, timeout_s=_BOOT_S)
        access.close()
        machine.freeze()
        (part / files.frozen_disk.name).rename(files.frozen_disk)
    except BaseException:
        shutil.copy(part / "console.log", HERE / "failed.log")
        raise
    finally:
        machine.stop()
