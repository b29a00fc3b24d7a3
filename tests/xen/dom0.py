"""
One Xen for all these tests, and what they keep in its dom0.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
from pathlib import Path
from shlex import quote

from attrs import define, evolve, field
from twisted.trial.unittest import SkipTest

from euca_tw.nodectl.interfaces import Disk, DomainSpec

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from demo_cloud.steps import Failed  # noqa: E402
from xen_bed import image  # noqa: E402
from xen_bed.bed import Bed  # noqa: E402
from xen_bed.places import GUEST as DEMO  # noqa: E402

__all__ = ("DEMO", "GUEST", "ROOT", "Dom0", "log_of", "shared")

#: In dom0: the demo image.
GUEST = Path("/guest")
_HERE = Path("/var/lib/tests")
_PROGRAMS = ("qemu-system-x86_64", "qemu-img", "mke2fs", "apt-get", "virsh", "ssh")


def log_of(name: str) -> str:
    """The file there of what a guest writes to Xen's console."""
    return f"/var/log/xen/console/guest-{name}.log"


@define
class Dom0:
    """@ivar bed: of which it is."""

    bed: Bed
    _made: set[str] = field(factory=set)

    @property
    def uri(self) -> str:
        return self.bed.access.uri

    def run(self, command: str, stdin: bytes = b"") -> str:
        """
        What a shell there says.

        @raise Failed: it ends badly.
        """
        return self.bed.access.run(command, stdin)

    def console(self, name: str) -> str:
        """What a guest wrote to Xen's console, each time that it ran."""
        return self.run(f"cat {log_of(name)} 2>/dev/null || true").replace("\r", "")

    def wait(self, words: str, file: str, count: int, patience_s: float) -> None:
        """
        Till a file there has these words in so many lines.  It waits there: to
        ask from here takes a good part of what the guest would need.

        @raise AssertionError: it has not in time; says what it has.
        """
        is_so = f'[ "$(grep -cF {quote(words)} {file} 2>/dev/null)" -ge {count} ]'
        # Of nothing grep tells nothing, and that is no number.
        looks = f"until {is_so} 2>/dev/null; do sleep 0.5; done"
        try:
            self.bed.access.run(
                f"timeout {patience_s:g} sh -c {quote(looks)}", timeout_s=2 * patience_s
            )
        except Failed:
            raise AssertionError(f"no {words!r}: {self.read(file)}") from None

    def read(self, path: str) -> str:
        return self.run(f"cat {path}").replace("\r", "")

    def kernel(self, name: str) -> DomainSpec:
        """The demo image's kernel alone, which waits for a disk for ever."""
        return DomainSpec(
            name=name,
            uuid=f"5a5a5a5a-0000-4000-8000-0000{name[2:]}",
            cores=1,
            memory_mib=80,
            kernel=f"{GUEST}/vmlinuz",
            # What protects from guests that spy takes long under emulation.
            command_line="rw rootwait mitigations=off nokaslr",
            disks=(),
            nics=(),
            console=f"{_HERE}/{name}/console.log",
        )

    def guest(self, name: str, image: str) -> DomainSpec:
        """That kernel and its ramdisk, with an overlay of an image there."""
        disks = (self.disk(name, image),)
        return evolve(self.kernel(name), ramdisk=f"{GUEST}/initrd.gz", disks=disks)

    def disk(self, name: str, image: str) -> Disk:
        """An overlay of that name, made once, on an image there."""
        here = _HERE / name
        made = Disk(path=f"{here}/root.qcow2", backing=image)
        if name not in self._made:
            create = f"qemu-img create -q -f qcow2 -F raw -b {image} {made.path}"
            self.run(f"mkdir -p {here} && : > {here}/console.log && {create}")
            self._made.add(name)
        return made

    def forget(self, name: str) -> None:
        """Its disk is made anew when it is asked for again."""
        self.run(f"rm -rf {_HERE}/{name}")
        self._made.discard(name)

    def image(self, name: str, content: bytes) -> str:
        """The path of an image there with that content."""
        path = f"{_HERE}/{name}.img"
        self.run(f"mkdir -p {_HERE} && cat > {path} && truncate -s %1M {path}", content)
        return path

    def made(self, name: str, how: str) -> str:
        """
        The path of an image there, made once: the demo image's root file system,
        changed.

        @param how: for debugfs.
        """
        path = f"{_HERE}/{name}.img"
        if name not in self._made:
            self.run(f"mkdir -p {_HERE} && cp {GUEST}/root.img {path}")
            self.run(f"truncate -s 64M {path} && e2fsck -fy {path}; resize2fs {path}")
            self.run(f"debugfs -w -f - {path}", how.encode())
            self._made.add(name)
        return path


_shared: list[Dom0] = []
_failures: list[Failed] = []


def shared() -> Dom0:
    """
    One for all tests that leave nothing behind in it; it ends with the process.

    @raise SkipTest: it cannot be had here, and this is no test run that must
        have it.
    """
    if not _shared and not _failures:
        try:
            _shared.append(Dom0(_start()))
        except Failed as failed:
            _failures.append(failed)
        else:
            atexit.register(_shared[0].bed.stop)
    for failed in _failures:
        if os.environ.get("CI"):
            raise AssertionError(failed.report())
        raise SkipTest(failed.report())
    return _shared[0]


def _start() -> Bed:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    for program in _PROGRAMS:
        if shutil.which(program, path=path) is None:
            raise Failed(f"Xen's tests need {program}", "make setup")
    return Bed.start(image.prepare())
