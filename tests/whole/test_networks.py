"""A cloud of two clusters whose networks are managed: what each machine is told."""

from __future__ import annotations

from ipaddress import IPv4Address

from attrs import evolve
from twisted.internet.defer import Deferred

from euca_tw.api.errors import InsufficientInstanceCapacity
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.model.records import GroupNetwork, InstanceState
from euca_tw.overlay.settings import MANAGED, STATIC, SYSTEM, NetworkSettings
from euca_tw.sim.life import Disk
from tests.whole.case import WholeTestCase
from tests.whole.judgement import is_ended, is_launched
from tests.whole.site import TWO, head_of, url_of
from tests.whole.views import are_right, carried, wanted

HEADS = tuple(map(head_of, TWO))
NODES = tuple(node for nodes in TWO.values() for node in nodes)


class NetworksTestCase(WholeTestCase):
    network = NetworkSettings(
        mode=MANAGED, private_range="10.1.0.0/24", addresses_per_network=16
    )

    def done(self, asked: Deferred[object]) -> object:
        self.site.run_until(lambda: asked.called, 5)
        return self.successResultOf(asked)

    def group(self, name: str) -> None:
        self.done(self.site.cloud.create_group(name))

    def running_in(self, zone: str, *groups: str) -> str:
        asked = self.site.cloud.launch(zone, groups=groups)
        [name] = self.done(asked)  # type: ignore[misc]
        self.until(lambda: is_launched(self.site))
        return str(name)

    def networks(self) -> list[GroupNetwork]:
        return [*self.site.cloud.store.all(GroupNetwork)]

    def right(self, within_s: float = 60) -> float:
        return self.until(lambda: are_right(self.site), within_s)


class LifeTests(NetworksTestCase):
    def test_one_network_everywhere(self) -> None:
        """
        Instances of a group are in one network, wherever they are, with addresses
        of their own that are known at once; every machine carries what it must.
        """
        first, second = self.launch("north"), self.launch("south")
        addresses = {self.instance(n).private_ip for n in (*first, *second)}
        self.assertEqual(addresses, {"10.1.0.2", "10.1.0.3"})
        self.until(lambda: is_launched(self.site))
        self.right()
        [network] = self.networks()
        self.assertEqual(network.zones, ("north", "south"))
        view = self.site.machines["south-1"].host.view
        assert view is not None
        [found] = view.networks.values()
        self.assertEqual({m.instance_id for m in found.members}, {*first, *second})
        self.assertIn(url_of(head_of("north")), view.machines)

    def test_stopped(self) -> None:
        """
        A stopped instance is a member of its network still, with its address; its
        public one is nobody's, and its place no other's.
        """
        name = self.running_in("north", "default")
        public_ip = self.done(self.site.cloud.allocate())
        self.done(self.site.cloud.associate(str(public_ip), name))
        self.right()
        before = self.instance(name)
        self.done(self.site.cloud.stop(name))
        self.until(lambda: self.is_in(name, InstanceState.STOPPED))
        self.right()
        self.assertEqual(self.instance(name).private_ip, before.private_ip)
        for head in self.site.heads.values():
            assert head.view is not None
            self.assertEqual(len(head.view.elastics), 0)
        other = self.running_in("south", "default")
        self.assertNotEqual(self.instance(other).private_ip, before.private_ip)
        self.done(self.site.cloud.start(name))
        self.until(lambda: is_launched(self.site))
        self.right()
        again = self.instance(name)
        self.assertEqual(
            (again.private_ip, again.network), (before.private_ip, before.network)
        )

    def test_other_groups(self) -> None:
        """
        An instance that is put into another group keeps its network and its
        address, and every machine knows whose rules are its.
        """
        self.group("web")
        name = self.running_in("north", "default")
        other = self.running_in("south", "web")
        self.done(self.site.cloud.authorize("web", "default"))
        self.right()
        before = self.instance(name)
        [web] = self.instance(other).groups
        self.done(self.site.cloud.modify(name, group_ids=(web.group_id,)))
        self.right()
        after = self.instance(name)
        self.assertEqual([each.name for each in after.groups], ["web"])
        self.assertEqual(
            (after.network, after.private_ip), (before.network, before.private_ip)
        )
        view = self.site.machines[self.node_of(name)].host.view
        assert view is not None
        self.assertIn(web.group_id, view.groups)
        self.done(self.site.cloud.terminate(name, other))
        self.until(lambda: is_ended(self.site))
        self.until(lambda: not self.networks())
        self.right()

    def test_given_by_the_cloud(self) -> None:
        """An address is the cloud's to give, whatever a cluster says."""
        name = self.running_in("north", "default")
        table = self.site.daemons["north"].service._changes
        told = table.get(name)
        net = evolve(told.instance.net_params, private_ip="no address")
        other = evolve(told.instance, net_params=net)
        table.put(name, evolve(told, instance=other))
        self.site.run(1)
        self.assertEqual(self.instance(name).private_ip, "10.1.0.2")
        self.right()

    def test_of_each_group(self) -> None:
        """
        Two groups have two networks, which nobody carries who need not; heads know
        where each is.
        """
        self.group("web")
        self.running_in("north", "default")
        name = self.running_in("south", "web", "default")
        self.right()
        first, second = self.networks()
        self.assertNotEqual(first.subnet, second.subnet)
        self.assertEqual(self.instance(name).network, second.number)
        view = self.site.machines["south-1"].host.view
        assert view is not None
        self.assertEqual({*view.networks}, {second.number})
        self.assertEqual(view.extents, {})
        for name, own in (("north", first), ("south", second)):
            seen = self.site.heads[name].view
            assert seen is not None
            self.assertEqual({*seen.networks}, {own.number})
            self.assertEqual(
                {number: each.clusters for number, each in seen.extents.items()},
                {first.number: {"north"}, second.number: {"south"}},
            )

    def test_no_sooner(self) -> None:
        """A guest runs only when its machine carries its network."""
        for machine in self.site.machines.values():
            machine.host.trouble = "no room"
        [name] = self.launch()
        self.site.run(20)
        self.assertEqual(self.site.domains(), [])
        asked = self.site.daemons["north"].service._changes.get(name)
        self.assertIn("no room", asked.reason)
        for machine in self.site.machines.values():
            machine.host.trouble = ""
        self.until(lambda: is_launched(self.site))
        self.right()

    def test_gone_with_the_last(self) -> None:
        """
        When the last instance has ended nobody carries its network any more, and
        its number is given to others.
        """
        name = self.running_in("north", "default")
        other = self.running_in("south", "default")
        self.site.cloud.terminate(name)
        self.until(lambda: self.is_in(name, InstanceState.TERMINATED))
        self.right()
        self.assertEqual(len(self.networks()), 1)
        self.site.cloud.terminate(other)
        self.until(lambda: is_ended(self.site))
        self.right()
        for view in carried(self.site).values():
            assert view is not None
            self.assertEqual(view.networks, {})
        self.until(lambda: self.networks() == [], 10)

    def test_not_while_it_is_there(self) -> None:
        """A number rests as long as a machine may still carry it."""
        name = self.running_in("north", "default")
        other = next(n for n in TWO["north"] if n != self.node_of(name))
        self.site.cloud.terminate(name)
        self.until(lambda: self.is_in(name, InstanceState.SHUTTING_DOWN), 5)
        self.site.peers.cut(url_of(head_of("north")))
        self.until(lambda: self.is_in(name, InstanceState.TERMINATED))
        self.site.run(600)
        [network] = self.networks()
        self.assertTrue(network.is_over)
        # Who comes into the group meanwhile is put into another.
        heir = self.running_in("north", "default")
        self.assertNotEqual(self.instance(heir).network, network.number)
        self.site.peers.mend(url_of(head_of("north")))
        self.until(lambda: len(self.networks()) == 1, 70)
        self.assertFalse(self.networks()[0].is_over)
        self.right()
        self.assertTrue(other)

    def test_full(self) -> None:
        """Where a network is full, or all networks are, a launch is refused."""
        for n in range(15):
            self.group(f"group-{n}")
            self.done(self.site.cloud.launch("north", groups=(f"group-{n}",)))
            self.site.cloud.terminate(*self.site.cloud.states())
        self.until(lambda: is_ended(self.site))
        asked = self.site.cloud.launch("north", 14)
        self.site.run(1)
        refusal = self.failureResultOf(asked, InsufficientInstanceCapacity).value
        self.assertIn("addresses", refusal.message)


class ChangeTests(NetworksTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.group("web")
        self.group("db")
        self.web = self.running_in("north", "web")
        self.db = self.running_in("south", "db")
        self.right()
        self.site.run(60)
        self.site.peers.latency_s = 0.01
        # Until long polls are asked anew, with that latency.
        self.site.run(70)

    def soon(self, asked: Deferred[object]) -> None:
        """What is asked reaches every machine within a tenth of a second."""
        before = wanted(self.site)
        self.done(asked)
        self.until(lambda: wanted(self.site) != before)
        self.assertLess(self.right(), 0.1)

    def test_rules(self) -> None:
        """What a rule lets in, its machines know soon; and when it is revoked."""
        self.soon(self.site.cloud.authorize("db", "web"))
        view = self.site.machines["south-1"].host.view
        assert view is not None
        [addresses] = view.sources.values()
        web = IPv4Address(self.instance(self.web).private_ip)
        self.assertEqual(addresses, frozenset({web}))
        self.soon(self.site.cloud.revoke("db", "web"))

    def test_source_grows(self) -> None:
        """Who comes into a group is let in soon where its members are."""
        self.done(self.site.cloud.authorize("db", "web"))
        self.right()
        self.soon(self.site.cloud.launch("north", groups=("web",)))
        self.until(lambda: is_launched(self.site))
        self.assertLess(self.right(), 0.1)
        view = self.site.machines["south-1"].host.view
        assert view is not None
        self.assertEqual([len(each) for each in view.sources.values()], [2])

    def test_address(self) -> None:
        """
        A public address is soon where its instance's way out is, and its instance
        is told of it.
        """
        public_ip = self.done(self.site.cloud.allocate())
        self.soon(self.site.cloud.associate(str(public_ip), self.web))
        view = self.site.heads["north"].view
        assert view is not None
        [elastic] = view.elastics.values()
        self.assertEqual(str(elastic.public_ip), public_ip)
        private_ip = self.instance(self.web).private_ip
        node = self.site.daemons[self.node_of(self.web)].service
        self.site.run(0.1)
        self.assertEqual(node.metadata_of(private_ip).public_ip, public_ip)
        self.soon(self.site.cloud.associate(str(public_ip), self.db))
        self.site.run(0.1)
        self.assertEqual(node.metadata_of(private_ip).public_ip, "")
        self.soon(self.site.cloud.release(str(public_ip)))

    def test_idle_is_silent(self) -> None:
        """When nothing changes, nothing is told."""
        told: list[str] = []
        for name, daemon in self.site.daemons.items():
            if name == "cloud":
                continue
            asked = daemon.service.dispatch

            def dispatch(
                operation: object,
                caller: object,
                request: object,
                asked: object = asked,
            ) -> object:
                told.append(operation.name)  # type: ignore[attr-defined]
                return asked(operation, caller, request)  # type: ignore[operator]

            served = self.site.peers._served[url_of(name)]
            self.site.peers._served[url_of(name)] = type(served)(served.api, dispatch)
        self.site.run(3600)
        self.assertEqual({each for each in told if "Networks" in each}, set())
        self.assertTrue(told)

    def test_served(self) -> None:
        """An instance is answered on its own bridge, and on no other."""
        self.running_in(self.zone_of(self.web), "db")
        self.right()
        private_ip = self.instance(self.web).private_ip
        mac = self.instance(self.web).mac_address
        machine = self.site.machines[self.node_of(self.web)]
        own = f"evb{self.instance(self.web).network:06x}"
        for bridge, (lease_of, metadata_of, _) in machine.responders.serving.items():
            self.assertEqual(lease_of(mac) is not None, bridge == own)
            self.assertEqual(metadata_of(private_ip) is not None, bridge == own)
        [lease] = [
            lease_of(mac)
            for b, (lease_of, _, _) in machine.responders.serving.items()
            if b == own
        ]
        self.assertEqual((lease.private_ip, lease.mtu), (private_ip, 1450))

    def zone_of(self, name: str) -> str:
        return self.instance(name).zone


class RestartTests(NetworksTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.first = self.running_in("north", "default")
        self.second = self.running_in("south", "default")
        self.right()

    def ended(self, name: str) -> None:
        self.site.cloud.terminate(name)
        self.until(lambda: self.is_in(name, InstanceState.TERMINATED))
        self.site.run(1)
        self.right()

    def watched(self) -> None:
        """From now on no machine is to lose what it carries."""
        before = carried(self.site)

        def is_kept(site: object) -> bool:
            return carried(self.site) == before

        self.site.always = is_kept

    def test_each_restarted(self) -> None:
        """
        Whatever daemon is killed and started again: no machine carries anything
        else for a moment, and what changes after that reaches all.
        """
        for name in (*TWO, *HEADS, *NODES, "cloud"):
            self.watched()
            self.site.kill(name)
            self.site.run(5)
            self.site.start(name)
            self.site.run(100)
            self.assertTrue(are_right(self.site), name)
            self.site.always = None
            other = self.running_in("south" if name == "south" else "north", "default")
            self.right()
            self.ended(other)

    def test_all_restarted(self) -> None:
        """So with all of them at once."""
        self.watched()
        names = (*TWO, *HEADS, *NODES, "cloud")
        self.site.kill(*names)
        self.site.run(5)
        self.site.start(*names)
        self.site.run(100)
        self.assertTrue(are_right(self.site))

    def test_served_at_once(self) -> None:
        """
        A node serves its instances from what it has kept, before its cluster is
        heard.
        """
        node = self.node_of(self.first)
        self.site.kill(node, "north", "cloud")
        # As after the machine itself was switched off and on, less the guests.
        self.site.machines[node].host.view = None
        self.site.start(node)
        self.site.run(1)
        machine = self.site.machines[node]
        assert machine.host.view is not None
        self.assertEqual(len(machine.host.view.networks), 1)
        [(lease_of, metadata_of, _)] = machine.responders.serving.values()
        domain = machine.hypervisor._guests[self.first]
        [nic] = domain.spec.nics
        lease = lease_of(nic.mac_address)
        assert lease is not None
        self.assertEqual(metadata_of(lease.private_ip).instance_id, self.first)

    def test_lost_everything(self) -> None:
        """A node, a head or a cluster that lost its disk is told all anew."""
        for name in (self.node_of(self.first), head_of("north"), "north"):
            self.site.kill(name)
            self.site.daemons[name].disk = Disk()
            self.watched()
            self.site.start(name)
            self.site.run(100)
            self.assertTrue(are_right(self.site), name)
            self.site.always = None

    def test_cut_off(self) -> None:
        """A machine that was cut off is told what it missed, when it is heard."""
        for name in (self.node_of(self.first), head_of("north"), "north"):
            self.site.peers.cut(url_of(name))
            self.site.run(1)
            other = self.running_in("south", "default")
            self.site.run(600)
            self.assertFalse(are_right(self.site))
            self.site.peers.mend(url_of(name))
            self.assertLess(self.right(), 40)
            self.ended(other)

    def test_trouble_of_a_head(self) -> None:
        """A head that cannot carry what it shall tries again, and says why."""
        self.site.heads["north"].trouble = "no bridges here"
        self.running_in("north", "default")
        self.site.run(60)
        self.assertFalse(are_right(self.site))
        service = self.site.daemons[head_of("north")].service
        self.assertEqual(service._carrying.trouble, "no bridges here")
        self.site.heads["north"].trouble = ""
        self.assertLess(self.right(), 40)
        self.flushLoggedErrors()


class ModeTests(NetworksTestCase):
    """Tiers that were configured for different modes."""

    cloud_settings = ConvergenceSettings(launch_deadline_s=60)

    def mixed(self, name: str) -> None:
        """Have one daemon started with a configuration of its own."""
        self.site.kill(name)
        network, self.site.network = self.site.network, NetworkSettings(mode=STATIC)
        self.site.start(name)
        self.site.network = network
        self.site.run(20)

    def reason(self) -> str:
        [name] = self.launch()
        self.until(lambda: self.is_in(name, InstanceState.TERMINATED), 100)
        self.flushLoggedErrors()
        return self.instance(name).state_reason

    def test_cluster(self) -> None:
        """A cluster of another mode runs nothing, and says what is wrong."""
        self.mixed("north")
        self.assertIn(
            "the cloud's networks are managed, and those of north are static",
            self.reason(),
        )

    def test_node(self) -> None:
        """So a node."""
        for name in TWO["north"]:
            self.mixed(name)
        self.assertIn("and those of http://north-", self.reason())


class SystemTests(WholeTestCase):
    """A cloud on the site's own network."""

    network = NetworkSettings(mode=SYSTEM)

    def test_runs(self) -> None:
        """Instances run; their addresses nobody here knows."""
        names = self.running(count=2)
        self.assertEqual({self.instance(name).private_ip for name in names}, {""})
        self.site.cloud.terminate(*names)
        self.until(lambda: is_ended(self.site))
