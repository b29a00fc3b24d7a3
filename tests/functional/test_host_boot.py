"""
A machine that loses its power under a real guest, and boots.
"""

from __future__ import annotations

from typing import Any

from tests.functional.daemons import BRIDGE, PORTS
from tests.functional.guests import GuestCase, call


class HostBootTests(GuestCase):
    node_settings = "restart_on_host_boot = true\n"

    def test_power_lost(self) -> None:
        """
        A guest is run again from its own disk, with its address and identifier;
        to its user it was running all the time.
        """
        instance_id = self.launch()
        address = self.wait_for(instance_id, "running")["PrivateIpAddress"]
        self.wait_ready(instance_id)
        boot_id = "cat /proc/sys/kernel/random/boot_id"
        before = self.ssh(address, f"{boot_id}; echo kept >/k; sync")
        self.lose_power()
        virsh = ("virsh", "-q", "-c", self.libvirtd.uri)
        state = call(*virsh, "domstate", "--reason", instance_id).strip()
        self.assertEqual(state, "shut off (unknown)")
        for name in PORTS:
            self.daemons.run(name)
        self.daemons.wait()
        self.wait_ready(instance_id, boots=2)
        self.assertEqual(self.told(instance_id), ("running", address))
        after = self.ssh(address, f"{boot_id}; cat /k")
        self.assertNotIn(before.strip(), after)
        self.assertIn("kept", after)
        logs = self.daemons.logs()
        self.assertIn(f"{instance_id}: Its domain was gone when", logs)
        self.assertNotIn("Traceback", logs)
        self.ec2.terminate_instances(InstanceIds=[instance_id])
        self.wait_for(instance_id, "terminated")
        self.check_nothing_left(instance_id)

    def lose_power(self) -> None:
        for name in PORTS:
            self.daemons.kill(name)
        self.libvirtd.lose_power()
        # The network is in memory only, as well.
        call("ip", "link", "del", BRIDGE)
        call("nft", "flush", "ruleset")

    def told(self, instance_id: str) -> tuple[Any, Any]:
        instance = self.instance(instance_id)
        return instance["State"]["Name"], instance["PrivateIpAddress"]
