"""What every L{IPeers} does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from attrs import astuple
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.api import cluster
from euca_tw.api.errors import IncorrectInstanceState, NoSuchInstance
from euca_tw.api.shapes import Dispatch, Operation
from euca_tw.model.callers import Caller
from euca_tw.soap.interfaces import IPeer, IPeers, PeerRefused, PeerUnreachable

NOW = datetime(2026, 11, 23, 8, 0, 0, 250000, tzinfo=UTC)

_TERMINATE = cluster.CLUSTER.named("TerminateInstances")

_LAUNCH = cluster.LaunchInstances(
    correlation_id="c-1",
    user_id="eucalyptus",
    launches=(
        cluster.Launch(
            instance_id="i-3f2504e0",
            reservation_id="r-1",
            owner_id="123456789012",
            root=cluster.ImageSource(image_id="emi-1", url="http://i/1?a=1&b=<2>"),
            instance_type=cluster.ClusterMachineType(
                name="m1.small", memory=128, cores=1, disk=2
            ),
            key_name="clé \N{GRINNING FACE}",
            user_data="YQ==",
            launch_index=0,
            launch_time=NOW,
            group_names=("default", "web & more"),
            zone="alpha",
            network_index=7,
            mac_address="d0:0d:3f:25:04:e0",
        ),
    ),
)


class Wire(Protocol):
    """
    Peers, and a cluster controller at C{url} behind them.

    @ivar clock: theirs; the suite advances it.
    """

    peers: Any
    url: str
    clock: Clock

    def pump(self) -> None:
        """Carry all that is under way, as far as it goes without waiting."""

    def break_off(self) -> None:
        """Lose the connections of calls that are under way."""

    def stop(self) -> None:
        """Have nothing answer at C{url} any more."""


class _Service:
    """Answers by C{respond}; says what was asked, and by whom."""

    def __init__(self) -> None:
        self.asked: list[tuple[Operation, Caller, Any]] = []
        self.waiting: list[Deferred[Any]] = []
        self.cancelled = 0
        self.respond: Callable[[Operation, Any], Any] = lambda o, r: o.response()

    async def dispatch(self, operation: Operation, caller: Caller, request: Any) -> Any:
        self.asked.append((operation, caller, request))
        answer = self.respond(operation, request)
        if not isinstance(answer, Deferred):
            return answer
        try:
            return await answer
        except CancelledError:
            self.cancelled += 1
            raise

    def wait(self, operation: Operation, request: Any) -> Deferred[Any]:
        waiting: Deferred[Any] = Deferred()
        self.waiting.append(waiting)
        return waiting

    def refuse(self, error: Exception) -> None:
        def respond(operation: Operation, request: Any) -> Any:
            raise error

        self.respond = respond


def make_ipeer_tests(
    factory: Callable[[SynchronousTestCase, Dispatch], Wire],
) -> type[SynchronousTestCase]:
    """
    @param factory: makes a wire whose service is C{euca_tw.api.cluster}'s,
        answered by the dispatch given.
    """

    class PeerTests(SynchronousTestCase):
        def setUp(self) -> None:
            self.service = _Service()
            self.wire = factory(self, self.service.dispatch)
            self.peer = self.wire.peers.peer(self.wire.url)

        def call(
            self, operation: Operation, request: Any, timeout_s: float = 30
        ) -> Deferred[Any]:
            calling = Deferred.fromCoroutine(
                self.peer.call(operation, request, timeout_s)
            )
            self.wire.pump()
            return calling

        def launch(self, timeout_s: float = 30) -> Deferred[Any]:
            return self.call(cluster.LAUNCH_INSTANCES, _LAUNCH, timeout_s)

        def test_interfaces(self) -> None:
            """They provide L{IPeers} and L{IPeer}."""
            verifyObject(IPeers, self.wire.peers)
            verifyObject(IPeer, self.peer)

        def test_one_peer_an_address(self) -> None:
            """The same URL is the same peer, another is another."""
            self.assertIs(self.peer, self.wire.peers.peer(self.wire.url))
            self.assertIsNot(self.peer, self.wire.peers.peer("http://other:1/x"))

        def test_there_and_back(self) -> None:
            """Request and response arrive as they were sent."""
            response = cluster.LaunchInstancesResponse(
                correlation_id="c-1",
                user_id="eucalyptus",
                is_success=True,
                refused=(
                    cluster.RefusedLaunch(
                        instance_id="i-2", reason="no\r\nroom ]]>", is_final=False
                    ),
                ),
            )
            self.service.respond = lambda operation, request: response
            self.assertEqual(self.successResultOf(self.launch()), response)
            [(operation, caller, request)] = self.service.asked
            self.assertIs(operation, cluster.LAUNCH_INSTANCES)
            self.assertEqual(request, _LAUNCH)
            self.assertTrue(caller.is_admin)
            self.assertTrue(caller.request_id)

        def test_message_is_completed(self) -> None:
            """A reply echoes what every message begins with, and says success."""
            answer = self.successResultOf(self.launch())
            self.assertEqual(
                (answer.correlation_id, answer.user_id, answer.is_success),
                ("c-1", "eucalyptus", True),
            )

        def test_request_ids_differ(self) -> None:
            """No two requests have the same request id."""
            for _ in range(2):
                self.successResultOf(self.launch())
            first, second = (caller.request_id for _, caller, _ in self.service.asked)
            self.assertNotEqual(first, second)

        def test_refusal(self) -> None:
            """A refusal arrives with its code and sentence."""
            self.service.refuse(NoSuchInstance("i-1"))
            failed = self.failureResultOf(self.launch(), PeerRefused)
            self.assertEqual(
                astuple(failed.value),
                (
                    self.wire.url,
                    "InvalidInstanceID.NotFound",
                    "The instance ID 'i-1' does not exist",
                ),
            )

        def test_refusal_by_the_original(self) -> None:
            """So does one of an operation that tells it by C{return=false}."""
            error = IncorrectInstanceState("i-1", "pending", "ended: now")
            self.service.refuse(error)
            failed = self.failureResultOf(
                self.call(_TERMINATE, cluster.TerminateInstances()), PeerRefused
            )
            self.assertEqual(
                astuple(failed.value), (self.wire.url, error.code, error.message)
            )

        def test_service_says_no(self) -> None:
            """A response that says it was not done is a refusal."""
            self.service.respond = lambda operation, request: operation.response(
                is_success=False, status_message="ERROR"
            )
            failed = self.failureResultOf(
                self.call(_TERMINATE, cluster.TerminateInstances()), PeerRefused
            )
            self.assertEqual(astuple(failed.value), (self.wire.url, "Failed", "ERROR"))

        def test_bug(self) -> None:
            """A bug is logged where it is, and told as no more than a bug."""
            self.service.refuse(ZeroDivisionError("secret"))
            failed = self.failureResultOf(self.launch(), PeerRefused)
            self.assertEqual(failed.value.code, "InternalError")
            self.assertNotIn("secret", str(failed.value))
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

        def test_unknown_operation(self) -> None:
            """What the peer does not know, it refuses."""
            failed = self.failureResultOf(
                self.call(
                    Operation(
                        "Dance",
                        cluster.TerminateInstances,
                        cluster.TerminateInstancesResponse,
                    ),
                    cluster.TerminateInstances(),
                ),
                PeerRefused,
            )
            self.assertEqual(failed.value.code, "InvalidAction")

        def test_nobody_there(self) -> None:
            """A peer that nothing serves cannot be reached."""
            self.wire.stop()
            failed = self.failureResultOf(self.launch(), PeerUnreachable)
            self.assertEqual(failed.value.peer, self.wire.url)
            self.assertTrue(failed.value.reason)
            self.assertIn(self.wire.url, str(failed.value))

        def test_timeout(self) -> None:
            """
            No answer in time is no answer; the peer learns that nobody waits.
            """
            self.service.respond = self.service.wait
            calling = self.launch(timeout_s=10)
            self.wire.clock.advance(9)
            self.wire.pump()
            self.assertNoResult(calling)
            self.wire.clock.advance(2)
            self.wire.pump()
            failed = self.failureResultOf(calling, PeerUnreachable)
            self.assertIn("10 s", failed.value.reason)
            self.assertEqual(self.service.cancelled, 1)

        def test_cancelled(self) -> None:
            """Who cancels a call ends it at the other end too."""
            self.service.respond = self.service.wait
            calling = self.launch()
            calling.cancel()
            self.wire.pump()
            self.failureResultOf(calling, CancelledError)
            self.assertEqual(self.service.cancelled, 1)

        def test_broken_off(self) -> None:
            """A connection lost while waiting is no answer."""
            self.service.respond = self.service.wait
            calling = self.launch()
            self.wire.break_off()
            self.wire.pump()
            failed = self.failureResultOf(calling, PeerUnreachable)
            self.assertTrue(failed.value.reason)

        def test_waiting_calls_hold_up_nobody(self) -> None:
            """Other calls are answered while one waits."""
            self.service.respond = self.service.wait
            slow = self.launch()
            self.service.respond = lambda operation, request: operation.response()
            for _ in range(3):
                self.successResultOf(self.launch())
            self.assertNoResult(slow)
            self.service.waiting[0].callback(cluster.LaunchInstancesResponse())
            self.wire.pump()
            self.successResultOf(slow)

        def test_large_answer(self) -> None:
            """An answer of thousands of instances arrives whole."""
            response = cluster.DescribeInstancesResponse(
                correlation_id="c",
                user_id="u",
                is_success=True,
                instances=tuple(
                    cluster.ClusterInstance(instance_id=f"i-{n:08x}")
                    for n in range(3000)
                ),
            )
            self.service.respond = lambda operation, request: response
            answer = self.successResultOf(
                self.call(
                    cluster.CLUSTER.named("DescribeInstances"),
                    cluster.DescribeInstances(),
                )
            )
            self.assertEqual(answer, response)

    return PeerTests
