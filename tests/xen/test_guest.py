"""
A user's round with a guest of a real Xen: three daemons, one of them in dom0.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

from twisted.trial.unittest import TestCase

from tests.functional.daemons import until
from tests.xen.cloud import HERE, Cloud
from tests.xen.dom0 import shared

#: For what must come, on a busy machine too.
PATIENCE_S = 180.0
USER_DATA = """#!/bin/sh
echo "user-data: $((6 * 7)) on $(cat /sys/hypervisor/type)"
"""


class GuestTests(TestCase):
    """From the launch to the end of the instance."""

    timeout = 600

    def setUp(self) -> None:
        self.dom0 = shared()
        self.cloud = Cloud.start(self.dom0)
        self.addCleanup(self.cloud.stop)
        self.ec2 = self.cloud.client()

    def instance(self) -> dict[str, Any]:
        told = self.ec2.describe_instances(InstanceIds=[self.instance_id])
        [reservation] = told["Reservations"]
        [instance] = reservation["Instances"]
        return dict(instance)

    def state(self) -> str:
        return str(self.instance()["State"]["Name"])

    def console(self) -> str:
        told = self.ec2.get_console_output(InstanceId=self.instance_id)
        return str(told.get("Output", "")).replace("\r", "")

    def wait_ready(self, boots: int = 1) -> str:
        """Till the guest has booted so often; it is running all the time."""
        looks = itertools.count(1)

        def is_ready() -> str | None:
            self.assertEqual(self.state(), "running")
            # It is read under emulation, by what the guest would need to boot.
            if next(looks) % 20:
                return None
            said = self.console()
            ready = said.count(f"instance {self.instance_id} is ready")
            return said if ready == boots else None

        said: str = until(is_ready, PATIENCE_S, "the guest is ready")
        return said

    def machine_image(self) -> str | None:
        images = self.ec2.describe_images()["Images"]
        found = [e["ImageId"] for e in images if e["ImageType"] == "machine"]
        return found[0] if found else None

    def launch(self) -> None:
        self.ec2.create_key_pair(KeyName="mine")
        image = until(self.machine_image, PATIENCE_S, "the demo image is registered")

        def has_room() -> bool:
            return "m1.small" in self.cloud.command("status")

        until(has_room, PATIENCE_S, "the node has told what it has")
        [instance] = self.ec2.run_instances(
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            InstanceType="m1.small",
            KeyName="mine",
            UserData=USER_DATA,
        )["Instances"]
        self.instance_id = str(instance["InstanceId"])

    def test_round(self) -> None:
        """
        A guest of Xen takes its address and its user data, and shows it on its
        console; it reboots, and outlives its node controller, and nobody sees
        it other than running; terminated, nothing is left of it.
        """
        try:
            self.check_round()
        except BaseException:
            print(self.cloud.logs())
            raise

    def check_round(self) -> None:
        self.launch()
        launched = time.monotonic()
        until(lambda: self.state() == "running", PATIENCE_S, "it is running")
        running = time.monotonic()
        console = self.wait_ready()
        ready = time.monotonic()
        print(
            f"\n  running {running - launched:.1f} s after the launch, "
            f"ready {ready - launched:.1f} s"
        )
        address = self.instance()["PrivateIpAddress"]
        for line in (
            "euca_tw: Linux",
            f"euca_tw: instance-id {self.instance_id}",
            f"euca_tw: address {address}/24",
            "user-data: 42 on xen",
            "euca_tw: user-data ended with 0",
        ):
            self.assertIn(line, console)
        self.assertIn(f"vn_{self.instance_id}", self.dom0.run("bridge link"))

        self.ec2.reboot_instances(InstanceIds=[self.instance_id])
        console = self.wait_ready(boots=2)
        self.assertEqual(console.count("user-data ended"), 1)

        self.cloud.kill_node()
        self.cloud.start_node()
        self.check_end()
        self.assertNotIn("Traceback", self.cloud.logs())

    def check_end(self) -> None:
        """
        It is terminated as soon as the node controller is there again, which
        has to know it for its own.
        """
        self.assertIn(self.instance_id, self.dom0.run("xl list"))
        self.assertEqual(self.state(), "running")
        self.ec2.terminate_instances(InstanceIds=[self.instance_id])
        until(lambda: self.state() == "terminated", PATIENCE_S, "it is terminated")

        def is_gone() -> bool:
            return self.instance_id not in self.dom0.run(
                "xl list; ip link; nft list ruleset"
            )

        until(is_gone, PATIENCE_S, "domain, card and rules are gone")
        disks = self.dom0.run(f"ls {HERE}/nc/instances/{self.instance_id}")
        self.assertEqual(disks.split(), ["console.log"])
