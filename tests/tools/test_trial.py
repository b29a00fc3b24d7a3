"""Tests of how C{tools/trial} runs the tests."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]


def loaded() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(ROOT / "tools" / "trial")))


class TargetsTests(SynchronousTestCase):
    """What is run by which process."""

    def setUp(self) -> None:
        self.trial = loaded()

    def test_all(self) -> None:
        """Every package of tests is run by one process, of one target."""
        of_each = [
            name
            for target in ("--unit", "--functional", "--xen")
            for names in self.trial.targets([target])
            for name in names
        ]
        there = {
            f"tests.{path.stem}"
            for path in (ROOT / "tests").iterdir()
            if any(path.glob("test_*.py")) or path.name.startswith("test_")
        }
        parts = {
            f"tests.functional.{path.stem}"
            for path in (ROOT / "tests" / "functional").iterdir()
            if any(path.glob("test_*.py")) or path.name.startswith("test_")
        }
        there = there - {"tests.functional"} | parts | {"tests.fakes"}
        self.assertEqual(sorted(of_each), sorted(there))

    def test_named(self) -> None:
        """What is named is run by one."""
        self.assertEqual(self.trial.targets(["tests.a", "b"]), [("tests.a", "b")])


class CountsTests(SynchronousTestCase):
    """L{trial.Counts}."""

    def closing(self, is_failed: bool, *lines: str) -> str:
        trial = loaded()
        self.patch(trial.abreast, "show", lambda text: None)
        counts = trial.Counts()
        for line in lines:
            counts.show(line)
        return str(counts.closing(is_failed))

    def test_sum(self) -> None:
        """The closing line counts the tests of all processes."""
        self.assertEqual(
            self.closing(
                True,
                "PASSED (skips=1, successes=20)\n",
                "FAILED (failures=1, errors=2, expectedFailures=1, successes=300)\n",
            ),
            "trial: 321 passed, 3 failed, 1 skipped",
        )

    def test_crash(self) -> None:
        """A process that does not come to count is a failure."""
        said = self.closing(True, "PASSED (successes=20)\n", "Segmentation fault\n")
        self.assertEqual(said, "trial: 20 passed, 1 failed, 0 skipped")
