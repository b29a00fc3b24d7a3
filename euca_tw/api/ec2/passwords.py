"""
Passwords of Windows instances.

A Windows guest makes up its administrator's password at its first start, and
gives it away only encrypted with the key pair that it was launched with.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import Request, Response
from euca_tw.api.shapes import Operation, shape, wire


@shape("GetPasswordDataType")
class GetPasswordData(Request):
    instance_id: str = wire("instanceId")


@shape("GetPasswordDataResponseType")
class GetPasswordDataResponse(Response):
    """
    @ivar timestamp: when the password was last told by the guest, UTC.
    @ivar password_data: base64 of the encrypted password; C{""} until the
        guest has told it.
    """

    instance_id: str = wire("instanceId")
    timestamp: datetime = wire("timestamp")
    password_data: str = wire("passwordData")


OPERATIONS = (
    Operation(
        "GetPasswordData",
        GetPasswordData,
        GetPasswordDataResponse,
        since="2009-07-15",
    ),
)
