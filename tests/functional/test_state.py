"""A backup of a cloud that runs and is busy, and its restoring."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
from pathlib import Path
from threading import Event, Thread
from unittest import SkipTest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from twisted.trial.unittest import TestCase

from euca_tw.admin.command import run
from tests.compat.cloud import Cloud


class StateTests(TestCase):
    def setUp(self) -> None:
        self.cloud = Cloud.start()
        self.addCleanup(lambda: self.cloud.stop())
        settings = self.cloud.settings
        self.ec2 = boto3.client(
            "ec2",
            endpoint_url=self.cloud.url,
            region_name="us-east-1",
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 0}),
        )
        self.made: list[str] = []

    def make(self) -> None:
        """One group more, which is acknowledged when it is in C{made}."""
        name = f"group-{len(self.made)}"
        self.ec2.create_security_group(GroupName=name, Description=name)
        self.made.append(name)

    def command(self, *words: str | Path) -> tuple[int, str]:
        said = io.StringIO()
        state_dir = self.cloud.directory / "state"
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = run(["--state-dir", str(state_dir), *map(str, words)])
        return status, said.getvalue()

    def groups(self) -> set[str]:
        told = self.ec2.describe_security_groups()["SecurityGroups"]
        return {each["GroupName"] for each in told} - {"default"}

    def test_busy(self) -> None:
        """
        A backup of a busy cloud has all that was acknowledged before it was asked
        for; it cannot be restored while the cloud runs, and is what the cloud has
        when it has started with it.
        """
        path = self.cloud.directory / "one.backup"
        ended = Event()

        def be_busy() -> None:
            while not ended.is_set():
                self.make()

        busy = Thread(target=be_busy)
        busy.start()
        while len(self.made) < 20:
            ended.wait(0.01)
        before = {*self.made}
        status, said = self.command("state", "backup", path)
        ended.set()
        busy.join()
        self.assertEqual(status, 0, said)
        self.make()
        status, said = self.command("state", "restore", path)
        self.assertEqual(status, 1)
        self.assertIn("stop it first", said)
        status, said = self.command("state", "show")
        self.assertEqual((status, "is told of networks" in said), (0, True), said)
        self.cloud.kill()
        status, said = self.command("state", "restore", path)
        self.assertEqual(status, 0, said)
        self.cloud.restart()
        found = self.groups()
        self.assertLessEqual(before, found)
        self.assertLess(found, {*self.made})
        self.assertEqual([*(self.cloud.directory / "state").glob("*.copy")], [])

    def on_a_small_disk(self) -> None:
        """Have the cloud go on with its state on a disk of 8 MiB."""
        state = self.cloud.directory / "state"
        self.cloud.kill()
        kept = state.rename(state.with_name("kept"))
        state.mkdir(mode=0o700)
        small = ("mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", state)
        mounted = subprocess.run(small, capture_output=True, check=False, text=True)
        if mounted.returncode:
            raise SkipTest(f"no small disk can be had: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ("umount", "-l", state), check=True)
        (kept / "admin.sock").unlink()
        shutil.copytree(kept, state, dirs_exist_ok=True)
        self.cloud.restart()

    def test_full_disk(self) -> None:
        """
        On a disk that is full what is asked is refused, and the daemon ends and says
        why; when there is room, all is there that ever was acknowledged.
        """
        self.on_a_small_disk()
        self.make()
        filler = self.cloud.directory / "state" / "filler"
        with filler.open("wb", buffering=0) as filling, contextlib.suppress(OSError):
            while True:
                filling.write(bytes(4096))
        refusals: list[str] = []
        while not refusals:
            try:
                self.make()
            except ClientError as error:
                refusals.append(error.response["Error"]["Code"])
        self.assertEqual(refusals, ["Unavailable"])
        self.assertEqual(self.cloud.ended(), 1)
        self.assertIn("the disk is full: make room", self.cloud.log)
        self.assertNotIn("Traceback", self.cloud.log)
        filler.unlink()
        self.cloud.restart()
        self.assertEqual(self.groups(), {*self.made})
