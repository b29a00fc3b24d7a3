"""What a node controller keeps can be kept, and counts what it takes."""

from __future__ import annotations

import json

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.capacity import NOTHING, Resources
from euca_tw.model.lifecycle import Phase
from euca_tw.nodectl.life import Goal, Life
from euca_tw.nodectl.records import NODE_RECORDS, HostedInstance, condemned, held
from euca_tw.store.codec import Codec, Row
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

    def test_first_version(self) -> None:
        """What the first version has kept is read, step for step."""
        codec = Codec.of(NODE_RECORDS)
        body = json.loads(codec.row(HOSTED).body)
        for added in ("life", "has_run", "since"):
            del body[added]
        for phase, wanted, life, told in (
            ("Pending", "running", Life.STAGING, Phase.PENDING),
            ("Pending", "ended", Life.SHUTTING_DOWN, Phase.PENDING),
            ("Extant", "running", Life.RUNNING, Phase.EXTANT),
            ("Extant", "ended", Life.SHUTTING_DOWN, Phase.EXTANT),
            ("Teardown", "ended", Life.TERMINATED, Phase.TEARDOWN),
        ):
            old = json.dumps({**body, "phase": phase, "wanted": wanted})
            read = codec.record(Row("HostedInstance", HOSTED.key, 1, old))
            self.assertEqual((read.life, read.phase), (life, told))
            self.assertEqual(read.launch, HOSTED.launch)

    def test_condemned_once(self) -> None:
        """The first reason to end is the reason."""
        first = condemned(HOSTED, "Client.X", "first", NOW)
        self.assertEqual(first.wanted, Goal.ENDED)
        self.assertEqual((first.life, first.since), (Life.SHUTTING_DOWN, NOW))
        self.assertEqual(condemned(first, "Server.Y", "second", NOW), first)

    def test_held(self) -> None:
        """
        An instance takes all until it has ended, then its disk, then nothing;
        a stopped one its disk, until it shall run again.
        """
        ended = evolve(HOSTED, life=Life.TERMINATED, wanted=Goal.ENDED)
        stopped = evolve(HOSTED, life=Life.STOPPED, wanted=Goal.STOPPED)
        self.assertEqual(held(stopped), Resources(cores=0, memory_mib=0, disk_gib=2))
        self.assertEqual(held(evolve(stopped, wanted=Goal.RUNNING)), held(HOSTED))
        self.assertEqual(held(HOSTED), Resources(cores=1, memory_mib=128, disk_gib=2))
        # What was off takes no more when it is to end.
        ending = condemned(stopped, "Client.X", "why", NOW)
        self.assertEqual(
            (ending.life, held(ending)), (Life.SHUTTING_DOWN, held(stopped))
        )
        starting = evolve(stopped, wanted=Goal.RUNNING)
        self.assertEqual(held(condemned(starting, "X", "", NOW)), held(HOSTED))
        self.assertEqual(held(ended), Resources(cores=0, memory_mib=0, disk_gib=2))
        self.assertEqual(held(evolve(ended, is_clean=True)), NOTHING)
        self.assertEqual(held(evolve(HOSTED, launch=None)), NOTHING)
