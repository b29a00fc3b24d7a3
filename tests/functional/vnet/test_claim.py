"""L{euca_tw.vnet.claim} in network namespaces."""

from __future__ import annotations

import os

from twisted.trial.unittest import TestCase

from euca_tw.admin.namespaces import claim_part
from euca_tw.common.config import ConfigError
from euca_tw.vnet.claim import Claim, Claimed
from tests.functional.netns import enter_new, make_peer
from tests.functional.vnet.guests import inside


class ClaimTests(TestCase):
    def setUp(self) -> None:
        enter_new(self)

    def claimed(self) -> Claim:
        claim = Claim()
        claim.take()
        self.addCleanup(claim.drop)
        return claim

    def test_one(self) -> None:
        """One has it, and another is told who, until it is dropped."""
        first = self.claimed()
        said = str(self.assertRaises(Claimed, Claim().take))
        self.assertEqual(said, f"(process {os.getpid()})")
        first.drop()
        self.claimed()

    def test_often(self) -> None:
        """However often another asks, he is told at once."""
        self.claimed()
        for _ in range(200):
            self.assertRaises(Claimed, Claim().take)

    def test_daemons(self) -> None:
        """The second daemon is told what to do, and may start when the first ends."""
        first, second = claim_part(), claim_part()
        first.start()
        self.addCleanup(second.stop)
        said = str(self.assertRaises(ConfigError, second.start))
        self.assertIn("a head beside a node runs in a network namespace of its", said)
        first.stop()
        second.start()

    def test_each(self) -> None:
        """Each network namespace has its own."""
        self.claimed()
        inside(make_peer(self), self.claimed)
