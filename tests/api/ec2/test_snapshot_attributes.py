"""
Tests for L{euca_tw.api.ec2.snapshot_attributes}: what Query says otherwise
than SOAP.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.snapshot_attributes import (
    CreateVolumePermission,
    CreateVolumePermissionChange,
    CreateVolumePermissionForm,
    DescribeSnapshotAttribute,
    DescribeSnapshotAttributeForm,
    ModifySnapshotAttribute,
    ModifySnapshotAttributeForm,
    ResetSnapshotAttribute,
    ResetSnapshotAttributeForm,
)
from euca_tw.api.errors import ApiError, InvalidParameterValue, MissingParameter
from euca_tw.api.shapes import Empty

ALICE, EVERYBODY = (
    CreateVolumePermission(user_id="111122223333"),
    CreateVolumePermission(group="all"),
)


class Describe(SynchronousTestCase):
    """C{Attribute} of DescribeSnapshotAttribute."""

    def test_each(self) -> None:
        """Every attribute that can be answered can be asked for."""
        for attribute, said in (
            ("createVolumePermission", {"create_volume_permission": Empty()}),
            ("productCodes", {"product_codes": Empty()}),
        ):
            form = DescribeSnapshotAttributeForm(
                snapshot_id="snap-1", attribute=attribute, is_dry_run=True
            )
            self.assertEqual(
                form.request(),
                DescribeSnapshotAttribute(
                    snapshot_id="snap-1", is_dry_run=True, **said
                ),
            )

    def test_unknown(self) -> None:
        """Others are refused by name."""
        form = DescribeSnapshotAttributeForm(snapshot_id="snap-1", attribute="colour")
        refusal = self.assertRaises(InvalidParameterValue, form.request)
        self.assertEqual((refusal.parameter, refusal.value), ("Attribute", "colour"))


class Reset(SynchronousTestCase):
    """C{Attribute} of ResetSnapshotAttribute."""

    def test_permissions(self) -> None:
        """Permissions can be reset."""
        form = ResetSnapshotAttributeForm(
            snapshot_id="snap-1", attribute="createVolumePermission", is_dry_run=True
        )
        self.assertEqual(
            form.request(),
            ResetSnapshotAttribute(
                snapshot_id="snap-1",
                create_volume_permission=Empty(),
                is_dry_run=True,
            ),
        )

    def test_others(self) -> None:
        """Nothing else can be."""
        form = ResetSnapshotAttributeForm(
            snapshot_id="snap-1", attribute="productCodes"
        )
        self.assertRaises(InvalidParameterValue, form.request)


class Modify(SynchronousTestCase):
    """ModifySnapshotAttribute."""

    def made(self, **said: Any) -> ModifySnapshotAttribute:
        return ModifySnapshotAttributeForm(snapshot_id="snap-1", **said).request()

    def refusal(self, **said: Any) -> ApiError:
        form = ModifySnapshotAttributeForm(snapshot_id="snap-1", **said)
        return self.assertRaises(ApiError, form.request)

    def permissions(self, **said: Any) -> CreateVolumePermissionChange:
        return self.made(**said).create_volume_permission

    def test_old_form(self) -> None:
        """Of old there was one operation on users and groups."""
        self.assertEqual(
            self.permissions(
                attribute="createVolumePermission",
                operation_type="add",
                user_ids=("111122223333",),
                user_groups=("all",),
            ),
            CreateVolumePermissionChange(add=(ALICE, EVERYBODY)),
        )

    def test_attribute_is_plain(self) -> None:
        """The attribute need not be named: there is but one to change."""
        self.assertEqual(
            self.permissions(operation_type="remove", user_groups=("all",)),
            CreateVolumePermissionChange(remove=(EVERYBODY,)),
        )

    def test_new_form(self) -> None:
        """Now both can be said at once."""
        form = CreateVolumePermissionForm(add=(ALICE,), remove=(EVERYBODY,))
        self.assertEqual(
            self.made(create_volume_permission=form, is_dry_run=True),
            ModifySnapshotAttribute(
                snapshot_id="snap-1",
                create_volume_permission=CreateVolumePermissionChange(
                    add=(ALICE,), remove=(EVERYBODY,)
                ),
                is_dry_run=True,
            ),
        )

    def test_forms_together(self) -> None:
        """Who says a thing in both forms means both."""
        self.assertEqual(
            self.permissions(
                create_volume_permission=CreateVolumePermissionForm(add=(ALICE,)),
                attribute="createVolumePermission",
                operation_type="add",
                user_groups=("all",),
            ),
            CreateVolumePermissionChange(add=(ALICE, EVERYBODY)),
        )

    def test_refusals(self) -> None:
        """What is missing is named, and so is what there is not."""
        nobody = MissingParameter("CreateVolumePermission.Add.1.UserId")
        for said, refusal in (
            ({}, nobody),
            ({"attribute": "createVolumePermission"}, nobody),
            ({"operation_type": "add"}, nobody),
            ({"create_volume_permission": CreateVolumePermissionForm()}, nobody),
            ({"user_groups": ("all",)}, MissingParameter("OperationType")),
            ({"user_ids": ("111122223333",)}, MissingParameter("OperationType")),
            (
                {"operation_type": "set", "user_groups": ("all",)},
                InvalidParameterValue("OperationType", "set", "It is add or remove."),
            ),
            (
                {"attribute": "productCodes"},
                InvalidParameterValue(
                    "Attribute", "productCodes", "It is one of createVolumePermission."
                ),
            ),
        ):
            self.assertEqual(repr(self.refusal(**said)), repr(refusal))
