"""
A cloud whose node is the dom0 of a real Xen.

Its cloud and cluster controllers are processes here, on loopback; its node
controller is this checkout's, by dom0's own Python.
"""

from __future__ import annotations

import compileall
import io
import os
import py_compile
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import boto3
from attrs import Factory, define

from tests.compat.cloud import free_port, read_eucarc
from tests.functional.daemons import until
from tests.xen.dom0 import DEMO, ROOT, Dom0

BIN = Path(sys.executable).parent
BRIDGE = "eucaxen0"
#: Where dom0 finds this machine's loopback.
OUTSIDE = "10.0.2.2"
#: In dom0.
HERE = "/var/lib/euca_tw"
CODE = "/opt/euca_tw/code"
LOG = f"{HERE}/nc.log"

CONFIGURATION = """\
[cloud]
state_dir = "clc"
listen = "tcp:{clc}:interface=127.0.0.1"
url = "http://{outside}:{clc}"
certificate = "keys/cloud-cert.pem"
key = "keys/cloud-pk.pem"
[images]
demo = "{image}"
[network]
mode = "static"
[[cluster]]
name = "xen"
url = "http://127.0.0.1:{cc}/axis2/services/EucalyptusCC"
certificate = "keys/cluster-cert.pem"
[cluster_controller]
name = "xen"
state_dir = "cc"
listen = "tcp:{cc}:interface=127.0.0.1"
subnet = "10.232.0.0/24"
settle_s = 1.0
retry_ceiling_s = 2.0
cloud_certificate = "keys/cloud-cert.pem"
certificate = "keys/cluster-cert.pem"
key = "keys/cluster-pk.pem"
[[node]]
url = "{node}"
certificate = "keys/node-cert.pem"
[node_controller]
state_dir = "nc"
listen = "tcp:8775"
url = "{node}"
hypervisor = "xen:///system"
bridge = "{bridge}"
bridge_address = "10.232.0.1/24"
disk_gib = 20
cluster_certificate = "keys/cluster-cert.pem"
certificate = "keys/node-cert.pem"
key = "keys/node-pk.pem"
command_line = "rw mitigations=off"
"""


@define
class Cloud:
    """@ivar directory: of configuration, logs and state here."""

    dom0: Dom0
    directory: Path
    ports: dict[str, int]
    _running: dict[str, subprocess.Popen[bytes]] = Factory(dict)

    @classmethod
    def start(cls, dom0: Dom0) -> Cloud:
        """@raise AssertionError: it does not run; with the logs."""
        directory = Path(tempfile.mkdtemp(prefix="euca_tw-"))
        cloud = cls(dom0, directory, {"euca-clc": free_port(), "euca-cc": free_port()})
        nc = dom0.bed.ports["euca-nc"]
        (directory / "euca.toml").write_text(
            CONFIGURATION.format(
                clc=cloud.ports["euca-clc"],
                cc=cloud.ports["euca-cc"],
                node=f"http://127.0.0.1:{nc}/axis2/services/EucalyptusNC",
                outside=OUTSIDE,
                image=DEMO,
                bridge=BRIDGE,
            )
        )
        try:
            cloud._start()
        except BaseException:
            cloud.stop()
            raise
        return cloud

    def _start(self) -> None:
        for name in ("cloud", "cluster", "node"):
            self.command("keys", "new", "keys", name)
        self.dom0.run(f"rm -rf {CODE} {HERE}; mkdir -p {CODE} {HERE}")
        self.dom0.run(f"tar -C {CODE} -x", code())
        self.dom0.run(
            f"tar -C {HERE} -x", packed(self.directory, ("euca.toml", "keys"))
        )
        self.start_node()
        for name in self.ports:
            self._run(name)

    def start_node(self) -> None:
        """Start the node controller in dom0."""
        twistd = f"twistd -n --pidfile={HERE}/nc.pid euca-nc --config euca.toml"
        self.dom0.run(
            f"cd {HERE} && setsid /usr/local/bin/{twistd} </dev/null >>{LOG} 2>&1 &"
        )

    def kill_node(self) -> None:
        """End it without warning."""
        self.dom0.run(f"kill -9 $(cat {HERE}/nc.pid) && rm {HERE}/nc.pid")

    def command(self, *arguments: str) -> str:
        """The operator's command, on this cloud."""
        return subprocess.run(
            (BIN / "euca-tw", "--config", "euca.toml", *arguments),
            cwd=self.directory,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def client(self) -> Any:
        """boto3's, for a new user."""
        name = f"user{os.urandom(3).hex()}"
        socket = self.directory / "clc" / "admin.sock"
        until(socket.exists, 120, "the cloud controller runs")
        self.command("user", "add", name)
        variables = read_eucarc(self.directory / name / "eucarc")
        return boto3.client(
            "ec2",
            endpoint_url=f"http://127.0.0.1:{self.ports['euca-clc']}/",
            region_name="eucalyptus",
            aws_access_key_id=variables["EC2_ACCESS_KEY"],
            aws_secret_access_key=variables["EC2_SECRET_KEY"],
        )

    def stop(self) -> None:
        """End all that run, as an operator does; nothing is left here."""
        self.dom0.run(
            f"pid=$(cat {HERE}/nc.pid) && kill $pid;"
            f'while [ -n "$pid" ] && [ -e /proc/$pid ]; do sleep 0.2; done'
        )
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            process.wait(60)
        shutil.rmtree(self.directory)

    def logs(self) -> str:
        """All that the daemons have logged."""
        here = [(self.directory / f"{name}.log").read_text() for name in self.ports]
        return "".join((*here, self.dom0.read(LOG)))

    def _run(self, name: str) -> None:
        with (self.directory / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                (
                    # However this process ends.
                    *("setpriv", "--pdeathsig", "KILL"),
                    *(BIN / "twistd", "-n", "--pidfile=", name),
                    *("--config", self.directory / "euca.toml"),
                ),
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )


def packed(directory: Path, names: tuple[str, ...]) -> bytes:
    """An archive of these, to be unpacked."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name in names:
            archive.add(directory / name, arcname=name)
    return held.getvalue()


def code() -> bytes:
    """
    An archive of this checkout's code, compiled: under emulation that takes
    long, and dom0's Python is most often of the same version as this one.
    """
    with tempfile.TemporaryDirectory() as scratch:
        here = Path(scratch)
        for name in ("euca_tw", "twisted"):
            ignore = shutil.ignore_patterns("__pycache__", "dropin.cache")
            shutil.copytree(ROOT / name, here / name, ignore=ignore)
        compileall.compile_dir(
            here,
            quiet=1,
            stripdir=scratch,
            force=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        return packed(here, ("euca_tw", "twisted"))
