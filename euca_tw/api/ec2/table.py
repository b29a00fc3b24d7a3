"""
The table of EC2's operations, and the dates they are served under.
"""

from __future__ import annotations

from euca_tw.api.ec2 import (
    addresses,
    groups,
    image_attributes,
    images,
    instances,
    keypairs,
    zones,
)
from euca_tw.api.shapes import Api, Operation, Version

#: The dates of Amazon's WSDLs that are served by SOAP.
SOAP_VERSIONS = (
    Version("2006-06-26"),
    Version("2006-10-01"),
    Version("2007-01-03"),
    Version("2007-01-19"),
    Version("2007-03-01"),
    Version("2007-08-29"),
    Version("2008-02-01"),
)

#: The dates that Query takes: all that EC2 ever had.  Each is answered in its
#: own namespace, with what that date knows.
QUERY_VERSIONS = (
    *SOAP_VERSIONS,
    Version("2008-05-05"),
    Version("2008-08-08"),
    Version("2008-12-01"),
    Version("2009-03-01"),
    Version("2009-04-04"),
    Version("2009-07-15"),
    Version("2009-08-15"),
    Version("2009-10-31"),
    Version("2009-11-30"),
    Version("2010-06-15"),
    Version("2010-08-31"),
    Version("2010-11-15"),
    Version("2011-01-01"),
    Version("2011-02-28"),
    Version("2011-05-15"),
    Version("2011-07-15"),
    Version("2011-11-01"),
    Version("2011-12-01"),
    Version("2011-12-15"),
    Version("2012-03-01"),
    Version("2012-04-01"),
    Version("2012-05-01"),
    Version("2012-06-01"),
    Version("2012-06-15"),
    Version("2012-07-20"),
    Version("2012-08-15"),
    Version("2012-10-01"),
    Version("2012-12-01"),
    Version("2013-02-01"),
    Version("2013-06-15"),
    Version("2013-07-15"),
    Version("2013-08-15"),
    Version("2013-10-01"),
    Version("2013-10-15"),
    Version("2014-02-01"),
    Version("2014-05-01"),
    Version("2014-06-15"),
    Version("2014-09-01"),
    Version("2014-10-01"),
    Version("2015-03-01"),
    Version("2015-04-15"),
    Version("2015-10-01"),
    Version("2016-04-01"),
    Version("2016-09-15"),
    Version("2016-11-15"),
)

OPERATIONS = (
    Operation("RegisterImage", images.RegisterImage, images.RegisterImageResponse),
    Operation(
        "DeregisterImage", images.DeregisterImage, images.DeregisterImageResponse
    ),
    Operation("DescribeImages", images.DescribeImages, images.DescribeImagesResponse),
    Operation(
        "ModifyImageAttribute",
        image_attributes.ModifyImageAttribute,
        image_attributes.ModifyImageAttributeResponse,
        since="2006-10-01",
        query_form=image_attributes.ModifyImageAttributeForm,
    ),
    Operation(
        "ResetImageAttribute",
        image_attributes.ResetImageAttribute,
        image_attributes.ResetImageAttributeResponse,
        since="2006-10-01",
        query_form=image_attributes.ResetImageAttributeForm,
    ),
    Operation(
        "DescribeImageAttribute",
        image_attributes.DescribeImageAttribute,
        image_attributes.DescribeImageAttributeResponse,
        since="2006-10-01",
        query_form=image_attributes.DescribeImageAttributeForm,
    ),
    Operation("RunInstances", instances.RunInstances, instances.RunInstancesResponse),
    Operation(
        "DescribeInstances",
        instances.DescribeInstances,
        instances.DescribeInstancesResponse,
    ),
    Operation(
        "RebootInstances",
        instances.RebootInstances,
        instances.RebootInstancesResponse,
        since="2007-01-03",
    ),
    Operation(
        "TerminateInstances",
        instances.TerminateInstances,
        instances.TerminateInstancesResponse,
    ),
    Operation(
        "GetConsoleOutput",
        instances.GetConsoleOutput,
        instances.GetConsoleOutputResponse,
        since="2007-01-03",
    ),
    Operation(
        "ConfirmProductInstance",
        instances.ConfirmProductInstance,
        instances.ConfirmProductInstanceResponse,
        since="2007-03-01",
    ),
    Operation("CreateKeyPair", keypairs.CreateKeyPair, keypairs.CreateKeyPairResponse),
    Operation(
        "DescribeKeyPairs",
        keypairs.DescribeKeyPairs,
        keypairs.DescribeKeyPairsResponse,
        # As published, with this slip in the oldest date.
        soap_actions=(((None, "2006-10-01"), "DescribeKeyPair"),),
    ),
    Operation("DeleteKeyPair", keypairs.DeleteKeyPair, keypairs.DeleteKeyPairResponse),
    Operation(
        "CreateSecurityGroup",
        groups.CreateSecurityGroup,
        groups.CreateSecurityGroupResponse,
    ),
    Operation(
        "DescribeSecurityGroups",
        groups.DescribeSecurityGroups,
        groups.DescribeSecurityGroupsResponse,
    ),
    Operation(
        "DeleteSecurityGroup",
        groups.DeleteSecurityGroup,
        groups.DeleteSecurityGroupResponse,
    ),
    Operation(
        "AuthorizeSecurityGroupIngress",
        groups.AuthorizeSecurityGroupIngress,
        groups.AuthorizeSecurityGroupIngressResponse,
        query_form=groups.AuthorizeSecurityGroupIngressForm,
    ),
    Operation(
        "RevokeSecurityGroupIngress",
        groups.RevokeSecurityGroupIngress,
        groups.RevokeSecurityGroupIngressResponse,
        query_form=groups.RevokeSecurityGroupIngressForm,
    ),
    Operation(
        "AllocateAddress",
        addresses.AllocateAddress,
        addresses.AllocateAddressResponse,
        since="2008-02-01",
    ),
    Operation(
        "ReleaseAddress",
        addresses.ReleaseAddress,
        addresses.ReleaseAddressResponse,
        since="2008-02-01",
    ),
    Operation(
        "AssociateAddress",
        addresses.AssociateAddress,
        addresses.AssociateAddressResponse,
        since="2008-02-01",
    ),
    Operation(
        "DisassociateAddress",
        addresses.DisassociateAddress,
        addresses.DisassociateAddressResponse,
        since="2008-02-01",
    ),
    Operation(
        "DescribeAddresses",
        addresses.DescribeAddresses,
        addresses.DescribeAddressesResponse,
        since="2008-02-01",
    ),
    Operation(
        "DescribeAvailabilityZones",
        zones.DescribeAvailabilityZones,
        zones.DescribeAvailabilityZonesResponse,
        since="2008-02-01",
    ),
)

EC2 = Api(
    name="AmazonEC2",
    namespace="http://ec2.amazonaws.com/doc/{version}/",
    versions=SOAP_VERSIONS,
    operations=OPERATIONS,
)
