"""Tests of L{euca_tw.admin.names}, and of what a node is told by its configuration."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.configuration import Configuration
from euca_tw.admin.names import names_of, names_parts
from euca_tw.admin.node_doors import managed_network
from euca_tw.nodectl.tap import node_of
from euca_tw.overlay.settings import MANAGED, STATIC, NetworkSettings
from euca_tw.vnet.bridge import BridgeNodeNetwork
from euca_tw.vnet.host import NetworkHost
from euca_tw.vnet.names.resolvers import MachineResolvers
from euca_tw.vnet.responders import BridgeResponders
from tests.admin.test_daemon import machine

RANGE = "10.64.0.0/10"


class NamesOfTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.machine = machine()
        self.directory = Path(self.mktemp())

    def section(self, **given: Any) -> Any:
        return evolve(
            Configuration().node_controller, state_dir=self.directory, **given
        )

    def test_served(self) -> None:
        """A node serves the names of the cloud's domain, for its range."""
        names = names_of(self.section(), self.machine, "a.example", RANGE)
        assert names is not None
        self.assertEqual(names.zone.domain, "a.example")
        self.assertEqual(names.zone.ranges, (IPv4Network(RANGE),))
        self.assertIsInstance(names.forwarder.resolvers, MachineResolvers)
        (part,) = names_parts(names)
        self.successResultOf(part.stop())

    def test_resolvers(self) -> None:
        """It asks whom the site says, in place of whom the machine asks."""
        given = ("192.0.2.53", "2001:db8::53")
        section = self.section(resolvers=given)
        names = names_of(section, self.machine, "internal", RANGE)
        assert names is not None
        self.assertEqual(names.forwarder.resolvers(), given)

    def test_not_served(self) -> None:
        """Where the site does not want it, it serves none."""
        section = self.section(serves_names=False)
        names = names_of(section, self.machine, "internal", RANGE)
        self.assertIsNone(names)
        self.assertEqual(names_parts(names), ())

    def test_managed(self) -> None:
        """
        Managed networks have it on their bridges, and rules that let instances reach
        it; or neither.
        """
        network = NetworkSettings(mode=MANAGED, private_range=RANGE, domain="a.b")
        for serves in (True, False):
            found, _ = managed_network(
                self.section(serves_names=serves),
                self.machine,
                lambda private_ip: None,
                is_real=True,
                network=network,
            )
            host, responders = found.host, found.responders
            assert isinstance(host, NetworkHost)
            assert isinstance(responders, BridgeResponders)
            self.assertIs(host.rules._settings.serves_names, serves)
            names = responders._names
            self.assertIs(names is not None, serves)
            if names is not None:
                self.assertEqual(names.zone.ranges, (IPv4Network(RANGE),))
                self.assertEqual(names.zone.domain, "a.b")


class NodeTests(SynchronousTestCase):
    """L{node_of}."""

    def test_static(self) -> None:
        """On a flat network a node's names are those of its subnet."""
        section = evolve(
            Configuration().node_controller,
            state_dir=Path(self.mktemp()),
            hypervisor="qemu:///system",
            domain_type="qemu",
            bridge_address="10.90.16.1/20",
        )
        section.state_dir.mkdir()
        network = NetworkSettings(mode=STATIC, domain="a.b")
        controller, parts = node_of(section, machine(), "http://node/", network)
        bridge = controller._network
        assert isinstance(bridge, BridgeNodeNetwork)
        assert bridge._names is not None
        self.assertEqual(bridge._names.zone.ranges, (IPv4Network("10.90.16.0/20"),))
        self.assertIn("names", {part.name for part in parts})
