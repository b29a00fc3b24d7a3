"""Tests of L{euca_tw.nodectl.hooks}: which are called, and how they end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.common.in_thread import in_this_thread
from euca_tw.nodectl.hooks import DirectoryHooks, NoHooks, found
from euca_tw.nodectl.interfaces import HookRefused, IHooks, Occasion, Point
from tests.fakes.hooks import RecordingHooks
from tests.fakes.processes import MemoryProcess, MemoryProcessReactor

BOOT = Occasion(
    point=Point.PRE_BOOT,
    instance_id="i-00000001",
    directory="memory:/none",
    facts={"EUCA_OWNER_ID": "alice"},
)
AFTER = evolve(BOOT, point=Point.POST_BOOT)


class HooksTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir(mode=0o755)

    def hook(self, name: str, mode: int = 0o755) -> Path:
        path = self.directory / name
        path.write_text("#!/bin/sh\n")
        path.chmod(mode)
        return path


class FoundTests(HooksTestCase):
    def found(self) -> tuple[list[str], list[str]]:
        hooks, faults = found(self.directory)
        return [path.name for path in hooks], sorted(faults)

    def test_order(self) -> None:
        """Hooks are called in the order of their names."""
        for name in ("90-last", "10-first", "50_Middle"):
            self.hook(name)
        self.assertEqual(self.found(), (["10-first", "50_Middle", "90-last"], []))

    def test_not_ours(self) -> None:
        """What is no hook by its name is passed over in silence."""
        for name in ("README", ".hidden", "10-first~", "10-first.dpkg-old", "#a#"):
            self.hook(name, 0o777)
        self.assertEqual(self.found(), ([], []))

    def test_refused(self) -> None:
        """What anybody can write, or nobody can execute, is not called."""
        self.hook("open", 0o757)
        self.hook("dead", 0o644)
        (self.directory / "nested").mkdir()
        (self.directory / "nowhere").symlink_to("/nonexistent")
        hooks, faults = self.found()
        self.assertEqual(hooks, [])
        for fault, words in zip(
            faults,
            (
                "dead cannot be executed",
                "nested is no file",
                "nowhere cannot be read: No such file",
                "open can be written by everybody (chmod o-w)",
            ),
            strict=True,
        ):
            self.assertIn(words, fault)

    def test_strangers_file(self) -> None:
        """What belongs to another user is not called."""
        if os.geteuid() != 0:
            return
        os.chown(self.hook("other"), 12345, 0)
        self.assertIn("belongs neither to root nor", self.found()[1][0])

    def test_open_directory(self) -> None:
        """Where anybody can put hooks, none is called."""
        self.hook("10-first")
        self.directory.chmod(0o777)
        hooks, [fault] = self.found()
        self.assertEqual(hooks, [])
        self.assertIn("can be written by everybody", fault)

    def test_no_directory(self) -> None:
        """A directory that is not there is said to be not there."""
        self.directory.rmdir()
        self.assertIn("cannot be read: No such file", self.found()[1][0])


class CallTests(HooksTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.reactor = MemoryProcessReactor()
        self.killed: list[int] = []
        self.hooks = DirectoryHooks(
            reactor=self.reactor,
            in_thread=in_this_thread,
            directory=self.directory,
            deadline_s=7.0,
            setsid="/usr/bin/setsid",
            kill_group=self.kill_group,
        )

    def kill_group(self, pid: int) -> None:
        self.killed.append(pid)
        for each in self.reactor.processes:
            if each.pid == pid:
                each.signalProcess("KILL")

    def call(self, occasion: Occasion = BOOT) -> Deferred[None]:
        return Deferred.fromCoroutine(self.hooks.call(occasion))

    @property
    def last(self) -> MemoryProcess:
        return self.reactor.processes[-1]

    def refusal(self, calling: Deferred[Any]) -> str:
        return str(self.failureResultOf(calling, HookRefused).value)

    def test_interface(self) -> None:
        """All that are called hooks can be called."""
        for each in (self.hooks, NoHooks(), RecordingHooks()):
            self.assertTrue(verifyObject(IHooks, each))

    def test_none(self) -> None:
        """Where there are none, nothing is waited for."""
        self.successResultOf(self.call())
        self.successResultOf(Deferred.fromCoroutine(NoHooks().call(BOOT)))

    def test_told(self) -> None:
        """A hook is told by arguments and environment what is about to be."""
        path = self.hook("10-first")
        calling = self.call()
        self.assertEqual(
            self.last.command,
            ("/usr/bin/setsid", str(path), "pre-boot", "i-00000001"),
        )
        told = {k: v for k, v in self.last.env.items() if k.startswith("EUCA")}
        self.assertEqual(
            told,
            {
                "EUCA_HOOK": "pre-boot",
                "EUCA_INSTANCE_ID": "i-00000001",
                "EUCA_DOMAIN": "i-00000001",
                "EUCA_DOMAIN_XML": "",
                "EUCA_INSTANCE_DIR": "",
                "EUCA_OWNER_ID": "alice",
            },
        )
        self.assertTrue(self.last.is_stdin_closed)
        self.last.end()
        self.successResultOf(calling)

    def test_files(self) -> None:
        """A hook finds the domain's text in the instance's directory."""
        self.hook("10-first")
        here = Path(self.mktemp()).absolute()
        here.mkdir()
        self.call(evolve(BOOT, directory=str(here), domain_xml="<domain/>"))
        self.assertEqual(self.last.env["EUCA_INSTANCE_DIR"], str(here))
        path = Path(self.last.env["EUCA_DOMAIN_XML"])
        self.assertEqual((path.read_text(), path.parent), ("<domain/>", here))
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.call(evolve(AFTER, directory=str(here)))
        self.assertEqual(self.last.env["EUCA_DOMAIN_XML"], str(path))

    def test_one_after_the_other(self) -> None:
        """The second is called when the first has ended."""
        self.hook("10-first")
        self.hook("20-second")
        calling = self.call()
        self.assertEqual(len(self.reactor.processes), 1)
        self.last.end()
        self.assertEqual(len(self.reactor.processes), 2)
        self.assertNoResult(calling)
        self.last.end()
        self.successResultOf(calling)

    def test_refused(self) -> None:
        """A hook that fails refuses with what it said; the rest is not called."""
        self.hook("10-first")
        self.hook("20-second")
        calling = self.call()
        self.last.say(b"checking\n")
        self.last.complain(b"no licence\x1b[31m for i-00000001\n")
        self.last.end(3)
        self.assertEqual(
            self.refusal(calling),
            "The node's hook 10-first refused: checking no licence [31m for i-00000001",
        )
        self.assertEqual(len(self.reactor.processes), 1)

    def test_refused_in_silence(self) -> None:
        """Of a hook that fails and says nothing its status is told."""
        self.hook("10-first")
        calling = self.call()
        self.last.end(3)
        self.assertEqual(
            self.refusal(calling),
            "The node's hook 10-first refused: ended with status 3",
        )

    def test_late(self) -> None:
        """A hook that does not end in time is killed, with its group."""
        self.hook("10-first")
        calling = self.call()
        self.last.say(b"half way")
        self.reactor.advance(6.9)
        self.assertNoResult(calling)
        self.reactor.advance(0.1)
        self.assertEqual(
            self.refusal(calling),
            "The node's hook 10-first refused: did not end within 7 s and was killed",
        )
        self.assertEqual(self.killed, [4711])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_late_before_it_began(self) -> None:
        """One that has no group yet is killed, too."""

        def no_group(pid: int) -> None:
            raise ProcessLookupError

        self.hooks._kill_group = no_group
        self.hook("10-first")
        calling = self.call()
        self.reactor.advance(7)
        self.refusal(calling)
        self.assertEqual(self.last.signals, ["KILL"])

    def test_after(self) -> None:
        """What fails after the fact is logged, and the next is called."""
        self.hook("10-first")
        self.hook("20-second")
        with capturedLogs() as logged:
            calling = self.call(AFTER)
            self.last.complain(b"oh no")
            self.last.end(1)
            self.reactor.advance(7)
            self.successResultOf(calling)
        told = [
            (each["hook"], each.get("fault") or each.get("said")) for each in logged
        ]
        self.assertEqual(
            told,
            [
                ("10-first", "oh no"),
                ("10-first", "ended with status 1"),
                ("20-second", "did not end within 7 s and was killed"),
            ],
        )

    def test_flood(self) -> None:
        """Of what a hook says the end is kept, and a user is told less."""
        self.hook("10-first")
        calling = self.call()
        for _ in range(1000):
            self.last.say(b"x" * 10_000)
        self.last.say(b"the end")
        protocol: Any = self.last.protocol
        self.assertLess(len(protocol._said), 5000)
        self.last.end(1)
        said = self.refusal(calling)
        self.assertLess(len(said), 600)
        self.assertTrue(said.endswith("the end"))

    def test_cancelled(self) -> None:
        """Who waits no more has the hook killed."""
        self.hook("10-first")
        calling = self.call()
        calling.addErrback(lambda failure: None)
        calling.cancel()
        self.assertEqual(self.killed, [4711])

    def test_faults_are_told_once(self) -> None:
        """What is wrong with a file is told once, until it is something else."""
        path = self.hook("10-first", 0o644)
        with capturedLogs() as logged:
            self.successResultOf(self.call())
            self.successResultOf(self.call())
            self.assertEqual(len(logged), 1)
            self.assertIn("cannot be executed", logged[0]["fault"])
            path.chmod(0o757)
            self.successResultOf(self.call())
        self.assertEqual(len(logged), 2)
