"""Directories and files for their owner alone."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.files import (
    OpenToOthers,
    locked,
    make_private_directory,
    write_private_files,
)

ROOT = Path(__file__).resolve().parents[2]


class PrivateDirectoryTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def mode(self) -> int:
        return self.path.stat().st_mode & 0o777

    def test_made(self) -> None:
        """A directory that is not there is made, with those above it."""
        self.path = self.path / "deep" / "down"
        make_private_directory(self.path)
        self.assertEqual(self.mode(), 0o700)

    def test_closed(self) -> None:
        """An empty one is closed."""
        self.path.mkdir(mode=0o755)
        make_private_directory(self.path)
        self.assertEqual(self.mode(), 0o700)

    def test_kept(self) -> None:
        """A closed one is kept with what is in it."""
        self.path.mkdir(mode=0o700)
        (self.path / "x").touch()
        make_private_directory(self.path)
        self.assertEqual([each.name for each in self.path.iterdir()], ["x"])

    def test_not_ours(self) -> None:
        """One with something in it that others may enter is left as it is."""
        self.path.mkdir()
        self.path.chmod(0o755)
        (self.path / "x").touch()
        self.assertRaises(OpenToOthers, make_private_directory, self.path)
        self.assertEqual(self.mode(), 0o755)

    def test_writing_leaves_modes(self) -> None:
        """To write private files changes no directory that is there."""
        self.path.mkdir()
        self.path.chmod(0o755)
        write_private_files(self.path, {"x": b"secret"})
        self.assertEqual(self.mode(), 0o755)
        self.assertEqual((self.path / "x").stat().st_mode & 0o777, 0o600)


class LockedTests(SynchronousTestCase):
    def test_one_at_a_time(self) -> None:
        """Who has a directory for himself keeps others waiting, and nobody later."""
        directory = Path(self.mktemp())
        program = (
            "import sys; from pathlib import Path; "
            "from euca_tw.common.files import locked\n"
            "with locked(Path(sys.argv[1])): print('locked')"
        )
        command = [sys.executable, "-c", program, str(directory.absolute())]
        with locked(directory):
            waiting = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
            self.addCleanup(waiting.wait)
            assert waiting.stdout is not None
            os.set_blocking(waiting.stdout.fileno(), False)
            while f"{directory.absolute()}/.lock" not in _opened(waiting.pid):
                self.assertIs(waiting.poll(), None)
            self.assertIs(waiting.stdout.read(), None)
        os.set_blocking(waiting.stdout.fileno(), True)
        self.assertEqual(waiting.stdout.read(), b"locked\n")
        waiting.stdout.close()


def _opened(pid: int) -> set[str]:
    """What files a process has."""
    found = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(each.readlink()))
    return found
