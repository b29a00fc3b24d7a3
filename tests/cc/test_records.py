"""What a cluster controller keeps can be kept."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.cc.records import (
    CLUSTER_RECORDS,
    KnownNode,
    Placement,
    PublicAddress,
    StartedNetwork,
    ended,
)
from euca_tw.model.lifecycle import Phase, Wanted
from euca_tw.store.codec import Codec
from tests.fakes.launches import NOW, launch

PLACED = Placement(
    instance_id="i-00000001", launch=launch(), node="http://a/", placed_at=NOW
)


class RecordTests(SynchronousTestCase):
    def test_kept_and_read(self) -> None:
        """Every record is read from a disk as it was written."""
        codec = Codec.of(CLUSTER_RECORDS)
        for record in (
            PLACED,
            evolve(PLACED, launch=None),
            ended(PLACED, NOW, "Server.InternalError", "lost"),
            KnownNode(url="http://a/", known_since=NOW),
            PublicAddress(source="1.2.3.4", dest="0.0.0.0"),
            StartedNetwork(user="u", name="n", vlan=3),
        ):
            self.assertEqual(codec.record(codec.row(record)), record)

    def test_first_reason_stays(self) -> None:
        """Why an instance ended is what was said first."""
        first = evolve(PLACED, reason_code="Client.X", reason="first")
        done = ended(first, NOW, "Server.Y", "second")
        self.assertEqual((done.reason_code, done.reason), ("Client.X", "first"))
        self.assertEqual((done.wanted, done.phase), (Wanted.ENDED, Phase.TEARDOWN))
        self.assertEqual(done.ended_at, NOW)
