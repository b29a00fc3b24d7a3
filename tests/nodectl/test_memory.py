"""Domains and disks that are only remembered."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from euca_tw.model.capacity import Resources
from euca_tw.nodectl.interfaces import (
    Disk,
    Domain,
    DomainRefused,
    DomainSpec,
    DomainState,
    HypervisorUnavailable,
    ImageSource,
    Nic,
)
from euca_tw.nodectl.memory import MemoryHypervisor, MemoryInstanceStore
from tests.suites.hypervisor import (
    Changes,
    HypervisorUnderTest,
    make_ihypervisor_tests,
)
from tests.suites.instance_store import (
    InstanceStoreUnderTest,
    make_iinstancestore_tests,
)

CAPACITY = Resources(cores=4, memory_mib=1024, disk_gib=10)


def a_spec(name: str) -> DomainSpec:
    return DomainSpec(
        name=name,
        uuid="5a5a5a5a-0000-4000-8000-000000000001",
        cores=1,
        memory_mib=128,
        kernel="/images/vmlinuz",
        command_line="root=/dev/vda",
        disks=(Disk(path=f"/instances/{name}/root.qcow2"),),
        nics=(
            Nic(mac_address="d0:0d:00:00:00:01", bridge="euca0", target=f"vn_{name}"),
        ),
        console=f"/instances/{name}/console.log",
    )


def a_hypervisor(test: TestCase) -> HypervisorUnderTest:
    clock = Clock()
    hypervisor = MemoryHypervisor(clock, CAPACITY)
    return HypervisorUnderTest(
        hypervisor=hypervisor,
        again=lambda: hypervisor,
        spec=a_spec,
        clock=clock,
        pass_time=lambda: clock.advance(0),
    )


class MemoryHypervisorSuite(make_ihypervisor_tests(a_hypervisor)):
    """The suite of all hypervisors, in memory."""


def a_store(test: TestCase) -> InstanceStoreUnderTest:
    consoles: dict[str, bytes] = {}
    written_at: dict[str, float] = {}
    store = MemoryInstanceStore(
        Clock(), consoles, missing={"emi-00000bad"}, written_at=written_at
    )

    def write(path: str, text: bytes) -> None:
        consoles[path] = text
        written_at[path] = 1.0

    return InstanceStoreUnderTest(
        store=store,
        again=lambda: store,
        root=ImageSource(image_id="emi-00000001", url="http://clc/emi"),
        kernel=ImageSource(image_id="eki-00000001", url="http://clc/eki"),
        ramdisk=ImageSource(image_id="eri-00000001", url="http://clc/eri"),
        absent=ImageSource(image_id="emi-00000bad", url="http://clc/bad"),
        write=write,
    )


class MemoryInstanceStoreSuite(make_iinstancestore_tests(a_store)):
    """The suite of all instance stores, in memory."""


class MemoryHypervisorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.hypervisor = MemoryHypervisor(self.clock, CAPACITY, boot_s=5.0)
        self.changes = Changes()
        self.hypervisor.subscribe(self.changes)
        self.successResultOf(self.hypervisor.start())

    def run_domain(self, name: str = "i-00000001") -> None:
        self.successResultOf(self.hypervisor.run(a_spec(name)))
        self.clock.advance(0)

    def listed(self) -> tuple[Domain, ...]:
        return self.successResultOf(self.hypervisor.list())

    def console(self, name: str = "i-00000001") -> str:
        return self.hypervisor.consoles[f"/instances/{name}/console.log"].decode()

    def test_boot(self) -> None:
        """A domain runs at once and has printed its boot after the boot's time."""
        self.run_domain()
        self.assertIn("root=/dev/vda", self.console())
        self.assertNotIn("READY", self.console())
        self.clock.advance(5)
        self.assertIn("instance-id: i-00000001\r\n", self.console())
        self.assertIn("d0:0d:00:00:00:01", self.console())
        self.assertIn("READY", self.console())

    def test_reboot_prints_again(self) -> None:
        """A reboot appends another boot to the console."""
        self.run_domain()
        self.clock.advance(5)
        self.successResultOf(self.hypervisor.reboot("i-00000001"))
        self.clock.advance(5)
        self.assertEqual(self.console().count("READY"), 2)

    def test_destroyed_prints_no_more(self) -> None:
        """A domain destroyed while it boots never ends its boot."""
        self.run_domain()
        self.successResultOf(self.hypervisor.destroy("i-00000001"))
        self.clock.advance(5)
        self.assertNotIn("READY", self.console())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_power_off(self) -> None:
        """A guest that shuts down stays as halted, and is told of."""
        self.run_domain()
        self.changes.names.clear()
        self.hypervisor.power_off("i-00000001")
        self.clock.advance(0)
        self.assertEqual(
            self.listed(), (Domain(name="i-00000001", state=DomainState.HALTED),)
        )
        self.assertEqual(self.changes.names, ["i-00000001"])

    def test_kill(self) -> None:
        """A domain that somebody has ended says so."""
        self.run_domain()
        self.hypervisor.kill("i-00000001")
        self.assertEqual(self.listed()[0].state, DomainState.KILLED)

    def test_vanish(self) -> None:
        """A domain whose machine lost power is gone."""
        self.run_domain()
        self.hypervisor.vanish("i-00000001")
        self.assertEqual(self.listed(), ())

    def test_deaf(self) -> None:
        """A guest that does not heed that it shall shut down runs on."""
        self.hypervisor.deaf.add("i-00000001")
        self.run_domain()
        asked = self.hypervisor.shut_down("i-00000001")
        self.assertTrue(self.successResultOf(asked))
        self.clock.advance(10)
        self.assertEqual(self.listed()[0].state, DomainState.RUNNING)

    def test_crash(self) -> None:
        """A crashed domain stays until it is destroyed or run anew."""
        self.run_domain()
        self.hypervisor.crash("i-00000001")
        self.assertEqual(
            self.listed(), (Domain(name="i-00000001", state=DomainState.CRASHED),)
        )
        self.run_domain()
        self.assertEqual(
            self.listed(), (Domain(name="i-00000001", state=DomainState.RUNNING),)
        )

    def test_crashed_cannot_reboot(self) -> None:
        """A crashed domain does not hear that it is to reboot."""
        self.run_domain()
        self.hypervisor.crash("i-00000001")
        self.successResultOf(self.hypervisor.reboot("i-00000001"))
        self.assertEqual(self.listed()[0].state, DomainState.CRASHED)

    def test_full(self) -> None:
        """When memory is used up, the next domain is refused."""
        for n in range(8):
            self.run_domain(f"i-0000000{n}")
        failure = self.failureResultOf(
            self.hypervisor.run(a_spec("i-00000009")), DomainRefused
        )
        self.assertEqual(
            str(failure.value),
            "i-00000009 needs 128 MiB of memory; 0 MiB are free",
        )

    def test_disconnect(self) -> None:
        """While it is down it cannot be asked; after that any may have changed."""
        self.run_domain()
        self.hypervisor.disconnect()
        self.failureResultOf(self.hypervisor.list(), HypervisorUnavailable)
        self.hypervisor.reconnect()
        self.clock.advance(0)
        self.assertEqual(self.changes.names[-1], None)
        self.assertEqual(len(self.listed()), 1)

    def test_console_is_bounded(self) -> None:
        """A console that is written to for ever does not grow for ever."""
        self.run_domain()
        for _ in range(1000):
            self.successResultOf(self.hypervisor.reboot("i-00000001"))
        self.assertEqual(len(self.console()), 65536)

    def test_told_later(self) -> None:
        """A change is never told inside the call that makes it."""
        self.successResultOf(self.hypervisor.run(a_spec("i-00000001")))
        self.assertEqual(self.changes.names, [])

    def test_spec_of(self) -> None:
        """What a domain was made from can be asked."""
        self.run_domain()
        self.assertEqual(self.hypervisor.spec_of("i-00000001"), a_spec("i-00000001"))


class MemoryInstanceStoreTests(SynchronousTestCase):
    def test_has_disk(self) -> None:
        """A discarded instance has no disk; staged again, it has one."""
        store = MemoryInstanceStore(Clock(), {})
        root = ImageSource(image_id="emi-00000001", url="http://clc/emi")
        self.assertFalse(store.has_disk("i-00000001"))
        for _ in range(2):
            self.successResultOf(store.stage("i-00000001", root, None, None, 1))
            self.assertTrue(store.has_disk("i-00000001"))
            self.successResultOf(store.discard("i-00000001"))
            self.assertFalse(store.has_disk("i-00000001"))

    def test_stage_takes_time(self) -> None:
        """Staging may be made to take time on the clock."""
        clock = Clock()
        store = MemoryInstanceStore(clock, {}, stage_s=3)
        root = ImageSource(image_id="emi-00000001", url="http://clc/emi")
        staging = Deferred.fromCoroutine(store.stage("i-00000001", root, None, None, 1))
        clock.advance(2)
        self.assertNoResult(staging)
        clock.advance(1)
        self.successResultOf(staging)
