"""Real daemons hit while real guests are in every phase of their lives."""

from __future__ import annotations

from typing import Any

from tests.functional.faults.case import FaultCase
from tests.functional.faults.play import DAEMONS, FREEZE, KILL
from tests.functional.faults.settings import is_thorough

#: Two at once that different others wait for, since that takes most of the time.
_PAIRS = (("cluster", "hypervisor"), ("node", "cloud"))


def _runs(instance: dict[str, Any]) -> bool:
    return bool(instance["State"]["Name"] == "running")


class DaemonsTests(FaultCase):
    """By C{kill -9} and by SIGSTOP."""

    def test_each(self) -> None:
        """
        Whichever daemon is killed and started again, or stands still for longer than
        others wait for it, each instance ends as it was asked to and as it does where
        the same is simulated: nothing is lost, begun twice or left over.
        """
        self.begin()
        for daemon in DAEMONS:
            self.strike(KILL, daemon)
        for daemons in [(each,) for each in DAEMONS] if is_thorough() else _PAIRS:
            self.strike(FREEZE, *daemons)
        self.check_full()

    def check_full(self) -> None:
        """
        When the disk of the instances is full, one that is launched ends, its user is
        told why, those that run do so, and may end; with room others run.
        """
        world = self.real
        stays, ends = [name for name, each in world.described().items() if _runs(each)][
            :2
        ]
        world.disk.fill()
        refused = world.launch()
        world.ask("terminate", ends)
        for name in (refused, ends):
            world.until(
                lambda name=name: world.state(name) == "terminated",  # type: ignore[misc]
                f"{name} has ended",
            )
        told = world.described()
        self.assertIn("disk is full", told[refused]["StateReason"]["Message"])
        self.assertTrue(_runs(told[stays]))
        world.disk.make_room()
        launched = world.launch()
        world.until(lambda: _runs(world.described()[launched]), "it runs")
