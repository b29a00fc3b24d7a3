"""Tests of L{euca_tw.vnet.names.server}."""

from __future__ import annotations

from ipaddress import IPv4Network
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.names import dns
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.names.forwarder import Forwarder
from euca_tw.vnet.names.passed_on import is_truncated
from euca_tw.vnet.names.server import NameServer
from euca_tw.vnet.names.zone import Zone
from tests.fakes.datagrams import MemoryPorts
from tests.vnet.names.asking import (
    SOA,
    addresses,
    opt,
    options_of,
    question,
    read,
    record,
    reply,
)

WWW = "www.example.com"
ADDRESS = record(WWW, dns.Record_A("192.0.2.80"))
MINE = "ip-10-231-0-2.internal"


def server(reactor: MemoryPorts, **given: float) -> NameServer:
    """One that asks 192.0.2.1."""
    return NameServer(
        zone=Zone(domain="internal", ranges=(IPv4Network("10.128.0.0/9"),)),
        forwarder=Forwarder(
            reactor=reactor,
            open_port=reactor.open_port,
            random=Random(1),
            resolvers=lambda: ("192.0.2.1",),
        ),
        clock=reactor,
        **given,  # type: ignore[arg-type]
    )


class NameServerTests(SynchronousTestCase):
    """L{NameServer}."""

    def setUp(self) -> None:
        self.reactor = MemoryPorts()
        self.server = server(self.reactor, most=4, most_each=3, rate=10, burst=20)
        self.addCleanup(self.server.stop)

    def ask(
        self, message: bytes, who: str = "i-1", *, by_stream: bool = False
    ) -> Deferred[bytes | None]:
        return Deferred.fromCoroutine(
            self.server.answer(message, who, by_stream=by_stream)
        )

    def told(self, asking: Deferred[bytes | None]) -> bytes:
        answer = self.successResultOf(asking)
        assert answer is not None
        return answer

    def hear(self, *answers: dns.RRHeader, **given: int) -> None:
        """The resolver answers what it was asked last."""
        port = self.reactor.ports[-1]
        [sent] = port.sent
        port.hear(reply(sent, *answers, **given))

    def test_ours(self) -> None:
        """Of our own names nobody else is asked."""
        told = self.told(self.ask(question(MINE)))
        self.assertEqual(addresses(told), ["10.231.0.2"])
        self.assertEqual(self.reactor.ports, [])

    def test_edns(self) -> None:
        """Who asks with EDNS is answered with it."""
        told = self.told(self.ask(question(MINE, size=4096)))
        self.assertEqual(addresses(told), ["10.231.0.2"])
        self.assertEqual(options_of(told).cls, 1232)

    def test_others(self) -> None:
        """Of other names the site's resolver is asked, and what it says is told."""
        asking = self.ask(question(number=77))
        self.assertNoResult(asking)
        self.hear(ADDRESS)
        told = self.told(asking)
        self.assertEqual((read(told).id, addresses(told)), (77, ["192.0.2.80"]))

    def test_as_it_is(self) -> None:
        """All of a question is passed on, options and all; so is the answer."""
        message = read(question("wWw.eXample.com", 65))
        message.additional.append(opt(1400, options=b"\0\x0a\0\x08cookies!"))
        sent = message.toStr()
        asking = self.ask(sent)
        [passed] = self.reactor.ports[-1].sent
        self.assertEqual(passed[2:], sent[2:])
        answer = reply(passed, dns.RRHeader("x", 65, 1, 9, dns.UnknownRecord(b"?")))
        self.reactor.ports[-1].hear(answer)
        self.assertEqual(self.told(asking), sent[:2] + answer[2:])

    def test_kept(self) -> None:
        """What was answered is not asked again while it holds, by whomever."""
        self.ask(question())
        self.hear(ADDRESS)
        self.reactor.advance(20)
        told = self.told(self.ask(question(WWW.upper(), number=9), "i-2"))
        self.assertEqual(read(told).answers[0].ttl, 40)
        self.assertEqual(read(told).queries[0].name.name, WWW.upper().encode())
        self.reactor.advance(40)
        self.assertNoResult(self.ask(question()))

    def test_denial_kept(self) -> None:
        """So is what is denied."""
        self.ask(question())
        port = self.reactor.ports[-1]
        origin = record("example.com", SOA, ttl=600)
        [sent] = port.sent
        port.hear(reply(sent, authority=(origin,), code=dns.ENAME))
        self.assertEqual(read(self.told(self.ask(question()))).rCode, dns.ENAME)

    def test_together(self) -> None:
        """Who asks the same at the same time waits for the same answer."""
        first, second = self.ask(question()), self.ask(question(number=8), "i-2")
        self.assertEqual(len(self.reactor.ports), 1)
        self.hear(ADDRESS)
        self.assertEqual(read(self.told(first)).id, 7)
        self.assertEqual(read(self.told(second)).id, 8)

    def test_not_together(self) -> None:
        """Another type, other flags, other options and TCP are not the same."""
        for message in (
            question(),
            question(kind=65),
            question(kind=97),
            question(checkingDisabled=1),
        ):
            self.server.most_each = self.server.most = 9
            self.ask(message)
        self.ask(question(size=1232))
        self.assertEqual(len(self.reactor.ports), 5)
        self.ask(question(), by_stream=True)
        self.assertEqual(len(self.reactor.tcpClients), 1)

    def test_one_goes(self) -> None:
        """When one of them goes the other is answered nevertheless."""
        first, second = self.ask(question()), self.ask(question(number=8))
        first.addErrback(lambda _: None)
        first.cancel()
        self.hear(ADDRESS)
        self.told(second)

    def test_nobody(self) -> None:
        """When nobody answers it is said so, and logged once a minute."""
        with capturedLogs() as logged:
            for _ in range(3):
                asking = self.ask(question())
                for _ in range(3):
                    self.reactor.advance(2)
                self.assertEqual(read(self.told(asking)).rCode, dns.ESERVER)
        self.assertEqual([each["resolvers"] for each in logged], ["192.0.2.1"])
        self.reactor.advance(60)
        with capturedLogs() as logged:
            self.ask(question())
            for _ in range(3):
                self.reactor.advance(2)
        self.assertEqual(len(logged), 1)

    def test_no_resolvers(self) -> None:
        """A machine without resolvers says what to set, in its log."""
        self.server.forwarder.resolvers = tuple
        with capturedLogs() as logged:
            told = self.told(self.ask(question()))
        self.assertEqual(read(told).rCode, dns.ESERVER)
        self.assertIn("resolvers in [node_controller]", logged[0]["log_format"])

    def test_too_long(self) -> None:
        """What is too long for who asks by UDP is said to be so."""
        asking = self.ask(question())
        self.hear(*[ADDRESS] * 40)
        self.assertTrue(is_truncated(self.told(asking)))

    def test_most_each(self) -> None:
        """An instance asks so much at once; what is more is refused, others not."""
        for n in range(3):
            self.assertNoResult(self.ask(question(f"{n}.example.com")))
        told = self.told(self.ask(question("3.example.com")))
        self.assertEqual(read(told).rCode, dns.EREFUSED)
        self.assertNoResult(self.ask(question("3.example.com"), "i-2"))
        self.hear()
        self.assertNoResult(self.ask(question("4.example.com"), "i-2"))

    def test_most(self) -> None:
        """All together ask so much at once."""
        for n in range(4):
            self.ask(question(f"{n}.example.com"), f"i-{n}")
        told = self.told(self.ask(question("4.example.com"), "i-4"))
        self.assertEqual(read(told).rCode, dns.EREFUSED)
        self.assertEqual(len(self.reactor.ports), 4)
        for _ in range(3):
            self.reactor.advance(2)
        self.assertNoResult(self.ask(question("4.example.com"), "i-4"))

    def test_flood(self) -> None:
        """What comes faster than an instance may ask is dropped, not others'."""
        for _ in range(20):
            self.told(self.ask(question(MINE)))
        self.assertIsNone(self.successResultOf(self.ask(question(MINE))))
        self.told(self.ask(question(MINE), "i-2"))
        self.reactor.advance(0.11)
        self.told(self.ask(question(MINE)))

    def test_refused(self) -> None:
        """Other classes, and whole zones, are not told, ours or not."""
        for message in (
            question("version.bind", dns.TXT, cls=dns.CH),
            question("internal", dns.AXFR),
            question(kind=dns.IXFR),
        ):
            self.assertEqual(read(self.told(self.ask(message))).rCode, dns.EREFUSED)
        self.assertEqual(self.reactor.ports, [])

    def test_malformed(self) -> None:
        """What cannot be read is said to be so; an answer is not answered."""
        told = self.told(self.ask(question()[:-1]))
        self.assertEqual(read(told).rCode, dns.EFORMAT)
        self.assertIsNone(self.successResultOf(self.ask(reply(question()))))

    def test_stop(self) -> None:
        """Stopped, it asks nobody any more, and who waited is told so."""
        asking = self.ask(question())
        self.successResultOf(self.server.stop())
        self.assertEqual(read(self.told(asking)).rCode, dns.ESERVER)
        self.assertFalse(self.reactor.ports[-1].is_open)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    @given(st.lists(st.binary(max_size=100), max_size=5), st.booleans())
    def test_any_bytes(self, messages: list[bytes], by_stream: bool) -> None:
        """Nothing that an instance says is logged, or more than it said itself."""
        fresh = self.server = server(self.reactor)
        with capturedLogs() as logged:
            for message in messages:
                asking = self.ask(message, by_stream=by_stream)
                if asking.called:
                    answer = self.successResultOf(asking) or b""
                    self.assertLessEqual(len(answer), len(message) + 200)
                asking.addErrback(lambda _: None)
                asking.cancel()
        self.assertEqual(logged, [])
        self.successResultOf(fresh.stop())
