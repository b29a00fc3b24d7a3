"""A cloud put together: what it writes, serves and needs, without sockets."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from attrs import evolve
from lxml import etree
from twisted.application.service import IService, IServiceMaker
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel, capturedLogs
from twisted.plugin import getPlugins
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.admin.cloud import Cloud
from euca_tw.admin.configuration import Configuration
from euca_tw.admin.daemon import Daemon
from euca_tw.admin.identities import own_identity
from euca_tw.api.ec2.table import EC2
from euca_tw.cc import tap as cc_tap
from euca_tw.clc import tap as clc_tap
from euca_tw.clc.dispatch import answers
from euca_tw.clc.subjects import SUBJECTS
from euca_tw.common.certificates import der_of
from euca_tw.common.config import ConfigError
from euca_tw.nodectl import tap as nc_tap
from euca_tw.overlay.settings import STATIC, NetworkSettings
from euca_tw.soap.envelope import SOAP_11
from euca_tw.soap.keys import load_identity
from euca_tw.soap.signing import SHA1, SHA256, Suite, signed
from euca_tw.vnet import tap as head_tap
from tests.admin.test_daemon import machine
from tests.compat.cloud import read_eucarc
from tests.soap.messages import altered, each_form


class AllInOneTests(SynchronousTestCase):
    """C{--all-in-one --hypervisor memory} on a reactor of memory."""

    def setUp(self) -> None:
        self.state_dir = Path(self.mktemp())
        self.state_dir.mkdir()
        self.machine = machine(self.failed)
        self.machine.reactor.advance(1_796_000_000)
        plain = Configuration()
        self.configuration = evolve(
            plain,
            cloud=evolve(
                plain.cloud,
                state_dir=self.state_dir,
                listen="tcp:8773:interface=127.0.0.1",
            ),
            node_controller=evolve(plain.node_controller, hypervisor="memory"),
        )
        self.daemon = self.make()

    def make(self) -> Daemon:
        return clc_tap.daemon_of(self.configuration, self.machine, is_all_in_one=True)

    def failed(self) -> None:
        self.fail("the daemon would end")

    def start(self) -> None:
        self.daemon.startService()
        self.machine.reactor.run()
        self.addCleanup(lambda: self.successResultOf(self.daemon.stopService()))

    def ask(self, request: str, body: bytes = b"") -> bytes:
        [(_, site, _, _)] = self.machine.reactor.tcpServers
        channel, transport = site.buildProtocol(None), StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(f"{request}\r\nHost: x\r\n\r\n".encode() + body)
        self.machine.reactor.pump([0.01] * 10)
        return transport.value()

    def test_service(self) -> None:
        """It is a service, and before it starts it listens nowhere."""
        verifyObject(IService, self.daemon)
        self.assertEqual(self.machine.reactor.tcpServers, [])
        self.assertEqual(self.machine.reactor.unixServers, [])

    def test_listens(self) -> None:
        """Started, it listens at one port of loopback, and for operators."""
        self.start()
        [(port, _, _, interface)] = self.machine.reactor.tcpServers
        self.assertEqual((port, interface), (8773, "127.0.0.1"))
        self.assertEqual(len(self.machine.reactor.unixServers), 1)

    def test_managed(self) -> None:
        """
        Networks are managed if nothing else is said, and there is a head too, which
        the cluster tells; all of it in memory, or not at all.
        """
        with capturedLogs() as events:
            self.start()
            self.machine.reactor.pump([0.01] * 100)
        self.assertEqual([e for e in events if "log_failure" in e], [])
        heads = [p for p in self.daemon.parts if p.name == "NetworkHead"]
        self.assertEqual(len(heads), 1)
        real = evolve(self.configuration.node_controller, hypervisor="qemu:///system")
        self.configuration = evolve(self.configuration, node_controller=real)
        said = str(self.assertRaises(ConfigError, self.make))
        self.assertIn('set mode = "static", or run', said)

    def test_static(self) -> None:
        """Where it is said that they are static, there is none."""
        self.configuration = evolve(
            self.configuration, network=NetworkSettings(mode=STATIC)
        )
        self.daemon = self.make()
        self.start()
        self.assertNotIn("NetworkHead", [part.name for part in self.daemon.parts])

    def test_credentials(self) -> None:
        """The administrator's credentials are written, for his eyes only."""
        self.start()
        directory = self.state_dir / "credentials" / "admin"
        modes = {p.name: p.stat().st_mode & 0o777 for p in directory.iterdir()}
        names = ("eucarc", "cert.pem", "pk.pem", "cloud-cert.pem")
        self.assertEqual(modes, dict.fromkeys(names, 0o600))
        settings = read_eucarc(directory / "eucarc")
        url = "http://127.0.0.1:8773/services/Eucalyptus"
        self.assertEqual(settings["EC2_URL"], url)

    def test_sealing_key(self) -> None:
        """
        The key to the secrets is made at the first start, for its owner alone;
        at a later one without it, the operator is told in one line.
        """
        self.start()
        key = self.state_dir / "keys" / "secrets"
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        self.successResultOf(self.daemon.stopService())
        key.unlink()
        failures: list[str] = []
        self.machine = evolve(self.machine, fail=lambda: failures.append("ends"))
        self.daemon = self.make()
        with capturedLogs() as events:
            self.daemon.startService()
        self.assertEqual(failures, ["ends"])
        [event] = [e for e in events if e["log_level"] is LogLevel.critical]
        self.assertIn(f"{key} is missing", event["reason"])
        self.assertNotIn("\n", event["reason"])
        self.assertNotIn("log_failure", event)
        self.assertEqual(self.machine.reactor.tcpServers[1:], [])

    def test_doors(self) -> None:
        """Both doors and the descriptions answer at the one port."""
        self.start()
        query = self.ask("GET /?Action=DescribeInstances HTTP/1.1")
        self.assertIn(b"<Code>MissingAuthenticationToken</Code>", query)
        soap = self.ask(
            "POST /services/Eucalyptus HTTP/1.1\r\nContent-Type: text/xml\r\n"
            "Content-Length: 0"
        )
        self.assertIn(b"Fault", soap)
        described = self.ask("GET /doc/2008-02-01/AmazonEC2.wsdl HTTP/1.1")
        self.assertIn(b"http://127.0.0.1:8773/services/Eucalyptus", described)
        described = self.ask("GET /doc/2014-06-15/AmazonEC2.xsd HTTP/1.1")
        self.assertIn(b'targetNamespace="http://ec2.amazonaws.com/doc/2014', described)
        self.assertIn(b"404 Not Found", self.ask("GET /nothing HTTP/1.1"))

    def signed(self, suite: Suite) -> bytes:
        """A request by the administrator's own key."""
        directory = self.state_dir / "credentials" / "admin"
        pem = [(directory / name).read_bytes() for name in ("pk.pem", "cert.pem")]
        now = datetime.fromtimestamp(self.machine.reactor.seconds(), UTC)
        entry = f'<DescribeKeyPairs xmlns="{EC2.namespace_of(EC2.versions[0])}"/>'
        entry = entry.replace("/>", "><keySet/></DescribeKeyPairs>")
        return signed(SOAP_11, (), entry, load_identity(*pem), now, suite=suite)

    def post(self, document: bytes) -> bytes:
        text = "POST /services/Eucalyptus HTTP/1.1\r\nContent-Type: text/xml\r\n"
        length = f"Content-Length: {len(document)}"
        return self.ask(f"{text}{length}", document)

    def test_sha1(self) -> None:
        """Users may sign by SHA-1, unless the configuration says otherwise."""
        self.start()
        self.assertIn(b"200 OK", self.post(self.signed(SHA1)))

    def test_without_sha1(self) -> None:
        """Where they may not, the refusal says so; otherwise they may."""
        cloud = evolve(self.configuration.cloud, accept_sha1=False)
        self.configuration = evolve(self.configuration, cloud=cloud)
        self.daemon = self.make()
        self.start()
        refusal = self.post(self.signed(SHA1))
        self.assertIn(b"InvalidSecurity", refusal)
        self.assertIn(b"rsa-sha1", refusal)
        self.assertIn(b"200 OK", self.post(self.signed(SHA256)))

    def configure(self, **changed: Any) -> None:
        """Start with other options of the cloud's."""
        cloud = evolve(self.configuration.cloud, **changed)
        self.configuration = evolve(self.configuration, cloud=cloud)
        self.daemon = self.make()
        self.start()

    def ask_by_query(self, **given: str) -> bytes:
        now = datetime.fromtimestamp(self.machine.reactor.seconds(), UTC)
        stamp = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        asked = {"Action": "DescribeInstances", "Timestamp": stamp, "Signature": "x"}
        return self.ask(f"GET /?{urlencode(asked | given)} HTTP/1.1")

    def test_old_signatures(self) -> None:
        """Users may sign by old versions only where the configuration says so."""
        self.start()
        for version in "01":
            asked = {"AWSAccessKeyId": "a", "SignatureVersion": version}
            refusal = self.ask_by_query(**asked)
            self.assertIn(b"IncompleteSignature", refusal)
            self.assertIn(f"version {version} is not taken".encode(), refusal)

    def test_old_signatures_on(self) -> None:
        """There they may, and by no other."""
        self.configure(signature_versions=("0", "1"))
        for version, code in (("0", "AuthFailure"), ("2", "IncompleteSignature")):
            asked = {"AWSAccessKeyId": "a", "SignatureVersion": version}
            self.assertIn(f"<Code>{code}<".encode(), self.ask_by_query(**asked))

    def test_scopes(self) -> None:
        """Their credentials may be scoped as the configuration says."""
        self.configure(scope_regions=("north",), scope_services=("ec2",))
        for region, service, said in (
            ("south", "ec2", b"takes north alone"),
            ("north", "s3", b"takes ec2 alone"),
            ("north", "ec2", b"RequestTimeTooSkewed"),
        ):
            header = (
                f"AWS4-HMAC-SHA256 Credential=a/20260101/{region}/{service}"
                f"/aws4_request,SignedHeaders=host;x-amz-date,Signature={'0' * 64}"
            )
            refusal = self.ask(
                f"GET / HTTP/1.1\r\nAuthorization: {header}\r\n"
                "X-Amz-Date: 20260101T000000Z"
            )
            self.assertIn(said, refusal)

    def test_called_certificate(self) -> None:
        """The administrator's certificate need only be called, in each form."""
        self.start()
        pem = self.state_dir / "credentials" / "admin" / "cert.pem"
        for form in each_form(der_of(pem.read_bytes())).values():
            self.machine.reactor.advance(1)
            document = etree.tostring(altered(form, self.signed(SHA256)).root)
            self.assertIn(b"200 OK", self.post(document))

    def test_subjects(self) -> None:
        """It answers what is told that a cloud answers, no more and no less."""
        around = clc_tap.all_in_one(self.configuration, self.machine)
        now = datetime(2026, 11, 23, tzinfo=UTC)
        keys = own_identity(self.state_dir / "keys", "cloud", None, None, now)
        cloud = Cloud(self.configuration, self.machine, keys, around)
        self.assertEqual(
            cloud._dispatch().answered.keys(), answers(EC2, *SUBJECTS).keys()
        )

    def test_restart(self) -> None:
        """The second start of a cloud gives no other credentials."""
        self.start()
        eucarc = self.state_dir / "credentials" / "admin" / "eucarc"
        before = eucarc.read_bytes()
        self.successResultOf(self.daemon.stopService())
        self.daemon = self.make()
        self.daemon.startService()
        self.assertEqual(eucarc.read_bytes(), before)


class MakeServiceTests(SynchronousTestCase):
    """What C{twistd} calls."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir(mode=0o700)
        self.config = self.directory / "euca.toml"
        self.config.write_text("")

    def options(self, tap: Any, *arguments: str) -> Any:
        options = tap.Options()
        options.parseOptions(
            [
                *("--config", str(self.config)),
                *("--state-dir", str(self.directory / "state")),
                *arguments,
            ]
        )
        return options

    def refused(self, tap: Any, *arguments: str) -> str:
        options = self.options(tap, *arguments)
        said = str(self.assertRaises(SystemExit, tap.makeService, options))
        self.assertNotIn("\n", said)
        return said

    def test_plugins(self) -> None:
        """twistd lists the four daemons."""
        ours = {
            plugin.tapname: plugin.module
            for plugin in getPlugins(IServiceMaker)
            if plugin.tapname.startswith("euca-")
        }
        expected = {
            "euca-clc": "euca_tw.clc.tap",
            "euca-cc": "euca_tw.cc.tap",
            "euca-nc": "euca_tw.nodectl.tap",
            "euca-head": "euca_tw.vnet.tap",
        }
        self.assertEqual(ours, expected)

    def test_cloud(self) -> None:
        """A cloud of memory is made; its state directory is private."""
        daemon = clc_tap.makeService(
            self.options(clc_tap, "--all-in-one", "--hypervisor", "memory")
        )
        verifyObject(IService, daemon)
        self.assertEqual((self.directory / "state").stat().st_mode & 0o777, 0o700)

    def test_all_in_one_for_real(self) -> None:
        """
        Where domains are real, who runs them may pass to their disks, and see
        nothing else on the way.
        """
        arguments = ("--all-in-one", "--hypervisor", "qemu:///system")
        self.config.write_text("[network]\nmode = 'static'")
        clc_tap.makeService(self.options(clc_tap, *arguments))
        state = self.directory / "state"
        self.assertEqual(state.stat().st_mode & 0o777, 0o711)
        for each in state.iterdir():
            others = 0o001 if each.name in ("node", "cluster") else 0
            self.assertEqual(each.stat().st_mode & 0o077 & ~0o010, others, each.name)
        clc_tap.makeService(self.options(clc_tap, *arguments))

    def test_cloud_alone(self) -> None:
        """A cloud controller without clusters is made."""
        verifyObject(IService, clc_tap.makeService(self.options(clc_tap)))

    def test_cluster(self) -> None:
        """A cluster controller is made, with a certificate to let in."""
        clc_tap.makeService(self.options(clc_tap))
        self.config.write_text(
            "[network]\nmode = 'static'\n"
            "[cluster_controller]\ncloud_certificate = 'state/keys/cloud-cert.pem'\n"
            "[[node]]\nurl = 'http://n/'\ncertificate = 'state/keys/cloud-cert.pem'"
        )
        verifyObject(IService, cc_tap.makeService(self.options(cc_tap)))

    def test_node(self) -> None:
        """A node controller is made, with a certificate to let in."""
        clc_tap.makeService(self.options(clc_tap))
        self.config.write_text(
            "[node_controller]\ncluster_certificate = 'state/keys/cloud-cert.pem'"
        )
        options = self.options(nc_tap, "--hypervisor", "memory")
        verifyObject(IService, nc_tap.makeService(options))

    def test_nobody_let_in(self) -> None:
        """A tier that would let nobody in says what is missing."""
        self.config.write_text("[network]\nmode = 'static'")
        said = self.refused(cc_tap)
        self.assertIn("euca-cc: ", said)
        self.assertIn("cloud_certificate: is missing", said)
        said = self.refused(nc_tap, "--hypervisor", "memory")
        self.assertIn("cluster_certificate: is missing", said)

    def test_no_head(self) -> None:
        """A cluster controller that knows no head is told so, and what to do."""
        said = self.refused(cc_tap)
        self.assertIn("[cluster_controller] head_url: is missing", said)
        self.assertIn('set mode = "static" in [network]', said)

    def test_head_of_none(self) -> None:
        """A head is not made where no networks are managed."""
        self.config.write_text("[network]\nmode = 'system'")
        self.assertIn("[network] mode: is system: a head", self.refused(head_tap))

    def test_missing_certificate(self) -> None:
        """A certificate that is not there is named."""
        self.config.write_text(
            "[network]\nmode = 'static'\n"
            "[cluster_controller]\ncloud_certificate = 'x.pem'"
        )
        self.assertIn(f"{self.directory}/x.pem: No such file", self.refused(cc_tap))

    def test_bad_configuration(self) -> None:
        """So is what is wrong with the configuration."""
        self.config.write_text("[clowd]")
        for tap in (clc_tap, cc_tap, nc_tap):
            self.assertIn("[clowd] there is no such section", self.refused(tap))

    def test_bad_endpoint(self) -> None:
        """So is an endpoint that is none."""
        said = self.refused(clc_tap, "--listen", "nonsense")
        self.assertIn("[cloud] url: no URL can be made of 'nonsense'", said)
        self.config.write_text("[cloud]\nurl = 'http://x/'")
        said = self.refused(clc_tap, "--listen", "nonsense")
        self.assertIn("[cloud] listen: 'nonsense' is no endpoint", said)

    def test_open_directory(self) -> None:
        """So is a state directory that others may look into."""
        state = self.directory / "state"
        (state / "x").mkdir(parents=True)
        state.chmod(0o755)
        self.assertIn("is open to others", self.refused(clc_tap))

    def test_bad_hypervisor(self) -> None:
        """So is a hypervisor that is none."""
        said = self.refused(nc_tap, "--hypervisor", "vmware")
        self.assertIn("--hypervisor: 'vmware' is neither memory nor", said)

    def hide(self, module: str) -> None:
        """Have it not importable, for this test."""
        kept = sys.modules.get(module)
        sys.modules[module] = None  # type: ignore[assignment]
        if kept is None:
            self.addCleanup(sys.modules.pop, module)
        else:
            self.addCleanup(sys.modules.__setitem__, module, kept)

    def test_no_libvirt(self) -> None:
        """Where libvirt-python is missing, it is said where it comes from."""
        clc_tap.makeService(self.options(clc_tap))
        self.config.write_text(
            "[node_controller]\ncluster_certificate = 'state/keys/cloud-cert.pem'"
        )
        self.hide("euca_tw.nodectl.libvirt")
        said = self.refused(nc_tap, "--hypervisor", "qemu:///system")
        self.assertIn("euca_tw[node]", said)

    def test_unknown_option(self) -> None:
        """An unknown option is twistd's to refuse."""
        self.assertRaises(UsageError, self.options, clc_tap, "--dance")


class AddressesTests(SynchronousTestCase):
    def test_endpoint_of_configuration(self) -> None:
        """What is wrong in the sections is found before anything starts."""
        plain = Configuration()
        configuration = evolve(plain, cloud=evolve(plain.cloud, listen="unix:x"))
        self.assertRaises(
            ConfigError,
            clc_tap.daemon_of,
            evolve(
                configuration,
                cloud=evolve(configuration.cloud, state_dir=Path(self.mktemp())),
            ),
            machine(),
            is_all_in_one=False,
        )
