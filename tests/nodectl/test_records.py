"""What a node controller keeps can be kept, and counts what it takes."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.capacity import NOTHING, Resources
from euca_tw.model.lifecycle import Phase, Wanted
from euca_tw.nodectl.records import NODE_RECORDS, HostedInstance, condemned, held
from euca_tw.store.codec import Codec
from tests.fakes.launches import NOW, launch

HOSTED = HostedInstance(instance_id="i-00000001", launch=launch(), began_at=NOW)


class RecordTests(SynchronousTestCase):
    def test_kept_and_read(self) -> None:
        """Every record is read from a disk as it was written."""
        codec = Codec.of(NODE_RECORDS)
        for record in (
            HOSTED,
            evolve(HOSTED, launch=None, ended_at=NOW, is_clean=True),
            evolve(HOSTED, launch=launch(kernel=None, ramdisk=None, user_data=None)),
        ):
            self.assertEqual(codec.record(codec.row(record)), record)

    def test_condemned_once(self) -> None:
        """The first reason to end is the reason."""
        first = condemned(HOSTED, "Client.X", "first")
        self.assertEqual(first.wanted, Wanted.ENDED)
        self.assertEqual(condemned(first, "Server.Y", "second"), first)

    def test_held(self) -> None:
        """
        An instance takes all until it has ended, then its disk, then nothing.
        """
        ended = evolve(HOSTED, phase=Phase.TEARDOWN, wanted=Wanted.ENDED)
        self.assertEqual(held(HOSTED), Resources(cores=1, memory_mib=128, disk_gib=2))
        self.assertEqual(held(ended), Resources(cores=0, memory_mib=0, disk_gib=2))
        self.assertEqual(held(evolve(ended, is_clean=True)), NOTHING)
        self.assertEqual(held(evolve(HOSTED, launch=None)), NOTHING)
