"""Tests of L{euca_tw.vnet.nftables}, by golden files."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.nftables import removal, ruleset
from euca_tw.vnet.settings import BridgeSettings

GOLDEN = Path(__file__).parent.parent / "golden" / "nftables"


class RulesetTests(SynchronousTestCase):
    """L{ruleset} and L{removal}."""

    def test_closed(self) -> None:
        """Without a way out, instances reach the metadata service and no more."""
        self.assertEqual(
            ruleset(BridgeSettings(), 41234), (GOLDEN / "closed.nft").read_text()
        )

    def test_way_out(self) -> None:
        """With a way out, what leaves has the node's address."""
        settings = BridgeSettings(
            bridge="euca1", address="10.231.4.1/22", has_way_out=True
        )
        self.assertEqual(ruleset(settings, 8080), (GOLDEN / "way_out.nft").read_text())

    def test_removal(self) -> None:
        """Removal works whether the table is there or not."""
        self.assertEqual(
            removal(BridgeSettings()), (GOLDEN / "removal.nft").read_text()
        )
