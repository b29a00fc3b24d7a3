"""The signed service of a tier, without sockets."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve
from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.configuration import Configuration
from euca_tw.admin.daemon import Daemon
from euca_tw.admin.identities import file_names, new_identity
from euca_tw.admin.sections import HeadSection
from euca_tw.cc import tap as cc_tap
from euca_tw.common.config import ConfigError
from euca_tw.nodectl import tap as nc_tap
from euca_tw.overlay.settings import MANAGED, STATIC, NetworkSettings
from euca_tw.vnet import tap as vnet_tap
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
            head=evolve(
                plain.head,
                state_dir=directory / "head",
                carries="memory",
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

    def knock(self, name: str, times: int) -> None:
        """Strangers, all from one address."""
        [(_, site, _, _)] = self.machine.reactor.tcpServers
        channel = site.buildProtocol(None)
        transport = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 4711))
        channel.makeConnection(transport)
        head = f"POST /axis2/services/{name} HTTP/1.1\r\nHost: x\r\n".encode()
        rest = b"Content-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>"
        for _ in range(times):
            channel.dataReceived(head + rest)
            self.machine.reactor.advance(0.01)
        self.assertEqual(transport.value().count(b"HTTP/1.1 500"), times)

    def check_log(self, name: str, daemon: Daemon) -> None:
        """Strangers do not fill the log."""
        with capturedLogs() as events:
            self.knock(name, 300)
            self.successResultOf(daemon.stopService())
        told = [formatEvent(event) for event in events]
        first, *others = [each for each in told if "not let in" in each]
        self.assertIn("192.0.2.1 was not let in: MalformedXML: ", first)
        self.assertEqual(others, ["192.0.2.1 was not let in 299 more times in 3 s"])
        self.assertLess(len(told), 10)

    def check(self, name: str) -> None:
        described = self.get(f"/axis2/services/{name}?wsdl")
        self.assertIn(b"200 OK", described)
        self.assertIn(f"/axis2/services/{name}".encode(), described)
        self.assertIn(b"405 ", self.get(f"/axis2/services/{name}"))
        self.assertIn(b"404 ", self.get("/?wsdl"))
        self.assertIn(b"404 ", self.get("/axis2/services/Other"))

    def test_cluster(self) -> None:
        """A cluster controller is described at the original's path."""
        flat = evolve(self.configuration, network=NetworkSettings(mode=STATIC))
        daemon = cc_tap.daemon_of(flat, self.machine)
        daemon.startService()
        self.machine.reactor.run()
        self.check("EucalyptusCC")
        self.check_log("EucalyptusCC", daemon)

    def test_node(self) -> None:
        """A node controller is described at the original's path."""
        daemon = nc_tap.daemon_of(self.configuration, self.machine)
        daemon.startService()
        self.machine.reactor.run()
        self.check("EucalyptusNC")
        self.check_log("EucalyptusNC", daemon)

    def test_head(self) -> None:
        """A head is described at a path of our own."""
        daemon = vnet_tap.daemon_of(self.configuration, self.machine)
        daemon.startService()
        self.machine.reactor.run()
        self.check("EucalyptusHead")
        self.check_log("EucalyptusHead", daemon)

    def test_closed(self) -> None:
        """
        A head lets nothing out to the cloud's own private addresses, nor to what the
        site has closed.
        """
        configuration = evolve(
            self.configuration,
            head=HeadSection(closed=("192.168.0.0/16",), outer="eth0"),
            network=NetworkSettings(mode=MANAGED, private_range="10.64.0.0/10"),
        )
        closed = ("192.168.0.0/16", "10.64.0.0/10")
        section = vnet_tap.section_of(configuration)
        self.assertEqual(section, evolve(configuration.head, closed=closed))

    def test_closed_beside(self) -> None:
        """A head beside a machine that does not forward lets nothing out to it."""
        beside = {"namespace": "euca_head", "outer": "machine"}
        for given, is_closed in (
            (beside, True),
            ({**beside, "namespace_forwards": True}, False),
            ({**beside, "outer": "eth1"}, False),
            ({"outer": "machine"}, False),
        ):
            head = HeadSection(**given)  # type: ignore[arg-type]
            closed = vnet_tap.section_of(evolve(Configuration(), head=head)).closed
            self.assertEqual("0.0.0.0/0" in closed, is_closed, given)

    def test_managed(self) -> None:
        """Where networks are managed, cluster and node are put together with them."""
        cluster = self.configuration.cluster_controller
        managed = evolve(
            self.configuration,
            network=NetworkSettings(mode=MANAGED),
            cluster_controller=evolve(
                cluster,
                head_url="http://192.0.2.1:8777/",
                head_certificate=cluster.cloud_certificate,
            ),
        )
        for tap in (cc_tap, nc_tap):
            daemon = tap.daemon_of(managed, self.machine)
            with capturedLogs() as events:
                daemon.startService()
                self.machine.reactor.run()
                self.machine.reactor.pump([0.01] * 10)
                self.successResultOf(daemon.stopService())
            self.assertEqual([e for e in events if "log_failure" in e], [])

    def test_command_line(self) -> None:
        """What is said on the command line counts before the file."""
        options = vnet_tap.Options()
        options.parseOptions(["--listen", "tcp:1", "--carries", "memory"])
        head = vnet_tap.configured(Configuration(), options).head
        self.assertEqual((head.listen, head.carries), ("tcp:1", "memory"))
        options.parseOptions(["--carries", "paper"])
        with self.assertRaisesRegex(ConfigError, "--carries: 'paper' is none of"):
            vnet_tap.configured(Configuration(), options)
