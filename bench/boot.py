"""
How long from RunInstances to the guest's first line on its console: three daemons
on real libvirt, against a bare C{virsh create} of the same domain.

Both boot the demo image, by turns, each alone on the machine; C{python -m
bench.boot 8} has eight of each.  The bare domain's disks are made before the clock
starts.  The first launch, which brings the image to the node, is not counted.
Needs root; in a network namespace and with a libvirtd of its own, so nothing is
left behind.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

from attrs import frozen
from lxml import etree
from twisted.trial.unittest import SkipTest

from tests.functional.daemons import ROOT, Daemons, until
from tests.functional.libvirtd import Libvirtd, skip_if_impossible
from tests.functional.netns import enter_new

#: Of each kind, unless the command line says otherwise.
BOOTS = 5
IMAGE = ROOT / ".demo" / "image"
PATIENCE_S = 60.0
#: How finely the console is watched.
STEP_S = 0.005
#: What an instance boots from, besides its disks.
_BOOTED = ("kernel", "ramdisk", "image")


def first_line_s(console: Path, began: float) -> float:
    """Seconds from C{began} until there is a whole line on the console."""
    while time.monotonic() < began + PATIENCE_S:
        try:
            said = console.read_bytes()
        except FileNotFoundError:
            said = b""
        if b"\n" in said.lstrip():
            return time.monotonic() - began
        time.sleep(STEP_S)
    sys.exit(f"the guest has said nothing in {PATIENCE_S:.0f} s: {console}")


@frozen
class Cloud:
    """Three daemons, and a user of theirs."""

    daemons: Daemons
    ec2: Any
    image: str

    @classmethod
    def start(cls, daemons: Daemons) -> Cloud:
        ec2 = daemons.client()

        def machine_images() -> list[str]:
            images = ec2.describe_images()["Images"]
            return [i["ImageId"] for i in images if i["ImageType"] == "machine"]

        [image] = until(machine_images, 30, "the demo image is registered")
        until(lambda: "m1.small" in daemons.command("status"), 30, "there is room")
        return cls(daemons, ec2, image)

    def home(self, instance_id: str) -> Path:
        """Where the node keeps an instance."""
        return self.daemons.directory / "nc" / "instances" / instance_id

    def boot(self) -> tuple[str, float]:
        """An instance, and how long it took."""
        began = time.monotonic()
        launched = self.ec2.run_instances(
            ImageId=self.image, MinCount=1, MaxCount=1, InstanceType="m1.small"
        )
        instance_id = launched["Instances"][0]["InstanceId"]
        return instance_id, first_line_s(self.home(instance_id) / "console.log", began)

    def end(self, instance_id: str) -> None:
        self.ec2.terminate_instances(InstanceIds=[instance_id])

        def is_ended() -> bool:
            told = self.ec2.describe_instances(InstanceIds=[instance_id])
            [instance] = told["Reservations"][0]["Instances"]
            return bool(instance["State"]["Name"] == "terminated")

        until(is_ended, PATIENCE_S, f"{instance_id} has ended")


@frozen
class Bare:
    """
    The same domain, without a cloud.

    @ivar domain: as libvirt tells it of an instance.
    @ivar home: has all files that are in it.
    @ivar size: of its disk, in bytes.
    """

    uri: str
    domain: bytes
    home: Path
    size: int

    @classmethod
    def like(cls, uri: str, instance_id: str, source: Path) -> Bare:
        """A domain like that of an instance that runs."""
        home = source.with_name("bare")
        home.mkdir(mode=0o755)
        for each in (*map(source.joinpath, _BOOTED), *source.glob("*.raw")):
            os.link(each, home / each.name)
        told = virsh(uri, "dumpxml", "--inactive", instance_id)
        domain = etree.fromstring(told.replace(str(source), str(home)))
        for metadata in domain.iterfind("metadata"):
            domain.remove(metadata)
        for target in domain.iterfind("devices/interface/target"):
            target.getparent().remove(target)
        info = ("qemu-img", "info", "-U", "--output=json", source / "root.qcow2")
        size = json.loads(subprocess.check_output(info))["virtual-size"]
        return cls(uri, etree.tostring(domain), home, size)

    def boot(self) -> float:
        """How long it took; it has ended."""
        name, console = f"bare-{uuid4().hex[:8]}", self.home / "console.log"
        disk, size = self.home / "root.qcow2", str(self.size)
        for each in (console, disk):
            each.unlink(missing_ok=True)
        create = ("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b")
        subprocess.run((*create, self.home / "image", disk, size), check=True)
        domain = etree.fromstring(self.domain)
        domain.find("name").text = name
        wanted = self.home / "domain.xml"
        wanted.write_bytes(etree.tostring(domain))
        began = time.monotonic()
        virsh(self.uri, "create", str(wanted))
        took = first_line_s(console, began)
        virsh(self.uri, "destroy", name)
        return took


def virsh(uri: str, *words: str) -> str:
    return subprocess.run(
        ("virsh", "-q", "-c", uri, *words), check=True, capture_output=True, text=True
    ).stdout


class _Run(ExitStack):
    """Takes what L{enter_new} has to say to a test."""

    def addCleanup(self, undo: Any) -> None:
        self.callback(undo)


def measured(run: _Run, boots: int) -> tuple[list[float], list[float]]:
    """
    Seconds by the cloud, and without it.

    @raise SkipTest: it cannot be done here.
    """
    skip_if_impossible()
    built = subprocess.run(
        (ROOT / "images" / "demo" / "build", IMAGE),
        capture_output=True,
        check=False,
        text=True,
    )
    if built.returncode:
        raise SkipTest(f"the demo image cannot be built: {built.stderr.strip()}")
    enter_new(run)  # type: ignore[arg-type]
    libvirtd = Libvirtd.start()
    run.callback(libvirtd.stop)
    daemons = Daemons.start(libvirtd, IMAGE)
    run.callback(daemons.stop)
    cloud = Cloud.start(daemons)
    instance_id, _ = cloud.boot()
    bare = Bare.like(libvirtd.uri, instance_id, cloud.home(instance_id))
    run.callback(shutil.rmtree, bare.home)
    cloud.end(instance_id)
    by_cloud, by_hand = [], []
    for _ in range(boots):
        instance_id, took = cloud.boot()
        by_cloud.append(took)
        cloud.end(instance_id)
        by_hand.append(bare.boot())
    return by_cloud, by_hand


def tell(what: str, seconds: list[float]) -> None:
    middle = statistics.median(seconds)
    all_of_them = " ".join(f"{each:.2f}" for each in sorted(seconds))
    print(f"{what:34}{middle:9.2f} s   ({all_of_them})")


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    boots = int(sys.argv[1]) if len(sys.argv) > 1 else BOOTS
    try:
        with _Run() as run:
            by_cloud, by_hand = measured(run, boots)
    except SkipTest as reason:
        print(f"skipped: the time to a guest's first line {reason}")
        return
    tell("RunInstances to the first line", by_cloud)
    tell("virsh create to the first line", by_hand)
    # By pairs, so that what else the machine does weighs on both alike.
    pairs = list(zip(by_cloud, by_hand, strict=True))
    ratio = statistics.median(cloud / bare for cloud, bare in pairs)
    more = statistics.median(cloud - bare for cloud, bare in pairs)
    print(f"{'ratio, median of the pairs':34}{ratio:9.2f}")
    print(f"{'difference, median of the pairs':34}{more:9.2f} s")


if __name__ == "__main__":
    main()
