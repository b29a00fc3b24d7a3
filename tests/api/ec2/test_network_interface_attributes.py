"""
Tests for what Query says otherwise than SOAP:
L{euca_tw.api.ec2.network_interface_attributes}.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.network_interface_attributes import (
    DescribeNetworkInterfaceAttribute,
    DescribeNetworkInterfaceAttributeForm,
)
from euca_tw.api.errors import InvalidParameterValue
from euca_tw.api.shapes import Empty


class Describe(SynchronousTestCase):
    """C{Attribute} of DescribeNetworkInterfaceAttribute."""

    def test_each(self) -> None:
        """Every attribute can be asked for by its name."""
        asked: tuple[tuple[str, dict[str, Any]], ...] = (
            ("description", {"description": Empty()}),
            ("sourceDestCheck", {"source_dest_check": Empty()}),
            ("groupSet", {"groups": Empty()}),
            ("attachment", {"attachment": Empty()}),
        )
        for attribute, said in asked:
            form = DescribeNetworkInterfaceAttributeForm(
                network_interface_id="eni-1", attribute=attribute
            )
            self.assertEqual(
                form.request(),
                DescribeNetworkInterfaceAttribute(network_interface_id="eni-1", **said),
            )

    def test_dry_run(self) -> None:
        """A dry run stays one."""
        form = DescribeNetworkInterfaceAttributeForm(
            network_interface_id="eni-1", attribute="attachment", is_dry_run=True
        )
        self.assertIs(form.request().is_dry_run, True)

    def test_unknown(self) -> None:
        """Others are refused by name."""
        form = DescribeNetworkInterfaceAttributeForm(
            network_interface_id="eni-1", attribute="colour"
        )
        refusal = self.assertRaises(InvalidParameterValue, form.request)
        self.assertEqual((refusal.parameter, refusal.value), ("Attribute", "colour"))
