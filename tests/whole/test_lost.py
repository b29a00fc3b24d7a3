"""Nodes and clusters that are declared lost, and come back."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred

from euca_tw.cc.settings import ClusterSettings
from euca_tw.clc.lost import NotDeclared
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.common.silence import AUTOMATIC
from euca_tw.model.records import GroupNetwork, InstanceState, LostCluster
from euca_tw.overlay.settings import NetworkSettings
from tests.whole.case import WholeTestCase
from tests.whole.judgement import is_ended, is_forgotten, is_launched
from tests.whole.mortal import Disk
from tests.whole.site import Site, url_of

RUNNING, TERMINATED = InstanceState.RUNNING, InstanceState.TERMINATED
AFTER_S = 900.0
LONG_S = 1000.0


class LostTestCase(WholeTestCase):
    """What an operator says of what is silent."""

    def declared(self, asking: Any) -> Any:
        """What a declaration returns."""
        waiting = Deferred.fromCoroutine(asking)
        self.site.run_until(lambda: waiting.called, 60)
        return self.successResultOf(waiting)

    def refused(self, asking: Any) -> str:
        """Why it is not made."""
        waiting = Deferred.fromCoroutine(asking)
        self.site.run_until(lambda: waiting.called, 60)
        return str(self.failureResultOf(waiting, NotDeclared).value)

    def lose_node(self, node: str) -> Any:
        return self.site.cloud.clusters.lost.declare_node(url_of(node))

    def lose_cluster(self, name: str) -> Any:
        return self.site.cloud.clusters.lost.declare(name)

    def zone(self, name: str = "north") -> Any:
        zones = self.site.cloud.clusters.zones()
        return next(zone for zone in zones if zone.name == name)

    def is_usable(self, name: str = "north", count: int = 8) -> bool:
        """Whether all its nodes' room can be had."""
        zone = self.zone(name)
        return bool(zone.is_reachable and zone.available["m1.small"] == count)

    def hold(self) -> None:
        """From now on no instance of a site is ever on two nodes."""

        def is_once(site: Site) -> bool:
            names = [name for _, name in site.domains()]
            return len(names) == len(set(names))

        self.site.always = is_once

    def check_reason(self, name: str, words: str) -> None:
        instance = self.instance(name)
        self.assertEqual(instance.state_reason_code, "Server.InternalError")
        self.assertIn(words, instance.state_reason)


class NodeTests(LostTestCase):
    def cut(self) -> tuple[str, str]:
        """An instance, and its node, which is not heard any more."""
        [name] = self.running()
        node = self.node_of(name)
        self.site.peers.cut(url_of(node))
        return name, node

    def test_not_too_soon(self) -> None:
        """No node is declared lost before its time, and it is said when that is."""
        name, node = self.cut()
        self.site.run(AFTER_S - 100)
        why = self.refused(self.lose_node(node))
        self.assertRegex(why, r"silent for 7\d\d s only.* after 900 s: in 1\d\d s")
        self.assertTrue(self.is_in(name, RUNNING))
        self.assertTrue(self.instance(name).is_silent)
        self.assertEqual([node.state for node in self.zone().nodes], ["silent"])

    def test_not_by_itself(self) -> None:
        """However long a node is silent, nobody but an operator says it is lost."""
        name, _ = self.cut()
        self.site.run(24 * 3600)
        self.assertTrue(self.is_in(name, RUNNING))

    def test_not_one_that_answers(self) -> None:
        """A node that answers, or is none, is not declared lost."""
        [name] = self.running()
        node = self.node_of(name)
        self.site.run(LONG_S)
        self.assertIn("answers", self.refused(self.lose_node(node)))
        self.assertIn("no cluster", self.refused(self.lose_node("nowhere")))
        self.assertTrue(self.is_in(name, RUNNING))

    def test_ended(self) -> None:
        """What was on a lost node has ended, and it is told why; other is not."""
        names = self.running(count=4)
        [node, other] = self.site.cluster_nodes["north"]
        gone = [name for at, name in self.site.domains() if at == node]
        kept = [name for name in names if name not in gone]
        self.assertEqual((len(gone), len(kept)), (2, 2))
        self.site.peers.cut(url_of(node))
        self.site.run(LONG_S)
        self.assertEqual(self.declared(self.lose_node(node)), url_of(node))
        self.until(lambda: all(self.is_in(name, TERMINATED) for name in gone), 5)
        for name in gone:
            self.check_reason(name, "Its node did not answer any more")
            self.assertFalse(self.instance(name).is_silent)
        self.assertTrue(all(self.is_in(name, RUNNING) for name in kept))
        [told] = self.zone().nodes
        self.assertEqual((told.url, told.state), (url_of(node), "lost"))
        self.assertIsNotNone(told.since)
        self.assertEqual({self.node_of(n) for n in self.launch_all(2)}, {other})

    def launch_all(self, count: int) -> tuple[str, ...]:
        names = self.launch(count=count)
        self.until(lambda: all(self.is_in(name, RUNNING) for name in names))
        return names

    def test_by_its_host(self) -> None:
        """A node may be named by its host."""
        _, node = self.cut()
        self.site.run(LONG_S)
        asking = self.site.cloud.clusters.lost.declare_node(node)
        self.assertEqual(self.declared(asking), url_of(node))

    def test_comes_back(self) -> None:
        """
        A lost node that comes back ends what it still ran, and is used only then.
        """
        self.hold()
        name, node = self.cut()
        self.site.run(LONG_S)
        self.declared(self.lose_node(node))
        self.until(lambda: self.is_in(name, TERMINATED), 5)
        self.assertEqual(self.site.domains(), [(node, name)])
        self.site.peers.mend(url_of(node))
        self.until(lambda: self.site.domains() == [], 30)
        self.assertFalse(self.is_usable())
        self.until(self.is_usable)
        self.assertEqual(self.zone().nodes, [])
        self.until(lambda: is_ended(self.site))
        self.running(count=8)
        self.site.run_until(lambda: is_launched(self.site), 60)

    def test_comes_back_late(self) -> None:
        """So it does when nobody but itself knows any more of what it ran."""
        name, node = self.cut()
        self.site.run(LONG_S)
        self.declared(self.lose_node(node))
        self.site.run(2 * 3600)
        self.assertNotIn(name, self.site.cloud.states())
        self.site.peers.mend(url_of(node))
        self.until(lambda: self.site.domains() == [], 30)
        self.until(self.is_usable)
        self.assertEqual([*self.zone().strangers], [])

    def test_comes_back_without_its_records(self) -> None:
        """And when the node has lost its own records, and its domains say nothing."""
        name, node = self.cut()
        self.site.run(LONG_S)
        self.declared(self.lose_node(node))
        self.site.run(2 * 3600)
        self.site.kill(node)
        self.site.daemons[node].disk = Disk()
        guest = self.site.machines[node].hypervisor._guests[name]
        guest.spec = evolve(guest.spec, memo="nothing to be read")
        self.site.peers.mend(url_of(node))
        self.site.start(node)
        self.site.run_until(lambda: self.site.domains() == [], 60)
        self.until(self.is_usable)

    def test_restarts(self) -> None:
        """A declaration outlives the cluster and the cloud controller."""
        self.hold()
        name, node = self.cut()
        self.site.run(LONG_S)
        self.declared(self.lose_node(node))
        self.site.kill("north", "cloud")
        self.site.start("north", "cloud")
        self.until(lambda: self.is_in(name, TERMINATED), 30)
        self.until(lambda: self.zone().is_reachable)
        self.assertEqual([told.state for told in self.zone().nodes], ["lost"])
        self.assertFalse(self.is_usable())
        self.site.peers.mend(url_of(node))
        self.until(self.is_usable)
        self.assertEqual(self.site.domains(), [])

    def test_taken_out(self) -> None:
        """
        A lost node that was taken out of the configuration, and is put in again, is
        lost still until it is empty.
        """
        name, node = self.cut()
        self.site.run(LONG_S)
        self.declared(self.lose_node(node))
        nodes = self.site.cluster_nodes["north"]
        for those in (tuple(n for n in nodes if n != node), nodes):
            self.site.run(2 * 3600)
            self.site.kill("north")
            self.site.cluster_nodes["north"] = those
            self.site.start("north")
        self.assertEqual(self.site.domains(), [(node, name)])
        self.site.peers.mend(url_of(node))
        self.until(lambda: self.site.domains() == [], 60)
        self.until(self.is_usable)
        self.assertEqual([*self.zone().strangers], [])

    def test_killed_meanwhile(self) -> None:
        """
        A cluster controller that is killed while a node is declared lost has done
        that or not, and nothing in between.
        """
        outcomes = set()
        for count in range(12):
            self.setUp()
            name, node = self.cut()
            self.site.run(LONG_S)
            asking = Deferred.fromCoroutine(self.lose_node(node))
            asking.addErrback(lambda failure: failure.trap(NotDeclared))
            for _ in range(count):
                self.site.step(60)
            self.site.kill("north")
            self.site.start("north")
            self.site.run(120)
            [told] = self.zone().nodes
            is_ended_ = self.is_in(name, TERMINATED)
            self.assertEqual(is_ended_, told.state == "lost")
            self.site.peers.mend(url_of(node))
            self.until(self.is_usable if is_ended_ else lambda: is_launched(self.site))
            domains = [] if is_ended_ else [(node, name)]
            self.assertEqual(self.site.domains(), domains)
            outcomes.add(is_ended_)
        self.assertEqual(outcomes, {False, True})

    def test_a_restart_begins_anew(self) -> None:
        """A cluster controller that was just started has not listened for long."""
        _, node = self.cut()
        self.site.run(LONG_S)
        self.site.kill("north")
        self.site.start("north")
        self.site.run(30)
        self.assertIn("s only", self.refused(self.lose_node(node)))

    def test_released_once(self) -> None:
        """The address and the room of what was lost can be had by others at once."""
        name, node = self.cut()
        cloud = self.site.cloud
        waiting = cloud.allocate()
        self.site.run_until(lambda: waiting.called, 5)
        public_ip = self.successResultOf(waiting)
        waiting = cloud.associate(public_ip, name)
        self.site.run_until(lambda: waiting.called, 5)
        self.site.run(LONG_S)
        self.declared(self.lose_node(node))
        self.until(lambda: self.is_in(name, TERMINATED), 5)
        [address] = cloud.addresses_held()
        self.assertIsNone(address.instance_id)
        [other] = self.launch()
        self.until(lambda: self.is_in(other, RUNNING))
        waiting = cloud.associate(public_ip, other)
        self.site.run_until(lambda: waiting.called, 5)
        self.site.peers.mend(url_of(node))
        self.until(lambda: is_launched(self.site) and self.is_usable(count=7))
        [address] = cloud.addresses_held()
        self.assertEqual(address.instance_id, other)

    def test_stopped_and_ending(self) -> None:
        """What was stopped there, stops, or shall end, has ended too."""
        names = self.running(count=8)
        node = self.site.cluster_nodes["north"][0]
        here = [name for at, name in self.site.domains() if at == node]
        cloud = self.site.cloud
        cloud.stop(here[0])
        self.until(lambda: self.is_in(here[0], InstanceState.STOPPED), 120)
        self.site.peers.cut(url_of(node))
        cloud.stop(here[1])
        cloud.terminate(here[2])
        cloud.start(here[0])
        self.site.run(LONG_S)
        self.declared(self.lose_node(node))
        self.until(lambda: all(self.is_in(name, TERMINATED) for name in here), 5)
        self.assertIn("User", self.instance(here[2]).state_reason)
        self.assertEqual(
            sorted(n for n in names if self.is_in(n, RUNNING)),
            sorted(set(names) - set(here)),
        )


class AutomaticNodeTests(LostTestCase):
    cluster_settings = ClusterSettings(declare_lost=AUTOMATIC, lost_after_s=300)

    def test_declared(self) -> None:
        """Where the site wants it, a node is lost after its time, and not before."""
        [name] = self.running()
        node = self.node_of(name)
        self.site.peers.cut(url_of(node))
        self.site.run(299)
        self.assertTrue(self.is_in(name, RUNNING))
        self.until(lambda: self.is_in(name, TERMINATED), 60)
        self.check_reason(name, "declared lost")

    def test_most_are_silent(self) -> None:
        """But not if most nodes are: it may be the cluster controller that is cut."""
        names = self.running(count=4)
        for node in self.site.cluster_nodes["north"]:
            self.site.peers.cut(url_of(node))
        self.site.run(24 * 3600)
        self.assertTrue(all(self.is_in(name, RUNNING) for name in names))

    def test_nobody_listened(self) -> None:
        """Time in which the cluster controller stood still is not silence."""
        [name] = self.running()
        node = self.node_of(name)
        self.site.peers.cut(url_of(node))
        self.site.run(100)
        # As when the process, or its machine, was stopped: all is late at once.
        self.site.clock.rightNow += 3600
        self.site.run(30)
        self.assertTrue(self.is_in(name, RUNNING))


class ClusterTests(LostTestCase):
    def cut(self) -> str:
        """An instance of a cluster that is not heard any more."""
        [name] = self.running()
        self.site.peers.cut(url_of("north"))
        return name

    def test_not_too_soon(self) -> None:
        """No cluster is declared lost before its time, or if it answers."""
        name = self.cut()
        self.site.run(AFTER_S - 100)
        self.assertIn("after 900 s: in 1", self.refused(self.lose_cluster("north")))
        self.assertIn("answers", self.refused(self.lose_cluster("south")))
        self.assertIn("north, south", self.refused(self.lose_cluster("east")))
        self.assertTrue(self.is_in(name, RUNNING))

    def test_ended(self) -> None:
        """What was in a lost cluster has ended; what is in others has not."""
        [other] = self.running("south")
        name = self.cut()
        self.site.run(LONG_S)
        self.declared(self.lose_cluster("north"))
        self.until(lambda: self.is_in(name, TERMINATED), 5)
        self.check_reason(name, "Its cluster did not answer any more")
        self.assertTrue(self.is_in(other, RUNNING))
        self.assertIsNotNone(self.zone().lost_since)
        self.assertFalse(self.zone().is_reachable)

    def test_comes_back(self) -> None:
        """A lost cluster that comes back ends all, and is used only then."""
        self.hold()
        name = self.cut()
        self.site.run(LONG_S)
        self.declared(self.lose_cluster("north"))
        self.until(lambda: self.is_in(name, TERMINATED), 5)
        self.site.peers.mend(url_of("north"))
        while self.site.domains():
            self.assertFalse(self.zone().is_reachable)
            self.site.step(60)
        self.until(self.is_usable)
        self.assertIsNone(self.zone().lost_since)
        self.running()
        self.site.run_until(lambda: is_launched(self.site), 60)

    def test_comes_back_late(self) -> None:
        """So it does when the cloud does not know any more of what it ran."""
        name = self.cut()
        self.site.run(LONG_S)
        self.declared(self.lose_cluster("north"))
        self.site.run(2 * 3600)
        self.assertNotIn(name, self.site.cloud.states())
        self.site.peers.mend(url_of("north"))
        self.until(lambda: self.site.domains() == [])
        self.until(self.is_usable)
        self.site.run_until(lambda: is_forgotten(self.site), 2000)

    def test_restarts(self) -> None:
        """A declaration outlives the cloud controller."""
        name = self.cut()
        self.site.run(LONG_S)
        self.declared(self.lose_cluster("north"))
        self.site.kill("cloud")
        self.site.start("cloud")
        self.until(lambda: self.is_in(name, TERMINATED), 5)
        self.site.peers.mend(url_of("north"))
        self.assertFalse(self.is_usable())
        self.until(lambda: self.site.domains() == [])
        self.until(self.is_usable)
        self.site.run(1)
        kept = self.site.daemons["cloud"].disk.records.values()
        self.assertFalse([each for each in kept if isinstance(each, LostCluster)])


class AutomaticClusterTests(LostTestCase):
    cloud_settings = ConvergenceSettings(declare_lost=AUTOMATIC, lost_after_s=300)

    def test_declared(self) -> None:
        """Where the site wants it, a cluster is lost after its time."""
        [name] = self.running()
        self.site.peers.cut(url_of("north"))
        self.site.run(299)
        self.assertTrue(self.is_in(name, RUNNING))
        self.until(lambda: self.is_in(name, TERMINATED), 100)


class ManagedTests(LostTestCase):
    network = NetworkSettings()

    def test_network_is_released(self) -> None:
        """
        The network of a group that had its instances on a lost node alone is given
        back once, as if the node had told that it carries it no more.
        """
        [name] = self.running()
        node = self.node_of(name)
        self.site.peers.cut(url_of(node))
        self.site.run(LONG_S)
        self.declared(self.lose_node(node))
        self.until(lambda: self.is_in(name, TERMINATED), 5)
        self.site.run_until(lambda: not self.networks(), 300)
        self.site.peers.mend(url_of(node))
        self.until(self.is_usable)
        self.assertEqual(self.site.leases(), set())
        self.running(count=8)
        self.assertEqual(len(self.networks()), 1)

    def networks(self) -> list[GroupNetwork]:
        return list(self.site.cloud.store.all(GroupNetwork))
