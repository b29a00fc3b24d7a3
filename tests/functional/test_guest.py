"""
A user's round with a real guest: three daemons, libvirt, and the demo image.
"""

from __future__ import annotations

import time
from pathlib import Path

from tests.functional.daemons import until
from tests.functional.guests import GuestCase, call

#: Somebody else's domain, with a name that could be ours.
FOREIGN = """\
<domain type='qemu'><name>{name}</name><memory unit='MiB'>16</memory>
<metadata><euca:instance xmlns:euca='urn:euca-tw:instance:1'
    id='{name}' mark='another'/></metadata>
<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>
"""


class GuestTests(GuestCase):
    """From the key pair to the end of the instance."""

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
        self.check_image(instance_id, address)
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

    def check_image(self, instance_id: str, address: str) -> None:
        """An image of it as it runs; what it has flushed is in that."""
        before = self.ssh(address, "echo flushed >/f; sync; cat /proc/uptime")
        began = time.monotonic()
        image_id = self.create_image(instance_id, NoReboot=True)
        print(f"  an image as it runs in {time.monotonic() - began:.1f} s")
        after = self.ssh(address, "cat /proc/uptime")
        self.assertGreater(float(after.split()[0]), float(before.split()[0]))
        self.assertEqual(self.inside(image_id, "/f"), "flushed\n")
        making = self.instances_dir / "making"
        until(lambda: not [*making.iterdir()], 10, "nothing of it is on the node")
        self.ec2.deregister_image(ImageId=image_id)

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
