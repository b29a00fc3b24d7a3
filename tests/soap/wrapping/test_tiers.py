"""Hostile messages between tiers, at the real door and to the real client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, Cooperator
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api import cluster
from euca_tw.api.shapes import Operation
from euca_tw.common.web import AnswerResource, Asked, Reply, make_site
from euca_tw.model.callers import Caller
from euca_tw.soap.addressing import ACTION, RELATES_TO
from euca_tw.soap.client import SoapPeers
from euca_tw.soap.door import tier_door
from euca_tw.soap.envelope import SOAP_11, read
from euca_tw.soap.faults import read_fault
from euca_tw.soap.interfaces import PeerUnreachable
from euca_tw.soap.signing import signed
from tests.fakes.http import MemoryNetwork
from tests.soap.identities import NOW, identity
from tests.soap.wrapping import addressing, parties
from tests.soap.wrapping.answers import answers, message_id
from tests.soap.wrapping.honest import ELSEWHERE, REPLAYED, Why
from tests.soap.wrapping.naive import flaw
from tests.soap.wrapping.tiers import (
    NAMESPACE,
    PATH,
    honest_request,
    like_it,
    reply,
    request,
)

URL = f"http://cluster:8774{PATH}"
OPERATION = cluster.CLUSTER.named("TerminateInstances")
HONEST = ("cloud", "TerminateInstances", ("i-1",))


class Cluster:
    """A cluster's door, with nothing behind it but a list."""

    def __init__(self, name: str = "cluster") -> None:
        self.executed: list[tuple[str, str, tuple[str, ...]]] = []
        clock = Clock()
        clock.advance(NOW.timestamp())
        ids = count(1)
        self._door = tier_door(
            cluster.CLUSTER,
            self._dispatch,
            identity(name),
            {identity("cloud").certificate: "cloud"},
            clock,
            lambda: f"req-{next(ids)}",
        )

    async def _dispatch(
        self, operation: Operation, caller: Caller, request: Any
    ) -> Any:
        asked = getattr(request, "instance_ids", ())
        self.executed.append((caller.user_name, operation.name, asked))
        return operation.response()

    def send(self, document: bytes, path: str = PATH) -> tuple[int, bytes]:
        headers = {"content-type": "text/xml; charset=utf-8"}
        asked = Asked("POST", path.encode(), headers.get, document, "192.0.2.66")
        found: list[tuple[int, bytes]] = []

        async def ask() -> None:
            answer = await self._door.answer(asked)
            found.append((answer.status, b"".join(answer.body)))

        Deferred.fromCoroutine(ask())
        [answer] = found
        return answer

    def refusal(self, document: bytes, path: str = PATH) -> str:
        status, answer = self.send(document, path)
        assert status == 500, (status, answer)
        found = read_fault(read(answer).entry)
        assert found is not None
        return f"{found.code}: {found.message}"


def wrong_with(
    cluster_: Cluster, document: bytes, why: Why, known: list[bytes]
) -> list[str]:
    """What is wrong with the way in which a message is refused."""
    before = len(cluster_.executed)
    with capturedLogs() as events:
        status, answer = cluster_.send(document)
    wrong = [f"executed {each}" for each in cluster_.executed[before:]]
    if any("log_failure" in event for event in events):
        wrong.append("a traceback is in the log")
    found = read_fault(read(answer).entry)
    if status != 500 or found is None:
        return [*wrong, f"answered by {status}: {answer[:99]!r}"]
    if found.code != why.error.code or why.said not in found.message:
        wrong.append(f"{found.code}: {found.message}; not {why.said!r}")
    if found.code == "AuthFailure" and (said := flaw(document, known)) != why.flaw:
        wrong.append(f"wrong is its {said}, not its {why.flaw}")
    return wrong


class RequestTests(SynchronousTestCase):
    """What a cluster makes of requests."""

    def setUp(self) -> None:
        self.attacks = [*addressing.attacks(), *parties.attacks()]
        self.documents = [each.make(honest_request()) for _, each in self.attacks]

    def test_corpus(self) -> None:
        """No two are the same, nor have the same name; each family has several."""
        honest = [honest_request().document, honest_request().other, like_it()]
        self.assertEqual(
            len({*honest, *self.documents}), len(honest) + len(self.documents)
        )
        names = Counter(each.name for _, each in self.attacks)
        self.assertEqual([name for name, n in names.items() if n > 1], [])
        families = Counter(family for family, _ in self.attacks)
        self.assertEqual(len(families), 9)
        self.assertGreater(len(self.attacks), 150)

    def test_honest(self) -> None:
        """The honest ones are executed, once each."""
        taken = Cluster()
        for document in (honest_request().document, honest_request().other, like_it()):
            self.assertEqual(taken.send(document)[0], 200)
            self.assertIn(REPLAYED.said, taken.refusal(document))
        self.assertEqual(
            taken.executed,
            [
                HONEST,
                ("cloud", "DescribeInstances", ("i-2",)),
                ("cloud", "TerminateInstances", ("i-3",)),
            ],
        )

    def test_hostile(self) -> None:
        """
        None is executed; each is refused for its own reason, without a traceback.
        After all of them, the honest one is executed.
        """
        known = [identity("cloud").certificate]
        taken, wrong = Cluster(), []
        for (family, attack), document in zip(
            self.attacks, self.documents, strict=True
        ):
            found = wrong_with(taken, document, attack.why, known)
            wrong += [f"{family}: {attack.name}: {each}" for each in found]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        self.assertEqual(taken.executed, [])
        self.assertEqual(taken.send(honest_request().document)[0], 200)
        self.assertEqual(taken.executed, [HONEST])

    def test_replayed(self) -> None:
        """Nor is any of them executed when the honest one was, before."""
        taken = Cluster()
        taken.send(honest_request().document)
        for document in self.documents:
            self.assertEqual(taken.send(document)[0], 500)
        self.assertEqual(taken.executed, [HONEST])

    def test_relayed(self) -> None:
        """What is for one is not taken by another, whatever path he sends it to."""
        one, other = Cluster("cluster"), Cluster("node")
        document = request()
        for path in (PATH, "/axis2/services/EucalyptusNC"):
            self.assertIn(ELSEWHERE.said, other.refusal(document, path))
        self.assertIn(
            ELSEWHERE.said, one.refusal(document, "/axis2/services/EucalyptusNC")
        )
        self.assertEqual(one.send(document)[0], 200)
        self.assertEqual(other.executed, [])

    def test_one_certificate_for_two(self) -> None:
        """
        Two that share a certificate are one to the sender: what is for the one is
        taken by the other at the same path, and only there.  So each has his own.
        """
        one, other = Cluster(), Cluster()
        document = request()
        self.assertIn(
            ELSEWHERE.said, other.refusal(document, "/axis2/services/EucalyptusNC")
        )
        for each in (one, other):
            self.assertEqual(each.send(document)[0], 200)
            self.assertIn(REPLAYED.said, each.refusal(document))


class Wire:
    """The cloud's client, and whoever answers it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW.timestamp())
        self.play: Callable[[bytes], bytes] = lambda request: b""
        cooperator = Cooperator(
            scheduler=lambda call: self.clock.callLater(0, call),
            terminationPredicateFactory=lambda: lambda: True,
        )
        resource = AnswerResource(self._answer, cooperator)
        self.network = MemoryNetwork(
            make_site(resource, 1 << 20, self.clock), self.clock
        )
        self.peers = SoapPeers(
            api=cluster.CLUSTER,
            agent=self.network.agent(),
            clock=self.clock,
            identity=identity("cloud"),
            certificate_of={URL: identity("cluster").certificate}.get,
            rng=Random(7),
        )

    async def _answer(self, asked: Asked) -> Reply:
        return Reply(200, "text/xml", (self.play(asked.body),))

    def call(self) -> Deferred[Any]:
        asked = cluster.TerminateInstances(instance_ids=("i-1",))
        calling = Deferred.fromCoroutine(
            self.peers.peer(URL).call(OPERATION, asked, 30)
        )
        self.network.pump()
        return calling


class AnswerTests(SynchronousTestCase):
    """What the client makes of answers."""

    def setUp(self) -> None:
        self.wire = Wire()

    def test_honest(self) -> None:
        """The honest one is believed, and of an operation without a body too."""
        self.wire.play = lambda asked: reply(relates_to=message_id(asked))
        found = self.successResultOf(self.wire.call())
        self.assertEqual(found.is_success, True)

    def test_corpus(self) -> None:
        """Each has its own name, and each family several."""
        corpus = list(answers())
        names = Counter(each.name for each in corpus)
        self.assertEqual([name for name, n in names.items() if n > 1], [])
        self.assertGreater(min(Counter(e.family for e in corpus).values()), 5)
        self.assertGreater(len(corpus), 50)

    def test_hostile(self) -> None:
        """None is believed; each for its own reason."""
        wrong = []
        for each in answers():
            self.wire.play = lambda asked, each=each: each.make(
                asked, reply(relates_to=message_id(asked))
            )
            calling = self.wire.call()
            try:
                said = str(self.failureResultOf(calling, PeerUnreachable).value.reason)
            except self.failureException as unexpected:
                said = f"believed: {unexpected}"
            if each.why not in said:
                wrong.append(f"{each.family}: {each.name}: {said}; not {each.why!r}")
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_large(self) -> None:
        """A report may have more elements than any request: it is read to its end."""

        def play(asked: bytes) -> bytes:
            name = "TerminateInstancesResponse"
            return signed(
                SOAP_11,
                [(ACTION, f"EucalyptusCC#{name}"), (RELATES_TO, message_id(asked))],
                f'<{name} xmlns="{NAMESPACE}">{"<x/>" * 120_000}</{name}>',
                identity("cluster"),
                NOW,
            )

        self.wire.play = play
        refused = self.failureResultOf(self.wire.call(), PeerUnreachable)
        self.assertIn("x[1] is not recognized", refused.value.reason)

    def test_answers_crossed(self) -> None:
        """Of two that are asked at once, neither takes the other's answer."""
        asked: list[bytes] = []
        self.wire.play = lambda request: asked.append(request) or b""  # type: ignore[func-returns-value]
        for _ in range(2):
            self.failureResultOf(self.wire.call(), PeerUnreachable)
        first, second = (reply(relates_to=message_id(each)) for each in asked)
        for answer in (first, second):
            self.wire.play = lambda request, answer=answer: answer
            refused = self.failureResultOf(self.wire.call(), PeerUnreachable)
            self.assertIn("something else", refused.value.reason)
