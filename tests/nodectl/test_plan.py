"""
Tests of L{euca_tw.nodectl.plan}: the whole table is walked, and what a node must
never do is looked for in all of it.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from itertools import product
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.convergence import Rest
from euca_tw.model.lifecycle import INSTANCE_SHUTDOWN, SERVER_ERROR, Phase
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
from euca_tw.nodectl.interfaces import DomainState
from euca_tw.nodectl.life import FOLLOWS, Goal, Life
from euca_tw.nodectl.plan import (
    TABLE,
    Limits,
    Look,
    Parts,
    look_of,
    plan,
)
from euca_tw.nodectl.records import HostedInstance
from tests.fakes.launches import NOW, launch

HOSTED = HostedInstance(instance_id="i-00000001", launch=launch(), began_at=NOW)
LIMITS = Limits(
    launch_deadline_s=600, ended_kept_s=180, stop_grace_s=60, terminate_grace_s=5
)
AGAIN = evolve(LIMITS, restart_on_host_boot=True)
READY = {"is_staged": True, "is_attached": True}
RUNNING = (Goal.RUNNING, Life.RUNNING)
ENDING = (Goal.ENDED, Life.SHUTTING_DOWN)
ENDED = (Goal.ENDED, Life.TERMINATED)


def decide(
    wanted: Goal,
    life: Life,
    look: Look,
    after_s: float = 1,
    limits: Limits = LIMITS,
    **given: Any,
) -> Any:
    parts = {k: given.pop(k) for k in list(given) if k in Parts.__annotations__}
    record = evolve(HOSTED, wanted=wanted, life=life, since=NOW, **given)
    now = NOW + timedelta(seconds=after_s)
    return plan(record, Parts(look=look, **parts), now, limits)


@cache
def all_cases() -> tuple[tuple[tuple[Goal, Life, Look], Any], ...]:
    flags = (
        *("is_staged", "is_attached", "is_detached", "is_heard", "was_seen"),
        *("is_shutdown_asked", "is_deaf"),
    )
    return tuple(
        (
            (wanted, life, look),
            decide(
                *(wanted, life, look, after_s, limits),
                is_clean=is_clean,
                **dict(zip(flags, values, strict=True)),
            ),
        )
        for wanted, life, look in product(Goal, Life, Look)
        for limits, after_s, is_clean, *values in product(
            (LIMITS, AGAIN), (1, 1000), (False, True), *[(False, True)] * len(flags)
        )
    )


class TableTests(SynchronousTestCase):
    def test_complete(self) -> None:
        """There is an entry for everything that can be."""
        self.assertEqual(set(TABLE), set(product(Goal, Life, Look)))

    def test_looks(self) -> None:
        """Every state that a hypervisor tells is looked upon."""
        for state in (None, *DomainState):
            self.assertIsNot(look_of(state), Look.UNKNOWN)

    def test_life_goes_its_ways(self) -> None:
        """A life goes from each step to one that may follow, in all cases."""
        for (_, life, _), decision in all_cases():
            if isinstance(decision, Become) and decision.record.life is not life:
                self.assertIn(decision.record.life, FOLLOWS[life])

    def test_ended_means_gone(self) -> None:
        """Ended is told only when the domain is gone and the card is taken off."""
        for (_, life, look), decision in all_cases():
            if life is Life.TERMINATED or not isinstance(decision, Become):
                continue
            if decision.record.life is Life.TERMINATED:
                self.assertIs(look, Look.ABSENT)

    def test_nothing_is_destroyed_that_shall_run(self) -> None:
        """
        Disks are taken only from what shall end; domains and cards also from
        what shall stop, or was to when it was asked to start.
        """
        for (wanted, life, _), decision in all_cases():
            if isinstance(decision, Discard | Forget):
                self.assertIs(wanted, Goal.ENDED)
            if isinstance(decision, ShutDown | Destroy | Detach):
                self.assertTrue(wanted is not Goal.RUNNING or life is Life.STOPPING)

    def test_no_disk_under_a_domain(self) -> None:
        """A disk is deleted only when the domain is known to be gone."""
        for (_, _, look), decision in all_cases():
            if isinstance(decision, Discard | Forget):
                self.assertIs(look, Look.ABSENT)

    def test_nothing_runs_twice(self) -> None:
        """A domain is begun only where none is known to run."""
        for (_, life, look), decision in all_cases():
            if isinstance(decision, Run):
                self.assertIs(life, Life.BOOTING)
                self.assertIn(look, (Look.ABSENT, Look.SHUTOFF))

    def test_what_is_not_known_is_left_alone(self) -> None:
        """While the hypervisor says nothing, no domain is touched."""
        for (_, _, look), decision in all_cases():
            if look is Look.UNKNOWN:
                self.assertIsInstance(decision, Rest | Become | Attach)

    def test_what_has_ended_is_noticed(self) -> None:
        """A domain that has ended by itself is never taken for one that runs."""
        for (_, _, look), decision in all_cases():
            if look in (Look.HALTED, Look.CRASHED, Look.KILLED):
                self.assertNotIsInstance(decision, ShutDown | Reboot | Attach | Run)
                self.assertNotIsInstance(decision, Rest)

    def test_run_again(self) -> None:
        """
        What ran is run again only where the site wants it, its domain is off or
        gone and nothing says why, and this process never saw it run; and then
        always.
        """
        cases = product(Goal, Life, Look, (False, True), (LIMITS, AGAIN))
        for wanted, life, look, was_seen, limits in cases:
            given = {"was_seen": was_seen, "has_run": True}
            decision = decide(wanted, life, look, 1, limits, **given)
            self.assertEqual(
                life is Life.RUNNING
                and isinstance(decision, Become)
                and decision.record.life is Life.BOOTING,
                (wanted, life) == RUNNING
                and look in (Look.ABSENT, Look.SHUTOFF)
                and limits.restart_on_host_boot
                and not was_seen,
            )

    def test_settles(self) -> None:
        """No case is amended without end."""
        for wanted, life, look, limits in product(Goal, Life, Look, (LIMITS, AGAIN)):
            record = evolve(HOSTED, wanted=wanted, life=life, since=NOW)
            for _ in range(8):
                parts = Parts(look=look, is_detached=True)
                decision = plan(record, parts, NOW, limits)
                if not isinstance(decision, Become):
                    break
                self.assertNotEqual(decision.record, record)
                record = decision.record
            else:
                self.fail(f"{wanted} {life} {look} does not settle")


class CaseTests(SynchronousTestCase):
    def test_launch(self) -> None:
        """A launch is: disk; then card, domain."""
        staging = (Goal.RUNNING, Life.STAGING, Look.ABSENT)
        self.assertEqual(decide(*staging), Stage())
        record = decide(*staging, is_staged=True).record
        self.assertIs(record.life, Life.BOOTING)
        booting = (Goal.RUNNING, Life.BOOTING, Look.ABSENT)
        self.assertEqual(decide(*booting, is_staged=True), Attach())
        self.assertEqual(decide(*booting, **READY), Run())

    def test_boot_after_a_restart(self) -> None:
        """A node controller started anew finds the disk before it boots it."""
        booting = (Goal.RUNNING, Life.BOOTING, Look.ABSENT)
        self.assertEqual(decide(*booting), Stage())

    def test_began(self) -> None:
        """What runs is running, and has run."""
        for life in (Life.STAGING, Life.BOOTING):
            decision = decide(Goal.RUNNING, life, Look.RUNNING)
            self.assertIs(decision.record.life, Life.RUNNING)
            self.assertTrue(decision.record.has_run)

    def test_adopted(self) -> None:
        """What runs already has its card served again."""
        self.assertEqual(decide(*RUNNING, Look.RUNNING), Attach())
        self.assertEqual(decide(*RUNNING, Look.RUNNING, is_attached=True), Rest())

    def test_reboot(self) -> None:
        """What runs is rebooted when asked."""
        decision = decide(*RUNNING, Look.RUNNING, is_reboot_asked=True, **READY)
        self.assertEqual(decision, Reboot())

    def test_reasons(self) -> None:
        """Why an instance ended by itself is told."""
        for look, was_seen, code, words in (
            (Look.ABSENT, True, INSTANCE_SHUTDOWN, "initiated shutdown"),
            (Look.ABSENT, False, SERVER_ERROR, "was gone when"),
            (Look.SHUTOFF, False, SERVER_ERROR, "was gone when"),
            (Look.HALTED, False, INSTANCE_SHUTDOWN, "initiated shutdown"),
            (Look.CRASHED, True, SERVER_ERROR, "crashed"),
            (Look.KILLED, True, SERVER_ERROR, "not by this cloud"),
        ):
            record = decide(*RUNNING, look, was_seen=was_seen).record
            self.assertEqual((record.wanted, record.reason_code), (Goal.ENDED, code))
            self.assertIn(words, record.reason)
            self.assertIs(record.life, Life.SHUTTING_DOWN)

    def test_refused(self) -> None:
        """What the hypervisor will never run has failed at once."""
        record = decide(
            Goal.RUNNING, Life.BOOTING, Look.ABSENT, refusal="no such CPU", **READY
        ).record
        self.assertEqual(record.reason, "no such CPU")
        self.assertIs(record.wanted, Goal.ENDED)

    def test_overdue(self) -> None:
        """What does not run in time has failed, with the last trouble."""
        for life, look in product(
            (Life.STAGING, Life.BOOTING), (Look.ABSENT, Look.UNKNOWN)
        ):
            record = decide(Goal.RUNNING, life, look, 600, trouble="no image").record
            self.assertEqual(
                (record.reason_code, record.reason), (SERVER_ERROR, "no image")
            )

    def test_deadline_of_a_restart(self) -> None:
        """
        A node controller that was down gives what was under way its time anew,
        and no more.
        """
        since = NOW + timedelta(hours=1)
        for look in (Look.ABSENT, Look.UNKNOWN):
            booting = (Goal.RUNNING, Life.BOOTING, look)
            decision = decide(*booting, 3600, known_since=since)
            self.assertNotIsInstance(decision, Become)
            record = decide(*booting, 4200, known_since=since).record
            self.assertIs(record.wanted, Goal.ENDED)

    def test_host_booted(self) -> None:
        """
        What the machine took down with it is run again from the time that this
        is found, and stays told to be running.
        """
        for look in (Look.ABSENT, Look.SHUTOFF):
            decision = decide(*RUNNING, look, 9000, AGAIN, has_run=True)
            record = decision.record
            self.assertEqual((record.wanted, record.life), (Goal.RUNNING, Life.BOOTING))
            self.assertEqual(record.began_at, NOW + timedelta(seconds=9000))
            self.assertIs(record.phase, Phase.EXTANT)
            self.assertEqual(record.reason, "")
            self.assertIn("run again", decision.why)

    def test_stop(self) -> None:
        """
        A stop is: the guest is asked; domain, once it has ended or its time is
        over; card.
        """
        record = decide(Goal.STOPPED, Life.RUNNING, Look.RUNNING).record
        self.assertIs(record.life, Life.STOPPING)
        stopping = (Goal.STOPPED, Life.STOPPING)
        self.assertEqual(decide(*stopping, Look.RUNNING), ShutDown())
        asked = {"is_shutdown_asked": True}
        self.assertEqual(
            decide(*stopping, Look.RUNNING, **asked), Rest(NOW.timestamp() + 60)
        )
        self.assertEqual(decide(*stopping, Look.RUNNING, 60, **asked), Destroy())
        self.assertEqual(decide(*stopping, Look.RUNNING, is_deaf=True), Destroy())
        self.assertEqual(decide(*stopping, Look.HALTED), Destroy())
        self.assertEqual(decide(*stopping, Look.ABSENT), Detach())
        record = decide(*stopping, Look.ABSENT, is_detached=True).record
        self.assertIs(record.life, Life.STOPPED)
        self.assertEqual(decide(Goal.STOPPED, Life.STOPPED, Look.ABSENT), Rest())

    def test_start(self) -> None:
        """What is stopped and shall run boots again."""
        record = decide(Goal.RUNNING, Life.STOPPED, Look.ABSENT).record
        self.assertIs(record.life, Life.BOOTING)

    def test_start_while_stopping(self) -> None:
        """What shall run again while it stops stops first."""
        decision = decide(Goal.RUNNING, Life.STOPPING, Look.RUNNING)
        self.assertEqual(decision, ShutDown())

    def test_stop_while_booting(self) -> None:
        """
        What shall stop, and is switched off by its guest before it was seen to run
        again, has stopped: its user has asked for its disk to be kept.
        """
        decision = decide(Goal.STOPPED, Life.BOOTING, Look.HALTED, has_run=True)
        record = decision.record
        self.assertEqual((record.wanted, record.life), (Goal.STOPPED, Life.STOPPING))

    def test_termination(self) -> None:
        """An end is: guest, domain, card, told; then disk; then all that is left."""
        self.assertEqual(decide(*ENDING, Look.RUNNING), ShutDown())
        self.assertEqual(decide(*ENDING, Look.RUNNING, 5), Destroy())
        self.assertEqual(decide(*ENDING, Look.ABSENT), Detach())
        record = decide(*ENDING, Look.ABSENT, is_detached=True).record
        self.assertIs(record.life, Life.TERMINATED)
        ended = (*ENDED, Look.ABSENT)
        self.assertEqual(decide(*ended, ended_at=NOW), Discard())
        self.assertEqual(
            decide(*ended, ended_at=NOW, is_clean=True), Rest(NOW.timestamp() + 180)
        )
        late = {"after_s": 180, "ended_at": NOW, "is_clean": True}
        self.assertEqual(decide(*ended, **late), Rest(NOW.timestamp() + 360))
        self.assertEqual(decide(*ended, **late, is_heard=True), Forget())

    def test_no_grace(self) -> None:
        """Without time for its guest a domain is ended at once."""
        record = evolve(HOSTED, wanted=Goal.ENDED, life=Life.SHUTTING_DOWN, since=NOW)
        limits = evolve(LIMITS, terminate_grace_s=0)
        decision = plan(record, Parts(look=Look.RUNNING), NOW, limits)
        self.assertEqual(decision, Destroy())


class ImageTests(SynchronousTestCase):
    """What an image that is made of an instance has to do with it."""

    def test_put_off(self) -> None:
        """What runs is stopped for it, and is known to be off for that alone."""
        decision = decide(*RUNNING, Look.RUNNING, must_be_off=True)
        self.assertIs(decision.record.life, Life.STOPPING)
        self.assertIs(decision.record.wanted, Goal.RUNNING)
        self.assertTrue(decision.record.is_off_for_image)

    def test_stays_off(self) -> None:
        """It stays off as long as that is needed, and runs again then."""
        off = (Goal.RUNNING, Life.STOPPED, Look.ABSENT)
        held = decide(*off, must_be_off=True, is_off_for_image=True)
        self.assertEqual(held, Rest())
        again = decide(*off, is_off_for_image=True)
        self.assertIs(again.record.life, Life.BOOTING)
        self.assertGreater(again.record.began_at, NOW)
        begun = decide(
            *(Goal.RUNNING, Life.BOOTING, Look.RUNNING), is_off_for_image=True
        )
        self.assertFalse(begun.record.is_off_for_image)

    def test_does_not_come_up(self) -> None:
        """One that does not come up again keeps its disk, stopped."""
        decision = decide(
            *(Goal.RUNNING, Life.BOOTING, Look.ABSENT),
            is_off_for_image=True,
            refusal="No such machine",
        )
        self.assertIs(decision.record.wanted, Goal.STOPPED)
        self.assertEqual(decision.record.reason, "No such machine")

    def test_ends_all_the_same(self) -> None:
        """What shall end, or stop, does so whatever is made of it."""
        for goal, life, look in product((Goal.STOPPED, Goal.ENDED), Life, Look):
            self.assertEqual(
                decide(goal, life, look, must_be_off=True), decide(goal, life, look)
            )

    def test_held(self) -> None:
        """A guest that stands still is asked nothing; but it can be ended."""
        for goal, life, look in product(Goal, Life, Look):
            for is_reboot_asked in True, False:
                given = {"is_reboot_asked": is_reboot_asked, **READY}
                as_ever = decide(goal, life, look, **given)
                held = decide(goal, life, look, is_held=True, **given)
                is_asking = isinstance(as_ever, ShutDown | Reboot)
                self.assertEqual(held, Rest() if is_asking else as_ever)
