"""
A cloud controller and a cluster controller, each a process of its own, and nodes
of memory that are many in one process: real daemons, that speak signed SOAP over
HTTP on loopback.

Each node has an address of loopback of its own, a door of its own and a controller
of its own; what they share is a key, so that a thousand need not be made.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from threading import Event
from typing import Any

from attrs import evolve, frozen

from bench.api import Cloud
from bench.servers import Server, free_port
from euca_tw.admin.configuration import Configuration, read_configuration
from euca_tw.admin.daemon import Daemon, Machine
from euca_tw.admin.identities import new_identity
from euca_tw.admin.tier import identity_of, pinned_caller, tier_parts
from euca_tw.api.node import NODE
from euca_tw.common.in_thread import in_this_thread
from euca_tw.common.replays import MemoryReplays
from euca_tw.nodectl.node import NodeController
from euca_tw.nodectl.tap import node_of
from euca_tw.store.memory import MemoryStore
from tests.compat.cloud import read_eucarc

BIN = Path(sys.executable).parent
_CONFIGURATION = """
[cloud]
state_dir = "clc"
listen = "tcp:{clc}:interface=127.0.0.1"
certificate = "keys/cloud-cert.pem"
key = "keys/cloud-pk.pem"
[images]
demo = "image"
[limits]
requests_per_s = 0
[quotas]
instances = 100000
[network]
mode = "static"
[[cluster]]
name = "one"
url = "http://127.0.0.1:{cc}/axis2/services/EucalyptusCC"
certificate = "keys/cluster-cert.pem"
[cluster_controller]
name = "one"
state_dir = "cc"
listen = "tcp:{cc}:interface=127.0.0.1"
cloud_certificate = "keys/cloud-cert.pem"
certificate = "keys/cluster-cert.pem"
key = "keys/cluster-pk.pem"
[node_controller]
state_dir = "nc"
hypervisor = "memory"
cluster_certificate = "keys/cluster-cert.pem"
certificate = "keys/node-cert.pem"
key = "keys/node-pk.pem"
"""
_NODE = """
[[node]]
url = "http://{address}:{port}/axis2/services/EucalyptusNC"
certificate = "keys/node-cert.pem"
"""


@frozen(kw_only=True)
class Tiers:
    """
    @ivar clc, cc: their processes.
    @ivar file: their configuration, and the nodes'.
    """

    clc: Server
    cc: Server
    file: Path

    @property
    def cloud(self) -> Cloud:
        """As users ask it."""
        directory = self.file.parent / "clc" / "credentials" / "admin"
        settings = read_eucarc(directory / "eucarc")
        keys = settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"]
        cloud = Cloud("euca_tw", self.clc, *keys)
        images = cloud.client().describe_images()["Images"]
        [image] = [i["ImageId"] for i in images if i["ImageType"] == "machine"]
        return evolve(cloud, image_id=image)

    def status(self) -> str:
        """What C{euca-tw status} says."""
        return subprocess.run(
            (BIN / "euca-tw", "--config", self.file, "status"),
            check=False,
            capture_output=True,
            text=True,
        ).stdout


@contextlib.contextmanager
def site(count: int) -> Iterator[Path]:
    """The configuration of a site of so many nodes, with its keys and an image."""
    with tempfile.TemporaryDirectory(prefix="euca_tw-bench-") as name:
        directory = Path(name)
        for key in ("cloud", "cluster", "node"):
            new_identity(directory / "keys", key, datetime.now(UTC))
        image = directory / "image"
        image.mkdir()
        for part in ("vmlinuz", "initrd.gz", "root.img"):
            (image / part).write_bytes(part.encode())
        port = free_port()
        text = _CONFIGURATION.format(clc=free_port(), cc=free_port())
        text += "".join(
            _NODE.format(address=f"127.1.{n // 250}.{n % 250 + 1}", port=port)
            for n in range(count)
        )
        file = directory / "euca.toml"
        file.write_text(text)
        yield file


@contextlib.contextmanager
def running(file: Path) -> Iterator[Tiers]:
    """Both controllers; the nodes are the caller's to run."""
    whole = read_configuration(file)
    with contextlib.ExitStack() as stack:
        cc = stack.enter_context(_daemon(file, "euca-cc"))
        clc = stack.enter_context(_daemon(file, "euca-clc"))
        yield Tiers(
            clc=Server(clc.pid, _port(whole.cloud.listen)),
            cc=Server(cc.pid, _port(whole.cluster_controller.listen)),
            file=file,
        )


@contextlib.contextmanager
def _daemon(file: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    twistd = (BIN / "twistd", "-n", "--pidfile=", name, "--config", file)
    with (file.parent / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(twistd, stdout=log, stderr=log, cwd=file.parent)
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


def wait_until_ready(tiers: Tiers, room: int, patience_s: float = 600) -> None:
    """
    Until the cloud has room for so many of the smallest.

    @raise SystemExit: it has not.
    """
    for _ in range(int(patience_s)):
        if f"{room} m1.small" in (said := tiers.status()):
            return
        Event().wait(1)
    logs = "\n".join(
        path.read_text(errors="replace")[-2000:]
        for path in tiers.file.parent.glob("*.log")
    )
    sys.exit(f"The cloud is not ready:\n{said}\n{logs}")


def machine_of_memory(reactor: Any) -> Machine:
    """What many nodes run on that keep nothing when their process ends."""

    def make_store(*_: Any) -> Any:
        return MemoryStore()

    def make_replays(_: Path) -> Any:
        return MemoryReplays()

    return Machine(
        reactor=reactor,
        random=SystemRandom(),
        in_thread=in_this_thread,
        fail=reactor.stop,
        make_store=make_store,
        make_replays=make_replays,
    )


def nodes_of(whole: Configuration, machine: Machine) -> Sequence[NodeController]:
    """All nodes of a configuration, started when the reactor runs."""
    controllers = []
    section = whole.node_controller
    identity = identity_of(section.state_dir, "node", section.key, section.certificate)
    callers = pinned_caller("", "", section.cluster_certificate, "cluster")
    for node in whole.nodes:
        controller, parts = node_of(section, machine, node.url, whole.network)
        address, port = node.url.split("/")[2].split(":")
        listening = tier_parts(
            machine,
            section="node",
            state_dir=section.state_dir,
            listen=f"tcp:{port}:interface={address}",
            url=node.url,
            api=NODE,
            dispatch=controller.dispatch,
            identity=identity,
            callers=callers,
            max_body_bytes=1 << 20,
        )
        Daemon("node", machine, (*parts, *listening)).startService()
        controllers.append(controller)
    return controllers


def _port(listen: str) -> int:
    return int(listen.split(":")[1])


def main() -> None:
    """All nodes of the configuration that is named, until this is ended."""
    from twisted.internet import reactor

    nodes_of(read_configuration(Path(sys.argv[1])), machine_of_memory(reactor))
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
