"""Users' keys, put into images by the real programs."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from functools import partial
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from twisted.internet import reactor
from twisted.internet.process import ProcessReader
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SkipTest, TestCase

from euca_tw.nodectl.confine import NO_CAPABILITIES, Confined
from euca_tw.nodectl.keys import KeyInjector, NotInjected
from euca_tw.nodectl.room import Room
from euca_tw.nodectl.root_disk import RootDisks
from tests.functional.images import (
    DATA,
    MIB,
    ROOT_OF_X86_64,
    call,
    ext,
    file_in,
    gpt,
    mbr,
    skip_without,
    stat_in,
    whole,
)

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA alice@example"
KEYS = "/root/.ssh/authorized_keys"
PROGRAMS = ("debugfs", "mke2fs", "e2image", "e2fsck", "qemu-img", "qemu-io", "prlimit")


#: Puts a key in, as somebody who may nothing; with all of Python there before.
AS_NOBODY = """
import os, sys
from pathlib import Path
from functools import partial
import twisted.internet.process, twisted.internet.unix
from twisted.internet import reactor, task
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from euca_tw.nodectl.confine import Confined
from euca_tw.nodectl.further_disks import FurtherDisks
from euca_tw.nodectl.interfaces import Extras
from euca_tw.nodectl.keys import KeyInjector
from euca_tw.nodectl.room import Room
from euca_tw.nodectl.root_disk import RootDisks

here, key = Path(sys.argv[1]), sys.argv[2]
os.setgroups([])
os.setgid(65534)
os.setuid(65534)

async def make():
    given = dict(reactor=reactor, in_thread=deferToThread)
    room = Room(directory=here, keep_bytes=1 << 40)
    injector = KeyInjector(in_thread=deferToThread, confined=Confined(reactor=reactor))
    disks = RootDisks(**given, room=room, injector=injector)
    await disks.make(here, image_id="emi-1", disk_bytes=0, public_key=key)
    further = FurtherDisks(**given, room=room)
    await further.make(here, "i-00000001", Extras(ephemeral_gib=1, swap_mib=64))

task.react(lambda reactor: Deferred.fromCoroutine(make()))
"""


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class KeyTests(TestCase):
    timeout = 180

    def setUp(self) -> None:
        skip_without(*PROGRAMS)
        self.directory = Path(mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        pool = ThreadPool(1, 2, "keys")
        pool.start()
        self.addCleanup(pool.stop)
        self.real: Any = reactor
        self.in_thread: Any = partial(deferToThreadPool, reactor, pool)
        self.confined = Confined(reactor=self.real)
        self.injector = KeyInjector(in_thread=self.in_thread, confined=self.confined)

    def here(self) -> Path:
        return Path(mkdtemp(dir=self.directory)) / "i-00000001"

    async def made(self, image: Path, kind: Any = "qcow2", key: str = KEY) -> Path:
        """The instance's disk, as a raw one, whatever it is."""
        here = self.here()
        here.mkdir()
        (here / "image").hardlink_to(image)
        before = digest(image)
        disks = RootDisks(
            reactor=self.real,
            in_thread=self.in_thread,
            room=Room(directory=self.directory, keep_bytes=1 << 40),
            injector=self.injector,
            format=kind,
        )
        disk = await disks.make(
            here, image_id="emi-00000001", disk_bytes=0, public_key=key
        )
        # The image itself is others' too.
        self.assertEqual(digest(image), before)
        names = {path.name for path in here.iterdir()}
        self.assertEqual(names, {"image", f"root.{kind}"})
        raw = here / "as-raw"
        call("qemu-img", "convert", "-f", kind, "-O", "raw", disk.path, raw)
        return raw

    def has_key(self, disk: Path, keys: str = f"{KEY}\n", offset: int = 0) -> None:
        self.assertEqual(file_in(disk, KEYS, offset).decode(), keys)
        said = stat_in(disk, KEYS, offset)
        self.assertRegex(said, r"Type: regular +Mode: +0600")
        self.assertRegex(said, r"User: +0 +Group: +0 ")
        said = stat_in(disk, "/root/.ssh", offset)
        self.assertRegex(said, r"Type: directory +Mode: +0700")
        self.assertRegex(said, r"User: +0 +Group: +0 ")
        alone = disk.with_name("alone")
        with disk.open("rb") as reading, alone.open("wb") as writing:
            reading.seek(offset)
            shutil.copyfileobj(reading, writing)
        call("e2fsck", "-fn", alone)
        self.assertIn("guest\n", file_in(disk, "/etc/hostname", offset).decode())

    async def test_kinds(self) -> None:
        """Every kind of file system has it, whatever the size of its blocks."""
        kinds = (
            ("-t", "ext2"),
            ("-t", "ext3"),
            ("-t", "ext4"),
            ("-t", "ext4", "-b", "1024"),
            ("-t", "ext4", "-b", "4096"),
            ("-t", "ext4", "-O", "inline_data"),
            ("-t", "ext4", "-O", "bigalloc"),
            ("-t", "ext4", "-O", "^has_journal,^metadata_csum"),
            ("-t", "ext3", "-I", "128"),
        )
        for n, options in enumerate(kinds):
            image = ext(self.directory / f"image-{n}", *options)
            try:
                self.has_key(await self.made(image))
            except AssertionError as error:
                raise AssertionError(f"{options}: {error}") from error

    async def test_raw(self) -> None:
        """A raw disk has it as well as an overlay."""
        image = ext(self.directory / "image")
        self.has_key(await self.made(image, "raw"))

    async def test_partitions(self) -> None:
        """It is put into the root, wherever on the disk that is."""
        root = ext(self.directory / "root")
        boot = ext(self.directory / "boot", commands="rm etc/hostname\nrmdir etc\n")
        disk = mbr(self.directory / "mbr", (1, boot), (20, root))
        self.has_key(await self.made(disk), offset=20 * MIB)
        disk = gpt(self.directory / "gpt", (1, root, DATA), (20, root, ROOT_OF_X86_64))
        made = await self.made(disk)
        self.has_key(made, offset=20 * MIB)
        self.assertEqual(file_in(made, KEYS, MIB), b"")

    async def test_appended(self) -> None:
        """Keys that are there stay; one that is there is not put in twice."""
        old = "ssh-rsa AAAA first@x\n# the last has no end: ssh-rsa BBBB second@x"
        for n, kind in enumerate(("ext2", "ext4")):
            image = ext(
                self.directory / f"image-{n}",
                *("-t", kind),
                files={KEYS[1:]: old.encode()},
            )
            made = await self.made(image)
            self.has_key(made, f"{old}\n{KEY}\n")
            again = self.directory / f"again-{n}"
            shutil.copy(made, again)
            self.has_key(await self.made(again), f"{old}\n{KEY}\n")

    async def test_modes(self) -> None:
        """What sshd would not let count is put right."""
        commands = f"sif {KEYS} mode 0100666\nsif /root/.ssh mode 040777\n"
        commands += f"sif {KEYS} uid 1000\nsif /root/.ssh gid 1000\n"
        image = ext(self.directory / "image", files={KEYS[1:]: b""}, commands=commands)
        self.has_key(await self.made(image))

    async def test_right_already(self) -> None:
        """Where all is as it shall be nothing is changed."""
        made = await self.made(ext(self.directory / "image"))
        work = self.here()
        work.mkdir()
        (work.parent / "image").hardlink_to(made)
        self.assertEqual(await self.injector.patches(work, KEY), ())

    async def test_journal(self) -> None:
        """What is in the journal is done first, as the guest would."""
        content = b"x" * 1024 * 4
        block = self.directory / "block"
        block.write_bytes(content)
        commands = f"jo\njw -b 9000 {block}\njc\n"
        image = ext(
            self.directory / "image",
            *("-t", "ext4", "-b", "1024"),
            commands=commands,
        )
        self.assertIn("needs_recovery", call("dumpe2fs", "-h", image))
        made = await self.made(image)
        self.assertNotIn("needs_recovery", call("dumpe2fs", "-h", made))
        self.has_key(made)
        self.assertEqual(made.read_bytes()[9000 * 1024 :][:1024], content[:1024])

    async def test_large(self) -> None:
        """How long it takes does not go by the image's size."""
        image = ext(
            self.directory / "image",
            *("-t", "ext4"),
            mib=4096,
            files={"data": Random(1).randbytes(200 * MIB)},
        )
        began = time.monotonic()
        here = self.here()
        work = here / ".work"
        work.mkdir(parents=True)
        (here / "image").hardlink_to(image)
        patches = await self.injector.patches(work, KEY)
        taken = sum(path.stat().st_blocks * 512 for path in work.iterdir())
        seconds = time.monotonic() - began
        changed = sum(len(patch.data) for patch in patches)
        print(
            f"\n  a key for 4 GiB with 200 MiB in it: {seconds:.2f} s, "
            f"{taken >> 20} MiB copied, {changed >> 10} KiB changed"
        )
        self.assertLess(taken, 32 * MIB)
        self.assertLess(changed, MIB)

    async def test_hostile_keys(self) -> None:
        """Whatever the key's comment, it is a comment."""
        image = ext(self.directory / "image")
        for comment in (
            '"; rm -rf /; "',
            "$(touch /tmp/x) `id` 'quoted' | cat",
            "\\n rm /etc/hostname",
            "?offset=1 # -w -f",
            "é 漢字",
        ):
            key = f"ssh-rsa AAAA {comment}"
            self.has_key(await self.made(image, key=key), f"{key}\n")

    async def refusal(self, image: Path, key: str = KEY) -> str:
        work = self.here()
        work.mkdir()
        (work.parent / "image").hardlink_to(image)
        with self.assertRaises(NotInjected) as refused:
            await self.injector.patches(work, key)
        return str(refused.exception)

    async def test_no_key(self) -> None:
        """What is not one line is no key."""
        image = ext(self.directory / "image")
        for key in ("", " ", "a\nb", "a\0b", "a\x1b[2J", "x" * 20_000):
            told = await self.refusal(image, key)
            self.assertEqual(told, "the key is not one line of text")

    async def test_no_file_system(self) -> None:
        """An image of something else is told, and is run without the key."""
        nothing = self.directory / "nothing"
        nothing.write_bytes(Random(1).randbytes(MIB))
        self.assertIn("no file system of ext2", await self.refusal(nothing))
        self.assertEqual((await self.made(nothing)).stat().st_size, MIB)

    async def test_no_root(self) -> None:
        """A file system without /etc is none of a system."""
        image = ext(self.directory / "image", commands="rm etc/hostname\nrmdir etc\n")
        self.assertIn("no /etc", await self.refusal(image))

    async def test_links(self) -> None:
        """No link leads out of the image, and none is written through."""
        victim = self.directory / "victim"
        victim.write_text("safe")
        for n, commands in enumerate(
            (
                f"mkdir root\nmkdir root/.ssh\nsymlink {KEYS} {victim}\n",
                f"mkdir root\nsymlink /root/.ssh {self.directory}\n",
                f"mkdir root\nmkdir root/.ssh\nmkdir {KEYS}\n",
                "mkdir root\ncd root\nmkdir .ssh\ncd .ssh\nmknod authorized_keys p\n",
            )
        ):
            image = ext(self.directory / f"image-{n}", commands=commands)
            self.assertRegex(await self.refusal(image), "^its /root/.ssh.* is a")
        self.assertEqual(victim.read_text(), "safe")

    async def test_home_elsewhere(self) -> None:
        """A home that is a link within the image is found where it is."""
        commands = "mkdir var\nmkdir var/roothome\nsymlink root var/roothome\n"
        image = ext(self.directory / "image", commands=commands)
        made = await self.made(image)
        found = file_in(made, "/var/roothome/.ssh/authorized_keys")
        self.assertEqual(found.decode(), f"{KEY}\n")

    async def test_full(self) -> None:
        """A file system with no room left is told, and left as it is."""
        image = ext(self.directory / "image", "-t", "ext2", "-b", "1024", mib=4)
        large = self.directory / "large"
        large.write_bytes(Random(1).randbytes(8 * MIB))
        call("debugfs", "-w", "-R", f"write {large} large", image)
        self.assertIn("is full", await self.refusal(image))

    async def test_too_many_keys(self) -> None:
        """A list of keys without end is not read."""
        image = ext(self.directory / "image", files={KEYS[1:]: b"x" * 70_000})
        self.assertIn("larger than 65536", await self.refusal(image))

    async def test_unknown_feature(self) -> None:
        """What a file system has that is not known here is not guessed at."""
        image = ext(self.directory / "image")
        with image.open("r+b") as writing:
            writing.seek(1024 + 96)
            writing.write(b"\xff\xff\xff\x7f")
        self.assertTrue(await self.refusal(image))

    async def test_damaged(self) -> None:
        """A damaged image costs no more than its own key."""
        good = ext(self.directory / "image", files={KEYS[1:]: b"ssh-rsa AAAA x\n"})
        content = good.read_bytes()
        random = Random(5)
        for n in range(12):
            broken = bytearray(content)
            # The superblock's sizes stay, or it is none at all.
            for _ in range(60):
                at = random.randrange(2048, 600 * 1024)
                broken[at] = random.randrange(256)
            image = self.directory / f"broken-{n}"
            image.write_bytes(broken)
            here = self.here()
            here.mkdir()
            (here / "image").hardlink_to(image)
            work = here / ".work"
            work.mkdir()
            try:
                patches = await self.injector.patches(work, KEY)
            except NotInjected:
                continue
            for patch in patches:
                self.assertLessEqual(patch.offset + len(patch.data), len(content))

    def test_no_rights(self) -> None:
        """Nothing of it needs root, nor to read or write what is not one's own."""
        if os.geteuid() != 0:
            raise SkipTest("is nobody already, as all others here")
        self.directory.chmod(0o755)
        here = self.directory / "instance"
        image = ext(self.directory / "image")
        here.mkdir()
        shutil.copy(image, here / "image")
        (here / "image").chmod(0o444)
        os.chown(here, 65534, 65534)
        call(sys.executable, "-c", AS_NOBODY, here, KEY)
        names = {path.name for path in here.iterdir()}
        self.assertEqual(names, {"image", "root.qcow2", "ephemeral0.raw", "swap.raw"})
        self.assertEqual({p.stat().st_uid for p in here.glob("*.*")}, {65534})
        raw = here / "as-raw"
        call("qemu-img", "convert", "-f", "qcow2", here / "root.qcow2", raw)
        self.has_key(raw)

    async def test_too_much_memory(self) -> None:
        """A program that needs too much is ended; the key is not put in."""
        self.confined.memory_bytes = 1 << 20
        image = ext(self.directory / "image")
        self.assertTrue(await self.refusal(image))

    async def test_too_long(self) -> None:
        """Neither is it by one that takes too long."""
        self.confined.timeout_s = 0.0
        image = ext(self.directory / "image")
        self.assertIn("did not end within", await self.refusal(image))
        # It was killed, and is about to be gone.
        while any(isinstance(each, ProcessReader) for each in reactor.getReaders()):
            await deferLater(reactor, 0.02)

    async def test_no_network(self) -> None:
        """Where the machine lets us, the programs have no network of ours."""
        said = await self.confined.run(
            *("readlink", "/proc/self/ns/net"),
            directory="/",
            largest_file_bytes=1,
        )
        own = call("readlink", "/proc/self/ns/net").strip()
        if self.confined._apart:
            self.assertNotEqual(said.decode().strip(), own)

    def test_no_capabilities(self) -> None:
        """What an ordinary user's daemon may besides is not for the programs."""
        if os.geteuid() != 0:
            raise SkipTest("needs root, to give some away")
        given = "+net_admin,+fowner"
        daemon = ("setpriv", "--reuid=65534", "--clear-groups", f"--inh-caps={given}")
        seen = ("grep", "^CapEff", "/proc/self/status")
        said = call(*daemon, f"--ambient-caps={given}", *seen)
        self.assertNotIn("0" * 16, said)
        said = call(*daemon, f"--ambient-caps={given}", *NO_CAPABILITIES, *seen)
        self.assertIn("0" * 16, said)

    async def test_whole_disk_first(self) -> None:
        """A disk that is one file system has no partitions, whatever it says."""
        image = ext(self.directory / "image")
        disk = whole(self.directory / "disk", (0, image))
        with disk.open("r+b") as writing:
            writing.seek(446)
            writing.write(b"\0\0\0\0\x83\0\0\0\0\x08\0\0\0\x08\0\0")
            writing.seek(510)
            writing.write(b"\x55\xaa")
        self.has_key(await self.made(disk))
