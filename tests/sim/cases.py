"""Scenarios for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.config import ConfigError
from euca_tw.sim.scenario import Scenario, read_scenario

SMALL = """
[run]
seed = 3
duration_s = 120.0
settle_s = 60.0

[[cluster]]
name = "north"
nodes = 3
cores = 4
memory_mib = 8192
disk_gib = 100

[[type]]
name = "m1.small"
cores = 1
memory_mib = 1024
disk_gib = 10

[workload]
kind = "poisson"
per_hour = 600.0
lifetime_s = { kind = "exponential", mean = 40.0 }
"""


class ScenarioCase(SynchronousTestCase):
    """Writes scenarios, and reads them."""

    def written(self, text: str) -> Path:
        file = Path(self.mktemp())
        file.write_text(text, encoding="utf-8")
        return file

    def scenario(self, text: str = SMALL, *replaced: tuple[str, str]) -> Scenario:
        for before, after in replaced:
            assert before in text, before
            text = text.replace(before, after)
        return read_scenario(self.written(text))

    def refusal(self, *replaced: tuple[str, str], text: str = SMALL) -> str:
        """Why it is not read, without the file's name."""
        error: Any = self.assertRaises(ConfigError, self.scenario, text, *replaced)
        return str(error).partition(": ")[2]
