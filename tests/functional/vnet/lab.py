"""
Hosts that are network namespaces, and cables between them.

Nothing of it has a name outside: a host is a process that keeps a namespace, and
when that ends, all that was in it is gone.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from attrs import define, field

_NO_IPV6 = "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 >$f; done"


class CommandFailed(Exception):
    """A program in a host failed; the text is what it said."""


@define(eq=False)
class Host:
    """A machine, as far as the network goes."""

    name: str
    _keeper: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """For C{ip … netns}."""
        return self._keeper.pid

    def _command(self, command: Sequence[str]) -> list[str]:
        return ["nsenter", "-t", str(self.pid), "-n", *command]

    def run(self, *command: str, timeout_s: float = 30, stdin: str = "") -> str:
        """
        What a program says that runs there.

        @raise CommandFailed:
        """
        ran = subprocess.run(
            self._command(command),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if ran.returncode:
            raise CommandFailed(f"{self.name}: {' '.join(command)}: {ran.stderr}")
        return ran.stdout

    def ip(self, *command: str) -> str:
        """C{ip}, there."""
        return self.run("ip", *command)

    def start(self, *command: str, **options: object) -> subprocess.Popen[bytes]:
        """A program that goes on; the caller ends it."""
        return subprocess.Popen(self._command(command), **options)  # type: ignore[call-overload, no-any-return]

    def close(self) -> None:
        """It is gone, with all devices."""
        self._keeper.kill()
        self._keeper.wait()


@define(eq=False)
class Lab:
    """Hosts."""

    hosts: dict[str, Host] = field(factory=dict)

    def host(self, name: str) -> Host:
        """A new one."""
        keeper = subprocess.Popen(
            ("unshare", "--net", "sh", "-c", "echo; exec sleep infinity"),
            stdout=subprocess.PIPE,
        )
        assert keeper.stdout is not None
        keeper.stdout.readline()
        keeper.stdout.close()
        host = self.hosts[name] = Host(name, keeper)
        host.run("sh", "-c", _NO_IPV6)
        host.ip("link", "set", "lo", "up")
        return host

    def cable(
        self, one: Host, its: str, other: Host, others: str, *options: str
    ) -> None:
        """
        Between two of them, up.

        @param options: of the other end, as C{("address", "02:…")}.
        """
        one.ip(
            *("link", "add", its, "type", "veth"),
            *("peer", "name", others, *options, "netns", str(other.pid)),
        )
        one.ip("link", "set", its, "up")
        other.ip("link", "set", others, "up")

    def bridge(self, host: Host, name: str, *ports: str) -> None:
        """One that floods, and knows no loops; with these devices as its ports."""
        host.ip(
            *("link", "add", name, "type", "bridge", "stp_state", "0"),
            *("forward_delay", "0", "mcast_snooping", "0"),
        )
        host.ip("link", "set", name, "up")
        for port in ports:
            host.ip("link", "set", port, "master", name, "up")

    def close(self) -> None:
        """All are gone."""
        for host in self.hosts.values():
            host.close()
        self.hosts.clear()
