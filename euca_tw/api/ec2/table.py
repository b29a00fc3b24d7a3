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

OPERATIONS: tuple[Operation, ...] = (
    *images.OPERATIONS,
    *image_attributes.OPERATIONS,
    *instances.OPERATIONS,
    *keypairs.OPERATIONS,
    *groups.OPERATIONS,
    *addresses.OPERATIONS,
    *zones.OPERATIONS,
)

EC2 = Api(
    name="AmazonEC2",
    namespace="http://ec2.amazonaws.com/doc/{version}/",
    versions=SOAP_VERSIONS,
    operations=OPERATIONS,
)
