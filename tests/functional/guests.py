"""
Tests of real guests on a whole cloud: three daemons, libvirt, the demo image.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, ClassVar

from twisted.trial.unittest import TestCase

from tests.functional.daemons import BRIDGE, ROOT, Daemons, until
from tests.functional.libvirtd import Libvirtd, skip_if_impossible
from tests.functional.netns import enter_new

#: Built once, and kept with that of C{make demo}.
IMAGE = ROOT / ".demo" / "image"
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


class GuestCase(TestCase):
    """
    @cvar node_settings: of the node controller, further ones, as TOML.
    """

    timeout = 300
    node_settings: ClassVar[str] = ""

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
        settings = self.node_settings
        return Daemons.start(self.libvirtd, IMAGE, node_settings=settings)

    @property
    def instances_dir(self) -> Path:
        """Where the node has them."""
        return self.daemons.directory / "nc" / "instances"

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

    def launch(self, **given: Any) -> str:
        self.prepare()
        [instance_id] = self.launched(1, **given)
        return instance_id

    def prepare(self) -> None:
        """Have a key pair, and wait till there is an image, and room."""
        key = self.ec2.create_key_pair(KeyName="mine")["KeyMaterial"]
        self.pem.touch(mode=0o600)
        self.pem.write_text(key)
        until(self.machine_images, 30, "the demo image is registered")
        until(self.has_room, 30, "the node has told what it has")

    def launched(self, count: int, **given: Any) -> list[str]:
        """By one request, with what it says besides."""
        [image] = self.machine_images()
        told = self.ec2.run_instances(
            ImageId=image,
            MinCount=count,
            MaxCount=count,
            InstanceType="m1.small",
            KeyName="mine",
            UserData=USER_DATA,
            **given,
        )
        return [str(instance["InstanceId"]) for instance in told["Instances"]]

    def create_image(self, instance_id: str, **given: Any) -> str:
        """Have an image made of an instance, and wait till it is there."""
        name = f"of {instance_id}"
        told = self.ec2.create_image(InstanceId=instance_id, Name=name, **given)
        image_id: str = told["ImageId"]

        def state() -> str | None:
            [image] = self.ec2.describe_images(ImageIds=[image_id])["Images"]
            self.assertNotEqual(image["State"], "failed", image.get("StateReason"))
            found: str = image["State"]
            return found if found == "available" else None

        until(state, 60, f"{image_id} is available")
        return image_id

    def inside(self, image_id: str, path: str) -> str:
        """What a file in the root file system of an image says."""
        raw = self.libvirtd.directory / "image.raw"
        kept = self.daemons.directory / "clc" / "images" / image_id
        call("qemu-img", "convert", "-f", "qcow2", "-O", "raw", kept, raw)
        try:
            # Mounting it would do no less: what its journal has is put in place.
            call("e2fsck", "-fy", raw, check=False)
            call("e2fsck", "-fn", raw)
            return call("debugfs", "-R", f"cat {path}", raw).split("\n", 1)[1]
        finally:
            raw.unlink()

    def machine_images(self) -> list[str]:
        images = self.ec2.describe_images()["Images"]
        return [e["ImageId"] for e in images if e["ImageType"] == "machine"]

    def has_room(self) -> bool:
        return "m1.small" in self.daemons.command("status")

    def check_nothing_left(self, *instance_ids: str) -> None:
        until(lambda: not self.left(*instance_ids), 20, "there is nothing left")
        self.assertIn(BRIDGE, call("ip", "link"))

    def left(self, *instance_ids: str) -> list[str]:
        """Domains, disks, and lines of the network that name an instance."""
        domains = call("virsh", "-c", self.libvirtd.uri, "list", "--all", "--name")
        instances = self.instances_dir
        disks = [
            path.name
            for each in instance_ids
            for path in (instances / each).glob("*")
            if path.name != "console.log"
        ]
        network = call("ip", "link") + call("nft", "list", "ruleset")
        lines = [
            line
            for line in network.splitlines()
            if any(each in line for each in instance_ids)
        ]
        return [*domains.split(), *disks, *lines]
