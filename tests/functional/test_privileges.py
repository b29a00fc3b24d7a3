"""
A user's round where the node controller is nobody: a user of its own, in
libvirt's group, with the capabilities of its unit and no others.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.functional import test_guest
from tests.functional.daemons import BIN, ROOT, Daemons
from tests.functional.guests import IMAGE
from tests.functional.libvirtd import Libvirtd, emulator_of

#: libvirt wants a user that has a name.
USER = pwd.getpwnam("nobody").pw_uid
_GROUP = "libvirt"
_UNIT = ROOT / "etc" / "systemd" / "euca-nc.service"

#: MemoryDenyWriteExecute, as the kernel has it since 6.3.  The script is run in
#: the same process, for nobody may not come by the interpreter a second time.
_NO_NEW_CODE = (
    "import ctypes, runpy, sys; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0); "
    "del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


def capabilities() -> str:
    """Those of the unit, as setpriv wants them."""
    [line] = [
        line
        for line in _UNIT.read_text().splitlines()
        if line.startswith("AmbientCapabilities=")
    ]
    names = line.partition("=")[2].lower().replace("cap_", "+").split()
    return ",".join(("-all", *names))


def as_nobody(group: int) -> tuple[str, ...]:
    """What a command begins with that shall run so."""
    has = capabilities()
    return (
        *("setpriv", f"--reuid={USER}", f"--regid={USER}", f"--groups={group}"),
        *(f"--bounding-set={has}", f"--inh-caps={has}", f"--ambient-caps={has}"),
        *("--no-new-privs", sys.executable, "-c", _NO_NEW_CODE),
    )


class UnprivilegedTests(test_guest.GuestTests):
    """All that the round has, as nobody."""

    def setUp(self) -> None:
        if shutil.which("setpriv") is None:
            raise SkipTest("needs setpriv, of util-linux")
        try:
            self.group = grp.getgrnam(_GROUP).gr_gid
        except KeyError:
            raise SkipTest(f"there is no group {_GROUP}") from None
        command = (*as_nobody(self.group), BIN / "twistd", "--version")
        ran = subprocess.run(command, capture_output=True, check=False, cwd=ROOT)
        if ran.returncode != 0:
            raise SkipTest(f"nobody cannot run twistd here: {ran.stderr!r}")
        super().setUp()

    def start_libvirtd(self) -> Libvirtd:
        # Files that virtlogd begins belong to root: see docs/operating.md.
        return Libvirtd.start(log_bytes=0, group=_GROUP)

    def start_daemons(self) -> Daemons:
        daemons = Daemons.start(
            self.libvirtd,
            IMAGE,
            node_user=USER,
            node_command=as_nobody(self.group),
        )
        status = Path("/proc", str(daemons.pid("euca-nc")), "status").read_text()
        self.assertIn(f"Uid:\t{USER}\t{USER}\t{USER}\t{USER}", status)
        self.assertIn("NoNewPrivs:\t1", status)
        return daemons

    def check_node_killed(self, instance_id: str, address: str) -> None:
        """
        Beside, another of the same image runs, whose files are by now the
        user's that domains run as.  It crashes, and that is told.
        """
        [image] = self.machine_images()
        told = self.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)
        second = told["Instances"][0]["InstanceId"]
        self.wait_for(second, "running")
        os.kill(emulator_of(second), signal.SIGKILL)
        ended = self.wait_for(second, "terminated")
        self.assertEqual(
            ended["StateReason"],
            {
                "Code": "Server.InternalError",
                "Message": "Server.InternalError: The guest has crashed",
            },
        )
        super().check_node_killed(instance_id, address)

    def check_end(self, instance_id: str) -> None:
        """The guest ends by itself, and that is told."""
        address = self.instance(instance_id)["PrivateIpAddress"]
        self.ssh(address, "(sleep 1; poweroff -f) > /dev/null 2>&1 &")
        ended = self.wait_for(instance_id, "terminated")
        self.assertEqual(
            ended["StateReason"],
            {
                "Code": "Client.InstanceInitiatedShutdown",
                "Message": "Client.InstanceInitiatedShutdown: "
                "Instance initiated shutdown",
            },
        )
        self.check_nothing_left(instance_id)
