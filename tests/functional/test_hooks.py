"""Real scripts, called by L{euca_tw.nodectl.hooks}."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from euca_tw.nodectl.hooks import DirectoryHooks
from euca_tw.nodectl.interfaces import HookRefused, Occasion, Point
from tests.functional.test_libvirt import until


class RealHooksTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir(mode=0o755)
        self.here = Path(self.mktemp()).absolute()
        self.here.mkdir()

    def hook(self, name: str, script: str) -> None:
        path = self.directory / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    async def call(self, point: Point = Point.PRE_BOOT, deadline_s: float = 20) -> None:
        hooks = DirectoryHooks(
            reactor=reactor,  # type: ignore[arg-type]
            in_thread=partial(deferToThread),
            directory=self.directory,
            deadline_s=deadline_s,
        )
        occasion = Occasion(
            point=point,
            instance_id="i-00000001",
            directory=str(self.here),
            domain_xml="<domain>Łódź</domain>",
        )
        await hooks.call(occasion)

    async def test_told(self) -> None:
        """A script has arguments, environment and the domain's text."""
        self.hook("10-note", 'echo "$1 $2 $EUCA_HOOK" > "$EUCA_INSTANCE_DIR/noted"')
        self.hook("20-copy", 'cat "$EUCA_DOMAIN_XML" >> "$EUCA_INSTANCE_DIR/noted"')
        await self.call()
        self.assertEqual(
            (self.here / "noted").read_text(),
            "pre-boot i-00000001 pre-boot\n<domain>Łódź</domain>",
        )

    async def test_refused(self) -> None:
        """A script refuses by its status, and says why."""
        self.hook("10-no", "echo not today >&2; exit 1")
        with self.assertRaises(HookRefused) as refused:
            await self.call()
        self.assertIn("10-no refused: not today", str(refused.exception))

    async def test_killed_with_its_children(self) -> None:
        """A script that takes too long is killed, and what it has started, too."""
        self.hook("10-slow", f"sleep 1000 & echo $! > {self.here}/child; wait")
        with self.assertRaises(HookRefused) as refused:
            await self.call(deadline_s=1)
        self.assertIn("did not end within 1 s", str(refused.exception))
        child = (self.here / "child").read_text().strip()
        status = Path("/proc", child, "stat")

        def is_gone() -> bool:
            return not status.exists() or status.read_text().split()[2] == "Z"

        await until(is_gone)

    async def test_leaves_something(self) -> None:
        """What a script leaves running in the background is not waited for."""
        self.hook("10-daemon", f"sleep 30 & echo $! > {self.here}/child")
        await self.call()
        child = int((self.here / "child").read_text())
        os.kill(child, signal.SIGKILL)  # it was still there

    async def test_no_program(self) -> None:
        """What cannot be executed after all refuses, with the reason."""
        self.hook("10-bad", "")
        (self.directory / "10-bad").write_text("#!/nonexistent/interpreter\n")
        with self.assertRaises(HookRefused) as refused:
            await self.call()
        self.assertIn("No such file", str(refused.exception))
