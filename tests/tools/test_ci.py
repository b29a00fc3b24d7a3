"""Tests of what C{.ci/run} runs, with another make."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]

MAKE = """\
#!/bin/sh
echo "made: $*"
case " $* " in
  *" $FAILS "*) exit 2 ;;
  *" $HANGS "*) echo hangs; sleep 600 ;;
esac
"""


class RunTests(SynchronousTestCase):
    """C{.ci/run}."""

    def start(self, fails: str = "none", hangs: str = "none") -> subprocess.Popen[str]:
        directory = Path(self.mktemp())
        directory.mkdir()
        make = directory / "make"
        make.write_text(MAKE)
        make.chmod(0o755)
        path = f"{directory.absolute()}:{os.environ['PATH']}"
        return subprocess.Popen(
            (ROOT / ".ci" / "run",),
            env={**os.environ, "PATH": path, "FAILS": fails, "HANGS": hangs},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def made(self, said: str) -> list[str]:
        """The last target of each call of make."""
        return [
            line.split()[-1] for line in said.splitlines() if line.startswith("made:")
        ]

    ALL = [
        *("setup", "clients", "test-xen", "test-functional", "types"),
        *("demo", "demo-down"),
    ]

    def test_all(self) -> None:
        """It is well if all is."""
        with self.start() as running:
            said = running.communicate()[0]
        self.assertEqual(self.made(said), self.ALL)
        self.assertEqual(running.returncode, 0)

    def test_fails(self) -> None:
        """If anything fails it fails, and runs all else."""
        for target in self.ALL:
            with self.start(fails=target) as running:
                said = running.communicate()[0]
            self.assertEqual(self.made(said), self.ALL)
            self.assertEqual(running.returncode, 1, target)
            self.assertIn(f"{target}: failed\n", said)

    def test_stopped(self) -> None:
        """Told to end, it ends what runs, begins nothing else, and clears up."""
        with self.start(hangs="test") as running:
            assert running.stdout is not None
            said = ""
            while not said.endswith("hangs\n"):
                said += running.stdout.readline()
            running.send_signal(signal.SIGTERM)
            said += running.stdout.read()
        self.assertEqual(self.made(said), ["setup", "clients", "demo-down"])
        self.assertEqual(running.returncode, 1)
