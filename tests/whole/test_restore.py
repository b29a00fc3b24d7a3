"""
A cloud controller that lost its state, or came back with an older one: what runs
goes on, with its networks, until a person decides.
"""

from __future__ import annotations

from datetime import UTC, datetime

from euca_tw.api.errors import InsufficientAddressCapacity, InsufficientInstanceCapacity
from euca_tw.clc.networks import CloudNetworks
from euca_tw.model.records import Image, Instance, InstanceState, Restored
from euca_tw.overlay.settings import MANAGED, NetworkSettings
from euca_tw.sim.life import Disk
from euca_tw.store.interfaces import Put
from tests.whole.case import WholeTestCase
from tests.whole.judgement import is_launched
from tests.whole.views import are_right, carried


class RestoreTestCase(WholeTestCase):
    network = NetworkSettings(
        mode=MANAGED, private_range="10.1.0.0/24", addresses_per_network=16
    )

    @property
    def networks(self) -> CloudNetworks:
        found = self.site.cloud.networks
        assert found is not None
        return found

    def running_in(self, zone: str) -> str:
        asked = self.site.cloud.launch(zone, groups=("default",))
        self.site.run_until(lambda: asked.called, 5)
        [name] = self.successResultOf(asked)
        self.until(lambda: is_launched(self.site))
        self.until(lambda: are_right(self.site))
        return str(name)

    def backup(self) -> Disk:
        return Disk(dict(self.site.daemons["cloud"].disk.records))

    def restore(self, disk: Disk, *others: str, seconds: float = 60) -> None:
        """
        Start the cloud anew with another disk.

        @param others: what is killed, and started anew, with it.
        """
        self.site.kill("cloud", *others)
        self.site.daemons["cloud"].disk = disk
        self.site.start("cloud", *others)
        self.site.run(seconds)

    def empty(self) -> Disk:
        """What a cloud begins with."""
        disk = Disk()
        records = self.site.daemons["cloud"].disk.records.values()
        disk.write([Put(each) for each in records if isinstance(each, Image)])
        return disk

    def has_network(self, name: str) -> bool:
        """Whether the node of an instance carries its network, with it."""
        view = self.site.machines[self.node_of(name)].host.view
        assert view is not None
        return any(
            member.instance_id == name
            for network in view.networks.values()
            for member in network.members
        )

    def accept(self, zone: str) -> None:
        self.successResultOf(self.networks.accept(zone))
        self.site.run(60)

    def refusal(self) -> str:
        asked = self.site.cloud.launch("south", groups=("default",))
        self.site.run(5)
        failure = self.failureResultOf(asked, InsufficientInstanceCapacity)
        return str(failure.value)


class OlderTests(RestoreTestCase):
    """An older state."""

    def test_held(self) -> None:
        """
        What was launched since runs on, in its network, however long; the cluster
        holds on to what it was told, and is warned of.
        """
        old = self.running_in("north")
        backup = self.backup()
        new = self.running_in("north")
        before = carried(self.site)
        self.restore(backup, seconds=3600)
        self.assertTrue(self.networks.holds("north"))
        self.assertEqual(carried(self.site), before)
        self.assertTrue(self.has_network(old))
        self.assertTrue(self.has_network(new))
        self.assertTrue(self.is_in(old, InstanceState.RUNNING))
        [zone] = [z for z in self.site.cloud.clusters.zones() if z.name == "north"]
        self.assertEqual([each.instance_id for each in zone.strangers], [new])

    def test_nothing_is_given_away(self) -> None:
        """While it is not known what is free, nothing is launched or allocated."""
        self.running_in("north")
        backup = self.backup()
        self.running_in("north")
        self.restore(backup)
        self.assertIn("its operator has yet to say", self.refusal())
        self.failureResultOf(self.site.cloud.allocate(), InsufficientAddressCapacity)

    def test_accepted(self) -> None:
        """
        When an operator says so the cluster takes the older state: what it does not
        know runs on without a network, and all else is as ever.
        """
        old = self.running_in("north")
        backup = self.backup()
        new = self.running_in("north")
        self.restore(backup)
        self.accept("north")
        self.assertFalse(self.networks.is_holding)
        self.assertTrue(self.has_network(old))
        self.assertFalse(self.has_network(new))
        self.assertIn(new, [name for _, name in self.site.domains()])
        [other] = self.launch("north")
        self.until(lambda: self.is_in(other, InstanceState.RUNNING))
        self.until(lambda: self.has_network(other))
        self.site.kill("cloud")
        self.site.start("cloud")
        self.site.run(60)
        self.assertFalse(self.networks.is_holding)
        self.assertTrue(self.has_network(other))

    def test_cluster_restarted(self) -> None:
        """A cluster that was started anew meanwhile holds on all the same."""
        self.running_in("north")
        backup = self.backup()
        new = self.running_in("north")
        self.restore(backup, "north", "south", *self.site.machines)
        self.assertTrue(self.networks.holds("north"))
        self.assertTrue(self.has_network(new))
        self.site.kill("north")
        self.site.start("north")
        self.site.run(60)
        self.assertTrue(self.networks.holds("north"))
        self.assertTrue(self.has_network(new))

    def test_busy_since(self) -> None:
        """However much the older state has changed since, it is the older one."""
        self.running_in("north")
        backup = self.backup()
        new = self.running_in("north")
        self.site.kill("north")
        self.restore(backup)
        for n in range(40):
            asked = self.site.cloud.create_group(f"group-{n}")
            self.site.run_until(lambda asked=asked: asked.called, 5)
        self.site.start("north")
        self.site.run(60)
        self.assertTrue(self.networks.holds("north"))
        self.assertTrue(self.has_network(new))

    def test_newer_after_all(self) -> None:
        """
        When the lost state is found, the cluster that held on to it goes on by
        itself; one that had taken the older state waits for an operator.
        """
        self.running_in("north")
        backup = self.backup()
        self.running_in("north")
        newest = self.backup()
        self.restore(backup)
        self.assertTrue(self.networks.is_holding)
        self.restore(newest)
        self.assertFalse(self.networks.holds("north"))
        self.assertTrue(self.networks.holds("south"))
        self.accept("south")
        self.assertFalse(self.networks.is_holding)
        self.until(lambda: are_right(self.site))

    def test_nothing_told_since(self) -> None:
        """A state than which nothing newer was told is taken at once."""
        self.running_in("north")
        backup = self.backup()
        asked = self.site.cloud.create_group("other")
        self.site.run_until(lambda: asked.called, 5)
        self.site.run(5)
        self.restore(backup)
        self.assertFalse(self.networks.is_holding)
        self.until(lambda: are_right(self.site))

    def test_ended_since(self) -> None:
        """
        What ended since is told to be silent, and does not come back; its user can
        end it once more.
        """
        old = self.running_in("north")
        backup = self.backup()
        self.site.cloud.terminate(old)
        self.until(lambda: self.is_in(old, InstanceState.TERMINATED))
        self.site.run(3600)
        self.restore(backup)
        self.assertTrue(self.is_in(old, InstanceState.RUNNING))
        self.assertTrue(self.instance(old).is_silent)
        self.assertEqual(self.site.domains(), [])
        self.site.cloud.terminate(old)
        self.until(lambda: self.is_in(old, InstanceState.TERMINATED))

    def test_pending_then(self) -> None:
        """
        What was on its way then, and has run since, is found to run, though its
        deadline is long over; it is not ended.
        """
        [name] = self.launch("north")
        backup = self.backup()
        self.assertIs(backup.records[Instance, name].state, InstanceState.PENDING)
        self.until(lambda: is_launched(self.site))
        self.site.run(7200)
        self.restore(backup)
        self.assertTrue(self.is_in(name, InstanceState.RUNNING))
        self.assertEqual([each for _, each in self.site.domains()], [name])

    def test_pending_then_ended_since(self) -> None:
        """What was on its way then, and has ended since, is not launched again."""
        [name] = self.launch("north")
        backup = self.backup()
        self.until(lambda: is_launched(self.site))
        self.site.cloud.terminate(name)
        self.site.run(7200)
        self.restore(backup)
        self.assertEqual(self.site.domains(), [])
        self.assertTrue(self.is_in(name, InstanceState.TERMINATED))

    def test_started_since(self) -> None:
        """What was stopped and started since runs, and can be stopped."""
        name = self.running_in("north")
        backup = self.backup()
        self.site.cloud.stop(name)
        self.until(lambda: self.is_in(name, InstanceState.STOPPED))
        self.site.cloud.start(name)
        self.until(lambda: self.is_in(name, InstanceState.RUNNING))
        self.restore(backup)
        self.assertTrue(self.is_in(name, InstanceState.RUNNING))
        self.site.cloud.stop(name)
        self.until(lambda: self.is_in(name, InstanceState.STOPPED))
        self.assertEqual(self.site.domains(), [])


class EmptyTests(RestoreTestCase):
    """No state at all."""

    def test_held(self) -> None:
        """All that runs goes on, in its networks, in every cluster."""
        names = [self.running_in("north"), self.running_in("south")]
        before = carried(self.site)
        self.restore(self.empty(), seconds=3600)
        self.assertEqual(carried(self.site), before)
        self.assertTrue(all(map(self.has_network, names)))
        for zone in ("north", "south"):
            self.assertTrue(self.networks.holds(zone))
        self.accept("north")
        self.assertTrue(self.networks.is_holding)
        self.assertTrue(self.has_network(names[1]))
        self.accept("south")
        self.assertFalse(self.networks.is_holding)

    def test_not_held(self) -> None:
        """Only what holds on to something can be told to let go of it."""
        for zone in ("north", "nowhere"):
            self.failureResultOf(self.networks.accept(zone), LookupError)


class MarkedTests(RestoreTestCase):
    """A state that is known to have been restored."""

    def setUp(self) -> None:
        super().setUp()
        self.running_in("north")
        self.disk = self.backup()
        moment = datetime.fromtimestamp(self.site.clock.seconds(), UTC)
        self.disk.write([Put(Restored(at=moment, made_at=moment))])

    def test_all_heard(self) -> None:
        """When all clusters have taken it, it is a state as any other."""
        self.restore(self.disk)
        self.assertFalse(self.networks.is_holding)
        self.assertEqual([*self.site.cloud.store.all(Restored)], [])
        self.running_in("south")

    def test_one_is_down(self) -> None:
        """
        As long as a cluster has not been heard nothing is launched, for it may have
        what nobody knows of; unless an operator says that it has not.
        """
        self.site.kill("north")
        self.restore(self.disk)
        self.refusal()
        self.accept("north")
        self.assertFalse(self.networks.is_holding)
        self.site.start("north")
        self.site.run(60)
        self.assertFalse(self.networks.is_holding)
        self.until(lambda: are_right(self.site))
