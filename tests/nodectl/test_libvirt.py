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
from twisted.trial.unittest import SkipTest, SynchronousTestCase, TestCase

from euca_tw.common.threads import IWorker
from euca_tw.model.capacity import Resources
from euca_tw.nodectl.domain_xml import QEMU, domain_xml
from euca_tw.nodectl.interfaces import (
    Disk,
    Domain,
    DomainRefused,
    DomainSpec,
    DomainState,
    HypervisorUnavailable,
    Nic,
)
from euca_tw.nodectl.libvirt import LibvirtHypervisor
from euca_tw.nodectl.libvirt_connection import (
    Connection,
    ConnectionLost,
    NeverAvailable,
    Watchers,
    connect,
)
from tests.suites.hypervisor import (
    Changes,
    HypervisorUnderTest,
    make_ihypervisor_tests,
)

try:
    import libvirt
except ImportError:
    libvirt = None

URI = "test:///default"
NAME = "i-00000001"
MACHINE = evolve(QEMU, domain_type="test", arch="i686")


def a_spec(name: str) -> DomainSpec:
    return DomainSpec(
        name=name,
        uuid=f"5a5a5a5a-0000-4000-8000-0000{name[2:]}",
        cores=1,
        memory_mib=64,
        kernel="/images/vmlinuz",
        disks=(Disk(path=f"/instances/{name}/root.qcow2", backing="/images/emi-1"),),
        nics=(
            Nic(mac_address="d0:0d:00:00:00:01", bridge="euca0", target=f"vn_{name}"),
        ),
        console=f"/instances/{name}/console.log",
    )


def keep_driver(test: SynchronousTestCase | TestCase) -> Any:
    """
    The driver's domains live as long as anyone is connected to it: so someone
    is, until the test ends.
    """
    if libvirt is None:
        raise SkipTest("libvirt's Python binding is not installed")
    kept = libvirt.open(URI)
    test.addCleanup(kept.close)
    return kept


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
    Connects to libvirt's driver for tests, and has it fail as is wished.

    @ivar refusals: the next tries to connect fail with these.
    @ivar loss: every call fails with this.
    """

    refusals: list[HypervisorUnavailable] = field(factory=list)
    loss: HypervisorUnavailable | None = None
    made: list[Faulty] = field(factory=list)

    def connect(self, uri: str, mark: str, watchers: Watchers) -> Faulty:
        if self.refusals:
            raise self.refusals.pop(0)
        made = Faulty(self, watchers, connect(uri, mark, watchers))
        self.made.append(made)
        return made


@define
class Faulty:
    faults: Faults
    watchers: Watchers
    connection: Connection
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
        self.faults = Faults()
        self.changes = Changes()
        self.hypervisor = LibvirtHypervisor(
            reactor=self.reactor,
            random=Random(1),
            uri=URI,
            machine=MACHINE,
            connect=self.faults.connect,
            make_worker=self.make_worker,
        )
        self.hypervisor.subscribe(self.changes)
        self.addCleanup(self.stop)

    def make_worker(self, name: str) -> IWorker:
        worker, perform = createMemoryWorker()
        self.performers.append(perform)
        return worker

    def work(self) -> None:
        """Let threads do all that they have to."""
        while any(perform() for perform in self.performers):
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

    def test_stop_while_connecting(self) -> None:
        """A connection that is made after all is closed again."""
        starting = Deferred.fromCoroutine(self.hypervisor.start())
        self.successResultOf(Deferred.fromCoroutine(self.hypervisor.stop()))
        self.failureResultOf(starting, HypervisorUnavailable)
        self.work()
        self.assertEqual(self.faults.made[-1].calls, ["close"])

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

    def test_guest_reboots(self) -> None:
        """A guest that begins anew by itself is not reset."""
        connection = self.started()
        self.reboots(connection)
        connection.watchers.changed("i-00000001", True)
        self.reactor.advance(0)
        self.reactor.advance(100)
        self.work()
        self.assertNotIn("reset", connection.calls)

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


#: For those who do not want to hear.
DEAF = Watchers(changed=lambda name, anew: None, lost=lambda: None)


@define
class ResetlessConnection:
    """A driver whose domains have no reset line, as that of Xen."""

    _driver: Any
    during: Callable[[], None]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def lookupByName(self, name: str) -> ResetlessDomain:
        return ResetlessDomain(self._driver.lookupByName(name), self.during)


@define
class ResetlessDomain:
    _domain: Any
    _during: Callable[[], None]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._domain, name)

    def reset(self, flags: int) -> None:
        # Nor can the driver for tests do this, and says so.
        self._domain.migrateSetMaxDowntime(1, flags)

    def destroy(self) -> None:
        self._domain.destroy()
        self._during()


class ResetlessTests(SynchronousTestCase):
    """A driver that cannot reset."""

    def setUp(self) -> None:
        self.driver = keep_driver(self)
        self.changed: list[tuple[str, bool]] = []
        watchers = evolve(DEAF, changed=lambda *change: self.changed.append(change))
        self.seen: list[tuple[Domain | None, tuple[Domain, ...]]] = []
        self.is_refused = False
        resetless = ResetlessConnection(self.driver, self.during)
        self.connection = Connection(resetless, "nc", watchers)
        domain = self.driver.createXML(domain_xml(a_spec(NAME), MACHINE, "nc"), 0)
        self.addCleanup(lambda: self.connection.destroy(NAME))
        self.number = domain.ID()

    def during(self) -> None:
        """What others see while the domain is not there."""
        self.seen.append((self.connection.domain(NAME), self.connection.domains()))
        if self.is_refused:
            # Whoever had the name first.
            xml = domain_xml(a_spec(NAME), MACHINE, "other").replace("5a5a", "6b6b")
            other = self.driver.createXML(xml, 0)
            self.addCleanup(other.destroy)

    def test_reset(self) -> None:
        """It is ended and run anew, and others see it run all the time."""
        self.connection.reset(NAME)
        running = Domain(name=NAME, state=DomainState.RUNNING)
        self.assertEqual(self.seen, [(running, (running,))])
        self.assertEqual(self.connection.domains(), (running,))
        self.assertNotEqual(self.driver.lookupByName(NAME).ID(), self.number)
        self.assertEqual(self.changed, [(NAME, True)])

    def test_not_anew(self) -> None:
        """Where it does not come to run anew it is gone, and that is told."""
        self.is_refused = True
        self.assertRaises(HypervisorUnavailable, self.connection.reset, NAME)
        self.assertEqual(self.connection.domains(), ())
        self.assertIsNone(self.connection.domain(NAME))
        self.assertEqual(self.changed, [(NAME, True)])

    def test_gone(self) -> None:
        """What is there no more is not run anew."""
        self.connection.destroy(NAME)
        self.connection.reset(NAME)
        self.assertEqual(self.connection.domains(), ())


class ConnectionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.driver = keep_driver(self)
        self.connection = connect(URI, "nc", DEAF)
        self.addCleanup(self.connection.close)

    def make(self, name: str = "i-00000001", mark: str = "nc") -> Any:
        domain = self.driver.createXML(domain_xml(a_spec(name), MACHINE, mark), 0)
        self.addCleanup(self.destroy, name)
        return domain

    def destroy(self, name: str) -> None:
        for domain in self.driver.listAllDomains(0):
            if domain.name() == name:
                domain.destroy()

    def test_not_ours(self) -> None:
        """Another's domain is neither listed nor touched, whatever its name."""
        domain = self.make(mark="other")
        self.assertEqual(self.connection.domains(), ())
        self.connection.destroy("i-00000001")
        self.connection.reset("i-00000001")
        self.assertEqual(self.connection.reboot("i-00000001"), False)
        self.assertTrue(domain.isActive())
        error = self.assertRaises(
            DomainRefused, self.connection.run, "i-00000001", "", "<domain/>"
        )
        self.assertIn("somebody else's", str(error))

    def test_broken_metadata(self) -> None:
        """A domain whose metadata is not whole is neither listed nor touched."""
        written = domain_xml(a_spec("i-00000001"), MACHINE, "nc")
        for broken in (
            written.replace('id="i-00000001"', 'id="i-00000002"'),
            written.replace('id="i-00000001" ', ""),
            written.replace('mark="nc"', ""),
            written.replace("instance:1", "instance:2"),
            written.replace("euca:instance", "euca:other"),
        ):
            self.assertNotEqual(broken, written)
            domain = self.driver.createXML(broken, 0)
            connection = connect(URI, "nc", DEAF)
            self.assertEqual(connection.domains(), ())
            self.assertIsNone(connection.domain("i-00000001"))
            self.assertEqual(connection.memo("i-00000001"), "")
            self.assertFalse(connection.shut_down("i-00000001"))
            connection.destroy("i-00000001")
            self.assertTrue(domain.isActive())
            connection.close()
            domain.destroy()

    def test_endings(self) -> None:
        """A domain that has ended stays, and says how, until it is run anew."""
        spec = a_spec("i-00000001")
        xml = domain_xml(spec, MACHINE, "nc")
        for end, state in (
            (lambda domain: domain.shutdown(), DomainState.HALTED),
            (lambda domain: domain.destroy(), DomainState.KILLED),
        ):
            self.connection.run(spec.name, spec.uuid, xml)
            end(self.driver.lookupByName(spec.name))
            self.assertEqual(
                self.connection.domains(), (Domain(name=spec.name, state=state),)
            )
        self.connection.run(spec.name, spec.uuid, xml)
        self.assertTrue(self.connection.shut_down(spec.name))
        self.assertFalse(self.connection.shut_down(spec.name))
        self.connection.destroy(spec.name)
        self.assertEqual(self.connection.domains(), ())

    def test_saved(self) -> None:
        """A domain that somebody has saved is forgotten with what was saved."""
        spec = a_spec("i-00000001")
        self.connection.run(spec.name, spec.uuid, domain_xml(spec, MACHINE, "nc"))
        self.driver.lookupByName(spec.name).managedSave()
        [domain] = self.connection.domains()
        self.assertIsNot(domain.state, DomainState.RUNNING)
        self.connection.destroy(spec.name)
        self.assertEqual(self.connection.domains(), ())

    def test_persistent(self) -> None:
        """A domain of ours that somebody made persistent is forgotten at its end."""
        self.driver.defineXML(domain_xml(a_spec("i-00000001"), MACHINE, "nc"))
        self.assertEqual(
            self.connection.domains(),
            (Domain(name="i-00000001", state=DomainState.SHUTOFF),),
        )
        self.connection.destroy("i-00000001")
        self.assertEqual(self.connection.domains(), ())

    def test_run_what_is_shut_off(self) -> None:
        """A domain of ours that is there but off is run anew."""
        spec = a_spec("i-00000001")
        xml = domain_xml(spec, MACHINE, "nc")
        self.driver.defineXML(xml)
        self.connection.run(spec.name, spec.uuid, xml)
        self.assertEqual(
            self.connection.domains(),
            (Domain(name="i-00000001", state=DomainState.RUNNING),),
        )
        self.connection.destroy(spec.name)

    def test_paused(self) -> None:
        """A paused domain is told as paused, and is left so by run."""
        self.make().suspend()
        self.connection.run("i-00000001", "", "<domain/>")
        self.assertEqual(
            self.connection.domains(),
            (Domain(name="i-00000001", state=DomainState.PAUSED),),
        )

    def test_refused(self) -> None:
        """What libvirt will not run is refused with its words, without paths."""
        error = self.assertRaises(
            DomainRefused, self.connection.run, "i-1", "", "<domain type='test'/>"
        )
        self.assertNotIn("/", str(error))
        self.assertNotEqual(str(error), "")

    def test_capacity(self) -> None:
        """The driver for tests says that it has 16 cores and 3 GiB."""
        self.assertEqual(
            self.connection.capacity(),
            Resources(cores=16, memory_mib=3072, disk_gib=0),
        )

    def test_closed(self) -> None:
        """After it was closed it is lost."""
        connection = connect(URI, "nc", DEAF)
        connection.close()
        self.assertRaises(ConnectionLost, connection.domains)
        self.assertRaises(ConnectionLost, connection.run, "i-1", "", "<domain/>")
        self.assertRaises(ConnectionLost, connection.reboot, "i-1")
        connection.close()

    def test_never(self) -> None:
        """A place that is no hypervisor never becomes one."""
        path = Path(self.mktemp()).resolve()
        path.write_text("<nothing/>")
        error = self.assertRaises(NeverAvailable, connect, f"test://{path}", "nc", DEAF)
        self.assertIn("is no hypervisor that libvirt knows", str(error))
