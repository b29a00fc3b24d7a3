"""Instances that were launched."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from attrs import evolve
from twisted.internet.defer import ensureDeferred

from euca_tw.api.ec2.instances import (
    ConfirmProductInstance,
    DescribeInstances,
    GetConsoleOutput,
)
from euca_tw.api.errors import (
    InvalidFilter,
    InvalidNextToken,
    InvalidParameterCombination,
    InvalidParameterValue,
    MalformedInstanceId,
    MissingParameter,
    NoSuchInstance,
    Unavailable,
)
from euca_tw.clc.instances import Instances
from euca_tw.clc.pace import STEP
from euca_tw.common.clock import utc_now
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import ImageId
from euca_tw.model.records import Address, GroupName, Instance, InstanceState
from euca_tw.store.interfaces import Delete
from tests.clc.cloud import (
    ADMIN,
    ALICE,
    ALICE_ID,
    BOB,
    BOB_ID,
    NOW,
    AskedFilter,
    CloudTestCase,
)

PENDING, RUNNING = InstanceState.PENDING, InstanceState.RUNNING
SHUTTING_DOWN, TERMINATED = InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED


class InstancesTestCase(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.image()
        self.instances = Instances(
            store=self.store, clusters=self.clusters, clock=self.clock
        )

    def kept(self, instance: Instance) -> Instance:
        found = self.store.get(Instance, instance.key)
        assert found is not None
        return found


class DescribeTests(InstancesTestCase):
    def describe(self, *ids: str, caller: Caller = ALICE, **asked: Any) -> Any:
        return self.instances.describe_instances(
            caller, DescribeInstances(instance_ids=ids, **asked)
        )

    def told(self, *ids: str, **asked: Any) -> list[str]:
        answer = self.result(self.describe(*ids, **asked))
        return [i.instance_id for r in answer.reservations for i in r.instances]

    def test_own(self) -> None:
        """Everybody is told of his own; an administrator of all."""
        one, bobs = self.instance(1), self.instance(2, owner_id=BOB_ID)
        self.assertEqual(self.told(), [one.key])
        self.assertEqual(self.told(caller=BOB), [bobs.key])
        self.assertEqual(self.told(caller=ADMIN), [one.key, bobs.key])

    def test_reservations(self) -> None:
        """Instances are told with those that were launched together."""
        self.instance(1, reservation_id="r-00000001", launch_index=0)
        self.instance(2, reservation_id="r-00000002")
        self.instance(3, reservation_id="r-00000001", launch_index=1)
        one, two = self.result(self.describe()).reservations
        self.assertEqual(one.reservation_id, "r-00000001")
        self.assertEqual(len(one.instances), 2)
        self.assertEqual((one.owner_id, two.owner_id), (ALICE_ID, ALICE_ID))
        self.assertEqual([g.name_as_id for g in one.groups], ["default"])
        self.assertEqual([g.group_id for g in one.groups], ["sg-00000001"])

    def test_named(self) -> None:
        """Only those that are named are told, each once."""
        self.instance(1)
        two = self.instance(2)
        self.assertEqual(self.told(two.key, two.key), [two.key])

    def test_refusals(self) -> None:
        """What is no id, not there, or another's is refused."""
        bobs = self.instance(2, owner_id=BOB_ID)
        self.refused(NoSuchInstance, self.describe("i-99999999"))
        self.refused(NoSuchInstance, self.describe(bobs.key))
        for text in "banana", "", "emi-00000001", "i-1234567", "i-1234567G":
            self.refused(MalformedInstanceId, self.describe(text))

    def test_ended(self) -> None:
        """An instance that has ended is told of until its record is forgotten."""
        one = self.instance(1, state=TERMINATED, ended_at=utc_now(self.clock))
        self.clock.advance(7200)
        self.assertEqual(self.told(), [one.key])
        self.assertEqual(self.told(one.key), [one.key])
        self.successResultOf(self.store.commit(Delete(Instance, one.key)))
        self.assertEqual(self.told(), [])
        self.refused(NoSuchInstance, self.describe(one.key))

    def test_address(self) -> None:
        """An associated address is told in place of the private one."""
        one = self.instance(1)
        address = Address(
            public_ip="192.0.2.1", owner_id=ALICE_ID, instance_id=one.instance_id
        )
        told = self.view()
        self.assertEqual((told.ip_address, told.dns_name), ("10.0.0.1", "10.0.0.1"))
        self.put(address)
        told = self.view()
        self.assertEqual((told.ip_address, told.dns_name), ("192.0.2.1", "192.0.2.1"))
        self.assertEqual(told.private_ip_address, "10.0.0.1")
        self.put(evolve(address, instance_id=None))
        self.assertEqual(self.view().ip_address, "10.0.0.1")

    def view(self, **asked: Any) -> Any:
        [[told]] = [
            r.instances for r in self.result(self.describe(**asked)).reservations
        ]
        return told

    def test_image_changes(self) -> None:
        """An image's product codes are told as they are now."""
        self.instance(1)
        self.assertEqual(self.view().product_codes, ())
        self.image(product_codes=("abc",))
        [code] = self.view().product_codes
        self.assertEqual(code.product_code, "abc")

    def test_stopped(self) -> None:
        """
        A stopped instance keeps its private address and is reached by none; when
        it was started again is its launch time.
        """
        self.instance(
            1,
            state=InstanceState.STOPPED,
            state_reason_code="Client.UserInitiatedShutdown",
            state_reason="User initiated shutdown",
            transition_reason="User initiated (2026-11-26 12:00:00 GMT)",
            started_at=NOW + timedelta(seconds=60),
            is_monitored=True,
        )
        told = self.view()
        self.assertEqual((told.state.code, told.state.name), (80, "stopped"))
        self.assertEqual(told.private_ip_address, "10.0.0.1")
        self.assertEqual((told.ip_address, told.dns_name), (None, ""))
        self.assertEqual(told.reason, "User initiated (2026-11-26 12:00:00 GMT)")
        self.assertEqual(
            told.state_reason.message,
            "Client.UserInitiatedShutdown: User initiated shutdown",
        )
        self.assertEqual(told.launch_time, NOW + timedelta(seconds=60))
        self.assertEqual(told.monitoring.state, "enabled")

    def test_same_view(self) -> None:
        """What has not changed is not made anew."""
        one = self.instance(1)
        first = self.view()
        self.assertIs(self.view(), first)
        self.put(evolve(one, state=SHUTTING_DOWN))
        self.assertEqual(self.view().state.name, "shutting-down")

    def test_many(self) -> None:
        """Many instances are told in several reactor steps."""
        for number in range(STEP + 1):
            self.instance(number + 1)
        asked = ensureDeferred(self.describe())
        self.assertNoResult(asked)
        self.clock.advance(0)
        self.assertEqual(len(self.successResultOf(asked).reservations), STEP + 1)

    def test_pages(self) -> None:
        """Instances are told in pages, if asked for, in the order of launch."""
        for number in 3, 1, 2:
            self.instance(number)
            self.clock.advance(0.001)
        first = self.result(self.describe(max_results=2))
        second = self.result(self.describe(max_results=2, next_token=first.next_token))
        ids = [
            i.instance_id
            for answer in (first, second)
            for r in answer.reservations
            for i in r.instances
        ]
        self.assertEqual(ids, ["i-00000003", "i-00000001", "i-00000002"])
        self.assertIsNone(second.next_token)

    def test_page_refusals(self) -> None:
        """Pages of a named list, or after a strange token, are refused."""
        one = self.instance(1)
        self.refused(InvalidParameterCombination, self.describe(one.key, max_results=5))
        self.refused(InvalidParameterValue, self.describe(max_results=0))
        self.refused(InvalidNextToken, self.describe(next_token="banana!"))

    def test_filters(self) -> None:
        """Each filter finds the instance that has it, and no other."""
        self.image("emi-00000002", product_codes=("abc",), architecture="i386")
        one = self.instance(
            1,
            image_id=ImageId("emi-00000002"),
            instance_type="m1.large",
            kernel_id="eki-00000001",
            ramdisk_id="eri-00000001",
            key_name="k",
            client_token="t",
            zone="here",
            placement_group="close",
            state=PENDING,
            launch_index=7,
            state_reason_code="Server.X",
            transition_reason="because",
            groups=(GroupName(group_id="sg-00000007", name="web"),),
            launched_at=NOW - timedelta(seconds=0.5),
        )
        self.instance(2, owner_id=ALICE_ID, client_token="u", key_name="l")
        for name, value in [
            ("architecture", "i386"),
            ("availability-zone", "here"),
            ("client-token", "t"),
            ("dns-name", "10.0.0.1"),
            ("group-id", "sg-00000007"),
            ("group-name", "web"),
            ("image-id", "emi-00000002"),
            ("instance-id", one.key),
            ("instance-state-code", "0"),
            ("instance-state-name", "pending"),
            ("instance-type", "m1.l*"),
            ("instance.group-id", "sg-00000007"),
            ("instance.group-name", "w*"),
            ("ip-address", "10.0.0.1"),
            ("kernel-id", "eki-00000001"),
            ("key-name", "k"),
            ("launch-index", "7"),
            ("launch-time", "2026-11-23T07:59:59.500Z"),
            ("private-dns-name", "10.0.0.1"),
            ("private-ip-address", "10.0.0.1"),
            ("product-code", "abc"),
            ("ramdisk-id", "eri-00000001"),
            ("reason", "because"),
            ("reservation-id", "r-00000001"),
            ("state-reason-code", "Server.X"),
            ("state-reason-message", "Server.X: *"),
            ("placement-group-name", "close"),
            ("product-code.type", "devpay"),
            ("network-interface.network-interface-id", "eni-00000001"),
            ("network-interface.addresses.private-ip-address", "10.0.0.1"),
            ("network-interface.group-id", "sg-00000007"),
            ("network-interface.mac-address", one.mac_address),
            ("network-interface.attachment.instance-id", one.key),
            ("virtualization-type", "paravirtual"),
        ]:
            found = self.told(filters=(AskedFilter(name, (value,)),))
            self.assertEqual(found, [one.key], name)

    def test_common_filters(self) -> None:
        """What all instances have in common finds all, what none has none."""
        self.instance(1)
        for name, value, count in [
            ("monitoring-state", "disabled", 1),
            ("monitoring-state", "enabled", 0),
            ("network-interface.status", "in-use", 1),
            ("network-interface.attachment.device-index", "0", 1),
            ("source-dest-check", "true", 1),
            ("platform", "*", 0),
            ("hypervisor", "*", 0),
            ("instance-lifecycle", "*", 0),
            ("block-device-mapping.volume-id", "*", 0),
            ("network-interface.association.public-ip", "*", 0),
            ("owner-id", ALICE_ID, 1),
            ("root-device-name", "/dev/sda1", 1),
            ("root-device-type", "instance-store", 1),
            ("tenancy", "default", 1),
            ("subnet-id", "*", 0),
            ("vpc-id", "*", 0),
            ("tag:Name", "*", 0),
        ]:
            found = self.told(filters=(AskedFilter(name, (value,)),))
            self.assertEqual(len(found), count, name)
        self.refused(InvalidFilter, self.describe(filters=(AskedFilter("x", ()),)))


class ConsoleTests(InstancesTestCase):
    def console(self, instance: Instance, caller: Caller = ALICE) -> Any:
        return self.instances.get_console_output(
            caller, GetConsoleOutput(instance_id=instance.instance_id)
        )

    def text(self, instance: Instance) -> bytes:
        return base64.b64decode(self.result(self.console(instance)).output)

    def test_output(self) -> None:
        """What the console has shown is told in base64, and when it was asked."""
        one = self.instance(1)
        self.clusters.consoles[one.key] = b"\x1b[0mhello\n"
        told = self.result(self.console(one))
        self.assertEqual(base64.b64decode(told.output), b"\x1b[0mhello\n")
        self.assertEqual((told.instance_id, told.timestamp), (one.key, NOW))

    def test_dated(self) -> None:
        """When the console has last shown anything is told, if it is known."""
        one = self.instance(1)
        self.clusters.consoles[one.key] = b"hello\n"
        self.clusters.written_at[one.key] = at = NOW - timedelta(hours=3)
        self.assertEqual(self.result(self.console(one)).timestamp, at)

    def test_ended(self) -> None:
        """What an ended instance has shown is told while it is kept."""
        ended = self.instance(2, state=TERMINATED, ended_at=NOW)
        self.clusters.consoles[ended.key] = b"last words"
        self.assertEqual(self.text(ended), b"last words")

    def test_last(self) -> None:
        """Of a long output the end is told."""
        one = self.instance(1)
        self.clusters.consoles[one.key] = b"x" * 70000 + b"end"
        text = self.text(one)
        self.assertEqual(len(text), 65536)
        self.assertTrue(text.endswith(b"end"))

    def test_nowhere(self) -> None:
        """Where no node has it, yet or any more, it has shown nothing."""
        pending = self.instance(1, state=PENDING, node="")
        self.assertEqual(self.text(pending), b"")
        ended = self.instance(2, state=TERMINATED, ended_at=NOW)
        self.assertEqual(self.text(ended), b"")

    def test_unavailable(self) -> None:
        """A cluster that cannot be asked is told as such."""
        self.refused(Unavailable, self.console(self.instance(1)))

    def test_anothers(self) -> None:
        """Nobody reads another's console."""
        self.refused(NoSuchInstance, self.console(self.instance(1), BOB))


class ConfirmProductTests(InstancesTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.image(product_codes=("abc",), is_public=True)
        self.bobs = self.instance(1, owner_id=BOB_ID)

    def confirm(self, code: str, instance_id: str, caller: Caller = ALICE) -> Any:
        return self.instances.confirm_product_instance(
            caller, ConfirmProductInstance(product_code=code, instance_id=instance_id)
        )

    def test_confirmed(self) -> None:
        """The code's owner learns whose instance runs with it."""
        for caller in ALICE, ADMIN:
            told = self.result(self.confirm("abc", self.bobs.key, caller))
            self.assertEqual((told.is_success, told.owner_id), (True, BOB_ID))

    def test_not_confirmed(self) -> None:
        """An instance's owner learns only that it is not his code."""
        told = self.result(self.confirm("abc", self.bobs.key, BOB))
        self.assertEqual((told.is_success, told.owner_id), (False, None))
        own = self.instance(2)
        told = self.result(self.confirm("xyz", own.key))
        self.assertFalse(told.is_success)

    def test_refusals(self) -> None:
        """Who has neither the code nor the instance learns nothing."""
        self.refused(NoSuchInstance, self.confirm("xyz", self.bobs.key))
        self.refused(NoSuchInstance, self.confirm("abc", "i-99999999"))
        self.refused(MalformedInstanceId, self.confirm("abc", "x"))
        self.refused(MissingParameter, self.confirm("", self.bobs.key))
        ended = self.instance(3, state=TERMINATED, ended_at=NOW)
        self.refused(NoSuchInstance, self.confirm("abc", ended.key))

    def test_forgotten_image(self) -> None:
        """An image that is forgotten has no codes."""
        own = self.instance(2, image_id="emi-99999999")
        self.assertFalse(self.result(self.confirm("abc", own.key)).is_success)
