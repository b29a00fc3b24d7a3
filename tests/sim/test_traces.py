"""
Tests for L{euca_tw.sim.traces}; the rows of public traces are made up, in the columns
that these have.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from euca_tw.common.config import ConfigError
from euca_tw.model.capacity import MachineType
from euca_tw.sim.traces import FORMATS, Machines
from euca_tw.sim.workload import Arrival
from tests.sim.cases import ScenarioCase

MACHINES = Machines(
    types={
        name: MachineType(name=name, cores=cores, memory_mib=gib * 1024, disk_gib=10)
        for name, cores, gib in (
            *(("large", 30, 70), ("small", 2, 4), ("medium", 4, 32)),
        )
    },
    largest_cores=40,
    largest_memory_mib=65536,
)


class TraceCase(ScenarioCase):
    format: str

    def read(self, text: str) -> list[Arrival]:
        return [*FORMATS[self.format](self.written(text), MACHINES)]

    def refused(self, text: str) -> str:
        error: Any = self.assertRaises(ConfigError, self.read, text)
        return str(error)

    def briefly(self, text: str) -> list[tuple[float, float, str]]:
        return [(a.at_s, a.lifetime_s, a.machine) for a in self.read(text)]


class OwnTests(TraceCase):
    format = "own"

    def test_read(self) -> None:
        """Each line is an arrival, of one instance or of many."""
        self.assertEqual(
            self.read("arrival,lifetime,type\n0,60,small\n1.5,0.5,small\n"),
            [
                Arrival(at_s=0, lifetime_s=60, machine="small"),
                Arrival(at_s=1.5, lifetime_s=0.5, machine="small"),
            ],
        )
        self.assertEqual(
            self.read("arrival,lifetime,type,count\n0,60,small,7\n"),
            [Arrival(at_s=0, lifetime_s=60, machine="small", count=7)],
        )

    def test_refusals(self) -> None:
        """What is wrong is told with its line."""
        head = "arrival,lifetime,type\n0,1,small\n"
        for text, reason in (
            ("", "line 0: must be arrival,lifetime,type"),
            ("arrival,type\n", "line 1: must be arrival,lifetime,type"),
            (f"{head}1,2\n", "line 3: has 2 columns in place of 3"),
            (f"{head}1,soon,small\n", "line 3: could not convert"),
            (f"{head}1,-2,small\n", "line 3: -2 must be 0 or more"),
            (f"{head}nan,2,small\n", "line 3: nan must be 0 or more"),
            (f"{head}1,2,huge\n", "line 3: 'huge' is none of large, small, medium"),
            (f"{head}5,2,small\n4,2,small\n", "line 4: 4 comes before the line above"),
            ("arrival,lifetime,type,count\n0,1,small,0\n", "line 2: 0 must be 1 or"),
        ):
            with self.subTest(text=text):
                self.assertIn(reason, self.refused(text))

    def test_missing(self) -> None:
        """So is a file that is not there."""
        reading = FORMATS["own"](Path("nowhere.csv"), MACHINES)
        error: Any = self.assertRaises(ConfigError, next, reading)
        self.assertIn("nowhere.csv: No such file", str(error))

    def test_compressed(self) -> None:
        """A compressed file is read as it is; one that breaks off is told."""
        whole = gzip.compress(b"arrival,lifetime,type\n" + b"0,60,small\n" * 99)
        for content, count in ((whole, 99), (whole[:-12], None)):
            file = Path(self.mktemp() + ".gz")
            file.write_bytes(content)
            if count is not None:
                self.assertEqual(len([*FORMATS["own"](file, MACHINES)]), count)
            else:
                self.assertRaises(ConfigError, list, FORMATS["own"](file, MACHINES))


class AzureTests(TraceCase):
    format = "azure"

    def row(self, created: object, deleted: object, cores: str, gib: str) -> str:
        return f"x+1=,s/2=,d3,{created},{deleted},99.1,1.4,12.8,Unknown,{cores},{gib}\n"

    def test_read(self) -> None:
        """
        Those that came after the trace began, in order, each in the smallest type
        that is as large; what is of more than some cores in one that has more.
        """
        rows = (
            self.row(0, 2591700, "2", "4")
            + self.row(900, 1200, "4", "32")
            + self.row(300, 300, "2", "3.5")
            + self.row(600, 2591700, ">24", ">64")
            + self.row(600, 900, "1", "32")
        )
        self.assertEqual(
            self.briefly(rows),
            [
                (300.0, 0.0, "small"),
                (600.0, 2591100.0, "large"),
                (600.0, 300.0, "medium"),
                (900.0, 300.0, "medium"),
            ],
        )

    def test_refusals(self) -> None:
        """What cannot be is told with its line."""
        good = self.row(1, 2, "2", "4")
        for row, reason in (
            ("1,2,3\n", "line 2: has 3 columns in place of 11"),
            (self.row(5, 4, "2", "4"), "line 2: it was deleted at 4, before it was"),
            (
                self.row(1, 2, ">64", "4"),
                "line 2: no type of the scenario has 64",
            ),
        ):
            self.assertIn(reason, self.refused(good + row))


class Google2019Tests(TraceCase):
    format = "google-2019"
    HEAD = (
        "time,type,collection_id,scheduling_class,missing_type,collection_type,"
        "priority,alloc_collection_id,instance_index,machine_id,alloc_instance_index,"
        "resource_request.cpus,resource_request.memory,constraint\n"
    )

    def row(self, time: object, kind: object, index: int, cpus: float) -> str:
        return f"{time},{kind},77,2,,0,103,0,{index},55,-1,{cpus},{cpus / 2},\n"

    def test_read(self) -> None:
        """
        A life goes from its schedule to its end, and arrives when it is submitted; to
        be submitted again is another.
        """
        text = self.HEAD + "".join(
            self.row(*each)
            for each in (
                (0, "SUBMIT", 9, 0.05),  # was there before
                (600_000_000, 0, 1, 0.05),
                (601_000_000, "SUBMIT", 2, 0.5),
                (602_500_000, 3, 1, 0.05),
                (603_000_000, 3, 9, 0.05),
                (610_000_000, "EVICT", 1, 0.05),
                (611_000_000, 0, 1, 0.05),
                (612_000_000, 3, 1, 0.05),
                (613_000_000, 7, 2, 0.5),  # never ran
                (620_000_000, 6, 1, 0.05),
                (621_000_000, 0, 3, 0.5),
                (622_000_000, 3, 3, 0.5),
                ((1 << 63) - 1, 7, 3, 0.5),  # outlives the trace
            )
        )
        self.assertEqual(
            self.briefly(text),
            [(600.0, 7.5, "small"), (611.0, 8.0, "small"), (621.0, 0.0, "large")],
        )

    def test_refusals(self) -> None:
        """What cannot be is told with its line."""
        submit = self.row(2, 0, 1, 0.1)
        for text, reason in (
            ("time,type\n", "line 1: must name its columns, and lacks collection_id"),
            (self.HEAD + self.row(1, 11, 1, 0.1), "line 2: 11 is no event's type"),
            (self.HEAD + submit + self.row(1, 0, 2, 0.1), "line 3: 1 comes before"),
        ):
            self.assertIn(reason, self.refused(text))


class Google2011Tests(TraceCase):
    format = "google-2011"

    def row(self, time: int, kind: int, index: int) -> str:
        return f"{time},,3418309,{index},41,{kind},user=,3,9,0.1,0.25,0.0001,0\n"

    def test_read(self) -> None:
        """The same of the earlier trace, whose files name no columns."""
        text = self.row(5_000_000, 0, 1) + self.row(6_000_000, 1, 1)
        self.assertEqual(
            self.briefly(text + self.row(9_000_000, 4, 1)), [(5.0, 3.0, "medium")]
        )
