"""
A real guest that is stopped, started and ended by request, and how it takes it.
"""

from __future__ import annotations

import time
from random import SystemRandom
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.web.client import Agent

from euca_tw.admin.identities import read_certificate
from euca_tw.api import node as api
from euca_tw.common.certificates import der_of
from euca_tw.soap.client import SoapPeers
from euca_tw.soap.interfaces import IPeer
from euca_tw.soap.keys import load_identity
from tests.functional.guests import GuestCase, call

GRACE_S = 15
#: What the guest says: when it is asked; and, its disks taken off, as its last.
ASKED = "euca_tw: power button"
OFF = "reboot: Power down"


class PowerTests(GuestCase):
    """Nodes' clients can stop instances, though users cannot yet."""

    node_settings = f"""\
stop_grace_s = {GRACE_S}.0
terminate_grace_s = {GRACE_S}.0
"""

    async def test_power(self) -> None:
        """
        A guest that is asked to stop shuts itself down, its file system whole,
        and starts from what it wrote; one that does not heed is ended when its
        time is over; what shall be terminated is asked as well.
        """
        self.node = self.as_cluster()
        self.instance_id = self.launch()
        address = self.wait_for(self.instance_id, "running")["PrivateIpAddress"]
        self.wait_ready(self.instance_id)
        self.ssh(address, "echo kept >/k")
        await self.check_heeds()
        await self.check_starts(address, boots=2)
        await self.check_ignores(address)
        await self.check_starts(address, boots=3)
        self.check_is_asked_to_end()

    async def check_heeds(self) -> None:
        took_s = await self.stopped()
        print(f"\n  has shut itself down {took_s:.1f} s after the request")
        console = self.console(self.instance_id)
        self.assertIn(ASKED, console)
        self.assertIn(OFF, console)
        self.assertNotIn("needs_recovery", self.file_system())

    async def check_starts(self, address: str, boots: int) -> None:
        request = api.NcStartInstance(instance_id=self.instance_id)
        answer = await self.node.call(api.NC_START_INSTANCE, request, 30)
        self.assertIsNone(answer.refusal)
        self.wait_ready(self.instance_id, boots)
        self.assertEqual(self.ssh(address, "cat /k"), "kept\n")

    async def check_ignores(self, address: str) -> None:
        self.ssh(address, "killall acpid; echo lost >/l; sync; echo >>/l")
        took_s = await self.stopped()
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

    async def stopped(self) -> float:
        """How long it took."""
        began = time.monotonic()
        request = api.NcStopInstance(instance_id=self.instance_id)
        answer = await self.node.call(api.NC_STOP_INSTANCE, request, 30)
        self.assertIsNone(answer.refusal)
        while await self.life() != "stopped":
            self.assertLess(time.monotonic(), began + 2 * GRACE_S)
            await deferLater(reactor, 0.1)
        return time.monotonic() - began

    async def life(self) -> str | None:
        request = api.NcWaitForChanges(since=0, timeout_s=0)
        told = await self.node.call(api.NC_WAIT_FOR_CHANGES, request, 30)
        [instance] = told.instances
        life: str | None = instance.life
        return life

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

    def as_cluster(self) -> IPeer:
        """The node controller, for who signs as its cluster controller does."""
        keys = self.daemons.directory / "keys"
        pinned = der_of(read_certificate(keys / "node1-cert.pem"))
        peers: Any = SoapPeers(
            api=api.NODE,
            agent=Agent(reactor),
            clock=reactor,  # type: ignore[arg-type]
            identity=load_identity(
                (keys / "cluster1-pk.pem").read_bytes(),
                (keys / "cluster1-cert.pem").read_bytes(),
            ),
            certificate_of=lambda url: pinned,
            rng=SystemRandom(),
        )
        peer: IPeer = peers.peer("http://127.0.0.1:8775/axis2/services/EucalyptusNC")
        return peer
