"""Tests of L{euca_tw.vnet.settings}."""

from __future__ import annotations

from ipaddress import IPv4Address

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.settings import BridgeSettings


class BridgeSettingsTests(SynchronousTestCase):
    """L{BridgeSettings}."""

    def test_defaults(self) -> None:
        """The defaults are allowed, and give no way out."""
        settings = BridgeSettings()
        self.assertEqual(settings.router, IPv4Address("10.90.0.1"))
        self.assertFalse(settings.has_way_out)

    def test_names(self) -> None:
        """A bridge's name is one that the kernel and nft can take."""
        BridgeSettings(bridge="a_b_c_123456789")
        for name in ("", "euca-0", "0euca", "a" * 16, "br 0", 'b"', "Br0", "br0\n"):
            error = self.assertRaises(ValueError, BridgeSettings, bridge=name)
            self.assertIn("no name for a bridge", str(error))

    def test_addresses(self) -> None:
        """The address is a host's, in a subnet with room for instances."""
        BridgeSettings(address="192.0.2.129/25")
        for address in (
            "10.231.0.1",
            "10.231.0.0/24",
            "10.231.0.255/24",
            "10.231.0.1/32",
            "fe80::1/64",
            "10.231.0.1/x",
            "",
        ):
            self.assertRaises(ValueError, BridgeSettings, address=address)
