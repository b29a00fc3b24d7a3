"""Tests for L{euca_tw.soap.client}, against the door, without sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.task import Clock, Cooperator
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import Agent

from euca_tw.api import cluster
from euca_tw.api.errors import AuthFailure
from euca_tw.api.shapes import Dispatch
from euca_tw.cc.settings import ClusterSettings
from euca_tw.common.web import IDLE_S, AnswerResource, Asked, Reply, make_site
from euca_tw.soap.addressing import ACTION, MESSAGE_ID, RELATES_TO, TO
from euca_tw.soap.client import SoapPeers
from euca_tw.soap.door import tier_door
from euca_tw.soap.envelope import SOAP_11, Envelope, read
from euca_tw.soap.faults import fault
from euca_tw.soap.http import (
    GONE_S,
    NoAnswer,
    _Body,
    keep_alive,
    pooled_agent,
    post,
)
from euca_tw.soap.interfaces import PeerRefused, PeerUnreachable
from euca_tw.soap.signing import signed
from tests.fakes.http import MemoryNetwork
from tests.soap.identities import NOW, identity
from tests.suites.peer import make_ipeer_tests

URL = "http://cluster:8774/axis2/services/EucalyptusCC"


class SoapWire:
    """A cloud's client, a cluster's door, and HTTP between them."""

    url = URL

    def __init__(self, test: SynchronousTestCase, dispatch: Dispatch) -> None:
        self.clock = Clock()
        self.clock.advance(NOW.timestamp())
        ids = count(1)
        self.door = tier_door(
            cluster.CLUSTER,
            dispatch,
            identity("cluster"),
            {identity("cloud").certificate: "cloud"},
            self.clock,
            lambda: f"request-{next(ids)}",
        )
        cooperator = Cooperator(
            scheduler=lambda call: self.clock.callLater(0, call),
            terminationPredicateFactory=lambda: lambda: True,
        )
        site = make_site(
            AnswerResource(self.door.answer, cooperator), 1 << 20, self.clock
        )
        self.network = MemoryNetwork(site, self.clock)
        self.peers = SoapPeers(
            api=cluster.CLUSTER,
            agent=self.network.agent(),
            clock=self.clock,
            identity=identity("cloud"),
            certificate_of={URL: identity("cluster").certificate}.get,
            rng=Random(7),
        )

    def pump(self) -> None:
        self.network.pump()

    def break_off(self) -> None:
        self.network.break_off()

    def stop(self) -> None:
        self.network.server = None
        self.network.break_off()


class SoapPeersTests(make_ipeer_tests(SoapWire)):  # type: ignore[misc]
    """The suite, over signed SOAP."""


REQUEST = cluster.DescribeInstances(correlation_id="c")
OPERATION = cluster.CLUSTER.named("DescribeInstances")
RESPONSE = '<DescribeInstancesResponse xmlns="http://eucalyptus.ucsb.edu/"/>'


class Played:
    """Answers over HTTP as a test has it."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.play: Callable[[Envelope], Any] = lambda envelope: self.reply(envelope)

    async def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        played = self.play(read(asked.body))
        if isinstance(played, Deferred):
            played = await played
        if isinstance(played, Reply):
            return played
        return Reply(200, "text/xml", (played,))

    def reply(
        self,
        envelope: Envelope,
        entry: str = RESPONSE,
        *,
        by: str = "cluster",
        name: str = "EucalyptusCC#DescribeInstancesResponse",
        relates_to: str | None = None,
        now: datetime = NOW,
    ) -> bytes:
        if relates_to is None:
            relates_to = envelope.headers(MESSAGE_ID)[0].text or ""
        return signed(
            SOAP_11,
            [(ACTION, name), (RELATES_TO, relates_to)],
            entry,
            identity(by),
            now,
        )


class AnswerTests(SynchronousTestCase):
    """Which answers are believed."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW.timestamp())
        self.played = Played()
        cooperator = Cooperator(
            scheduler=lambda call: self.clock.callLater(0.01, call),
            terminationPredicateFactory=lambda: lambda: True,
        )
        resource = AnswerResource(self.played.answer, cooperator)
        self.network = MemoryNetwork(
            make_site(resource, 1 << 20, self.clock), self.clock
        )
        self.in_threads = 0
        self.urls = {URL: identity("cluster").certificate}
        self.peers = SoapPeers(
            api=cluster.CLUSTER,
            agent=self.network.agent(),
            clock=self.clock,
            identity=identity("cloud"),
            certificate_of=self.urls.get,
            rng=Random(7),
            in_thread=self.in_thread,
            max_answer_bytes=100_000,
        )

    def in_thread(self, work: Callable[[], Any]) -> Deferred[Any]:
        self.in_threads += 1
        return maybeDeferred(work)

    def call(self, url: str = URL, request: object = REQUEST) -> Deferred[Any]:
        calling = Deferred.fromCoroutine(
            self.peers.peer(url).call(OPERATION, request, 30)
        )
        self.network.pump()
        return calling

    def carry(self) -> None:
        """Have an answer of several pieces come."""
        for _ in range(40):
            self.clock.advance(0.01)
            self.network.pump()

    def reason(self, url: str = URL) -> str:
        failed = self.failureResultOf(self.call(url), PeerUnreachable)
        self.assertEqual(failed.value.peer, url)
        return str(failed.value.reason)

    def test_believed(self) -> None:
        """The peer's own answer to this message is taken."""
        self.assertEqual(
            self.successResultOf(self.call()), cluster.DescribeInstancesResponse()
        )

    def test_headers(self) -> None:
        """A request has the original's headers; no two have one identifier."""
        self.successResultOf(self.call())
        self.successResultOf(self.call())
        first, second = self.played.asked
        self.assertEqual(first.headers("soapaction"), "EucalyptusCC#DescribeInstances")
        self.assertEqual(first.headers("content-type"), "text/xml; charset=UTF-8")
        ids = [
            read(asked.body).headers(MESSAGE_ID)[0].text for asked in (first, second)
        ]
        self.assertRegex(ids[0] or "", "^urn:uuid:[0-9A-F]{32}$")
        self.assertNotEqual(*ids)
        [to] = read(first.body).headers(TO)
        self.assertEqual(to.text, "/axis2/services/EucalyptusCC")

    def test_connection_is_kept(self) -> None:
        """A connection is used again."""
        self.successResultOf(self.call())
        self.successResultOf(self.call())
        self.assertEqual(len(self.network.connections), 1)

    def test_not_believed(self) -> None:
        """An answer that is not his, or not to this, or of old, is none."""
        reply = self.played.reply
        body = f'<e:Envelope xmlns:e="{SOAP_11}"><e:Body>%s</e:Body></e:Envelope>'
        refused = fault(SOAP_11, AuthFailure(), "r")
        unknown = RESPONSE.replace("/>", "><x/></DescribeInstancesResponse>")
        for play, reason in (
            (lambda e: reply(e, by="mallory"), "somebody else's certificate"),
            (lambda e: reply(e, relates_to="urn:uuid:0"), "something else"),
            (lambda e: reply(e, name="EucalyptusCC#Fault"), "something else"),
            (lambda e: reply(e, "<DescribeInstancesResponse/>"), "something else"),
            (lambda e: reply(e, now=NOW - timedelta(hours=1)), "expired"),
            (lambda e: reply(e).replace(b"DescribeInst", b"DescribeIsnt"), "believed"),
            (lambda e: reply(e, unknown), "x is not recognized"),
            (lambda e: (body % RESPONSE).encode(), "not signed"),
            (lambda e: (body % refused).encode(), "AuthFailure"),
            (lambda e: b"", "empty"),
            (lambda e: b"rubbish", "XML"),
            (lambda e: Reply(404, "text/html", (b"no",)), "404"),
            (lambda e: Reply(200, "text/xml", (b"x" * 100_001,)), "too long"),
        ):
            self.played.play = play
            self.assertIn(reason, self.reason())

    def test_fault(self) -> None:
        """A signed fault is a refusal."""
        text = fault(SOAP_11, AuthFailure("no"), "r")
        self.played.play = lambda envelope: Reply(
            500,
            "text/xml",
            (self.played.reply(envelope, text, name="EucalyptusCC#Fault"),),
        )
        failed = self.failureResultOf(self.call(), PeerRefused)
        self.assertEqual(
            (failed.value.code, failed.value.message), ("AuthFailure", "no")
        )

    def test_no_certificate(self) -> None:
        """A peer whose certificate is not known is not called."""
        self.assertIn("no certificate", self.reason("http://other/"))
        self.assertEqual(self.played.asked, [])

    def test_no_address(self) -> None:
        """Nor is one whose address is none of HTTP's."""
        for url in ("ftp://cluster/x", "cluster"):
            self.urls[url] = identity("cluster").certificate
            self.peers.agent = Agent(MemoryReactorClock())
            self.assertTrue(self.reason(url))

    def test_cut_off(self) -> None:
        """An answer that is cut off is none."""

        def pieces() -> Iterator[bytes]:
            yield b"<half"
            yield b"of it"
            raise ZeroDivisionError

        self.played.play = lambda envelope: Reply(200, "text/xml", pieces())
        calling = self.call()
        self.carry()
        self.failureResultOf(calling, PeerUnreachable)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_cancelled_while_it_comes(self) -> None:
        """Who gives up while the answer comes hangs up."""
        answering: Deferred[Reply] = Deferred()
        self.played.play = lambda envelope: answering
        calling = self.call()

        def pieces() -> Iterator[bytes]:
            for number in range(100):
                yield b"x" * 100
                made.append(number)
                if number == 10:
                    calling.cancel()

        made: list[int] = []
        answering.callback(Reply(200, "text/xml", pieces()))
        self.carry()
        self.failureResultOf(calling, CancelledError)
        self.assertLess(len(made), 15)

    def test_large(self) -> None:
        """Large messages are signed, and large answers verified, in threads."""
        many = cluster.DescribeInstances(
            instance_ids=tuple(f"i-{n:08x}" for n in range(3000))
        )
        text = f"<statusMessage>{'x' * 60000}</statusMessage>"
        self.played.play = lambda envelope: self.played.reply(
            envelope, RESPONSE.replace("/>", f">{text}</DescribeInstancesResponse>")
        )
        found = self.successResultOf(self.call(request=many))
        self.assertEqual(len(found.status_message), 60000)
        self.assertEqual(self.in_threads, 2)


class ConnectingTests(SynchronousTestCase):
    def test_cancelled(self) -> None:
        """Who gives up before there is a connection is not told of a failure."""
        for url in ("http://127.0.0.1:1/x", "http://host.example:1/x"):
            agent = pooled_agent(MemoryReactorClock())
            calling = Deferred.fromCoroutine(post(agent, url, {}, b"x", 10))
            self.assertNoResult(calling)
            calling.cancel()
            self.failureResultOf(calling, CancelledError)


class KeepAliveTests(SynchronousTestCase):
    def options(self, transport: Any) -> list[tuple[int, int, int]]:
        """What is set of the socket of a transport."""
        keep_alive(transport)
        found: list[tuple[int, int, int]] = transport.options
        return found

    def test_probed(self) -> None:
        """
        A peer whose machine is gone is noticed long before it is waited for in vain,
        over TCP as well as over TLS.
        """

        class Tcp:
            def __init__(self) -> None:
                self.options: list[tuple[int, int, int]] = []

            def getHandle(self) -> Any:
                return self

            def setsockopt(self, *option: int) -> None:
                self.options.append(option)

        class Tls:
            def __init__(self, transport: Tcp) -> None:
                self.transport = transport
                self.options = transport.options

            def getHandle(self) -> Any:
                raise AssertionError("that is OpenSSL's")

        found = self.options(Tcp())
        self.assertEqual(found, self.options(Tls(Tcp())))
        self.assertIn((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), found)
        of = {name: value for level, name, value in found if level != 1}
        gone_s = (
            of[socket.TCP_KEEPIDLE] + of[socket.TCP_KEEPINTVL] * of[socket.TCP_KEEPCNT]
        )
        self.assertEqual(gone_s, GONE_S)
        self.assertLess(gone_s, ClusterSettings().poll_s)

    def test_other_scheme(self) -> None:
        """Nothing is connected to by what is neither of these."""
        agent = pooled_agent(MemoryReactorClock())
        calling = Deferred.fromCoroutine(post(agent, "ftp://a/", {}, b"x", 10))
        self.failureResultOf(calling, NoAnswer)


class PoolTests(SynchronousTestCase):
    def test_pool(self) -> None:
        """Connections are kept, for less long than the peer does, and no call
        is made twice."""
        agent = pooled_agent(MemoryReactorClock())
        pool = agent._pool  # type: ignore[attr-defined]
        self.assertTrue(pool.persistent)
        self.assertFalse(pool.retryAutomatically)
        self.assertLess(pool.cachedConnectionTimeout, IDLE_S)

    def test_body(self) -> None:
        """A body is produced at once, and cannot be held."""
        body = _Body(b"abc")
        transport = StringTransport()
        self.successResultOf(body.startProducing(transport))
        for each in (body.pauseProducing, body.resumeProducing, body.stopProducing):
            each()
        self.assertEqual((transport.value(), body.length), (b"abc", 3))
