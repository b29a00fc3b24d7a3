"""Tests for L{euca_tw.nodectl.libvirt_early}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.nodectl.libvirt_early import PAUSE_S, TIMES, asked_again


class EarlyTests(SynchronousTestCase):
    def asked(self, early: int, is_early: bool = True) -> list[str]:
        """What happens if the first so many fail."""
        made: list[str] = []

        def ask() -> None:
            made.append("asked")
            if made.count("asked") <= early:
                raise ValueError("not yet known")

        def pause(seconds: float) -> None:
            self.assertEqual(seconds, PAUSE_S)
            made.append("paused")

        try:
            asked_again(ask, lambda error: is_early, ValueError, pause)
        except ValueError:
            made.append("failed")
        return made

    def test_known(self) -> None:
        """It is asked once."""
        self.assertEqual(self.asked(0), ["asked"])

    def test_early(self) -> None:
        """It is asked again when it is early."""
        self.assertEqual(self.asked(1), ["asked", "paused", "asked"])

    def test_other_failure(self) -> None:
        """Any other failure is one."""
        self.assertEqual(self.asked(1, is_early=False), ["asked", "failed"])

    def test_never(self) -> None:
        """There is an end to that."""
        made = self.asked(1000)
        self.assertEqual(made[-2:], ["asked", "failed"])
        self.assertEqual(made.count("paused"), TIMES)
