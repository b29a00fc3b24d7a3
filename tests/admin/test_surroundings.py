"""What surrounds instances, as a configuration has it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.configuration import Configuration
from euca_tw.admin.surroundings import default_network, domain_of_names
from euca_tw.overlay.settings import MANAGED, STATIC, SYSTEM, NetworkSettings


def configured(mode: str) -> Configuration:
    return Configuration(network=NetworkSettings(mode=mode, domain="c.internal"))


class SurroundingsTests(SynchronousTestCase):
    def test_names(self) -> None:
        """Instances have names in the domain, unless the site names them."""
        for mode, domain in (
            (MANAGED, "c.internal"),
            (STATIC, "c.internal"),
            (SYSTEM, ""),
        ):
            self.assertEqual(domain_of_names(configured(mode)), domain, mode)

    def test_default_network(self) -> None:
        """There is a default VPC where networks are managed, and nowhere else."""
        for mode, has_one in (MANAGED, True), (STATIC, False), (SYSTEM, False):
            found = default_network(configured(mode))
            self.assertEqual(found is not None, has_one, mode)
