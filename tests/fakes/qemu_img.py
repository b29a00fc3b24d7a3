"""C{qemu-img}, as far as the node uses it, without any format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.fakes.processes import MemoryProcess, MemoryProcessReactor


class MemoryQemuImg(MemoryProcessReactor):
    """
    A reactor on which every program is C{qemu-img}, or formats a disk.

    @ivar complaint: with which the next runs fail.
    @ivar is_held: programs run until the test ends them.
    @ivar formatted: how disks were.
    @ivar required: what a qcow2 image is said to take when it is raw.
    """

    def __init__(self) -> None:
        super().__init__()
        self.complaint = b""
        self.is_held = False
        self.required = 1000
        self.formatted: list[tuple[str, ...]] = []

    def spawnProcess(self, *arguments: Any, **named: Any) -> MemoryProcess:
        process = super().spawnProcess(*arguments, **named)
        if not self.is_held:
            self.callLater(0, self.play, process)
            self.advance(0)
        return process

    def play(self, process: MemoryProcess) -> None:
        """It does what it is to do, and ends."""
        if self.complaint:
            process.complain(self.complaint)
            process.end(1)
            return
        command = process.command
        if command[0] == "nice":
            assert command[:6] == ("nice", "-n", "19", "ionice", "-c", "3")
            command = command[6:]
        program, verb, *arguments = command
        if program in ("mke2fs", "mkswap"):
            # It writes into a file that is there; what, does not matter here.
            self.formatted.append(process.command)
            process.end()
            return
        if verb == "measure":
            process.say(b'{"required": %d, "fully-allocated": 0}' % self.required)
        elif verb == "create":
            *_, backing, disk, size = arguments
            Path(disk).write_text(f"overlay of {size} bytes on {backing}")
        elif "--image-opts" in arguments:
            options, target = arguments[-2:]
            parts = [_named(each) for each in options.split(",") if "filename" in each]
            Path(target).write_bytes(b" over ".join(p.read_bytes() for p in parts))
        else:
            _, source, target = arguments[-3:]
            Path(target).write_bytes(b"raw of " + Path(source).read_bytes())
        process.end()


def _named(option: str) -> Path:
    return Path(option.partition("=")[2])
