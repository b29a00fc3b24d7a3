"""
Tests for what Query says otherwise than SOAP:
L{euca_tw.api.ec2.reserved_listings}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.common import Filter
from euca_tw.api.ec2.reserved_listings import (
    DescribeReservedInstancesListings,
    DescribeReservedInstancesListingsForm,
)
from euca_tw.api.shapes import Version, shape_of

ACTIVE = Filter(name="status", values=("active",))


class Describe(SynchronousTestCase):
    """DescribeReservedInstancesListings."""

    def test_all(self) -> None:
        """Who says nothing asks for all."""
        self.assertEqual(
            DescribeReservedInstancesListingsForm().request(),
            DescribeReservedInstancesListings(),
        )

    def test_ids(self) -> None:
        """Query names one listing, and one purchase; a list has that one."""
        form = DescribeReservedInstancesListingsForm(
            listing_id="listing-1", reserved_instances_id="reserved-1", is_dry_run=True
        )
        self.assertEqual(
            form.request(),
            DescribeReservedInstancesListings(
                listing_ids=("listing-1",),
                reserved_instances_ids=("reserved-1",),
                is_dry_run=True,
            ),
        )

    def test_filters(self) -> None:
        """Filters are filters, by either of their names."""
        for form in (
            DescribeReservedInstancesListingsForm(early_filters=(ACTIVE,)),
            DescribeReservedInstancesListingsForm(filters=(ACTIVE,)),
        ):
            self.assertEqual(
                form.request(), DescribeReservedInstancesListings(filters=(ACTIVE,))
            )

    def test_names_of_filters(self) -> None:
        """The filters were called C{Filters}, and are C{Filter} since 2016-09-15."""
        form = shape_of(DescribeReservedInstancesListingsForm)
        for version, name in (
            ("2012-08-15", "Filters"),
            ("2016-04-01", "Filters"),
            ("2016-09-15", "Filter"),
            ("2016-11-15", "Filter"),
        ):
            names = [f.query for f in form.at(Version(version)) if f.of is Filter]
            self.assertEqual(names, [name])
