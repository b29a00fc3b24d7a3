"""The example of docs/policies.md, as it stands there, as a package beside ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parent.parent.parent


class ExampleTests(SynchronousTestCase):
    def test_example(self) -> None:
        """Who copies the example has a policy that can be chosen, and picks."""
        text = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
        plugin, policy, _ = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        directory = Path(self.mktemp()).absolute()
        plugins = directory / "euca_tw" / "policies" / "plugins"
        plugins.mkdir(parents=True)
        (plugins / "hottest_plugin.py").write_text(plugin)
        (directory / "hottest.py").write_text(policy)
        (directory / "euca.toml").write_text(
            "[cluster_controller]\nscheduler = 'hottest'\n"
        )
        script = (
            "from random import Random\n"
            "from euca_tw.admin.command import run\n"
            "from euca_tw.policies.found import scheduler_named\n"
            "run(['policies'])\n"
            "run(['config', 'check', 'euca.toml'])\n"
            "print(type(scheduler_named('hottest', Random(1))).__name__)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{directory}"},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        listed = re.search(r"^scheduler  hottest.*$", text, re.MULTILINE)
        assert listed is not None
        lines = done.stdout.splitlines()
        self.assertIn(listed.group(), lines)
        self.assertEqual(lines[-2:], ["euca.toml is fine", "RankedScheduler"])
