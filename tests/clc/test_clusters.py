"""Tests of L{euca_tw.clc.clusters}."""

from __future__ import annotations

from twisted.logger import capturedLogs
from zope.interface.verify import verifyObject

from euca_tw.api.errors import Unavailable
from euca_tw.clc.interfaces import IClusters
from euca_tw.model.records import Image, InstanceState
from euca_tw.sim.life import Disk
from euca_tw.store.interfaces import Delete
from tests.whole.case import WholeTestCase
from tests.whole.site import IMAGE, url_of


class ClustersTests(WholeTestCase):
    def test_interface(self) -> None:
        """These are clusters."""
        verifyObject(IClusters, self.site.cloud.clusters)

    def test_zones(self) -> None:
        """Every cluster is a zone, whether it answers or not."""
        north, south = self.site.cloud.clusters.zones()
        self.assertEqual((north.name, south.name), ("north", "south"))
        self.assertEqual(north.addresses, 4085)
        self.assertEqual(dict(north.available), {"m1.small": 8, "m1.large": 8})
        self.site.kill("north")
        self.site.run(1)
        north, south = self.site.cloud.clusters.zones()
        self.assertEqual((north.is_reachable, south.is_reachable), (False, True))

    def test_room(self) -> None:
        """A zone has room for so many, and with nothing in it, for so many."""
        self.running(count=3)
        north, south = self.site.cloud.clusters.zones()
        self.assertEqual(north.available["m1.small"], 5)
        self.assertEqual((north.most["m1.small"], south.most["m1.small"]), (8, 4))

    def test_console_of_the_unreachable(self) -> None:
        """A console cannot be had of a cluster that does not answer."""
        [name] = self.running()
        self.site.peers.cut(url_of("north"))
        asked = self.site.cloud.console(name)
        self.site.run(60)
        refusal = self.failureResultOf(asked, Unavailable).value
        self.assertIn(name, refusal.reason)

    def test_image_gone(self) -> None:
        """What lost its image before its cluster took it has failed."""
        asked = self.site.cloud.launch("north")
        while not asked.called:
            self.site.step(1)
        [name] = self.successResultOf(asked)
        self.site.cloud.store.commit(Delete(Image, IMAGE))
        self.until(lambda: self.is_in(name, InstanceState.TERMINATED))
        self.assertIn(IMAGE, self.instance(name).state_reason)

    def test_stranger(self) -> None:
        """An instance that nobody asked for is told of once, and left alone."""
        [name] = self.running()
        image = self.site.cloud.store.get(Image, IMAGE)
        self.site.kill("cloud")
        self.site.daemons["cloud"].disk = Disk({(Image, IMAGE): image})
        with capturedLogs() as logs:
            self.site.start("cloud")
            self.site.run(3600)
        told = [e for e in logs if "knows nothing of" in (e["log_format"] or "")]
        self.assertEqual([e["instance_id"] for e in told], [name])
        self.assertEqual(len(self.site.domains()), 1)

    def test_not_ours_any_more(self) -> None:
        """
        Who may not act any more, but does not know it yet, asks a cluster nothing,
        keeps nothing of what it tells, and has nothing done.
        """
        [name] = self.running()
        zone = self.site.cloud.clusters._zones["north"]
        zone._may_act = lambda: False
        self.site.run(1)
        sequence = zone._view.sequence
        self.site.cloud.terminate(name)
        self.launch()
        self.site.kill(self.node_of(name))
        self.site.run(200)
        self.assertEqual(len(self.site.domains()), 1)
        self.assertTrue(self.is_in(name, InstanceState.SHUTTING_DOWN))
        # What had been asked may be answered; that is not acknowledged.
        self.assertLessEqual(zone._view.sequence, sequence + 1)
