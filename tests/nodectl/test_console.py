"""Tests of L{euca_tw.nodectl.console}."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.in_thread import in_this_thread
from euca_tw.nodectl.console import CONSOLE_BYTES, ConsoleKeeper, Consoles, cut
from euca_tw.nodectl.interfaces import Console

NAME = "i-00000001"
MOST = 1 << 20


class ConsolesTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.here = self.directory / NAME
        self.here.mkdir(parents=True)
        self.consoles = Consoles(directory=self.directory)

    def write(self, text: bytes, name: str = "console.log", at: float = 0) -> Path:
        path = self.here / name
        with path.open("ab") as console:
            console.write(text)
        if at:
            os.utime(path, (at, at))
        return path

    def files(self) -> list[str]:
        return [path.name for path in self.here.iterdir()]

    def said(self) -> bytes:
        return self.consoles.read(NAME).output


class ReadTests(ConsolesTestCase):
    def test_nothing(self) -> None:
        """Where nothing was written there is nothing, and no time."""
        self.assertEqual(self.consoles.read(NAME), Console())
        self.write(b"")
        self.assertEqual(self.consoles.read(NAME), Console())
        self.assertEqual(self.consoles.read("i-0000000f"), Console())

    def test_dated(self) -> None:
        """When it was last written is told."""
        self.write(b"older", "console.log.0", at=100)
        self.write(b"newer", at=200)
        self.assertEqual(
            self.consoles.read(NAME), Console(output=b"oldernewer", written_at=200)
        )

    def test_in_their_order(self) -> None:
        """Files are read in the order in which they were written, whatever names."""
        self.write(b"1", "console.log.0", at=100)
        self.write(b"2", "console.log.cut", at=200)
        self.write(b"3", at=300)
        self.assertEqual(self.said(), b"123")
        self.write(b"", "console.log.0", at=250)
        self.assertEqual(self.said(), b"213")

    def test_bounded(self) -> None:
        """The last 64 KiB are read, over as many files as it takes."""
        self.write(b"x" * 100_000 + b"old", "console.log.0", at=100)
        self.write(b"new", at=200)
        said = self.said()
        self.assertEqual(len(said), CONSOLE_BYTES)
        self.assertTrue(said.endswith(b"xoldnew"))

    def test_closed(self) -> None:
        """What may not be read says nothing; when it was written is told."""
        path = self.write(b"secret", at=100)
        path.chmod(0)
        if os.access(path, os.R_OK):
            return  # root may read anything
        self.assertEqual(self.consoles.read(NAME), Console(written_at=100))

    def test_elsewhere(self) -> None:
        """What the hypervisor keeps elsewhere is read there."""
        elsewhere = f"{self.directory}/guest-{{name}}.log"
        consoles = Consoles(directory=self.directory, elsewhere=elsewhere)
        (self.directory / f"guest-{NAME}.log").write_bytes(b"xen")
        self.assertEqual(consoles.read(NAME).output, b"xen")


class BoundTests(ConsolesTestCase):
    def test_short(self) -> None:
        """A console within its bound is left as it is."""
        path = self.write(b"x" * MOST)
        self.assertEqual(self.consoles.bound(MOST), ())
        self.assertEqual(path.stat().st_size, MOST)
        self.assertEqual(self.files(), ["console.log"])

    def test_long(self) -> None:
        """A longer one is emptied, and its end can be read still."""
        path = self.write(b"x" * MOST + b"the end", at=100)
        self.assertEqual(self.consoles.bound(MOST), ())
        self.assertEqual(path.stat().st_size, 0)
        told = self.consoles.read(NAME)
        self.assertEqual((len(told.output), told.written_at), (CONSOLE_BYTES, 100))
        self.write(b", and more")
        self.assertTrue(self.said().endswith(b"xthe end, and more"))

    def test_who_writes_goes_on(self) -> None:
        """Who had the file open writes on, at its new end."""
        with (self.here / "console.log").open("ab", buffering=0) as writer:
            for n in range(5):
                writer.write(b"x" * MOST + b"line %d" % n)
                self.consoles.bound(MOST)
            writer.write(b" last")
        self.assertEqual((self.here / "console.log").read_bytes(), b" last")
        self.assertTrue(self.said().endswith(b"xline 4 last"))
        taken = sum(path.stat().st_blocks for path in self.here.iterdir()) * 512
        self.assertLess(taken, 2 * CONSOLE_BYTES)

    def test_elsewhere(self) -> None:
        """So is one that the hypervisor keeps elsewhere."""
        path = self.directory / f"guest-{NAME}.log"
        path.write_bytes(b"x" * MOST + b"y")
        consoles = Consoles(
            directory=self.directory, elsewhere=f"{self.directory}/guest-{{name}}.log"
        )
        self.assertEqual(consoles.bound(MOST), ())
        self.assertEqual(path.stat().st_size, 0)
        self.assertTrue(consoles.read(NAME).output.endswith(b"xy"))

    def test_rolled(self) -> None:
        """Of what virtlogd has rolled the newest is kept."""
        for number in range(4):
            self.write(b"x", f"console.log.{number}")
        self.consoles.bound(MOST)
        self.assertEqual(self.files(), ["console.log.0"])

    def test_others(self) -> None:
        """What is no instance's is not touched."""
        cache = self.directory / "cache"
        cache.mkdir()
        (cache / "console.log").write_bytes(b"x" * MOST * 2)
        self.consoles.bound(MOST)
        self.assertEqual((cache / "console.log").stat().st_size, MOST * 2)

    def test_cannot(self) -> None:
        """What cannot be cut is told, with what to do; the others are cut."""
        self.write(b"x" * MOST + b"y")
        (self.here / "console.log.part").mkdir()
        other = self.directory / "i-00000002"
        other.mkdir()
        (other / "console.log").write_bytes(b"x" * MOST + b"y")
        [fault] = self.consoles.bound(MOST)
        self.assertIn("console.log cannot be cut: Is a directory", fault)
        self.assertIn("max_size = 0", fault)
        self.assertEqual((other / "console.log").stat().st_size, 0)

    def test_no_directory(self) -> None:
        """Where there are no instances there is nothing to bound."""
        consoles = Consoles(directory=self.directory / "none")
        self.assertEqual(consoles.bound(MOST), ())

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.binary(max_size=300), max_size=20), st.integers(1, 500))
    def test_end_is_kept(self, texts: list[bytes], most: int) -> None:
        """Whatever is cut and when, the end of what was written is told."""
        for path in self.here.iterdir():
            path.unlink()
        written = b""
        path = self.here / "console.log"
        path.touch()
        for n, text in enumerate(texts):
            with path.open("ab") as console:
                console.write(text)
            os.utime(path, (n + 1, n + 1))
            written += text
            cut(path, self.here / "console.log.cut", most)
        self.assertTrue(written.endswith(self.said()))
        if written:
            last = next(text for text in reversed(texts) if text)
            self.assertTrue(self.said().endswith(last))


class KeeperTests(ConsolesTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.keeper = ConsoleKeeper(
            clock=self.clock,
            in_thread=in_this_thread,
            consoles=self.consoles,
            most_bytes=MOST,
            period_s=2,
        )

    def test_keeps(self) -> None:
        """While it runs, consoles are bounded now and then."""
        self.keeper.startService()
        path = self.write(b"x" * MOST * 2)
        self.clock.advance(2)
        self.assertEqual(path.stat().st_size, 0)
        self.successResultOf(self.keeper.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_faults_are_told_once(self) -> None:
        """What cannot be cut is told once, not each time."""
        self.write(b"x" * MOST * 2)
        (self.here / "console.log.part").mkdir()
        with capturedLogs() as logged:
            self.keeper.startService()
            self.clock.pump([2] * 10)
        self.assertEqual(len(logged), 1)
        self.successResultOf(self.keeper.stopService())
