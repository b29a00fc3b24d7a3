"""Tests of L{euca_tw.vnet.nftables}, by golden files."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.nftables import admission, dismissal, removal, ruleset
from euca_tw.vnet.settings import BridgeSettings
from tests.suites.node_network import LEASE, OTHER

GOLDEN = Path(__file__).parent.parent / "golden" / "nftables"


class RulesetTests(SynchronousTestCase):
    """What L{euca_tw.vnet.nftables} writes."""

    def golden(self, name: str, written: str) -> None:
        self.assertEqual(written, (GOLDEN / f"{name}.nft").read_text())

    def test_closed(self) -> None:
        """Without a way out, instances reach the metadata service and no more."""
        self.golden("closed", ruleset(BridgeSettings(), 41234, ()))

    def test_names(self) -> None:
        """Where names are served instances reach that too."""
        plain, served = (
            ruleset(BridgeSettings(), 41234, (), serves_names=each).splitlines()
            for each in (False, True)
        )
        more = [each for each in served if each not in plain]
        self.assertEqual(
            more,
            [
                "\t\tip daddr 169.254.169.254 meta l4proto { tcp, udp } th dport 53 "
                "accept"
            ],
        )
        self.assertEqual([each for each in served if each not in more], plain)

    def test_way_out(self) -> None:
        """
        With a way out, what leaves has the node's address; instances that are
        attached send as themselves.
        """
        settings = BridgeSettings(
            bridge="euca1", address="10.231.4.1/22", has_way_out=True
        )
        self.golden("way_out", ruleset(settings, 8080, (LEASE, OTHER)))

    def test_admission(self) -> None:
        """A card is let send with its own MAC address, with and without its IP."""
        self.golden("admission", admission(BridgeSettings(), LEASE))

    def test_dismissal(self) -> None:
        """A card is forgotten whether it is known or not."""
        self.golden("dismissal", dismissal(BridgeSettings(), LEASE))

    def test_removal(self) -> None:
        """Removal works whether the tables are there or not."""
        self.golden("removal", removal(BridgeSettings()))
