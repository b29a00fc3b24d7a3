"""The units for systemd: what they close, and that systemd understands them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from euca_tw.admin.sections import HeadSection

ETC = Path(__file__).parents[2] / "etc"
#: Not a daemon's: it makes what one runs in.
NAMESPACE = ETC / "systemd" / "euca-head-namespace.service"
UNITS = sorted({*(ETC / "systemd").glob("*.service")} - {NAMESPACE})

#: What is closed in every unit.
CLOSED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "ProtectControlGroups": "yes",
    "ProtectKernelModules": "yes",
    "RestrictSUIDSGID": "yes",
    "MemoryDenyWriteExecute": "yes",
    "UMask": "0022",
}
#: Instead, where a daemon needs a device.
DEVICES = {
    "euca-head": {"DevicePolicy": "closed", "DeviceAllow": "/dev/net/tun rw"},
}
#: Of daemons that need any.
CAPABILITIES = {
    "euca-head": "CAP_NET_ADMIN CAP_NET_RAW",
    "euca-nc": "CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_FOWNER",
}
#: systemd's own measure, of 0 (closed) to 10, in tenths.
EXPOSURE = {"euca-clc": 15, "euca-cc": 15, "euca-head": 30, "euca-nc": 30}


def settings(unit: Path) -> dict[str, list[str]]:
    """The values of each word of a unit."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        word, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(word, []).append(value)
    return found


class UnitTests(SynchronousTestCase):
    def test_all(self) -> None:
        """There is one for each daemon."""
        self.assertEqual([unit.stem for unit in UNITS], sorted(EXPOSURE))

    def test_closed(self) -> None:
        """Each closes what it needs not."""
        for unit in UNITS:
            found = settings(unit)
            devices = DEVICES.get(unit.stem, {"PrivateDevices": "yes"})
            for word, value in {**CLOSED, **devices}.items():
                self.assertEqual(found.get(word), [value], f"{unit.name}: {word}")
            self.assertEqual(found["SystemCallFilter"][0], "@system-service")

    def test_user(self) -> None:
        """Each runs as a user of its own, whom sysusers.d makes, and not as root."""
        users = (ETC / "sysusers.d" / "euca_tw.conf").read_text()
        for unit in UNITS:
            self.assertEqual(settings(unit)["User"], [unit.stem])
            self.assertIn(f"u {unit.stem} ", users)

    def test_capabilities(self) -> None:
        """No daemon has a capability, but the node's three, and the head's one."""
        for unit in UNITS:
            found = settings(unit)
            bound = found["CapabilityBoundingSet"]
            self.assertEqual(found.get("AmbientCapabilities", [""]), bound)
            self.assertEqual(bound, [CAPABILITIES.get(unit.stem, "")])

    def analyze(self, *arguments: str | Path) -> str:
        if shutil.which("systemd-analyze") is None:
            raise SkipTest("needs systemd-analyze")
        ran = subprocess.run(
            ("systemd-analyze", *arguments),
            capture_output=True,
            check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            text=True,
        )
        said = ran.stdout + ran.stderr
        self.assertEqual(ran.returncode, 0, said)
        return said

    def test_understood(self) -> None:
        """systemd finds nothing wrong with them."""
        directory = Path(self.mktemp())
        directory.mkdir()
        for unit in (NAMESPACE, *UNITS):
            copy = directory / unit.name
            text = unit.read_text()
            for program in ("twistd", "euca-tw"):
                text = text.replace(f"/opt/euca_tw/bin/{program}", "/bin/true")
            copy.write_text(text)
            self.assertEqual(self.analyze("verify", "--man=no", copy), "")

    def test_namespace(self) -> None:
        """
        The unit that makes a head's namespace is seen by all others, and the head
        beside a node is started in what it has made.
        """
        found = settings(NAMESPACE)
        self.assertEqual(found["Before"], ["euca-head.service"])
        for word in ("PrivateTmp", "ProtectSystem", "ProtectHome", "PrivateDevices"):
            self.assertNotIn(word, found)
        beside = settings(ETC / "systemd" / "euca-head.service.d" / "namespace.conf")
        self.assertEqual(beside["Requires"], [NAMESPACE.name])
        self.assertEqual(beside["After"], [NAMESPACE.name])
        [path] = map(Path, beside["NetworkNamespacePath"])
        self.assertEqual(path.parent, Path("/run/netns"))
        HeadSection(namespace=path.name)

    def test_exposure(self) -> None:
        """By systemd's own measure they are closed."""
        for unit in UNITS:
            threshold = f"--threshold={EXPOSURE[unit.stem]}"
            self.analyze("security", "--offline=true", threshold, unit)
