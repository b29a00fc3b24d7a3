"""
libvirtd for tests, apart from the machine's own: see C{tools/libvirtd-sandbox}.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from attrs import define, field
from twisted.trial.unittest import SkipTest

from tests.functional.disks import SmallDisk

_TOOL = Path(__file__).parents[2] / "tools" / "libvirtd-sandbox"
_PROGRAMS = ("libvirtd", "virtlogd", "virsh", "qemu-system-x86_64", "qemu-img")


@define
class Libvirtd:
    """
    A libvirtd in the network namespace of who starts it.

    @ivar directory: of its own; domains can come by it, so that tests may keep
        disks in it.
    @ivar uri: for C{libvirt.open}.
    @ivar disk: one of its own that domains can use, at C{disk} in C{directory}.
    """

    directory: Path
    uri: str
    _sandbox: subprocess.Popen[str] = field(repr=False)
    _environment: Mapping[str, str] = field(repr=False)
    disk: SmallDisk | None = None

    @classmethod
    def start(
        cls,
        log_bytes: int | None = None,
        group: str = "",
        *,
        has_containers: bool = False,
        has_kvm: bool = False,
        disk_mib: int = 0,
    ) -> Libvirtd:
        """
        Start one; it takes about a second.

        @param log_bytes: after so many its virtlogd begins a new file; 0 is
            never, None virtlogd's own choice.
        @param group: who is in it is let in, besides root.
        @param has_containers: it can run containers; C{uri} is of those.
        @param has_kvm: domains can get at /dev/kvm, if there is one.
        @param disk_mib: the size of C{disk}; 0: there is none.
        @raise SkipTest: it cannot be started here.
        """
        skip_if_impossible()
        directory = Path(tempfile.mkdtemp(prefix="euca_tw-"))
        directory.chmod(0o755)
        # It sees what is mounted before it has mounts of its own.
        disk = SmallDisk.mounted(directory / "disk", disk_mib) if disk_mib else None
        environment = {
            "LIBVIRTD_SANDBOX_GROUP": group,
            "LIBVIRTD_SANDBOX_CONTAINERS": "1" if has_containers else "",
            "LIBVIRTD_SANDBOX_KVM": "1" if has_kvm else "",
            "LIBVIRTD_SANDBOX_LOG_BYTES": "" if log_bytes is None else str(log_bytes),
        }
        sandbox = _begun(directory, environment)
        assert sandbox.stdout is not None
        uri = sandbox.stdout.readline().strip()
        if not uri:
            _, why = sandbox.communicate()
            if disk is not None:
                disk.unmount()
            shutil.rmtree(directory)
            raise SkipTest(f"libvirtd cannot be started here: {why}")
        if has_containers:
            uri = uri.replace("qemu+unix:", "lxc+unix:")
        return cls(directory, uri, sandbox, environment, disk)

    def stop(self) -> None:
        """End it and all its domains; its directory is gone."""
        self._sandbox.communicate()
        if self.disk is not None:
            self.disk.unmount()
        shutil.rmtree(self.directory)

    def lose_power(self) -> None:
        """
        All is gone at once, domains too, and what is in memory; it is started
        again, on what is on the disk.
        """
        self._sandbox.kill()
        self._sandbox.communicate()
        # As the kernel that boots finds it.
        shutil.rmtree(self.directory / "libvirt" / "run")
        self._sandbox = _begun(self.directory, self._environment)
        assert self._sandbox.stdout is not None
        if not self._sandbox.stdout.readline():
            raise AssertionError("libvirtd does not start again")

    def kill(self) -> None:
        """Kill the daemon without warning; it is soon started again."""
        os.kill(self._pid(), signal.SIGKILL)

    def answers(self) -> bool:
        """Whether it does, just now."""
        asking = ("virsh", "-q", "-c", self.uri, "version")
        return subprocess.run(asking, capture_output=True, check=False).returncode == 0

    def freeze(self) -> int:
        """Stop the daemon; returns the process that is to be sent SIGCONT."""
        pid = self._pid()
        os.kill(pid, signal.SIGSTOP)
        return pid

    def thaw(self, pid: int) -> None:
        """Undo L{freeze}."""
        os.kill(pid, signal.SIGCONT)

    def _pid(self) -> int:
        """Who serves the socket."""
        path = self.directory / "libvirt" / "run" / "libvirt" / "libvirt-sock"
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(path))
            peer = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid, _, _ = struct.unpack("3i", peer)
        return int(pid)


def _begun(directory: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (_TOOL, directory / "libvirt"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def skip_if_impossible() -> None:
    """@raise SkipTest: what is needed for real domains is not here."""
    if os.geteuid() != 0:
        raise SkipTest("needs root, for real domains")
    for program in _PROGRAMS:
        if shutil.which(program) is None:
            raise SkipTest(f"needs {program}: run tools/setup")
    try:
        import libvirt  # noqa: F401
    except ImportError:
        raise SkipTest("needs libvirt-python: run tools/setup") from None


def emulator_of(name: str) -> int:
    """The process that is a domain's machine; of domains that run below us."""
    wanted = f"guest={name},".encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in path.read_bytes() and _is_below(path.parent):
                return int(path.parent.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    raise LookupError(name)


def _is_below(process: Path) -> bool:
    """Whether this process began it, or one that did."""
    above = int(process.name)
    while above not in (0, os.getpid()):
        # After the name, which may have anything in it: state, parent, …
        told = Path(f"/proc/{above}/stat").read_text().rpartition(")")[2]
        above = int(told.split()[1])
    return above == os.getpid()


_shared: list[Libvirtd] = []


def shared() -> Libvirtd:
    """
    One for all tests that leave nothing behind in it; it ends with the process.

    @raise SkipTest:
    """
    if not _shared:
        _shared.append(Libvirtd.start())
        atexit.register(_shared[0].stop)
    return _shared[0]
