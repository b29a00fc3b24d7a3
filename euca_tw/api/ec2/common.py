"""
What many of EC2's operations share: acknowledgements, filters, tags, groups.

Lists of the wire (C{<groupSet><item>…}) are tuples here; a field that a date
does not know is left alone on the way out and C{None} or C{()} on the way in.
"""

from __future__ import annotations

from euca_tw.api.shapes import members, shape, wire


@members
class Request:
    """@ivar is_dry_run: ask whether it would be allowed; do nothing."""

    is_dry_run: bool | None = wire("dryRun", soap=False)


@members
class Response:
    """@ivar request_id: filled in by the door that answers."""

    request_id: str | None = wire("requestId", since="2008-08-08", required=True)


@members
class Acknowledgement(Response):
    """@ivar is_success: always true: what fails is refused instead."""

    is_success: bool = wire("return", default=True)


@shape("FilterType")
class Filter:
    """
    Only what has one of these values.

    @ivar values: C{*} and C{?} are wildcards, a backslash takes that away.
    """

    name: str = wire("name")
    values: tuple[str, ...] = wire(
        "valueSet", query="Value", leaf="value", item_type="ValueType"
    )


@shape("ResourceTagSetItemType")
class Tag:
    """@ivar value: Query may leave it out if it is empty."""

    key: str = wire("key")
    value: str = wire("value", query_optional=True, default="")


@shape("TagSetItemType")
class TagOfResource:
    """
    A tag, and what has it.

    @ivar resource_type: C{instance}, C{volume}, C{vpc}, …
    """

    resource_id: str | None = wire("resourceId")
    resource_type: str | None = wire("resourceType")
    key: str | None = wire("key")
    value: str | None = wire("value")


@shape("TagSpecificationType")
class TagSpecification:
    """
    Tags for what is about to be made.

    @ivar resource_type: C{instance}, C{volume}, C{key-pair}, …
    """

    resource_type: str = wire("resourceType")
    tags: tuple[Tag, ...] = wire("tagSet", query="Tag")


@shape("StateReasonType")
class StateReason:
    """
    Why it is in its state.

    @ivar code: EC2's word for it (C{Client.UserInitiatedShutdown}).
    @ivar message: C{code} and a sentence for people.
    """

    code: str = wire("code")
    message: str = wire("message")


@shape("ProductCodesSetItemType")
class ProductCode:
    """
    What a user must have bought to run an image.

    @ivar type: C{devpay} or C{marketplace}.
    """

    product_code: str = wire("productCode")
    type: str = wire("type", since="2012-04-01")


@shape("GroupItemType")
class GroupItem:
    """
    A security group.  Until 2011 C{groupId} was its name; make one with
    L{GroupItem.of}, and every date is told what it takes for the truth.

    @ivar name_as_id: the group's name, in C{groupId}.
    """

    name_as_id: str | None = wire("groupId", until="2011-01-01", required=True)
    group_id: str | None = wire("groupId", since="2011-01-01")
    group_name: str | None = wire("groupName", since="2011-01-01")

    @classmethod
    def of(cls, group_id: str, group_name: str) -> GroupItem:
        return cls(name_as_id=group_name, group_id=group_id, group_name=group_name)

    @property
    def name(self) -> str | None:
        """The group's name, whichever date said it."""
        return self.name_as_id or self.group_name


@shape("AttributeValueType")
class AttributeValue:
    value: str = wire("value")


@shape("NullableAttributeValueType")
class NullableAttributeValue:
    """@ivar value: None if the attribute is not set."""

    value: str | None = wire("value")


@shape("AttributeBooleanValueType")
class BooleanAttributeValue:
    is_set: bool = wire("value")


@shape("NullableAttributeBooleanValueType")
class NullableBooleanAttributeValue:
    """@ivar is_set: None if nobody has said."""

    is_set: bool | None = wire("value")
