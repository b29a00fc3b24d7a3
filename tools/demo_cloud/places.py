"""Where the demo keeps what, and its configuration."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from demo_cloud.steps import Failed, run

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"

HERE = ROOT / ".demo"
CONFIG = HERE / "euca.toml"
IMAGE = HERE / "image"
KEYS = HERE / "keys"
LOGS = HERE / "log"
RUN = HERE / "run"
CREDENTIALS = HERE / "credentials"
KEY_PAIR = HERE / "demo.pem"
#: Not below HERE, which may be in a home that the hypervisor's user cannot pass.
INSTANCES = Path("/var/lib/euca_tw-demo")

#: What the demo's domains carry.
MARK = "euca_tw-demo"
#: Of the head; so is the link to it named.
NAMESPACE = "eucademo"
CLOUD_URL = "http://127.0.0.1:8773"
CLUSTER = "cluster1"
NODE_NAME = "node1"
HEAD_NAME = "head1"

#: Of each, the first that the machine does not use already is taken: for instances,
#: for the link between machine and head, and for public addresses (which are of
#: ranges that are for examples, so that nobody else has them).
PRIVATE = ("10.90.0.0/16", "172.29.0.0/16", "192.168.176.0/20")
LINKS = ("172.30.255.252/30", "10.89.255.252/30", "192.168.175.252/30")
PUBLIC = ("198.51.100.0/28", "203.0.113.0/28", "192.0.2.0/28")

_CONFIG = """\
# Written by `make demo`: four daemons on this machine, three of them on loopback,
# and the cluster's head in a network namespace of its own.
[cloud]
state_dir = "clc"
listen = "tcp:8773:interface=127.0.0.1"
url = "{cloud_url}"
certificate = "keys/cloud-cert.pem"
key = "keys/cloud-pk.pem"
public_addresses = ["{public}"]

[images]
demo = "image"

[network]
mode = "managed"
private_range = "{private}"

[[cluster]]
name = "{cluster}"
url = "http://127.0.0.1:8774/axis2/services/EucalyptusCC"
certificate = "keys/{cluster}-cert.pem"

[cluster_controller]
name = "{cluster}"
state_dir = "cc"
listen = "tcp:8774:interface=127.0.0.1"
cloud_certificate = "keys/cloud-cert.pem"
certificate = "keys/{cluster}-cert.pem"
key = "keys/{cluster}-pk.pem"
head_url = "http://{head_address}:8777/axis2/services/EucalyptusHead"
head_certificate = "keys/{head}-cert.pem"

[[node]]
url = "http://127.0.0.1:8775/axis2/services/EucalyptusNC"
certificate = "keys/{node}-cert.pem"
network_address = "{node_address}"

[node_controller]
state_dir = "nc"
instances_dir = "{instances}"
listen = "tcp:8775:interface=127.0.0.1"
hypervisor = "qemu:///system"
# Software emulation: it works on every machine.  "kvm" is faster where it works;
# "" has the node find that out.
domain_type = "qemu"
mark = "{mark}"
# Instances of a demo may share the machine's cores.
cores = 16
cluster_certificate = "keys/{cluster}-cert.pem"
certificate = "keys/{node}-cert.pem"
key = "keys/{node}-pk.pem"

[head]
state_dir = "head"
url = "http://{head_address}:8777/axis2/services/EucalyptusHead"
cluster = "{cluster}"
namespace = "{namespace}"
namespace_link = "{link}"
outer = "machine"
cluster_certificate = "keys/{cluster}-cert.pem"
certificate = "keys/{head}-cert.pem"
key = "keys/{head}-pk.pem"
"""


@dataclass(frozen=True)
class Networks:
    """
    What the demo has of networks.

    @ivar link: between the machine, which has its first address, and the head, which
        has the second.
    """

    private: IPv4Network
    link: IPv4Network
    public: IPv4Network


def write_configuration() -> None:
    """Keys and configuration, if they are not there already."""
    for directory in (HERE, LOGS, RUN):
        directory.mkdir(exist_ok=True)
    # As euca-tw keys new, and config check, do it.
    from euca_tw.admin.configuration import read_configuration
    from euca_tw.admin.identities import file_names, new_identity

    for name in ("cloud", CLUSTER, NODE_NAME, HEAD_NAME):
        if not all((KEYS / each).exists() for each in file_names(name)):
            new_identity(KEYS, name, datetime.now(UTC))
    if not CONFIG.exists():
        routes = json.loads(run("ip", "-json", "-4", "route", "show"))
        CONFIG.write_text(configuration(free_networks(routes)))
    elif "[head]" not in CONFIG.read_text():
        raise Failed(f"{CONFIG} is of an older demo", "make demo-down, then make demo")
    read_configuration(CONFIG)


def configuration(networks: Networks) -> str:
    """Of all four daemons, with instances in these networks."""
    first = networks.link.network_address + 1
    return _CONFIG.format(
        cloud_url=CLOUD_URL,
        cluster=CLUSTER,
        node=NODE_NAME,
        head=HEAD_NAME,
        instances=INSTANCES,
        mark=MARK,
        namespace=NAMESPACE,
        private=networks.private,
        public=networks.public,
        link=networks.link,
        node_address=first,
        head_address=first + 1,
    )


def head_address() -> str:
    """Where the head is that the configuration tells of."""
    told = tomllib.loads(CONFIG.read_text())["head"]["namespace_link"]
    return str(IPv4Network(told).network_address + 2)


def free_networks(routes: Sequence[Mapping[str, Any]]) -> Networks:
    """
    Such as no route of the machine leads to.

    @param routes: as C{ip -json route} tells them.
    @raise Failed: there are none.
    """
    used = [
        IPv4Network(route["dst"], strict=False)
        for route in routes
        if route.get("dst", "default") != "default"
    ]
    return Networks(
        private=_free(used, "PRIVATE", PRIVATE),
        link=_free(used, "LINKS", LINKS),
        public=_free(used, "PUBLIC", PUBLIC),
    )


def _free(
    used: Sequence[IPv4Network], name: str, candidates: Sequence[str]
) -> IPv4Network:
    for each in map(IPv4Network, candidates):
        if not any(each.overlaps(other) for other in used):
            return each
    raise Failed(
        f"this machine uses {', '.join(candidates)} itself",
        f"name a network that is free in {Path(__file__).name}: {name}",
    )


def give_to_user() -> None:
    """Who became root by sudo gets all but the daemons' own state."""
    user, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if user is None or group is None:
        return
    own = [HERE, CONFIG, KEY_PAIR]
    for directory in (CREDENTIALS, IMAGE, LOGS):
        own += [directory, *directory.rglob("*")]
    for path in own:
        if path.exists():
            os.chown(path, int(user), int(group))
