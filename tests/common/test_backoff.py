"""Tests of L{euca_tw.common.backoff}."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.backoff import Backoff


class BackoffTests(SynchronousTestCase):
    def test_grows_to_the_ceiling(self) -> None:
        """Each wait is twice the one before, until the ceiling."""
        backoff = Backoff(random=Random(1), first_s=1, ceiling_s=5, jitter=0)
        self.assertEqual([backoff.next() for _ in range(5)], [1, 2, 4, 5, 5])

    def test_each(self) -> None:
        """Each wait comes as often as is said, before it grows."""
        backoff = Backoff(random=Random(1), first_s=1, ceiling_s=3, each=2, jitter=0)
        self.assertEqual([backoff.next() for _ in range(6)], [1, 1, 2, 2, 3, 3])
        backoff.reset()
        self.assertEqual([backoff.next() for _ in range(3)], [1, 1, 2])

    def test_reset(self) -> None:
        """After a reset the shortest wait comes again."""
        backoff = Backoff(random=Random(1), first_s=1, jitter=0)
        backoff.next()
        backoff.next()
        backoff.reset()
        self.assertEqual(backoff.next(), 1)

    def test_jitter(self) -> None:
        """No wait is off by more than the jitter, and hardly two are the same."""
        waits = [
            Backoff(random=Random(seed), first_s=10, jitter=0.2).next()
            for seed in range(50)
        ]
        self.assertTrue(all(8 <= wait <= 12 for wait in waits))
        self.assertGreater(len(set(waits)), 40)
