"""
Clusters in a L{Lab}: heads that reach each other over a wide network, with guests
of networks that the trunk carries between them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import define, field

from euca_tw.common.certificates import KeyAndCertificate, make_certificate
from tests.functional.vnet.lab import Host, Lab

ROOT = Path(__file__).parents[3]
PORT = 8776


def guest_mac(network: int, cluster: int) -> str:
    return f"02:00:00:00:{network:02x}:{cluster:02x}"


def guest_ip(network: int, cluster: int) -> str:
    return f"10.{network}.0.{cluster + 10}"


@define(eq=False)
class Head:
    """A cluster's head, and its trunk's process while that runs."""

    name: str
    number: int
    host: Host
    keys: KeyAndCertificate
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"192.0.2.{self.number}"

    def report(self) -> Any:
        """What the trunk says of itself."""
        process = self.process
        assert process is not None and process.stdin and process.stdout
        process.stdin.write(b"\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    def stop(self) -> None:
        """End the trunk's process; devices stay."""
        process, self.process = self.process, None
        if process is not None:
            assert process.stdin and process.stdout
            process.stdin.close()
            process.wait(10)
            process.stdout.close()


@define(eq=False)
class Sites:
    """
    @ivar networks: their numbers, below 256; each head has a guest of each.
    """

    lab: Lab
    directory: Path
    networks: Sequence[int]
    options: Mapping[str, Any] = field(factory=dict)
    heads: list[Head] = field(init=False, factory=list)
    wan: Host = field(init=False)

    def build(self, count: int) -> None:
        """So many clusters, on one wide network."""
        self.wan = self.lab.host("wan")
        self.lab.bridge(self.wan, "wan")
        for number in range(1, count + 1):
            self.add(number)

    def add(self, number: int) -> Head:
        """A cluster, with guests."""
        name = f"cluster{number}"
        host = self.lab.host(name)
        self.lab.cable(self.wan, f"p{number}", host, "wan")
        self.wan.ip("link", "set", f"p{number}", "master", "wan")
        keys = make_certificate(name, datetime.now(UTC), 2)
        head = Head(name, number, host, keys)
        self.heads.append(head)
        host.ip("address", "add", f"{head.address}/24", "dev", "wan")
        for network in self.networks:
            self.add_guest(head, network)
        return head

    def add_guest(self, head: Head, network: int) -> Host:
        """With a bridge that has the trunk's device, too."""
        bridge, tap = f"evb{network:06x}", f"evt{network:06x}"
        head.host.ip("tuntap", "add", tap, "mode", "tap")
        self.lab.bridge(head.host, bridge, tap)
        guest = self.lab.host(f"{head.name}/{network}")
        port = f"g{network}"
        mac = guest_mac(network, head.number)
        self.lab.cable(head.host, port, guest, "eth0", "address", mac)
        head.host.ip("link", "set", port, "master", bridge)
        address = guest_ip(network, head.number)
        guest.ip("address", "add", f"{address}/16", "dev", "eth0")
        return guest

    def guest(self, head: Head, network: int) -> Host:
        return self.lab.hosts[f"{head.name}/{network}"]

    def config(self, head: Head, **changes: Any) -> dict[str, Any]:
        """What the head's process is told: all listen, and all connect."""
        members = {
            network: {
                each.name: [guest_mac(network, each.number)] for each in self.heads
            }
            for network in self.networks
        }
        peers = {
            each.name: [f"{each.address}:{PORT}", each.keys.certificate_pem.decode()]
            for each in self.heads
            if each is not head
        }
        return {
            "cluster": head.name,
            "listen": f"{head.address}:{PORT}",
            "peers": peers,
            "key": head.keys.key_pem.decode(),
            "certificate": head.keys.certificate_pem.decode(),
            "networks": members,
            "options": dict(self.options),
            **changes,
        }

    def start(self, head: Head, *prefix: str, **changes: Any) -> None:
        """Begin the trunk's process."""
        file = self.directory / f"{head.name}.json"
        file.touch(0o600)
        file.write_text(json.dumps(self.config(head, **changes)))
        command = (sys.executable, "-m", "tests.functional.vnet.head", str(file))
        with (self.directory / f"{head.name}.log").open("ab") as log:
            process = head.host.start(
                *prefix,
                *command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        head.process = process
        assert process.stdout is not None
        if process.stdout.readline() != b"up\n":
            raise AssertionError((self.directory / f"{head.name}.log").read_text())

    def close(self) -> None:
        for head in self.heads:
            head.stop()
        self.lab.close()
