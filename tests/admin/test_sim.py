"""C{euca-tw sim}."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.admin.test_command import CommandCase
from tests.sim.cases import SMALL

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "euca_tw.admin")
SHORT = SMALL.replace("duration_s = 120.0", "duration_s = 20.0").replace(
    "settle_s = 60.0", "settle_s = 20.0"
)


class SimTests(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.file = self.directory / "scenario.toml"
        self.file.write_text(SHORT, encoding="utf-8")

    def test_run(self) -> None:
        """A scenario is run; its table is printed, its events and JSON are written."""
        events, summary = self.directory / "events", self.directory / "summary"
        said = self.done(
            *("sim", "run", self.file, "--events", events, "--json", summary),
            *("--plots", self.directory / "plots"),
        )
        self.assertIn("seed 3: 3 nodes for 20 s; north least-loaded", said)
        self.assertIn("100%", self.complained)
        told = json.loads(summary.read_text(encoding="utf-8"))
        lines = events.read_text(encoding="utf-8").splitlines()
        asked = [each for each in map(json.loads, lines) if each["event"] == "asked"]
        self.assertEqual(told["counts"]["asked"], len(asked))
        self.assertEqual(told["violations"], [])
        self.assertEqual(
            sorted(each.name for each in (self.directory / "plots").iterdir()),
            ["delays.svg", "usage.svg"],
        )

    def test_seed(self) -> None:
        """Another seed can be asked for; progress need not be told."""
        said = self.done("sim", "run", self.file, "--seed", "8", "--quiet")
        self.assertIn("seed 8: ", said)
        self.assertEqual(self.complained, "")

    def test_check(self) -> None:
        """A scenario is looked at without being run."""
        said = self.done("sim", "check", self.file)
        self.assertIn("is fine: 3 nodes, 20 s", said)
        self.file.write_text(SHORT.replace("seed", "sead"), encoding="utf-8")
        self.assertIn(
            "[run] sead: there is no such option",
            self.refused("sim", "check", self.file),
        )

    def test_no_file(self) -> None:
        """A scenario or trace that is not there is told by its name."""
        absent = self.directory / "absent"
        self.assertIn("absent: No such file", self.refused("sim", "run", absent))
        trace = SHORT.replace('"poisson"', '"trace"\nfile = "absent.csv"')
        self.file.write_text(trace, encoding="utf-8")
        self.assertIn("absent.csv: No such file", self.refused("sim", "run", self.file))

    def test_trace(self) -> None:
        """Users can come as a trace has it; what is wrong in it has its line."""
        trace = self.directory / "trace.csv"
        lines = "arrival,lifetime,type\n0,2,m1.small\n1,5,m1.small\n9,1,{}\n"
        self.file.write_text(
            SHORT.replace('"poisson"', '"trace"\nfile = "trace.csv"'),
            encoding="utf-8",
        )
        trace.write_text(lines.format("m1.small"), encoding="utf-8")
        said = self.done("sim", "run", self.file, "--quiet")
        self.assertRegex(said, r"asked +3\n")
        trace.write_text(lines.format("huge"), encoding="utf-8")
        self.assertIn(
            "trace.csv: line 4: 'huge' is none of m1.small",
            self.refused("sim", "run", self.file, "--quiet"),
        )

    def test_same_bytes(self) -> None:
        """
        In any process a run is the same to the byte, in whatever order Python has
        its sets there.
        """
        running = [
            subprocess.Popen(
                [*COMMAND, "sim", "run", self.file, "--events", self.events(seed)],
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            for seed in ("1", "2")
        ]
        said = [each.communicate()[0] for each in running]
        self.assertEqual([each.returncode for each in running], [0, 0])
        self.assertIn(b"asked", said[0])
        self.assertEqual(said[0], said[1])
        first, second = (self.events(seed).read_bytes() for seed in ("1", "2"))
        self.assertIn(b"running", first)
        self.assertEqual(first, second)

    def events(self, name: str) -> Path:
        return self.directory / f"events-{name}"
