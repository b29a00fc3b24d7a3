"""
The three daemons as processes of their own, on loopback, with a hypervisor of
memory: what an operator does with them, and what befalls them.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from twisted.trial.unittest import SynchronousTestCase

from tests.compat.cloud import PATIENCE_S, free_port, read_eucarc, until

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

CONFIGURATION = """
[cloud]
state_dir = "clc"
listen = "tcp:{clc}:interface=127.0.0.1"
key = "keys/cloud-pk.pem"
certificate = "keys/cloud-cert.pem"

[[cluster]]
name = "north"
url = "http://127.0.0.1:{cc}/axis2/services/EucalyptusCC"
certificate = "keys/north-cert.pem"

[cluster_controller]
name = "north"
state_dir = "cc"
listen = "tcp:{cc}:interface=127.0.0.1"
key = "keys/north-pk.pem"
certificate = "keys/north-cert.pem"
cloud_certificate = "keys/cloud-cert.pem"

[[node]]
url = "http://127.0.0.1:{nc}/axis2/services/EucalyptusNC"
certificate = "keys/node1-cert.pem"

[node_controller]
state_dir = "nc"
listen = "tcp:{nc}:interface=127.0.0.1"
hypervisor = "memory"
key = "keys/node1-pk.pem"
certificate = "keys/node1-cert.pem"
cluster_certificate = "keys/north-cert.pem"
"""


#: There is no head here.
FLAT = """
[network]
mode = "static"
"""


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Site:
    """A directory with keys and a configuration, and the daemons on it."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="euca_tw-daemons-"))
        self.ports = {name: free_port() for name in ("clc", "cc", "nc")}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("cloud", "north", "node1"):
            self.euca_tw("keys", "new", str(self.directory / "keys"), name)
        self.config = self.directory / "euca.toml"
        self.config.write_text((CONFIGURATION + FLAT).format(**self.ports))

    def euca_tw(self, *arguments: str) -> str:
        """@raise subprocess.CalledProcessError: it refused."""
        command = [sys.executable, "-m", "euca_tw.admin", *arguments]
        ran = subprocess.run(
            command,
            capture_output=True,
            check=True,
            cwd=self.directory,
            env=ENVIRONMENT,
            text=True,
        )
        return ran.stdout

    def tried(self, *arguments: str) -> str:
        """What is said to it; C{""}: it is refused."""
        try:
            return self.euca_tw(*arguments)
        except subprocess.CalledProcessError:
            return ""

    def status(self) -> str:
        return self.tried("--config", str(self.config), "status")

    def set_of_cluster(self, *lines: str) -> None:
        """Further lines of the cluster controller's configuration."""
        section = "[cluster_controller]\n"
        further = "".join(f"{line}\n" for line in lines)
        text = self.config.read_text()
        self.config.write_text(text.replace(section, section + further))

    def spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [str(BIN / "twistd"), "-n", "--pidfile=", f"euca-{name}"]
        with (self.directory / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*command, "--config", str(self.config), *arguments],
                cwd=self.directory,
                env=ENVIRONMENT,
                stdout=log,
                stderr=log,
            )

    def start(self, name: str) -> None:
        self.processes[name] = self.spawn(name)
        until(lambda: is_listening(self.ports[name]), bool)

    def kill(self, name: str) -> None:
        """As a power failure would."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        self.end()
        shutil.rmtree(self.directory)

    def end(self) -> None:
        """All that run, as an operator does."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(PATIENCE_S)

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text()

    def ec2(self) -> Any:
        settings = read_eucarc(self.directory / "clc/credentials/admin/eucarc")
        return boto3.client(
            "ec2",
            endpoint_url=settings["EC2_URL"],
            region_name="eucalyptus",
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 1}),
        )


class DaemonsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.site = Site()
        self.addCleanup(self.site.stop)

    def start(self, *names: str) -> None:
        for name in names:
            self.site.start(name)

    def image(self, ec2: Any) -> str:
        content = self.site.directory / "image"
        content.write_bytes(b"an image" * 1000)
        image: str = ec2.register_image(ImageLocation=str(content), Name="image")[
            "ImageId"
        ]
        until(
            lambda: ec2.describe_images(ImageIds=[image])["Images"][0]["State"],
            "available".__eq__,
        )
        return image

    def state(self, ec2: Any, instance: str) -> str:
        told = ec2.describe_instances(InstanceIds=[instance])
        state: str = told["Reservations"][0]["Instances"][0]["State"]["Name"]
        return state

    def run_instance(self, ec2: Any, image: str) -> str:
        made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)
        instance: str = made["Instances"][0]["InstanceId"]
        return instance

    def test_signed_tiers(self) -> None:
        """An instance runs over three processes; nobody else is let in."""
        self.start("nc", "cc", "clc")
        ec2 = self.site.ec2()
        image = self.image(ec2)
        until(
            lambda: self.site.euca_tw("--config", str(self.site.config), "status"),
            lambda said: "room for: " in said and "m1.small" in said,
        )
        instance = self.run_instance(ec2, image)
        until(lambda: self.state(ec2, instance), "running".__eq__)
        self.assertIn(
            "1 running", self.site.euca_tw("--config", str(self.site.config), "status")
        )
        ec2.terminate_instances(InstanceIds=[instance])
        until(lambda: self.state(ec2, instance), "terminated".__eq__)
        for name in ("clc", "cc", "nc"):
            self.assertNotIn("Traceback", self.site.log(name))

    def test_killed(self) -> None:
        """
        Each daemon may be killed: what was acknowledged is done when all run
        again.
        """
        self.start("nc", "cc", "clc")
        ec2 = self.site.ec2()
        image = self.image(ec2)
        until(
            lambda: ec2.describe_availability_zones()["AvailabilityZones"][0]["State"],
            "available".__eq__,
        )
        first = self.run_instance(ec2, image)
        self.site.kill("clc")
        self.start("clc")
        until(lambda: self.state(ec2, first), "running".__eq__)
        second = self.run_instance(ec2, image)
        self.site.kill("cc")
        self.start("cc")
        until(lambda: self.state(ec2, second), "running".__eq__)
        self.assertEqual(self.state(ec2, first), "running")
        self.site.kill("cc")
        self.site.kill("clc")
        self.start("clc", "cc")
        ec2.terminate_instances(InstanceIds=[first, second])
        for instance in (first, second):
            until(lambda i=instance: self.state(ec2, i), "terminated".__eq__)
        for name in ("clc", "cc", "nc"):
            self.assertNotIn("Traceback", self.site.log(name))

    def test_lost(self) -> None:
        """
        A node that was killed is declared lost by an operator, not too soon; what
        was on it has ended then, and it is used again when it is back.
        """
        self.site.set_of_cluster("silent_after_s = 1.0", "lost_after_s = 20.0")
        self.start("nc", "cc", "clc")
        ec2 = self.site.ec2()
        image = self.image(ec2)
        until(self.site.status, lambda said: "m1.small" in said)
        instance = self.run_instance(ec2, image)
        until(lambda: self.state(ec2, instance), "running".__eq__)
        self.site.kill("nc")
        until(self.site.status, lambda said: "is silent" in said)
        lose = ("--config", str(self.site.config), "node", "lost", "127.0.0.1")
        refusal = self.assertRaises(
            subprocess.CalledProcessError, self.site.euca_tw, *lose
        )
        self.assertIn("may be declared lost after 20 s", refusal.stderr)
        self.assertEqual(self.state(ec2, instance), "running")
        until(lambda: self.site.tried(*lose), lambda said: "is lost" in said)
        until(lambda: self.state(ec2, instance), "terminated".__eq__)
        self.assertIn("is lost, declared at", self.site.status())
        self.start("nc")
        until(self.site.status, lambda said: "is lost" not in said)
        again = self.run_instance(ec2, image)
        until(lambda: self.state(ec2, again), "running".__eq__)
        for name in ("clc", "cc", "nc"):
            self.assertNotIn("Traceback", self.site.log(name))

    def test_ends(self) -> None:
        """A daemon that is asked to end does so within seconds."""
        self.start("nc", "cc", "clc")
        for name in ("clc", "cc", "nc"):
            process = self.site.processes.pop(name)
            process.terminate()
            process.wait(15)
            self.assertNotIn("Traceback", self.site.log(name))


class OperatorTests(SynchronousTestCase):
    """What an operator gets wrong is said in one line, with status 1."""

    def setUp(self) -> None:
        self.site = Site()
        self.addCleanup(self.site.stop)

    def refused(self, name: str, *arguments: str) -> str:
        process = self.site.spawn(name, *arguments)
        self.assertEqual(process.wait(PATIENCE_S), 1)
        log = self.site.log(name)
        self.assertNotIn("Traceback", log)
        return log

    def test_port(self) -> None:
        """A port that is taken is named."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            listen = f"tcp:{port}:interface=127.0.0.1"
            for name in ("clc", "cc", "nc"):
                said = self.refused(name, "--listen", listen)
                self.assertIn(f"cannot listen on 127.0.0.1:{port}: ", said)

    def test_state(self) -> None:
        """A state directory that another daemon uses is named."""
        self.site.start("clc")
        listen = f"tcp:{free_port()}:interface=127.0.0.1"
        self.assertIn(
            "is in use by another process", self.refused("clc", "--listen", listen)
        )

    def test_endpoint(self) -> None:
        """An endpoint that is none is named."""
        said = self.refused("cc", "--listen", "nonsense")
        self.assertIn("euca-cc: the configuration: [cluster_controller] ", said)

    def test_configuration(self) -> None:
        """A mistyped option is named."""
        self.site.config.write_text("[cloud]\nlisen = 'x'\n")
        for name in ("clc", "cc", "nc"):
            said = self.refused(name)
            self.assertIn(f"euca-{name}: {self.site.config}: [cloud] lisen: ", said)
