"""
The demo image, as its script builds it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.daemons import ROOT

BUILD = ROOT / "images" / "demo" / "build"
#: Built once, and kept with that of C{make demo}.
IMAGE = ROOT / ".demo" / "image"
FILES = ("vmlinuz", "initrd.gz", "root.img")


def build(directory: Path) -> None:
    ended = subprocess.run(
        [BUILD, directory], check=False, capture_output=True, text=True, timeout=300
    )
    if ended.returncode:
        raise AssertionError(ended.stderr)


class ImageTests(SynchronousTestCase):
    def setUp(self) -> None:
        build(IMAGE)

    def test_size(self) -> None:
        """Kernel, ramdisk and root together are under 64 MiB."""
        sizes = [(IMAGE / name).stat().st_size for name in FILES]
        self.assertLess(sum(sizes), 64 << 20)
        self.assertTrue(all(sizes))

    def test_again(self) -> None:
        """What is there and right is not built again."""
        before = [(IMAGE / name).stat() for name in FILES]
        build(IMAGE)
        after = [(IMAGE / name).stat() for name in FILES]
        self.assertEqual(
            [(each.st_ino, each.st_mtime_ns) for each in after],
            [(each.st_ino, each.st_mtime_ns) for each in before],
        )
