"""
Clusters whole: machines that carry networks with all that the daemons join, their
instances, and the wide network between heads.

What each machine must know is told as the tiers do: from the cloud's entries to a
cluster's, and from these to a machine's view.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from attrs import define, evolve, field
from twisted.trial.unittest import SkipTest, TestCase

from euca_tw.common.certificates import KeyAndCertificate, make_certificate
from euca_tw.model.networks import (
    Elastic,
    Group,
    Machine,
    Member,
    Network,
    Role,
    TrunkEnd,
    View,
)
from euca_tw.overlay.chart import Chart, Place, Scope
from euca_tw.overlay.entries import Difference, Entry
from euca_tw.overlay.extents import Extents
from euca_tw.overlay.views import Picture
from euca_tw.vnet.filter_settings import FilterSettings
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.link_records import bridge_name
from euca_tw.vnet.trunk.counters import Report
from euca_tw.vnet.trunk.settings import TrunkSettings
from tests.functional.vnet import guests
from tests.functional.vnet.carriers import GUEST_MTU, ROOT, Site
from tests.functional.vnet.lab import CommandFailed, Host
from tests.functional.vnet.machine import receive, send
from tests.functional.vnet.sites import PORT
from tests.functional.vnet.streams import wait_for

#: So that what is lost is noticed while a test waits.
_IMPATIENT: dict[str, Any] = {"ping_s": 0.3, "silent_s": 1.5, "retry_ceiling_s": 1.0}
_ETH_P_ALL = 3
_NAT = (
    "table ip n { chain c { type nat hook postrouting priority 100; "
    'oifname "wan" masquerade; }; }'
)


@cache
def keys_of(cluster: str) -> KeyAndCertificate:
    return make_certificate(cluster, datetime.now(UTC), 2)


@define(eq=False)
class Carrier:
    """
    A machine, and the process in it, which is told of one thing at a time.

    @ivar trunk: None on a node.
    """

    machine: Machine
    host: Host
    log: Path
    trunk: TrunkSettings | None = None
    filters: FilterSettings = field(factory=FilterSettings)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def is_head(self) -> bool:
        return self.machine.role is Role.HEAD

    def start(self) -> None:
        """It says so when it is ready, which L{answer} waits for."""
        with self.log.open("ab") as log:
            self._process = self.host.start(
                *(sys.executable, "-m", "tests.functional.vnet.machine"),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.tell("begin", self.trunk, self.filters)

    def kill(self) -> None:
        """As the kernel does when there is no memory; links and rules stay."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdin and process.stdout
            process.stdin.close()
            process.stdout.close()

    def tell(self, name: str, *arguments: object) -> None:
        process = self._process
        assert process is not None and process.stdin is not None
        send(process.stdin, (name, arguments))  # type: ignore[arg-type]

    def answer(self) -> Any:
        """@raise NetworkFailed:"""
        process = self._process
        assert process is not None and process.stdout is not None
        try:
            said = receive(process.stdout)  # type: ignore[arg-type]
        except EOFError:
            raise AssertionError(self.log.read_text()) from None
        if isinstance(said, NetworkFailed):
            raise said
        return said

    def report(self) -> Report:
        self.tell("report")
        report: Report = self.answer()
        return report

    def linked(self) -> set[str]:
        """The clusters to which it is connected."""
        return {each.name for each in self.report().peers if each.where}

    def ways(self) -> dict[str, str]:
        """The clusters that it reaches, and by which."""
        return {each.name: each.by for each in self.report().peers if each.by}


def network(number: int) -> Network:
    return Network(number=number, subnet=IPv4Network(f"10.0.{number}.0/24"))


@define(eq=False)
class Clouds:
    """
    @ivar dialling: clusters whose heads are behind NAT.
    @ivar shows_all: bridges of the machines show packets to IP, whether or not they
        say so, as they do where nobody has changed that.
    @ivar is_strict: heads are set to take nothing that comes another way than that
        which leads back.
    @ivar outward: what heads let out, and in.
    @ivar members, groups, elastics: what there is, when machines are told next.
    """

    case: TestCase
    dialling: frozenset[str] = frozenset()
    shows_all: bool = False
    is_strict: bool = False
    outward: FilterSettings = field(factory=FilterSettings)
    members: tuple[Member, ...] = ()
    groups: tuple[Group, ...] = ()
    elastics: tuple[Elastic, ...] = ()
    site: Site = field(factory=Site, init=False)
    carriers: dict[str, Carrier] = field(factory=dict, init=False)
    guests: dict[str, guests.Guest] = field(factory=dict, init=False)

    def build(self, machines: Iterable[Machine]) -> None:
        """Machines, and our processes in them, which carry what there is."""
        directory = Path(self.case.mktemp()).absolute()
        directory.mkdir(parents=True)
        self.case.addCleanup(self._close)
        try:
            wan = self.site.lab.host("wan")
            self.site.lab.bridge(wan, "wan")
        except (CommandFailed, OSError) as error:
            raise SkipTest(f"needs root, for namespaces: {error}") from None
        for machine in machines:
            self.site.add(machine, is_joined=machine.is_routed)
            carrier = Carrier(
                machine=machine,
                host=self.site.carriers[machine.name].host,
                log=directory / f"{machine.name}.log",
            )
            if carrier.is_head:
                self._join(carrier)
            if not self.shows_all:
                guests.use_only_ours(carrier.host.pid)
            self.carriers[machine.name] = carrier
            carrier.start()
        for carrier in self.carriers.values():
            carrier.answer()
        self.apply()

    def _close(self) -> None:
        for carrier in self.carriers.values():
            carrier.kill()
        self.site.close()

    @property
    def wan(self) -> Host:
        """Where all that heads say to each other passes."""
        return self.site.lab.hosts["wan"]

    @property
    def heads(self) -> list[Carrier]:
        return [each for each in self.carriers.values() if each.is_head]

    @staticmethod
    def address(cluster: str) -> str:
        """Of its head, on the wide network."""
        return f"192.0.2.{ord(cluster)}"

    def _join(self, head: Carrier) -> None:
        cluster, lab = head.machine.cluster, self.site.lab
        is_dialling = cluster in self.dialling
        keys = keys_of(cluster)
        head.filters = self.outward
        if self.is_strict:
            head.host.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter")
        head.trunk = TrunkSettings(
            cluster=cluster,
            listen="" if is_dialling else f"{self.address(cluster)}:{PORT}",
            key_pem=keys.key_pem,
            certificate_pem=keys.certificate_pem,
            **_IMPATIENT,
        )
        outer = lab.host(f"nat_{cluster}") if is_dialling else head.host
        lab.cable(self.wan, f"to_{cluster}", outer, "wan")
        self.wan.ip("link", "set", f"to_{cluster}", "master", "wan")
        outer.ip("address", "add", f"{self.address(cluster)}/24", "dev", "wan")
        if is_dialling:
            lab.cable(outer, "inner", head.host, "wan")
            outer.ip("address", "add", "198.51.100.1/24", "dev", "inner")
            head.host.ip("address", "add", "198.51.100.2/24", "dev", "wan")
            head.host.ip("route", "add", "192.0.2.0/24", "via", "198.51.100.1")
            outer.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
            outer.run("nft", "-f", "-", stdin=_NAT)

    def _entries(self) -> list[Entry]:
        numbers = {each.network for each in self.members}
        on = (*self.members, *(network(number) for number in numbers))
        return [
            *(each.machine for each in self.carriers.values()),
            *on,
            *Extents().change(on).puts,
            *self.groups,
            *self.elastics,
            *(self._end(each.machine.cluster) for each in self.heads),
        ]

    def _end(self, cluster: str) -> TrunkEnd:
        endpoint = f"{self.address(cluster)}:{PORT}"
        return TrunkEnd(
            cluster=cluster,
            endpoint="" if cluster in self.dialling else endpoint,
            certificate=keys_of(cluster).certificate_pem.decode(),
        )

    def views(self) -> dict[str, View]:
        """By machine."""
        cloud = Chart()
        cloud.change(self._entries())
        views: dict[str, View] = {}
        for name in {each.machine.cluster for each in self.carriers.values()}:
            cluster = Chart()
            cluster.change(cloud.follow(Place(Scope.CLUSTER, name)).puts)
            for each in self.carriers.values():
                machine = each.machine
                if machine.cluster == name:
                    place = (
                        Place(Scope.HEAD, name)
                        if each.is_head
                        else Place(Scope.NODE, machine.name)
                    )
                    picture = Picture(machine.name, machine.role)
                    views[machine.name] = picture.take(cluster.follow(place))
        return views

    def whole_view(self, machine: str) -> View:
        """All that there is, and the groups of a machine's instances."""
        entries = Difference(tuple(self._entries()))
        return Picture(machine, Role.HEAD).take(entries)

    def apply(self, *names: str) -> None:
        """
        Have machines carry what there is.

        @param names: of these only.
        @raise NetworkFailed:
        """
        views = self.views()
        told = [self.carriers[name] for name in names or views]
        for carrier in told:
            carrier.tell("apply", views[carrier.machine.name])
        for carrier in told:
            carrier.answer()

    def restart(self, *names: str) -> None:
        """Processes die, and others come, who are told the same."""
        self._replace([self.carriers[name] for name in names])
        self.apply(*names)

    def die_midway(self, after_s: float) -> None:
        """All processes die while they do what they were told; others come."""
        views = self.views()
        for name, carrier in self.carriers.items():
            carrier.tell("apply", views[name])
        time.sleep(after_s)
        self._replace(list(self.carriers.values()))

    def _replace(self, carriers: Sequence[Carrier]) -> None:
        for work in (Carrier.kill, Carrier.start, Carrier.answer):
            for carrier in carriers:
                work(carrier)

    def plug(self) -> None:
        """All instances begin."""
        for member in self.members:
            guest = guests.make_guest(
                self.case,
                member,
                bridge=bridge_name(member.network),
                router=str(network(member.network).router),
                machine=self.carriers[member.machine].host.pid,
            )
            mtu = ("link", "set", "eth0", "mtu", str(GUEST_MTU))
            guests.ip(*mtu, pid=guest.pid)
            self.guests[member.instance_id] = guest
        guests.until_up(*(each.pid for each in self.guests.values()))

    def world(self, address: str) -> guests.Guest:
        """
        Somebody on the wide network, by whom heads reach all others, and who would
        like to come in by the first of them.
        """
        host = self.site.lab.host("world")
        self.site.lab.cable(self.wan, "to_world", host, "eth0")
        self.wan.ip("link", "set", "to_world", "master", "wan")
        host.ip("address", "add", f"{address}/24", "dev", "eth0")
        for head in self.heads:
            head.host.ip("route", "add", "default", "via", address)
        by = self.address(self.heads[0].machine.cluster)
        host.ip("route", "add", "10.0.0.0/8", "via", by)
        member = Member(
            instance_id="",
            network=0,
            mac_address="",
            private_ip=IPv4Address(address),
            machine="",
        )
        return guests.Guest(member, host.pid)

    def wait_linked(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Till just these pairs of clusters are connected, and frames may pass."""
        for head in self.heads:
            here = head.machine.cluster
            wanted = {other for pair in pairs if here in pair for other in pair}
            wanted -= {here}
            wait_for(
                lambda head=head, wanted=wanted: head.linked() == wanted,  # type: ignore[misc]
                f"{here} to {wanted}",
            )
        self.wait_carried()

    def wait_apart(self, *clusters: str) -> None:
        """Till none of these is connected to any other."""
        for cluster in clusters:
            head = self.carriers[f"{cluster}0"]
            wait_for(lambda head=head: not head.linked(), f"{cluster} is alone")  # type: ignore[misc]

    def wait_carried(self) -> None:
        """The kernel takes a moment to see that a device is held open."""
        for head in self.heads:
            wait_for(
                lambda head=head: all(  # type: ignore[misc]
                    "state forwarding" in line
                    for line in head.host.run("bridge", "link").splitlines()
                    if "evt" in line
                ),
                "bridges forward to the trunk",
            )

    def cut(self, one: str, other: str, verb: str = "add") -> None:
        """Two heads do not reach each other."""
        for cluster, peer in ((one, other), (other, one)):
            host = self.carriers[f"{cluster}0"].host
            host.ip("route", verb, "blackhole", self.address(peer))

    def ear(self, host: Host) -> socket.socket:
        """Which hears all that passes there from now on."""

        def made() -> socket.socket:
            ear = socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)
            )
            ear.setsockopt(socket.SOL_SOCKET, guests.SO_RCVBUFFORCE, 1 << 24)
            ear.setblocking(False)
            self.case.addCleanup(ear.close)
            return ear

        return guests.inside(host.pid, made)


def placed(member: Member) -> Member:
    """With its cluster, that of its machine."""
    return evolve(member, cluster=member.machine[:1])
