"""
The Query names of the declaration, against what clients say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.model import Shape as ModelShape
from botocore.serialize import create_serializer
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
from euca_tw.api.shapes import Operation, Version, shape_of
from euca_tw.clc.dispatch import answers
from euca_tw.clc.subjects import SUBJECTS
from tests.wsdl.published import facts

#: What EC2 takes by Query in every date, and older models do not tell.
_ALWAYS = {"AddressingType"}

#: What botocore's models do not have of some operations, and we take of all.
_DRY_RUN = {"DryRun"}

#: What botocore has forgotten, or never had.
_UNKNOWN_TO_BOTOCORE = {
    *("ActivateLicense", "DeactivateLicense", "DescribeLicenses"),
    *("DescribeVpcAttributes", "ModifyVpcAttributes"),
}

#: What must be there for a request to say anything, and botocore leaves to EC2.
_REQUIRED_OF_SENSE = {
    "AcceptVpcPeeringConnection": {"VpcPeeringConnectionId"},
    "BundleInstance": {"Storage.S3.Bucket", "Storage.S3.Prefix"},
    "CreateReservedInstancesListing": {
        "PriceSchedules.N.Price",
        "PriceSchedules.N.Term",
    },
    "CreateVpcPeeringConnection": {"PeerVpcId", "VpcId"},
    "DescribeNetworkInterfaceAttribute": {"Attribute"},
    "DescribeVolumeAttribute": {"Attribute"},
    "DescribeVpcAttribute": {"Attribute"},
    "ImportInstance": {
        "LaunchSpecification.Architecture",
        "LaunchSpecification.InstanceType",
    },
    "ModifyVolumeAttribute": {"AutoEnableIO.Value"},
    "RequestSpotInstances": {"LaunchSpecification.ImageId"},
}

_OF_RULES = (
    "IpPermissions.N.PrefixListIds IpPermissions.N.Groups.N.VpcId "
    "IpPermissions.N.Groups.N.VpcPeeringConnectionId "
    "IpPermissions.N.Groups.N.PeeringStatus"
)
#: Of the year 2016 and later: what this cloud can do nothing with, and refuses
#: by its name.  Whole branches are given by their first part.
_NOT_HERE = {
    "AllocateAddress": "PublicIpv4Pool NetworkBorderGroup "
    "CustomerOwnedIpv4Pool IpamPoolId",
    "AuthorizeSecurityGroupEgress": f"TagSpecification {_OF_RULES}",
    "AuthorizeSecurityGroupIngress": f"TagSpecification {_OF_RULES}",
    "CopyImage": "DestinationAvailabilityZone DestinationAvailabilityZoneId "
    "DestinationOutpostArn Encrypted KmsKeyId SnapshotCopyCompletionDurationMinutes",
    "CreateImage": "BlockDeviceMapping.N.Ebs BootModeOverride SnapshotLocation",
    "DeregisterImage": "DeleteAssociatedSnapshots",
    "CreateSubnet": "AvailabilityZoneId Ipv6CidrBlock OutpostArn Ipv6Native "
    "Ipv4IpamPoolId Ipv4NetmaskLength Ipv6IpamPoolId Ipv6NetmaskLength",
    "CreateVpc": "Ipv6Pool Ipv6CidrBlock Ipv4IpamPoolId Ipv4NetmaskLength "
    "Ipv6IpamPoolId Ipv6NetmaskLength Ipv6CidrBlockNetworkBorderGroup "
    "VpcEncryptionControl AmazonProvidedIpv6CidrBlock",
    "CreatePlacementGroup": "LinkedGroupId Operator ParentGroupId SpreadLevel "
    "PartitionCount",
    "DescribeInstances": "IncludeManagedResources",
    "DescribeNetworkInterfaces": "IncludeManagedResources",
    "DescribeInstanceStatus": "IncludeManagedResources",
    "ModifyInstanceAttribute": "DisableApiStop EnaSupport EnclaveOptions",
    "MonitorInstances": "MetricCategoryId",
    "UnmonitorInstances": "MetricCategoryId",
    "StopInstances": "Hibernate SkipOsShutdown",
    "ModifyImageAttribute": "OrganizationArn OrganizationalUnitArn ImdsSupport "
    "LaunchPermission.Add.N.OrganizationArn "
    "LaunchPermission.Add.N.OrganizationalUnitArn "
    "LaunchPermission.Remove.N.OrganizationArn "
    "LaunchPermission.Remove.N.OrganizationalUnitArn",
    "RegisterImage": "BillingProduct BootMode TpmSupport UefiData ImdsSupport "
    "BlockDeviceMapping.N.Ebs",
    "ReleaseAddress": "NetworkBorderGroup",
    "RevokeSecurityGroupEgress": f"SecurityGroupRuleId {_OF_RULES}",
    "RevokeSecurityGroupIngress": f"SecurityGroupRuleId {_OF_RULES}",
    "RunInstances": "BlockDeviceMapping.N.Ebs Placement NetworkInterface Monitoring "
    "Ipv6AddressCount Ipv6Address ElasticGpuSpecification "
    "ElasticInferenceAccelerator LaunchTemplate InstanceMarketOptions "
    "CreditSpecification CpuOptions CapacityReservationSpecification "
    "HibernationOptions LicenseSpecification MetadataOptions EnclaveOptions "
    "PrivateDnsNameOptions MaintenanceOptions DisableApiStop EnablePrimaryIpv6 "
    "NetworkPerformanceOptions Operator SecondaryInterface",
    "TerminateInstances": "Force SkipOsShutdown",
}


def said(operation: Operation, version: Version) -> set[str]:
    """The Query names of an operation, places in lists as C{N}."""
    return set(_said(operation.query_form or operation.request, version, ""))


def _said(cls: type, version: Version, before: str) -> Iterator[str]:
    for f in shape_of(cls).at(version):
        if not f.query:
            continue
        name = before + f.query + (".N" if f.many else "")
        if f.is_scalar or not shape_of(f.of).fields:
            yield name
        else:
            yield from _said(f.of, version, f"{name}.")


def required(cls: type, version: Version, before: str = "") -> set[str]:
    """The names without which a request is refused."""
    found: set[str] = set()
    for f in shape_of(cls).at(version):
        if not f.is_required_in_query(version) or f.choice_in(version):
            continue
        if f.many and not f.at_least_in(version):
            continue
        name = before + f.query + (".N" if f.many else "")
        inner = set() if f.is_scalar else required(f.of, version, f"{name}.")
        found |= inner or {name}
    return found


def must_be_sent(shape: ModelShape | None, before: str = "") -> set[str]:
    """The names that botocore's users must give a value."""
    found: set[str] = set()
    for member in [] if shape is None else shape.required_members:
        of = shape.members[member]
        told = of.serialization
        wire = told.get("queryName") or told.get("name", member)
        name = before + wire[:1].upper() + wire[1:]
        if of.type_name == "list":
            name, of = f"{name}.N", of.member
        is_structure = of.type_name == "structure"
        found |= (must_be_sent(of, f"{name}.") if is_structure else set()) or {name}
    return found


def model_of(version: str) -> ServiceModel:
    """botocore's own of that date."""
    return ServiceModel(Loader().load_service_model("ec2", "service-2", version))


def sample(shape: ModelShape, above: tuple[str, ...] = ()) -> Any:
    """A value for every member; one for every list."""
    if shape.type_name == "structure":
        return {
            name: sample(member, (*above, shape.name))
            for name, member in shape.members.items()
            if member.name not in above
        }
    if shape.type_name == "list":
        return [sample(shape.member, above)]
    return {"boolean": True, "timestamp": 0, "blob": b"x"}.get(shape.type_name, 1)


def sent(model: ServiceModel, operation: str) -> set[str]:
    """What botocore itself would send, places in lists as C{N}."""
    its = model.operation_model(operation)
    serializer = create_serializer("ec2", include_validation=False)
    value = sample(its.input_shape)
    body = serializer.serialize_to_request(value, its)["body"]
    names = {re.sub(r"\.1(?=\.|$)", ".N", name) for name in body}
    return names - {"Action", "Version"}


class Facts(SynchronousTestCase):
    """Against the table that was drawn from the last WSDL and model."""

    def test_names(self) -> None:
        """
        In 2014-06-15 the names are those of the table, C{DryRun}, and what
        only older dates say in SOAP.
        """
        version = Version("2014-06-15")
        table, compared = facts("ec2-query-map.json")["operations"], 0
        for operation in EC2.at(version):
            entry = table.get(operation.name)
            if operation.name in _UNKNOWN_TO_BOTOCORE:
                self.assertIs(entry, None)
                continue
            leaves = entry["soap_request_leaves"].values()
            expected = {leaf["query"] for leaf in leaves} - {None}
            expected |= set(entry["query_only"]) | _DRY_RUN
            mine = said(operation, version) - _ALWAYS
            self.assertEqual(mine, expected, operation.name)
            compared += len(expected)
        self.assertEqual(compared, 787)


class Botocore(SynchronousTestCase):
    """Against what botocore sends."""

    def test_first(self) -> None:
        """
        In the oldest date that botocore still knows the names are its names,
        no more and no less; only licences it has forgotten.
        """
        version = Version("2014-09-01")
        model, compared = model_of(version), 0
        known = {o.name: o for o in EC2.at(version)}
        self.assertEqual(
            known.keys() - set(model.operation_names),
            _UNKNOWN_TO_BOTOCORE & known.keys(),
        )
        for name in model.operation_names:
            mine = said(known[name], version) - _ALWAYS - {"License.Pool"}
            theirs = sent(model, name)
            self.assertEqual(mine | _DRY_RUN, theirs | _DRY_RUN, name)
            compared += len(theirs)
        self.assertEqual((len(model.operation_names), compared), (154, 772))

    def test_last(self) -> None:
        """
        In the newest date we know nothing that botocore does not; and of the
        operations that are answered, what we do not know is on a list.
        """
        version = Version("2016-11-15")
        model, known, refused = model_of(version), 0, 0
        answered = answers(EC2, *SUBJECTS)
        for operation in EC2.at(version):
            if operation.name in _UNKNOWN_TO_BOTOCORE:
                self.assertNotIn(operation.name, model.operation_names)
                continue
            mine = said(operation, version) - _ALWAYS - {"License.Pool"}
            theirs = sent(model, operation.name)
            self.assertEqual(mine - theirs - _DRY_RUN, set(), operation.name)
            known += len(mine)
            if operation in answered:
                self.check_list(operation.name, theirs - mine)
                refused += len(theirs - mine)
        self.assertEqual((known, refused), (873, 190))

    def check_list(self, operation: str, unknown: set[str]) -> None:
        branches = _NOT_HERE.get(operation, "").split()
        for name in unknown:
            self.assertTrue(
                any(name == b or name.startswith(f"{b}.") for b in branches),
                f"{operation} {name}",
            )
        for branch in branches:
            self.assertTrue(
                any(n == branch or n.startswith(f"{branch}.") for n in unknown),
                f"{operation} takes all of {branch}",
            )

    def test_required(self) -> None:
        """
        Nothing must be said that botocore lets its users leave out, but what
        is on a list: without it there would be nothing to do.
        """
        version = Version("2014-09-01")
        model, compared = model_of(version), 0
        beyond: dict[str, set[str]] = {}
        for name in model.operation_names:
            operation = EC2.named(name)
            mine = required(operation.query_form or operation.request, version)
            theirs = must_be_sent(model.operation_model(name).input_shape)
            compared += len(mine)
            if more := mine - theirs:
                beyond[name] = more
        self.assertEqual(beyond, _REQUIRED_OF_SENSE)
        self.assertEqual(compared, 175)

    def test_its_dates(self) -> None:
        """Every date that botocore can send is one that Query takes."""
        dates = Loader().list_api_versions("ec2", "service-2")
        self.assertEqual(len(dates), 8)
        self.assertEqual(set(dates) - set(QUERY_VERSIONS), set())


class Names(SynchronousTestCase):
    """In every date."""

    def test_unambiguous(self) -> None:
        """No name means two things."""
        shapes = {
            cls
            for operation in EC2.operations
            for cls in (operation.request, operation.query_form)
            if cls is not None
        }
        compared = 0
        while shapes:
            cls = shapes.pop()
            for version in QUERY_VERSIONS:
                fields = [f for f in shape_of(cls).at(version) if f.query]
                names = [f.query for f in fields]
                self.assertEqual(len(names), len(set(names)), (cls, version))
                shapes.update(f.of for f in fields if not f.is_scalar)
                compared += 1
        self.assertGreater(compared, 159 * len(QUERY_VERSIONS))

    def test_forms(self) -> None:
        """What a form has in common with its request lives as long."""
        compared = 0
        for operation in EC2.operations:
            form, request = operation.query_form, operation.request
            if form is None:
                continue
            ever = [
                {name for v in QUERY_VERSIONS for name in _said(cls, v, "")}
                for cls in (form, request)
            ]
            common = set.intersection(*ever)
            for version in QUERY_VERSIONS:
                mine = set(_said(form, version, "")) & common
                self.assertEqual(mine, set(_said(request, version, "")) & common)
                compared += len(mine)
        self.assertEqual(compared, 4351)

    def test_description_of_old(self) -> None:
        """Images have descriptions since 2009-10-31."""
        operation = EC2.named("ModifyImageAttribute")
        dates = [v for v in QUERY_VERSIONS if "Value" in said(operation, v)]
        self.assertEqual(dates[0], "2009-10-31")

    def test_launch_of_the_oldest_date(self) -> None:
        """Query never knew the list of items that SOAP had until 2007-08-29."""
        names = said(EC2.named("RunInstances"), Version("2006-06-26"))
        self.assertEqual(
            names,
            {"DryRun", "ImageId", "MinCount", "MaxCount", "KeyName"}
            | {"SecurityGroup.N", "AdditionalInfo"},
        )

    def test_instance_type(self) -> None:
        """SOAP must say what type of instance; Query may leave it out."""
        [f] = [
            f
            for f in shape_of(EC2.named("RunInstances").request).fields
            if f.python == "instance_type"
        ]
        version = Version("2008-02-01")
        self.assertTrue(f.is_required_in(version))
        self.assertFalse(f.is_required_in_query(version))
