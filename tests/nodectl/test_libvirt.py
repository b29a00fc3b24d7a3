"""
Domains by libvirt: on the driver that libvirt has for tests, which runs in
this process and needs neither root nor a daemon.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from attrs import define, evolve, field
from twisted._threads import createMemoryWorker
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase, TestCase

from euca_tw.common.threads import IWorker
from euca_tw.nodectl.domain_xml import domain_xml
from euca_tw.nodectl.interfaces import (
    Domain,
    DomainRefused,
    DomainState,
    HypervisorUnavailable,
)
from euca_tw.nodectl.kvm_probe import Trial
from euca_tw.nodectl.libvirt import LibvirtHypervisor
from euca_tw.nodectl.libvirt_connection import Connection, connect
from euca_tw.nodectl.libvirt_errors import ConnectionLost, NeverAvailable
from euca_tw.nodectl.libvirt_events import Watchers
from euca_tw.nodectl.machines import KVM, Machine
from tests.nodectl.driver import (
    DEAF,
    FASTER,
    MACHINE,
    NAME,
    URI,
    Forgiving,
    a_spec,
    keep_driver,
)
from tests.suites.hypervisor import Changes, HypervisorUnderTest, make_ihypervisor_tests


def a_hypervisor(test: TestCase) -> HypervisorUnderTest:
    keep_driver(test)

    def make() -> LibvirtHypervisor:
        return LibvirtHypervisor(
            reactor=reactor,  # type: ignore[arg-type]
            random=Random(1),
            uri=URI,
            machine=MACHINE,
        )

    return HypervisorUnderTest(
        hypervisor=make(),
        again=make,
        spec=a_spec,
        clock=reactor,  # type: ignore[arg-type]
    )


class LibvirtHypervisorSuite(make_ihypervisor_tests(a_hypervisor)):
    """The suite of all hypervisors, on libvirt's driver for tests."""


class ManualReactor(Clock):
    """Time by hand; what threads deliver comes with the next moment."""

    def callFromThread(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.callLater(0, call, *arguments)


@define
class Faults:
    """
    Connects to libvirt's driver for tests, and has it fail as is wished.  What it
    tells is told by hand.

    @ivar refusals: the next tries to connect fail with these.
    @ivar loss: every call fails with this.
    @ivar is_forgiving: see L{Forgiving}.
    """

    refusals: list[HypervisorUnavailable] = field(factory=list)
    loss: HypervisorUnavailable | None = None
    is_forgiving: bool = False
    made: list[Faulty] = field(factory=list)

    def connect(self, uri: str, mark: str, watchers: Watchers) -> Faulty:
        if self.refusals:
            raise self.refusals.pop(0)
        # What the driver tells comes at a time of its own.
        connection = connect(uri, mark, DEAF)
        if self.is_forgiving:
            connection._libvirt = Forgiving(connection._libvirt)
        made = Faulty(self, watchers, connection)
        self.made.append(made)
        return made


@define
class Consoles:
    """A connection's, as far as they are opened and closed."""

    opened: int = 0
    hushed: int = 0

    def listen_to(self, *ignored: Any) -> int:
        self.opened += 1
        return self.opened

    def hush(self, stream: int) -> None:
        self.hushed += 1

    def close(self) -> None:
        """There is none."""


@define
class Faulty:
    faults: Faults
    watchers: Watchers
    connection: Connection | Consoles
    calls: list[str] = field(factory=list)

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        if self.faults.loss is not None and name != "close":
            raise self.faults.loss
        return getattr(self.connection, name)


class LibvirtHypervisorTests(SynchronousTestCase):
    """Threads and time are moved by hand."""

    def setUp(self) -> None:
        self.driver = keep_driver(self)
        self.reactor = ManualReactor()
        self.performers: list[Callable[[], bool]] = []
        self.pools: dict[str, list[Callable[[], bool]]] = {}
        self.faults = Faults()
        self.changes = Changes()
        self.hypervisor = self.make()
        self.addCleanup(self.stop)

    def make(self, **given: Any) -> LibvirtHypervisor:
        hypervisor = LibvirtHypervisor(
            reactor=self.reactor,
            random=Random(1),
            uri=URI,
            machine=MACHINE,
            connect=self.faults.connect,
            make_worker=self.make_worker,
            **given,
        )
        hypervisor.subscribe(self.changes)
        return hypervisor

    def make_worker(self, name: str) -> IWorker:
        worker, perform = createMemoryWorker()
        self.performers.append(perform)
        self.pools.setdefault(name, []).append(perform)
        return worker

    def work(self, pool: str | None = None) -> None:
        """Let threads do all that they have to; those of one pool, if it is said."""
        performers = self.performers if pool is None else self.pools[pool]
        while any(perform() for perform in performers):
            self.reactor.advance(0)

    def stop(self) -> None:
        stopping = Deferred.fromCoroutine(self.hypervisor.stop())
        self.work()
        self.successResultOf(stopping)

    def do(self, coroutine: Any) -> Deferred[Any]:
        """Do it, as far as it can be done now."""
        doing = Deferred.fromCoroutine(coroutine)
        self.work()
        return doing

    def started(self) -> Faulty:
        self.successResultOf(self.do(self.hypervisor.start()))
        return self.faults.made[-1]

    def test_start_waits(self) -> None:
        """Start fires when the first connection is made, however long that takes."""
        self.faults.refusals = [HypervisorUnavailable("not yet")] * 20
        starting = self.do(self.hypervisor.start())
        for _ in range(19):
            self.assertNoResult(starting)
            self.reactor.advance(6)
            self.work()
        self.reactor.advance(6)
        self.work()
        self.successResultOf(starting)

    def test_why_not(self) -> None:
        """Until it is connected, whoever asks is told why it is not."""
        self.faults.refusals = [HypervisorUnavailable("libvirtd is not running")] * 2
        starting = self.do(self.hypervisor.start())
        failure = self.failureResultOf(self.do(self.hypervisor.list()))
        self.assertEqual(str(failure.value), "libvirtd is not running")
        self.assertNoResult(starting)
        self.stop()
        self.failureResultOf(starting, HypervisorUnavailable)

    def test_backoff(self) -> None:
        """Tries to connect grow rarer, to one in some five seconds."""
        self.faults.refusals = [HypervisorUnavailable("no")] * 1000
        starting = self.do(self.hypervisor.start())
        for _ in range(600):
            self.reactor.advance(0.1)
            self.work()
        tries = 1000 - len(self.faults.refusals)
        self.assertTrue(14 <= tries <= 22, tries)
        self.stop()
        self.failureResultOf(starting, HypervisorUnavailable)

    def test_never(self) -> None:
        """What can never be reached fails the start, also the next time."""
        self.faults.refusals = [NeverAvailable("no such hypervisor")]
        for _ in range(2):
            failure = self.failureResultOf(self.do(self.hypervisor.start()))
            self.assertEqual(str(failure.value), "no such hypervisor")
        self.assertEqual(self.faults.made, [])

    def test_start_given_up(self) -> None:
        """Who waits for the start may give up; it goes on for the others."""
        self.faults.refusals = [HypervisorUnavailable("no")]
        first = self.do(self.hypervisor.start())
        second = self.do(self.hypervisor.start())
        first.addErrback(lambda _: None)
        first.cancel()
        self.reactor.advance(1)
        self.work()
        self.successResultOf(second)

    def test_lost(self) -> None:
        """A lost connection is made anew; then any domain may have changed."""
        connection = self.started()
        self.successResultOf(self.do(self.hypervisor.run(a_spec("i-00000001"))))
        connection.watchers.lost()
        self.reactor.advance(0)
        self.failureResultOf(self.do(self.hypervisor.list()), HypervisorUnavailable)
        self.work()
        self.assertIn("close", connection.calls)
        self.assertEqual(len(self.faults.made), 2)
        self.assertEqual(self.changes.names[-1], None)
        self.assertEqual(
            self.successResultOf(self.do(self.hypervisor.list())),
            (Domain(name="i-00000001", state=DomainState.RUNNING),),
        )

    def test_lost_in_call(self) -> None:
        """A call that finds the connection dead has it made anew."""
        self.started()
        self.faults.loss = ConnectionLost("client socket is closed")
        listing = Deferred.fromCoroutine(self.hypervisor.list())
        self.work()
        self.failureResultOf(listing, ConnectionLost)
        self.faults.loss = None
        self.work()
        self.assertEqual(len(self.faults.made), 2)
        self.successResultOf(self.do(self.hypervisor.list()))

    def test_lost_long_ago(self) -> None:
        """News of an older connection's end do not touch the present one."""
        old = self.started()
        old.watchers.lost()
        self.reactor.advance(0)
        self.work()
        old.watchers.lost()
        self.reactor.advance(0)
        self.work()
        self.assertEqual(len(self.faults.made), 2)

    def test_connecting_again_hangs(self) -> None:
        """While a try to connect hangs there is no second, and askers are told."""
        connection = self.started()
        connection.watchers.lost()
        self.reactor.advance(0)
        self.performers[0]()  # the old one is closed
        self.reactor.advance(0)
        self.reactor.advance(100)
        self.assertEqual(self.hypervisor.hung_threads, 0)
        failure = self.failureResultOf(Deferred.fromCoroutine(self.hypervisor.list()))
        self.assertIn("libvirtd hangs; restart it", str(failure.value))
        self.work()
        self.assertEqual(len(self.faults.made), 2)

    def test_call_hangs(self) -> None:
        """A call that hangs is given up; questions and other domains go on."""
        self.started()
        destroying = Deferred.fromCoroutine(self.hypervisor.destroy("i-00000001"))
        self.reactor.advance(60)
        failure = self.failureResultOf(destroying, HypervisorUnavailable)
        self.assertIn("has not answered within 60 s", str(failure.value))
        self.assertEqual(self.hypervisor.hung_threads, 1)
        self.successResultOf(self.do(self.hypervisor.list()))
        self.work()
        self.assertEqual(self.hypervisor.hung_threads, 0)

    def test_others_hang(self) -> None:
        """
        While ten domains hang in being shut down others are run and listed, and
        those that hang are destroyed.
        """
        self.started()
        names = [f"i-0000001{n}" for n in range(10)]
        self.successResultOf(self.do(self.hypervisor.run(a_spec(names[0]))))
        hanging = [self.begin(self.hypervisor.shut_down(name)) for name in names]
        self.successResultOf(self.run_one("i-00000001"))
        self.reactor.advance(15)
        for each in hanging:
            self.failureResultOf(each, HypervisorUnavailable)
        destroying = [self.begin(self.hypervisor.destroy(name)) for name in names]
        self.work("libvirt-end")
        for each in destroying:
            self.successResultOf(each)
        self.work("libvirt-ask")
        self.assertEqual(
            self.successResultOf(self.do(self.hypervisor.list())),
            (Domain(name="i-00000001", state=DomainState.RUNNING),),
        )

    def test_ends_hang(self) -> None:
        """While ten domains hang in being destroyed others are run."""
        self.started()
        names = [f"i-0000001{n}" for n in range(10)]
        destroying = [self.begin(self.hypervisor.destroy(name)) for name in names]
        self.successResultOf(self.run_one("i-00000001"))
        self.work()
        for each in destroying:
            self.successResultOf(each)

    def test_threads_are_few(self) -> None:
        """Though all that acts hangs libvirtd has threads left, of its twenty."""
        self.started()
        for number in range(10, 30):
            name = f"i-000000{number}"
            for act in (
                self.hypervisor.run(a_spec(name)),
                self.hypervisor.shut_down(f"{name}0"),
                self.hypervisor.destroy(f"{name}1"),
            ):
                self.begin(act).addErrback(lambda _: None)
        acting = {name: len(of) for name, of in self.pools.items()}
        del acting["libvirt-ask"]
        self.assertEqual(len(acting), 3)
        self.assertLessEqual(sum(acting.values()), 16)

    def begin(self, coroutine: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(coroutine)

    def run_one(self, name: str) -> Deferred[Any]:
        running = self.begin(self.hypervisor.run(a_spec(name)))
        self.work("libvirt-run")
        return running

    def test_stop_while_connecting(self) -> None:
        """A connection that is made after all is closed again."""
        starting = Deferred.fromCoroutine(self.hypervisor.start())
        self.successResultOf(Deferred.fromCoroutine(self.hypervisor.stop()))
        self.failureResultOf(starting, HypervisorUnavailable)
        self.work()
        self.assertEqual(self.faults.made[-1].calls, ["close"])

    def test_stop_when_connected(self) -> None:
        """So is one that was made, of which nobody had heard yet."""
        starting = Deferred.fromCoroutine(self.hypervisor.start())
        self.performers[0]()
        self.assertEqual(self.faults.made[-1].calls, [])
        self.stop()
        self.failureResultOf(starting, HypervisorUnavailable)
        self.reactor.advance(0)
        self.work()
        self.assertEqual(self.faults.made[-1].calls, ["close"])

    def listened_to(self) -> Consoles:
        connection = self.started()
        self.addCleanup(connection.connection.close)
        connection.connection = consoles = Consoles()
        return consoles

    def test_listened_too_late(self) -> None:
        """A console that is opened when nobody waits for it any more is closed."""
        consoles = self.listened_to()
        listening = self.begin(self.hypervisor.listen(NAME, bool, lambda: None))
        self.reactor.advance(15)
        self.failureResultOf(listening, HypervisorUnavailable)
        self.work()
        self.assertEqual((consoles.opened, consoles.hushed), (1, 1))

    def test_listened(self) -> None:
        """A console is closed by who listens to it, once."""
        consoles = self.listened_to()
        listening = self.do(self.hypervisor.listen(NAME, bool, lambda: None))
        hush = self.successResultOf(listening)
        self.assertEqual((consoles.opened, consoles.hushed), (1, 0))
        self.successResultOf(self.do(hush()))
        self.assertEqual((consoles.opened, consoles.hushed), (1, 1))

    def test_stop_when_started(self) -> None:
        """Whoever hears that it is started may stop it at once."""

        async def start_and_stop() -> None:
            await self.hypervisor.start()
            await self.hypervisor.stop()

        self.successResultOf(self.do(start_and_stop()))
        self.assertIn("close", self.faults.made[-1].calls)

    def test_stop_during_call(self) -> None:
        """Who waits for an answer when it is stopped is told so."""
        self.started()
        running = Deferred.fromCoroutine(self.hypervisor.run(a_spec("i-00000001")))
        stopping = Deferred.fromCoroutine(self.hypervisor.stop())
        self.failureResultOf(running, HypervisorUnavailable)
        self.work()
        self.successResultOf(stopping)

    def test_no_xml(self) -> None:
        """What cannot be written as a domain is refused."""
        self.started()
        spec = evolve(a_spec("i-00000001"), command_line="\x00")
        self.failureResultOf(self.do(self.hypervisor.run(spec)), DomainRefused)

    def reboots(self, connection: Faulty) -> None:
        self.successResultOf(self.do(self.hypervisor.run(a_spec("i-00000001"))))
        self.successResultOf(self.do(self.hypervisor.reboot("i-00000001")))
        connection.calls.clear()

    def test_deaf_guest_is_reset(self) -> None:
        """A guest that does not reboot when it is asked to is reset."""
        connection = self.started()
        self.reboots(connection)
        self.successResultOf(self.do(self.hypervisor.reboot("i-00000001")))
        self.reactor.advance(89)
        self.work()
        self.assertNotIn("reset", connection.calls)
        self.reactor.advance(1)
        self.work()
        self.assertEqual(connection.calls.count("reset"), 1)

    def test_reset_in_vain(self) -> None:
        """That one cannot be reset either is told, in a line."""
        connection = self.started()
        self.reboots(connection)
        with capturedLogs() as captured:
            self.reactor.advance(90)
            self.reactor.advance(15)
        said = [line["log_format"].format(**line) for line in captured]
        self.assertEqual(
            said[-1],
            f"{NAME} could not be reset: {URI} has not answered within 15 s",
        )
        self.assertNotIn("log_failure", captured[-1])

    def test_guest_reboots(self) -> None:
        """A guest that begins anew by itself is not reset."""
        connection = self.started()
        self.reboots(connection)
        connection.watchers.changed("i-00000001", True)
        self.reactor.advance(0)
        self.reactor.advance(100)
        self.work()
        self.assertNotIn("reset", connection.calls)

    def test_guest_reboots_at_once(self) -> None:
        """Nor is one that has begun anew before it is known that it was asked."""
        connection = self.started()
        self.successResultOf(self.do(self.hypervisor.run(a_spec("i-00000001"))))
        rebooting = self.begin(self.hypervisor.reboot("i-00000001"))
        connection.watchers.changed("i-00000001", True)
        self.reactor.advance(0)
        self.work()
        self.successResultOf(rebooting)
        self.reactor.advance(100)
        self.work()
        self.assertNotIn("reset", connection.calls)

    def test_not_asked_to_reboot(self) -> None:
        """A guest that could not be asked, for whatever reason, is not reset later."""
        connection = self.started()
        self.successResultOf(self.do(self.hypervisor.run(a_spec("i-00000001"))))
        self.faults.loss = HypervisorUnavailable("no")
        rebooting = self.do(self.hypervisor.reboot("i-00000001"))
        self.failureResultOf(rebooting, HypervisorUnavailable)
        self.faults.loss = None
        self.reactor.advance(100)
        self.work()
        self.assertNotIn("reset", connection.calls)

    def test_asked_in_vain_again(self) -> None:
        """That one cannot be asked again does not save it from being reset."""
        connection = self.started()
        self.reboots(connection)
        self.reactor.advance(60)
        self.faults.loss = HypervisorUnavailable("it hangs")
        rebooting = self.do(self.hypervisor.reboot("i-00000001"))
        self.failureResultOf(rebooting, HypervisorUnavailable)
        self.faults.loss = None
        self.reactor.advance(30)
        self.work()
        self.assertEqual(connection.calls.count("reset"), 1)

    def test_lost_while_rebooting(self) -> None:
        """When it cannot be known whether a guest rebooted it is not reset."""
        connection = self.started()
        self.reboots(connection)
        connection.watchers.lost()
        self.reactor.advance(0)
        self.work()
        self.reactor.advance(100)
        self.work()
        self.assertNotIn("reset", self.faults.made[-1].calls)

    def test_stop_while_rebooting(self) -> None:
        """Nothing is left on the clock by one that was stopped."""
        self.reboots(self.started())
        self.stop()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    # What is tried

    def trial(self, machine: Machine) -> Trial:
        return Trial(machine=machine, disk=Path(self.mktemp()).absolute())

    def test_tried(self) -> None:
        """What has proved to work is taken; who waits for the start waits for that."""
        self.faults.is_forgiving = True
        self.hypervisor = self.make(faster=self.trial(FASTER))
        starting = self.do(self.hypervisor.start())
        self.assertNoResult(starting)
        self.assertNotIn("1234567", self.hypervisor.document(a_spec(NAME)))
        self.driver.lookupByName("euca_tw-trial").shutdown()
        self.reactor.advance(0.1)
        self.work()
        self.successResultOf(starting)
        self.assertIn("1234567", self.hypervisor.document(a_spec(NAME)))
        self.assertEqual(self.changes.names, [])
        self.assertEqual(len(self.driver.listAllDomains(0)), 1)

    def test_not_while_trying(self) -> None:
        """Till it is known what works nothing is run."""
        self.faults.is_forgiving = True
        self.hypervisor = self.make(faster=self.trial(FASTER))
        starting = self.do(self.hypervisor.start())
        running = self.do(self.hypervisor.run(a_spec(NAME)))
        failure = self.failureResultOf(running, HypervisorUnavailable)
        self.assertIn("is still being tried", str(failure.value))
        self.driver.lookupByName("euca_tw-trial").shutdown()
        self.reactor.advance(0.1)
        self.work()
        self.successResultOf(starting)
        self.successResultOf(self.do(self.hypervisor.run(a_spec(NAME))))
        self.assertIn("1234567", self.driver.lookupByName(NAME).XMLDesc(0))
        self.successResultOf(self.do(self.hypervisor.destroy(NAME)))

    def test_tried_in_vain(self) -> None:
        """What does not work is not taken, and nothing is left of the trial."""
        self.faults.is_forgiving = True
        self.hypervisor = self.make(faster=self.trial(FASTER))
        starting = self.do(self.hypervisor.start())
        self.assertEqual(len(self.driver.listAllDomains(0)), 2)
        for _ in range(101):
            self.reactor.advance(0.05)
            self.work()
        self.successResultOf(starting)
        self.assertNotIn("1234567", self.hypervisor.document(a_spec(NAME)))
        self.assertEqual(len(self.driver.listAllDomains(0)), 1)

    def test_never_offered(self) -> None:
        """Where there is no KVM nothing is run to see whether it works."""
        self.hypervisor = self.make(faster=self.trial(KVM))
        with capturedLogs() as captured:
            self.started()
        said = [line["log_format"].format(**line) for line in captured]
        self.assertIn("kvm is not used: libvirt has none", " ".join(said))

    def test_lost_while_trying(self) -> None:
        """If the connection is lost meanwhile, it is tried on the next."""
        self.faults.is_forgiving = True
        self.hypervisor = self.make(faster=self.trial(FASTER))
        starting = self.do(self.hypervisor.start())
        self.faults.loss = ConnectionLost("client socket is closed")
        self.reactor.advance(0.1)
        self.work()
        self.faults.loss = None
        self.assertNoResult(starting)
        self.reactor.advance(1)
        self.work()
        self.assertEqual(len(self.faults.made), 2)
        self.driver.lookupByName("euca_tw-trial").shutdown()
        self.reactor.advance(0.1)
        self.work()
        self.successResultOf(starting)

    def test_stop_while_trying(self) -> None:
        """One that is stopped meanwhile leaves nothing of the trial."""
        self.faults.is_forgiving = True
        self.hypervisor = self.make(faster=self.trial(FASTER))
        starting = self.do(self.hypervisor.start())
        self.stop()
        self.failureResultOf(starting, HypervisorUnavailable)
        self.assertEqual(len(self.driver.listAllDomains(0)), 1)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_adopts(self) -> None:
        """Domains that ran before, made as the other kind, go on."""
        other = domain_xml(a_spec(NAME), MACHINE, "euca_tw")
        domain = self.driver.createXML(other, 0)
        self.addCleanup(domain.destroy)
        self.faults.is_forgiving = True
        self.hypervisor = self.make(faster=self.trial(FASTER))
        starting = self.do(self.hypervisor.start())
        self.driver.lookupByName("euca_tw-trial").shutdown()
        self.reactor.advance(0.1)
        self.work()
        self.successResultOf(starting)
        self.successResultOf(self.do(self.hypervisor.run(a_spec(NAME))))
        self.assertEqual(
            self.successResultOf(self.do(self.hypervisor.list())),
            (Domain(name=NAME, state=DomainState.RUNNING),),
        )
        self.assertNotIn("1234567", domain.XMLDesc(0))
