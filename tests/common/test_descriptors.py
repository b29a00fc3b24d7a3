"""Tests for L{euca_tw.common.descriptors}, on the limits of the test's process."""

from __future__ import annotations

import resource

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from euca_tw.common.descriptors import RESERVED, room_for

LIMIT = resource.RLIMIT_NOFILE


class RoomTests(SynchronousTestCase):
    def setUp(self) -> None:
        soft, self.hard = resource.getrlimit(LIMIT)
        if 0 <= self.hard < 2000:
            raise SkipTest(f"the hard limit is {self.hard} descriptors")
        self.addCleanup(resource.setrlimit, LIMIT, (soft, self.hard))
        resource.setrlimit(LIMIT, (1000, self.hard))

    def test_enough(self) -> None:
        """Where there is room, nothing is changed."""
        self.assertEqual(room_for(500), 500)
        self.assertEqual(resource.getrlimit(LIMIT), (1000, self.hard))

    def test_raised(self) -> None:
        """Where there is not, the soft limit is raised, and there is."""
        self.assertEqual(room_for(1200), 1200)
        self.assertEqual(resource.getrlimit(LIMIT), (1200 + RESERVED, self.hard))

    def test_hard(self) -> None:
        """No further than to the hard one; then there is room for fewer."""
        if self.hard < 0:
            raise SkipTest("there is no hard limit")
        self.assertEqual(room_for(self.hard + 1), self.hard - RESERVED)
        self.assertEqual(resource.getrlimit(LIMIT), (self.hard, self.hard))

    def test_no_limit(self) -> None:
        """Who sets no limit has one all the same."""
        self.assertGreater(room_for(0), 1000)
