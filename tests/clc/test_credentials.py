"""The files that a user is given."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from random import Random

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.accounts import Accounts
from euca_tw.clc.credentials import credential_files
from euca_tw.clc.sealing import Sealing
from euca_tw.common.files import write_private_files
from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.identifiers import Minter
from euca_tw.store.memory import MemoryStore


def exported(shell: str, script: Path, cwd: Path) -> dict[str, str]:
    """What a shell exports after sourcing a script."""
    ran = subprocess.run(
        [shell, "-c", '. "$0" && env -0', str(script)],
        capture_output=True,
        check=True,
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin"},
    )
    lines = ran.stdout.decode().split("\0")
    return dict(line.split("=", 1) for line in lines if line)


class CredentialFilesTests(SynchronousTestCase):
    def setUp(self) -> None:
        accounts = Accounts(
            store=MemoryStore(),
            clock=Clock(),
            minter=Minter(Random(7)),
            in_thread=in_this_thread,
            sealing=Sealing(Path(self.mktemp()) / "secrets", Random(8)),
        )
        self.made = self.successResultOf(accounts.create("alice"))
        self.directory = Path(self.mktemp()).absolute() / "it's here"
        self.files = credential_files(
            self.made,
            self.directory,
            cloud_url="http://cloud:8773/",
            region="here",
            cloud_certificate_pem=b"the cloud's",
        )
        write_private_files(self.directory, self.files)

    def check(self, environment: dict[str, str], directory: Path) -> None:
        made = self.made
        expected = {
            "EC2_URL": "http://cloud:8773/services/Eucalyptus",
            "EC2_ACCESS_KEY": made.key.key_id,
            "EC2_SECRET_KEY": made.secret,
            "EC2_USER_ID": made.user.account_id,
            "EC2_CERT": str(directory / "cert.pem"),
            "EC2_PRIVATE_KEY": str(directory / "pk.pem"),
            "EUCALYPTUS_CERT": str(directory / "cloud-cert.pem"),
            "AWS_ACCESS_KEY_ID": made.key.key_id,
            "AWS_SECRET_ACCESS_KEY": made.secret,
            "AWS_DEFAULT_REGION": "here",
            "AWS_ENDPOINT_URL_EC2": "http://cloud:8773/",
            "EUCA_KEY_DIR": str(directory),
        }
        self.assertEqual({k: environment.get(k) for k in expected}, expected)

    def test_private(self) -> None:
        """Only their owner may read them."""
        self.assertEqual(self.directory.stat().st_mode & 0o777, 0o700)
        modes = {
            path.name: path.stat().st_mode & 0o777 for path in self.directory.iterdir()
        }
        names = ("eucarc", "cert.pem", "pk.pem", "cloud-cert.pem")
        self.assertEqual(modes, dict.fromkeys(names, 0o600))

    def test_contents(self) -> None:
        """They hold the key, its certificate, and the cloud's."""
        self.assertEqual(self.files["pk.pem"], self.made.identity.key_pem)
        self.assertEqual(self.files["cert.pem"], self.made.identity.certificate_pem)
        self.assertEqual(self.files["cloud-cert.pem"], b"the cloud's")

    def test_bash(self) -> None:
        """Sourced by bash, eucarc exports what EC2's clients read."""
        script = self.directory / "eucarc"
        self.check(exported("/bin/bash", Path(script), Path("/")), self.directory)

    def test_bash_moved(self) -> None:
        """The directory may be moved, and sourced from anywhere, or from inside."""
        moved = self.directory.with_name("moved")
        shutil.move(self.directory, moved)
        self.check(exported("/bin/bash", Path("moved/eucarc"), moved.parent), moved)
        self.check(exported("/bin/bash", Path("./eucarc"), moved), moved)

    def test_other_shell(self) -> None:
        """A shell that cannot say where it is sourced from finds it unmoved."""
        script = self.directory / "eucarc"
        self.check(exported("/bin/sh", script, Path("/")), self.directory)

    def test_replaced(self) -> None:
        """Written again, the files are those written last."""
        write_private_files(self.directory, {"pk.pem": b"new"})
        self.assertEqual((self.directory / "pk.pem").read_bytes(), b"new")
