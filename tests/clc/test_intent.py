"""Tests for L{euca_tw.clc.intent}."""

from __future__ import annotations

from typing import Any

from attrs import define
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.intent import intend
from euca_tw.store.interfaces import Change, Conflict, Put, StoreUnusable
from tests.fakes.clusters import RecordingClusters
from tests.fakes.instances import instance


@define
class _Disk:
    """Takes its time."""

    done: Deferred[None]

    def commit(self, *changes: Change) -> Deferred[None]:
        return self.done


class IntendTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clusters, self.disk = RecordingClusters(), _Disk(Deferred())
        one = instance(zone="one")
        asked: Any = intend(self.disk, self.clusters, [Put(one)], [one])  # type: ignore[arg-type]
        self.asked: Deferred[None] = Deferred.fromCoroutine(asked)

    def seen(self) -> tuple[list[str], list[str]]:
        return self.clusters.held, self.clusters.woken

    def test_not_before(self) -> None:
        """Nothing is done for an instance until what it shall be is durable."""
        self.assertNoResult(self.asked)
        self.assertEqual(self.seen(), (["one"], []))
        self.disk.done.callback(None)
        self.successResultOf(self.asked)
        self.assertEqual(self.seen(), ([], ["one"]))

    def test_nobody_waits(self) -> None:
        """It is done though nobody waits for it any more, and not before either."""
        self.asked.cancel()
        self.failureResultOf(self.asked, CancelledError)
        self.assertEqual(self.seen(), (["one"], []))
        self.disk.done.callback(None)
        self.assertEqual(self.seen(), ([], ["one"]))

    def test_cannot_be_kept(self) -> None:
        """What the store does not take holds up nobody."""

        class Refusing:
            def commit(self, *changes: Change) -> Deferred[None]:
                raise ValueError("it cannot be kept")

        two = instance(zone="two")
        asked: Any = intend(Refusing(), self.clusters, [Put(two)], [two])  # type: ignore[arg-type]
        self.failureResultOf(Deferred.fromCoroutine(asked), ValueError)
        self.assertEqual(self.seen(), (["one"], ["two"]))

    def test_overtaken(self) -> None:
        """When others were faster it is seen what they have made of it."""
        self.disk.done.errback(Conflict())
        self.failureResultOf(self.asked, Conflict)
        self.assertEqual(self.seen(), ([], ["one"]))

    def test_disk_failed(self) -> None:
        """What is not durable is never done."""
        self.disk.done.errback(StoreUnusable("the disk is full"))
        self.failureResultOf(self.asked, StoreUnusable)
        self.assertEqual(self.seen(), (["one"], []))
