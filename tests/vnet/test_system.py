"""Tests of L{euca_tw.vnet.system}."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from euca_tw.nodectl.interfaces import NetworkFailed
from euca_tw.vnet.system import SystemNodeNetwork
from tests.suites.node_network import make_inodenetwork_tests


def made(case: TestCase | SynchronousTestCase) -> SystemNodeNetwork:
    links = Path(case.mktemp())
    (links / "br0" / "bridge").mkdir(parents=True)
    (links / "eth0").mkdir()
    return SystemNodeNetwork("br0", links)


class SystemSuiteTests(make_inodenetwork_tests(made)):  # type: ignore[misc]
    """The suite, on a bridge of the site's."""


class SystemTests(SynchronousTestCase):
    def test_no_bridge(self) -> None:
        """What is no bridge is refused by name, with what to do."""
        there = made(self)
        for name in ("eth0", "br1"):
            network = SystemNodeNetwork(name, there.links)
            started = Deferred.fromCoroutine(network.start())
            refusal = self.failureResultOf(started, NetworkFailed).value
            self.assertIn(f"{name} is no bridge", str(refusal))
