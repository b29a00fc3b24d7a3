"""
Attributes of snapshots: who may make volumes of them, what one must have bought.

SOAP says which attribute by the element that stands there, Query by the name
in C{Attribute}; the forms turn one into the other.
"""

from __future__ import annotations

from euca_tw.api.ec2.attribute_forms import changes, check_attribute, naming
from euca_tw.api.ec2.common import Acknowledgement, ProductCode, Request, Response
from euca_tw.api.errors import MissingParameter
from euca_tw.api.shapes import Empty, Operation, shape, wire


@shape("CreateVolumePermissionItemType", list_type="CreateVolumePermissionListType")
class CreateVolumePermission:
    """
    Who may make volumes of a snapshot: one of two.

    @ivar group: C{all}, which is everybody.
    """

    user_id: str | None = wire("userId", choice="who")
    group: str | None = wire("group", choice="who")


# --- DescribeSnapshotAttribute ----------------------------------------------


@shape("DescribeSnapshotAttributeType")
class DescribeSnapshotAttribute(Request):
    """Exactly one of the attributes is there, and is asked for."""

    snapshot_id: str = wire("snapshotId")
    create_volume_permission: Empty | None = wire(
        "createVolumePermission", choice="attribute", choice_since="2012-04-01"
    )
    product_codes: Empty | None = wire(
        "productCodes", since="2012-04-01", choice="attribute"
    )


@shape("DescribeSnapshotAttributeResponseType")
class DescribeSnapshotAttributeResponse(Response):
    """
    Exactly the attribute that was asked for is there; a list may be empty.
    """

    snapshot_id: str = wire("snapshotId")
    create_volume_permissions: tuple[CreateVolumePermission, ...] | None = wire(
        "createVolumePermission", choice="attribute", choice_since="2012-04-01"
    )
    product_codes: tuple[ProductCode, ...] | None = wire(
        "productCodes", since="2012-04-01", choice="attribute"
    )


@shape("DescribeSnapshotAttributeForm")
class DescribeSnapshotAttributeForm(Request):
    """How Query asks for an attribute."""

    snapshot_id: str = wire("snapshotId")
    attribute: str = wire("attribute")

    def request(self) -> DescribeSnapshotAttribute:
        """
        @raise InvalidParameterValue: there is no such attribute.
        """
        return naming(
            DescribeSnapshotAttribute,
            self.attribute,
            is_dry_run=self.is_dry_run,
            snapshot_id=self.snapshot_id,
        )


# --- ModifySnapshotAttribute ------------------------------------------------


@shape("CreateVolumePermissionOperationType")
class CreateVolumePermissionChange:
    """
    Of the two SOAP says one; Query may say both.

    @ivar add: who may make volumes of it from now on, too.
    @ivar remove: who may no more.
    """

    add: tuple[CreateVolumePermission, ...] | None = wire("add", choice="change")
    remove: tuple[CreateVolumePermission, ...] | None = wire("remove", choice="change")


@shape("ModifySnapshotAttributeType")
class ModifySnapshotAttribute(Request):
    snapshot_id: str = wire("snapshotId")
    create_volume_permission: CreateVolumePermissionChange = wire(
        "createVolumePermission"
    )


@shape("ModifySnapshotAttributeResponseType")
class ModifySnapshotAttributeResponse(Acknowledgement):
    """It is changed."""


@shape("CreateVolumePermissionForm")
class CreateVolumePermissionForm:
    """How Query says L{CreateVolumePermissionChange}."""

    add: tuple[CreateVolumePermission, ...] = wire("add", required=False)
    remove: tuple[CreateVolumePermission, ...] = wire("remove", required=False)


@shape("ModifySnapshotAttributeForm")
class ModifySnapshotAttributeForm(Request):
    """
    How Query says a change: by C{CreateVolumePermission.Add.1.UserId} and its
    like, or as of old: C{OperationType}, C{UserId.1}, C{UserGroup.1}.

    @ivar attribute: C{createVolumePermission}, if it is said at all.
    @ivar operation_type: C{add} or C{remove}.
    """

    snapshot_id: str = wire("snapshotId")
    attribute: str | None = wire("attribute")
    operation_type: str | None = wire("operationType")
    user_ids: tuple[str, ...] = wire("userId", required=False)
    user_groups: tuple[str, ...] = wire("userGroup", required=False)
    create_volume_permission: CreateVolumePermissionForm | None = wire(
        "createVolumePermission"
    )

    def request(self) -> ModifySnapshotAttribute:
        """
        @raise MissingParameter: no change is said, or half of one.
        @raise InvalidParameterValue: no such attribute or operation.
        """
        if self.attribute is not None:
            check_attribute(self.attribute, ("createVolumePermission",))
        return ModifySnapshotAttribute(
            is_dry_run=self.is_dry_run,
            snapshot_id=self.snapshot_id,
            create_volume_permission=self._permissions(),
        )

    def _permissions(self) -> CreateVolumePermissionChange:
        form = self.create_volume_permission or CreateVolumePermissionForm()
        flat = tuple(CreateVolumePermission(user_id=u) for u in self.user_ids) + tuple(
            CreateVolumePermission(group=g) for g in self.user_groups
        )
        add, remove = changes(self.operation_type, flat, form.add, form.remove)
        if not add and not remove:
            raise MissingParameter("CreateVolumePermission.Add.1.UserId")
        return CreateVolumePermissionChange(add=add or None, remove=remove or None)


# --- ResetSnapshotAttribute -------------------------------------------------


@shape("ResetSnapshotAttributeType")
class ResetSnapshotAttribute(Request):
    """Back to what it was when the snapshot was made: the owner's alone."""

    snapshot_id: str = wire("snapshotId")
    create_volume_permission: Empty = wire("createVolumePermission")


@shape("ResetSnapshotAttributeResponseType")
class ResetSnapshotAttributeResponse(Acknowledgement):
    """It is reset."""


@shape("ResetSnapshotAttributeForm")
class ResetSnapshotAttributeForm(Request):
    """How Query says it."""

    snapshot_id: str = wire("snapshotId")
    attribute: str = wire("attribute")

    def request(self) -> ResetSnapshotAttribute:
        """
        @raise InvalidParameterValue: that attribute cannot be reset.
        """
        return naming(
            ResetSnapshotAttribute,
            self.attribute,
            is_dry_run=self.is_dry_run,
            snapshot_id=self.snapshot_id,
        )


OPERATIONS = (
    Operation(
        "ModifySnapshotAttribute",
        ModifySnapshotAttribute,
        ModifySnapshotAttributeResponse,
        since="2009-08-15",
        query_form=ModifySnapshotAttributeForm,
    ),
    Operation(
        "ResetSnapshotAttribute",
        ResetSnapshotAttribute,
        ResetSnapshotAttributeResponse,
        since="2009-08-15",
        query_form=ResetSnapshotAttributeForm,
    ),
    Operation(
        "DescribeSnapshotAttribute",
        DescribeSnapshotAttribute,
        DescribeSnapshotAttributeResponse,
        since="2009-08-15",
        query_form=DescribeSnapshotAttributeForm,
    ),
)
