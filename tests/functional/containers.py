"""
Tiny containers: busybox and one script, which is all that runs in them.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from twisted.trial.unittest import SkipTest

from euca_tw.nodectl.interfaces import Disk, DomainSpec
from tests.functional.libvirtd import Libvirtd

T = TypeVar("T")

#: A guest that listens, and otherwise does nothing: asked by libvirt, as init is,
#: it shuts down or reboots.
LISTENS = """
while :; do
  case $($b dd bs=384 count=1 <&3 2>/dev/null | $b head -c 9 | $b tail -c 1) in
    0) $b poweroff -f ;;
    6) $b reboot -f ;;
  esac
done
"""
#: One that hears nothing.
DEAF = "trap '' TERM; $b sleep 1000000"
#: Before it says that it boots: what it is asked earlier, nobody hears.
_IS_HEARD = "$b mkfifo /dev/initctl; exec 3<>/dev/initctl"
_SCRIPT = """#!/bin/busybox sh
b=/bin/busybox
exec >/dev/console 2>&1 </dev/console
{first}
echo "$LIBVIRT_LXC_NAME boots"
{then}
"""


def or_fail(skipping: Callable[[], T]) -> T:
    """
    What it returns.  Where all tests must be run, what would skip them fails.

    @raise SkipTest:
    """
    try:
        return skipping()
    except SkipTest as why:
        if os.environ.get("CI"):
            raise AssertionError(f"containers cannot be run: {why}") from why
        raise


_shared: list[Libvirtd] = []


def shared() -> Libvirtd:
    """
    A libvirtd for containers, for all tests that leave nothing behind in it.

    @raise SkipTest:
    """
    if not _shared:
        _shared.append(or_fail(start))
        atexit.register(_shared[0].stop)
    return _shared[0]


def start() -> Libvirtd:
    """@raise SkipTest:"""
    for program in ("busybox", "mke2fs"):
        if shutil.which(program) is None:
            raise SkipTest(f"needs {program}: run tools/setup")
    return Libvirtd.start(has_containers=True)


def a_container(directory: Path, name: str, then: str = LISTENS) -> DomainSpec:
    """
    One that says that it boots.

    @param then: what it does then, in the language of the shell.
    """
    here = directory / name
    if not here.exists():
        tree = here / "tree"
        for part in ("bin", "sbin", "dev", "proc", "sys", "tmp"):
            (tree / part).mkdir(parents=True)
        busybox = shutil.which("busybox")
        assert busybox is not None
        shutil.copy(busybox, tree / "bin" / "busybox")
        init = tree / "sbin" / "init"
        first = _IS_HEARD if "<&3" in then else ""
        init.write_text(_SCRIPT.replace("{first}", first).replace("{then}", then))
        init.chmod(0o755)
        disk = here / "root.raw"
        disk.touch()
        os.truncate(disk, 6 << 20)
        make = ("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", tree)
        subprocess.run((*make, disk), check=True)
        shutil.rmtree(tree)
    return DomainSpec(
        name=name,
        uuid=f"5a5a5a5a-0000-4000-8000-0000{name[2:]}",
        cores=1,
        memory_mib=32,
        disks=(Disk(path=f"{here}/root.raw", format="raw", serial="root"),),
        nics=(),
        console=f"{here}/console.log",
    )


def loop_devices(directory: Path) -> set[str]:
    """The files below a directory that loop devices have."""
    listed = subprocess.run(
        ("losetup", "--list", "--noheadings", "--output", "BACK-FILE"),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {each for each in listed.split() if str(directory) in each}
