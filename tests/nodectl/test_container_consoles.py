"""What containers say, into files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.in_thread import in_this_thread
from euca_tw.nodectl.container_consoles import MOST_BYTES, ContainerConsoles
from euca_tw.nodectl.interfaces import Domain, DomainState, HypervisorUnavailable

NAME = "i-00000001"


class ManualReactor(Clock):
    """Time by hand; what threads deliver comes with the next moment."""

    def callFromThread(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.callLater(0, call, *arguments)


@define(eq=False)
class MemoryConsole:
    """A terminal that somebody listens to."""

    heard: Callable[[bytes], bool]
    ended: Callable[[], None]
    is_closed: bool = False

    def say(self, text: bytes) -> None:
        if not self.heard(text):
            self.ended()


@define(eq=False)
class MemoryTerminals:
    """A hypervisor's domains, as far as their consoles go."""

    running: set[str] = field(factory=set)
    consoles: list[MemoryConsole] = field(factory=list)
    fault: HypervisorUnavailable | None = None
    list_faults: list[HypervisorUnavailable] = field(factory=list)
    changed: Callable[[str | None], None] = lambda name: None

    async def start(self) -> None:
        if self.fault is not None:
            raise self.fault

    def subscribe(self, changed: Callable[[str | None], None]) -> None:
        self.changed = changed

    async def list(self) -> tuple[Domain, ...]:
        await self.start()
        if self.list_faults:
            raise self.list_faults.pop()
        return (
            Domain(name="i-0000000f", state=DomainState.HALTED),
            *(Domain(name=each, state=DomainState.RUNNING) for each in self.running),
        )

    async def listen(
        self, name: str, heard: Callable[[bytes], bool], ended: Callable[[], None]
    ) -> Callable[[], Awaitable[None]] | None:
        await self.start()
        if name not in self.running:
            return None
        console = MemoryConsole(heard, ended)
        self.consoles.append(console)

        async def hush() -> None:
            await self.start()
            console.is_closed = True

        return hush


class ContainerConsolesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = ManualReactor()
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.terminals = MemoryTerminals()
        self.service = ContainerConsoles(
            reactor=self.reactor,  # type: ignore[arg-type]
            in_thread=in_this_thread,
            hypervisor=self.terminals,
            path_of=lambda name: self.directory / name,
        )

    def start(self, *running: str) -> None:
        self.terminals.running.update(running)
        self.service.startService()
        self.addCleanup(lambda: self.successResultOf(self.service.stopService()))

    def written(self, name: str = NAME) -> bytes:
        path = self.directory / name
        return path.read_bytes() if path.exists() else b""

    def say(self, text: bytes) -> None:
        self.terminals.consoles[-1].say(text)
        self.reactor.advance(0)

    def test_found(self) -> None:
        """Domains that run at the start are listened to, and no others."""
        self.start(NAME)
        self.assertEqual(len(self.terminals.consoles), 1)
        self.say(b"one\n")
        self.say(b"two\n")
        self.assertEqual(self.written(), b"one\ntwo\n")

    def test_begins(self) -> None:
        """One that begins to run is listened to from then on, once."""
        self.start()
        self.terminals.running.add(NAME)
        for _ in range(3):
            self.terminals.changed(NAME)
        self.assertEqual(len(self.terminals.consoles), 1)
        self.say(b"here")
        self.assertEqual(self.written(), b"here")

    def test_ends(self) -> None:
        """One that has ended is listened to no more, and nothing is kept of it."""
        self.start(NAME)
        self.terminals.running.clear()
        self.terminals.consoles[0].heard(b"last words")
        self.terminals.consoles[0].ended()
        self.reactor.pump([0.0, 2.0, 0.0])
        self.assertTrue(self.terminals.consoles[0].is_closed)
        self.assertEqual(self.written(), b"last words")
        self.assertEqual(self.service._followed, set())
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_reboots(self) -> None:
        """One whose terminal is another after a reboot is listened to again."""
        self.start(NAME)
        self.say(b"one")
        self.terminals.consoles[0].ended()
        self.reactor.pump([0.0, 2.0])
        self.assertEqual(len(self.terminals.consoles), 2)
        self.say(b"two")
        self.assertEqual(self.written(), b"onetwo")

    def test_began_meanwhile(self) -> None:
        """One that began to run while it was looked at is not missed."""
        self.start(NAME)
        self.terminals.running.clear()
        self.terminals.consoles[0].ended()
        self.reactor.advance(0)
        self.terminals.running.add(NAME)
        self.terminals.changed(NAME)
        self.reactor.advance(2.0)
        self.assertEqual(len(self.terminals.consoles), 2)

    def test_flood(self) -> None:
        """
        One that says too much at once is not listened to till the second is over,
        and what waits to be written is bounded.
        """
        self.start(NAME)
        self.say(b"x")
        said = 0
        console = self.terminals.consoles[0]
        while console.heard(b"z" * 1024):
            said += 1024
            self.assertLessEqual(said, MOST_BYTES)
        console.ended()
        self.reactor.advance(0.5)
        self.assertTrue(console.is_closed)
        self.assertEqual(len(self.terminals.consoles), 1)
        self.reactor.advance(0.6)
        self.assertEqual(len(self.terminals.consoles), 2)
        self.assertGreater(len(self.written()), MOST_BYTES // 2)

    def test_talkative(self) -> None:
        """One that says much, but not at once, is listened to without a gap."""
        self.start(NAME)
        for _ in range(10):
            self.say(b"z" * (MOST_BYTES - 1))
            self.reactor.advance(1.0)
        self.assertEqual(len(self.terminals.consoles), 1)
        self.assertEqual(len(self.written()), 10 * (MOST_BYTES - 1))

    def test_lost(self) -> None:
        """When the hypervisor was lost, all are listened to again."""
        self.start(NAME)
        self.terminals.fault = HypervisorUnavailable("libvirtd is not running")
        self.terminals.consoles[0].ended()
        self.reactor.pump([0.0, 5.0, 5.0])
        self.assertEqual(len(self.terminals.consoles), 1)
        self.terminals.fault = None
        self.terminals.running.add("i-00000002")
        self.terminals.changed(None)
        self.reactor.advance(2.0)
        self.assertEqual(len(self.terminals.consoles), 3)

    def test_not_listed(self) -> None:
        """While domains cannot be listed, it is tried again."""
        self.terminals.list_faults = [HypervisorUnavailable("has not answered")] * 2
        self.start(NAME)
        self.assertEqual(self.terminals.consoles, [])
        self.reactor.pump([1.0, 1.0])
        self.assertEqual(len(self.terminals.consoles), 1)

    def test_stop_when_lost(self) -> None:
        """It is stopped at once though consoles cannot be closed any more."""
        self.start(NAME)
        self.terminals.fault = HypervisorUnavailable("stopped")
        self.terminals.consoles[0].heard(b"late")
        self.successResultOf(self.service.stopService())
        self.assertEqual(self.written(), b"late")
        self.assertEqual(self.service._followed, set())

    def test_full(self) -> None:
        """Of a file that cannot be written is told once, as long as that is so."""
        self.service.path_of = lambda name: self.directory
        with capturedLogs() as captured:
            self.start(NAME)
            for _ in range(3):
                self.say(b"x")
            self.service.path_of = lambda name: self.directory / name
            self.say(b"y")
            self.service.path_of = lambda name: self.directory
            self.say(b"z")
        said = [line for line in captured if "cannot be written" in line["log_format"]]
        self.assertEqual(len(said), 2)
        self.assertEqual(self.written(), b"y")

    def test_never(self) -> None:
        """Where there never will be a hypervisor, nothing happens."""
        self.terminals.fault = HypervisorUnavailable("no such thing")
        self.start(NAME)
        self.assertEqual(self.terminals.consoles, [])

    def test_forgotten(self) -> None:
        """What is said when the instance's directory is gone is thrown away."""
        self.service.path_of = lambda name: self.directory / "gone" / name
        self.start(NAME)
        self.say(b"who hears?")
        self.assertFalse((self.directory / "gone").exists())

    def test_modes(self) -> None:
        """What a guest says is not for everybody on the machine."""
        self.start(NAME)
        self.say(b"secret")
        self.assertEqual((self.directory / NAME).stat().st_mode & 0o777, 0o600)

    def test_stop(self) -> None:
        """When it is stopped what was said is written, and all are closed."""
        self.start(NAME)
        self.terminals.consoles[0].heard(b"late")
        self.successResultOf(self.service.stopService())
        self.assertEqual(self.written(), b"late")
        self.assertTrue(self.terminals.consoles[0].is_closed)
