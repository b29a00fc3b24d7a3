"""What was changed in a copy, put onto a disk."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.process import CommandFailed
from euca_tw.nodectl import patches
from euca_tw.nodectl.patches import Patch
from tests.fakes.processes import MemoryProcessReactor

BLOCK = 1024


class PatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir(parents=True)
        self.before, self.after = (self.directory / n for n in ("before", "after"))

    def changes(self, before: bytes, after: bytes, offset: int = 0) -> list[Patch]:
        self.before.write_bytes(before)
        self.after.write_bytes(after)
        return list(patches.changes(self.before, self.after, BLOCK, offset))

    @given(
        st.lists(st.sampled_from([b"\0", b"a", b"b"]), max_size=20),
        st.dictionaries(st.integers(0, 19), st.sampled_from([b"\0", b"a", b"c"])),
        st.integers(0, 3),
    )
    def test_any(
        self, blocks: list[bytes], changed: dict[int, bytes], offset: int
    ) -> None:
        """A disk that began as the copy is as the copy, and nothing else changes."""
        before = b"".join(each * BLOCK for each in blocks)
        after = bytearray(before)
        for n, each in changed.items():
            if n < len(blocks):
                after[n * BLOCK : (n + 1) * BLOCK] = each * BLOCK
        if not hasattr(self, "before") or not self.directory.exists():
            self.setUp()
        found = self.changes(before, bytes(after), offset * BLOCK)
        disk = self.directory / "disk"
        around = b"x" * offset * BLOCK
        disk.write_bytes(around + before + b"y")
        patches.patch_raw(disk, found)
        self.assertEqual(disk.read_bytes(), around + bytes(after) + b"y")

    def test_joined(self) -> None:
        """What lies together is one."""
        found = self.changes(
            b"a" * 6 * BLOCK,
            b"a" * BLOCK + b"bc" * BLOCK + b"a" * 2 * BLOCK + b"d" * BLOCK,
            512,
        )
        self.assertEqual(
            [(each.offset, len(each.data)) for each in found],
            [(512 + BLOCK, 2 * BLOCK), (512 + 5 * BLOCK, BLOCK)],
        )

    def test_qcow2(self) -> None:
        """The data come from files, by commands with names of ours."""
        reactor = MemoryProcessReactor()
        commands = patches.write_files(
            self.directory, [Patch(offset=1024, data=b"x" * 2048)]
        )
        patching = Deferred.fromCoroutine(
            patches.patch_qcow2(reactor, self.directory, "../disk", commands)
        )
        [process] = reactor.processes
        self.assertEqual(process.command[-3:], ("-f", "qcow2", "../disk"))
        self.assertEqual(process.stdin, b"write -q -s patch-0 1024 2048\n")
        self.assertEqual((self.directory / "patch-0").read_bytes(), b"x" * 2048)
        process.end()
        self.successResultOf(patching)

    def test_qcow2_fails(self) -> None:
        """A disk that could not be written to is told."""
        reactor = MemoryProcessReactor()
        patching = Deferred.fromCoroutine(
            patches.patch_qcow2(reactor, self.directory, "disk", b"")
        )
        reactor.processes[0].end(1)
        self.failureResultOf(patching, CommandFailed)
