"""Tests for L{euca_tw.sim.machines}."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from euca_tw.model.capacity import Resources
from euca_tw.nodectl.interfaces import ImageSource
from euca_tw.sim.distributions import Constant
from euca_tw.sim.machines import Machine, machine
from euca_tw.sim.scenario import Times
from tests.nodectl.test_memory import CAPACITY, a_spec
from tests.suites.hypervisor import HypervisorUnderTest, make_ihypervisor_tests
from tests.suites.instance_store import (
    InstanceStoreUnderTest,
    make_iinstancestore_tests,
)

NONE = Constant(value=0.0)
AT_ONCE = Times(
    fetch_mib_s=1e12, staging_s=NONE, start_s=NONE, boot_s=NONE, stop_s=NONE
)
NAME = "i-00000001"
NEEDS = Resources(cores=1, memory_mib=128, disk_gib=0)


class Sees:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def domain_began(self, name: str, node: str, needs: Resources) -> None:
        self.told.append(("began", name, node, needs))

    def domain_ceased(self, name: str, node: str, needs: Resources) -> None:
        self.told.append(("ceased", name, node, needs))

    def guest_ready(self, name: str) -> None:
        self.told.append(("ready", name))

    def disk_made(self, name: str, node: str) -> None:
        self.told.append(("disk made", name, node))

    def disk_gone(self, name: str, node: str) -> None:
        self.told.append(("disk gone", name, node))


def a_machine(clock: Clock, times: Times, sees: Sees | None = None) -> Machine:
    return machine(
        clock=clock,
        node="north-00000",
        random=Random(1),
        room=CAPACITY,
        times=times,
        size_mib=lambda image_id: 0 if times is AT_ONCE else 300,
        sees=sees or Sees(),
    )


def a_hypervisor(test: TestCase) -> HypervisorUnderTest:
    clock = Clock()
    hypervisor = a_machine(clock, AT_ONCE).hypervisor
    return HypervisorUnderTest(
        hypervisor=hypervisor,
        again=lambda: hypervisor,
        spec=a_spec,
        clock=clock,
        pass_time=lambda: clock.advance(0),
    )


class SimulatedHypervisorSuite(make_ihypervisor_tests(a_hypervisor)):
    """The suite of all hypervisors, simulated."""


def a_store(test: TestCase) -> InstanceStoreUnderTest:
    store = a_machine(Clock(), AT_ONCE).instances
    store.missing.add("emi-00000bad")

    def write(path: str, text: bytes) -> None:
        store.consoles[path] = text
        store.written_at[path] = 1.0

    return InstanceStoreUnderTest(
        store=store,
        again=lambda: store,
        root=ImageSource(image_id="emi-00000001", url="http://clc/emi"),
        kernel=ImageSource(image_id="eki-00000001", url="http://clc/eki"),
        ramdisk=ImageSource(image_id="eri-00000001", url="http://clc/eri"),
        absent=ImageSource(image_id="emi-00000bad", url="http://clc/bad"),
        write=write,
    )


class SimulatedInstanceStoreSuite(make_iinstancestore_tests(a_store)):
    """The suite of all instance stores, simulated."""


class SimulatedMachineTests(SynchronousTestCase):
    """What takes time, takes it; what happens is seen."""

    def setUp(self) -> None:
        self.clock, self.sees = Clock(), Sees()
        times = Times(
            fetch_mib_s=100.0,
            staging_s=Constant(value=1.0),
            start_s=Constant(value=0.5),
            boot_s=Constant(value=10.0),
            stop_s=Constant(value=0.25),
        )
        self.machine = a_machine(self.clock, times, self.sees)
        self.hypervisor = self.machine.hypervisor
        self.successResultOf(self.hypervisor.start())

    def run_domain(self) -> None:
        running = self.hypervisor.run(a_spec(NAME))
        started = Deferred.fromCoroutine(running)
        self.clock.advance(0.49)
        self.assertNoResult(started)
        self.clock.advance(0.01)
        self.successResultOf(started)

    def test_start_and_boot(self) -> None:
        """A domain runs once it is started; its guest is ready once it has booted."""
        self.run_domain()
        began = ("began", NAME, "north-00000", NEEDS)
        self.assertEqual(self.sees.told, [began])
        self.clock.advance(9.9)
        self.assertEqual(self.sees.told, [began])
        self.clock.advance(0.1)
        self.assertEqual(self.sees.told, [began, ("ready", NAME)])

    def test_power(self) -> None:
        """A machine that loses its power has no domains, and none gets ready."""
        self.run_domain()
        self.hypervisor.lose_power()
        self.clock.advance(20)
        self.assertEqual(self.sees.told[1:], [("ceased", NAME, "north-00000", NEEDS)])

    def test_halted(self) -> None:
        """A domain that halts has ceased, and is not seen to cease again."""
        self.run_domain()
        self.hypervisor.power_off(NAME)
        self.hypervisor.vanish(NAME)
        self.assertEqual(self.sees.told[1:], [("ceased", NAME, "north-00000", NEEDS)])

    def test_fetched_once(self) -> None:
        """An image is fetched by the first that needs it; each is staged."""
        for name, quarters in ((NAME, 16), ("i-00000002", 4)):
            staging = Deferred.fromCoroutine(
                self.machine.instances.stage(
                    name, ImageSource(image_id="emi-1", url=""), None, None, 2
                )
            )
            self.clock.pump([0.25] * (quarters - 1))
            self.assertNoResult(staging)
            self.clock.advance(0.25)
            self.successResultOf(staging)
