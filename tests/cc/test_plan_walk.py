"""
Every way in which L{euca_tw.cc.plan} can go, step after step, to where it comes to
rest.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from attrs import define, evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.cc.plan import (
    Become,
    Forget,
    Launch,
    Look,
    Start,
    Stop,
    Terminate,
    plan,
)
from euca_tw.cc.records import Placement
from euca_tw.common.convergence import Rest
from euca_tw.model.lifecycle import Phase, Wanted
from tests.fakes.launches import NOW, launch
from tests.suites.walk import Choose, Unknown, every

BOOLEAN = (False, True)
HERE, THERE = "http://a/", "http://b/"
SEEN = {
    "look": tuple(Look),
    "reason_code": ("", "Client.X"),
    "reason": ("why",),
    "starts": (0, 1, 2),
    "strays": ((), (THERE,), (THERE, "http://c/")),
    "is_heard": BOOLEAN,
}
KEPT_S = 300.0
LAUNCH = launch()
#: No walk is longer, so what is does not come to rest.
MOST_STEPS = 20
#: While its node says nothing of it nothing is done, or not what it waits for.
WAITS = (Look.UNHEARD, Look.ABSENT, Look.REMOVED, Look.PENDING, Look.STOPPING)


@define
class Walk:
    """What one instance comes to, if all its steps succeed."""

    placement: Placement | None
    seen: Any
    now: datetime = NOW + timedelta(seconds=1)

    def go(self) -> list[Any]:
        """Every decision, until it rests for good."""
        taken: list[Any] = []
        while self.placement is not None:
            assert len(taken) < MOST_STEPS, f"it goes round: {taken}"
            decision = plan(self.placement, self.seen, self.now, KEPT_S)
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
        self.seen.is_heard = True
        return True

    def take(self, decision: Any) -> None:
        placement, seen = self.placement, self.seen
        assert placement is not None
        match decision:
            case Become():
                after = decision.placement
                if after.node != placement.node:
                    # It is where it was found.
                    seen.strays, seen.look = seen.strays[1:], Look.EXTANT
                elif after.phase is Phase.TEARDOWN and seen.look is Look.LOST:
                    # What is said of it from now on is what its node says.
                    seen.look = Look.UNHEARD
                self.placement = after
            case Launch():
                seen.look, seen.starts = Look.EXTANT, 0
            case Start():
                seen.look, seen.starts = Look.EXTANT, placement.starts
            case Stop():
                seen.look = Look.STOPPED
                seen.starts = max(placement.starts, seen.starts)
            case Terminate():
                if decision.node in seen.strays:
                    seen.strays = seen.strays[1:]
                else:
                    seen.look = Look.TEARDOWN
            case Forget():
                self.placement = None


def walks(wanted: Wanted, phase: Phase) -> Any:
    """All of a placement that shall be so, and is."""
    for of, node, was_seen, is_forced, starts, told, ended_at, code in product(
        (None, LAUNCH),
        ("", HERE),
        BOOLEAN,
        BOOLEAN,
        (0, 1),
        (0, 1),
        (None, NOW),
        ("", "Client.Y"),
    ):
        if ended_at and phase is not Phase.TEARDOWN:
            continue  # said of no other
        if not node and (of is not None or wanted is not Wanted.ENDED):
            continue  # remembered only to be ended
        placement = Placement(
            instance_id="i-00000001",
            launch=of,
            node=node,
            wanted=wanted,
            phase=phase,
            reason_code=code,
            was_seen=was_seen,
            placed_at=NOW,
            ended_at=ended_at,
            starts=starts,
            starts_told=told,
            is_forced=is_forced,
        )

        def walk(choose: Choose, placement: Placement = placement) -> Any:
            walk = Walk(placement, Unknown(choose, SEEN))
            return placement, walk, walk.go()

        yield from every(walk)


class WalkTests(SynchronousTestCase):
    """Every state that can be, and every way from there if all steps succeed."""

    def check(self, wanted: Wanted, phase: Phase) -> None:
        count = 0
        for before, walk, taken in walks(wanted, phase):
            count += 1
            is_ended = False
            for step in taken:
                if isinstance(step, Become):
                    is_now = step.placement.phase is Phase.TEARDOWN
                    self.assertTrue(is_now or not is_ended, "it came back")
                    is_ended = is_now
                if wanted is Wanted.ENDED or is_ended:
                    self.assertNotIsInstance(step, Launch | Start | Stop)
            after, look = walk.placement, walk.seen.look
            if after is None:
                continue
            self.assertIsNot(after.phase, Phase.TEARDOWN, "it is never forgotten")
            if look in WAITS:
                # What is not heard of stays what it was.
                if look in (Look.UNHEARD, Look.ABSENT) and before.node == after.node:
                    self.assertEqual(after.phase, before.phase)
                continue
            settled = {
                Wanted.RUNNING: (Phase.EXTANT, Look.EXTANT),
                Wanted.STOPPED: (Phase.STOPPED, Look.STOPPED),
            }
            self.assertEqual((after.phase, look), settled.get(after.wanted), taken)
        self.assertGreater(count, 0)

    def test_idempotent(self) -> None:
        """What is decided twice of one state is the same: the plan keeps nothing."""
        for wanted, phase, look in product(Wanted, Phase, Look):
            placement = evolve(
                Placement(
                    instance_id="i-00000001", launch=LAUNCH, node=HERE, placed_at=NOW
                ),
                wanted=wanted,
                phase=phase,
            )
            seen = Unknown(lambda options: options[0], SEEN, look=look)
            first = plan(placement, seen, NOW, KEPT_S)  # type: ignore[arg-type]
            again = plan(placement, seen, NOW, KEPT_S)  # type: ignore[arg-type]
            self.assertEqual(first, again)


def _test(wanted: Wanted, phase: Phase) -> Any:
    def test(self: WalkTests) -> None:
        self.check(wanted, phase)

    test.__doc__ = (
        f"What shall be {wanted.value} and is {phase.value} comes to be so, or to have "
        "ended, and nothing goes round."
    )
    return test


for _wanted, _phase in product(Wanted, Phase):
    _name = f"test_{_wanted.value}_{_phase.value.lower()}"
    setattr(WalkTests, _name, _test(_wanted, _phase))
