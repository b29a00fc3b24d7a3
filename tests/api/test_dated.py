"""What is kept of what is made for a version."""

from __future__ import annotations

from sys import getswitchinterval, setswitchinterval
from threading import Barrier, Thread

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.dated import KEPT, dated
from euca_tw.api.shapes import Version

VERSIONS = [Version(f"20{n:02}-01-01") for n in range(KEPT + 1)]


class DatedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.made: list[tuple[object, ...]] = []

        @dated
        def make(of: str, version: Version, *more: object) -> str:
            self.made.append((of, version, *more))
            return f"{of} {version}"

        self.make = make

    def test_once(self) -> None:
        """It is made once for a thing, a version, and what else is said."""
        for _ in range(2):
            self.assertEqual(self.make("a", VERSIONS[0]), "a 2000-01-01")
            self.make("b", VERSIONS[0])
            self.make("a", VERSIONS[1])
            self.make("a", VERSIONS[1], True)
        self.assertEqual(len(self.made), 4)

    def test_least_recently_used(self) -> None:
        """Of too many versions, the one that was not used for longest goes."""
        for version in VERSIONS[:KEPT]:
            self.make("a", version)
        self.make("a", VERSIONS[0])
        self.make("a", VERSIONS[KEPT])
        self.made.clear()
        self.make("a", VERSIONS[0])
        self.assertEqual(self.made, [])
        self.make("a", VERSIONS[1])
        self.assertEqual(self.made, [("a", VERSIONS[1])])

    def test_together(self) -> None:
        """What several functions made for a version goes together."""
        others: list[str] = []

        @dated
        def other(of: str, version: Version) -> None:
            others.append(of)

        other("x", VERSIONS[0])
        for version in VERSIONS:
            self.make("a", version)
        other("x", VERSIONS[0])
        self.assertEqual(others, ["x", "x"])

    def test_threads(self) -> None:
        """It may be asked in many threads, while versions come and go."""
        versions = [Version(f"19{n:02}-01-01") for n in range(2 * KEPT)]
        began, failed = Barrier(4), []

        def ask() -> None:
            began.wait()
            try:
                for version in versions * 20:
                    assert self.make("a", version) == f"a {version}"
            except Exception as error:
                failed.append(error)

        interval = getswitchinterval()
        setswitchinterval(1e-6)
        self.addCleanup(setswitchinterval, interval)
        threads = [Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])

    def test_failure(self) -> None:
        """What could not be made is tried again."""

        @dated
        def make(of: int, version: Version) -> float:
            return 1 / of

        for _ in range(2):
            self.assertRaises(ZeroDivisionError, make, 0, VERSIONS[0])
