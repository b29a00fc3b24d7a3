"""
Tests for L{euca_tw.api.ec2.volume_attributes}: what Query says otherwise than
SOAP.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.volume_attributes import (
    DescribeVolumeAttribute,
    DescribeVolumeAttributeForm,
)
from euca_tw.api.errors import InvalidParameterValue
from euca_tw.api.shapes import Empty


class Describe(SynchronousTestCase):
    """C{Attribute} of DescribeVolumeAttribute."""

    def test_each(self) -> None:
        """Every attribute that can be answered can be asked for."""
        for attribute, request in (
            (
                "autoEnableIO",
                DescribeVolumeAttribute(volume_id="vol-1", auto_enable_io=Empty()),
            ),
            (
                "productCodes",
                DescribeVolumeAttribute(volume_id="vol-1", product_codes=Empty()),
            ),
        ):
            form = DescribeVolumeAttributeForm(volume_id="vol-1", attribute=attribute)
            self.assertEqual(form.request(), request)

    def test_dry_run(self) -> None:
        """Who only asks whether it would be allowed still only asks that."""
        form = DescribeVolumeAttributeForm(
            volume_id="vol-1", attribute="autoEnableIO", is_dry_run=True
        )
        self.assertIs(form.request().is_dry_run, True)

    def test_unknown(self) -> None:
        """Others are refused by name."""
        form = DescribeVolumeAttributeForm(volume_id="vol-1", attribute="colour")
        refusal = self.assertRaises(InvalidParameterValue, form.request)
        self.assertEqual((refusal.parameter, refusal.value), ("Attribute", "colour"))
