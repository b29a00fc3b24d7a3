"""Daemons remember the messages that they took, over their restarts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import evolve
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.configuration import Configuration
from euca_tw.admin.daemon import REPLAYS, Daemon
from euca_tw.admin.identities import file_names, new_identity
from euca_tw.api.ec2.table import EC2
from euca_tw.cc import tap as cc_tap
from euca_tw.clc import tap as clc_tap
from euca_tw.common.replays import IReplays
from euca_tw.common.threads import ThisThread
from euca_tw.nodectl import tap as nc_tap
from euca_tw.overlay.settings import STATIC, NetworkSettings
from euca_tw.soap.addressing import ACTION, MESSAGE_ID, RECIPIENT, TO
from euca_tw.soap.envelope import SOAP_11
from euca_tw.soap.keys import Identity, load_identity
from euca_tw.soap.signing import signed
from euca_tw.store.replay_file import ReplayFile
from euca_tw.store.replays import FileReplays
from tests.admin.test_daemon import machine

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
NAMESPACE = "http://eucalyptus.ucsb.edu/"


def identity_in(directory: Path, key: str, certificate: str) -> Identity:
    return load_identity(
        (directory / key).read_bytes(), (directory / certificate).read_bytes()
    )


class ReplayCase(SynchronousTestCase):
    """A daemon that ends and starts anew, with its memory in a file."""

    path: str

    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir(mode=0o700)
        self.boot = "boot"
        self.now = NOW.timestamp()
        self.configuration = Configuration()
        self.machine = evolve(
            machine(lambda: self.fail("the daemon would end")),
            make_replays=self.make_replays,
        )

    def make_replays(self, path: Path) -> IReplays:
        replays: IReplays = FileReplays(
            ReplayFile(path, self.boot),
            self.machine.reactor,
            ThisThread,
            lambda call: call(),
            lambda failure: self.fail("the daemon would end"),
        )
        return replays

    def begin(self, make: Callable[[], Daemon]) -> Daemon:
        """Start a daemon; on a reactor of its own, for that listens once."""
        reactor = MemoryReactorClock()
        reactor.advance(self.now)
        self.machine = evolve(self.machine, reactor=reactor)
        daemon = make()
        daemon.startService()
        reactor.run()
        return daemon

    def post(self, document: bytes) -> bytes:
        [(_, site, _, _)] = self.machine.reactor.tcpServers
        channel, transport = site.buildProtocol(None), StringTransport()
        channel.makeConnection(transport)
        head = f"POST {self.path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n"
        head += f"Content-Length: {len(document)}\r\n\r\n"
        channel.dataReceived(head.encode() + document)
        self.machine.reactor.pump([0.01] * 20)
        return transport.value()

    def check(
        self, make: Callable[[], Daemon], sign: Callable[[datetime], bytes], state: Path
    ) -> None:
        daemon = self.begin(make)
        message, ahead = sign(NOW), sign(NOW + timedelta(seconds=15))
        for each in (message, ahead):
            self.assertIn(b"200 OK", self.post(each))
            self.assertIn(b"Message replay detected", self.post(each))
        self.assertTrue((state / REPLAYS).exists())
        for seconds in (5, 10):
            self.successResultOf(daemon.stopService())
            self.now = NOW.timestamp() + seconds
            daemon = self.begin(make)
            for each in (message, ahead):
                self.assertIn(b"Message replay detected", self.post(each))
            made = NOW + timedelta(seconds=seconds)
            self.assertIn(b"200 OK", self.post(sign(made)))
        self.successResultOf(daemon.stopService())
        # The machine loses its power.
        self.boot = "another"
        self.now = NOW.timestamp() + 60
        daemon = self.begin(make)
        for each in (message, ahead):
            self.assertNotIn(b"200 OK", self.post(each))
        self.assertIn(b"200 OK", self.post(sign(NOW + timedelta(seconds=60))))
        self.successResultOf(daemon.stopService())


class CloudTests(ReplayCase):
    """A cloud in one process."""

    path = "/services/Eucalyptus"

    def setUp(self) -> None:
        super().setUp()
        plain = Configuration()
        self.configuration = evolve(
            plain,
            cloud=evolve(
                plain.cloud,
                state_dir=self.directory,
                listen="tcp:8773:interface=127.0.0.1",
            ),
            node_controller=evolve(plain.node_controller, hypervisor="memory"),
        )

    def make(self) -> Daemon:
        return clc_tap.daemon_of(self.configuration, self.machine, is_all_in_one=True)

    def sign(self, now: datetime) -> bytes:
        directory = self.directory / "credentials" / "admin"
        identity = identity_in(directory, "pk.pem", "cert.pem")
        namespace = EC2.namespace_of(EC2.versions[0])
        entry = f'<DescribeKeyPairs xmlns="{namespace}"><keySet/></DescribeKeyPairs>'
        return signed(SOAP_11, (), entry, identity, now)

    def test_restart(self) -> None:
        """What a user has signed is taken once, however often the cloud starts."""
        self.check(self.make, self.sign, self.directory)

    def test_slow_clock(self) -> None:
        """
        At a cloud's first start nothing can have been taken before, so a clock that
        is behind is no harm; later it may be, where the memory is lost.
        """
        old = NOW - timedelta(seconds=60)
        for expected in (b"200 OK", b"InvalidSecurity"):
            daemon = self.begin(self.make)
            self.assertIn(expected, self.post(self.sign(old)))
            self.successResultOf(daemon.stopService())
            for path in self.directory.glob(f"{REPLAYS}*"):
                path.unlink()

    def test_elsewhere(self) -> None:
        """The memory is where the configuration says."""
        shared = self.directory / "shared"
        cloud = evolve(self.configuration.cloud, replays=shared)
        self.configuration = evolve(self.configuration, cloud=cloud)
        daemon = self.begin(self.make)
        self.assertIn(b"200 OK", self.post(self.sign(NOW)))
        self.successResultOf(daemon.stopService())
        self.assertTrue(shared.exists())
        self.assertFalse((self.directory / REPLAYS).exists())


class TierTests(ReplayCase):
    """Cluster and node controllers."""

    def setUp(self) -> None:
        super().setUp()
        new_identity(self.directory, "peer", NOW)
        key, certificate = file_names("peer")
        self.peer = identity_in(self.directory, key, certificate)
        peer, plain = self.directory / certificate, Configuration()
        self.configuration = evolve(
            plain,
            network=NetworkSettings(mode=STATIC),
            cluster_controller=evolve(
                plain.cluster_controller,
                state_dir=self.directory / "cc",
                cloud_certificate=peer,
            ),
            node_controller=evolve(
                plain.node_controller,
                state_dir=self.directory / "nc",
                hypervisor="memory",
                cluster_certificate=peer,
            ),
        )

    def check_tier(
        self,
        make: Callable[[], Daemon],
        state: Path,
        name: str,
        service: str,
        operation: str,
    ) -> None:
        self.path = f"/axis2/services/{service}"

        def sign(now: datetime) -> bytes:
            receiver = identity_in(state / "keys", *file_names(name))
            headers = [
                (TO, self.path),
                (ACTION, f"{service}#{operation}"),
                (MESSAGE_ID, "urn:uuid:1"),
                (RECIPIENT, receiver.fingerprint),
            ]
            entry = f'<{operation} xmlns="{NAMESPACE}"/>'
            return signed(SOAP_11, headers, entry, self.peer, now)

        self.check(make, sign, state)

    def test_cluster(self) -> None:
        """So is what a cloud has signed, by its cluster controllers."""
        self.check_tier(
            lambda: cc_tap.daemon_of(self.configuration, self.machine),
            self.directory / "cc",
            "cluster",
            "EucalyptusCC",
            "DescribeNetworks",
        )

    def test_node(self) -> None:
        """And what a cluster controller has signed, by its nodes."""
        self.check_tier(
            lambda: nc_tap.daemon_of(self.configuration, self.machine),
            self.directory / "nc",
            "node",
            "EucalyptusNC",
            "ncDescribeResource",
        )
