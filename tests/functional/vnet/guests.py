"""
Guests in namespaces of their own, whose sockets the test itself holds.

A socket stays in the namespace in which it was made, whoever uses it: so hundreds
of probes of many guests are one loop, without a program in any of them.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from pathlib import Path
from threading import Thread
from typing import TypeVar

from attrs import define, frozen
from twisted.trial.unittest import TestCase

from euca_tw.model.networks import Member
from euca_tw.vnet.classes import ICMP, TCP, UDP
from euca_tw.vnet.filter_settings import Tracking
from euca_tw.vnet.leases import card_name
from euca_tw.vnet.link_records import bridge_name
from tests.functional.netns import CLONE_NEWNET, _call, make_peer

T = TypeVar("T")
#: By then a packet that may come through has.
PATIENCE_S = 0.3
BRIDGE = bridge_name(1)
_ECHO_REPLY = 0
#: Each is another to who follows connections.
_ECHOES = count(1)
#: Of Linux; for a receiver that is slower than who sends.
SO_RCVBUFFORCE = 33
_IP_HEADER = 20


def inside(pid: int, work: Callable[[], T]) -> T:
    """What C{work} returns, done in the namespace of a process."""
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            _call("setns", descriptor, CLONE_NEWNET)
            results.append(work())
        except BaseException as error:
            failures.append(error)
        finally:
            os.close(descriptor)

    thread = Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


def ip(*command: str, pid: int | None = None) -> None:
    """C{ip}, here or in the namespace of a process."""
    within = () if pid is None else ("nsenter", "-t", str(pid), "-n")
    subprocess.run((*within, "ip", *command), check=True)


def nft(*command: str, pid: int | None = None, text: str = "") -> str:
    """C{nft}, here or in the namespace of a process."""
    within = () if pid is None else ("nsenter", "-t", str(pid), "-n")
    done = subprocess.run(
        (*within, "nft", *command), input=text.encode(), check=True, capture_output=True
    )
    return done.stdout.decode()


def tracking() -> Tracking:
    """Who follows connections on this kernel."""
    trial = b"table bridge t {\n\tchain c {\n\t\tct state new\n\t}\n}\n"
    done = subprocess.run(
        ("nft", "-c", "-f", "-"), input=trial, check=False, capture_output=True
    )
    return Tracking.IP if done.returncode else Tracking.BRIDGE


def make_bridge(name: str = BRIDGE, *addresses: str, pid: int | None = None) -> None:
    """As a network's is made on a machine that shows its packets to IP."""
    ip("link", "add", name, "type", "bridge", "mcast_snooping", "0", pid=pid)
    ip("link", "set", name, "type", "bridge", "nf_call_iptables", "1", pid=pid)
    for address in addresses:
        ip("addr", "add", address, "dev", name, pid=pid)
    ip("link", "set", name, "up", pid=pid)


def use_only_ours(pid: int | None = None) -> None:
    """Only bridges that say so show their packets to IP."""
    setting = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")

    def write() -> None:
        if setting.exists():
            setting.write_text("0")

    inside(os.getpid() if pid is None else pid, write)


def until_up(*pids: int) -> None:
    """
    Wait till the links of some namespaces carry packets: the kernel notices that
    they can by and by, and till then drops what is sent.
    """
    until = time.monotonic() + 5.0
    for pid in pids:
        look = ("nsenter", "-t", str(pid), "-n", "ip", "-j", "link", "show", "up")
        while time.monotonic() < until:
            shown = subprocess.run(
                (*look, "type", "veth"), check=True, capture_output=True
            )
            if all(each["operstate"] == "UP" for each in json.loads(shown.stdout)):
                break


def without_ipv6(pid: int) -> None:
    """So that nobody says anything by itself."""

    def write() -> None:
        for which in ("all", "default"):
            setting = Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6")
            if setting.exists():
                setting.write_text("1")

    inside(pid, write)


def received(listening: socket.socket, patience_s: float = 0.1) -> bytes | None:
    """The next that comes within a moment."""
    if select.select([listening], [], [], patience_s)[0]:
        return listening.recv(2000)
    return None


@define(eq=False)
class Guest:
    """@ivar pid: whose namespace is the guest's."""

    member: Member
    pid: int

    @property
    def address(self) -> str:
        return str(self.member.private_ip)

    def open(self, protocol: int, address: str = "", port: int = 0) -> socket.socket:
        """A socket of the guest's that does not block, at a port if one is given."""

        def make() -> socket.socket:
            kind = {TCP: socket.SOCK_STREAM, UDP: socket.SOCK_DGRAM}.get(
                protocol, socket.SOCK_RAW
            )
            made = socket.socket(
                socket.AF_INET, kind, protocol if kind == socket.SOCK_RAW else 0
            )
            made.setblocking(False)
            if port:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                made.bind((address, port))
                if protocol == TCP:
                    made.listen(512)
            return made

        return inside(self.pid, make)

    def packets(self, card: str = "eth0") -> socket.socket:
        """A socket for whole frames."""

        def make() -> socket.socket:
            made = socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003)
            )
            made.bind((card, 0))
            made.setblocking(False)
            return made

        return inside(self.pid, make)


def make_guest(
    case: TestCase,
    member: Member,
    *,
    bridge: str = BRIDGE,
    port: str = "",
    router: str = "",
    machine: int | None = None,
) -> Guest:
    """
    An instance's card on a bridge, with its addresses.

    @param port: the name of the bridge's end, if it is not that of a card.
    @param machine: in whose namespace the bridge is; None: in this.
    """
    pid = make_peer(case)
    without_ipv6(pid)
    name = port or card_name(member.instance_id)
    ip(
        *("link", "add", name, "type", "veth"),
        *("peer", "name", "eth0", "address", member.mac_address, "netns", str(pid)),
        pid=machine,
    )
    ip("link", "set", name, "master", bridge, "up", pid=machine)
    for command in (
        ("link", "set", "lo", "up"),
        ("addr", "add", f"{member.private_ip}/24", "brd", "+", "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        *(("route", "add", "default", "via", router) for _ in range(bool(router))),
    ):
        ip(*command, pid=pid)
    return Guest(member=member, pid=pid)


# --- probes ------------------------------------------------------------------


@frozen
class Probe:
    """
    Whether C{source} is heard by who has C{address}: of ICMP with the type and code
    as a port, else at that port.
    """

    source: Guest
    address: str
    protocol: int
    port: int

    def __repr__(self) -> str:
        return f"{self.source.address}→{self.address} {self.protocol}/{self.port}"


def serve(
    case: TestCase,
    guest: Guest,
    ports: Mapping[int, Iterable[int]],
    address: str = "",
) -> Serving:
    """Have a guest listen, by protocol; at one of its addresses, or at all."""
    sockets = [
        guest.open(protocol, address, port)
        for protocol, those in ports.items()
        if protocol != ICMP
        for port in those
    ]
    for each in sockets:
        case.addCleanup(each.close)
    return Serving(sockets)


@define(eq=False)
class Serving:
    """What a guest listens at; what comes by UDP is sent back."""

    sockets: list[socket.socket]


def heard(
    probes: Iterable[Probe],
    serving: Iterable[Serving] = (),
    patience_s: float = PATIENCE_S,
) -> set[Probe]:
    """Those that are answered, all asked at once."""
    asking: dict[int, tuple[Probe, socket.socket]] = {}
    answering = {
        each.fileno(): each
        for some in serving
        for each in some.sockets
        if each.type == socket.SOCK_DGRAM
    }
    poll = select.epoll()
    for descriptor in answering:
        poll.register(descriptor, select.EPOLLIN)
    for probe in probes:
        made = _ask(probe)
        asking[made.fileno()] = (probe, made)
        wanted = select.EPOLLOUT if probe.protocol == TCP else select.EPOLLIN
        poll.register(made.fileno(), wanted)
    found: set[Probe] = set()
    until = time.monotonic() + patience_s
    try:
        while asking and (left := until - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(left):
                if descriptor in answering:
                    data, sender = answering[descriptor].recvfrom(100)
                    answering[descriptor].sendto(data, sender)
                    continue
                probe, made = asking[descriptor]
                if _is_answered(probe, made):
                    found.add(probe)
                if probe in found or probe.protocol != ICMP:
                    made.close()
                    del asking[descriptor]
    finally:
        for _, made in asking.values():
            made.close()
        poll.close()
    return found


def _ask(probe: Probe) -> socket.socket:
    made = probe.source.open(probe.protocol)
    if probe.protocol == ICMP:
        made.connect((probe.address, 0))
        made.send(icmp(probe.port, next(_ECHOES) & 0xFFFF))
        return made
    try:
        made.connect((probe.address, probe.port))
    except BlockingIOError:
        return made
    if probe.protocol == UDP:
        made.send(b"?")
    return made


def icmp(port: int, identifier: int) -> bytes:
    """@param port: type and code."""
    said = struct.pack("!HHHH", port, 0, identifier, 1)
    total = sum(struct.unpack("!4H", said))
    checksum = ~(total + (total >> 16)) & 0xFFFF
    return said[:2] + struct.pack("!H", checksum) + said[4:]


def _is_answered(probe: Probe, made: socket.socket) -> bool:
    if probe.protocol == TCP:
        return made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    try:
        data = made.recv(100)
    except OSError:
        return False
    if probe.protocol != ICMP:
        return True
    # Before it was connected it heard what is for others, too.
    return data[_IP_HEADER] == _ECHO_REPLY and data[12:16] == socket.inet_aton(
        probe.address
    )
