"""
A real guest that is stopped, started and ended by request, and how it takes it.
"""

from __future__ import annotations

import time

from tests.functional.guests import GuestCase, call

GRACE_S = 15
#: What the guest says: when it is asked; and, its disks taken off, as its last.
ASKED = "euca_tw: power button"
OFF = "reboot: Power down"


class PowerTests(GuestCase):
    """By EC2's API, through the whole cloud."""

    node_settings = f"""\
stop_grace_s = {GRACE_S}.0
terminate_grace_s = {GRACE_S}.0
"""

    def test_power(self) -> None:
        """
        A guest that is asked to stop shuts itself down, its file system whole,
        and starts from what it wrote; one that does not heed is ended when its
        time is over; what shall be terminated is asked as well.
        """
        self.instance_id = self.launch()
        address = self.wait_for(self.instance_id, "running")["PrivateIpAddress"]
        self.wait_ready(self.instance_id)
        self.ssh(address, "echo kept >/k")
        self.check_heeds()
        self.check_starts(address, boots=2)
        self.check_ignores(address)
        self.check_starts(address, boots=3)
        self.check_is_asked_to_end()

    def check_heeds(self) -> None:
        took_s = self.stopped()
        print(f"\n  has shut itself down {took_s:.1f} s after the request")
        console = self.console(self.instance_id)
        self.assertIn(ASKED, console)
        self.assertIn(OFF, console)
        self.assertNotIn("needs_recovery", self.file_system())

    def check_starts(self, address: str, boots: int) -> None:
        self.ec2.start_instances(InstanceIds=[self.instance_id])
        self.wait_ready(self.instance_id, boots)
        told = self.wait_for(self.instance_id, "running")
        self.assertEqual(told["PrivateIpAddress"], address)
        self.assertEqual(self.ssh(address, "cat /k"), "kept\n")

    def check_ignores(self, address: str) -> None:
        self.ssh(address, "killall acpid; echo lost >/l; sync; echo >>/l")
        took_s = self.stopped()
        self.assertGreaterEqual(took_s, GRACE_S)
        console = self.console(self.instance_id)
        self.assertEqual((console.count(ASKED), console.count(OFF)), (1, 1))
        self.assertIn("needs_recovery", self.file_system())

    def check_is_asked_to_end(self) -> None:
        began = time.monotonic()
        self.ec2.terminate_instances(InstanceIds=[self.instance_id])
        self.wait_for(self.instance_id, "terminated")
        self.assertLess(time.monotonic() - began, GRACE_S)
        self.assertEqual(self.console(self.instance_id).count(OFF), 2)
        self.check_nothing_left(self.instance_id)

    def stopped(self) -> float:
        """How long it took."""
        began = time.monotonic()
        self.ec2.stop_instances(InstanceIds=[self.instance_id])
        told = self.wait_for(self.instance_id, "stopped")
        took_s = time.monotonic() - began
        self.assertEqual(told["StateReason"]["Code"], "Client.UserInitiatedShutdown")
        return took_s

    def file_system(self) -> str:
        """Of the guest's root disk, as e2fsprogs tells of it; it is whole."""
        here = self.daemons.directory / "nc" / "instances" / self.instance_id
        raw = self.libvirtd.directory / "root.raw"
        call("qemu-img", "convert", "-O", "raw", here / "root.qcow2", raw)
        told = call("dumpe2fs", "-h", raw)
        if "needs_recovery" not in told:
            call("e2fsck", "-fn", raw)
        raw.unlink()
        return told
