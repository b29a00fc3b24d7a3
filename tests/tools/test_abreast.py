"""Tests of commands that run side by side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import abreast  # noqa: E402

#: Runs what it is given, and says how it was.
RUNNER = """
import signal, sys; sys.path.insert(0, sys.argv[1]); import abreast
# Whoever runs in the background was told to ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    abreast.run([["sh", "-c", each] for each in sys.argv[2:]], patience_s=1.0)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


class RunTests(SynchronousTestCase):
    """L{abreast.run}."""

    def run_(self, *scripts: str) -> tuple[list[int], str]:
        said: list[str] = []
        statuses = abreast.run([["sh", "-c", each] for each in scripts], said.append)
        return statuses, "".join(said)

    def fifo(self) -> str:
        path = self.mktemp()
        os.mkfifo(path)
        return path

    def test_side_by_side(self) -> None:
        """They run at the same time, and what they say is told in their order."""
        # Each waits for the other.
        first, second = self.fifo(), self.fifo()
        statuses, said = self.run_(
            f"echo one; echo >{first}; read x <{second}; echo two",
            f"echo three; read x <{first}; echo >{second}; echo four",
        )
        self.assertEqual(statuses, [0, 0])
        self.assertEqual(said, "one\ntwo\nthree\nfour\n")

    def test_status(self) -> None:
        """How each ended is told; that one fails ends no other."""
        statuses, said = self.run_("exit 3", "echo done", "kill -9 $$")
        self.assertEqual(statuses, [3, 0, -signal.SIGKILL])
        self.assertEqual(said, "done\n")

    def test_errors(self) -> None:
        """What is said as an error is told in its place."""
        self.assertEqual(self.run_("echo a; echo b >&2; echo c")[1], "a\nb\nc\n")

    def test_bytes(self) -> None:
        """A last line needs no end, and text no sense."""
        self.assertEqual(
            self.run_(r"printf 'a\n\377b'")[1], "a\n\N{REPLACEMENT CHARACTER}b\n"
        )

    def test_at_once(self) -> None:
        """What the first says is told before it ends."""
        path = self.fifo()
        said: list[str] = []

        def show(text: str) -> None:
            said.append(text)
            with Path(path).open("w") as fifo:
                fifo.write("\n")

        abreast.run([["sh", "-c", f"echo one; read x <{path}"]], show)
        self.assertEqual(said, ["one\n"])

    def test_no_input(self) -> None:
        """Nobody waits for what is typed."""
        self.assertEqual(self.run_("cat; echo end")[1], "end\n")

    def test_raises(self) -> None:
        """When telling fails, none runs on."""
        pid_file = Path(self.mktemp())

        def show(text: str) -> None:
            raise ZeroDivisionError

        scripts = (f"echo $$ >{pid_file}; echo; exec sleep 600", "exec sleep 600")
        commands = [["sh", "-c", script] for script in scripts]
        self.assertRaises(ZeroDivisionError, abreast.run, commands, show)
        self.assertFalse(Path(f"/proc/{pid_file.read_text().strip()}").exists())


class EndedTests(SynchronousTestCase):
    """All that was started ends with the process that started it."""

    def setUp(self) -> None:
        # Who lives holds an end of it open.
        self.held = Path(self.mktemp())
        os.mkfifo(self.held)
        self.reading = Thread(target=self.held.read_bytes, daemon=True)
        self.reading.start()

    def end(self, number: int, *scripts: str, path: str = os.defpath) -> str:
        """
        Send the runner a signal when the first of them has said something.

        @param path: where it looks for what it runs.
        @return: what is said then.
        """
        held = [f"exec 3>{self.held}; {script}" for script in scripts]
        with subprocess.Popen(
            (sys.executable, "-c", RUNNER, ROOT / "tools", *held),
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": path},
        ) as runner:
            assert runner.stdout is not None
            self.assertEqual(runner.stdout.readline(), "ready\n")
            runner.send_signal(number)
            said = runner.stdout.read()
        self.reading.join(30)
        self.assertFalse(self.reading.is_alive())
        return said

    def test_terminated(self) -> None:
        """Told to end, it ends them, and what they started; then it goes on."""
        said = self.end(
            signal.SIGTERM,
            "sleep 600 & echo ready; sleep 600",
            "(exec sleep 600) & exec sleep 600",
        )
        self.assertEqual(said, "interrupted\n")

    def test_interrupted(self) -> None:
        """So it does at C{^C}."""
        said = self.end(signal.SIGINT, "echo ready; sleep 600", "sleep 600")
        self.assertEqual(said, "interrupted\n")

    def test_deaf(self) -> None:
        """What does not hear that it shall end is killed."""
        deaf = "trap '' TERM; echo ready; while :; do sleep 600; done"
        self.assertEqual(self.end(signal.SIGTERM, deaf), "interrupted\n")

    def test_killed(self) -> None:
        """Also when it is killed they are told to end."""
        self.end(signal.SIGKILL, "echo ready; exec sleep 600", "exec sleep 600")

    def test_killed_at_once(self) -> None:
        """What has not yet asked to be told of its end does not begin either."""
        # The second asks when the runner is no more.
        late = Path(self.mktemp())
        late.mkdir()
        script = late / "setpriv"
        script.write_text(
            f"""#!/bin/sh
            PATH={os.defpath}
            case "$*" in *late*)
                exec 3>{self.held}
                while kill -0 $PPID 2>/dev/null; do sleep 0.01; done
            esac
            exec setpriv "$@"
            """
        )
        script.chmod(0o755)
        path = f"{late.absolute()}:{os.defpath}"
        self.end(signal.SIGKILL, "echo ready", ": late; exec sleep 600", path=path)
