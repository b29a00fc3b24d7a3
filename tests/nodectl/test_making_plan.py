"""Tests of L{euca_tw.nodectl.making_plan}: every stage against every life."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.convergence import Rest
from euca_tw.nodectl.life import Goal, Life
from euca_tw.nodectl.making_plan import (
    Become,
    Capture,
    CaptureHeld,
    Discard,
    Finish,
    Forget,
    MakingLimits,
    Send,
    demand,
    plan,
)
from euca_tw.nodectl.making_records import ImageMaking, Stage
from euca_tw.nodectl.records import HostedInstance
from tests.fakes.launches import NOW, launch

MAKING = ImageMaking(
    image_id="emi-00000002",
    instance_id="i-00000001",
    is_rebooted=True,
    url="http://clc/",
    sending_key="key",
    asked_at=NOW,
)
HOSTED = HostedInstance(
    instance_id="i-00000001", launch=launch(), life=Life.RUNNING, began_at=NOW
)
LIMITS = MakingLimits(capture_s=900, whole_s=3600, kept_s=180)
OVER = (Life.SHUTTING_DOWN, Life.TERMINATED)


def decide(
    stage: Stage = Stage.WANTED,
    life: Life | None = Life.RUNNING,
    after_s: float = 1,
    wanted: Goal = Goal.RUNNING,
    trouble: str = "",
    **given: Any,
) -> Any:
    instance = None if life is None else evolve(HOSTED, life=life, wanted=wanted)
    making = evolve(MAKING, stage=stage, **given)
    return plan(making, instance, trouble, NOW + timedelta(seconds=after_s), LIMITS)


class WantedTests(SynchronousTestCase):
    def test_off(self) -> None:
        """The disk of an instance that is off is captured."""
        for is_rebooted, wanted in product((True, False), (Goal.RUNNING, Goal.STOPPED)):
            decision = decide(life=Life.STOPPED, is_rebooted=is_rebooted, wanted=wanted)
            self.assertEqual(decision, Capture())

    def test_running(self) -> None:
        """One that runs is held still for it, or waited for until it is off."""
        self.assertEqual(decide(is_rebooted=False), CaptureHeld())
        self.assertEqual(decide(), Rest(NOW.timestamp() + 900))

    def test_on_its_way(self) -> None:
        """One that comes up or goes down is waited for."""
        for life in Life.STAGING, Life.BOOTING, Life.STOPPING:
            for is_rebooted in True, False:
                decision = decide(life=life, is_rebooted=is_rebooted)
                self.assertEqual(decision, Rest(NOW.timestamp() + 900))

    def test_ended(self) -> None:
        """Of one that has ended, or shall, or is not here, there is none."""
        for life in (*OVER, None):
            decision = decide(life=life)
            self.assertEqual(decision.making.stage, Stage.FAILED)
            self.assertEqual(decision.making.reason, "Its instance has ended")
        for life in Life:
            decision = decide(life=life, wanted=Goal.ENDED)
            self.assertEqual(decision.making.stage, Stage.FAILED)

    def test_late(self) -> None:
        """One that does not come to stand still in time gives none."""
        for life in Life:
            decision = decide(life=life, after_s=900)
            self.assertEqual(decision.making.stage, Stage.FAILED)
        decision = decide(after_s=900, trouble="The hypervisor is down")
        self.assertEqual(decision.making.reason, "The hypervisor is down")


class AfterwardsTests(SynchronousTestCase):
    def test_instance_does_not_matter(self) -> None:
        """When it is captured it does not matter what becomes of the instance."""
        for life in (*Life, None):
            self.assertEqual(decide(Stage.CAPTURED, life), Finish())
            self.assertEqual(decide(Stage.FINISHED, life), Send())
            for stage in Stage.SENT, Stage.FAILED:
                self.assertEqual(decide(stage, life), Discard())

    def test_late(self) -> None:
        """What is not sent in time has failed, by the last trouble."""
        for stage in Stage.CAPTURED, Stage.FINISHED:
            decision = decide(stage, after_s=3600)
            self.assertEqual(decision.making.reason, "It was not made in time")
            decision = decide(stage, after_s=3600, trouble="No answer")
            self.assertEqual(decision.making.reason, "No answer")

    def test_kept(self) -> None:
        """What is over is told for a while, and then forgotten."""
        for stage in Stage.SENT, Stage.FAILED:
            given = {"is_clean": True, "ended_at": NOW}
            self.assertEqual(
                decide(stage, after_s=179, **given), Rest(NOW.timestamp() + 180)
            )
            self.assertEqual(decide(stage, after_s=180, **given), Forget())

    def test_over_for_good(self) -> None:
        """What was sent or has failed stays so."""
        for stage, life in product((Stage.SENT, Stage.FAILED), Life):
            for after_s in 1, 900, 3600, 10**6:
                self.assertNotIsInstance(decide(stage, life, after_s), Become)


class DemandTests(SynchronousTestCase):
    def test_off(self) -> None:
        """Only what is yet to be captured needs an instance to be off."""
        for stage, life, is_rebooted in product(Stage, Life, (True, False)):
            making = evolve(MAKING, stage=stage, is_rebooted=is_rebooted)
            needed = stage is Stage.WANTED and (is_rebooted or life is Life.STOPPED)
            self.assertIs(demand(evolve(HOSTED, life=life), [making]), needed)
        self.assertFalse(demand(HOSTED, []))
