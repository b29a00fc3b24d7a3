"""A real guest with a key put into its image, an ephemeral and a swap disk."""

from __future__ import annotations

import gzip
import shutil
import time
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from euca_tw.nodectl.confine import Confined
from euca_tw.nodectl.interfaces import DomainSpec, Extras
from euca_tw.nodectl.keys import KeyInjector
from euca_tw.nodectl.root_disk import RootDisks
from tests.functional import libvirtd
from tests.functional.images import call, skip_without
from tests.functional.test_image import IMAGE, build
from tests.functional.test_libvirt import make_hypervisor, until
from tests.functional.test_storage import Place, content

#: What the guest does instead of all else: say what it finds, and end.
SCRIPT = """#!/bin/sh
export PATH=/bin:/sbin
exec >/dev/console 2>&1
say() { while read -r line; do echo "guest: $1 $line"; done; }
say keys </root/.ssh/authorized_keys
ls -lnd /root/.ssh /root/.ssh/authorized_keys | say mode
mount -t ext4 /dev/vdb /mnt && df -m /mnt | tail -n 1 | say ephemeral
echo written >/mnt/file && umount /mnt
swapon /dev/vdc && tail -n 1 /proc/swaps | say swap
echo "guest: done"
sync
poweroff -f
"""
KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINOTAKEY alice\'s `key` $(id) "here"'
OLD = "ssh-rsa AAAA built-in"


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


class GuestDiskTests(TestCase):
    timeout = 180

    async def test_guest(self) -> None:
        """
        It finds the key after what the image had, as sshd wants it, and both
        disks, ready to be used.
        """
        sandbox = libvirtd.shared()
        skip_without("debugfs", "e2image", "qemu-io", "mke2fs", "mkswap")
        build(IMAGE)
        place = Place(self, sandbox.directory)
        root = place.directory / "root.img"
        shutil.copy(IMAGE / "root.img", root)
        script, old = place.directory / "boot", place.directory / "old"
        script.write_text(SCRIPT)
        script.chmod(0o755)
        old.write_text(f"{OLD}\n")
        commands = (
            f"cd /usr/lib/euca_tw\nrm boot\nwrite {script} boot\n"
            "sif boot mode 0100755\n"
            f"cd /root/.ssh\nwrite {old} authorized_keys\n"
        )
        call("debugfs", "-w", "-f", "-", root, given=commands)

        store = place.store()
        store.root_disks = RootDisks(
            reactor=store.reactor,
            in_thread=store.in_thread,
            room=store.cache.room,
            injector=KeyInjector(
                in_thread=store.in_thread, confined=Confined(reactor=store.reactor)
            ),
        )
        began = time.monotonic()
        staged = await store.stage(
            "i-00000001",
            # It comes compressed, which costs nobody but who makes it.
            place.serve("emi-00000001", gzip.compress(root.read_bytes())),
            place.serve("eki-00000001", (IMAGE / "vmlinuz").read_bytes()),
            place.serve("eri-00000001", (IMAGE / "initrd.gz").read_bytes()),
            3,
            Extras(ephemeral_gib=1, swap_mib=64, public_key=KEY),
        )
        print(f"\n  staged with key and disks in {time.monotonic() - began:.2f} s")
        hypervisor = make_hypervisor(sandbox.uri)
        await hypervisor.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(hypervisor.stop()))
        await hypervisor.run(
            DomainSpec(
                name="i-00000001",
                uuid="5a5a5a5a-0000-4000-8000-000000000d15",
                cores=1,
                memory_mib=128,
                kernel=staged.kernel,
                ramdisk=staged.ramdisk,
                command_line="rw",
                disks=(staged.disk, *staged.further),
                nics=(),
                console=staged.console,
            )
        )
        console = Path(staged.console)
        await until(lambda: b"guest: done" in console.read_bytes(), 120)
        await hypervisor.destroy("i-00000001")
        said = content(staged.console).decode("utf-8", "replace").replace("\r", "")
        lines = [line[7:] for line in said.splitlines() if line.startswith("guest: ")]
        self.assertEqual(lines[:2], [f"keys {OLD}", f"keys {KEY}"])
        self.assertRegex(lines[2], r"^mode drwx------ +2 +0 +0 .* /root/.ssh$")
        self.assertRegex(lines[3], r"^mode -rw------- +1 +0 +0 .*/authorized_keys$")
        text = "\n".join(lines)
        self.assertRegex(text, r"(?m)^ephemeral /dev/vdb +9\d\d ")
        self.assertRegex(text, r"(?m)^swap /dev/vdc\s+partition\s+6553\d")
        await store.discard("i-00000001")
        here = place.directory / "instances" / "i-00000001"
        self.assertEqual(set(names_in(here)) - {"console.log", "console.log.0"}, set())
