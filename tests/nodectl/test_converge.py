"""What a node looks at when domains change."""

from __future__ import annotations

from random import Random

from attrs import Factory, define
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.clock import utc_now
from euca_tw.model.capacity import Resources
from euca_tw.nodectl.converge import Guests
from euca_tw.nodectl.hooks import NoHooks
from euca_tw.nodectl.interfaces import Domain
from euca_tw.nodectl.memory import MemoryHypervisor, MemoryInstanceStore
from euca_tw.nodectl.settings import NodeSettings
from euca_tw.nodectl.steps import Steps
from euca_tw.store.memory import MemoryStore
from euca_tw.vnet.memory import MemoryNodeNetwork


@define(eq=False)
class CountingHypervisor(MemoryHypervisor):
    """@ivar looks: what was asked for, by name; None: all."""

    looks: list[str | None] = Factory(list)

    async def list(self) -> tuple[Domain, ...]:
        self.looks.append(None)
        return await super().list()

    async def find(self, name: str) -> Domain | None:
        self.looks.append(name)
        return await super().find(name)


class LookTests(SynchronousTestCase):
    """L{Guests.look}."""

    def setUp(self) -> None:
        self.clock = Clock()
        machine = Resources(cores=100, memory_mib=100_000, disk_gib=1000)
        self.hypervisor = CountingHypervisor(self.clock, machine)
        self.successResultOf(self.hypervisor.start())
        self.settings = NodeSettings()
        store = MemoryStore()
        self.successResultOf(store.open())
        self.guests = Guests(
            steps=Steps(
                store=store,
                hypervisor=self.hypervisor,
                instances=MemoryInstanceStore(self.clock, {}),
                network=MemoryNodeNetwork(),
                hooks=NoHooks(),
                command_line="",
                now=lambda: utc_now(self.clock),
                hooks_wait_s=300,
            ),
            clock=self.clock,
            random=Random(1),
            settings=self.settings,
            is_heard=lambda name: True,
            changed=lambda name: None,
            met=lambda: None,
        )
        self.guests.start()
        self.addCleanup(self.guests.stop)
        self.hypervisor.looks.clear()

    def test_one(self) -> None:
        """A domain that changed is looked at, and no other."""
        self.guests.look("i-00000001")
        self.assertEqual(self.hypervisor.looks, ["i-00000001"])

    def test_all(self) -> None:
        """When any may have changed, all are listed."""
        self.guests.look()
        self.assertEqual(self.hypervisor.looks, [None])

    def test_now_and_then(self) -> None:
        """All are listed again after a while, whatever changed meanwhile."""
        self.clock.advance(self.settings.resync_s / 2)
        self.guests.look("i-00000001")
        self.clock.advance(self.settings.resync_s / 2)
        self.assertEqual(self.hypervisor.looks, ["i-00000001", None])

    def test_unavailable(self) -> None:
        """What could not be looked at is looked at later."""
        self.hypervisor.disconnect()
        self.guests.look("i-00000001")
        self.hypervisor.reconnect()
        self.clock.advance(self.settings.retry_first_s * 1.3)
        self.assertEqual(self.hypervisor.looks, ["i-00000001", "i-00000001"])

    def test_many(self) -> None:
        """If many changed at once, all are listed, once."""
        self.hypervisor.disconnect()
        for number in range(9):
            self.guests.look(f"i-{number:08x}")
        self.hypervisor.looks.clear()
        self.hypervisor.reconnect()
        self.clock.advance(self.settings.retry_first_s * 1.3)
        self.assertEqual(self.hypervisor.looks, [None])
