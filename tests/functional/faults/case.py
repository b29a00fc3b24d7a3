"""What tests of faults in both worlds begin with."""

from __future__ import annotations

import time

from twisted.trial.unittest import TestCase

from tests.functional.daemons import until
from tests.functional.faults.play import Outcome, Play
from tests.functional.faults.real import DISK_MIB, PATIENCE_S, RealWorld
from tests.functional.faults.simulated import SimulatedWorld
from tests.functional.libvirtd import Libvirtd, skip_if_impossible
from tests.functional.netns import enter_new


class FaultCase(TestCase):
    """One cloud of real daemons, and one that is simulated."""

    timeout = 900

    def setUp(self) -> None:
        skip_if_impossible()
        enter_new(self)
        libvirtd = Libvirtd.start(disk_mib=DISK_MIB)
        self.addCleanup(libvirtd.stop)
        self.real = RealWorld(libvirtd)
        self.addCleanup(self.real.stop)
        self.simulated = SimulatedWorld()
        self.plays = [Play(self.real), Play(self.simulated)]

    def begin(self) -> None:
        """Have instances that can be hit."""
        for play in self.plays:
            play.begin()

    def strike(self, fault: str, *daemons: str) -> None:
        """Daemons are hit in the same moment, and all ends as it is simulated."""
        began = time.monotonic()
        for play in self.plays:
            play.strike(fault, *daemons)
        self.check(f"{daemons} were hit by {fault}")
        took_s = time.monotonic() - began
        print(f"\n  {fault} {' and '.join(daemons)}: {took_s:.1f} s", end="")

    def check(self, when: str) -> None:
        """What became of all instances is what is simulated."""
        real, simulated = self.plays
        self.simulated.settle()
        expected = simulated.outcomes()

        def differing() -> dict[str, tuple[Outcome, Outcome]]:
            self.real.gates.wave()
            found = self.real.outcomes([*real.names.values()])
            return {
                what: (found[real.names[what]], each)
                for what, each in expected.items()
                if found[real.names[what]] != each
            }

        try:
            until(lambda: not differing(), PATIENCE_S, when)
        except AssertionError:
            told = "\n".join(
                f"{what}:\n    it is {found}\n    shall {shall}"
                for what, (found, shall) in differing().items()
            )
            raise AssertionError(f"{when}, and then\n{told}") from None
        logs = self.real.daemons.logs()
        self.assertNotIn("Traceback", logs)
