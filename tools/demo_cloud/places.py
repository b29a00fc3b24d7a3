"""Where the demo keeps what, and its configuration."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
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
BRIDGE = "eucademo0"
CLOUD_URL = "http://127.0.0.1:8773"
CLUSTER = "cluster1"
NODE_NAME = "node1"

#: The first that the machine does not use already becomes the instances'.
SUBNETS = ("10.90.0.0/24", "172.29.90.0/24", "192.168.190.0/24")

_CONFIG = """\
# Written by `make demo`: three daemons on loopback.
[cloud]
state_dir = "clc"
listen = "tcp:8773:interface=127.0.0.1"
url = "{cloud_url}"
certificate = "keys/cloud-cert.pem"
key = "keys/cloud-pk.pem"

[images]
demo = "image"

[[cluster]]
name = "{cluster}"
url = "http://127.0.0.1:8774/axis2/services/EucalyptusCC"
certificate = "keys/{cluster}-cert.pem"

[cluster_controller]
name = "{cluster}"
state_dir = "cc"
listen = "tcp:8774:interface=127.0.0.1"
subnet = "{subnet}"
cloud_certificate = "keys/cloud-cert.pem"
certificate = "keys/{cluster}-cert.pem"
key = "keys/{cluster}-pk.pem"

[[node]]
url = "http://127.0.0.1:8775/axis2/services/EucalyptusNC"
certificate = "keys/{node}-cert.pem"

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
bridge = "{bridge}"
bridge_address = "{router}"
cluster_certificate = "keys/{cluster}-cert.pem"
certificate = "keys/{node}-cert.pem"
key = "keys/{node}-pk.pem"
"""


def write_configuration() -> None:
    """Keys and configuration, if they are not there already."""
    for directory in (HERE, LOGS, RUN):
        directory.mkdir(exist_ok=True)
    for name in ("cloud", CLUSTER, NODE_NAME):
        if not (KEYS / f"{name}-pk.pem").exists():
            run(BIN / "euca-tw", "keys", "new", KEYS, name)
    if not CONFIG.exists():
        routes = json.loads(run("ip", "-json", "-4", "route", "show"))
        CONFIG.write_text(configuration(free_subnet(routes)))
    run(BIN / "euca-tw", "config", "check", CONFIG)


def configuration(subnet: IPv4Network) -> str:
    """Of all three daemons, with instances in C{subnet}."""
    return _CONFIG.format(
        cloud_url=CLOUD_URL,
        cluster=CLUSTER,
        node=NODE_NAME,
        instances=INSTANCES,
        mark=MARK,
        bridge=BRIDGE,
        subnet=subnet,
        router=f"{subnet.network_address + 1}/{subnet.prefixlen}",
    )


def free_subnet(routes: Sequence[Mapping[str, Any]]) -> IPv4Network:
    """
    A subnet that no route of the machine leads to.

    @param routes: as C{ip -json route} tells them.
    @raise Failed: there is none.
    """
    used = [
        IPv4Network(route["dst"], strict=False)
        for route in routes
        if route.get("dst", "default") != "default"
    ]
    for each in map(IPv4Network, SUBNETS):
        if not any(each.overlaps(other) for other in used):
            return each
    raise Failed(
        f"this machine uses {', '.join(SUBNETS)} itself",
        f"name a subnet that is free in {Path(__file__).name}: SUBNETS",
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
