"""The signed service of a tier, without sockets."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.configuration import Configuration
from euca_tw.admin.identities import file_names, new_identity
from euca_tw.cc import tap as cc_tap
from euca_tw.nodectl import tap as nc_tap
from tests.admin.test_daemon import machine

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


class TierTests(SynchronousTestCase):
    def setUp(self) -> None:
        directory = Path(self.mktemp())
        new_identity(directory, "peer", NOW)
        peer = directory / file_names("peer")[1]
        self.machine = machine(lambda: self.fail("the daemon would end"))
        self.machine.reactor.advance(NOW.timestamp())
        plain = Configuration()
        self.configuration = evolve(
            plain,
            cluster_controller=evolve(
                plain.cluster_controller,
                state_dir=directory / "cc",
                cloud_certificate=peer,
            ),
            node_controller=evolve(
                plain.node_controller,
                state_dir=directory / "nc",
                hypervisor="memory",
                cluster_certificate=peer,
            ),
        )

    def get(self, target: str) -> bytes:
        [(_, site, _, _)] = self.machine.reactor.tcpServers
        channel, transport = site.buildProtocol(None), StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        self.machine.reactor.pump([0.01] * 10)
        return transport.value()

    def check(self, name: str) -> None:
        described = self.get(f"/axis2/services/{name}?wsdl")
        self.assertIn(b"200 OK", described)
        self.assertIn(f"/axis2/services/{name}".encode(), described)
        self.assertIn(b"405 ", self.get(f"/axis2/services/{name}"))
        self.assertIn(b"404 ", self.get("/?wsdl"))
        self.assertIn(b"404 ", self.get("/axis2/services/Other"))

    def test_cluster(self) -> None:
        """A cluster controller is described at the original's path."""
        daemon = cc_tap.daemon_of(self.configuration, self.machine)
        daemon.startService()
        self.machine.reactor.run()
        self.check("EucalyptusCC")
        self.successResultOf(daemon.stopService())

    def test_node(self) -> None:
        """A node controller is described at the original's path."""
        daemon = nc_tap.daemon_of(self.configuration, self.machine)
        daemon.startService()
        self.machine.reactor.run()
        self.check("EucalyptusNC")
        self.successResultOf(daemon.stopService())
