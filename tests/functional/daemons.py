"""
A whole cloud of three daemons on real libvirt, in a network namespace.

It listens on 127.0.0.1 of that namespace, at the ports of old.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import Factory, define

from tests.functional.libvirtd import Libvirtd

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PORTS = {"euca-nc": 8775, "euca-cc": 8774, "euca-clc": 8773}
BRIDGE = "eucaguest0"

CONFIGURATION = """\
[cloud]
state_dir = "clc"
listen = "tcp:8773:interface=127.0.0.1"
certificate = "keys/cloud-cert.pem"
key = "keys/cloud-pk.pem"
[images]
demo = "{image}"
[machine_types]
"m1.small" = {{ cores = 1, memory_mib = 128, disk_gib = 2, swap_mib = 64 }}
[network]
mode = "static"
[[cluster]]
name = "cluster1"
url = "http://127.0.0.1:8774/axis2/services/EucalyptusCC"
certificate = "keys/cluster1-cert.pem"
[cluster_controller]
state_dir = "cc"
listen = "tcp:8774:interface=127.0.0.1"
subnet = "10.231.0.0/24"
cloud_certificate = "keys/cloud-cert.pem"
certificate = "keys/cluster1-cert.pem"
key = "keys/cluster1-pk.pem"
[[node]]
url = "http://127.0.0.1:8775/axis2/services/EucalyptusNC"
certificate = "keys/node1-cert.pem"
[node_controller]
state_dir = "nc"
listen = "tcp:8775:interface=127.0.0.1"
hypervisor = "{uri}"
domain_type = "{domain_type}"
mark = "guest-test"
bridge = "{bridge}"
bridge_address = "10.231.0.1/24"
inject_keys = true
cluster_certificate = "keys/cluster1-cert.pem"
certificate = "keys/node1-cert.pem"
key = "keys/node1-pk.pem"
"""


def until(what: Callable[[], Any], patience_s: float, why: str) -> Any:
    """
    Ask C{what()} till it is true, or to be so.

    @raise AssertionError: it was not, in time.
    """
    deadline = time.monotonic() + patience_s
    while not (answer := what()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience_s} s: {why}")
        time.sleep(0.1)
    return answer


@define
class Daemons:
    """
    @ivar directory: of configuration, logs and state; below one that domains
        can pass.
    @ivar node_user: whom the node controller runs as, by number.
    @ivar node_command: what its command begins with.
    @ivar domain_type: what the node controller is told that domains are.
    @ivar node_settings: of the node controller, further ones, as TOML.
    @ivar configuration: of all, with what differs in braces.
    @ivar endpoint: where users reach the cloud.
    """

    directory: Path
    node_user: int = 0
    node_command: tuple[str, ...] = ()
    domain_type: str = "qemu"
    node_settings: str = ""
    configuration: str = CONFIGURATION
    endpoint: str = "http://127.0.0.1:8773/"
    _running: dict[str, subprocess.Popen[bytes]] = Factory(dict)

    @classmethod
    def start(cls, libvirtd: Libvirtd, image: Path, **given: Any) -> Daemons:
        """
        @param given: further attributes.
        @raise AssertionError: they do not run; with their logs.
        """
        made = cls(libvirtd.directory / "cloud", **given)
        made.directory.mkdir(mode=0o755)
        (made.directory / "euca.toml").write_text(
            made.configuration.format(
                image=image,
                uri=libvirtd.uri,
                domain_type=made.domain_type,
                bridge=BRIDGE,
            )
            + made.node_settings
        )
        for name in ("cloud", "cluster1", "node1"):
            made.command("keys", "new", "keys", name)
        (made.directory / "nc").mkdir(mode=0o711)
        for path in (made.directory / "nc", *(made.directory / "keys").iterdir()):
            os.chown(path, made.node_user, made.node_user)
        (made.directory / "keys").chmod(0o755)
        for name in PORTS:
            made.run(name)
        try:
            made.wait()
        except AssertionError:
            made.stop()
            raise
        return made

    def command(self, *arguments: str) -> str:
        """The operator's command, on this cloud."""
        return subprocess.run(
            (BIN / "euca-tw", "--config", "euca.toml", *arguments),
            cwd=self.directory,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def run(self, name: str) -> None:
        """Start one of them."""
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                (
                    *(self.node_command if name == "euca-nc" else ()),
                    *(BIN / "twistd", "-n", "--pidfile=", name),
                    *("--config", self.directory / "euca.toml"),
                ),
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def pid(self, name: str) -> int:
        """Of one that runs."""
        return self._running[name].pid

    def wait(self) -> None:
        """Till all of them listen."""
        for name, port in PORTS.items():

            def is_up(name: str = name, port: int = port) -> bool:
                if self._running[name].poll() is not None:
                    raise AssertionError(self._log(name).read_text())
                with socket.socket() as probe:
                    return probe.connect_ex(("127.0.0.1", port)) == 0

            until(is_up, 120, f"{name} answers")

    def kill(self, name: str) -> None:
        """End one without warning."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def signal(self, name: str, number: int) -> None:
        """Send one a signal."""
        self._running[name].send_signal(number)

    def forget_node(self) -> None:
        """Delete all that the node controller keeps."""
        for path in (self.directory / "nc").iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def stop(self) -> None:
        """End all that run, as an operator does."""
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for name, process in self._running.items():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise AssertionError(f"{name} did not end") from None
        self._running.clear()

    def logs(self) -> str:
        """All that they have logged."""
        return "".join(map(self.log, PORTS))

    def log(self, name: str) -> str:
        """What one has logged."""
        return self._log(name).read_text()

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def client(self) -> Any:
        """boto3's, for a new user."""
        import boto3

        name = f"user{os.urandom(3).hex()}"
        self.command("user", "add", name)
        exports = subprocess.run(
            ("sh", "-c", '. "$0/eucarc"; echo $EC2_ACCESS_KEY $EC2_SECRET_KEY', name),
            cwd=self.directory,
            check=True,
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"]},
        ).stdout
        access, secret = exports.split()
        return boto3.client(
            "ec2",
            endpoint_url=self.endpoint,
            region_name="eucalyptus",
            aws_access_key_id=access,
            aws_secret_access_key=secret,
        )
