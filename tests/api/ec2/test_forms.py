"""
Tests for what Query says otherwise than SOAP: L{euca_tw.api.ec2.groups} and
L{euca_tw.api.ec2.image_attributes}.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.common import AttributeValue
from euca_tw.api.ec2.groups import (
    AuthorizeSecurityGroupIngress,
    AuthorizeSecurityGroupIngressForm,
    IpPermission,
    IpRange,
    RevokeSecurityGroupIngress,
    RevokeSecurityGroupIngressForm,
    UserIdGroupPair,
)
from euca_tw.api.ec2.image_attributes import (
    DescribeImageAttribute,
    DescribeImageAttributeForm,
    LaunchPermission,
    LaunchPermissionChange,
    LaunchPermissionForm,
    ModifyImageAttribute,
    ModifyImageAttributeForm,
    ResetImageAttribute,
    ResetImageAttributeForm,
)
from euca_tw.api.errors import (
    ApiError,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
)
from euca_tw.api.shapes import Empty

SSH = IpPermission(
    ip_protocol="tcp",
    from_port=22,
    to_port=22,
    ip_ranges=(IpRange(cidr_ip="192.0.2.0/24"),),
)


class Ingress(SynchronousTestCase):
    """Rules."""

    def refusal(self, **said: Any) -> ApiError:
        form = AuthorizeSecurityGroupIngressForm(group_name="web", **said)
        return self.assertRaises(ApiError, form.request)

    def test_nested(self) -> None:
        """Nested rules are taken as they are."""
        form = AuthorizeSecurityGroupIngressForm(
            group_id="sg-1", ip_permissions=(SSH,), is_dry_run=True
        )
        self.assertEqual(
            form.request(),
            AuthorizeSecurityGroupIngress(
                group_id="sg-1", ip_permissions=(SSH,), is_dry_run=True
            ),
        )

    def test_flat_range(self) -> None:
        """A flat rule with a network is one rule."""
        form = RevokeSecurityGroupIngressForm(
            group_name="web",
            ip_protocol="tcp",
            from_port=22,
            to_port=22,
            cidr_ip="192.0.2.0/24",
        )
        self.assertEqual(
            form.request(),
            RevokeSecurityGroupIngress(group_name="web", ip_permissions=(SSH,)),
        )

    def test_both(self) -> None:
        """A flat rule comes after the nested ones."""
        form = AuthorizeSecurityGroupIngressForm(
            group_name="web", ip_permissions=(SSH,), ip_protocol="icmp"
        )
        self.assertEqual(
            form.request().ip_permissions, (SSH, IpPermission(ip_protocol="icmp"))
        )

    def test_none(self) -> None:
        """Without any rule there is none: what that means is not for us."""
        form = AuthorizeSecurityGroupIngressForm(group_name="web")
        self.assertEqual(form.request().ip_permissions, ())

    def test_flat_group(self) -> None:
        """A group and a protocol are one rule."""
        form = AuthorizeSecurityGroupIngressForm(
            group_name="web",
            ip_protocol="udp",
            from_port=53,
            to_port=53,
            source_security_group_name="names",
            source_security_group_owner_id="111122223333",
        )
        pair = UserIdGroupPair(user_id="111122223333", group_name="names")
        self.assertEqual(
            form.request().ip_permissions,
            (
                IpPermission(
                    ip_protocol="udp", from_port=53, to_port=53, groups=(pair,)
                ),
            ),
        )

    def test_whole_group(self) -> None:
        """A group alone may send everything."""
        form = AuthorizeSecurityGroupIngressForm(
            group_name="web", source_security_group_name="names"
        )
        permissions = form.request().ip_permissions
        self.assertEqual(
            [(p.ip_protocol, p.from_port, p.to_port) for p in permissions],
            [("tcp", 1, 65535), ("udp", 1, 65535), ("icmp", -1, -1)],
        )
        self.assertEqual(
            {p.groups for p in permissions}, {(UserIdGroupPair(group_name="names"),)}
        )

    def test_refusals(self) -> None:
        """Half a rule, or one with two sources, is refused."""
        for said, refusal in (
            (
                {"source_security_group_owner_id": "111122223333"},
                MissingParameter("SourceSecurityGroupName"),
            ),
            ({"cidr_ip": "0.0.0.0/0"}, MissingParameter("IpProtocol")),
            ({"from_port": 22}, MissingParameter("IpProtocol")),
            ({"to_port": 22}, MissingParameter("IpProtocol")),
        ):
            self.assertEqual(repr(self.refusal(**said)), repr(refusal))
        self.assertIsInstance(
            self.refusal(cidr_ip="0.0.0.0/0", source_security_group_name="names"),
            InvalidParameterCombination,
        )


class Describe(SynchronousTestCase):
    """C{Attribute} of DescribeImageAttribute and ResetImageAttribute."""

    def test_each(self) -> None:
        """Every attribute that can be answered can be asked for."""
        for attribute, said in (
            ("launchPermission", {"launch_permission": Empty()}),
            ("productCodes", {"product_codes": Empty()}),
            ("kernel", {"kernel": Empty()}),
            ("ramdisk", {"ramdisk": Empty()}),
            ("blockDeviceMapping", {"block_device_mapping": Empty()}),
            ("description", {"description": Empty()}),
            ("sriovNetSupport", {"sriov_net_support": Empty()}),
        ):
            form = DescribeImageAttributeForm(image_id="emi-1", attribute=attribute)
            self.assertEqual(
                form.request(), DescribeImageAttribute(image_id="emi-1", **said)
            )

    def test_unknown(self) -> None:
        """Others are refused by name."""
        form = DescribeImageAttributeForm(image_id="emi-1", attribute="colour")
        refusal = self.assertRaises(InvalidParameterValue, form.request)
        self.assertEqual((refusal.parameter, refusal.value), ("Attribute", "colour"))

    def test_reset(self) -> None:
        """Launch permissions can be reset, and nothing else."""
        form = ResetImageAttributeForm(image_id="emi-1", attribute="launchPermission")
        self.assertEqual(
            form.request(),
            ResetImageAttribute(image_id="emi-1", launch_permission=Empty()),
        )
        form = ResetImageAttributeForm(image_id="emi-1", attribute="productCodes")
        self.assertRaises(InvalidParameterValue, form.request)


ALICE, EVERYBODY = (
    LaunchPermission(user_id="111122223333"),
    LaunchPermission(group="all"),
)


class Modify(SynchronousTestCase):
    """ModifyImageAttribute."""

    def made(self, **said: Any) -> ModifyImageAttribute:
        return ModifyImageAttributeForm(image_id="emi-1", **said).request()

    def refusal(self, **said: Any) -> ApiError:
        return self.assertRaises(ApiError, self.made, **said)

    def permissions(self, **said: Any) -> LaunchPermissionChange | None:
        made = self.made(**said)
        self.assertEqual((made.image_id, made.product_codes), ("emi-1", None))
        return made.launch_permission

    def test_old_form(self) -> None:
        """Of old there was one operation on users and groups."""
        self.assertEqual(
            self.permissions(
                attribute="launchPermission",
                operation_type="add",
                user_ids=("111122223333",),
                user_groups=("all",),
            ),
            LaunchPermissionChange(add=(ALICE, EVERYBODY)),
        )
        self.assertEqual(
            self.permissions(operation_type="remove", user_groups=("all",)),
            LaunchPermissionChange(remove=(EVERYBODY,)),
        )

    def test_new_form(self) -> None:
        """Now both can be said at once."""
        form = LaunchPermissionForm(add=(ALICE,), remove=(EVERYBODY,))
        self.assertEqual(
            self.permissions(launch_permission=form),
            LaunchPermissionChange(add=(ALICE,), remove=(EVERYBODY,)),
        )

    def test_forms_together(self) -> None:
        """Who says a thing in both forms means both."""
        self.assertEqual(
            self.permissions(
                launch_permission=LaunchPermissionForm(add=(ALICE,)),
                attribute="launchPermission",
                operation_type="add",
                user_groups=("all",),
            ),
            LaunchPermissionChange(add=(ALICE, EVERYBODY)),
        )

    def test_product_codes(self) -> None:
        """Product codes, with the attribute's name or without."""
        for said in ({}, {"attribute": "productCodes"}):
            made = self.made(product_codes=("774F4FF8",), **said)
            self.assertEqual(
                made,
                ModifyImageAttribute(image_id="emi-1", product_codes=("774F4FF8",)),
            )

    def test_description(self) -> None:
        """A description, in either form."""
        value = AttributeValue(value="ours")
        expected = ModifyImageAttribute(image_id="emi-1", description=value)
        self.assertEqual(self.made(description=value), expected)
        self.assertEqual(self.made(attribute="description", value="ours"), expected)

    def test_refusals(self) -> None:
        """What is missing, or too much, is named."""
        for said, refusal in (
            ({}, MissingParameter("Attribute")),
            ({"attribute": "productCodes"}, MissingParameter("ProductCode.1")),
            ({"attribute": "description"}, MissingParameter("Value")),
            ({"user_groups": ("all",)}, MissingParameter("OperationType")),
            (
                {"attribute": "launchPermission"},
                MissingParameter("LaunchPermission.Add.1.UserId"),
            ),
            (
                {"attribute": "launchPermission", "operation_type": "add"},
                MissingParameter("LaunchPermission.Add.1.UserId"),
            ),
            (
                {"operation_type": "set", "user_groups": ("all",)},
                InvalidParameterValue("OperationType", "set", "It is add or remove."),
            ),
        ):
            self.assertEqual(repr(self.refusal(**said)), repr(refusal))
        self.assertIsInstance(self.refusal(attribute="kernel"), InvalidParameterValue)
        self.assertIsInstance(
            self.refusal(attribute="description", product_codes=("774F4FF8",)),
            InvalidParameterCombination,
        )
