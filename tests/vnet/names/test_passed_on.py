"""Tests of L{euca_tw.vnet.names.passed_on}, with C{twisted.names} as the judge."""

from __future__ import annotations

import struct
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.names import dns
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.names.passed_on import (
    Lifetimes,
    aged,
    fitted,
    is_answer,
    is_truncated,
    lifetimes,
)
from tests.vnet.names.asking import (
    SOA,
    asked,
    opt,
    question,
    read,
    record,
    reply,
)

WWW = "www.example.com"


class OthersAnswerTests(SynchronousTestCase):
    """Of answers that are passed on."""

    def setUp(self) -> None:
        self.asked = asked()
        self.good = reply(question(), record(WWW, dns.Record_A("192.0.2.1")))

    def test_is_answer(self) -> None:
        """An answer has the number and the question; letters' case may differ."""
        shouted = reply(question(WWW.upper()))
        for message in (self.good, shouted, reply(question(), code=dns.ENAME)):
            self.assertTrue(is_answer(message, 7, self.asked))

    def test_is_none(self) -> None:
        """To another number, or another question, it is none; nor is a question."""
        for message in (
            question(),
            reply(question(number=8)),
            reply(question("xww.example.com")),
            reply(question(kind=dns.AAAA)),
            reply(question(WWW + ".au")),
            reply(question("", 0))[:12],
            b"",
            self.good[:20],
            struct.pack("!6H", 7, 0x8000, 0, 0, 0, 0),
        ):
            self.assertFalse(is_answer(message, 7, self.asked), message)

    def test_not_read(self) -> None:
        """Who could not read the question need not repeat it."""
        message = struct.pack("!6H", 7, 0x8001, 0, 0, 0, 0)
        self.assertTrue(is_answer(message, 7, self.asked))
        told = fitted(message, evolve(self.asked, number=3), most=512)
        self.assertEqual(told, struct.pack("!6H", 3, 0x8001, 0, 0, 0, 0))

    def test_fitted(self) -> None:
        """Who asks gets its own number and its own letters, and all else as it is."""
        other = asked(WWW.upper(), number=1000)
        told = fitted(self.good, other, most=512)
        self.assertEqual(read(told).id, 1000)
        self.assertEqual(read(told).queries[0].name.name, WWW.upper().encode())
        self.assertEqual(read(told).answers[0].name.name, WWW.upper().encode())
        self.assertEqual(fitted(told, self.asked, most=512), self.good)

    def test_too_long(self) -> None:
        """What is too long for who asks is said to be so, and left out."""
        told = fitted(self.good, self.asked, most=len(self.good) - 1)
        self.assertTrue(is_truncated(told))
        self.assertEqual(read(told).answers, [])
        self.assertEqual(read(told).queries, read(self.good).queries)
        self.assertFalse(is_truncated(self.good))

    def test_unknown(self) -> None:
        """Records of types that nobody here knows get through."""
        strange = dns.RRHeader(WWW, 65, dns.IN, 5, dns.UnknownRecord(b"\0\1\0", 5))
        told = fitted(reply(question(), strange), self.asked, most=512)
        self.assertEqual(read(told).answers[0].payload.data, b"\0\1\0")


class LifetimesTests(SynchronousTestCase):
    """L{lifetimes} and L{aged}."""

    A = record(WWW, dns.Record_A("192.0.2.1"), ttl=50)
    B = record(WWW, dns.Record_A("192.0.2.2"), ttl=90)
    ORIGIN = record("example.com", SOA, ttl=600)

    def of(self, *answers: Any, **given: Any) -> Lifetimes | None:
        return lifetimes(reply(question(), *answers, **given), asked())

    def test_least(self) -> None:
        """An answer holds as long as the first of its records."""
        found = self.of(self.B, self.A)
        assert found is not None
        self.assertEqual((found.least_s, len(found.places)), (50, 2))

    def test_denials(self) -> None:
        """A denial holds as long as the domain's SOA says, and else not at all."""
        for code in (dns.ENAME, dns.OK):
            found = self.of(authority=(self.ORIGIN,), code=code)
            assert found is not None
            self.assertEqual(found.least_s, 30)
            self.assertIsNone(self.of(code=code))
        alias = record(WWW, dns.Record_CNAME(b"a.example.com"))
        self.assertIsNone(self.of(alias, code=dns.ENAME))

    def test_once(self) -> None:
        """What went wrong, or is not all, is said for this once."""
        self.assertIsNone(self.of(code=dns.ESERVER))
        self.assertIsNone(self.of(self.A, trunc=1))
        self.assertIsNone(lifetimes(reply(question(), self.A)[:-1], asked()))
        bare = struct.pack("!6H", 7, 0x8000, 0, 0, 0, 0)
        self.assertIsNone(lifetimes(bare, asked()))

    def test_forever(self) -> None:
        """A lifetime beyond all is none."""
        found = self.of(record(WWW, dns.Record_A("192.0.2.1"), ttl=1 << 31))
        assert found is not None
        self.assertEqual(found.least_s, 0)

    def test_options(self) -> None:
        """What OPT says is no lifetime."""
        message = read(reply(question(), self.A))
        message.additional.append(opt(1232))
        found = lifetimes(message.toStr(), asked())
        assert found is not None
        self.assertEqual((found.least_s, len(found.places)), (50, 1))

    def test_aged(self) -> None:
        """What was kept has less to live, and is no longer from who knows."""
        message = reply(question(), self.A, self.B, auth=True)
        found = lifetimes(message, asked())
        assert found is not None
        old = read(aged(message, 60, found.places))
        self.assertEqual([each.ttl for each in old.answers], [0, 30])
        self.assertFalse(old.auth)

    @given(st.binary(max_size=300), st.integers(0, 65535))
    def test_any_bytes(self, rest: bytes, count: int) -> None:
        """Whatever a resolver says is survived, in few steps."""
        head = struct.pack("!6H", 7, 0x8000, 1, count, 0, 0)
        message = head + asked().question + rest
        found = lifetimes(message, asked())
        if found is not None:
            self.assertEqual(len(aged(message, 1, found.places)), len(message))
        fitted(message, asked(), most=512)
