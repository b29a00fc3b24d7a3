"""
The emulated machine: Xen, and dom0 on it.

Its network is qemu's own, on this machine's loopback and nowhere else.  Its
processor is one of AMD's, for qemu emulates their virtualization and not
Intel's: so Xen runs guests of all kinds.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from attrs import define, frozen
from demo_cloud.steps import Failed, run

from xen_bed.monitor import Monitor

EMULATOR = "qemu-system-x86_64"
#: The state in which a machine is frozen.
READY = "ready"
#: Where dom0 is asked by name.
SERVICES = {"ssh": 22, "libvirt": 16509, "euca-nc": 8775}

# What qemu 7.2 emulates, but for:
# - smap: dom0 falls over it.
# - rdtscp: libvirt knows no processor that has all but this.
# - avx, xsave: with two domains, what one computes with these comes to the other.
_PROCESSOR = "max,smap=off,rdtscp=off,xsave=off,avx=off,avx2=off,fma=off,f16c=off"
_MEMORY_MIB = 1536
# What protects from guests that spy costs more than half of the speed here.
_XEN = (
    "dom0_mem=768M,max:768M dom0_max_vcpus=1 com1=115200,8n1 console=com1 "
    "loglvl=warning noreboot=1 xpti=0 spec-ctrl=no pv-l1tf=off"
)
_DOM0 = "console=hvc0 loglevel=4 mitigations=off"


@frozen(kw_only=True)
class Files:
    """What a machine is made of; made once, and never written again."""

    directory: Path

    @property
    def hypervisor(self) -> Path:
        return self.directory / "xen"

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def ramdisk(self) -> Path:
        return self.directory / "initrd.gz"

    @property
    def disk(self) -> Path:
        """dom0's root file system, as it was built."""
        return self.directory / "dom0.img"

    @property
    def frozen_disk(self) -> Path:
        """What came onto it since, and the memory of a machine that is ready."""
        return self.directory / "ready.qcow2"

    @property
    def key(self) -> Path:
        """Of who may log in."""
        return self.directory / "id_ed25519"


@define
class Machine:
    """
    A running one.

    @ivar here: its own directory.
    @ivar ports: on 127.0.0.1, by L{SERVICES}.
    """

    pid: int
    here: Path
    ports: dict[str, int]
    _process: subprocess.Popen[bytes] | None = None

    @classmethod
    def boot(cls, files: Files, here: Path) -> Machine:
        """Switch one on; its disk becomes that of a later L{thaw}."""
        disk = here / files.frozen_disk.name
        create = ("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw")
        run(*create, "-b", files.disk, disk)
        return cls._start(files, here, disk, ())

    @classmethod
    def thaw(cls, files: Files, here: Path, *, outlives_us: bool = False) -> Machine:
        """Let one go on from where it was frozen."""
        disk = here / "disk.qcow2"
        run("cp", "--sparse=always", "--reflink=auto", files.frozen_disk, disk)
        return cls._start(files, here, disk, ("-loadvm", READY), outlives_us)

    @classmethod
    def _start(
        cls,
        files: Files,
        here: Path,
        disk: Path,
        more: Sequence[str],
        outlives_us: bool = False,
    ) -> Machine:
        forwards = "".join(
            f",hostfwd=tcp:127.0.0.1:0-:{port}" for port in SERVICES.values()
        )
        command = [
            *(EMULATOR, "-nodefaults", "-no-reboot", "-display", "none"),
            *("-accel", "tcg", "-cpu", _PROCESSOR, "-smp", "1", "-m", str(_MEMORY_MIB)),
            *("-kernel", str(files.hypervisor), "-append", _XEN),
            *("-initrd", f"{files.kernel} {_DOM0},{files.ramdisk}"),
            *("-drive", f"file={disk},if=virtio,format=qcow2,cache=unsafe"),
            *("-netdev", f"user,id=net{forwards}"),
            *("-device", "virtio-net-pci,netdev=net"),
            *("-serial", f"file:{here}/console.log"),
            *("-qmp", f"unix:{here}/monitor,server=on,wait=off"),
            *more,
        ]
        if not outlives_us:
            # However this process ends.
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        if shutil.which(command[0]) is None or shutil.which(EMULATOR) is None:
            raise Failed(f"{EMULATOR} is not installed", "make setup installs it")
        log = here / "emulator.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=outlives_us,
            )
        machine = cls(process.pid, here, {}, process)
        try:
            machine.ports.update(machine._forwarded())
        except BaseException as error:
            machine.stop()
            if isinstance(error, Failed):
                raise Failed(error.what, error.advice, log) from None
            raise
        return machine

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def freeze(self) -> None:
        """
        Keep it as it is, in its disk, and end it.

        @raise Failed:
        """
        monitor = Monitor(self.here / "monitor")
        try:
            said = monitor.human(f"savevm {READY}").strip()
        finally:
            monitor.close()
        self.stop()
        if said:
            raise Failed(f"the machine cannot be frozen: {said}")

    def stop(self) -> None:
        """Pull its plug; nothing of it runs then."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _forwarded(self) -> dict[str, int]:
        monitor = Monitor(self.here / "monitor")
        try:
            said = monitor.human("info usernet")
        finally:
            monitor.close()
        return forwarded(said)


def forwarded(said: str) -> dict[str, int]:
    """@param said: by the emulator, of its network."""
    names = {port: name for name, port in SERVICES.items()}
    # Protocol, descriptor, address and port here; address and port there.
    row = re.compile(r"HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+\S+\s+(\d+)")
    return {names[int(there)]: int(here) for here, there in row.findall(said)}
