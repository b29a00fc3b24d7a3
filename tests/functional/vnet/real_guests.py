"""
Instances of one security group in L{TwoClusters}, and what they and the world say to
each other.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest

from euca_tw.model.networks import Member
from tests.functional import containers
from tests.functional.daemons import ROOT, until
from tests.functional.guests import IMAGE, USER_DATA, GuestCase, call
from tests.functional.libvirtd import skip_if_impossible
from tests.functional.netns import enter
from tests.functional.vnet.guests import Guest
from tests.functional.vnet.lab import Host
from tests.functional.vnet.two_clusters import TwoClusters, init_of

GROUP = "crew"
ZONES = ("north", "south")
SSH = 22
#: What a change may take till it is everywhere.
SOON_S = 1.0
#: A stream that was not reset goes on within that time.
_PATIENCE_S = 20.0
_PROGRAMS = ("ip", "nft", "nsenter", "ss", "ssh")
_OURS = re.compile(r"evb|evx|evt|vn_i-|10\.231\.\d+\.[1-9]|192\.0\.2\.1\d\d")
_SSH_OPTIONS = (
    "-o BatchMode=yes -o LogLevel=ERROR -o StrictHostKeyChecking=no "
    "-o UserKnownHostsFile=/dev/null -o ConnectTimeout=5 -o IdentitiesOnly=yes"
)


def skip_unless_possible() -> None:
    """@raise SkipTest: what is needed is not here."""
    skip_if_impossible()
    for program in _PROGRAMS:
        if shutil.which(program) is None:
            raise SkipTest(f"needs {program}: run tools/setup")
    try:
        import pyroute2  # noqa: F401
    except ImportError:
        raise SkipTest("needs pyroute2: run tools/setup") from None
    if not Path("/dev/net/tun").exists():
        raise SkipTest("needs TAP devices: /dev/net/tun is not there")


class RealGuestsCase(GuestCase):
    """
    Who tests is where the cloud's users are.

    @ivar guests: the first has a public address, C{public}.
    """

    timeout = 240
    guests: list[Guest]
    public: str

    def setUp(self) -> None:
        containers.or_fail(skip_unless_possible)
        call(ROOT / "images" / "demo" / "build", IMAGE)
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.cloud = TwoClusters(self.directory)
        self.daemons = self.cloud
        self.addCleanup(self.cloud.close)
        containers.or_fail(lambda: self.cloud.build(IMAGE))
        enter(self, self.cloud.lab.hosts["outside"].pid)
        self.ec2 = self.cloud.client()
        self.pem = self.directory / "mine.pem"

    def has_room(self) -> bool:
        # Of both.
        return self.cloud.command("status").count("m1.small") == len(ZONES)

    def launched_in(self, zone: str) -> str:
        [image] = self.machine_images()
        told = self.ec2.run_instances(
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            InstanceType="m1.small",
            KeyName="mine",
            UserData=USER_DATA,
            SecurityGroups=[GROUP],
            Placement={"AvailabilityZone": zone},
        )
        return str(told["Instances"][0]["InstanceId"])

    def guest(self, instance_id: str) -> Guest:
        """Where sockets can be made as in the instance."""
        told = self.wait_for(instance_id, "running")
        member = Member(
            instance_id=instance_id,
            network=1,
            mac_address="",
            private_ip=IPv4Address(told["PrivateIpAddress"]),
            machine="",
        )
        return Guest(member=member, pid=init_of(instance_id))

    def let_in(self, rule: dict[str, Any]) -> None:
        self.ec2.authorize_security_group_ingress(GroupName=GROUP, IpPermissions=[rule])

    def soon(self, what: str, is_so: Callable[[], bool]) -> None:
        """It is so within a second of the answer that it shall be."""
        began = time.monotonic()
        until(is_so, 10, what)
        took = time.monotonic() - began
        tell(f"{what} holds after {took:.2f} s")
        self.assertLess(took, SOON_S, what)

    def inside(self, guest: Guest, command: str) -> str:
        """What a command says in an instance; by the first one, in the second."""
        if guest is self.guests[0]:
            return self.ssh(self.public, command)
        by = f"ssh {_SSH_OPTIONS} -i {self.pem} root@{self.public} nc %h %p"
        return call(
            *("ssh", *_SSH_OPTIONS.split(), "-i", self.pem),
            *("-o", f"ProxyCommand={by}", f"root@{guest.address}", command),
        )

    @contextmanager
    def beginning(
        self, guest: Guest, command: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """
        A command in an instance that goes on, till it is left.  (Its input stays open:
        busybox's nc hangs up with its own.)
        """
        started = subprocess.Popen(
            ("nsenter", "-t", str(guest.pid), "-n", "-m", "-p", "sh", "-c", command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": "/bin:/sbin"},
        )
        with started:
            try:
                yield started
            finally:
                started.kill()

    def until_listening(self, guest: Guest, port: int) -> None:
        look = ("nsenter", "-t", guest.pid, "-n", "ss", "-Hltn")
        until(lambda: f":{port} " in call(*look), 10, f"{port} is listened at")


def from_group(protocol: str, low: int, high: int) -> dict[str, Any]:
    """A rule."""
    pairs = [{"GroupName": GROUP}]
    rule = {"IpProtocol": protocol, "FromPort": low, "ToPort": high}
    return {**rule, "UserIdGroupPairs": pairs}


def from_all(protocol: str, low: int, high: int) -> dict[str, Any]:
    """A rule."""
    rule = {"IpProtocol": protocol, "FromPort": low, "ToPort": high}
    return {**rule, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def tell(what: str) -> None:
    print(f"\n  {what}", end="")


def subnet(address: str) -> str:
    return address.rpartition(".")[0]


def reaches(address: str, port: int) -> bool:
    """Whether the world does."""
    try:
        socket.create_connection((address, port), 0.1).close()
    except OSError:
        return False
    return True


def silence(speaking: subprocess.Popen[bytes], seconds: float) -> float:
    """
    The longest time without a word, in so many seconds and till it is heard again.
    """
    assert speaking.stdout is not None
    began = heard_at = time.monotonic()
    longest = 0.0
    while heard_at < began + seconds:
        if not select.select([speaking.stdout], [], [], _PATIENCE_S)[0]:
            raise AssertionError(f"nothing is heard for {_PATIENCE_S} s")
        if not os.read(speaking.stdout.fileno(), 1 << 16):
            raise AssertionError("the stream has ended")
        now = time.monotonic()
        longest, heard_at = max(longest, now - heard_at), now
    return longest


def left_on(host: Host) -> list[str]:
    """What of links, addresses, routes and sets is an instance's, or a network's."""
    said = host.ip("-o", "link") + host.ip("-o", "address") + host.ip("route")
    said += host.run("nft", "list", "sets") + host.run("nft", "list", "maps")
    return [f"{host.name}: {line}" for line in said.splitlines() if _OURS.search(line)]
