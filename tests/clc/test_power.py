"""Instances that are switched off and on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from euca_tw.api.ec2.instance_states import StartInstances, StopInstances
from euca_tw.api.ec2.instances import RebootInstances, TerminateInstances
from euca_tw.api.errors import (
    IncorrectInstanceState,
    InstanceLimitExceeded,
    MalformedInstanceId,
    MissingParameter,
    NoSuchInstance,
    TerminationProtected,
    VcpuLimitExceeded,
)
from euca_tw.clc.power import Power
from euca_tw.common.clock import utc_now
from euca_tw.model.callers import Caller
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Address, Instance, InstanceState
from tests.clc.cloud import (
    ADMIN,
    ALICE,
    ALICE_ID,
    BOB,
    BOB_ID,
    NOW,
    CloudTestCase,
)

PENDING, RUNNING = InstanceState.PENDING, InstanceState.RUNNING
STOPPING, STOPPED = InstanceState.STOPPING, InstanceState.STOPPED
SHUTTING_DOWN, TERMINATED = InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED


class PowerTestCase(CloudTestCase):
    quotas = Quotas()

    def setUp(self) -> None:
        super().setUp()
        self.image()
        self.power = Power(
            store=self.store,
            clusters=self.clusters,
            clock=self.clock,
            quotas=self.quotas,
        )

    def kept(self, instance: Instance) -> Instance:
        found = self.store.get(Instance, instance.key)
        assert found is not None
        return found

    def stop(self, *ids: str, caller: Caller = ALICE, force: bool = False) -> Any:
        return self.power.stop_instances(
            caller, StopInstances(instance_ids=ids, force=force)
        )

    def start(self, *ids: str, caller: Caller = ALICE) -> Any:
        return self.power.start_instances(caller, StartInstances(instance_ids=ids))

    def states(self, answer: Any) -> list[tuple[str, str]]:
        return [
            (each.previous_state.name, each.current_state.name)
            for each in self.result(answer).instances
        ]


class StopTests(PowerTestCase):
    def test_running(self) -> None:
        """A running instance shall stop, says why, and its zone learns of it."""
        one = self.instance(1, reboots_wanted=2)
        self.assertEqual(self.states(self.stop(one.key)), [("running", "stopping")])
        kept = self.kept(one)
        self.assertEqual((kept.wanted, kept.state), (STOPPED, STOPPING))
        self.assertEqual(kept.state_reason_code, "Client.UserInitiatedShutdown")
        self.assertEqual(kept.state_reason, "User initiated shutdown")
        self.assertEqual(
            kept.transition_reason, "User initiated (2026-11-23 08:00:00 GMT)"
        )
        self.assertFalse(kept.is_stop_forced)
        self.assertEqual(kept.private_ip, one.private_ip)
        self.assertEqual(kept.reboots_done, 2)
        self.assertEqual(self.clusters.woken, ["one"])

    def test_address(self) -> None:
        """Its public address is its user's again."""
        one = self.instance(1)
        self.put(
            Address(
                public_ip="192.0.2.1", owner_id=ALICE_ID, instance_id=one.instance_id
            )
        )
        self.result(self.stop(one.key))
        address = self.store.get(Address, "192.0.2.1")
        assert address is not None
        self.assertIsNone(address.instance_id)

    def test_again(self) -> None:
        """What has stopped stays so; what stops may be hurried."""
        one = self.instance(1, state=STOPPED, wanted=STOPPED)
        self.assertEqual(self.states(self.stop(one.key)), [("stopped", "stopped")])
        self.assertEqual(self.kept(one), one)
        two = self.instance(2, state=STOPPING, wanted=STOPPED)
        self.assertEqual(self.states(self.stop(two.key)), [("stopping", "stopping")])
        self.assertFalse(self.kept(two).is_stop_forced)
        self.result(self.stop(two.key, force=True))
        self.assertTrue(self.kept(two).is_stop_forced)
        self.result(self.stop(two.key))
        self.assertTrue(self.kept(two).is_stop_forced)

    def test_states(self) -> None:
        """What does not run yet, or ends, cannot stop; then none of them does."""
        one = self.instance(1)
        for state in PENDING, SHUTTING_DOWN, TERMINATED:
            other = self.instance(2, state=state)
            refusal = self.refused(
                IncorrectInstanceState, self.stop(one.key, other.key)
            )
            self.assertIn(state.value, refusal.message)
            self.assertIn("stopped", refusal.message)
        self.assertEqual(self.kept(one), one)

    def test_refusals(self) -> None:
        """What is another's, or is not named, is refused."""
        self.refused(NoSuchInstance, self.stop(self.instance(1).key, caller=BOB))
        self.refused(MissingParameter, self.stop())


class StartTests(PowerTestCase):
    quotas = Quotas(instances=2, cores=3)

    def stopped(self, number: int = 1, **given: Any) -> Instance:
        return self.instance(
            number,
            **{
                "state": STOPPED,
                "wanted": STOPPED,
                "is_stop_forced": True,
                "state_reason_code": "Client.UserInitiatedShutdown",
                "state_reason": "User initiated shutdown",
                "transition_reason": "User initiated (then)",
                **given,
            },
        )

    def test_stopped(self) -> None:
        """A stopped instance shall run; its time of launch is now."""
        one = self.stopped()
        self.clock.advance(60)
        self.assertEqual(self.states(self.start(one.key)), [("stopped", "pending")])
        kept = self.kept(one)
        self.assertEqual((kept.wanted, kept.state), (RUNNING, PENDING))
        self.assertEqual((kept.starts, kept.is_stop_forced), (1, False))
        self.assertEqual(
            (kept.state_reason_code, kept.state_reason, kept.transition_reason),
            ("", "", ""),
        )
        self.assertEqual(kept.since, NOW + timedelta(seconds=60))
        self.assertEqual(kept.launched_at, one.launched_at)
        self.assertEqual(self.clusters.woken, ["one"])

    def test_running(self) -> None:
        """What runs, or is about to, stays as it is."""
        one, two = self.instance(1), self.instance(2, state=PENDING)
        self.assertEqual(
            self.states(self.start(one.key, two.key)),
            [("running", "running"), ("pending", "pending")],
        )
        self.assertEqual((self.kept(one), self.kept(two)), (one, two))

    def test_states(self) -> None:
        """What stops, or ends, cannot be started; then none of them is."""
        one = self.stopped()
        for state in STOPPING, SHUTTING_DOWN, TERMINATED:
            other = self.instance(2, state=state)
            refusal = self.refused(
                IncorrectInstanceState, self.start(one.key, other.key)
            )
            self.assertIn(state.value, refusal.message)
        self.assertEqual(self.kept(one), one)

    def test_limits(self) -> None:
        """What is stopped does not count against limits; to start, it must not."""
        one, two = self.stopped(1), self.stopped(2)
        self.instance(3)
        self.refused(InstanceLimitExceeded, self.start(one.key, two.key))
        self.result(self.start(one.key))
        self.refused(InstanceLimitExceeded, self.start(two.key))
        self.result(self.start(two.key, caller=ADMIN))

    def test_cores(self) -> None:
        """All that is limited is looked at."""
        self.refused(VcpuLimitExceeded, self.start(self.stopped(1, cores=4).key))


class TerminateTests(PowerTestCase):
    def terminate(self, *ids: str, caller: Caller = ALICE) -> Any:
        return self.power.terminate_instances(
            caller, TerminateInstances(instance_ids=ids)
        )

    def test_running(self) -> None:
        """A running instance shall end, and its zone learns of it."""
        one = self.instance(1)
        [told] = self.result(self.terminate(one.key)).instances
        self.assertEqual(told.previous_state.name, "running")
        self.assertEqual(told.current_state.name, "shutting-down")
        self.assertEqual(told.shutdown_state, told.current_state)
        kept = self.kept(one)
        self.assertEqual((kept.wanted, kept.state), (TERMINATED, SHUTTING_DOWN))
        self.assertEqual(kept.state_reason_code, "Client.UserInitiatedShutdown")
        self.assertIn("User initiated (2026-11-23 08:00:00", kept.transition_reason)
        self.assertEqual(self.clusters.woken, ["one"])

    def test_pending(self) -> None:
        """An instance that does not run yet never will."""
        one = self.instance(1, state=PENDING)
        [told] = self.result(self.terminate(one.key)).instances
        self.assertEqual(told.previous_state.name, "pending")
        self.assertEqual(self.kept(one).wanted, TERMINATED)

    def test_again(self) -> None:
        """Terminated again, it stays as it is."""
        one = self.instance(1)
        self.result(self.terminate(one.key))
        kept = self.kept(one)
        self.clock.advance(60)
        [told] = self.result(self.terminate(one.key)).instances
        self.assertEqual(told.previous_state, told.current_state)
        self.assertEqual(self.kept(one), kept)

    def test_ended(self) -> None:
        """An instance that has ended stays so, and wakes nobody."""
        one = self.instance(1, state=TERMINATED, ended_at=utc_now(self.clock))
        [told] = self.result(self.terminate(one.key)).instances
        self.assertEqual(told.previous_state.name, "terminated")
        self.assertEqual(told.current_state.name, "terminated")
        self.assertEqual(self.clusters.woken, [])

    def test_address(self) -> None:
        """An instance's address is its user's again."""
        one = self.instance(1)
        address = Address(
            public_ip="192.0.2.1", owner_id=ALICE_ID, instance_id=one.instance_id
        )
        self.put(address)
        self.result(self.terminate(one.key))
        self.assertIsNone(self.store.get(Address, "192.0.2.1").instance_id)

    def test_all_or_none(self) -> None:
        """If one of them is refused, none is touched."""
        one, bobs = self.instance(1), self.instance(2, owner_id=BOB_ID)
        self.refused(NoSuchInstance, self.terminate(one.key, bobs.key))
        self.refused(MalformedInstanceId, self.terminate(one.key, "x"))
        self.refused(MissingParameter, self.terminate())
        self.assertEqual(self.kept(one), one)

    def test_protected(self) -> None:
        """One that is protected keeps all that are named from ending."""
        one, two = self.instance(1), self.instance(2, is_protected=True)
        refusal = self.refused(TerminationProtected, self.terminate(one.key, two.key))
        self.assertEqual(refusal.code, "OperationNotPermitted")
        self.assertIn("disableApiTermination", refusal.message)
        self.assertEqual((self.kept(one), self.kept(two)), (one, two))

    def test_stopped(self) -> None:
        """Why a stopped one ends is told, and not any more why it stopped."""
        one = self.instance(
            1, state=STOPPED, wanted=STOPPED, state_reason_code="Server.InternalError"
        )
        [told] = self.result(self.terminate(one.key)).instances
        self.assertEqual(told.previous_state.code, 80)
        self.assertEqual(
            self.kept(one).state_reason_code, "Client.UserInitiatedShutdown"
        )

    def test_administrator(self) -> None:
        """An administrator ends anybody's."""
        self.result(self.terminate(self.instance(1).key, caller=ADMIN))

    def test_twice_in_one(self) -> None:
        """Named twice, it is told once."""
        one = self.instance(1)
        told = self.result(self.terminate(one.key, one.key))
        self.assertEqual(len(told.instances), 1)


class RebootTests(PowerTestCase):
    def reboot(self, *ids: str, caller: Caller = ALICE) -> Any:
        return self.power.reboot_instances(caller, RebootInstances(instance_ids=ids))

    def test_reboot(self) -> None:
        """Each reboot that is asked for is counted, and its zone learns of it."""
        one = self.instance(1)
        self.assertTrue(self.result(self.reboot(one.key)).is_success)
        self.result(self.reboot(one.key))
        self.assertEqual(self.kept(one).reboots_wanted, 2)
        self.assertEqual(self.clusters.woken, ["one", "one"])

    def test_states(self) -> None:
        """What does not run cannot be rebooted; then none of them is."""
        one = self.instance(1)
        for state in set(InstanceState) - {RUNNING}:
            other = self.instance(2, state=state)
            refusal = self.refused(
                IncorrectInstanceState, self.reboot(one.key, other.key)
            )
            self.assertIn(state.value, refusal.message)
        self.assertEqual(self.kept(one).reboots_wanted, 0)

    def test_refusals(self) -> None:
        """What is another's, or is not named, is refused."""
        self.refused(NoSuchInstance, self.reboot(self.instance(1).key, caller=BOB))
        self.refused(MissingParameter, self.reboot())
