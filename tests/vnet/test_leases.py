"""Tests of L{euca_tw.vnet.leases}."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.leases import Leases, card_name
from tests.suites.node_network import LEASE, OTHER


class LeasesTests(SynchronousTestCase):
    """L{Leases}."""

    def setUp(self) -> None:
        self.leases = Leases()
        self.leases.add(LEASE)

    def test_found(self) -> None:
        """A lease is found by its instance, its card and its address."""
        self.assertIs(self.leases.of_instance(LEASE.instance_id), LEASE)
        self.assertIs(self.leases.of_mac(LEASE.mac_address.upper()), LEASE)
        self.assertIs(self.leases.of_ip(LEASE.private_ip), LEASE)

    def test_removed(self) -> None:
        """A removed lease is not found."""
        self.leases.remove(LEASE.instance_id)
        self.assertIsNone(self.leases.of_instance(LEASE.instance_id))
        self.assertIsNone(self.leases.of_mac(LEASE.mac_address))
        self.assertIsNone(self.leases.of_ip(LEASE.private_ip))
        self.assertEqual(len(self.leases), 0)

    def test_replaced(self) -> None:
        """An instance with a new address has lost its old one."""
        self.leases.add(evolve(LEASE, private_ip="10.231.0.9"))
        self.assertIsNone(self.leases.of_ip(LEASE.private_ip))
        self.assertEqual(len(self.leases), 1)

    def test_taken_over(self) -> None:
        """An address stays with the instance that was attached last."""
        heir = evolve(OTHER, private_ip=LEASE.private_ip)
        self.leases.add(heir)
        self.leases.remove(LEASE.instance_id)
        self.assertIs(self.leases.of_ip(LEASE.private_ip), heir)

    def test_card_name(self) -> None:
        """A card is named for its instance."""
        self.assertEqual(card_name("i-3f2504e0"), "vn_i-3f2504e0")
