"""Domains as we write them, before libvirt's own judge."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.images import skip_without
from tests.nodectl.test_domain_xml import DOMAINS, GOLDEN


def validated(path: Path) -> tuple[int, str]:
    ended = subprocess.run(
        ("virt-xml-validate", path, "domain"),
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    return ended.returncode, ended.stdout


class SchemaTests(SynchronousTestCase):
    def setUp(self) -> None:
        skip_without("virt-xml-validate", "xmllint")

    def test_valid(self) -> None:
        """virt-xml-validate takes every kind of domain that we write."""
        for name in DOMAINS:
            self.assertEqual(validated(GOLDEN / f"{name}.xml")[0], 0, name)

    def test_judges(self) -> None:
        """It refuses one that has what no domain has."""
        path = Path(self.mktemp())
        golden = (GOLDEN / "qemu-many.xml").read_text()
        path.write_text(golden.replace("<vcpu>", "<cpus>").replace("vcpu>", "cpus>"))
        self.assertNotEqual(validated(path)[0], 0)
