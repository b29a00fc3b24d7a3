"""
A cloud of two clusters, each machine a network namespace: the cloud controller, and
in each cluster a head, with the cluster controller beside it, and a node on real
libvirt.

The heads have the wide network in common, on which the cloud's users are; machines
of a cluster have a network of their own, which the cloud controller is on as well,
and routes to nowhere else.  The second head listens for no trunk.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from attrs import Factory, define, field

from tests.functional import containers
from tests.functional.daemons import BIN, ROOT, Daemons, until
from tests.functional.libvirtd import Libvirtd
from tests.functional.vnet.guests import inside, use_only_ours
from tests.functional.vnet.lab import Host, Lab

#: The users', as they are seen.
OUTSIDE = "192.0.2.254"
#: The cloud controller's: for its users, for its nodes.
CLOUD = "192.0.2.10"
CLOUD_INSIDE = "203.0.113.1"
PORTS = {"euca-clc": 8773, "euca-cc": 8774, "euca-nc": 8775, "euca-head": 8777}
TRUNK = 8776

NETWORK = """\
[network]
mode = "managed"
private_range = "10.231.0.0/16"
"""
CLC = """\
[cloud]
state_dir = "clc"
url = "http://{inside}:8773/"
certificate = "keys/cloud-cert.pem"
key = "keys/cloud-pk.pem"
public_addresses = ["192.0.2.100-192.0.2.109"]
[images]
demo = "{image}"
[machine_types]
"m1.small" = {{ cores = 1, memory_mib = 128, disk_gib = 2 }}
[[cluster]]
name = "north"
url = "http://172.20.1.1:8774/axis2/services/EucalyptusCC"
certificate = "keys/north-cert.pem"
trunk = "192.0.2.1:8776"
trunk_certificate = "keys/head1-cert.pem"
[[cluster]]
name = "south"
url = "http://172.20.2.1:8774/axis2/services/EucalyptusCC"
certificate = "keys/south-cert.pem"
trunk_certificate = "keys/head2-cert.pem"
"""
CLUSTER = """\
[cluster_controller]
name = "{name}"
state_dir = "cc{number}"
url = "http://172.20.{number}.1:8774/axis2/services/EucalyptusCC"
cloud_certificate = "keys/cloud-cert.pem"
certificate = "keys/{name}-cert.pem"
key = "keys/{name}-pk.pem"
head_url = "http://172.20.{number}.1:8777/axis2/services/EucalyptusHead"
head_certificate = "keys/head{number}-cert.pem"
[[node]]
url = "http://172.20.{number}.2:8775/axis2/services/EucalyptusNC"
certificate = "keys/node{number}-cert.pem"
[node_controller]
state_dir = "nc{number}"
url = "http://172.20.{number}.2:8775/axis2/services/EucalyptusNC"
hypervisor = "{uri}"
mark = "node{number}"
instances_dir = "{instances}"
cores = 8
memory_mib = 2048
disk_gib = 40
cluster_certificate = "keys/{name}-cert.pem"
certificate = "keys/node{number}-cert.pem"
key = "keys/node{number}-pk.pem"
[head]
state_dir = "head{number}"
url = "http://172.20.{number}.1:8777/axis2/services/EucalyptusHead"
cluster = "{name}"
trunk_listen = "{trunk}"
outer = "wan"
way_out = "192.0.2.{number}"
closed = ["172.20.0.0/16", "203.0.113.0/24", "192.0.2.0/28"]
cluster_certificate = "keys/{name}-cert.pem"
certificate = "keys/head{number}-cert.pem"
key = "keys/head{number}-pk.pem"
"""


@define(eq=False)
class Cluster:
    """
    @ivar number: of its network, 172.20.N.0/24.
    @ivar head: the cluster controller's machine, too.
    """

    name: str
    number: int
    head: Host
    node: Host
    libvirtd: Libvirtd

    @property
    def instances(self) -> Path:
        return self.libvirtd.directory / "i"


@define(eq=False)
class TwoClusters(Daemons):
    """
    The daemons are named C{euca-clc}, and those of a cluster with its number, as
    C{euca-cc1}.

    @ivar lab: all machines, C{outside} included.
    """

    endpoint: str = f"http://{CLOUD}:8773/"
    lab: Lab = field(factory=Lab)
    clusters: list[Cluster] = Factory(list)

    def build(self, image: Path) -> None:
        """
        Make the machines, and start all.

        @raise SkipTest: it cannot be done here.
        """
        outside = self.lab.host("outside")
        self.lab.bridge(outside, "wan")
        outside.ip("address", "add", f"{OUTSIDE}/24", "dev", "wan")
        cloud = self.lab.host("cloud")
        self._on_wan(cloud, "cloud", CLOUD)
        cloud.ip("address", "add", f"{CLOUD_INSIDE}/32", "dev", "lo")
        self._new_keys("cloud")
        (self.directory / "clc.toml").write_text(
            CLC.format(image=image, inside=CLOUD_INSIDE) + NETWORK
        )
        for number, name in enumerate(("north", "south"), 1):
            self.clusters.append(self._cluster(number, name))
        for name in self.names():
            self.run(name)
        self.wait()

    def _on_wan(self, host: Host, name: str, address: str) -> None:
        outside = self.lab.hosts["outside"]
        self.lab.cable(outside, f"to_{name}", host, "wan")
        outside.ip("link", "set", f"to_{name}", "master", "wan")
        host.ip("address", "add", f"{address}/24", "dev", "wan")

    def _on_lan(self, host: Host, name: str, number: int, place: int) -> None:
        cloud = self.lab.hosts["cloud"]
        self.lab.cable(cloud, f"to_{name}", host, "lan")
        cloud.ip("link", "set", f"to_{name}", "master", f"lan{number}")
        host.ip("address", "add", f"172.20.{number}.{place}/24", "dev", "lan")

    def _cluster(self, number: int, name: str) -> Cluster:
        cloud = self.lab.hosts["cloud"]
        self.lab.bridge(cloud, f"lan{number}")
        cloud.ip("address", "add", f"172.20.{number}.10/24", "dev", f"lan{number}")
        head = self.lab.host(f"head{number}")
        self._on_lan(head, head.name, number, 1)
        self._on_wan(head, head.name, f"192.0.2.{number}")
        head.ip("route", "add", "default", "via", OUTSIDE)
        use_only_ours(head.pid)
        node = self.lab.host(f"node{number}")
        self._on_lan(node, node.name, number, 2)
        node.ip("route", "add", CLOUD_INSIDE, "via", f"172.20.{number}.10")
        libvirtd = inside(node.pid, containers.start)
        made = Cluster(name, number, head, node, libvirtd)
        self._new_keys(name, head.name, node.name)
        (self.directory / f"euca{number}.toml").write_text(
            CLUSTER.format(
                name=name,
                number=number,
                uri=libvirtd.uri,
                instances=made.instances,
                trunk=f":{TRUNK}" if number == 1 else "",
            )
            + NETWORK
        )
        return made

    def _new_keys(self, *names: str) -> None:
        for name in names:
            self.command("keys", "new", "keys", name)

    def names(self) -> list[str]:
        kinds = ("euca-head", "euca-nc", "euca-cc")
        of_clusters = [f"{kind}{it.number}" for it in self.clusters for kind in kinds]
        return [*of_clusters, "euca-clc"]

    def command(self, *arguments: str) -> str:
        return self.told(self.lab.hosts["cloud"], *arguments)

    def told(self, host: Host, *arguments: str) -> str:
        """What the operator's command says, on a machine."""
        return host.run(
            *("env", f"--chdir={self.directory}", f"PYTHONPATH={ROOT}"),
            *(str(BIN / "euca-tw"), "--config", "clc.toml", *arguments),
        )

    def host(self, name: str) -> Host:
        """Where a daemon runs."""
        if name == "euca-clc":
            return self.lab.hosts["cloud"]
        cluster = self.clusters[int(name[-1]) - 1]
        return cluster.node if name.startswith("euca-nc") else cluster.head

    def run(self, name: str) -> None:
        config = "clc.toml" if name == "euca-clc" else f"euca{name[-1]}.toml"
        with self._log(name).open("ab") as log:
            self._running[name] = self.host(name).start(
                *(str(BIN / "twistd"), "-n", "--pidfile=", name.rstrip("12")),
                *("--config", str(self.directory / config)),
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        for name in self.names():
            self.wait_for(name)

    def wait_for(self, name: str) -> None:
        """Till a daemon listens."""
        host, port = self.host(name), PORTS[name.rstrip("12")]

        def is_up() -> bool:
            if self._running[name].poll() is not None:
                raise AssertionError(self._log(name).read_text())
            return f":{port} " in host.run("ss", "-Hltn")

        until(is_up, 120, f"{name} listens")

    def logs(self) -> str:
        return "".join(self._log(name).read_text() for name in self.names())

    def close(self) -> None:
        """All is gone, whatever there is of it."""
        for process in self._running.values():
            process.send_signal(signal.SIGKILL)
            process.wait()
        for cluster in self.clusters:
            cluster.libvirtd.stop()
        self.lab.close()


def init_of(instance_id: str) -> int:
    """The first process of an instance that is a container."""
    wanted = f"LIBVIRT_LXC_NAME={instance_id}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in path.read_bytes().split(b"\0"):
                return int(path.parent.name)
        except OSError:
            continue
    raise LookupError(instance_id)
