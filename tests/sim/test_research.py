"""The worked comparison of docs/research.md, shortened."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from lxml import etree

from euca_tw.sim.compare import MEASURES
from tests.admin.test_command import CommandCase

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "research.md"
SCENARIO = "docs/scenarios/packing.toml"


class ResearchTests(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.page = PAGE.read_text(encoding="utf-8")

    def test_shortened(self) -> None:
        """
        The command of the page does what it says: all three policies run soundly, and
        the one that lets nodes sleep uses the least energy.
        """
        [line] = re.findall(r"^\$ euca-tw (sim compare .*)$", self.page, re.MULTILINE)
        scenario = (ROOT / SCENARIO).read_text(encoding="utf-8")
        for before, after in (
            ("duration_s = 86400.0", "duration_s = 1800.0"),
            ("per_hour = 60.0", "per_hour = 150.0"),
        ):
            self.assertIn(before, scenario)
            scenario = scenario.replace(before, after)
        short, told = self.directory / "short.toml", self.directory / "told.json"
        short.write_text(scenario, encoding="utf-8")
        other = {SCENARIO: str(short), "5": "2", "plots": str(self.directory / "plots")}
        arguments = [other.get(each, each) for each in shlex.split(line)]
        said = self.done(*arguments, "--json", told, "--quiet")
        read = json.loads(told.read_text(encoding="utf-8"))
        self.assertEqual([*read], ["least-loaded", "best-fit", "power-save"])
        energy = {name: of["means"]["energy kWh"]["mean"] for name, of in read.items()}
        self.assertEqual(min(energy, key=lambda name: energy[name]), "power-save")
        # What is printed is what the page shows, but for the numbers.
        for measure in MEASURES:
            self.assertIn(f"\n{measure} ", said)
            self.assertIn(f"\n{measure} ", self.page)

    def test_pictures(self) -> None:
        """Every picture of the page is there, and has a line for each policy."""
        pictures = re.findall(r"!\[[^]]*\]\(([^)]*)\)", self.page)
        self.assertTrue(pictures)
        for picture in pictures:
            root = etree.parse(PAGE.parent / picture).getroot()
            texts = {each.text for each in root.iter("{*}text")}
            self.assertTrue({"least-loaded", "best-fit", "power-save"} <= texts)
