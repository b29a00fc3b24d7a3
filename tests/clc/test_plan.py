"""
Tests of L{euca_tw.clc.plan}: the whole table is walked, and what the cloud must
never do is looked for in all of it.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

from attrs import evolve
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
from euca_tw.clc.plan import (
    TABLE,
    Limits,
    Look,
    Seen,
    may_be_nowhere,
    never_placed,
    plan,
)
from euca_tw.common.convergence import Rest
from euca_tw.model.lifecycle import (
    INSTANCE_SHUTDOWN,
    NO_CAPACITY,
    SERVER_ERROR,
    may_follow,
)
from euca_tw.model.records import InstanceState as S
from tests.fakes.instances import instance
from tests.fakes.launches import NOW

LIMITS = Limits(launch_deadline_s=600, ended_kept_s=3600)
WANTED = (S.RUNNING, S.STOPPED, S.TERMINATED)
#: Where what shall end may have ended.
ENDS = (Look.TEARDOWN, Look.MISSING, Look.REMOVED, Look.LOST)
#: What a cluster says of what it stops, or has stopped.
HALTED = (Look.STOPPING, Look.STOPPED)
ENDING = (S.TERMINATED, S.SHUTTING_DOWN)
TOLD: dict[str, Any] = {"private_ip": "10.0.0.1", "node": "http://a/"}


def decide(wanted: S, state: S, look: Look, after_s: float = 1, **given: Any) -> Any:
    seen = {k: given.pop(k) for k in list(given) if k in Seen.__annotations__}
    count = given.pop("count", 0)
    record = instance(wanted=wanted, state=state, starts=count, **given)
    now = NOW + timedelta(seconds=after_s)
    return plan(record, Seen(look=look, **seen), now, LIMITS)


class SinceTests(SynchronousTestCase):
    """A cloud controller that was away for long."""

    def decide(self, look: Look, since_s: float, after_s: float, **told: Any) -> Any:
        limits = evolve(LIMITS, since=NOW + timedelta(seconds=since_s))
        record = instance(wanted=S.RUNNING, state=S.PENDING)
        now = NOW + timedelta(seconds=after_s)
        return plan(record, Seen(look=look, **told), now, limits)

    def test_not_ended_unheard(self) -> None:
        """What it could not hear of is not late before it has listened for as long."""
        for look in (Look.UNHEARD, Look.PENDING):
            decision = self.decide(look, 7200, 7201)
            self.assertEqual(decision, Rest(NOW.timestamp() + 7200 + 600))
            decision = self.decide(look, 7200, 7800)
            self.assertIs(decision.instance.wanted, S.TERMINATED)

    def test_found_to_run(self) -> None:
        """What ran meanwhile runs."""
        decision = self.decide(Look.EXTANT, 7200, 7201, **TOLD)
        self.assertIs(decision.instance.state, S.RUNNING)

    def test_not_launched_again(self) -> None:
        """What its cluster does not know may have ended, and is not launched again."""
        decision = self.decide(Look.MISSING, 7200, 7201)
        self.assertIs(decision.instance.wanted, S.TERMINATED)
        self.assertIsInstance(self.decide(Look.MISSING, 300, 301), Launch)


class TableTests(SynchronousTestCase):
    def all_cases(self) -> Any:
        """Every case, with and without what else may be known."""
        for wanted, state, look in product(WANTED, S, Look):
            for after_s, node, silent, refusal, (asked, told), stays in product(
                (1, 599, 600, 10_000),
                ("", "http://a/"),
                (False, True),
                ("", "full"),
                ((0, 0), (2, 1), (2, 2)),
                (False, True),
            ):
                case = {"node": node, "is_silent": silent, "refusal": refusal}
                is_final = refusal != "" and silent
                # Of the record and of what is seen.
                case |= {"count": asked, "starts": told, "stops_itself": stays}
                case["reason_code"] = INSTANCE_SHUTDOWN if silent else ""
                yield (
                    (wanted, state, look),
                    decide(
                        wanted, state, look, after_s, is_refusal_final=is_final, **case
                    ),
                )

    def test_complete(self) -> None:
        """There is an entry for everything that can be."""
        self.assertEqual(set(TABLE), set(product(WANTED, S, Look)))

    def test_always_a_decision(self) -> None:
        """Every case has a decision, and no life goes backwards."""
        for (wanted, state, look), decision in self.all_cases():
            self.assertIsInstance(
                decision,
                Become
                | Rest
                | Launch
                | Start
                | Stop
                | Terminate
                | Reboot
                | TellBehavior
                | Forget,
            )
            if isinstance(decision, Become) and decision.instance.state is not state:
                self.assertTrue(may_follow(state, decision.instance.state))
            if wanted is S.TERMINATED and isinstance(decision, Become):
                self.assertIs(decision.instance.wanted, S.TERMINATED, look)

    def test_only_the_cluster_ends(self) -> None:
        """
        Terminated is told only if the cluster says so, never took it and never
        will, or is no more.
        """
        for (_, state, look), decision in self.all_cases():
            if state is S.TERMINATED or not isinstance(decision, Become):
                continue
            if decision.instance.state is S.TERMINATED:
                self.assertIn(look, ENDS)
                if look is Look.MISSING:
                    self.assertIs(state, S.PENDING)

    def test_nothing_is_ended_that_shall_run(self) -> None:
        """The cluster is told to end only what shall not run."""
        for (wanted, _, _), decision in self.all_cases():
            if isinstance(decision, Terminate):
                self.assertIs(wanted, S.TERMINATED)

    def test_nothing_that_ran_is_launched(self) -> None:
        """The cluster is told to launch only what never ran and shall."""
        for (wanted, state, look), decision in self.all_cases():
            if isinstance(decision, Launch):
                self.assertEqual(
                    (wanted, state, look), (S.RUNNING, S.PENDING, Look.MISSING)
                )

    def test_nothing_is_stopped_that_shall_run(self) -> None:
        """Its cluster is told to stop only what shall be stopped."""
        for (wanted, _, _), decision in self.all_cases():
            if isinstance(decision, Stop):
                self.assertIs(wanted, S.STOPPED)

    def test_starts(self) -> None:
        """Its cluster is told to start only what shall run, and is known to it."""
        for (wanted, state, look), decision in self.all_cases():
            if isinstance(decision, Start):
                self.assertEqual((wanted, state), (S.RUNNING, S.PENDING))
                self.assertIn(look, (Look.EXTANT, *HALTED))

    def test_settles(self) -> None:
        """No case is amended without end: in a few steps there is another thing."""
        for wanted, state, look in product(WANTED, S, Look):
            for code, starts in product(("Server.X", INSTANCE_SHUTDOWN), (0, 1)):
                record = instance(wanted=wanted, state=state, starts=starts)
                seen = Seen(look=look, reason_code=code, reason="y", **TOLD)
                for _ in range(5):
                    decision = plan(record, seen, NOW, LIMITS)
                    if not isinstance(decision, Become):
                        break
                    self.assertNotEqual(decision.instance, record)
                    record = decision.instance
                else:
                    self.fail(f"{wanted} {state} {look} does not settle")


class PowerTests(SynchronousTestCase):
    def test_stopped_by_its_guest(self) -> None:
        """What its guest switched off ends, or is stopped, as its user wants it."""
        for look, state in zip(HALTED, (S.STOPPING, S.STOPPED), strict=True):
            told = {"reason_code": INSTANCE_SHUTDOWN, "reason": "why"}
            for before in (S.RUNNING, S.PENDING):
                stays = decide(S.RUNNING, before, look, stops_itself=True, **told)
                found = stays.instance
                self.assertEqual((found.wanted, found.state), (S.STOPPED, state))
                self.assertEqual(found.state_reason_code, INSTANCE_SHUTDOWN)
                ends = decide(S.RUNNING, before, look, **told).instance
                self.assertEqual((ends.wanted, ends.state), ENDING)
                self.assertEqual(ends.state_reason_code, INSTANCE_SHUTDOWN)

    def test_did_not_come_up(self) -> None:
        """What did not come up again stays stopped, whatever its user wants."""
        told = {"reason_code": SERVER_ERROR, "reason": "no disk", "starts": 1}
        found = decide(S.RUNNING, S.PENDING, Look.STOPPED, count=1, **told).instance
        self.assertEqual((found.wanted, found.state), (S.STOPPED, S.STOPPED))
        self.assertEqual(
            (found.state_reason_code, found.state_reason), (SERVER_ERROR, "no disk")
        )

    def test_started(self) -> None:
        """What shall run again is started until its cluster knows of it."""
        for look in (Look.EXTANT, *HALTED):
            decision = decide(S.RUNNING, S.PENDING, look, count=2, starts=1)
            self.assertEqual(decision, Start(), look)
        record = decide(S.RUNNING, S.PENDING, Look.EXTANT, count=2, starts=2).instance
        self.assertIs(record.state, S.RUNNING)

    def test_not_in_time(self) -> None:
        """What does not run again in time is to be stopped, and is not ended."""
        for look in (Look.UNHEARD, Look.MISSING, Look.PENDING, Look.STOPPED):
            record = decide(S.RUNNING, S.PENDING, look, 600, count=1).instance
            self.assertEqual((record.wanted, record.state), (S.STOPPED, S.STOPPING))
            self.assertEqual(record.state_reason_code, SERVER_ERROR)

    def test_never_launched_again(self) -> None:
        """What was started again, and is not known, is not launched anew."""
        decision = decide(S.RUNNING, S.PENDING, Look.MISSING, count=1)
        self.assertIsInstance(decision, Rest)

    def test_deadline_of_a_start(self) -> None:
        """The time that a start may take begins with it."""
        later = NOW + timedelta(seconds=500)
        decision = decide(
            S.RUNNING, S.PENDING, Look.PENDING, 1000, count=1, started_at=later
        )
        self.assertEqual(decision, Rest(later.timestamp() + 600))

    def test_stopping(self) -> None:
        """What shall stop is told so until it does, and on if it is forced."""
        case = (S.STOPPED, S.STOPPING)
        self.assertEqual(decide(*case, Look.EXTANT), Stop())
        self.assertEqual(decide(*case, Look.STOPPING), Rest())
        self.assertEqual(decide(*case, Look.STOPPING, is_stop_forced=True), Stop())
        self.assertIs(decide(*case, Look.STOPPED).instance.state, S.STOPPED)

    def test_a_late_start_comes_too_late(self) -> None:
        """
        Before a start that was given up is told to have stopped, its cluster must
        know that it is.
        """
        for state in (S.STOPPING, S.STOPPED):
            decision = decide(S.STOPPED, state, Look.STOPPED, count=2, starts=1)
            self.assertEqual(decision, Stop())

    def test_started_by_nobody(self) -> None:
        """What runs and was told to be stopped is stopped again."""
        self.assertEqual(decide(S.STOPPED, S.STOPPED, Look.EXTANT), Stop())

    def test_behavior(self) -> None:
        """A node that does not know what its guest's end means is told."""
        decision = decide(S.RUNNING, S.RUNNING, Look.EXTANT, stops_itself=True)
        self.assertEqual(decision, TellBehavior(True))
        told = {"stops_itself": True, "is_told_to_stop": True}
        self.assertEqual(decide(S.RUNNING, S.RUNNING, Look.EXTANT, **told), Rest())


class CaseTests(SynchronousTestCase):
    def test_launched(self) -> None:
        """What shall run and is not known is launched."""
        self.assertEqual(decide(S.RUNNING, S.PENDING, Look.MISSING), Launch())

    def test_comes(self) -> None:
        """What is on its way is waited for until its deadline."""
        decision = decide(S.RUNNING, S.PENDING, Look.PENDING)
        self.assertEqual(decision, Rest(NOW.timestamp() + 600))

    def test_overdue(self) -> None:
        """What did not run in time shall end, and says why."""
        record = decide(
            S.RUNNING, S.PENDING, Look.PENDING, 600, reason="no image"
        ).instance
        self.assertEqual((record.wanted, record.state), (S.TERMINATED, S.SHUTTING_DOWN))
        self.assertEqual(
            (record.state_reason_code, record.state_reason), (SERVER_ERROR, "no image")
        )

    def test_no_place(self) -> None:
        """What found no place in time says so."""
        record = decide(
            S.RUNNING, S.PENDING, Look.MISSING, 600, refusal="full"
        ).instance
        self.assertEqual(
            (record.state_reason_code, record.state_reason), (NO_CAPACITY, "full")
        )

    def test_never_a_place(self) -> None:
        """What will never find a place has ended at once."""
        record = decide(
            S.RUNNING, S.PENDING, Look.MISSING, refusal="tiny", is_refusal_final=True
        ).instance
        self.assertEqual(
            (record.state, record.state_reason_code), (S.TERMINATED, NO_CAPACITY)
        )

    def test_runs(self) -> None:
        """What runs is told to, with its address and its node."""
        record = decide(S.RUNNING, S.PENDING, Look.EXTANT, **TOLD).instance
        self.assertEqual(
            (record.state, record.private_ip, record.node),
            (S.RUNNING, "10.0.0.1", "http://a/"),
        )

    def test_missed(self) -> None:
        """What ran and is not known to its cluster is silent, not ended."""
        record = decide(S.RUNNING, S.RUNNING, Look.MISSING).instance
        self.assertEqual((record.state, record.is_silent), (S.RUNNING, True))

    def test_reboot(self) -> None:
        """Several reboots asked for are one."""
        decision = decide(S.RUNNING, S.RUNNING, Look.EXTANT, reboots_wanted=3)
        self.assertEqual(decision, Reboot(3))
        self.assertEqual(
            decide(S.RUNNING, S.RUNNING, Look.EXTANT, reboots_wanted=3, reboots_done=3),
            Rest(),
        )

    def test_came_back(self) -> None:
        """What was told to have ended and is there is ended again."""
        for look in (Look.PENDING, Look.EXTANT):
            self.assertEqual(decide(S.TERMINATED, S.TERMINATED, look), Terminate())

    def test_forgotten(self) -> None:
        """What has ended is kept for a while."""
        decision = decide(S.TERMINATED, S.TERMINATED, Look.MISSING, ended_at=NOW)
        self.assertEqual(decision, Rest(NOW.timestamp() + 3600))
        decision = decide(S.TERMINATED, S.TERMINATED, Look.MISSING, 3600, ended_at=NOW)
        self.assertEqual(decision, Forget())

    def test_nowhere(self) -> None:
        """
        What no node ever had may be nowhere, when its cluster will not launch it;
        of what a node had, only the node can say so.
        """
        ending = {"wanted": S.TERMINATED, "state": S.SHUTTING_DOWN}
        missing, pending = Seen(look=Look.MISSING), Seen(look=Look.PENDING)
        self.assertTrue(may_be_nowhere(instance(**ending), missing))
        on_a_node = instance(node="http://a/", **ending)
        self.assertFalse(may_be_nowhere(on_a_node, missing))
        self.assertFalse(may_be_nowhere(instance(**ending), pending))
        self.assertFalse(may_be_nowhere(instance(), missing))
        self.assertIs(never_placed(instance(**ending), NOW).state, S.TERMINATED)
