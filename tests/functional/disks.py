"""Disks that are soon full."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from attrs import define
from twisted.trial.unittest import SkipTest


@define
class SmallDisk:
    """
    A file system of its own.

    @ivar point: where it is.
    """

    point: Path

    @classmethod
    def mounted(cls, point: Path, mib: int) -> SmallDisk:
        """At a directory that is made for it."""
        if os.geteuid() != 0:
            raise SkipTest("needs root, for a file system of its own")
        point.mkdir(mode=0o755)
        options = f"size={mib}m,mode=755"
        mount = ("mount", "-t", "tmpfs", "-o", options, "tmpfs", point)
        subprocess.run(mount, check=True)
        return cls(point)

    def fill(self) -> None:
        """Not a byte more goes there."""
        with (self.point / "filler").open("wb", buffering=0) as filling:
            try:
                while True:
                    filling.write(bytes(4096))
            except OSError:
                return

    def make_room(self) -> None:
        """Undo L{fill}."""
        (self.point / "filler").unlink()

    def unmount(self) -> None:
        """It is gone, though somebody may still have a file of it open."""
        subprocess.run(("umount", "--lazy", self.point), check=True)
