"""
Every way in which L{euca_tw.clc.plan} can go, step after step, to where it comes to
rest.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from attrs import define, evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.decisions import (
    Become,
    Forget,
    Launch,
    Reboot,
    Start,
    Stop,
    TellBehavior,
    Terminate,
)
from euca_tw.clc.plan import Look, plan
from euca_tw.common.convergence import Rest
from euca_tw.model.lifecycle import INSTANCE_SHUTDOWN, USER_SHUTDOWN, may_follow
from euca_tw.model.records import WANTED_STATES, Instance, InstanceState
from tests.fakes.instances import instance
from tests.fakes.launches import NOW
from tests.suites.walk import Choose, Unknown, every

S = InstanceState
BOOLEAN = (False, True)
SEEN = {
    "look": tuple(Look),
    # Only kept, and never asked about.
    "private_ip": ("10.0.0.1",),
    "node": ("http://a/",),
    "reason_code": ("", INSTANCE_SHUTDOWN, "Server.X"),
    "reason": ("", "why"),
    "starts": (0, 1, 2),
    "refusal": ("", "full"),
    "is_refusal_final": BOOLEAN,
    "is_silent": BOOLEAN,
}
LIMITS = {
    "launch_deadline_s": (600.0,),
    "ended_kept_s": (3600.0,),
    "since": (NOW - timedelta(days=1), NOW + timedelta(days=1)),
}
#: No walk is longer, so what is does not come to rest.
MOST_STEPS = 25
#: While its cluster says nothing of it, it stays what it was.
WAITS = (Look.UNHEARD, Look.MISSING, Look.REMOVED)


@define
class Walk:
    """What one instance comes to, if all its steps succeed."""

    record: Instance | None
    seen: Any
    limits: Any
    now: datetime

    def go(self) -> list[Any]:
        """Every decision, until it rests for good."""
        taken: list[Any] = []
        while self.record is not None:
            assert len(taken) < MOST_STEPS, f"it goes round: {taken}"
            decision = plan(self.record, self.seen, self.now, self.limits)
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
        return True

    def take(self, decision: Any) -> None:
        record, seen = self.record, self.seen
        assert record is not None
        match decision:
            case Become():
                before, self.record = record.state, decision.instance
                after = self.record.state
                assert after is before or may_follow(before, after), (before, after)
                if after is S.TERMINATED and seen.look is Look.LOST:
                    # What is said of it from now on is what its cluster says.
                    seen.look = Look.UNHEARD
            case Launch():
                seen.look = Look.PENDING
            case Start():
                seen.look, seen.starts = Look.EXTANT, record.starts
            case Stop():
                seen.look = Look.STOPPED
                seen.starts = max(record.starts, seen.starts)
            case TellBehavior(stops_itself):
                self.record = evolve(record, is_told_to_stop=stops_itself)
            case Terminate():
                seen.look = Look.TEARDOWN
            case Reboot(count):
                self.record = evolve(record, reboots_done=count)
            case Forget():
                self.record = None


def walks(wanted: S, state: S) -> Any:
    """All of an instance that shall be so, and is."""
    shall_run = wanted is S.RUNNING
    for starts, stops, told, forced, reboots, code, late in product(
        (0, 1),
        BOOLEAN,
        # These are asked about only of what shall run, and of what shall not.
        BOOLEAN if shall_run else (False,),
        BOOLEAN if wanted is S.STOPPED else (False,),
        (0, 1) if shall_run else (0,),
        ("", USER_SHUTDOWN),
        (1, 10_000),
    ):
        record = instance(
            wanted=wanted,
            state=state,
            starts=starts,
            stops_itself=stops,
            is_told_to_stop=told,
            is_stop_forced=forced,
            reboots_wanted=reboots,
            state_reason_code=code,
            ended_at=NOW if state is S.TERMINATED and late == 1 else None,
        )

        def walk(choose: Choose, record: Instance = record, late: int = late) -> Any:
            seen, limits = Unknown(choose, SEEN), Unknown(choose, LIMITS)
            walk = Walk(record, seen, limits, NOW + timedelta(seconds=late))
            return record, walk, walk.go()

        yield from every(walk)


class WalkTests(SynchronousTestCase):
    """Every state that can be, and every way from there if all steps succeed."""

    def check(self, wanted: S, state: S) -> None:
        count = 0
        for before, walk, taken in walks(wanted, state):
            count += 1
            shall_end = wanted is S.TERMINATED
            for step in taken:
                if isinstance(step, Become):
                    shall_end |= step.instance.wanted is S.TERMINATED
                    if step.instance.state is S.TERMINATED:
                        self.assertTrue(step.instance.state_reason_code)
                if shall_end:
                    self.assertNotIsInstance(step, Launch | Start | Stop | Reboot)
            after, look = walk.record, walk.seen.look
            if after is None:
                continue
            self.assertIsNot(after.state, S.TERMINATED, "it is never forgotten")
            if look in WAITS:
                self.check_waits(before, after, look)
                continue
            settled = {
                (S.RUNNING, S.RUNNING): (Look.EXTANT, Look.PENDING),
                (S.STOPPED, S.STOPPED): (Look.STOPPED, Look.STOPPING, Look.PENDING),
                # What comes up first is asked to stop, and stops.
                (S.STOPPED, S.STOPPING): (Look.STOPPING,),
            }
            shall = after.wanted, after.state
            self.assertIn(look, settled.get(shall, ()), (shall, taken))
        self.assertGreater(count, 0)

    def check_waits(self, before: Instance, after: Instance, look: Look) -> None:
        """Not to be heard of is not to have ended."""
        is_live = before.state in (S.RUNNING, S.STOPPED, S.STOPPING)
        if is_live and before.wanted is not S.TERMINATED:
            self.assertIn(after.state, (S.RUNNING, S.STOPPED, S.STOPPING))
        self.assertIsNot(after.state, S.TERMINATED)


def _test(wanted: S, state: S) -> Any:
    def test(self: WalkTests) -> None:
        self.check(wanted, state)

    test.__doc__ = (
        f"What shall be {wanted.value} and is {state.value} comes to be so, or to have "
        "ended, and nothing goes round."
    )
    return test


for _wanted, _state in product(WANTED_STATES, S):
    _name = f"test_{_wanted.value}_{_state.value.replace('-', '_')}"
    setattr(WalkTests, _name, _test(_wanted, _state))
