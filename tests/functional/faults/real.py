"""
The world of real processes: three daemons of twistd's, a libvirtd, real guests in
qemu, and boto3 as their user.
"""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ReadTimeoutError

from euca_tw.nodectl.console import CONSOLE
from tests.functional.daemons import CONFIGURATION, Daemons, until
from tests.functional.faults.gates import Gates, ImageServer
from tests.functional.faults.play import FREEZE, Outcome
from tests.functional.faults.settings import CLOUD, CLUSTER, NODE, ROOM, as_toml
from tests.functional.libvirtd import Libvirtd

_NAMES = {"cloud": "euca-clc", "cluster": "euca-cc", "node": "euca-nc"}
#: Who waits in vain for one that stands still, and what it says then.
_MISSED_BY = {"cluster": "euca-clc", "node": "euca-cc", "hypervisor": "euca-nc"}
_MISSES = {
    "euca-clc": (" is not heard: ",),
    "euca-cc": (" is not heard: ",),
    "euca-nc": (" has not answered within ", " is lost: "),
}
PATIENCE_S = 180.0
#: A machine whose only program tells that it runs, on its first serial port, and
#: then sleeps: mov dx, 3f8h; mov al, "R"; out dx, al; mov al, "\n"; out dx, al; hlt.
SECTOR = bytes.fromhex("baf803 b052 ee b00a ee fa f4 ebfc").ljust(510, b"\0") + (
    b"\x55\xaa"
)
_SIZE = 64 * 1024
#: Of instances' disk, in all, and what is left alone.
DISK_MIB, LEAST_FREE_MIB = 64, 16
_TIERS = ("ended_kept_s", "poll_s", "call_timeout_s", "silent_after_s")


def configuration(hooks: Path, images: Path, disk: Path) -> str:
    """Of all daemons; see L{Daemons.configuration}."""
    text = CONFIGURATION.replace('[images]\ndemo = "{image}"\n', "")
    text = text.replace(", swap_mib = 64", "").replace("inject_keys = true\n", "")
    for section, lines in (
        (
            "[cloud]",
            as_toml(CLOUD, *_TIERS, "retry_ceiling_s")
            + f'url = "{ImageServer.url}"\n'
            + "[quotas]\ninstances = 1000\n"
            + f'[images]\nimport_directories = ["{images}"]\n',
        ),
        (
            "[cluster_controller]",
            as_toml(CLUSTER, *_TIERS, "retry_ceiling_s", "settle_s", "placing_s"),
        ),
        (
            "[node_controller]",
            as_toml(NODE, "ended_kept_s", "retry_ceiling_s", "stop_grace_s")
            + as_toml(NODE, "hooks_wait_s")
            + as_toml(ROOM, "cores", "memory_mib", "disk_gib")
            + f'hooks_dir = "{hooks}"\nhook_deadline_s = 3600.0\n'
            + f'instances_dir = "{disk}"\nleast_free_mib = {LEAST_FREE_MIB}\n',
        ),
    ):
        before, _, after = text.partition(section + "\n")
        # What begins a section of its own comes after what is of this one.
        own, bracket, rest = after.partition("\n[")
        text = f"{before}{section}\n{own}\n{lines}{bracket}{rest}"
    return text


class RealWorld:
    """
    See L{IWorld<tests.functional.faults.play.IWorld>}; in the network namespace of
    who makes it.
    """

    def __init__(self, libvirtd: Libvirtd) -> None:
        """@param libvirtd: with a disk, for the instances."""
        assert libvirtd.disk is not None
        self.libvirtd, self.disk = libvirtd, libvirtd.disk
        self.gates = gates = Gates(
            libvirtd.directory / "gates", Path("/usr/bin/qemu-img")
        )
        self._images = libvirtd.directory / "images"
        self._images.mkdir()
        self.daemons = Daemons.start(
            libvirtd,
            Path(),
            configuration=configuration(gates.hooks, self._images, self.disk.point),
            node_command=gates.command,
        )
        self.ec2 = self.daemons.client()
        self._count = 0
        self._image = self.image()
        self._frozen_libvirtd = 0
        self._misses: dict[str, int] = {}
        self.until(
            lambda: "m1.small" in self.daemons.command("status"), "the node has told"
        )

    def stop(self) -> None:
        """Nothing is left of it."""
        self.gates.release()
        self.daemons.stop()
        self.gates.server.stop()

    def image(self) -> str:
        self._count += 1
        path = self._images / f"{self._count}.raw"
        path.write_bytes(SECTOR.ljust(_SIZE - 8, b".") + b"%8d" % self._count)
        told = self.ec2.register_image(ImageLocation=str(path), Name=path.name)
        image_id: str = told["ImageId"]

        def is_there() -> bool:
            [image] = self.ec2.describe_images(ImageIds=[image_id])["Images"]
            return bool(image["State"] == "available")

        self.until(is_there, f"{image_id} is there")
        return image_id

    def launch(self, image_id: str = "") -> str:
        told = self.ec2.run_instances(
            ImageId=image_id or self._image,
            MinCount=1,
            MaxCount=1,
            InstanceType="m1.small",
        )
        name: str = told["Instances"][0]["InstanceId"]
        return name

    def ask(self, what: str, instance_id: str) -> None:
        getattr(self.ec2, f"{what}_instances")(InstanceIds=[instance_id])

    def described(self) -> dict[str, Any]:
        """All instances, as their user is told of them."""
        told = self.ec2.describe_instances()["Reservations"]
        return {e["InstanceId"]: e for each in told for e in each["Instances"]}

    def state(self, instance_id: str) -> str:
        state: str = self.described()[instance_id]["State"]["Name"]
        return state

    def hold(self, phase: str, name: str) -> None:
        self.gates.hold(phase, name)

    def held(self, phase: str) -> set[str]:
        return self.gates.held(phase)

    def release(self) -> None:
        self.gates.release()

    def halt(self, daemon: str) -> None:
        if daemon == "hypervisor":
            self._frozen_libvirtd = self.libvirtd.freeze()
        else:
            self.daemons.signal(_NAMES[daemon], signal.SIGSTOP)

    def go_on(self, daemon: str) -> None:
        if daemon == "hypervisor":
            self.libvirtd.thaw(self._frozen_libvirtd)
        else:
            self.daemons.signal(_NAMES[daemon], signal.SIGCONT)

    def strike(self, daemon: str, fault: str) -> None:
        self._misses = {watcher: self._missed(watcher) for watcher in _MISSES}
        if fault == FREEZE:
            self.halt(daemon)
        elif daemon == "hypervisor":
            self.libvirtd.kill()
        else:
            self.daemons.kill(_NAMES[daemon])

    def wait_until_missed(self, daemon: str) -> None:
        if daemon == "cloud":
            self._ask_in_vain()
            return
        watcher = _MISSED_BY[daemon]
        self.until(
            lambda: self._missed(watcher) > self._misses[watcher],
            f"{watcher} misses {daemon}",
        )

    def _missed(self, watcher: str) -> int:
        """How often it has said so."""
        log = self.daemons.log(watcher)
        return sum(map(log.count, _MISSES[watcher]))

    def _ask_in_vain(self) -> None:
        try:
            self.impatient.describe_instances()
        except ReadTimeoutError:
            return
        raise AssertionError("who does not run has answered")

    @property
    def impatient(self) -> Any:
        """A client that waits no longer than the other tiers do."""
        import boto3
        from botocore.config import Config

        credentials = self.ec2._request_signer._credentials
        seconds = CLUSTER.poll_s + CLUSTER.call_timeout_s
        return boto3.client(
            "ec2",
            endpoint_url=self.daemons.endpoint,
            region_name="eucalyptus",
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            config=Config(read_timeout=seconds, retries={"max_attempts": 0}),
        )

    def mend(self, daemon: str, fault: str) -> None:
        if fault == FREEZE:
            self.go_on(daemon)
        elif daemon == "hypervisor":
            self.until(self.libvirtd.answers, "it is started again")
        else:
            self.daemons.run(_NAMES[daemon])
            self.daemons.wait()

    def until(self, what: Callable[[], Any], why: str) -> None:
        def is_so() -> Any:
            self.gates.wave()
            return what()

        until(is_so, PATIENCE_S, why)

    def outcome(self, instance_id: str) -> Outcome:
        return self.outcomes([instance_id])[instance_id]

    def outcomes(self, names: list[str]) -> dict[str, Outcome]:
        """Of many."""
        virsh = ("virsh", "-c", self.libvirtd.uri, "list", "--all", "--name")
        domains = Counter(_said(*virsh).split())
        links, described = _said("ip", "-o", "link"), self.described()
        return {
            name: self._outcome(described[name], domains[name], links) for name in names
        }

    def _outcome(self, told: dict[str, Any], domains: int, links: str) -> Outcome:
        name = told["InstanceId"]
        here = self.disk.point / name
        console = here / CONSOLE
        said = console.read_bytes() if console.exists() else b""
        return Outcome(
            state=told["State"]["Name"],
            reason=told.get("StateReason", {}).get("Code", ""),
            boots=said.count(b"R\n"),
            domains=domains,
            has_disk=(here / "root.qcow2").exists(),
            has_card=f"vn_{name}" in links,
        )


def _said(*command: object) -> str:
    return subprocess.run(
        [str(word) for word in command],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
