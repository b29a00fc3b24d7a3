"""
Key pairs, with which users log in to their instances.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import (
    Acknowledgement,
    Filter,
    Request,
    Response,
    Tag,
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
    @ivar key_fingerprint: of an RSA key, SHA-1 over the private key's PKCS#8
        DER bytes, pairs of hex digits with colons; of an Ed25519 key, base64 of
        SHA-256 over the public key as OpenSSH has it.
    @ivar key_material: the private key, in the format asked for; told this once.
    """

    key_name: str = wire("keyName")
    key_fingerprint: str = wire("keyFingerprint")
    key_material: str = wire("keyMaterial")
    key_pair_id: str | None = wire("keyPairId", since="2016-11-15")
    tags: tuple[Tag, ...] = wire("tagSet", since="2016-11-15", required=False)


@shape("ImportKeyPairType")
class ImportKeyPair(Request):
    """
    @ivar public_key_material: base64 of the key's OpenSSH line, of its
        RFC 4716 file, or of its DER bytes in base64.
    """

    key_name: str = wire("keyName")
    public_key_material: str = wire("publicKeyMaterial")
    tag_specifications: tuple[TagSpecification, ...] = wire(
        "tagSpecificationSet",
        query="TagSpecification",
        since="2016-11-15",
        required=False,
    )


@shape("ImportKeyPairResponseType")
class ImportKeyPairResponse(Response):
    """
    @ivar key_fingerprint: of an RSA key, MD5 over the public key's DER bytes,
        pairs of hex digits with colons; of an Ed25519 key, as L{CreateKeyPair}
        has it.
    """

    key_name: str = wire("keyName")
    key_fingerprint: str = wire("keyFingerprint")
    key_pair_id: str | None = wire("keyPairId", since="2016-11-15")
    tags: tuple[Tag, ...] = wire("tagSet", since="2016-11-15", required=False)


@shape("DeleteKeyPairType")
class DeleteKeyPair(Request):
    """
    By one name or the other.

    @ivar key_name: the only one that there was at first.
    """

    key_name: str | None = wire(
        "keyName", required=True, choice="key", choice_since="2016-11-15"
    )
    key_pair_id: str | None = wire("keyPairId", since="2016-11-15", choice="key")


@shape("DeleteKeyPairResponseType")
class DeleteKeyPairResponse(Acknowledgement):
    """
    It is gone, or was not there.

    @ivar key_pair_id: what it was; None: there was none.
    """

    key_pair_id: str | None = wire("keyPairId", since="2016-11-15")


@shape("DescribeKeyPairsType")
class DescribeKeyPairs(Request):
    """No names and no ids: all of the user's."""

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
    key_pair_ids: tuple[str, ...] = wire(
        "keyPairIdSet",
        query="KeyPairId",
        leaf="keyPairId",
        item_type="KeyPairIdSetItemType",
        since="2016-11-15",
        required=False,
    )
    include_public_key: bool | None = wire("includePublicKey", since="2016-11-15")


@shape("DescribeKeyPairsResponseItemType", list_type="DescribeKeyPairsResponseInfoType")
class KeyPairItem:
    """
    @ivar public_key: one line of authorized_keys, if it was asked for.
    """

    key_name: str = wire("keyName")
    key_fingerprint: str = wire("keyFingerprint")
    key_pair_id: str | None = wire("keyPairId", since="2016-11-15")
    key_type: str | None = wire("keyType", since="2016-11-15")
    public_key: str | None = wire("publicKey", since="2016-11-15")
    create_time: datetime | None = wire("createTime", since="2016-11-15")
    tags: tuple[Tag, ...] = wire("tagSet", since="2016-11-15", required=False)


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
