"""
Three daemons as processes of their own with a hypervisor of memory, for what befalls
their surroundings: disks, links, clocks.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import Factory, define
from botocore.exceptions import ClientError
from twisted.trial.unittest import SynchronousTestCase

from tests.functional import test_daemons
from tests.functional.daemons import until
from tests.functional.disks import SmallDisk
from tests.functional.faults.settings import CLOUD, CLUSTER, NODE, as_toml

DAEMONS = ("clc", "cc", "nc")
PATIENCE_S = 120.0
_TIERS = ("poll_s", "call_timeout_s", "silent_after_s", "retry_ceiling_s")
_SETTINGS = {
    "[cloud]\n": as_toml(CLOUD, *_TIERS),
    "[cluster_controller]\n": as_toml(CLUSTER, *_TIERS, "settle_s", "placing_s"),
    "[node_controller]\n": as_toml(NODE, "retry_ceiling_s"),
}


def hurried(configuration: str) -> str:
    """In which who is silent is soon missed."""
    for section, lines in _SETTINGS.items():
        configuration = configuration.replace(section, section + lines)
    return configuration


@define
class Surroundings:
    """
    Of one daemon.

    @ivar address: where it listens.
    @ivar command: what its command begins with.
    @ivar environment: besides the usual.
    """

    address: str = "127.0.0.1"
    command: Sequence[str] = ()
    environment: Mapping[str, str] = Factory(dict)


class Site(test_daemons.Site):
    """
    @ivar around: each daemon's surroundings.
    @ivar disks: mounted below its directory.
    """

    def __init__(self, **around: Surroundings) -> None:
        super().__init__()
        self.disks: list[SmallDisk] = []
        self.around = {name: around.get(name, Surroundings()) for name in DAEMONS}
        text = self.config.read_text()
        for name, each in self.around.items():
            # Where it listens, and where it is asked.
            port = self.ports[name]
            at = f"{port}:interface=127.0.0.1"
            text = text.replace(at, f"{port}:interface={each.address}")
            text = text.replace(f"//127.0.0.1:{port}", f"//{each.address}:{port}")
        self.config.write_text(hurried(text))

    def end(self) -> None:
        super().end()
        for disk in self.disks:
            disk.unmount()

    def spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        around = self.around[name]
        command = (
            *around.command,
            *(test_daemons.BIN / "twistd", "-n", "--pidfile=", f"euca-{name}"),
            *("--config", self.config, *arguments),
        )
        with (self.directory / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [str(word) for word in command],
                cwd=self.directory,
                env={**test_daemons.ENVIRONMENT, **around.environment},
                stdout=log,
                stderr=log,
            )

    def start(self, name: str) -> None:
        """(It may listen where we cannot see it.)"""
        before = self.log(name).count(_READY) if self._has_log(name) else 0
        self.processes[name] = process = self.spawn(name)

        def is_up() -> bool:
            if process.poll() is not None:
                raise AssertionError(self.log(name))
            return self.log(name).count(_READY) > before

        until(is_up, PATIENCE_S, f"{name} listens")

    def _has_log(self, name: str) -> bool:
        return (self.directory / f"{name}.log").exists()

    def ended(self, name: str) -> int:
        """Wait until one has ended by itself; its status."""
        return self.processes.pop(name).wait(PATIENCE_S)

    def is_running(self, name: str) -> bool:
        """Whether it has not."""
        return self.processes[name].poll() is None


#: What Twisted says of one that listens.
_READY = " starting on "


class SiteCase(SynchronousTestCase):
    """A cloud that is ready, with an image."""

    def begin(self, site: test_daemons.Site) -> None:
        """Start it."""
        self.site = site
        self.addCleanup(site.stop)
        for name in ("nc", "cc", "clc"):
            site.start(name)
        self.ec2 = site.ec2()
        content = site.directory / "image"
        content.write_bytes(b"an image" * 1000)
        told = self.ec2.register_image(ImageLocation=str(content), Name="image")
        self.image = told["ImageId"]

        def is_there() -> bool:
            [image] = self.ec2.describe_images(ImageIds=[self.image])["Images"]
            return bool(image["State"] == "available")

        self.until(is_there, "the image is there")
        self.until(self.is_ready, "there is room")

    def status(self) -> str:
        """As C{euca-tw} tells it."""
        return self.site.euca_tw("--config", str(self.site.config), "status")

    def is_ready(self) -> bool:
        """Whether the cloud hears its cluster, and that its node."""
        status = self.status()
        return "m1.small" in status and "does not answer" not in status

    def until(self, what: Callable[[], Any], why: str) -> None:
        """Wait."""
        until(what, PATIENCE_S, why)

    def until_logged(self, name: str, words: str, more_than: int = 0) -> None:
        """Until a daemon has said something, more often than so."""
        self.until(
            lambda: self.site.log(name).count(words) > more_than,
            f"{name} says {words!r}",
        )

    def launch(self) -> str:
        """One that is acknowledged."""
        told = self.ec2.run_instances(ImageId=self.image, MinCount=1, MaxCount=1)
        name: str = told["Instances"][0]["InstanceId"]
        return name

    def running(self) -> str:
        """One that runs."""
        name = self.launch()
        self.until(lambda: self.state(name) == "running", f"{name} runs")
        return name

    def terminate(self, name: str) -> None:
        """One that is acknowledged."""
        self.ec2.terminate_instances(InstanceIds=[name])

    def states(self) -> dict[str, str]:
        """Of all, as users are told."""
        told = self.ec2.describe_instances()["Reservations"]
        return {
            e["InstanceId"]: e["State"]["Name"]
            for each in told
            for e in each["Instances"]
        }

    def state(self, name: str) -> str:
        """Of one."""
        return self.states()[name]

    def until_states(self, expected: Mapping[str, str]) -> None:
        """Until all are in these, and no others are there."""

        def are_so() -> bool:
            try:
                return self.states() == expected
            except (ClientError, OSError):
                return False

        try:
            self.until(are_so, "all ends as it was asked to")
        except AssertionError:
            self.assertEqual(self.states(), dict(expected))

    def check_boots(self, *names: str) -> None:
        """Each was begun once."""
        for name in names:
            told = self.ec2.get_console_output(InstanceId=name)["Output"]
            self.assertEqual(told.count("Linux version"), 1, name)

    def check_logs(self) -> None:
        """Nothing was a bug."""
        for name in DAEMONS:
            self.assertNotIn("Traceback", self.site.log(name))
