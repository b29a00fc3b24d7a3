"""Tests of L{euca_tw.vnet.head}."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.api import head as api
from euca_tw.api.errors import InvalidParameterValue, UnsupportedOperation
from euca_tw.api.networks import NetworkChanges, NetworkEntry
from euca_tw.api.shapes import Operation
from euca_tw.common.changes import Delta
from euca_tw.model.callers import Caller
from euca_tw.model.networks import TRANSIT_NUMBER, View
from euca_tw.overlay.entries import Entry
from euca_tw.overlay.wire import parts
from euca_tw.store.memory import MemoryStore
from euca_tw.vnet.head import NetworkHead
from euca_tw.vnet.interfaces import IResponders, ITrunk
from euca_tw.vnet.memory import MemoryNetworkHost, MemoryResponders, MemoryTrunk
from tests.overlay.world import extent, machine, member, network

CLUSTER = Caller(account_id="", user_name="cluster", is_admin=True)
ALL = (network(1), member(1, 1, "n1"), machine("north-head", "north"))


def changes(*entries: Entry, epoch: str = "e", sequence: int = 1) -> NetworkChanges:
    delta = Delta(
        epoch=epoch, sequence=sequence, is_full=True, values=entries, forgotten=()
    )
    [told] = parts(delta, 0)
    return told


class HeadTests(SynchronousTestCase):
    """L{NetworkHead}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore()
        self.host, self.trunk = MemoryNetworkHost(), MemoryTrunk("north")
        self.head = self.started()

    def started(self, url: str = "north-head") -> NetworkHead:
        head = NetworkHead(
            url=url,
            store=self.store,
            host=self.host,
            trunk=self.trunk,
            clock=self.clock,
            random=Random(1),
        )
        head.startService()
        self.addCleanup(head.stopService)
        return head

    def ask(self, operation: Operation, request: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.head.dispatch(operation, CLUSTER, request))

    def tell(self, *entries: Entry, **given: Any) -> Any:
        request = api.SetHeadNetworks(
            name="north-head", changes=changes(*entries, **given)
        )
        return self.successResultOf(self.ask(api.SET_HEAD_NETWORKS, request))

    def wait(self, epoch: str | None, since: int = 0) -> Deferred[Any]:
        request = api.WaitForHead(epoch=epoch, since=since, timeout_s=1000)
        return self.ask(api.WAIT_FOR_HEAD, request)

    def test_told(self) -> None:
        """What it is told it carries, and has its trunk carry, and says so."""
        told = self.tell(*ALL)
        self.assertEqual((told.position.epoch, told.position.sequence), ("e", 1))
        assert self.host.view is not None
        self.assertEqual({*self.host.view.networks}, {1})
        self.assertIs(self.trunk.view, self.host.view)

    def test_untold(self) -> None:
        """Who was never told anything leaves the machine as it is."""
        self.assertIsNone(self.host.view)

    def test_goes_on(self) -> None:
        """Another life goes on with what was told, and knows where it stood."""
        self.tell(*ALL)
        before = self.host.view
        self.successResultOf(self.head.stopService())
        self.assertEqual(self.host.view, before)
        self.host.view = None
        self.head = self.started()
        self.assertEqual(self.host.view, before)

    def test_poll(self) -> None:
        """It answers at once to who does not know it, then when there is trouble."""
        first = self.successResultOf(self.wait(None))
        self.assertIsNone(first.trouble)
        waiting = self.wait(first.epoch, first.sequence)
        self.assertNoResult(waiting)
        self.host.trouble = "no bridges"
        self.tell(*ALL)
        self.clock.advance(0)
        told = self.successResultOf(waiting)
        self.assertEqual((told.epoch, told.trouble), (first.epoch, "no bridges"))
        waiting = self.wait(told.epoch, told.sequence)
        self.assertNoResult(waiting)
        self.clock.advance(300)
        self.successResultOf(waiting)

    def test_trunk_comes_after(self) -> None:
        """The trunk is told of what is there already, and of nothing else."""
        self.host.trouble = "no bridges"
        self.tell(*ALL)
        self.assertIsNone(self.trunk.view)
        applied: list[View | None] = []

        async def apply(view: View) -> None:
            applied.append(self.trunk.view)
            self.host.view = view

        self.head._host = self  # type: ignore[assignment]
        self.apply = apply
        self.tell(*ALL, sequence=2)
        self.clock.advance(1)
        self.assertEqual(applied, [None])
        self.assertIs(self.trunk.view, self.host.view)

    def test_trunk_all_the_same(self) -> None:
        """What stands in one network's way does not keep the trunk from others."""
        self.host.refuses = {2: "a stranger's link"}
        two = network(2), member(2, 2, "n1")
        self.tell(*ALL, *two)
        assert self.trunk.view is not None
        # It would open that link.
        self.assertEqual({*self.trunk.view.networks}, {1})
        self.host.refuses = {}
        self.clock.advance(1)
        self.assertEqual({*self.trunk.view.networks}, {1, 2})

    def test_no_transit(self) -> None:
        """
        Where the transit network cannot be carried, the trunk is not told of it, and
        carries all others.
        """
        self.host.refuses = {TRANSIT_NUMBER: "a stranger's link"}
        far = machine("south-head", "south"), extent(2, "south")
        self.tell(*ALL, *far, extent(1, "north"))
        assert self.trunk.view is not None
        self.assertEqual({*self.trunk.view.networks}, {1})
        self.assertEqual(self.trunk.view.extents, {})
        self.host.refuses = {}
        self.clock.advance(1)
        self.assertEqual({*self.trunk.view.extents}, {1, 2})

    def test_under_another_name(self) -> None:
        """What was told to a head of another name takes nothing from this one."""
        self.tell(*ALL)
        before = self.host.view
        self.successResultOf(self.head.stopService())
        self.head = self.started("https://head/")
        self.assertEqual(self.host.view, before)

    def test_refusals(self) -> None:
        """What cannot be is refused, and what it does not do."""
        wrong = NetworkChanges(
            epoch="e",
            since=0,
            sequence=1,
            is_full=True,
            part=0,
            is_last=True,
            networks=(NetworkEntry(number=0, subnet="10.0.0.0/24"),),
        )
        for name, told, said in (
            ("north-head", wrong, "0 is no number of a network"),
            ("south-head", changes(*ALL), "This head is north-head"),
        ):
            request = api.SetHeadNetworks(name=name, changes=told)
            asked = self.ask(api.SET_HEAD_NETWORKS, request)
            refusal = self.failureResultOf(asked, InvalidParameterValue).value
            self.assertIn(said, refusal.message)
        self.assertIsNone(self.host.view)
        other = Operation("Fly", api.WaitForHead, api.WaitForHeadResponse)
        self.failureResultOf(self.ask(other, None), UnsupportedOperation)

    def test_memory(self) -> None:
        """What is in memory provides what it stands for."""
        verifyObject(ITrunk, self.trunk)
        verifyObject(IResponders, MemoryResponders())
        self.assertEqual(self.trunk.report().cluster, "north")
