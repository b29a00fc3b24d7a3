"""Tests of C{tools/xen}, as far as they need no machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from demo_cloud.steps import Failed  # noqa: E402
from xen_bed import (  # noqa: E402
    image,
    locks,
    machine,
    monitor,
    packages,
    places,
    python,
)

URIS = """\
'http://deb.debian.org/x/libc6_2.36-9_amd64.deb' libc6_2.36-9_amd64.deb 275 SHA256:1
'http://deb.debian.org/x/libacl1_1%3a2.3_amd64.deb' libacl1_1%3a2.3_amd64.deb 3 MD5:2
'http://deb.debian.org/x/perl_5.36_amd64.deb' perl_5.36_amd64.deb 239 SHA256:3
"""
USERNET = """\
Hub -1 (net):
  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
  TCP[ESTABLISHED]   20       10.0.2.15 33444       127.0.0.1  8773     0     0
  TCP[HOST_FORWARD]  14       127.0.0.1 41993       10.0.2.15    22     0     0
  TCP[HOST_FORWARD]  13       127.0.0.1 38107       10.0.2.15 16509     0     0
"""


class PackagesTests(SynchronousTestCase):
    """L{packages}."""

    def test_listed(self) -> None:
        """What apt would install is read, without what only installing needs."""
        found = packages.listed(URIS)
        self.assertEqual(
            [(each.name, each.version) for each in found],
            [("libacl1", "1:2.3"), ("libc6", "2.36-9")],
        )
        self.assertEqual(found[0].path.name, "libacl1_1%3a2.3_amd64.deb")


class PythonTests(SynchronousTestCase):
    """L{python}."""

    def test_needed(self) -> None:
        """
        All that the node controller imports is needed, by whatever way, and
        neither libvirt's binding, which is Debian's, nor what tests need.
        """
        needed = python.needed("euca_tw")
        for name in ("twisted", "spyne", "lxml", "zope-interface", "pyopenssl", "idna"):
            self.assertIn(name, needed)
        for name in ("libvirt-python", "boto3", "hypothesis", "euca-tw"):
            self.assertNotIn(name, needed)


class KeyTests(SynchronousTestCase):
    """The name of what is cached."""

    def test_key(self) -> None:
        """Another package, file or emulator makes another machine."""
        some = packages.listed(URIS)
        file = Path(self.mktemp())
        file.write_text("one")
        keys = [
            image.key_of(some, [file], "7.2"),
            image.key_of(some[:1], [file], "7.2"),
            image.key_of(some, [file], "8.0"),
        ]
        file.write_text("two")
        keys.append(image.key_of(some, [file], "7.2"))
        self.assertEqual(len(set(keys)), len(keys))
        file.write_text("one")
        self.assertEqual(image.key_of(some, [file], "7.2"), keys[0])


class CacheTests(SynchronousTestCase):
    """What is kept for all checkouts."""

    def test_where(self) -> None:
        """It is where users keep such; what is no whole path says nothing."""
        usual = Path.home() / ".cache" / "euca_tw"
        for given, where in (
            ({"XDG_CACHE_HOME": "/var/c"}, Path("/var/c/euca_tw")),
            ({}, usual),
            ({"XDG_CACHE_HOME": ""}, usual),
            ({"XDG_CACHE_HOME": "c"}, usual),
        ):
            self.assertEqual(places.cache_of(given), where)

    def test_abandoned(self) -> None:
        """
        The two that were used last stay when another is made, and all that is
        no machine; what was not finished goes.
        """
        here = Path(self.mktemp())
        for number, used in enumerate((30, 10, 40, 20)):
            made = here / f"{number:016x}"
            made.mkdir(parents=True)
            machine.Files(directory=made).frozen_disk.touch()
            os.utime(made, (used, used))
        for name in ("new-x", f"{9:016x}", "packages", "run-x"):
            (here / name).mkdir()
        (here / "lock").touch()
        self.assertEqual(
            {path.name for path in image.abandoned(here)},
            {"new-x", f"{9:016x}", f"{1:016x}", f"{3:016x}"},
        )


class MachineTests(SynchronousTestCase):
    """L{machine}."""

    def test_ports(self) -> None:
        """The ports that qemu chose are told by what they lead to."""
        self.assertEqual(machine.forwarded(USERNET), {"ssh": 41993, "libvirt": 38107})


class OwnDirectoryTests(SynchronousTestCase):
    """L{locks.OwnDirectory}."""

    def setUp(self) -> None:
        self.parent = Path(self.mktemp())
        self.parent.mkdir()

    def test_deleted(self) -> None:
        """It is deleted when it is needed no more."""
        own = locks.OwnDirectory.make(self.parent)
        (own.path / "disk").touch()
        own.delete()
        self.assertEqual(list(self.parent.glob("run-*")), [])

    def test_swept(self) -> None:
        """
        One whose process was killed is deleted by the next, and one whose
        process lives is not.
        """
        kept = locks.OwnDirectory.make(self.parent)
        self.addCleanup(kept.delete)
        killed = (
            "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
            "from xen_bed.locks import OwnDirectory;"
            "import os; print(OwnDirectory.make(Path(sys.argv[2])).path, flush=True);"
            "os._exit(1)"
        )
        told = subprocess.run(
            (sys.executable, "-c", killed, ROOT / "tools", self.parent),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        ).stdout
        left = Path(told.strip())
        self.assertTrue(left.exists())
        own = locks.OwnDirectory.make(self.parent)
        self.addCleanup(own.delete)
        self.assertFalse(left.exists())
        self.assertTrue(kept.path.exists())


class MonitorTests(SynchronousTestCase):
    """L{monitor.Monitor}, against one who answers as qemu does."""

    def answer(self, *answers: object) -> monitor.Monitor:
        path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "monitor"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen()
        self.addCleanup(listening.close)

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, connection.makefile("rw") as lines:
                lines.write('{"QMP": {}}\n')
                for each in ({"return": {}}, *answers):
                    lines.flush()
                    lines.readline()
                    lines.write(json.dumps(each) + "\n")

        serving = Thread(target=serve)
        serving.start()
        self.addCleanup(serving.join)
        made = monitor.Monitor(path)
        self.addCleanup(made.close)
        return made

    def test_answer(self) -> None:
        """What the emulator says to a line is told."""
        self.assertEqual(self.answer({"return": "it is\r\n"}).human("x"), "it is\r\n")

    def test_refused(self) -> None:
        """What it refuses is a failure with its words."""
        asked = self.answer({"error": {"class": "GenericError", "desc": "no such"}})
        failed = self.assertRaises(Failed, asked.human, "x")
        self.assertIn("no such", str(failed))

    def test_ended(self) -> None:
        """One that ends in the middle is a failure."""
        failed = self.assertRaises(Failed, self.answer().human, "x")
        self.assertIn("has ended", str(failed))
