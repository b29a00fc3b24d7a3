"""Tests of L{euca_tw.common.process}."""

from __future__ import annotations

from errno import ENOEXEC

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyClass

from euca_tw.common.process import (
    LONGEST_OUTPUT,
    CommandFailed,
    IProcessReactor,
    run,
)
from tests.fakes.processes import MemoryProcess, MemoryProcessReactor


class RunTests(SynchronousTestCase):
    """L{run}."""

    def setUp(self) -> None:
        self.reactor = MemoryProcessReactor()

    def start(
        self, *command: str, stdin: bytes = b""
    ) -> tuple[Deferred[bytes], MemoryProcess]:
        running = Deferred.fromCoroutine(
            run(self.reactor, *(command or ("sh",)), stdin=stdin, timeout_s=5)
        )
        return running, self.reactor.processes[-1]

    def test_reactor(self) -> None:
        """The reactor of these tests is like the real one."""
        verifyClass(IProcessReactor, MemoryProcessReactor)

    def test_output(self) -> None:
        """What a program writes is what comes of it, once it has ended."""
        running, process = self.start("sh", "-c", "ls")
        process.say(b"one\n")
        process.say(b"two\n")
        process.complain(b"whatever")
        self.assertNoResult(running)
        process.end()
        self.assertEqual(self.successResultOf(running), b"one\ntwo\n")
        self.assertEqual(process.command, ("sh", "-c", "ls"))

    def test_input(self) -> None:
        """A program is given its input, and its end."""
        _, process = self.start(stdin=b"table inet x")
        self.assertEqual(process.stdin, b"table inet x")
        self.assertTrue(process.is_stdin_closed)

    def test_environment(self) -> None:
        """A program speaks English, whatever the operator does."""
        _, process = self.start()
        self.assertEqual(process.env["LC_ALL"], "C")
        self.assertIn("/usr/sbin", process.env["PATH"])

    def test_directory(self) -> None:
        """
        The reactor need not fork to run a program in a directory, which would
        hold it up for as long as it takes to copy all of its memory's tables.
        """
        running = Deferred.fromCoroutine(run(self.reactor, "sh", "-x", directory="/d"))
        [process] = self.reactor.processes
        env, chdir, program, argument = process.command
        self.assertEqual((env, chdir, argument), ("env", "--chdir=/d", "-x"))
        self.assertTrue(program.endswith("/sh"))
        self.assertIsNone(process.path)
        process.complain(b"no such thing")
        process.end(1)
        failed = self.failureResultOf(running, CommandFailed).value
        self.assertEqual(str(failed), "sh -x: no such thing")

    def test_failed(self) -> None:
        """A status other than 0 is a failure, with what the program says."""
        running, process = self.start("sh", "-x")
        process.complain(b"no such bridge\n")
        process.end(2)
        failed = self.failureResultOf(running, CommandFailed).value
        self.assertEqual(failed.status, 2)
        self.assertEqual(str(failed), "sh -x: no such bridge")

    def test_failed_silently(self) -> None:
        """A program that fails without a word is reported by its status."""
        running, process = self.start()
        process.end(3)
        failed = self.failureResultOf(running, CommandFailed).value
        self.assertEqual(failed.text, "ended with status 3")

    def test_too_late(self) -> None:
        """A program that does not end in time is killed."""
        running, process = self.start()
        self.reactor.advance(4.9)
        self.assertNoResult(running)
        self.reactor.advance(0.2)
        failed = self.failureResultOf(running, CommandFailed).value
        self.assertIn("within 5 s", failed.text)
        self.assertEqual(process.signals, ["KILL"])

    def test_cancelled(self) -> None:
        """A program that nobody waits for any more is killed."""
        running, process = self.start()
        running.cancel()
        self.failureResultOf(running, CommandFailed, CancelledError)
        self.assertEqual(process.signals, ["KILL"])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_not_installed(self) -> None:
        """A program that is not there is named."""
        running = run(self.reactor, "euca-tw-no-such-program")
        failed = self.failureResultOf(running, CommandFailed).value
        self.assertIn("is not installed", str(failed))

    def test_cannot_be_started(self) -> None:
        """A program that the system does not start has failed like any other."""
        self.reactor.fault = OSError(ENOEXEC, "Exec format error")
        for directory in (None, "/d"):
            running = run(self.reactor, "sh", directory=directory)
            failed = self.failureResultOf(running, CommandFailed).value
            self.assertEqual(str(failed), "sh: cannot be started: Exec format error")
            self.assertIsNone(failed.status)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_bounded(self) -> None:
        """A program that never stops talking does not fill our memory."""
        running, process = self.start()
        for _ in range(3):
            process.say(bytes(LONGEST_OUTPUT // 2))
        process.complain(b"x" * 100_000)
        process.end()
        self.assertEqual(len(self.successResultOf(running)), LONGEST_OUTPUT)
