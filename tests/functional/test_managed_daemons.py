"""
Four daemons as processes of their own, on loopback, with managed networks of memory:
what one tells the next goes over the signed wire, and is kept.
"""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from tests.compat.cloud import free_port, until
from tests.functional import test_daemons

MANAGED = """
[network]
private_range = "10.231.0.0/16"

[head]
state_dir = "head"
listen = "tcp:{head}:interface=127.0.0.1"
carries = "memory"
cluster = "north"
key = "keys/head-pk.pem"
certificate = "keys/head-cert.pem"
cluster_certificate = "keys/north-cert.pem"
"""
OF_CLUSTER = """
head_url = "http://127.0.0.1:{head}/axis2/services/EucalyptusHead"
head_certificate = "keys/head-cert.pem"

[[node]]"""
MACHINES = ("nc", "head")


class ManagedSite(test_daemons.Site):
    """With a head."""

    def __init__(self) -> None:
        super().__init__()
        self.ports["head"] = free_port()
        self.euca_tw("keys", "new", str(self.directory / "keys"), "head")
        joined = test_daemons.CONFIGURATION.replace("\n[[node]]", OF_CLUSTER, 1)
        self.config.write_text((joined + MANAGED).format(**self.ports))

    def carried(self, name: str) -> list[str]:
        """How many networks a machine has said that it carries."""
        return re.findall(r"this machine carries: (\d+)", self.log(name))


class ManagedDaemonsTests(SynchronousTestCase):
    """The daemons, where networks are managed."""

    start = test_daemons.DaemonsTests.start
    image = test_daemons.DaemonsTests.image
    state = test_daemons.DaemonsTests.state
    run_instance = test_daemons.DaemonsTests.run_instance

    def setUp(self) -> None:
        self.site = ManagedSite()
        self.addCleanup(self.site.stop)

    def test_signed_tiers(self) -> None:
        """
        An instance has an address of its group's network at once, which its node
        and the head carry as long as there is one.  A head that died is told what
        it missed.
        """
        self.start("nc", "head", "cc", "clc")
        ec2 = self.site.ec2()
        image = self.image(ec2)
        until(
            lambda: self.site.euca_tw("--config", str(self.site.config), "status"),
            lambda said: "m1.small" in said,
        )
        made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)
        [told] = made["Instances"]
        self.assertEqual(told["PrivateIpAddress"], "10.231.0.2")
        first = told["InstanceId"]
        until(lambda: self.state(ec2, first), "running".__eq__)
        for name in MACHINES:
            self.until_carried(name, "1")
        config = str(self.site.config)
        asked = ("vnet", "trace", first, "192.0.2.77", "22")
        said = self.site.euca_tw("--config", config, *asked)
        self.assertIn(f"192.0.2.77 is outside, and {first} has no public", said)
        self.assertIn("where public addresses are.\nBy VXLAN from http://", said)
        self.site.kill("head")
        ec2.terminate_instances(InstanceIds=[first])
        until(lambda: self.state(ec2, first), "terminated".__eq__)
        self.until_carried("nc", "1", "0")
        self.site.start("head")
        self.until_carried("head", "1", "1", "0")
        for name in ("clc", "cc", "nc", "head"):
            self.assertNotIn("Traceback", self.site.log(name))

    def until_carried(self, name: str, *counts: str) -> None:
        until(lambda: self.site.carried(name), [*counts].__eq__)
