"""
One connection to libvirt: what is asked, what is told, whose domains are whose.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, evolve, field
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.capacity import Resources
from euca_tw.nodectl.domain_xml import domain_xml
from euca_tw.nodectl.interfaces import (
    Domain,
    DomainRefused,
    DomainState,
    HypervisorUnavailable,
)
from euca_tw.nodectl.kvm_probe import Trial, trial_name, trial_uuid, trial_xml
from euca_tw.nodectl.libvirt_attempt import Attempt
from euca_tw.nodectl.libvirt_connection import Connection, connect
from euca_tw.nodectl.libvirt_errors import ConnectionLost, NeverAvailable
from tests.nodectl.driver import (
    DEAF,
    MACHINE,
    NAME,
    URI,
    Forgiving,
    a_spec,
    keep_driver,
)

try:
    import libvirt
except ImportError:
    libvirt = None


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


@define
class ElusiveConnection:
    """
    A driver whose domains are gone when they are looked at.

    @ivar meanwhile: what happens when one is; None: they are there.
    """

    _driver: Any
    meanwhile: Callable[[], None] | None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def getAllDomainStats(self, *given: Any) -> list[tuple[Any, Any]]:
        told = self._driver.getAllDomainStats(*given)
        return [(ElusiveDomain(self, handle), values) for handle, values in told]


@define
class ElusiveDomain:
    _connection: ElusiveConnection
    _domain: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self._domain, name)

    def metadata(self, *given: Any) -> Any:
        if self._connection.meanwhile is not None:
            self._connection.meanwhile()
            self._connection.lookupByName("nobody")
        return self._domain.metadata(*given)


class ElusiveTests(SynchronousTestCase):
    """Domains that go, and come again with the same name and UUID."""

    def setUp(self) -> None:
        self.driver = keep_driver(self)
        self.xml = domain_xml(a_spec(NAME), MACHINE, "nc")
        self.elusive = ElusiveConnection(self.driver, lambda: None)
        self.connection = Connection(self.elusive, "nc", DEAF)
        self.addCleanup(lambda: self.connection.destroy(NAME))

    def test_gone_for_a_moment(self) -> None:
        """Whose one is that is gone for a moment is found out when it is there."""
        self.driver.createXML(self.xml, 0)
        self.assertEqual(self.connection.domains(), ())
        self.elusive.meanwhile = None
        running = Domain(name=NAME, state=DomainState.RUNNING)
        self.assertEqual(self.connection.domains(), (running,))

    def test_run_meanwhile(self) -> None:
        """One that is run while all are listed is known to be ours from then on."""
        domain = self.driver.createXML(self.xml, 0)

        def run() -> None:
            domain.destroy()
            self.elusive.meanwhile = None
            self.connection.run(NAME, a_spec(NAME).uuid, self.xml)

        self.elusive.meanwhile = run
        running = Domain(name=NAME, state=DomainState.RUNNING)
        self.connection.domains()
        self.assertEqual(self.connection.domains(), (running,))
        self.assertEqual(self.connection.domain(NAME), running)


class ConnectionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.driver = keep_driver(self)
        self.connection = self.connected()
        self.addCleanup(self.connection.close)

    def connected(self) -> Connection:
        return connect(URI, "nc", DEAF)

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
            connection = self.connected()
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
        connection = self.connected()
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

    def test_forgets(self) -> None:
        """Nothing is kept of domains that have come and gone."""
        for number in range(10, 20):
            spec = a_spec(f"i-000000{number}")
            self.connection.run(spec.name, spec.uuid, domain_xml(spec, MACHINE, "nc"))
            self.connection.destroy(spec.name)
        refused = "<domain type='test'/>"
        self.assertRaises(DomainRefused, self.connection.run, "i-1", "1", refused)
        self.assertEqual(self.connection._ours, {})


@define
class Counting:
    """
    Libvirt's driver for tests, or a domain of its, with what is called noted.

    @ivar lacking: methods that are not supported.
    """

    _of: Any
    calls: list[str] = field(factory=list)
    lacking: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._of, name)
        if name in ("UUIDString", "name", "connect", "isAlive"):
            return found  # which ask nobody

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            if name in self.lacking:
                # Nor can the driver do this, and says so.
                libvirt.open(URI).getDomainCapabilities()
            return self._noted(found(*arguments))

        return call

    def _noted(self, answer: Any) -> Any:
        if isinstance(answer, libvirt.virDomain):
            return Counting(answer, self.calls)
        if isinstance(answer, list):
            return [self._noted(each) for each in answer]
        if isinstance(answer, tuple):
            return tuple(self._noted(each) for each in answer)
        return answer


class StatelessTests(ConnectionTests):
    """The same, with a driver that does not tell every domain's state at once."""

    def connected(self) -> Connection:
        lacking = Counting(libvirt.open(URI), lacking=("getAllDomainStats",))
        return Connection(lacking, "nc", DEAF)


class QuestionsTests(SynchronousTestCase):
    """How often libvirt is asked, and on which connection."""

    def setUp(self) -> None:
        self.driver = keep_driver(self)
        self.calls: list[str] = []
        self.opened: list[Counting] = []
        self.connection = Connection(
            Counting(self.driver, self.calls), "nc", DEAF, self.open
        )
        for number in range(20):
            spec = a_spec(f"i-000000{number + 10}")
            xml = domain_xml(spec, MACHINE, "nc")
            self.addCleanup(self.driver.createXML(xml, 0).destroy)

    def open(self) -> Counting:
        self.opened.append(Counting(libvirt.open(URI)))
        return self.opened[-1]

    def test_list(self) -> None:
        """All domains that are known are listed by one question."""
        self.connection.domains()
        self.calls.clear()
        self.assertEqual(len(self.connection.domains()), 20)
        self.assertEqual(self.calls, ["getAllDomainStats"])

    def test_off(self) -> None:
        """Of one that is off it is asked besides whether it is kept."""
        spec = a_spec(NAME)
        handle = self.driver.defineXML(domain_xml(spec, MACHINE, "nc"))
        self.addCleanup(handle.undefine)
        self.connection.domains()
        self.calls.clear()
        self.assertIn(
            Domain(name=NAME, state=DomainState.SHUTOFF), self.connection.domains()
        )
        self.assertEqual(self.calls, ["getAllDomainStats", "isPersistent"])

    def test_lacking(self) -> None:
        """What the driver cannot do it is asked for only once."""
        lacking = Counting(self.driver, lacking=("getAllDomainStats",))
        connection = Connection(lacking, "nc", DEAF)
        for _ in range(2):
            self.assertEqual(len(connection.domains()), 20)
        self.assertEqual(lacking.calls.count("getAllDomainStats"), 1)
        self.assertEqual(lacking.calls.count("listAllDomains"), 2)

    def test_gone(self) -> None:
        """A domain that is gone before it was asked about is not listed."""
        handle = self.driver.defineXML(domain_xml(a_spec(NAME), MACHINE, "nc"))
        told = Counting(self.driver)
        connection = Connection(told, "nc", DEAF)
        connection.domains()
        listed = self.driver.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)
        handle.undefine()
        connection._libvirt = Telling(told, listed)
        self.assertNotIn(NAME, [domain.name for domain in connection.domains()])

    def test_own_connections(self) -> None:
        """What acts on a domain does so on a connection of its own, and closes it."""
        spec = a_spec(NAME)
        xml = domain_xml(spec, MACHINE, "nc")
        self.calls.clear()
        self.connection.run(spec.name, spec.uuid, xml)
        self.connection.reboot(NAME)
        self.connection.reset(NAME)
        self.connection.shut_down(NAME)
        self.connection.destroy(NAME)
        self.assertEqual(self.calls, [])
        self.assertEqual([one.calls[-1] for one in self.opened], ["close"] * 5)

    def test_own_connection_fails(self) -> None:
        """Where no further connection can be had that is told."""
        connection = Connection(self.driver, "nc", DEAF, self.fail_to_open)
        self.assertRaises(HypervisorUnavailable, connection.destroy, NAME)

    def fail_to_open(self) -> Any:
        return libvirt.open("nothing:///")


@define
class Telling:
    """A driver that tells what was so a moment ago."""

    _driver: Any
    _told: list[Any]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def getAllDomainStats(self, *ignored: Any) -> list[Any]:
        return self._told


class AttemptTests(SynchronousTestCase):
    """A domain that is run to see whether it does."""

    def setUp(self) -> None:
        self.driver = keep_driver(self)
        self.attempt = self.made_by("nc")
        self.before = self.here()

    def made_by(self, mark: str) -> Attempt:
        return Attempt(Forgiving(self.driver), trial_name("nc"), mark)

    def here(self) -> list[str]:
        return sorted(domain.name() for domain in self.driver.listAllDomains(0))

    def xml(self, mark: str = "nc") -> str:
        return trial_xml(Trial(machine=MACHINE, disk=Path("/trial.img")), mark)

    def test_ends(self) -> None:
        """It is seen how it ends, and nothing is left of it."""
        self.assertIsNone(self.attempt.state())
        self.attempt.begin(self.xml())
        self.assertIs(self.attempt.state(), DomainState.RUNNING)
        self.driver.lookupByName("nc-trial").shutdown()
        self.assertIs(self.attempt.state(), DomainState.HALTED)
        self.attempt.end()
        self.assertEqual(self.here(), self.before)
        self.attempt.end()

    def test_left(self) -> None:
        """What an earlier one left, running or not, gives way."""
        for _ in range(2):
            self.made_by("nc").begin(self.xml())
            self.attempt.begin(self.xml())
            self.assertIs(self.attempt.state(), DomainState.RUNNING)
            self.driver.lookupByName("nc-trial").destroy()
        self.attempt.end()
        self.assertEqual(self.here(), self.before)

    def test_others(self) -> None:
        """Somebody else's domain of that name is not touched."""
        bare = domain_xml(evolve(a_spec(NAME), name="nc-trial"), MACHINE, "nc")
        for xml in (bare, self.xml().replace('mark="nc"', 'mark="other"')):
            domain = self.driver.createXML(xml, 0)
            self.assertRaises(DomainRefused, self.attempt.begin, self.xml())
            self.assertRaises(DomainRefused, self.attempt.end)
            self.assertTrue(domain.isActive())
            domain.destroy()

    def test_nobody_is_told(self) -> None:
        """It is neither listed nor told of as a domain of the node's."""
        told: list[Any] = []
        watchers = evolve(DEAF, changed=lambda *change: told.append(change))
        connection = Connection(Forgiving(self.driver), "nc", watchers)
        attempt = connection.attempt(trial_name("nc"), trial_uuid("nc"))
        attempt.begin(self.xml())
        self.addCleanup(attempt.end)
        self.assertEqual(connection.domains(), ())
        connection._events._lifecycle(None, self.driver.lookupByName("nc-trial"), 2)
        self.assertEqual(told, [])
