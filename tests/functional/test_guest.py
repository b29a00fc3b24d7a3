"""
A user's round with a real guest: three daemons, libvirt, and the demo image.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

from twisted.trial.unittest import TestCase

from tests.functional.daemons import BRIDGE, ROOT, Daemons, until
from tests.functional.libvirtd import Libvirtd, skip_if_impossible
from tests.functional.netns import enter_new

#: Built once, and kept with that of C{make demo}.
IMAGE = ROOT / ".demo" / "image"
#: Somebody else's domain, with a name that could be ours.
FOREIGN = """\
<domain type='qemu'><name>{name}</name><memory unit='MiB'>16</memory>
<metadata><euca:instance xmlns:euca='urn:euca-tw:instance:1'
    id='{name}' mark='another'/></metadata>
<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>
"""
USER_DATA = """#!/bin/sh
echo "user-data of $(hostname): $((6 * 7))"
"""


def call(*command: object, check: bool = True) -> str:
    """What a program says, errors with it."""
    ended = subprocess.run(
        [str(word) for word in command],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    if check and ended.returncode:
        raise AssertionError(f"{command}: {ended.stdout}")
    return ended.stdout


class GuestTests(TestCase):
    """From the key pair to the end of the instance."""

    timeout = 300

    def setUp(self) -> None:
        skip_if_impossible()
        call(ROOT / "images" / "demo" / "build", IMAGE)
        enter_new(self)
        self.libvirtd = self.start_libvirtd()
        self.addCleanup(self.libvirtd.stop)
        self.daemons = self.start_daemons()
        self.addCleanup(self.daemons.stop)
        self.ec2 = self.daemons.client()
        self.pem = Path(self.mktemp()).absolute()

    def start_libvirtd(self) -> Libvirtd:
        return Libvirtd.start()

    def start_daemons(self) -> Daemons:
        return Daemons.start(self.libvirtd, IMAGE)

    def instance(self, instance_id: str) -> dict[str, Any]:
        [told] = self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
        [instance] = told["Instances"]
        return dict(instance)

    def wait_for(self, instance_id: str, state: str) -> dict[str, Any]:
        def is_so() -> dict[str, Any] | None:
            instance = self.instance(instance_id)
            return instance if instance["State"]["Name"] == state else None

        found: dict[str, Any] = until(is_so, 60, f"{instance_id} is {state}")
        return found

    def console(self, instance_id: str) -> str:
        told = self.ec2.get_console_output(InstanceId=instance_id)
        return str(told.get("Output", "")).replace("\r", "")

    def wait_ready(self, instance_id: str, boots: int = 1) -> str:
        def is_ready() -> str | None:
            said = self.console(instance_id)
            ready = said.count(f"instance {instance_id} is ready")
            return said if ready == boots else None

        said: str = until(is_ready, 120, "the guest is ready")
        return said

    def ssh(self, address: str, command: str) -> str:
        """Let in by the key pair alone; C{""} if not, or not yet."""
        return call(
            *("ssh", "-i", self.pem, "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *("-o", "ConnectTimeout=5", "-o", "IdentitiesOnly=yes"),
            *(f"root@{address}", command),
            check=False,
        )

    def launch(self) -> str:
        key = self.ec2.create_key_pair(KeyName="mine")["KeyMaterial"]
        self.pem.touch(mode=0o600)
        self.pem.write_text(key)
        [image] = until(self.machine_images, 30, "the demo image is registered")
        room = until(self.has_room, 30, "the node has told what it has")
        self.assertTrue(room)
        [instance] = self.ec2.run_instances(
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            InstanceType="m1.small",
            KeyName="mine",
            UserData=USER_DATA,
        )["Instances"]
        return str(instance["InstanceId"])

    def machine_images(self) -> list[str]:
        images = self.ec2.describe_images()["Images"]
        return [e["ImageId"] for e in images if e["ImageType"] == "machine"]

    def has_room(self) -> bool:
        return "m1.small" in self.daemons.command("status")

    def test_round(self) -> None:
        """
        A guest takes its address, shows its identifier, its key and its user
        data's output on its console, and lets in who has the key; it reboots,
        and outlives its node controller; terminated, nothing is left of it.
        """
        launched = time.monotonic()
        instance_id = self.launch()
        address = self.wait_for(instance_id, "running")["PrivateIpAddress"]
        console = self.wait_ready(instance_id)
        print(f"\n  ready {time.monotonic() - launched:.1f} s after the launch")
        self.check_console(console, instance_id, address)
        self.check_inside(instance_id, address)
        self.check_reboot(instance_id, address)
        self.check_node_killed(instance_id, address)
        self.check_node_lost_everything(instance_id, address)
        self.check_end(instance_id)
        logs = self.daemons.logs()
        self.assertIn(f"{instance_id} has its key: ", logs)
        self.assertNotIn("Traceback", logs)

    def check_console(self, console: str, instance_id: str, address: str) -> None:
        name = f"ip-{address.replace('.', '-')}"
        public = call("ssh-keygen", "-y", "-f", self.pem)
        self.pem.with_suffix(".pub").write_text(public)
        of_key = call("ssh-keygen", "-l", "-f", self.pem.with_suffix(".pub")).split()[1]
        scanned = call(
            "sh", "-c", f"ssh-keyscan -t ed25519 {address} | ssh-keygen -lf -"
        )
        [of_host] = [w for w in scanned.split() if w.startswith("SHA256:")]
        for line in (
            f"euca_tw: instance-id {instance_id}",
            f"euca_tw: address {address}/24",
            f"euca_tw: key {of_key}",
            f"euca_tw: host key {of_host}",
            f"user-data of {name}: 42",
            "euca_tw: user-data ended with 0",
        ):
            self.assertIn(line, console)

    def check_inside(self, instance_id: str, address: str) -> None:
        fetch = "wget -q -O - http://169.254.169.254/latest/meta-data/"
        self.assertEqual(self.ssh(address, f"{fetch}instance-id"), instance_id)
        self.assertEqual(self.ssh(address, f"{fetch}public-keys/"), "0=mine")
        self.assertEqual(self.ssh(address, f"{fetch}block-device-mapping/swap"), "sdb")
        self.assertEqual(self.ssh(address, "cat /sys/block/vda/serial"), "root")
        tables = "cat /sys/class/dmi/id/product_uuid /sys/class/dmi/id/product_serial"
        uuid, serial = self.ssh(address, tables).split()
        self.assertEqual((uuid[:3], uuid), ("ec2", serial))
        found = self.ssh(address, "swapon /dev/vdb && tail -n 1 /proc/swaps")
        self.assertIn("/dev/vdb", found)
        self.assertEqual(self.ssh(address, f"{fetch}ami-id"), self.machine_images()[0])
        refused = self.ssh(address, "wget -q -O - http://169.254.169.254/x || echo no")
        self.assertIn("no", refused)

    def check_reboot(self, instance_id: str, address: str) -> None:
        before = self.ssh(address, "cat /proc/sys/kernel/random/boot_id; echo kept >/k")
        self.ec2.reboot_instances(InstanceIds=[instance_id])
        console = self.wait_ready(instance_id, boots=2)
        after = self.ssh(address, "cat /proc/sys/kernel/random/boot_id /k")
        self.assertNotEqual(before, after.replace("kept\n", ""))
        self.assertIn("kept", after)
        self.assertEqual(console.count("user-data ended"), 1)

    def check_node_killed(self, instance_id: str, address: str) -> None:
        self.daemons.kill("euca-nc")
        self.check_begun_anew(instance_id, address)

    def check_node_lost_everything(self, instance_id: str, address: str) -> None:
        """All that the node controller kept is gone, disks and all."""
        foreign = FOREIGN.format(name="i-0000000f")
        virsh = ("virsh", "-q", "-c", self.libvirtd.uri)
        path = Path(self.mktemp())
        path.write_text(foreign)
        call(*virsh, "create", path)
        self.addCleanup(call, *virsh, "destroy", "i-0000000f", check=False)
        self.daemons.kill("euca-nc")
        self.daemons.forget_node()
        self.check_begun_anew(instance_id, address)
        self.assertIn(
            f"{instance_id} is a domain of this node that it has no record of",
            self.daemons.logs(),
        )
        self.assertIn("running", call(*virsh, "domstate", "i-0000000f"))
        call(*virsh, "destroy", "i-0000000f")

    def check_begun_anew(self, instance_id: str, address: str) -> None:
        self.daemons.run("euca-nc")
        self.daemons.wait()
        fetch = "wget -q -O - http://169.254.169.254/latest/meta-data/instance-id"
        until(
            lambda: self.ssh(address, fetch) == instance_id,
            20,
            "metadata are served again",
        )
        self.assertEqual(self.instance(instance_id)["State"]["Name"], "running")

    def check_end(self, instance_id: str) -> None:
        self.assertIn(instance_id, call("ip", "link"))
        self.ec2.terminate_instances(InstanceIds=[instance_id])
        self.wait_for(instance_id, "terminated")
        self.check_nothing_left(instance_id)

    def check_nothing_left(self, instance_id: str) -> None:
        def is_gone() -> bool:
            domains = call("virsh", "-c", self.libvirtd.uri, "list", "--all", "--name")
            here = self.daemons.directory / "nc" / "instances" / instance_id
            disks = [e for e in here.glob("*") if e.name != "console.log"]
            rules = call("nft", "list", "ruleset")
            network = call("ip", "link") + rules
            return not (domains.strip() or disks or instance_id in network)

        until(is_gone, 20, "domain, disk, card and rules are gone")
        self.assertIn(BRIDGE, call("ip", "link"))
