"""Tests of L{euca_tw.admin.modes}, and of the daemons that have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from euca_tw.admin.configuration import Configuration
from euca_tw.admin.daemon import Daemon
from euca_tw.admin.modes import mode_part
from euca_tw.admin.stores import CLOUD_STORE
from euca_tw.clc import tap as clc_tap
from euca_tw.common.config import ConfigError
from euca_tw.nodectl import tap as nc_tap
from euca_tw.nodectl.records import HostedInstance
from euca_tw.overlay.settings import MANAGED, STATIC, NetworkSettings
from euca_tw.store.interfaces import Put
from tests.admin.test_daemon import machine
from tests.clc.cloud import CloudTestCase
from tests.fakes.launches import NOW, launch

NAME = mode_part(MANAGED, dict).name


class ModePartTests(SynchronousTestCase):
    """L{mode_part}."""

    def test_same(self) -> None:
        """A daemon starts whose instances are of the mode that is set."""
        mode_part(MANAGED, lambda: {"i-1": MANAGED}).start()

    def test_another(self) -> None:
        """Another does not, and says which option is wrong and what to do."""
        part = mode_part(MANAGED, lambda: {"i-1": STATIC})
        said = str(self.assertRaises(ConfigError, part.start))
        self.assertIn("[network] mode: there are instances", said)
        self.assertIn("i-1 of static networks", said)


class DaemonsTests(CloudTestCase):
    """It is what they start with, when their store is open."""

    def setUp(self) -> None:
        super().setUp()
        self.directory = Path(self.mktemp())
        self.directory.mkdir(mode=0o700)
        self.machine = machine(self.fail)
        plain = Configuration()
        self.configuration = evolve(
            plain,
            cloud=evolve(plain.cloud, state_dir=self.directory),
            node_controller=evolve(plain.node_controller, state_dir=self.directory),
        )

    def check(self, parts: Any, setting: Any = None) -> None:
        names = [part.name for part in parts]
        self.assertEqual(names[:2], ["the store", NAME])
        said = str(self.assertRaises(ConfigError, parts[1].start))
        self.assertIn("of static networks", said)
        self.assertNotIn("\n", said)

    def test_cloud(self) -> None:
        """A cloud controller."""
        store = self.machine.make_store(self.directory / CLOUD_STORE, ())
        store.commit(Put(self.instance(1, network=0, private_ip="10.90.0.10")))
        daemon: Daemon = clc_tap.daemon_of(
            self.configuration, self.machine, is_all_in_one=False
        )
        self.check(daemon.parts)

    def node_parts(self, **given: Any) -> Any:
        section = evolve(self.configuration.node_controller, **given)
        store = self.machine.make_store(self.directory / "node.db", ())
        asked = launch()
        record = HostedInstance(
            instance_id=asked.instance_id, launch=asked, began_at=NOW
        )
        store.commit(Put(record))
        network = NetworkSettings()
        _, parts = nc_tap.node_of(section, self.machine, "http://n/", network)
        return parts

    def test_node(self) -> None:
        """A node controller."""
        try:
            import libvirt  # noqa: F401
        except ImportError:
            raise SkipTest("libvirt's Python binding is not installed") from None
        self.check(self.node_parts())

    def test_imagined(self) -> None:
        """What instances are in memory have ended with the process before."""
        parts = self.node_parts(hypervisor="memory")
        self.assertEqual(parts[1].name, NAME)
        parts[1].start()
