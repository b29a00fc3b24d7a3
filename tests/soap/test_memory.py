"""Tests for L{euca_tw.soap.memory}."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api import cluster
from euca_tw.api.shapes import Dispatch
from euca_tw.soap.interfaces import PeerRefused, PeerUnreachable
from euca_tw.soap.memory import MemoryPeers
from tests.suites.peer import make_ipeer_tests

URL = "http://cluster:8774/axis2/services/EucalyptusCC"


class MemoryWire:
    url = URL

    def __init__(self, test: SynchronousTestCase, dispatch: Dispatch) -> None:
        self.clock = Clock()
        self.peers = MemoryPeers(self.clock)
        self.peers.serve(URL, cluster.CLUSTER, dispatch)

    def pump(self) -> None:
        self.clock.pump([0] * 4)

    def break_off(self) -> None:
        self.peers.cut(self.url)

    def stop(self) -> None:
        self.peers.serve(self.url, None)


class MemoryPeersTests(make_ipeer_tests(MemoryWire)):  # type: ignore[misc]
    """The suite, in memory."""


async def succeed(operation: object, caller: object, request: object) -> object:
    return cluster.DescribeInstancesResponse()


async def incomplete(operation: object, caller: object, request: object) -> object:
    return cluster.WaitForChangesResponse(
        epoch="e",
        sequence=1,
        is_full=None,  # type: ignore[arg-type]
        addresses_per_cluster=1,
    )


async def nothing(operation: object, caller: object, request: object) -> object:
    return None


WAIT = cluster.WaitForChanges(since=0, timeout_s=1)


class MemoryNetworkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.peers = MemoryPeers(self.clock, latency_s=0.25)
        self.peers.serve(URL, cluster.CLUSTER, succeed)

    def call(self) -> Deferred[object]:
        return Deferred.fromCoroutine(
            self.peers.peer(URL).call(
                cluster.CLUSTER.named("DescribeInstances"),
                cluster.DescribeInstances(),
                5,
            )
        )

    def test_latency(self) -> None:
        """Each message takes its time."""
        calling = self.call()
        self.clock.pump([0.25, 0.24])
        self.assertNoResult(calling)
        self.clock.advance(0.01)
        self.successResultOf(calling)

    def test_cut_and_mended(self) -> None:
        """A peer that is cut off cannot be reached until that is mended."""
        self.peers.cut(URL)
        calling = self.call()
        self.clock.pump([0.25, 0.25])
        self.assertIn(
            "cut", self.failureResultOf(calling, PeerUnreachable).value.reason
        )
        self.peers.mend(URL)
        calling = self.call()
        self.clock.pump([0.25, 0.25])
        self.successResultOf(calling)

    def test_cut_on_the_way(self) -> None:
        """A message that is on its way when the network is cut is lost."""
        calling = self.call()
        self.peers.cut(URL)
        self.clock.pump([0.25, 0.25])
        self.failureResultOf(calling, PeerUnreachable)

    def test_restarted(self) -> None:
        """Who starts anew at a URL breaks off what his predecessor did."""
        calling = self.call()
        self.peers.serve(URL, cluster.CLUSTER, succeed)
        self.failureResultOf(calling, PeerUnreachable)

    def test_unreadable_answer(self) -> None:
        """An answer that breaks the contract is no answer."""
        self.peers.serve(URL, cluster.CLUSTER, incomplete)
        calling = Deferred.fromCoroutine(
            self.peers.peer(URL).call(cluster.WAIT_FOR_CHANGES, WAIT, 5)
        )
        self.clock.pump([0.25, 0.25])
        self.assertIn(
            "cannot be read",
            self.failureResultOf(calling, PeerUnreachable).value.reason,
        )

    def test_unwritable_answer(self) -> None:
        """An answer that is of no shape at all is a bug, and logged."""
        self.peers.serve(URL, cluster.CLUSTER, nothing)
        calling = self.call()
        self.clock.pump([0.25, 0.25])
        self.failureResultOf(calling, PeerRefused)
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)

    def test_unknown_peer(self) -> None:
        """To cut off who was never called changes nothing for others."""
        self.peers.cut("http://other")
        self.peers.serve("http://other", None)
        calling = self.call()
        self.clock.pump([0.25, 0.25])
        self.successResultOf(calling)
