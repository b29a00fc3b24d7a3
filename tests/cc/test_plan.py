"""
Tests of L{euca_tw.cc.plan}: the whole table is walked, and what a cluster must
never do is looked for in all of it.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.cc.plan import (
    TABLE,
    Become,
    Forget,
    Launch,
    Look,
    Seen,
    Start,
    Stop,
    Terminate,
    plan,
)
from euca_tw.cc.records import NODE_LOST, Placement
from euca_tw.common.convergence import Rest
from euca_tw.model.lifecycle import Phase, Wanted
from tests.fakes.launches import NOW, launch

PLACED = Placement(
    instance_id="i-00000001", launch=launch(), node="http://a/", placed_at=NOW
)


def decide(
    wanted: Wanted, phase: Phase, look: Look, after_s: float = 1, **given: Any
) -> Any:
    seen = {k: given.pop(k) for k in list(given) if k in Seen.__annotations__}
    count = given.pop("count", 0)
    placement = evolve(PLACED, wanted=wanted, phase=phase, starts=count, **given)
    now = NOW + timedelta(seconds=after_s)
    return plan(placement, Seen(look=look, **seen), now, 300)


class TableTests(SynchronousTestCase):
    def all_cases(self) -> Any:
        for wanted, phase, look in product(Wanted, Phase, Look):
            for (asked, told), after_s, was_seen, heard, of, strays in product(
                ((0, 0), (2, 1), (2, 2)),
                (1, 1000),
                (False, True),
                (False, True),
                (None, PLACED.launch),
                ((), ("http://b/",)),
            ):
                yield (
                    (wanted, phase, look),
                    strays,
                    decide(
                        wanted,
                        phase,
                        look,
                        after_s,
                        was_seen=was_seen,
                        is_heard=heard,
                        launch=of,
                        strays=strays,
                        count=asked,
                        starts=told,
                    ),
                )

    def test_complete(self) -> None:
        """There is an entry for everything that can be."""
        self.assertEqual(set(TABLE), set(product(Wanted, Phase, Look)))

    def test_only_the_node_ends(self) -> None:
        """Ended is told only if the node says so, is no more, or was declared lost."""
        for (_, phase, look), _, decision in self.all_cases():
            if phase is Phase.TEARDOWN or not isinstance(decision, Become):
                continue
            if decision.placement.phase is Phase.TEARDOWN:
                self.assertIn(look, (Look.TEARDOWN, Look.REMOVED, Look.LOST))

    def test_nothing_is_ended_that_shall_run(self) -> None:
        """The instance's own node is told to end only what shall end."""
        for (wanted, _, _), _, decision in self.all_cases():
            if isinstance(decision, Terminate) and decision.node == PLACED.node:
                self.assertIs(wanted, Wanted.ENDED)

    def test_nothing_that_ran_is_launched(self) -> None:
        """Only what the node does not know and never ran is launched."""
        for case, strays, decision in self.all_cases():
            if isinstance(decision, Launch):
                self.assertEqual(case, (Wanted.RUNNING, Phase.PENDING, Look.ABSENT))
                self.assertEqual(strays, ())

    def test_nothing_is_stopped_that_shall_run(self) -> None:
        """Its node is told to stop only what shall be stopped, and to start only
        what shall run, and is behind."""
        for (wanted, _, _), _, decision in self.all_cases():
            if isinstance(decision, Stop):
                self.assertIs(wanted, Wanted.STOPPED)
            if isinstance(decision, Start):
                self.assertIs(wanted, Wanted.RUNNING)

    def test_a_removed_node_ends_nothing_by_itself(self) -> None:
        """What shall run is not ended because its node left the configuration."""
        for phase in (Phase.PENDING, Phase.EXTANT):
            self.assertEqual(decide(Wanted.RUNNING, phase, Look.REMOVED), Rest())

    def test_lost(self) -> None:
        """All that was on a node that was declared lost has ended, and says why."""
        for wanted, phase in product(Wanted, Phase):
            if phase is Phase.TEARDOWN:
                continue
            after = decide(wanted, phase, Look.LOST).placement
            self.assertEqual(
                (after.wanted, after.phase), (Wanted.ENDED, Phase.TEARDOWN)
            )
            self.assertEqual(after.reason, NODE_LOST)

    def test_silence_is_waited_for(self) -> None:
        """While a node does not answer, nothing is done about what is on it."""
        for wanted, phase in product(Wanted, (Phase.PENDING, Phase.EXTANT)):
            self.assertEqual(decide(wanted, phase, Look.UNHEARD), Rest())

    def test_settles(self) -> None:
        """No case is amended without end."""
        for wanted, phase, look in product(Wanted, Phase, Look):
            placement = evolve(PLACED, wanted=wanted, phase=phase)
            for _ in range(4):
                decision = plan(placement, Seen(look=look), NOW, 300)
                if not isinstance(decision, Become):
                    break
                self.assertNotEqual(decision.placement, placement)
                placement = decision.placement
            else:
                self.fail(f"{wanted} {phase} {look} does not settle")


class PowerTests(SynchronousTestCase):
    def test_stop(self) -> None:
        """What shall stop is told so, until it does."""
        case = (Wanted.STOPPED, Phase.EXTANT)
        seen = {"was_seen": True}
        self.assertEqual(decide(*case, Look.EXTANT, **seen), Stop("http://a/"))
        stops = decide(*case, Look.STOPPING).placement
        self.assertIs(stops.phase, Phase.STOPPING)
        case = (Wanted.STOPPED, Phase.STOPPING)
        self.assertEqual(decide(*case, Look.STOPPING, **seen), Rest())
        forced = decide(*case, Look.STOPPING, is_forced=True, **seen)
        self.assertEqual(forced, Stop("http://a/"))
        self.assertIs(decide(*case, Look.STOPPED).placement.phase, Phase.STOPPED)

    def test_start(self) -> None:
        """What shall run again is started until its node knows of it."""
        for phase in (Phase.STOPPED, Phase.STOPPING, Phase.PENDING, Phase.EXTANT):
            for look in (Look.STOPPED, Look.STOPPING, Look.EXTANT):
                decision = decide(Wanted.RUNNING, phase, look, count=2, starts=1)
                self.assertEqual(decision, Start("http://a/"), (phase, look))
        case = (Wanted.RUNNING, Phase.STOPPED)
        comes = decide(*case, Look.PENDING, count=2, starts=2).placement
        self.assertEqual((comes.phase, comes.starts_told), (Phase.PENDING, 2))
        runs = decide(*case, Look.EXTANT, count=2, starts=2).placement
        self.assertEqual((runs.phase, runs.starts_told), (Phase.EXTANT, 2))

    def test_stopped_by_itself(self) -> None:
        """What stops after its last start, unasked, is wanted so, and says why."""
        for phase in (Phase.EXTANT, Phase.PENDING, Phase.STOPPED):
            found = decide(
                Wanted.RUNNING,
                phase,
                Look.STOPPED,
                count=2,
                starts=2,
                reason_code="Client.X",
                reason="why",
            )
            assert isinstance(found, Become)
            after = found.placement
            self.assertEqual(
                (after.wanted, after.phase), (Wanted.STOPPED, Phase.STOPPED)
            )

    def test_start_came_too_late(self) -> None:
        """A node that is behind is told that what has stopped shall stay so."""
        case = {"count": 2, "starts": 1, "was_seen": True, "starts_told": 1}
        decision = decide(Wanted.STOPPED, Phase.STOPPED, Look.STOPPED, **case)
        self.assertEqual(decision, Stop("http://a/"))

    def test_not_launched_again(self) -> None:
        """What was started again is not launched where it is not known."""
        decision = decide(Wanted.RUNNING, Phase.PENDING, Look.ABSENT, count=1)
        self.assertEqual(decision, Rest())

    def test_ended(self) -> None:
        """What is stopped ends as others do."""
        for phase, look in product(
            (Phase.STOPPING, Phase.STOPPED), (Look.STOPPING, Look.STOPPED)
        ):
            decision = decide(Wanted.ENDED, phase, look)
            self.assertEqual(decision, Terminate("http://a/"))


class CaseTests(SynchronousTestCase):
    def test_launched(self) -> None:
        """What its node does not know is launched there."""
        decision = decide(Wanted.RUNNING, Phase.PENDING, Look.ABSENT)
        self.assertEqual(decision, Launch("http://a/"))

    def test_learned_and_lost(self) -> None:
        """What was only ever learned from a node is left to the cloud."""
        decision = decide(Wanted.RUNNING, Phase.PENDING, Look.ABSENT, launch=None)
        self.assertEqual(decision, Forget())

    def test_runs(self) -> None:
        """What runs is noted to have been seen."""
        placed = decide(Wanted.RUNNING, Phase.PENDING, Look.EXTANT).placement
        self.assertEqual((placed.phase, placed.was_seen), (Phase.EXTANT, True))

    def test_ended(self) -> None:
        """Why it ended is what the node says."""
        placed = decide(
            Wanted.RUNNING,
            Phase.EXTANT,
            Look.TEARDOWN,
            reason_code="",
            reason="",
        ).placement
        self.assertEqual(placed.wanted, Wanted.ENDED)
        seen = Seen(look=Look.TEARDOWN, reason_code="Client.X", reason="why")
        decision = plan(PLACED, seen, NOW, 300)
        assert isinstance(decision, Become)
        self.assertEqual(decision.placement.reason_code, "Client.X")

    def test_terminate_is_told_to_who_does_not_know(self) -> None:
        """A node is told to end also what it does not know: to remember it."""
        decision = decide(Wanted.ENDED, Phase.PENDING, Look.ABSENT)
        self.assertEqual(decision, Terminate("http://a/"))

    def test_never_placed(self) -> None:
        """What no node has has ended when all have told all that they have."""
        decision = decide(Wanted.ENDED, Phase.PENDING, Look.ABSENT, node="")
        self.assertEqual(decision.placement.phase, Phase.TEARDOWN)

    def test_stray_is_ended(self) -> None:
        """An instance that is in two places is ended where it should not be."""
        decision = decide(
            Wanted.RUNNING, Phase.EXTANT, Look.EXTANT, strays=("http://b/",)
        )
        self.assertEqual(decision, Terminate("http://b/"))

    def test_stray_is_taken(self) -> None:
        """One that is only where it should not be is taken to be placed there."""
        decision = decide(
            Wanted.RUNNING, Phase.PENDING, Look.ABSENT, strays=("http://b/",)
        )
        self.assertEqual(decision.placement.node, "http://b/")

    def test_forgotten_when_heard(self) -> None:
        """What has ended is told of until it was heard, and for a while."""
        ended = (Wanted.ENDED, Phase.TEARDOWN, Look.ABSENT)
        self.assertEqual(decide(*ended, ended_at=NOW), Rest(NOW.timestamp() + 300))
        self.assertEqual(
            decide(*ended, after_s=300, ended_at=NOW), Rest(NOW.timestamp() + 600)
        )
        self.assertEqual(
            decide(*ended, after_s=300, ended_at=NOW, is_heard=True), Forget()
        )
