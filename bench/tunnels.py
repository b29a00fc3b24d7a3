"""
Ways to join two bridges on two machines, each with a guest at either end.

The machines are network namespaces, joined by a cable with an MTU that has room
for what each way adds.  All ways are there at the same time, and idle until they
are measured.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from attrs import define, field

from euca_tw.common.certificates import der_of, make_certificate
from euca_tw.vnet.link_records import tap_name
from tests.functional.vnet.lab import CommandFailed, Host, Lab

ROOT = Path(__file__).resolve().parent.parent
_MTU = "1700"
_SIDES = ("left", "right")


class Missing(Exception):
    """A program is not installed; the text is Debian's package."""


def need(*programs: tuple[str, str]) -> None:
    """
    @param programs: each with its package.
    @raise Missing:
    """
    packages = [package for program, package in programs if not shutil.which(program)]
    if packages:
        raise Missing(" ".join(packages))


@define(eq=False)
class Bed:
    """
    @ivar programs: of each way, by its number.
    """

    lab: Lab
    directory: Path
    hosts: dict[str, Host] = field(init=False, factory=dict)
    programs: dict[int, list[subprocess.Popen[bytes]]] = field(init=False, factory=dict)

    def build(self) -> None:
        """The two machines."""
        for number, side in enumerate(_SIDES, 1):
            host = self.hosts[side] = self.lab.host(side)
            _keep_from_ip(host)
            keys = make_certificate(side, datetime.now(UTC), 2)
            self.file(side, "key").write_bytes(keys.key_pem)
            self.file(side, "pem").write_bytes(keys.certificate_pem)
            self.file(side, "both").write_bytes(keys.key_pem + keys.certificate_pem)
            if number == 2:
                self.lab.cable(self.hosts["left"], "wan", host, "wan")
        for number, side in enumerate(_SIDES, 1):
            host = self.hosts[side]
            host.ip("link", "set", "wan", "mtu", _MTU)
            host.ip("address", "add", f"192.0.2.{number}/24", "dev", "wan")

    def file(self, side: str, kind: str) -> Path:
        return self.directory / f"{side}.{kind}"

    def guests(self, number: int, devices: tuple[str, str]) -> None:
        """Bridges with these devices as ports, and a guest at each."""
        for end, (side, device) in enumerate(zip(_SIDES, devices, strict=True), 1):
            host = self.hosts[side]
            self._appear(host, device)
            self.lab.bridge(host, f"b{number}", device)
            guest = self.lab.host(f"{side}{number}")
            mac = self.mac(number, end)
            self.lab.cable(host, f"g{number}", guest, "eth0", "address", mac)
            host.ip("link", "set", f"g{number}", "master", f"b{number}")
            guest.ip("address", "add", f"10.{number}.0.{end}/24", "dev", "eth0")

    def mac(self, number: int, end: int) -> str:
        return f"02:00:00:00:{number:02x}:{end:02x}"

    def _appear(self, host: Host, device: str) -> None:
        until = time.monotonic() + 15
        while True:
            try:
                host.ip("link", "show", device)
                return
            except CommandFailed:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def start(self, number: int, side: str, *command: str) -> subprocess.Popen[bytes]:
        """A program of that way; it reads what never comes."""
        log = self.file(side, f"{number}.log").open("ab")
        program = self.hosts[side].start(
            *command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=ROOT,
            process_group=0,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        log.close()
        self.programs.setdefault(number, []).append(program)
        return program

    def close(self) -> None:
        for programs in self.programs.values():
            for program in programs:
                # With those that it began itself.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(program.pid, signal.SIGKILL)
                program.wait()
                assert program.stdin is not None
                program.stdin.close()
        self.lab.close()


def _keep_from_ip(host: Host) -> None:
    """Bridges show their packets to no rules of IP, as it must be on a head."""
    file = "/proc/sys/net/bridge/bridge-nf-call-iptables"
    host.run("sh", "-c", f"if [ -e {file} ]; then echo 0 >{file}; fi")


def bridge(bed: Bed, number: int) -> None:
    """No tunnel at all: a cable from bridge to bridge."""
    left, right = (bed.hosts[side] for side in _SIDES)
    bed.lab.cable(left, f"c{number}", right, f"c{number}")
    bed.guests(number, (f"c{number}", f"c{number}"))


def vxlan(bed: Bed, number: int, over: str = "192.0.2.") -> None:
    for end, side in enumerate(_SIDES, 1):
        bed.hosts[side].ip(
            *("link", "add", f"x{number}", "type", "vxlan", "id", str(number)),
            *("dstport", "4789", "local", f"{over}{end}", "remote", f"{over}{3 - end}"),
        )
    bed.guests(number, (f"x{number}", f"x{number}"))


def trunk(bed: Bed, number: int) -> None:
    """Ours."""
    members = {side: [bed.mac(number, end)] for end, side in enumerate(_SIDES, 1)}
    for end, side in enumerate(_SIDES, 1):
        other = _SIDES[2 - end]
        address = f"192.0.2.{3 - end}:8776" if side == "right" else ""
        bed.file(side, "json").write_text(
            json.dumps(
                {
                    "cluster": side,
                    "listen": f"192.0.2.{end}:8776" if side == "left" else "",
                    "peers": {other: [address, bed.file(other, "pem").read_text()]},
                    "key": bed.file(side, "key").read_text(),
                    "certificate": bed.file(side, "pem").read_text(),
                    "networks": {number: members},
                }
            )
        )
        bed.hosts[side].ip("tuntap", "add", tap_name(number), "mode", "tap")
        head = (sys.executable, "-m", "tests.functional.vnet.head")
        bed.start(number, side, *head, str(bed.file(side, "json")))
    bed.guests(number, (tap_name(number), tap_name(number)))


def per_frame(bed: Bed, number: int) -> None:
    for side, host in (("left", ()), ("right", ("192.0.2.1",))):
        files = (str(bed.file(side, kind)) for kind in ("key", "pem"))
        command = (sys.executable, "-m", "bench.per_frame", f"f{number}", *files)
        bed.start(number, side, *command, "7001", *host)
    bed.guests(number, (f"f{number}", f"f{number}"))


def wireguard_go(bed: Bed, number: int) -> None:
    """With VXLAN over it: by itself it carries no Ethernet."""
    need(("wireguard-go", "wireguard-go"), ("wg", "wireguard-tools"))
    public = {}
    for side in _SIDES:
        private = subprocess.run(("wg", "genkey"), check=True, capture_output=True)
        bed.file(side, "wg").write_bytes(private.stdout)
        public[side] = subprocess.run(
            ("wg", "pubkey"), input=private.stdout, check=True, capture_output=True
        ).stdout.decode()
        bed.start(number, side, "wireguard-go", "-f", f"wg{side}")
    for end, side in enumerate(_SIDES, 1):
        host, device, other = bed.hosts[side], f"wg{side}", _SIDES[2 - end]
        bed._appear(host, device)
        host.run(
            *("wg", "set", device, "private-key", str(bed.file(side, "wg"))),
            *("listen-port", "51820", "peer", public[other].strip()),
            *("allowed-ips", "10.199.0.0/24", "endpoint", f"192.0.2.{3 - end}:51820"),
        )
        host.ip("address", "add", f"10.199.0.{end}/24", "dev", device)
        host.ip("link", "set", device, "mtu", "1550", "up")
    vxlan(bed, number, "10.199.0.")


def openvpn(bed: Bed, number: int) -> None:
    need(("openvpn", "openvpn"))
    for end, side in enumerate(_SIDES, 1):
        other = der_of(bed.file(_SIDES[2 - end], "pem").read_bytes())
        bed.start(
            number,
            side,
            *("openvpn", "--dev", f"o{number}", "--dev-type", "tap", "--proto", "udp"),
            *("--remote", f"192.0.2.{3 - end}", "--port", "1194"),
            *(("--tls-server", "--dh", "none") if end == 1 else ("--tls-client",)),
            *("--key", str(bed.file(side, "key"))),
            *("--cert", str(bed.file(side, "pem"))),
            *("--peer-fingerprint", sha256(other).digest().hex(":")),
            *("--data-ciphers", "AES-128-GCM", "--tun-mtu", "1500", "--mssfix", "0"),
        )
    bed.guests(number, (f"o{number}", f"o{number}"))


def vtun(bed: Bed, number: int) -> None:
    """By AES: its Blowfish of old crashes on OpenSSL 3."""
    need(("vtund", "vtun"))
    for side in _SIDES:
        bed.file(side, "vtun").write_text(
            "options { port 5000; ip /bin/true; ifconfig /bin/true; }\n"
            f"bench {{ passwd bench; type ether; proto tcp; device v{number}; "
            "encrypt aes128ecb; compress no; keepalive yes; }\n"
        )
    file = str(bed.file("left", "vtun"))
    bed.start(number, "left", "vtund", "-n", "-s", "-f", file)
    time.sleep(0.5)
    bed.start(
        number,
        "right",
        *("vtund", "-n", "-f", str(bed.file("right", "vtun"))),
        *("bench", "192.0.2.1"),
    )
    bed.guests(number, (f"v{number}", f"v{number}"))


def vde(bed: Bed, number: int) -> None:
    """Two switches and a plug, over TLS by socat."""
    need(("vde_switch", "vde2"), ("socat", "socat"))
    for side in _SIDES:
        switch = str(bed.file(side, "vde"))
        bed.start(number, side, "vde_switch", "-s", switch, "-tap", f"e{number}")
        bed._appear(bed.hosts[side], f"e{number}")
    ways = {"left": "OPENSSL-LISTEN:7002", "right": "OPENSSL:192.0.2.1:7002"}
    for side, way in ways.items():
        bed.start(
            number,
            side,
            *("socat", f"{way},cert={bed.file(side, 'both')},verify=0,nodelay"),
            f"EXEC:vde_plug {bed.file(side, 'vde')}",
        )
        time.sleep(0.5)
    bed.guests(number, (f"e{number}", f"e{number}"))


WAYS: Mapping[str, Callable[[Bed, int], None]] = {
    "bridge": bridge,
    "VXLAN": vxlan,
    "trunk": trunk,
    "wireguard-go": wireguard_go,
    "OpenVPN": openvpn,
    "vtun": vtun,
    "VDE": vde,
    "a write a frame": per_frame,
}
