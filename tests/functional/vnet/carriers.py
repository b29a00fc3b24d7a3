"""
Machines that carry networks, each a namespace with our process in it, and their
instances, each a namespace of its own.

The machines of a subnet are on one wire; a router joins the subnets, and who is
told so has a route by it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import IO, Any

from attrs import define, field, frozen

from euca_tw.model.networks import Carried, Machine, Member, View
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.leases import card_name
from euca_tw.vnet.link_records import Segment, bridge_name
from tests.functional.vnet.agent import receive, send
from tests.functional.vnet.lab import CommandFailed, Host, Lab
from tests.functional.vnet.streams import wait_for

ROOT = Path(__file__).parents[3]
#: Guests' packets, where VXLAN goes over wires of 1500.
GUEST_MTU = 1450


@define(eq=False)
class Carrier:
    """A machine, and our process in it."""

    machine: Machine
    host: Host
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = self.host.start(
            *(sys.executable, "-m", "tests.functional.vnet.agent"),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def kill(self) -> None:
        """End the process at once, as a crash does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdin and process.stdout
            process.stdin.close()
            process.stdout.close()

    def _ask(self, name: str, *arguments: object) -> Any:
        if self._process is None:
            self.start()
        process = self._process
        assert process is not None and process.stdin and process.stdout
        send(process.stdin, (name, arguments))  # type: ignore[arg-type]
        answer = receive(process.stdout)  # type: ignore[arg-type]
        if isinstance(answer, NetworkFailed):
            raise answer
        return answer

    def apply(self, view: View) -> None:
        """@raise NetworkFailed:"""
        self._ask("apply", view)

    def resync(self) -> None:
        self._ask("resync")

    def purge(self) -> tuple[str, ...]:
        said: tuple[str, ...] = self._ask("purge")
        return said

    def look(self) -> Mapping[int, Segment]:
        found: Mapping[int, Segment] = self._ask("look")
        return found


#: What a guest counts.  (Broadcasts are not of IP: the kernel gives a copy of its
#: own to itself.)
_COUNTERS = """
table netdev heard {
  counter asked { }
  counter told { }
  counter echoes { }
  chain in {
    type filter hook ingress device eth0 priority 0
    ether daddr ff:ff:ff:ff:ff:ff arp operation request counter name asked
    ether type 0x88b5 counter name told
    icmp type echo-request counter name echoes
  }
}
"""


@frozen(kw_only=True)
class Heard:
    """
    Packets.

    @ivar asked: ARP requests to all.
    @ivar told: of L{Guest.broadcast}.
    @ivar echoes: of L{Guest.ping}.
    """

    asked: int
    told: int
    echoes: int

    def since(self, before: Heard) -> Heard:
        return Heard(
            asked=self.asked - before.asked,
            told=self.told - before.told,
            echoes=self.echoes - before.echoes,
        )


@define(eq=False)
class Guest:
    """An instance, as far as the network goes."""

    member: Member
    host: Host

    @property
    def address(self) -> str:
        return str(self.member.private_ip)

    def ping(self, to: str, count: int = 3, *options: str) -> int:
        """@return: how many answers came."""
        try:
            said = self.host.run(
                *("busybox", "ping", "-c", str(count), "-i", "0.05", "-W", "1", "-q"),
                *(*options, to),
            )
        except CommandFailed as failed:
            said = str(failed)
        return int(said.partition(" packets received")[0].rpartition(" ")[2] or 0)

    def pinging(self, to: str) -> Pinging:
        """A hundred a second, while other things are done."""
        # A file, for nobody reads what it says until it is ended.
        said = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed with it
        process = self.host.start("busybox", "ping", "-i", "0.01", to, stdout=said)
        return Pinging(process, said)

    def heard(self) -> Heard:
        """What has come to its card since it was made."""
        listed = json.loads(self.host.run("nft", "-j", "list", "counters"))
        counts = {
            each["counter"]["name"]: each["counter"]["packets"]
            for each in listed["nftables"]
            if "counter" in each
        }
        return Heard(**counts)

    def broadcast(self, count: int) -> None:
        """Send to all on its network."""
        frame = b"\xff" * 6 + bytes.fromhex(self.member.mac_address.replace(":", ""))
        self.host.run(
            sys.executable,
            "-c",
            "import socket\n"
            "card = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\n"
            "card.bind(('eth0', 0))\n"
            f"frame = {frame!r} + bytes.fromhex('88b5') + bytes(46)\n"
            f"for _ in range({count}): card.send(frame)\n",
        )


@define
class Pinging:
    """@ivar said: what it says, a line for each answer."""

    process: subprocess.Popen[Any]
    said: IO[str]

    def lost(self) -> int:
        """
        How many had no answer until now; it is ended.

        @raise AssertionError: none has an answer any more.
        """
        since = len(self._answered())
        # Of those that were sent before, the last answers are on their way.
        wait_for(lambda: len(self._answered()) > since + 1, "a ping is answered", 5)
        answered = self._answered()
        self.process.kill()
        self.process.wait()
        self.said.close()
        return max(answered) + 1 - len(answered)

    def _answered(self) -> set[int]:
        self.said.seek(0)
        return {int(number) for number in re.findall(r" seq=(\d+) ", self.said.read())}


@define(eq=False)
class Site:
    """All that there is."""

    lab: Lab = field(factory=Lab)
    carriers: dict[str, Carrier] = field(factory=dict)
    guests: dict[str, Guest] = field(factory=dict)
    _patch: subprocess.Popen[bytes] | None = None
    _wires: set[str] = field(factory=set)

    def add(self, *machines: Machine, is_joined: bool = False) -> None:
        """@param is_joined: they know the way to other subnets."""
        for machine in machines:
            host = self.lab.host(machine.name)
            self.carriers[machine.name] = Carrier(machine, host)
            network = IPv4Network((machine.address, 24), strict=False)
            wire = self._wire(network)
            port = f"to_{machine.name}"
            self.lab.cable(self.lab.hosts["wire"], port, host, "lan")
            self.lab.hosts["wire"].ip("link", "set", port, "master", wire)
            host.ip("address", "add", f"{machine.address}/24", "dev", "lan")
            if is_joined:
                router = str(network[-2])
                host.ip("route", "add", "172.20.0.0/16", "via", router)

    def _wire(self, network: IPv4Network) -> str:
        """A subnet's own bridge; the router is on each."""
        router = self.lab.hosts.get("wire")
        if router is None:
            router = self.lab.host("wire")
            router.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
        name = f"wire{network.network_address.packed[2]}"
        if name not in self._wires:
            self._wires.add(name)
            self.lab.bridge(self.lab.hosts["wire"], name)
            self.lab.hosts["wire"].ip(
                "address", "add", f"{network[-2]}/24", "dev", name
            )
        return name

    def machines(self) -> dict[str, Machine]:
        return {name: each.machine for name, each in self.carriers.items()}

    def apply(self, *networks: Carried, to: str = "") -> None:
        """
        Every machine carries those of the networks that concern it.

        @param to: only this one is told.
        """
        machines = self.machines()
        for name, carrier in self.carriers.items():
            if to in {"", name}:
                carrier.apply(view_of(carrier.machine, machines, networks))

    def plug(self, member: Member, mac_address: str = "") -> Guest:
        """An instance begins; its network is there."""
        host = self.lab.host(member.instance_id)
        machine = self.carriers[member.machine].host
        card = card_name(member.instance_id)
        mac_address = mac_address or member.mac_address.lower()
        self.lab.cable(machine, card, host, "eth0", "address", mac_address)
        machine.ip("link", "set", card, "master", bridge_name(member.network))
        host.ip("link", "set", "eth0", "mtu", str(GUEST_MTU))
        host.ip(
            "address", "add", f"{member.private_ip}/24", "broadcast", "+", "dev", "eth0"
        )
        router = str(IPv4Address(int(member.private_ip) & ~0xFF | 1))
        host.ip("route", "add", "default", "via", router)
        host.run("nft", "-f", "-", stdin=_COUNTERS)
        guest = self.guests[member.instance_id] = Guest(member, host)
        return guest

    def plug_all(self, *networks: Carried) -> list[Guest]:
        """By network, and their members' numbers."""
        return [
            self.plug(member)
            for network in networks
            for member in sorted(network.members, key=lambda it: it.private_ip)
        ]

    def unplug(self, guest: Guest) -> None:
        """An instance ends."""
        machine = self.carriers[guest.member.machine].host
        machine.ip("link", "delete", card_name(guest.member.instance_id))
        del self.lab.hosts[guest.host.name]
        guest.host.close()

    def patch(self, tap: str, *heads: str) -> None:
        """Join the ports to the trunk of these, and no others."""
        self.unpatch()
        pids = [str(self.carriers[name].host.pid) for name in heads]
        self._patch = subprocess.Popen(
            [sys.executable, "-m", "tests.functional.vnet.patch", tap, *pids],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert self._patch.stdout is not None
        assert self._patch.stdout.readline() == b"open\n"

    def unpatch(self) -> None:
        patch, self._patch = self._patch, None
        if patch is not None:
            patch.kill()
            patch.wait()
            assert patch.stdout is not None
            patch.stdout.close()

    def close(self) -> None:
        self.unpatch()
        for carrier in self.carriers.values():
            carrier.kill()
        self.lab.close()


def view_of(
    here: Machine, machines: Mapping[str, Machine], networks: tuple[Carried, ...]
) -> View:
    """What a machine must know: a head of its cluster's, a node of its own."""

    def is_carried(network: Carried) -> bool:
        names = {member.machine for member in network.members}
        if here.name in names:
            return True
        is_head = here.role.value == "head"
        return is_head and here.cluster in {machines[each].cluster for each in names}

    return View(
        here=here.name,
        machines=machines,
        networks={each.network.number: each for each in networks if is_carried(each)},
    )
