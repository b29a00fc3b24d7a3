"""Tests of C{make demo}, as far as they need no machine."""

from __future__ import annotations

import sys
import tomllib
from ipaddress import IPv4Network
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.configuration import parse_configuration
from euca_tw.admin.namespaces import settings_of
from euca_tw.vnet.namespace_plan import INNER

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from demo_cloud import guide, instance, places, steps  # noqa: E402


class PlacesTests(SynchronousTestCase):
    """L{demo_cloud.places}."""

    def test_configuration(self) -> None:
        """The four daemons' configuration is one, and its parts fit together."""
        text = places.configuration(places.free_networks([]))
        whole = parse_configuration(tomllib.loads(text), places.CONFIG)
        node, head = whole.node_controller, whole.head
        made = settings_of(whole)
        self.assertEqual(made.public, (IPv4Network("198.51.100.0/28"),))
        self.assertEqual(head.outer, INNER)
        self.assertEqual(head.url, whole.cluster_controller.head_url)
        self.assertIn(f"//{made.head}:", head.url)
        self.assertEqual(head.certificate, whole.cluster_controller.head_certificate)
        [cluster], [known_node] = whole.clusters, whole.nodes
        self.assertEqual(cluster.name, whole.cluster_controller.name)
        self.assertEqual(cluster.certificate, whole.cluster_controller.certificate)
        self.assertEqual(known_node.certificate, node.certificate)
        self.assertEqual(known_node.network_address, str(made.machine))
        self.assertEqual(node.cluster_certificate, whole.cluster_controller.certificate)

    def test_networks(self) -> None:
        """The cloud gets networks that the machine does not use itself."""
        routes = [{"dst": "default"}, {"dst": "10.0.0.0/8"}, {"dst": "172.29.90.7"}]
        found = places.free_networks(routes)
        self.assertEqual(found.private, IPv4Network("192.168.176.0/20"))
        self.assertEqual(found.link, IPv4Network("172.30.255.252/30"))
        plain = places.free_networks([])
        self.assertEqual(plain.private, IPv4Network("10.90.0.0/16"))

    def test_no_network(self) -> None:
        """Where it uses all of them, it says so."""
        routes = [{"dst": "0.0.0.0/1"}, {"dst": "128.0.0.0/1"}]
        failed = self.assertRaises(steps.Failed, places.free_networks, routes)
        self.assertIn("PRIVATE", failed.report())


class GuideTests(SynchronousTestCase):
    """What the reader is told."""

    def test_failed(self) -> None:
        """A failure says what failed, the log's end, and what to do."""
        log = Path(self.mktemp())
        log.write_text("\n".join(f"line {n}" for n in range(99)))
        report = steps.Failed("it broke", "mend it", log).report()
        for text in ("it broke", "line 98", "mend it"):
            self.assertIn(text, report)
        self.assertNotIn("line 50", report)

    def test_guide(self) -> None:
        """The guide names the instance, the credentials and the way out."""
        text = guide.guide("i-3f2504e0", "198.51.100.1", "10.90.0.2")
        for part in (
            ". .demo/credentials/eucarc",
            "aws ec2 describe-instances",
            "boto3",
            "tools/ec2-soap DescribeInstances instancesSet={}",
            "root@198.51.100.1",
            "(on this machine 10.90.0.2 does too)",
            "make demo-down",
        ):
            self.assertIn(part, text)

    def test_eucarc(self) -> None:
        """The exports of an eucarc are read, quoted or not."""
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / "eucarc").write_text(
            "EUCA_KEY_DIR=x\nexport EC2_ACCESS_KEY=AKI\nexport EC2_SECRET_KEY='a+/b'\n"
        )
        self.assertEqual(
            instance.read_eucarc(directory),
            {"EC2_ACCESS_KEY": "AKI", "EC2_SECRET_KEY": "a+/b"},
        )
