"""Programs that read what users have made."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.process import CommandFailed
from euca_tw.nodectl.confine import Confined
from tests.fakes.processes import MemoryProcessReactor


class ConfinedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryProcessReactor()
        self.confined = Confined(
            reactor=self.reactor, memory_bytes=1000, cpu_s=7, timeout_s=9
        )

    def begin(self) -> Deferred[bytes]:
        return Deferred.fromCoroutine(
            self.confined.run(
                "cat", "-", directory="/tmp", largest_file_bytes=500, stdin=b"x"
            )
        )

    def test_limits(self) -> None:
        """Each has bounds, and namespaces of its own where that can be."""
        running = self.begin()
        self.reactor.processes[0].end()
        [looked, process] = self.reactor.processes
        self.assertEqual(looked.command, ("unshare", "--user", "--net", "true"))
        self.assertEqual(process.command[:2], ("env", "--chdir=/tmp"))
        self.assertEqual(
            process.command[3:],
            (
                *("--as=1000", "--fsize=500", "--cpu=7", "--nofile=64"),
                *("--core=0", "--", "setpriv", "--no-new-privs"),
                *("--inh-caps=-all", "--ambient-caps=-all"),
                *("unshare", "--user", "--net", "cat", "-"),
            ),
        )
        self.assertEqual(process.stdin, b"x")
        process.say(b"said")
        process.end()
        self.assertEqual(self.successResultOf(running), b"said")

    def test_no_namespaces(self) -> None:
        """Where that cannot be the bounds stay; it is looked once."""
        running = self.begin()
        self.reactor.processes[0].end(1)
        process = self.reactor.processes[1]
        self.assertNotIn("unshare", process.command)
        self.assertIn("--as=1000", process.command)
        self.assertIn("--ambient-caps=-all", process.command)
        process.end()
        self.successResultOf(running)
        self.begin()
        self.assertEqual(len(self.reactor.processes), 3)

    def test_too_long(self) -> None:
        """One that does not end is killed."""
        running = self.begin()
        self.reactor.processes[0].end()
        self.reactor.advance(9)
        self.failureResultOf(running, CommandFailed)
        self.assertEqual(self.reactor.processes[1].signals, ["KILL"])
