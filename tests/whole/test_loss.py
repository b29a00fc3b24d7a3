"""What is cut off, falls silent, or loses all that it knew."""

from __future__ import annotations

from attrs import evolve

from euca_tw.cc.records import Placement
from euca_tw.model.records import InstanceState
from euca_tw.sim.life import Disk
from tests.whole.case import WholeTestCase
from tests.whole.judgement import is_ended, is_forgotten, is_launched
from tests.whole.site import url_of


class CutTests(WholeTestCase):
    def test_silent_cluster(self) -> None:
        """
        Instances of a cluster that does not answer are told to be silent, not
        ended; when it answers they are as they were.
        """
        [name] = self.running()
        self.site.peers.cut(url_of("north"))
        self.site.run(20)
        self.assertFalse(self.instance(name).is_silent)
        self.site.run(3600)
        self.assertTrue(self.instance(name).is_silent)
        self.assertTrue(self.is_in(name, InstanceState.RUNNING))
        self.site.peers.mend(url_of("north"))
        took = self.until(lambda: is_launched(self.site))
        self.assertLess(took, 20)

    def test_silent_node(self) -> None:
        """So are those of a node that does not answer."""
        [name] = self.running()
        node = url_of(self.node_of(name))
        self.site.peers.cut(node)
        self.site.run(3600)
        self.assertTrue(self.instance(name).is_silent)
        self.assertTrue(self.is_in(name, InstanceState.RUNNING))
        self.site.peers.mend(node)
        self.assertLess(self.until(lambda: is_launched(self.site)), 20)

    def test_ended_while_cut(self) -> None:
        """
        What ended while its node was cut off, for however long, is told when it
        is not any more.
        """
        [name] = self.running()
        node = self.node_of(name)
        self.site.peers.cut(url_of(node))
        self.site.run(10)
        self.site.machines[node].hypervisor.power_off(name)
        self.site.run(24 * 3600)
        self.assertTrue(self.is_in(name, InstanceState.RUNNING))
        self.site.peers.mend(url_of(node))
        self.until(lambda: is_ended(self.site))
        self.assertEqual(
            self.instance(name).state_reason_code, "Client.InstanceInitiatedShutdown"
        )

    def test_terminated_while_cut(self) -> None:
        """
        What is to end on a node that is cut off is shutting down until the node
        itself has said that it ended.
        """
        [name] = self.running()
        node = url_of(self.node_of(name))
        self.site.peers.cut(node)
        self.site.cloud.terminate(name)
        self.site.run(3600)
        self.assertTrue(self.is_in(name, InstanceState.SHUTTING_DOWN))
        self.site.peers.mend(node)
        self.assertLess(self.until(lambda: is_ended(self.site)), 20)

    def test_no_launch_to_the_cut_off(self) -> None:
        """Nothing is placed on a node that does not answer."""
        self.site.peers.cut(url_of("north-1"))
        self.site.run(1)
        names = self.running(count=4)
        self.assertEqual({self.node_of(name) for name in names}, {"north-2"})

    def test_cluster_cut_at_launch(self) -> None:
        """What was taken before its cluster was cut off runs after that."""
        self.launch()
        self.site.peers.cut(url_of("north"))
        self.site.run(60)
        self.site.peers.mend(url_of("north"))
        self.until(lambda: is_launched(self.site) and self.site.domains() != [])

    def test_nodes_cut_at_launch(self) -> None:
        """
        So does what comes to its cluster when none of the nodes that could hold it
        is heard: that it will never fit is not said of a moment.
        """
        self.site.peers.latency_s = 0.1
        [name] = self.launch()
        nodes = [url_of(node) for node in self.site.cluster_nodes["north"]]
        for node in nodes:
            self.site.peers.cut(node)
        self.site.run(60)
        self.assertTrue(self.is_in(name, InstanceState.PENDING))
        for node in nodes:
            self.site.peers.mend(node)
        self.until(lambda: is_launched(self.site) and self.site.domains() != [])

    def test_nodes_without_hypervisor_at_launch(self) -> None:
        """
        So does what comes there when the nodes were just started, and do not know
        yet what they have, since their hypervisors do not answer.
        """
        self.site.peers.latency_s = 0.1
        [name] = self.launch()
        nodes = self.site.cluster_nodes["north"]
        for node in nodes:
            self.site.machines[node].hypervisor.disconnect()
            self.site.kill(node)
            self.site.start(node)
        self.site.run(60)
        self.assertTrue(self.is_in(name, InstanceState.PENDING))
        for node in nodes:
            self.site.machines[node].hypervisor.reconnect()
        self.until(lambda: is_launched(self.site) and self.site.domains() != [])


class LossTests(WholeTestCase):
    def lose(self, name: str) -> None:
        """A daemon and its disk."""
        self.site.kill(name)
        self.site.daemons[name].disk = Disk()

    def test_cluster_lost_everything(self) -> None:
        """A cluster controller that lost everything learns it from its nodes."""
        names = self.running(count=3)
        before = self.site.domains()
        self.lose("north")
        self.site.start("north")
        self.site.run(120)
        self.assertTrue(is_launched(self.site), self.site.describe())
        self.assertEqual(self.site.domains(), before)
        self.site.cloud.terminate(*names)
        self.until(lambda: is_ended(self.site))
        self.site.run_until(lambda: is_forgotten(self.site), 2000)

    def test_cluster_lost_everything_and_a_node_is_down(self) -> None:
        """Then nothing that ran is taken for ended, nor run twice."""
        names = self.running(count=4)
        down = self.site.daemons["north-1"]
        self.lose("north")
        self.site.kill("north-1")
        self.site.start("north")
        self.site.run(600)
        states = set(self.site.cloud.states().values())
        self.assertEqual(states, {InstanceState.RUNNING})
        self.assertEqual(len(self.site.domains()), 4)
        self.assertIsNone(down.life)
        self.site.cloud.terminate(*names)
        self.site.run(600)
        # The domains of the node that is down are still there, and so told.
        ending = [
            name
            for name, state in self.site.cloud.states().items()
            if state is InstanceState.SHUTTING_DOWN
        ]
        self.assertEqual(sorted(ending), sorted(n for _, n in self.site.domains()))
        self.site.start("north-1")
        self.until(lambda: is_ended(self.site))

    def test_cluster_lost_a_launch(self) -> None:
        """What a cluster took and lost before its node had it is launched anew."""
        self.site.peers.latency_s = 0.1
        self.launch()
        self.site.run_until(
            lambda: any(
                isinstance(record, Placement)
                for record in self.site.daemons["north"].disk.records.values()
            ),
            5,
        )
        self.lose("north")
        self.site.start("north")
        self.until(lambda: is_launched(self.site) and self.site.domains() != [])

    def test_node_lost_everything(self) -> None:
        """A node that lost everything learns it from its domains."""
        [name] = self.running()
        node = self.node_of(name)
        self.lose(node)
        self.site.start(node)
        self.site.run(600)
        self.assertTrue(is_launched(self.site), self.site.describe())
        self.assertEqual(self.site.domains(), [(node, name)])
        self.site.cloud.terminate(name)
        self.until(lambda: is_ended(self.site))

    def test_domain_tells_nothing(self) -> None:
        """
        Instances that a node runs and can learn nothing of stay as they were,
        told to be silent; and end, domain and all, when they are asked to.
        """
        [name] = self.running()
        node = self.node_of(name)
        self.lose(node)
        guest = self.site.machines[node].hypervisor._guests[name]
        guest.spec = evolve(guest.spec, memo="nothing to be read")
        self.site.start(node)
        self.site.run(600)
        self.assertTrue(self.is_in(name, InstanceState.RUNNING))
        self.assertTrue(self.instance(name).is_silent)
        self.assertEqual(self.site.domains(), [(node, name)])
        self.site.cloud.terminate(name)
        self.until(
            lambda: (
                self.is_in(name, InstanceState.TERMINATED) and self.site.domains() == []
            )
        )

    def test_node_was_switched_off(self) -> None:
        """What was gone when its node came back has ended, for the site's reason."""
        [name] = self.running()
        node = self.node_of(name)
        self.site.kill(node)
        self.site.machines[node].hypervisor.vanish(name)
        self.site.run(60)
        self.site.start(node)
        self.until(lambda: is_ended(self.site))
        self.assertEqual(self.instance(name).state_reason_code, "Server.InternalError")

    def test_cloud_lost_everything(self) -> None:
        """What a cloud knows nothing of is left alone."""
        self.running(count=2)
        image = [
            record
            for record in self.site.daemons["cloud"].disk.records.values()
            if type(record).__name__ == "Image"
        ]
        before = self.site.domains()
        self.lose("cloud")
        self.site.daemons["cloud"].disk.records = {
            (type(each), each.key): each for each in image
        }
        self.site.start("cloud")
        self.site.run(3600)
        self.assertEqual(self.site.domains(), before)
        self.assertEqual(self.site.cloud.states(), {})

    def test_cluster_is_taken_out(self) -> None:
        """
        An instance of a cluster that the site has no more ends when its user
        ends it, not before.
        """
        [name] = self.running()
        self.site.kill("cloud", "north")
        nodes = self.site.cluster_nodes.pop("north")
        self.site.start("cloud")
        self.site.run(3600)
        self.assertTrue(self.is_in(name, InstanceState.RUNNING))
        self.site.cloud.terminate(name)
        self.until(lambda: self.is_in(name, InstanceState.TERMINATED))
        self.assertEqual(len(nodes), 2)

    def test_node_is_taken_out(self) -> None:
        """So does one of a node that the site has no more."""
        [name] = self.running()
        node = self.node_of(name)
        self.site.kill("north", node)
        kept = tuple(n for n in self.site.cluster_nodes["north"] if n != node)
        self.site.cluster_nodes["north"] = kept
        self.site.start("north")
        self.site.run(3600)
        self.assertTrue(self.is_in(name, InstanceState.RUNNING))
        self.assertTrue(self.instance(name).is_silent)
        self.site.cloud.terminate(name)
        self.until(lambda: self.is_in(name, InstanceState.TERMINATED))
