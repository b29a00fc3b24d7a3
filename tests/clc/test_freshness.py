"""Tests of L{euca_tw.clc.freshness}."""

from __future__ import annotations

from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import ApiError
from euca_tw.clc.freshness import HEALTH, Fresh, Health
from euca_tw.common.asked import Asked, Reply
from euca_tw.store.interfaces import StoreUnreachable


def asked(target: bytes = b"/") -> Asked:
    return Asked("GET", target, lambda name: None, b"")


def refuse(asked: Asked, error: ApiError) -> Reply:
    return Reply(error.status, "text/xml", (error.code.encode(),))


class FreshTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.here: Deferred[None] = Deferred()
        self.answered = 0
        fresh = Fresh(lambda: self.here, refuse)
        self.answer = fresh.answer_by(self.count)

    def count(self, asked: Asked) -> Deferred[Reply]:
        self.answered += 1
        return succeed(Reply(200, "text/plain", (b"told",)))

    def test_waits(self) -> None:
        """Nothing is looked at before what others did is here."""
        reply = ensureDeferred(self.answer(asked()))
        self.assertEqual(self.answered, 0)
        self.here.callback(None)
        self.assertEqual(self.successResultOf(reply).status, 200)

    def test_cannot_be_known(self) -> None:
        """Who asks while that cannot be known is to ask again later."""
        self.here.errback(StoreUnreachable("no database"))
        reply = self.successResultOf(ensureDeferred(self.answer(asked())))
        self.assertEqual((reply.status, reply.body), (503, (b"Unavailable",)))
        self.assertEqual(self.answered, 0)


class HealthTests(SynchronousTestCase):
    def ask(self, health: Health, target: bytes = HEALTH) -> tuple[int, bytes]:
        reply = self.successResultOf(ensureDeferred(health.answer(asked(target))))
        return reply.status, b"".join(reply.body)

    def test_well(self) -> None:
        """One that can answer says so."""
        health = Health(lambda asked: fail(AssertionError()))
        self.assertEqual(self.ask(health), (200, b"ok\n"))
        self.assertEqual(self.ask(health, HEALTH + b"?from=haproxy"), (200, b"ok\n"))

    def test_unwell(self) -> None:
        """One that cannot says so, and why."""
        lost = StoreUnreachable("no database")
        health = Health(lambda asked: fail(AssertionError()), lambda: fail(lost))
        self.assertEqual(self.ask(health), (503, b"no database\n"))

    def test_else(self) -> None:
        """All else is answered as before."""
        health = Health(lambda asked: succeed(Reply(204, "", ())))
        self.assertEqual(self.ask(health, b"/"), (204, b""))
