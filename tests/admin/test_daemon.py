"""Parts that start and stop in order, and what an operator is told."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.daemon import (
    PATIENCE_S,
    Daemon,
    Machine,
    Part,
    real_machine,
    reason_of,
)
from euca_tw.common.in_thread import in_this_thread
from euca_tw.common.replays import MemoryReplays
from euca_tw.store.interfaces import StoreUnusable
from euca_tw.store.memory import MemoryStore


def machine(
    fail: Any = lambda: None, settle: Callable[[], None] = lambda: None
) -> Machine:
    """A machine of memory, which keeps what is at each path."""
    stores: defaultdict[Path, MemoryStore] = defaultdict(MemoryStore)
    replays: defaultdict[Path, MemoryReplays] = defaultdict(MemoryReplays)
    return Machine(
        reactor=MemoryReactorClock(),
        random=Random(1),
        in_thread=in_this_thread,
        fail=fail,
        make_store=lambda path, kinds, upgrades=None: stores[path],
        make_replays=lambda path: replays[path],
        settle=settle,
    )


class DaemonTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.said: list[str] = []
        self.machine = machine(
            lambda: self.said.append("failed"), lambda: self.said.append("settled")
        )

    def part(self, name: str, start: Any = None, stop: Any = None) -> Part:
        def say(what: str, result: Any) -> Any:
            self.said.append(f"{what} {name}")
            if isinstance(result, Exception):
                raise result
            return result

        return Part(
            name=name, start=lambda: say("start", start), stop=lambda: say("stop", stop)
        )

    def started(self, *parts: Part) -> Daemon:
        daemon = Daemon("test", self.machine, parts)
        daemon.startService()
        self.assertEqual(self.said, [])
        self.machine.reactor.run()
        return daemon

    def test_order(self) -> None:
        """
        Each part starts when the one before has; they stop in reverse.  When
        all have started, it settles.
        """
        first: Deferred[None] = Deferred()
        daemon = self.started(self.part("a", first), self.part("b"))
        self.assertEqual(self.said, ["start a"])
        first.callback(None)
        self.assertEqual(self.said, ["start a", "start b", "settled"])
        self.said.clear()
        self.successResultOf(daemon.stopService())
        self.assertEqual(self.said, ["stop b", "stop a"])

    def test_operators_fault(self) -> None:
        """What the operator can mend is one line; nothing later starts."""
        with capturedLogs() as events:
            self.started(self.part("a", StoreUnusable("mend it")), self.part("b"))
        self.assertEqual(self.said, ["start a", "failed"])
        [event] = [e for e in events if e["log_level"] is LogLevel.critical]
        self.assertEqual(event["reason"], "mend it")
        self.assertNotIn("log_failure", event)

    def test_bug(self) -> None:
        """Anything else is a bug, with its traceback."""
        self.started(self.part("a", ZeroDivisionError()))
        self.assertEqual(self.said, ["start a", "failed"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_stopped_early(self) -> None:
        """A daemon that is stopped while it starts stops what was begun."""
        daemon = self.started(self.part("a"), self.part("b", Deferred()))
        self.successResultOf(daemon.stopService())
        self.assertEqual(self.said, ["start a", "start b", "stop b", "stop a"])

    def test_stopped_before(self) -> None:
        """A daemon that is stopped before the reactor runs starts nothing."""
        daemon = Daemon("test", self.machine, (self.part("a"),))
        daemon.startService()
        self.successResultOf(daemon.stopService())
        self.machine.reactor.run()
        self.assertEqual(self.said, [])

    def test_patience(self) -> None:
        """A part that does not stop is not waited for long."""
        daemon = self.started(self.part("a"), self.part("b", stop=Deferred()))
        stopping = daemon.stopService()
        self.assertNoResult(stopping)
        self.machine.reactor.advance(PATIENCE_S)
        self.successResultOf(stopping)
        self.assertEqual(self.said[-1], "stop a")

    def test_bad_stop(self) -> None:
        """A part that fails to stop does not keep the others."""
        daemon = self.started(self.part("a"), self.part("b", stop=ZeroDivisionError()))
        self.successResultOf(daemon.stopService())
        self.assertEqual(self.said[-1], "stop a")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class MemoryTests(SynchronousTestCase):
    def test_settled(self) -> None:
        """What there is when a daemon has started is looked through no more."""
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        self.addCleanup(gc.callbacks.__setitem__, slice(None), [*gc.callbacks])
        self.addCleanup(gc.unfreeze)
        gc.disable()
        machine = real_machine(SimpleNamespace(getThreadPool=lambda: None))
        machine.settle()
        self.assertTrue(gc.isenabled())
        self.assertGreater(gc.get_freeze_count(), 10_000)
        self.assertLess(len(gc.get_objects()), 10_000)


class ReasonTests(SynchronousTestCase):
    def test_reasons(self) -> None:
        """An error is one line, and names what it is about."""
        taken = CannotListenError(None, 80, OSError(98, "Address already in use"))
        self.assertEqual(
            reason_of(taken), "cannot listen on *:80: Address already in use"
        )
        path = Path(self.mktemp()) / "x"
        error = self.assertRaises(OSError, path.read_bytes)
        self.assertEqual(reason_of(error), f"{path}: No such file or directory")
        self.assertEqual(reason_of(StoreUnusable("mend it")), "mend it")
