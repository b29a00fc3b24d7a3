"""Ways into dom0: libvirt's port, and a shell by ssh."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import frozen
from demo_cloud.steps import Failed, until, works


@frozen
class Access:
    """
    @ivar _key: of who may log in.
    @ivar _here: for the connection that all commands share, since making one
        takes a second under emulation.
    @ivar _ports: of the running machine.
    """

    _key: Path
    _here: Path
    _ports: Mapping[str, int]

    @property
    def uri(self) -> str:
        """For libvirt."""
        return f"xen+tcp://127.0.0.1:{self._ports['libvirt']}/system"

    @property
    def ssh(self) -> tuple[str, ...]:
        """A command, to be followed by one for dom0."""
        return (
            *("ssh", "-i", str(self._key), "-p", str(self._ports["ssh"]), "-T"),
            *("-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-F", "none"),
            # It is nobody else: the port is this machine's own.
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *("-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60"),
            *("-o", "ControlMaster=auto", "-o", f"ControlPath={self._here}/ssh"),
            *("-o", "ControlPersist=yes", "root@127.0.0.1"),
        )

    def answers(self, patience_s: float, is_alive: Callable[[], bool]) -> bool:
        """Whether libvirt does, in that time, while the machine is alive."""
        asking = ("virsh", "-c", self.uri, "version")
        found = until(lambda: works(*asking) or not is_alive(), patience_s, 0.5)
        return found and is_alive()

    def run(self, command: str, stdin: bytes = b"", timeout_s: float = 180) -> str:
        """
        What a shell in dom0 says, errors with it.

        @raise Failed: it ends badly, or not in time.
        """
        try:
            # The connection that stays behind keeps what it was started with.
            ended = subprocess.run(
                (*self.ssh, f"exec 2>&1; {command}"),
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"dom0: {command}: no end after {timeout_s:g} s") from None
        said = ended.stdout.decode(errors="replace")
        if ended.returncode:
            raise Failed(f"dom0: {command}: status {ended.returncode}: {said}")
        return said

    def close(self) -> None:
        """End the connection; the next command makes another."""
        works(*self.ssh[:-1], "-O", "exit", self.ssh[-1])
