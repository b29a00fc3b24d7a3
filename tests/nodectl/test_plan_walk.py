"""
Every way in which L{euca_tw.nodectl.plan} can go, step after step, to where it
comes to rest.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from attrs import define, evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.convergence import Rest
from euca_tw.nodectl.decisions import (
    Attach,
    Become,
    Destroy,
    Detach,
    Discard,
    Forget,
    Reboot,
    Run,
    ShutDown,
    Stage,
)
from euca_tw.nodectl.life import Goal, Life
from euca_tw.nodectl.plan import Limits, Look, Parts, plan
from euca_tw.nodectl.records import HostedInstance
from tests.fakes.launches import NOW, launch
from tests.suites.walk import Choose, Unknown, every

BOOLEAN = (False, True)
PARTS = {
    "look": tuple(Look),
    "known_since": (None, NOW, NOW + timedelta(hours=1)),
    "refusal": ("", "no such CPU"),
    "trouble": ("", "no image"),
    **dict.fromkeys(
        (
            *("was_seen", "is_staged", "is_attached", "is_detached"),
            *("is_reboot_asked", "is_shutdown_asked", "is_deaf", "must_be_off"),
            *("is_held", "is_heard"),
        ),
        BOOLEAN,
    ),
}
LIMITS = {
    "launch_deadline_s": (600.0,),
    "ended_kept_s": (180.0,),
    "stop_grace_s": (0.0, 60.0),
    "terminate_grace_s": (0.0, 60.0),
    "restart_on_host_boot": BOOLEAN,
}
#: Of which a record there may be: none, as it came, and after a stop; each to end, or
#: to stop when its guest switches itself off.
LAUNCHES = (
    None,
    *(
        launch(starts=starts, shutdown_behavior=behavior)
        for starts, behavior in product((None, 1), (None, "stop"))
    ),
)
#: No walk is longer, so what is does not come to rest.
MOST_STEPS = 20


@define
class Walk:
    """What one instance comes to, if all its steps succeed."""

    record: HostedInstance | None
    parts: Any
    limits: Any
    choose: Choose
    now: datetime = NOW + timedelta(seconds=1)

    def decide(self) -> Any:
        assert self.record is not None
        return plan(self.record, self.parts, self.now, self.limits)

    def go(self) -> list[Any]:
        """Every decision, until it rests for good."""
        taken: list[Any] = []
        while self.record is not None:
            assert len(taken) < MOST_STEPS, f"it goes round: {taken}"
            decision = self.decide()
            taken.append(decision)
            if isinstance(decision, Rest) and not self.wait(decision):
                return taken
            self.take(decision)
        return taken

    def wait(self, rest: Rest) -> bool:
        """Whether anything happens as time goes by."""
        if rest.until is None:
            return False
        assert rest.until > self.now.timestamp(), "a moment that is over"
        self.now = datetime.fromtimestamp(rest.until, UTC)
        if self.record is not None and self.record.life is Life.TERMINATED:
            self.parts.is_heard = True
        return True

    def take(self, decision: Any) -> None:
        record, parts = self.record, self.parts
        assert record is not None
        match decision:
            case Become():
                self.record = decision.record
            case Stage():
                assert record.wanted is not Goal.ENDED
                parts.is_staged = True
            case Attach():
                parts.is_attached, parts.is_detached = True, False
            case Run():
                assert record.wanted is not Goal.ENDED
                parts.look, parts.was_seen = Look.RUNNING, True
                parts.is_shutdown_asked = parts.is_deaf = False
            case Reboot():
                parts.is_reboot_asked = False
            case ShutDown():
                parts.is_deaf = self.choose(BOOLEAN)
                parts.is_shutdown_asked = not parts.is_deaf
                if not parts.is_deaf and self.choose(BOOLEAN):
                    parts.look = Look.HALTED
            case Destroy():
                parts.look = Look.ABSENT
            case Detach():
                parts.is_attached, parts.is_detached = False, True
                if record.life is Life.STOPPING:
                    parts.is_staged, parts.refusal = False, ""
            case Discard():
                assert parts.look is Look.ABSENT
                self.record = evolve(record, is_clean=True)
            case Forget():
                assert record.is_clean
                self.record = None


def walks(goal: Goal, life: Life) -> Any:
    """All of a record that shall be so, and is."""
    ends, is_over = life in (Life.STOPPING, Life.SHUTTING_DOWN), life is Life.TERMINATED
    for of, is_forced, is_off, is_clean, since, ended_at in product(
        LAUNCHES,
        BOOLEAN,
        BOOLEAN,
        # These are said of no other lives, or said anew when one comes there.
        BOOLEAN if is_over else (False,),
        (None, NOW) if ends else (None,),
        (None, NOW) if is_over else (None,),
    ):
        if of is None and (life is not Life.TERMINATED or goal is not Goal.ENDED):
            continue  # remembered only as ended
        record = HostedInstance(
            instance_id="i-00000001",
            launch=of,
            wanted=goal,
            life=life,
            has_run=life not in (Life.STAGING, Life.BOOTING),
            began_at=NOW,
            since=since,
            ended_at=ended_at,
            is_clean=is_clean,
            is_forced=is_forced,
            is_off_for_image=is_off,
        )

        def walk(choose: Choose, record: HostedInstance = record) -> Any:
            parts = Unknown(choose, PARTS)
            walk = Walk(record, parts, Unknown(choose, LIMITS), choose)
            taken = walk.go()
            return walk, taken

        yield from every(walk)


def settles_at(goal: Goal, life: Life, look: Look) -> bool:
    """Whether that is what is wanted."""
    if goal is Goal.RUNNING:
        return life is Life.RUNNING and look is Look.RUNNING
    return goal is Goal.STOPPED and (life, look) == (Life.STOPPED, Look.ABSENT)


class WalkTests(SynchronousTestCase):
    """Every state that can be, and every way from there if all steps succeed."""

    def check(self, goal: Goal, life: Life) -> None:
        count = 0
        for walk, taken in walks(goal, life):
            count += 1
            if goal is Goal.ENDED:
                for step in taken:
                    self.assertNotIsInstance(step, Stage | Run | Attach | Reboot)
            record, parts = walk.record, walk.parts
            if record is None:
                continue
            # What the hypervisor does not tell of is waited for, and so is who
            # makes an image.
            is_waiting = parts.look is Look.UNKNOWN or parts.must_be_off
            is_waiting |= "is_held" in parts and parts.is_held
            if not is_waiting:
                self.assertTrue(
                    settles_at(record.wanted, record.life, parts.look), (walk, taken)
                )
        self.assertGreater(count, 0)


def _test(goal: Goal, life: Life) -> Any:
    def test(self: WalkTests) -> None:
        self.check(goal, life)

    test.__doc__ = (
        f"What shall be {goal.value} and is {life.value} comes to be so, or to have "
        "ended, and nothing goes round."
    )
    return test


for _goal, _life in product(Goal, Life):
    _name = f"test_{_goal.value}_{_life.value.replace('-', '_')}"
    setattr(WalkTests, _name, _test(_goal, _life))


class SinceTests(SynchronousTestCase):
    def test_record_of_old(self) -> None:
        """
        What ends since a time that nobody has kept is not given time for ever: its
        guest has had it since it began.
        """
        record = HostedInstance(
            instance_id="i-00000001",
            launch=launch(),
            wanted=Goal.ENDED,
            life=Life.SHUTTING_DOWN,
            began_at=NOW,
        )
        parts = Parts(look=Look.RUNNING, is_shutdown_asked=True)
        limits = Limits(launch_deadline_s=600, ended_kept_s=180, terminate_grace_s=60)
        late = NOW + timedelta(seconds=60)
        self.assertEqual(plan(record, parts, late, limits), Destroy())
