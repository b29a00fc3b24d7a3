"""Tests of L{euca_tw.admin.networks}."""

from __future__ import annotations

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.client import Refused
from euca_tw.admin.networks import purged
from euca_tw.vnet.memory import MemoryNetworkHost
from tests.vnet.views import carried, machines, view

VIEW = view("x1", machines("x0", "x1"), carried(1, "x1"), carried(2, "x1"))


class PurgedTests(SynchronousTestCase):
    """L{purged}."""

    def test_all(self) -> None:
        """What was removed is told, once."""
        host = MemoryNetworkHost(VIEW)
        self.assertEqual(purged(host, MemoryReactorClock()), ("network 1", "network 2"))
        self.assertEqual(purged(host, MemoryReactorClock()), ())

    def test_failed(self) -> None:
        """What could not be removed is told as a refusal."""
        host = MemoryNetworkHost(trouble="no permission")
        error = self.assertRaises(Refused, purged, host, MemoryReactorClock())
        self.assertEqual(str(error), "no permission")

    def test_further(self) -> None:
        """What cannot be removed keeps nothing else from being so."""

        async def removing() -> tuple[str, ...]:
            done.append("bridge euca0")
            return tuple(done)

        done: list[str] = []
        host = MemoryNetworkHost(trouble="no permission")
        self.assertRaises(Refused, purged, host, MemoryReactorClock(), removing)
        self.assertEqual(done, ["bridge euca0"])
        well = purged(MemoryNetworkHost(VIEW), MemoryReactorClock(), removing)
        self.assertEqual(well[:2], ("network 1", "network 2"))
        self.assertIn("bridge euca0", well)
