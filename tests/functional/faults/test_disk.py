"""Real daemons whose disk is full."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.functional.disks import SmallDisk
from tests.functional.faults.site import DAEMONS, Site, SiteCase

_MIB = 8


def _is_hit(site: Site, name: str) -> bool:
    if not site.is_running(name):
        return "the disk is full: make room" in site.log(name)
    return "Signed messages are refused" in site.log(name)


class DiskTests(SiteCase):
    """Each has its state on a small disk of its own."""

    def setUp(self) -> None:
        site = Site()
        self.disks = {
            name: SmallDisk.mounted(site.directory / name, _MIB)
            for name in (*DAEMONS, "images")
        }
        site.disks = [*self.disks.values()]
        with site.config.open("a") as more:
            more.write('[images]\ndirectory = "images"\n')
        self.begin(site)

    def test_full(self) -> None:
        """
        Whichever daemon's disk is full, nothing that was acknowledged is lost, nor
        anything acknowledged that is not kept.  The daemon says why, and takes no
        signed message; if it is to keep anything it ends.  All goes on when there is
        room, and it is started again if it has ended.
        """
        self.expected = {self.running(): "running"}
        for name in DAEMONS:
            self.check_is_full(name)
        self.check_images()
        self.check_logs()

    def check_images(self) -> None:
        """An image that has no room in the store is told to have failed, and why."""
        disk = self.disks["images"]
        disk.fill()
        failed = self.register("one")
        self.until(lambda: self.described(failed)["State"] == "failed", "it failed")
        reason = self.described(failed)["StateReason"]["Message"]
        self.assertIn("No space left on device", reason)
        disk.make_room()
        came = self.register("another")
        self.until(lambda: self.described(came)["State"] == "available", "it came")

    def register(self, name: str) -> str:
        """An image that is not there yet."""
        content = self.site.directory / name
        content.write_bytes(name.encode() * 10_000)
        told = self.ec2.register_image(ImageLocation=str(content), Name=name)
        image_id: str = told["ImageId"]
        return image_id

    def described(self, image_id: str) -> Any:
        """As its user is told of it."""
        [image] = self.ec2.describe_images(ImageIds=[image_id])["Images"]
        return image

    def check_is_full(self, name: str) -> None:
        """While instances are launched, and one is to end."""
        self.until(self.is_ready, "all are heard")
        ends = self.running()
        self.disks[name].fill()
        if name == "clc":
            self.expected[ends] = "running"
            self.launch_until_refused()
        else:
            self.expected[self.launch()] = "running"
            self.terminate(ends)
            self.expected[ends] = "terminated"
        self.until(lambda: _is_hit(self.site, name), f"{name} says that it is full")
        self.disks[name].make_room()
        if not self.site.is_running(name):
            self.assertEqual(self.site.ended(name), 1)
            self.site.start(name)
        self.until_states(self.expected)

    def launch_until_refused(self) -> None:
        """Of which nothing is acknowledged any more."""
        while True:
            try:
                self.expected[self.launch()] = "running"
            except ClientError as refused:
                self.assertEqual(refused.response["Error"]["Code"], "Unavailable")
                return
            except BotoCoreError:
                # What the cloud does by itself was too much before.
                return
