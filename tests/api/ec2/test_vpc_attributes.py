"""
Tests for L{euca_tw.api.ec2.vpc_attributes}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.vpc_attributes import (
    DescribeVpcAttribute,
    DescribeVpcAttributeForm,
)
from euca_tw.api.errors import InvalidParameterValue
from euca_tw.api.shapes import Empty


class Describe(SynchronousTestCase):
    """C{Attribute} of DescribeVpcAttribute."""

    def test_each(self) -> None:
        """Each attribute can be asked for by its name."""
        for attribute, request in (
            (
                "enableDnsSupport",
                DescribeVpcAttribute(vpc_id="vpc-1", enable_dns_support=Empty()),
            ),
            (
                "enableDnsHostnames",
                DescribeVpcAttribute(vpc_id="vpc-1", enable_dns_hostnames=Empty()),
            ),
        ):
            form = DescribeVpcAttributeForm(vpc_id="vpc-1", attribute=attribute)
            self.assertEqual(form.request(), request)

    def test_dry_run(self) -> None:
        """A dry run stays one."""
        form = DescribeVpcAttributeForm(
            vpc_id="vpc-1", attribute="enableDnsSupport", is_dry_run=True
        )
        self.assertIs(form.request().is_dry_run, True)

    def test_unknown(self) -> None:
        """Others are refused by name."""
        form = DescribeVpcAttributeForm(vpc_id="vpc-1", attribute="cidrBlock")
        refusal = self.assertRaises(InvalidParameterValue, form.request)
        self.assertEqual((refusal.parameter, refusal.value), ("Attribute", "cidrBlock"))
