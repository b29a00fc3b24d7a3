"""C{euca-tw sim}."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from euca_tw.clc import launches
from euca_tw.clc.intent import intend
from tests.admin.test_command import CommandCase
from tests.sim.cases import SMALL
from tests.sim.test_explore import intend_hastily

_EVERYTHING = """
count = { kind = "uniform", low = 1, high = 2 }
stop_share = 0.5
stop_after_s = 3
stopped_s = 2
patience_s = 10
retry_s = 2
[cloud]
placement = "round-robin"
[network]
mode = "managed"
[power]
asleep_after_s = 1
[faults]
ailing_s = 3
crashes_per_hour = 200
down_s = 2
partitions_per_hour = 200
apart_s = 2
slow_disks_per_hour = 400
full_disks_per_hour = 400
full_images_per_hour = 400
wrong_clocks_per_hour = 400
loss = 0.001
duplication = 0.02
delay = 0.02
"""
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
        self.assertIn(
            "seed 3: 3 nodes for 20 s; cloud least-loaded, north least-loaded", said
        )
        self.assertIn("100%", self.complained)
        told = json.loads(summary.read_text(encoding="utf-8"))
        lines = events.read_text(encoding="utf-8").splitlines()
        asked = [each for each in map(json.loads, lines) if each["event"] == "asked"]
        self.assertEqual(told["counts"]["asked"], len(asked))
        self.assertEqual(told["violations"], [])
        self.assertEqual(
            sorted(each.name for each in (self.directory / "plots").iterdir()),
            ["delays.svg", "power.svg", "queueing.svg", "usage.svg"],
        )

    def test_compare(self) -> None:
        """A scenario is run with each policy and seed, and what differs is told."""
        said = self.done(
            *("sim", "compare", self.file, "--scheduler", "greedy,best-fit"),
            *("--seeds", "2", "--json", self.directory / "told"),
            *("--plots", self.directory / "plots"),
        )
        self.assertIn("mean over 2 seeds (3 to 4)", said)
        self.assertRegex(said, r"greedy +best-fit\n")
        self.assertIn("100%", self.complained)
        told = json.loads((self.directory / "told").read_text(encoding="utf-8"))
        self.assertEqual([*told], ["greedy", "best-fit"])
        delays = (self.directory / "plots" / "delays.svg").read_text(encoding="utf-8")
        self.assertIn("best-fit", delays)

    def test_compare_refused(self) -> None:
        """What cannot be compared is told before anything is run."""
        for options, reason in (
            (("--scheduler", "fastest"), "'fastest' is none of best-fit,"),
            (("--placement", "fastest"), "'fastest' is none of best-fit, greedy,"),
            (("--png",), "--png is of --plots DIR"),
        ):
            refused = self.refused("sim", "compare", self.file, *options)
            self.assertIn(reason, refused)
        self.assertNotEqual(
            self.euca_tw("sim", "compare", self.file, "--seeds", "0"), 0
        )

    def test_png(self) -> None:
        """Charts are drawn as PNG besides, where Pillow is; else it is told."""
        plots = self.directory / "plots"
        asked = ("sim", "run", self.file, "--quiet", "--plots", plots, "--png")
        if find_spec("PIL") is None:
            self.assertIn("pip install 'euca_tw[plots]'", self.refused(*asked))
            return
        self.done(*asked)
        self.assertEqual(len([*plots.glob("*.png")]), len([*plots.glob("*.svg")]))

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

    def test_explore(self) -> None:
        """Cases are run at random, of any cloud or of one, and found to be well."""
        said = self.done("sim", "explore", "--seeds", "10", "--jobs", "1")
        self.assertEqual(said, "10 cases were run; 0 found what must not be\n")
        self.assertRegex(self.complained, r"100%, 10 cases, ")
        of = self.file, "--seeds", "3", "--first", "7", "--jobs", "1", "--quiet"
        self.assertIn("3 cases were run", self.done("sim", "explore", *of))
        self.assertEqual(self.complained, "")

    def test_explore_finds(self) -> None:
        """What is found is told, made small, and kept to be run again."""
        self.patch(launches, "intend", intend_hastily)
        into = self.directory / "found"
        given = ("--seeds", "1", "--jobs", "1", "--keep", into, "--quiet")
        self.assertEqual(self.euca_tw("sim", "explore", *given), 1)
        self.assertIn("found what must not be", self.complained)
        self.assertRegex(self.said, r"seed 0: at .* was acknowledged, and")
        self.assertIn("comes to 1 requests and 0 faults in ", self.said)
        [first, *_] = sorted(into.iterdir())
        self.assertEqual(self.euca_tw("sim", "replay", first), 1)
        self.assertIn("was acknowledged, and", self.said)
        self.patch(launches, "intend", intend)
        self.assertIn("shows nothing", self.done("sim", "replay", first))

    def test_sweep(self) -> None:
        """A case is run with a crash at each of its moments."""
        cloud, _, _ = SHORT.partition("[workload]")
        self.file.write_text(
            cloud.replace("duration_s = 20.0", "duration_s = 1.0"), encoding="utf-8"
        )
        said = self.done("sim", "sweep", self.file)
        self.assertRegex(said, r"^\d+ crashes were tried; 0 showed what must not be\n$")
        self.assertRegex(self.complained, r"100%, \d+ crashes, ")

    def test_explore_refusals(self) -> None:
        """Nothing can be explored by nobody."""
        self.assertIn("1 or more", self.refused("sim", "explore", "--jobs", "0"))

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
        its sets there, with all that a scenario may say.
        """
        # A message that was lost is waited for as long as a poll may take.
        text = SMALL.replace("duration_s = 120.0", "duration_s = 60.0") + _EVERYTHING
        self.file.write_text(text, encoding="utf-8")
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
