"""
A crowd on one machine: a whole cloud, and many real containers at once.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from euca_tw.nodectl.console import CONSOLE
from tests.functional import containers
from tests.functional.daemons import BRIDGE, Daemons, until
from tests.functional.guests import IMAGE, GuestCase, call
from tests.functional.libvirtd import Libvirtd

CROWD = 60
SETTINGS = """\
instances_dir = "i"
cores = 128
memory_mib = 65536
disk_gib = 1000
[quotas]
instances = 100
"""


class ContainerCase(GuestCase):
    """On a node of containers."""

    timeout = 240

    def start_libvirtd(self) -> Libvirtd:
        return containers.or_fail(containers.start)

    def start_daemons(self) -> Daemons:
        return Daemons.start(
            self.libvirtd, IMAGE, domain_type="", node_settings=SETTINGS
        )

    @property
    def instances_dir(self) -> Path:
        # libvirt wants short names for what it attaches to loop devices.
        return self.daemons.directory / "i"


class OneTests(ContainerCase):
    """What a container is to its user."""

    def test_round(self) -> None:
        """
        An instance in a container lets in who has its key, reboots when its user
        wants it to and keeps its disk, goes on while there is no node controller,
        may switch itself off and start again, and may end itself.
        """
        instance_id = self.launch(InstanceInitiatedShutdownBehavior="stop")
        address = self.wait_for(instance_id, "running")["PrivateIpAddress"]
        self.wait_ready(instance_id)
        told = self.ssh(address, "echo $((40 + 2)) >/kept; df /mnt / | wc -l; ls /dev")
        self.assertNotIn("loop", told)
        self.ec2.reboot_instances(InstanceIds=[instance_id])
        console = self.wait_ready(instance_id, boots=2)
        self.assertEqual(console.count("user-data ended"), 1)
        self.daemons.kill("euca-nc")
        self.assertIn("42", self.ssh(address, "cat /kept; echo >/dev/console alone"))
        self.daemons.run("euca-nc")
        self.daemons.wait()
        until(lambda: "alone" in self.console(instance_id), 20, "it was heard")
        self.check_switches_itself_off(instance_id, address)
        self.ssh(address, "poweroff")
        ended = self.wait_for(instance_id, "terminated")
        self.assertIn("InstanceInitiated", ended["StateReason"]["Code"])
        self.check_nothing_left(instance_id)
        self.assertNotIn("Traceback", self.daemons.logs())

    def check_switches_itself_off(self, instance_id: str, address: str) -> None:
        """As its user wants it, it is stopped, starts from its disk, and ends."""
        self.ssh(address, "poweroff")
        told = self.wait_for(instance_id, "stopped")
        self.assertIn("InstanceInitiated", told["StateReason"]["Code"])
        self.ec2.start_instances(InstanceIds=[instance_id])
        self.wait_ready(instance_id, boots=3)
        self.assertIn("42", self.ssh(address, "cat /kept"))
        self.ec2.modify_instance_attribute(
            InstanceId=instance_id,
            InstanceInitiatedShutdownBehavior={"Value": "terminate"},
        )


class CrowdTests(ContainerCase):
    """Sixty at once."""

    def test_crowd(self) -> None:
        """
        Sixty instances of one launch run, each with its own address, key and user
        data, which it says on its console; terminated, nothing is left of them.
        """
        self.prepare()
        began = time.monotonic()
        instances = set(self.launched(CROWD))
        self.assertEqual(len(instances), CROWD)
        tell("accepted", [time.monotonic() - began])
        running, ready = self.seen(instances, began)
        tell("running", running)
        tell("ready", ready)
        self.check_consoles(instances)
        began = time.monotonic()
        self.ec2.terminate_instances(InstanceIds=sorted(instances))
        until(
            lambda: instances <= self.in_state("terminated"), 60, "all are terminated"
        )
        self.check_nothing_left(*instances)
        tell("gone", [time.monotonic() - began])
        files = self.libvirtd.directory
        until(lambda: not containers.loop_devices(files), 10, "loop devices are free")
        self.assertNotIn("Traceback", self.daemons.logs())

    def seen(
        self, instances: set[str], began: float
    ) -> tuple[list[float], list[float]]:
        """How many seconds it took each until it was running, and ready."""
        running: dict[str, float] = {}
        ready: dict[str, float] = {}

        def all_are() -> bool:
            for found, now in (
                (running, self.in_state("running")),
                (ready, self.ready(instances - ready.keys())),
            ):
                for each in now - found.keys():
                    found[each] = time.monotonic() - began
            return running.keys() == ready.keys() == instances

        until(all_are, 120, "all of them are ready")
        return list(running.values()), list(ready.values())

    def described(self) -> dict[str, Any]:
        told = self.ec2.describe_instances()["Reservations"]
        return {e["InstanceId"]: e for each in told for e in each["Instances"]}

    def in_state(self, state: str) -> set[str]:
        told = self.described().items()
        return {name for name, each in told if each["State"]["Name"] == state}

    def ready(self, wanted: set[str]) -> set[str]:
        # The node's own files, else what is measured is how often is asked.
        consoles = {each: self.instances_dir / each / CONSOLE for each in wanted}
        return {
            each
            for each, path in consoles.items()
            if path.exists() and b" is ready" in path.read_bytes()
        }

    def check_consoles(self, instances: set[str]) -> None:
        described = self.described()
        addresses = set()
        for each in instances:
            address = described[each]["PrivateIpAddress"]
            addresses.add(address)
            console = self.console(each)
            for line in (
                f"euca_tw: instance-id {each}",
                f"euca_tw: address {address}/24",
                "euca_tw: key SHA256:",
                f"user-data of ip-{address.replace('.', '-')}: 42",
                f"euca_tw: instance {each} is ready",
            ):
                self.assertIn(line, console)
        self.assertEqual(len(addresses), CROWD)
        self.assertEqual(call("ip", "link").count("vn_i-"), CROWD)
        self.assertIn(BRIDGE, call("ip", "link"))


def tell(what: str, seconds: list[float]) -> None:
    """How they are spread."""
    took = sorted(seconds)
    if len(took) == 1:
        print(f"\n  {what} after {took[0]:.1f} s", end="")
        return
    at = {"min": 0, "median": len(took) // 2, "p90": len(took) * 9 // 10, "max": -1}
    spread = ", ".join(f"{name} {took[n]:.1f}" for name, n in at.items())
    print(f"\n  {what} after {spread} s", end="")
