"""The table of clients in C{docs/compatibility.md} tells the versions that run."""

from __future__ import annotations

import json
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]
#: What a row of the table begins with, for packages of PyPI and of npm.
PYPI = {
    "boto3": "boto3",
    "AWS command line": "awscli",
    "Apache Libcloud": "apache-libcloud",
    "zeep": "zeep",
}
NPM = {"AWS SDK for JavaScript": "@aws-sdk/client-ec2", "npm's `soap`": "soap"}


class VersionsTests(SynchronousTestCase):
    """Versions that are pinned here; Debian's are Debian's."""

    def told(self, client: str) -> str:
        text = (ROOT / "docs" / "compatibility.md").read_text()
        row = rf"^\| {re.escape(client)}[^|]*\| ([\d.]+) \|"
        [version] = re.findall(row, text, re.MULTILINE)
        return str(version)

    def test_pypi(self) -> None:
        """Those of Python are as in requirements.lock."""
        lock = dict(
            line.split("==")
            for line in (ROOT / "requirements.lock").read_text().splitlines()
            if "==" in line
        )
        for client, package in PYPI.items():
            self.assertEqual(self.told(client), lock[package])

    def test_npm(self) -> None:
        """Those of Node are as in package.json, and so in its lock."""
        where = Path(__file__).parent / "clients" / "node"
        wanted = json.loads((where / "package.json").read_text())["dependencies"]
        locked = json.loads((where / "package-lock.json").read_text())["packages"]
        for client, package in NPM.items():
            self.assertEqual(self.told(client), wanted[package])
            found = locked[f"node_modules/{package}"]["version"]
            self.assertEqual(found, wanted[package])
