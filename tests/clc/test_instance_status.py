"""How instances fare, and whether they are monitored."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import ensureDeferred

from euca_tw.api.ec2.instance_status import (
    DescribeInstanceStatus,
    ReportInstanceStatus,
)
from euca_tw.api.ec2.monitoring import MonitorInstances
from euca_tw.api.errors import (
    InvalidFilter,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
    NoSuchInstance,
)
from euca_tw.clc.instance_status import InstanceStatuses
from euca_tw.clc.pace import STEP
from euca_tw.model.callers import Caller
from euca_tw.model.records import Instance, InstanceState
from tests.clc.cloud import ALICE, BOB, BOB_ID, AskedFilter, CloudTestCase

PENDING, STOPPED = InstanceState.PENDING, InstanceState.STOPPED


class StatusesTestCase(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.statuses = InstanceStatuses(store=self.store, clock=self.clock)

    def describe(self, *ids: str, caller: Caller = ALICE, **asked: Any) -> Any:
        return self.statuses.describe_instance_status(
            caller, DescribeInstanceStatus(instance_ids=ids, **asked)
        )

    def told(self, *ids: str, **asked: Any) -> dict[str, Any]:
        answer = self.result(self.describe(*ids, **asked))
        return {each.instance_id: each for each in answer.statuses}

    def found(self, name: str, value: str, **asked: Any) -> list[str]:
        filters = (AskedFilter(name, (value,)),)
        return sorted(self.told(filters=filters, **asked))


class DescribeTests(StatusesTestCase):
    def test_running(self) -> None:
        """
        Of one that runs it is told that its node is heard of; of what its guest
        does nothing is known.
        """
        one = self.instance(1)
        told = self.told()[one.key]
        self.assertEqual((told.state.name, told.availability_zone), ("running", "one"))
        self.assertEqual(told.system_status.status, "ok")
        [check] = told.system_status.checks
        self.assertEqual((check.name, check.status), ("reachability", "passed"))
        self.assertEqual(told.instance_status.status, "insufficient-data")
        [check] = told.instance_status.checks
        self.assertEqual(check.status, "insufficient-data")
        self.assertEqual(told.events, ())

    def test_silent(self) -> None:
        """One whose node is not heard of is impaired."""
        one = self.instance(1, is_silent=True)
        told = self.told()[one.key]
        self.assertEqual(told.system_status.status, "impaired")
        self.assertEqual(told.system_status.checks[0].status, "failed")

    def test_others(self) -> None:
        """Those that do not run are told if all are asked for."""
        one, two = self.instance(1, state=PENDING), self.instance(2, state=STOPPED)
        self.assertEqual(self.told(), {})
        self.assertEqual(self.told(one.key), {})
        told = self.told(include_all_instances=True)
        self.assertEqual(told[one.key].system_status.status, "initializing")
        self.assertEqual(told[two.key].system_status.status, "not-applicable")
        self.assertEqual(told[two.key].system_status.checks, ())
        self.assertEqual(
            sorted(self.told(two.key, include_all_instances=True)), [two.key]
        )

    def test_own(self) -> None:
        """Nobody is told of another's."""
        bobs = self.instance(1, owner_id=BOB_ID)
        self.assertEqual(self.told(), {})
        self.refused(NoSuchInstance, self.describe(bobs.key))

    def test_filters(self) -> None:
        """Each filter finds the one that has it."""
        one = self.instance(1, zone="two", is_silent=True)
        two = self.instance(2)
        three = self.instance(3, state=PENDING)
        for name, value, expected in (
            ("availability-zone", "two", [one.key]),
            ("system-status.status", "ok", [two.key]),
            ("system-status.reachability", "failed", [one.key]),
            ("instance-status.status", "insufficient-data", [one.key, two.key]),
            ("instance-status.reachability", "insuff*", [one.key, two.key]),
            ("instance-state-name", "running", [one.key, two.key]),
            ("instance-state-code", "16", [one.key, two.key]),
            ("event.code", "*", []),
        ):
            self.assertEqual(self.found(name, value), expected, name)
        self.assertEqual(
            self.found("instance-state-name", "pending", include_all_instances=True),
            [three.key],
        )
        self.refused(InvalidFilter, self.describe(filters=(AskedFilter("x", ()),)))

    def test_pages(self) -> None:
        """They are told in pages, if asked for."""
        for number in range(5):
            self.instance(number + 1)
        first = self.result(self.describe(max_results=3))
        rest = self.result(self.describe(next_token=first.next_token, max_results=3))
        self.assertEqual((len(first.statuses), len(rest.statuses)), (3, 2))
        self.assertIsNone(rest.next_token)
        self.refused(
            InvalidParameterCombination, self.describe("i-00000001", max_results=3)
        )

    def test_many(self) -> None:
        """Many are told in several reactor steps."""
        for number in range(STEP + 1):
            self.instance(number + 1)
        asked = ensureDeferred(self.describe())
        self.assertNoResult(asked)
        self.clock.advance(0)
        self.assertEqual(len(self.successResultOf(asked).statuses), STEP + 1)


class ReportTests(StatusesTestCase):
    def report(self, *ids: str, caller: Caller = ALICE, **asked: Any) -> Any:
        return self.statuses.report_instance_status(
            caller,
            ReportInstanceStatus(
                **{
                    "instance_ids": ids,
                    "status": "impaired",
                    "reason_codes": ("unresponsive",),
                    **asked,
                }
            ),
        )

    def test_report(self) -> None:
        """What users report changes nothing."""
        one = self.instance(1)
        before = self.told()
        self.assertTrue(self.result(self.report(one.key)).is_success)
        self.assertEqual(self.told(), before)

    def test_refusals(self) -> None:
        """What is no report is refused."""
        one = self.instance(1)
        self.refused(InvalidParameterValue, self.report(one.key, status="bad"))
        self.refused(InvalidParameterValue, self.report(one.key, reason_codes=("x",)))
        self.refused(NoSuchInstance, self.report(one.key, caller=BOB))
        self.refused(MissingParameter, self.report())


class MonitoringTests(StatusesTestCase):
    def test_on_and_off(self) -> None:
        """It is noted of all that are named, and told."""
        one, two = self.instance(1), self.instance(2)
        ids = MonitorInstances(instance_ids=(one.key, two.key))
        for ask, is_so, state in (
            (self.statuses.monitor_instances, True, "enabled"),
            (self.statuses.unmonitor_instances, False, "disabled"),
        ):
            told = self.result(ask(ALICE, ids)).instances
            self.assertEqual(
                [(each.instance_id, each.monitoring.state) for each in told],
                [(one.key, state), (two.key, state)],
            )
            for each in (one, two):
                kept = self.store.get(Instance, each.key)
                assert kept is not None
                self.assertIs(kept.is_monitored, is_so)

    def test_all_or_none(self) -> None:
        """If one of them is refused, none is changed."""
        one, bobs = self.instance(1), self.instance(2, owner_id=BOB_ID)
        ids = MonitorInstances(instance_ids=(one.key, bobs.key))
        self.refused(NoSuchInstance, self.statuses.monitor_instances(ALICE, ids))
        self.assertEqual(self.store.get(Instance, one.key), one)
        nobody = MonitorInstances(instance_ids=())
        self.refused(MissingParameter, self.statuses.monitor_instances(ALICE, nobody))
