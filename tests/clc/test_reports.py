"""Tests of L{euca_tw.clc.reports} and L{euca_tw.clc.reporting}."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import Deferred, fail

from euca_tw.clc.reporting import Reporting
from euca_tw.clc.reports import unknown_zone, zone_of
from euca_tw.model.records import InstanceState
from euca_tw.model.sharing import ClusterReport, ReportedRoom, ReportedStranger
from euca_tw.store.interfaces import Change, Conflict
from euca_tw.store.memory import MemoryStore
from tests.clc.cloud import TYPES, CloudTestCase

REPORT = ClusterReport(
    zone="north",
    is_reachable=True,
    epoch="e",
    addresses=100,
    room=(ReportedRoom(name="m1.small", available=8, most=9),),
)


class ZoneTests(CloudTestCase):
    """What is known of a cluster that another hears."""

    def pending(self, number: int) -> str:
        found = self.instance(number, zone="north", state=InstanceState.PENDING)
        return found.instance_id

    def test_on_their_way(self) -> None:
        """What starts and is not in the room that was told takes from it."""
        one, _ = self.pending(1), self.pending(2)
        zone = zone_of(self.store, REPORT, TYPES)
        self.assertEqual(zone.available["m1.small"], 6)
        counted = evolve(REPORT, counted=(one,))
        zone = zone_of(self.store, counted, TYPES)
        self.assertEqual(zone.available["m1.small"], 7)
        self.assertEqual(zone.most["m1.small"], 9)

    def test_strangers(self) -> None:
        """Strangers have their places."""
        told = ReportedStranger(
            instance_id="i-1", owner_id="", private_ip="", network_index=7
        )
        zone = zone_of(self.store, evolve(REPORT, strangers=(told,)), TYPES)
        self.assertEqual([each.network_index for each in zone.strangers], [7])

    def test_unknown(self) -> None:
        """Of whom nobody has heard there is nothing."""
        zone = unknown_zone("north")
        self.assertEqual((zone.is_reachable, dict(zone.available)), (False, {}))


class BusyStore(MemoryStore):
    """@ivar is_overtaken: others are always faster."""

    is_overtaken = False

    def commit(self, *changes: Change) -> Deferred[None]:
        return fail(Conflict()) if self.is_overtaken else super().commit(*changes)


class ReportingTests(CloudTestCase):
    store: BusyStore

    def setUp(self) -> None:
        super().setUp()
        self.store = BusyStore()
        self.now = REPORT
        self.may_act = True
        self.reporting = Reporting(
            self.clock, self.store, lambda: self.now, lambda: self.may_act
        )

    def kept(self) -> ClusterReport | None:
        return self.store.get(ClusterReport, "north")

    def look(self, seconds: float) -> None:
        self.reporting.look()
        self.clock.advance(seconds)

    def test_kept(self) -> None:
        """What is new is kept at once, and then once a second."""
        self.look(0)
        self.assertEqual(self.kept(), REPORT)
        self.now = evolve(REPORT, addresses=50)
        self.look(0.5)
        self.assertEqual(self.kept(), REPORT)
        self.clock.advance(0.5)
        self.assertEqual(self.kept(), self.now)

    def test_same(self) -> None:
        """What is as it was is not kept again."""
        self.look(0)
        self.assertEqual(self.reporting.changes(), ())

    def test_not_ours(self) -> None:
        """Who does not hear the cluster any more tells nothing of it."""
        self.may_act = False
        self.look(1)
        self.assertIsNone(self.kept())

    def test_overtaken(self) -> None:
        """Who was overtaken looks again."""
        self.store.is_overtaken = True
        self.look(0)
        self.store.is_overtaken = False
        self.clock.advance(1)
        self.assertEqual(self.kept(), REPORT)

    def test_stopped(self) -> None:
        """Nothing is told after the end."""
        self.reporting.look()
        stopped: Deferred[object] = self.reporting.stop()
        self.successResultOf(stopped)
        self.clock.advance(1)
        self.assertIsNone(self.kept())
