"""
Tests for what dates and doors say differently: L{euca_tw.api.ec2.instances},
L{euca_tw.api.ec2.common} and L{euca_tw.api.ec2.devices}.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.common import GroupItem
from euca_tw.api.ec2.devices import BlockDeviceMapping
from euca_tw.api.ec2.instances import (
    InstanceState,
    InstanceStateChange,
    RunInstanceItem,
    RunInstances,
    UserData,
)
from euca_tw.api.encode import element
from euca_tw.api.shapes import Version, shape_of

OLD, NEW = Version("2008-02-01"), Version("2014-06-15")


def written(value: Any, version: Version) -> str:
    """What is inside the element of C{value}."""
    whole = element("x", "", shape_of(type(value)), version, value)
    return whole.removeprefix('<x xmlns="">').removesuffix("</x>")


def launch(**said: Any) -> RunInstances:
    return RunInstances(image_id="emi-1", min_count=1, max_count=2, **said)


class Launch(SynchronousTestCase):
    """RunInstances."""

    def test_items(self) -> None:
        """One item, of the flat fields; or those that SOAP lists."""
        flat = RunInstanceItem(
            image_id="emi-1", min_count=1, max_count=2, key_name="mine"
        )
        self.assertEqual(launch(key_name="mine").items, (flat,))
        listed = (flat, RunInstanceItem(image_id="emi-2", min_count=1, max_count=1))
        self.assertEqual(RunInstances(instances=listed).items, listed)

    def test_groups_of_old(self) -> None:
        """Until 2011 SOAP's group ids are names."""
        asked = launch(groups=(GroupItem(name_as_id="default"),))
        self.assertEqual((asked.group_names, asked.group_ids), (("default",), ()))

    def test_groups(self) -> None:
        """Since then they are ids; who gives both means the id."""
        asked = launch(
            groups=(
                GroupItem(group_id="sg-1"),
                GroupItem(group_name="web"),
                GroupItem(group_id="sg-2", group_name="db"),
                GroupItem(),
            )
        )
        self.assertEqual(asked.group_names, ("web",))
        self.assertEqual(asked.group_ids, ("sg-1", "sg-2"))

    def test_groups_of_query(self) -> None:
        """Query says them in two lists."""
        asked = launch(security_group_names=("web",), security_group_ids=("sg-1",))
        self.assertEqual((asked.group_names, asked.group_ids), (("web",), ("sg-1",)))

    def test_user_data(self) -> None:
        """It is base64 through either door, or none."""
        self.assertEqual(launch().encoded_user_data, None)
        self.assertEqual(launch(user_data_text="aGk=").encoded_user_data, "aGk=")
        asked = launch(user_data=UserData(data="aGk="))
        self.assertEqual(asked.encoded_user_data, "aGk=")


class ByDate(SynchronousTestCase):
    """What is said to every date in its own way."""

    def test_group(self) -> None:
        """A group's id was its name until 2011."""
        group = GroupItem.of("sg-1", "web")
        self.assertEqual(written(group, OLD), "<groupId>web</groupId>")
        self.assertEqual(
            written(group, NEW),
            "<groupId>sg-1</groupId><groupName>web</groupName>",
        )
        self.assertEqual(group.name, "web")
        self.assertEqual(GroupItem(group_name="db").name, "db")

    def test_state_change(self) -> None:
        """An instance's new state was called shutdownState until 2009-10-31."""
        running = InstanceState(code=16, name="running")
        ending = InstanceState(code=32, name="shutting-down")
        change = InstanceStateChange.of("i-1", previous=running, current=ending)
        self.assertIn("<shutdownState><code>32</code>", written(change, OLD))
        self.assertNotIn("currentState", written(change, OLD))
        self.assertIn("<currentState><code>32</code>", written(change, NEW))
        self.assertNotIn("shutdownState", written(change, NEW))
        for version in (OLD, NEW):
            self.assertIn("<previousState><code>16</code>", written(change, version))

    def test_virtual_device(self) -> None:
        """A virtual device's name came before its device's until 2009-10-31."""
        mapping = BlockDeviceMapping.of_virtual("ephemeral0", "sda2")
        names = [
            "<virtualName>ephemeral0</virtualName>",
            "<deviceName>sda2</deviceName>",
        ]
        self.assertEqual(written(mapping, OLD), "".join(names))
        self.assertEqual(written(mapping, NEW), "".join(reversed(names)))
        self.assertEqual(mapping.virtual_device, "ephemeral0")
        self.assertEqual(
            BlockDeviceMapping(device_name="sdb", virtual_name="swap").virtual_device,
            "swap",
        )
