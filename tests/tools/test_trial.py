"""Tests of how C{tools/trial} runs the tests."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]


def loaded() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(ROOT / "tools" / "trial")))


def files(name: str) -> list[Path]:
    """Of a module of tests, or of all in a package."""
    path = ROOT.joinpath(*name.split("."))
    if path.is_dir():
        return sorted(path.rglob("test_*.py"))
    return [path.with_suffix(".py")]


class TargetsTests(SynchronousTestCase):
    """What is run by which process."""

    def setUp(self) -> None:
        self.trial = loaded()

    def test_all(self) -> None:
        """Every test is run by one process, of one target."""
        of_each = [
            path
            for target in ("--unit", "--functional", "--xen")
            for names in self.trial.targets([target])
            for name in names
            for path in files(name)
        ]
        self.assertEqual(sorted(of_each), sorted((ROOT / "tests").rglob("test_*.py")))

    def test_balanced(self) -> None:
        """
        Of those that wait for real machines, none takes much longer than another,
        by what each module takes; and what is told of one is of one that is there.
        """
        seconds, others_s = self.trial.SECONDS, self.trial.OTHERS_S
        parts = self.trial.targets(["--functional"])
        names = [[name.removeprefix("tests.") for name in part] for part in parts]
        self.assertLessEqual(seconds.keys(), {name for part in names for name in part})
        took = [sum(seconds.get(name, others_s) for name in part) for part in names]
        self.assertLess(max(took) - min(took), 2 * others_s)

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


RULE = "=" * 79 + "\n"
FAILED = (
    "test_a ... [FAIL]\n",
    *(RULE, "[FAIL]\n", "Traceback (most recent call last):\n", "tests.a.B.test_a\n"),
    *("Ran 2 tests in 1.0s\n", "FAILED (failures=1, successes=1)\n"),
)


class AgainTests(SynchronousTestCase):
    """What failed beside others may pass by itself."""

    def setUp(self) -> None:
        self.trial = loaded()
        self.patch(self.trial.abreast, "show", lambda text: None)

    def counted(self, *lines: str, status: int = 1) -> Any:
        counts = self.trial.Counts()
        for line in lines:
            counts.show(line)
        counts.finish(0, status, 1.0)
        return counts

    def test_named(self) -> None:
        """What failed is known by its name, once."""
        counts = self.counted(*FAILED, *FAILED)
        self.assertEqual(counts.again(1), ("tests.a.B.test_a",))

    def test_passes(self) -> None:
        """What then passes is no failure, and is told."""
        counts = self.counted(*FAILED)
        counts.settle(self.counted("PASSED (successes=1)\n", status=0))
        self.assertEqual(
            counts.closing(False),
            "trial: 2 passed, 0 failed, 0 skipped; passed only by itself: "
            "tests.a.B.test_a",
        )

    def test_crash(self) -> None:
        """Where a process tells no name, nothing is run once more."""
        self.assertEqual(self.counted("Segmentation fault\n").again(4), ())

    def test_second_crash(self) -> None:
        """That another told one changes nothing."""
        counts = self.counted(*FAILED)
        counts.finish(1, 1, 1.0)
        self.assertEqual(counts.again(4), ())

    def test_many(self) -> None:
        """Many failures are nobody's being late."""
        lines = [RULE, *(f"tests.a.B.test_{n}\n" for n in range(5))]
        self.assertEqual(self.counted(*lines).again(4), ())

    def test_unit(self) -> None:
        """Of unit tests hardly anything is excused, of what is named nothing."""
        most = self.trial.MOST_AGAIN
        self.assertLess(most["--unit"], most["--functional"])
        self.assertEqual(self.counted(*FAILED).again(0), ())

    def test_shown(self) -> None:
        """What only looks like a name is none: nothing was told to have failed."""
        self.assertEqual(self.counted("tests.a.B.test_a\n").again(4), ())
