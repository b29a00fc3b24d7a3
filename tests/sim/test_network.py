"""Tests for L{euca_tw.sim.network}."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api import cluster
from euca_tw.api.shapes import Dispatch
from euca_tw.sim.distributions import Constant
from euca_tw.sim.fault_plan import Faults
from euca_tw.sim.network import Carry, Network, as_record, as_xml
from euca_tw.soap.interfaces import PeerUnreachable
from tests.suites.peer import make_ipeer_tests

URL = "http://north/"


def wire(carry: Carry) -> Callable[[SynchronousTestCase, Dispatch], Any]:
    class SimulatedWire:
        url = URL

        def __init__(self, test: SynchronousTestCase, dispatch: Dispatch) -> None:
            self.clock = Clock()
            self.network = Network(clock=self.clock, carry=carry)
            self.network.serve("north", URL, cluster.CLUSTER, dispatch)
            self.peers = self.network.seen_from("cloud")

        def pump(self) -> None:
            self.clock.pump([0] * 4)

        def break_off(self) -> None:
            self.network.drop(URL)

        def stop(self) -> None:
            self.network.drop(URL)

    return SimulatedWire


class RecordPeersTests(make_ipeer_tests(wire(as_record))):  # type: ignore[misc]
    """The suite, with records that are passed as they are."""


class XmlPeersTests(make_ipeer_tests(wire(as_xml))):  # type: ignore[misc]
    """The suite, by the codecs of the real wire."""


class NetworkTests(SynchronousTestCase):
    """What lies between two daemons."""

    def setUp(self) -> None:
        self.asked: list[Any] = []
        self.waiting: Deferred[Any] | None = None
        self.clock = Clock()
        self.network = Network(
            clock=self.clock, random=Random(1), latency=Constant(value=0.25)
        )
        self.network.serve("north", URL, cluster.CLUSTER, self.dispatch)
        self.peers = self.network.seen_from("cloud")

    async def dispatch(self, operation: Any, caller: Any, request: Any) -> Any:
        self.asked.append(request)
        if self.waiting is not None:
            await self.waiting
        return operation.response()

    def call(self, timeout_s: float = 5) -> Deferred[Any]:
        asked = self.peers.peer(URL).call(
            cluster.CLUSTER.named("DescribeInstances"),
            cluster.DescribeInstances(),
            timeout_s,
        )
        return Deferred.fromCoroutine(asked)

    def test_latency(self) -> None:
        """Each message takes its time."""
        calling = self.call()
        self.clock.advance(0.25)
        self.assertEqual(len(self.asked), 1)
        self.clock.advance(0.24)
        self.assertNoResult(calling)
        self.clock.advance(0.01)
        self.successResultOf(calling)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cut(self) -> None:
        """Between two that are cut off nothing passes, and nobody learns why."""
        self.network.cut("north", "cloud")
        calling = self.call()
        self.clock.pump([0.25] * 19)
        self.assertNoResult(calling)
        self.clock.advance(0.25)
        self.assertIn(
            "5 s", self.failureResultOf(calling, PeerUnreachable).value.reason
        )
        self.assertEqual(self.asked, [])
        self.network.mend("cloud", "north")
        calling = self.call()
        self.clock.pump([0.25] * 2)
        self.successResultOf(calling)

    def test_others_are_not_cut(self) -> None:
        """Who is cut off from one reaches another."""
        self.network.cut("north", "south")
        calling = self.call()
        self.clock.pump([0.25] * 2)
        self.successResultOf(calling)

    def test_answer_lost(self) -> None:
        """What was asked may be done though the answer is lost."""
        calling = self.call()
        self.clock.advance(0.25)
        calling2 = self.call()
        self.network.cut("north", "cloud")
        self.clock.advance(0.25)
        self.successResultOf(calling)  # it had left already
        self.clock.pump([1] * 6)
        self.failureResultOf(calling2, PeerUnreachable)
        self.assertEqual(len(self.asked), 2)

    def test_loss(self) -> None:
        """The share that is lost is lost."""
        self.network.faults = Faults(loss=0.25)
        calls = [self.call() for _ in range(400)]
        self.clock.pump([0.25] * 2)
        answered = sum(bool(each.called) for each in calls)
        self.assertApproximates(answered, 400 * 0.75**2, 30)
        self.clock.pump([1] * 5)
        for each in calls:
            each.addErrback(lambda failure: failure.trap(PeerUnreachable))
            self.successResultOf(each)

    def test_duplicated(self) -> None:
        """What comes twice is done twice, and answered once."""
        self.network.faults = Faults(duplication=1.0)
        calling = self.call()
        self.clock.pump([0.25] * 4)
        self.successResultOf(calling)
        self.assertEqual(len(self.asked), 2)

    def test_delayed(self) -> None:
        """What comes late comes, and what was sent later overtakes it."""
        self.network.faults = Faults(delay=1.0, delayed_s=Constant(value=2.0))
        late = self.call()
        self.network.mend_all()
        soon = self.call()
        self.clock.pump([0.25] * 2)
        self.successResultOf(soon)
        self.assertNoResult(late)
        self.clock.pump([0.25] * 8)
        self.successResultOf(late)

    def test_dead_caller(self) -> None:
        """When who asks dies, the other learns that nobody waits."""
        self.waiting = Deferred(lambda _: cancelled.append(True))
        cancelled: list[bool] = []
        calling = self.call(timeout_s=1000)
        self.clock.advance(0.25)
        self.peers.hang_up()
        self.clock.advance(1)
        self.assertEqual(cancelled, [True])
        self.assertNoResult(calling)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_dead_on_the_way(self) -> None:
        """What had left when its sender died arrives."""
        calling = self.call()
        self.peers.hang_up()
        self.clock.advance(0.25)
        self.assertEqual(len(self.asked), 1)
        self.assertNoResult(calling)
