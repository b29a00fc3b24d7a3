"""
Key pairs, with which users log in to their instances.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import (
    Acknowledgement,
    Filter,
    Request,
    Response,
    TagSpecification,
)
from euca_tw.api.shapes import Operation, shape, wire


@shape("CreateKeyPairType")
class CreateKeyPair(Request):
    """
    @ivar key_type: C{rsa} or C{ed25519}; C{rsa}, if it is not said.
    @ivar key_format: of the private key: C{pem} or C{ppk}; C{pem}, if it is
        not said.
    """

    key_name: str = wire("keyName")
    key_type: str | None = wire("keyType", since="2016-11-15")
    key_format: str | None = wire("keyFormat", since="2016-11-15")
    tag_specifications: tuple[TagSpecification, ...] = wire(
        "tagSpecificationSet",
        query="TagSpecification",
        since="2016-11-15",
        required=False,
    )


@shape("CreateKeyPairResponseType")
class CreateKeyPairResponse(Response):
    """
    @ivar key_fingerprint: SHA-1 over the private key's PKCS#8 DER bytes,
        pairs of hex digits with colons.
    @ivar key_material: the private key, PEM; told this once.
    """

    key_name: str = wire("keyName")
    key_fingerprint: str = wire("keyFingerprint")
    key_material: str = wire("keyMaterial")


@shape("ImportKeyPairType")
class ImportKeyPair(Request):
    """
    @ivar public_key_material: base64 of the key's OpenSSH line, of its
        RFC 4716 file, or of its DER bytes in base64.
    """

    key_name: str = wire("keyName")
    public_key_material: str = wire("publicKeyMaterial")


@shape("ImportKeyPairResponseType")
class ImportKeyPairResponse(Response):
    """
    @ivar key_fingerprint: MD5 over the public key's DER bytes, pairs of hex
        digits with colons.
    """

    key_name: str = wire("keyName")
    key_fingerprint: str = wire("keyFingerprint")


@shape("DeleteKeyPairType")
class DeleteKeyPair(Request):
    key_name: str = wire("keyName")


@shape("DeleteKeyPairResponseType")
class DeleteKeyPairResponse(Acknowledgement):
    """It is gone, or was not there."""


@shape("DescribeKeyPairsType")
class DescribeKeyPairs(Request):
    """@ivar key_names: none: all of the user's."""

    key_names: tuple[str, ...] = wire(
        "keySet",
        query="KeyName",
        leaf="keyName",
        item_type="DescribeKeyPairsItemType",
        list_type="DescribeKeyPairsInfoType",
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )


@shape("DescribeKeyPairsResponseItemType", list_type="DescribeKeyPairsResponseInfoType")
class KeyPairItem:
    key_name: str = wire("keyName")
    key_fingerprint: str = wire("keyFingerprint")


@shape("DescribeKeyPairsResponseType")
class DescribeKeyPairsResponse(Response):
    key_pairs: tuple[KeyPairItem, ...] = wire("keySet")


OPERATIONS = (
    Operation("CreateKeyPair", CreateKeyPair, CreateKeyPairResponse),
    Operation(
        "ImportKeyPair",
        ImportKeyPair,
        ImportKeyPairResponse,
        since="2010-08-31",
    ),
    Operation(
        "DescribeKeyPairs",
        DescribeKeyPairs,
        DescribeKeyPairsResponse,
        # As published, with this slip in the oldest date.
        soap_actions=(((None, "2006-10-01"), "DescribeKeyPair"),),
    ),
    Operation("DeleteKeyPair", DeleteKeyPair, DeleteKeyPairResponse),
)
