"""
Tests of L{euca_tw.nodectl.plan}: the whole table is walked, and what a node must
never do is looked for in all of it.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.convergence import Rest
from euca_tw.model.lifecycle import INSTANCE_SHUTDOWN, SERVER_ERROR, Phase, Wanted
from euca_tw.nodectl.interfaces import DomainState
from euca_tw.nodectl.plan import (
    TABLE,
    Attach,
    Become,
    Destroy,
    Detach,
    Discard,
    Forget,
    Limits,
    Look,
    Parts,
    Reboot,
    Run,
    Stage,
    look_of,
    plan,
)
from euca_tw.nodectl.records import HostedInstance
from tests.fakes.launches import NOW, launch

HOSTED = HostedInstance(instance_id="i-00000001", launch=launch(), began_at=NOW)
LIMITS = Limits(launch_deadline_s=600, ended_kept_s=180)
READY = {"is_staged": True, "is_attached": True}


def decide(
    wanted: Wanted, phase: Phase, look: Look, after_s: float = 1, **given: Any
) -> Any:
    parts = {k: given.pop(k) for k in list(given) if k in Parts.__annotations__}
    record = evolve(HOSTED, wanted=wanted, phase=phase, **given)
    now = NOW + timedelta(seconds=after_s)
    return plan(record, Parts(look=look, **parts), now, LIMITS)


class TableTests(SynchronousTestCase):
    def all_cases(self) -> Any:
        flags = ("is_staged", "is_attached", "is_detached", "is_heard", "was_seen")
        for wanted, phase, look in product(Wanted, Phase, Look):
            for after_s, is_clean, *values in product(
                (1, 1000), (False, True), *[(False, True)] * len(flags)
            ):
                given = dict(zip(flags, values, strict=True))
                yield (
                    (wanted, phase, look),
                    decide(wanted, phase, look, after_s, is_clean=is_clean, **given),
                )

    def test_complete(self) -> None:
        """There is an entry for everything that can be."""
        self.assertEqual(set(TABLE), set(product(Wanted, Phase, Look)))

    def test_looks(self) -> None:
        """Every state that a hypervisor tells is looked upon."""
        for state in (None, *DomainState):
            self.assertIsNot(look_of(state), Look.UNKNOWN)

    def test_ended_means_gone(self) -> None:
        """Ended is told only when the domain is gone and the card is taken off."""
        for (_, phase, look), decision in self.all_cases():
            if phase is Phase.TEARDOWN or not isinstance(decision, Become):
                continue
            if decision.record.phase is Phase.TEARDOWN:
                self.assertIs(look, Look.ABSENT)

    def test_nothing_is_destroyed_that_shall_run(self) -> None:
        """Domains, disks and cards are taken only from what shall end."""
        for (wanted, _, _), decision in self.all_cases():
            if isinstance(decision, Destroy | Detach | Discard | Forget):
                self.assertIs(wanted, Wanted.ENDED)

    def test_no_disk_under_a_domain(self) -> None:
        """A disk is deleted only when the domain is known to be gone."""
        for (_, _, look), decision in self.all_cases():
            if isinstance(decision, Discard | Forget):
                self.assertIs(look, Look.ABSENT)

    def test_nothing_runs_twice(self) -> None:
        """A domain is begun only where none is known to run."""
        for (wanted, phase, look), decision in self.all_cases():
            if isinstance(decision, Run):
                self.assertEqual((wanted, phase), (Wanted.RUNNING, Phase.PENDING))
                self.assertIn(look, (Look.ABSENT, Look.SHUTOFF))

    def test_what_is_not_known_is_left_alone(self) -> None:
        """While the hypervisor says nothing, no domain is touched."""
        for (_, _, look), decision in self.all_cases():
            if look is Look.UNKNOWN:
                self.assertIsInstance(decision, Rest | Become | Attach)

    def test_settles(self) -> None:
        """No case is amended without end."""
        for wanted, phase, look in product(Wanted, Phase, Look):
            record = evolve(HOSTED, wanted=wanted, phase=phase)
            for _ in range(4):
                parts = Parts(look=look, is_detached=True)
                decision = plan(record, parts, NOW, LIMITS)
                if not isinstance(decision, Become):
                    break
                self.assertNotEqual(decision.record, record)
                record = decision.record
            else:
                self.fail(f"{wanted} {phase} {look} does not settle")


class CaseTests(SynchronousTestCase):
    def test_launch(self) -> None:
        """A launch is: disk, card, domain."""
        new = (Wanted.RUNNING, Phase.PENDING, Look.ABSENT)
        self.assertEqual(decide(*new), Stage())
        self.assertEqual(decide(*new, is_staged=True), Attach())
        self.assertEqual(decide(*new, **READY), Run())

    def test_began(self) -> None:
        """What runs is extant."""
        decision = decide(Wanted.RUNNING, Phase.PENDING, Look.RUNNING)
        self.assertIs(decision.record.phase, Phase.EXTANT)

    def test_adopted(self) -> None:
        """What runs already has its card served again."""
        extant = (Wanted.RUNNING, Phase.EXTANT, Look.RUNNING)
        self.assertEqual(decide(*extant), Attach())
        self.assertEqual(decide(*extant, is_attached=True), Rest())

    def test_reboot(self) -> None:
        """What runs is rebooted when asked."""
        decision = decide(
            Wanted.RUNNING, Phase.EXTANT, Look.RUNNING, is_reboot_asked=True, **READY
        )
        self.assertEqual(decision, Reboot())

    def test_reasons(self) -> None:
        """Why an instance ended by itself is told."""
        for look, was_seen, code in (
            (Look.ABSENT, True, INSTANCE_SHUTDOWN),
            (Look.ABSENT, False, SERVER_ERROR),
            (Look.SHUTOFF, False, INSTANCE_SHUTDOWN),
            (Look.CRASHED, True, SERVER_ERROR),
        ):
            record = decide(
                Wanted.RUNNING, Phase.EXTANT, look, was_seen=was_seen
            ).record
            self.assertEqual((record.wanted, record.reason_code), (Wanted.ENDED, code))
            self.assertIs(record.phase, Phase.EXTANT)

    def test_refused(self) -> None:
        """What the hypervisor will never run has failed at once."""
        record = decide(
            Wanted.RUNNING, Phase.PENDING, Look.ABSENT, refusal="no such CPU", **READY
        ).record
        self.assertEqual(record.reason, "no such CPU")
        self.assertIs(record.wanted, Wanted.ENDED)

    def test_overdue(self) -> None:
        """What does not run in time has failed, with the last trouble."""
        for look in (Look.ABSENT, Look.UNKNOWN):
            record = decide(
                Wanted.RUNNING, Phase.PENDING, look, 600, trouble="no image"
            ).record
            self.assertEqual(
                (record.reason_code, record.reason), (SERVER_ERROR, "no image")
            )

    def test_termination(self) -> None:
        """An end is: domain, card, told; then disk; then all that is left."""
        ending = (Wanted.ENDED, Phase.EXTANT)
        self.assertEqual(decide(*ending, Look.RUNNING), Destroy())
        self.assertEqual(decide(*ending, Look.ABSENT), Detach())
        record = decide(*ending, Look.ABSENT, is_detached=True).record
        self.assertIs(record.phase, Phase.TEARDOWN)
        ended = (Wanted.ENDED, Phase.TEARDOWN, Look.ABSENT)
        self.assertEqual(decide(*ended, ended_at=NOW), Discard())
        self.assertEqual(
            decide(*ended, ended_at=NOW, is_clean=True), Rest(NOW.timestamp() + 180)
        )
        late = {"after_s": 180, "ended_at": NOW, "is_clean": True}
        self.assertEqual(decide(*ended, **late), Rest(NOW.timestamp() + 360))
        self.assertEqual(decide(*ended, **late, is_heard=True), Forget())
