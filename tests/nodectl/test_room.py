"""The room that fetched images take."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.nodectl.room import NoRoom, Room, free_bytes

MIB = 1 << 20


class Disk:
    """A disk of a size, of which nobody but L{Room}'s images takes any."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0

    def free(self, directory: Path) -> int:
        kept = sum(path.stat().st_blocks * 512 for path in directory.iterdir())
        return self.size - self.taken - kept


class RoomTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir(parents=True)
        self.disk = Disk(100 * MIB)
        self.room = Room(
            directory=self.directory,
            keep_bytes=50 * MIB,
            least_free_bytes=10 * MIB,
            free=self.disk.free,
        )

    def image(self, name: str, mib: int, used_at: int, has_user: bool = False) -> None:
        path = self.directory / name
        path.write_bytes(b"x" * (mib * MIB))
        if has_user:
            users = self.directory.with_name(f"{self.directory.name}.users")
            users.mkdir(exist_ok=True)
            (users / name).hardlink_to(path)
        os.utime(path, (used_at, used_at))

    def names(self) -> set[str]:
        return {path.name for path in self.directory.iterdir()}

    def test_bound(self) -> None:
        """What will come counts; who was used longest ago goes."""
        self.image("old", 20, 1)
        self.image("new", 20, 2)
        self.room.promise("next", 20 * MIB)
        self.assertEqual(self.names(), {"new"})

    def test_no_more_than_needed(self) -> None:
        """Nothing is thrown out while there is room."""
        self.image("old", 20, 1)
        self.room.promise("next", 30 * MIB)
        self.assertEqual(self.names(), {"old"})

    def test_in_use(self) -> None:
        """What an instance has stays."""
        self.image("old", 30, 1, has_user=True)
        self.image("new", 10, 2)
        self.room.promise("next", 40 * MIB)
        self.assertEqual(self.names(), {"old"})

    def test_short(self) -> None:
        """What the disk cannot hold is refused, and nothing is promised to it."""
        self.disk.taken = 50 * MIB
        with self.assertRaises(NoRoom) as refused:
            self.room.promise("next", 41 * MIB)
        self.assertEqual(
            str(refused.exception),
            "the node's disk is full: 41 MiB more are needed and 40 MiB are free "
            "for it",
        )
        self.room.promise("other", 40 * MIB)

    def test_promised(self) -> None:
        """What is promised to one no other can have, until it is settled."""
        self.room.promise("one", 60 * MIB)
        with self.assertRaises(NoRoom):
            self.room.promise("two", 31 * MIB)
        self.room.settle("one")
        self.room.promise("two", 31 * MIB)

    def test_written(self) -> None:
        """What is written of a promise is not counted twice."""
        self.room.promise("one", 60 * MIB)
        self.room.taken("one", 60 * MIB)
        self.disk.taken = 60 * MIB
        self.room.promise("two", 30 * MIB)

    def test_more_than_promised(self) -> None:
        """What turns out larger goes on as long as there is room."""
        self.room.promise("one", MIB)
        with self.assertRaises(NoRoom):
            for _ in range(90):
                self.room.taken("one", MIB)
                self.disk.taken += MIB
        self.assertLessEqual(self.disk.taken, 90 * MIB)
        self.assertGreaterEqual(self.disk.taken, 70 * MIB)

    def test_again(self) -> None:
        """What is begun anew keeps its promise, and is written once."""
        self.room.promise("one", 60 * MIB)
        self.room.taken("one", 50 * MIB)
        self.room.again("one")
        self.room.taken("one", 60 * MIB)
        self.room.again("never promised")
        with self.assertRaises(NoRoom):
            self.room.promise("two", 91 * MIB)

    def test_trim(self) -> None:
        """What no instance has any more goes when there is too much."""
        self.image("one", 30, 1)
        self.image("two", 30, 2)
        self.room.trim()
        self.assertEqual(self.names(), {"two"})

    def test_on_its_way(self) -> None:
        """Files on their way are not taken for images."""
        self.image(".part", 60, 1)
        self.room.trim()
        self.assertEqual(self.names(), {".part"})

    @given(st.lists(st.integers(1, 60), min_size=1, max_size=6))
    def test_never_too_much(self, sizes: list[int]) -> None:
        """However many are promised, the rest of the disk is left alone."""
        self.setUp()
        promised = 0
        for n, size in enumerate(sizes):
            try:
                self.room.promise(str(n), size * MIB)
            except NoRoom:
                continue
            promised += size
        self.assertLessEqual(promised, 90)

    def test_free(self) -> None:
        """What a real disk has left is told."""
        self.assertGreater(free_bytes(self.directory), 0)
