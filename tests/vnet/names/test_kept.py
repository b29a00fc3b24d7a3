"""Tests of L{euca_tw.vnet.names.kept}."""

from __future__ import annotations

from attrs import evolve
from twisted.names import dns
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.names.kept import LONGEST_S, KeptAnswers
from tests.vnet.names.asking import asked, question, read, record, reply

WWW = "www.example.com"


def answer(ttl: int = 50) -> bytes:
    return reply(question(), record(WWW, dns.Record_A("192.0.2.1"), ttl=ttl))


class KeptAnswersTests(SynchronousTestCase):
    """L{KeptAnswers}."""

    def setUp(self) -> None:
        self.kept = KeptAnswers(most=2, longest=100)
        self.asked = asked()

    def put(self, key: str = "a", message: bytes | None = None) -> None:
        self.kept.put(key, self.asked, message or answer(), 1000.0)

    def test_kept(self) -> None:
        """An answer is kept as long as it holds, and says how long that still is."""
        self.put()
        for later_s, ttl in ((0.0, 50), (9.9, 41), (49.9, 1)):
            found = self.kept.get("a", 1000.0 + later_s)
            assert found is not None
            self.assertEqual(read(found).answers[0].ttl, ttl)
        self.assertIsNone(self.kept.get("a", 1050.0))
        self.assertEqual(len(self.kept), 0)

    def test_unknown(self) -> None:
        """What was never answered is not kept."""
        self.assertIsNone(self.kept.get("a", 1000.0))

    def test_longest(self) -> None:
        """Nothing is kept for longer than five minutes."""
        self.put(message=answer(86_400))
        self.assertIsNotNone(self.kept.get("a", 1000.0 + LONGEST_S - 1))
        self.assertIsNone(self.kept.get("a", 1000.0 + LONGEST_S))

    def test_set_back(self) -> None:
        """Where the clock was set back nothing is kept for longer."""
        self.put()
        self.assertIsNone(self.kept.get("a", 999.0))

    def test_most(self) -> None:
        """So many are kept: those that were used last."""
        self.put("a")
        self.put("b")
        self.kept.get("a", 1001.0)
        self.put("c")
        self.assertEqual(len(self.kept), 2)
        self.assertIsNone(self.kept.get("b", 1001.0))
        self.assertIsNotNone(self.kept.get("a", 1001.0))

    def test_not_kept(self) -> None:
        """What is long, or said for this once, or between two, is not kept."""
        self.put(message=reply(question(), code=dns.ESERVER))
        self.put(message=answer(0))
        self.put(message=answer() + bytes(100))
        self.asked = evolve(self.asked, is_plain=False)
        self.put()
        self.assertEqual(len(self.kept), 0)
