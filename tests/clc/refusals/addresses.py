"""Addresses."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from euca_tw.model.records import Address, InstanceState
from tests.clc.cloud import ALICE_ID
from tests.clc.refusals.table import (
    QUERY_DATE,
    Before,
    Operations,
    Row,
    Step,
    quoted,
    rows_of,
)
from tests.clc.refusals.world import (
    ADDRESS,
    ALLOCATION,
    HIS_ADDRESS,
    HIS_INSTANCE,
    INSTANCE,
    NO_ADDRESS,
    NO_INSTANCE,
    POOL,
)


def _state(state: InstanceState) -> tuple[Before, ...]:
    return (lambda world: world.instance(1, state=state),)


def _associated(world: Any) -> None:
    """Another instance of hers has the address."""
    other = world.instance(2)
    held = world.store.get(Address, ADDRESS)
    world.put(evolve(held, instance_id=other.instance_id))


def _hers(*addresses: str) -> tuple[Before, ...]:
    return (
        lambda world: world.put(
            *(Address(public_ip=each, owner_id=ALICE_ID) for each in addresses)
        ),
    )


def _of_one(operation: str) -> tuple[Row, ...]:
    """What is refused of who names an address."""
    return (
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"PublicIp": "192.0.2.999"}, "'192.0.2.999'"),
        ),
        *rows_of(
            operation,
            Step.EXISTENCE,
            "InvalidAddress.NotFound",
            ({"PublicIp": NO_ADDRESS}, f"'{NO_ADDRESS}'"),
            ({"PublicIp": HIS_ADDRESS}, f"'{HIS_ADDRESS}'"),
        ),
    )


OPERATIONS = Operations(
    right={
        "AllocateAddress": {},
        "ReleaseAddress": {"PublicIp": ADDRESS},
        "AssociateAddress": {"PublicIp": ADDRESS, "InstanceId": INSTANCE},
        "DisassociateAddress": {"PublicIp": ADDRESS},
        "DescribeAddresses": {"PublicIp.1": ADDRESS},
    },
    rows=(
        *rows_of(
            "AllocateAddress",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"Domain": "lan"}, "(lan)"),
        ),
        *rows_of(
            "AllocateAddress",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"Address": "x"}, "'x' for address"),
            version=QUERY_DATE,
        ),
        *rows_of(
            "AllocateAddress",
            Step.EXISTENCE,
            "InvalidAddress.NotFound",
            ({"Address": NO_ADDRESS}, f"'{NO_ADDRESS}'"),
            version=QUERY_DATE,
        ),
        *rows_of(
            "AllocateAddress",
            Step.STATE,
            "InvalidIPAddress.InUse",
            ({"Address": ADDRESS}, f"'{ADDRESS}'"),
            ({"Address": HIS_ADDRESS}, f"'{HIS_ADDRESS}'"),
            version=QUERY_DATE,
        ),
        *rows_of(
            "AllocateAddress",
            Step.LIMIT,
            "AddressLimitExceeded",
            ({}, "2"),
            before=_hers(POOL[2]),
        ),
        *rows_of(
            "AllocateAddress",
            Step.LIMIT,
            "InsufficientAddressCapacity",
            ({}, "addresses"),
            status=503,
            before=(
                lambda world: world.put(
                    *(Address(public_ip=each, owner_id="000000000007") for each in POOL)
                ),
            ),
        ),
        *_of_one("ReleaseAddress"),
        *rows_of(
            "ReleaseAddress",
            Step.EXISTENCE,
            "InvalidAllocationID.NotFound",
            (
                {"PublicIp": None, "AllocationId": "eipalloc-000000ff"},
                "'eipalloc-000000ff'",
            ),
        ),
        *_of_one("AssociateAddress"),
        *rows_of(
            "AssociateAddress",
            Step.EXISTENCE,
            "InvalidInstanceID.NotFound",
            ({"InstanceId": NO_INSTANCE}, f"'{NO_INSTANCE}'"),
            ({"InstanceId": HIS_INSTANCE}, f"'{HIS_INSTANCE}'"),
        ),
        *rows_of(
            "AssociateAddress",
            Step.EXISTENCE,
            "InvalidNetworkInterfaceID.NotFound",
            (
                {"InstanceId": None, "NetworkInterfaceId": "eni-000000ff"},
                "eni-000000ff",
            ),
        ),
        *rows_of(
            "AssociateAddress",
            Step.EXISTENCE,
            "InvalidAllocationID.NotFound",
            (
                {"PublicIp": None, "AllocationId": "eipalloc-000000ff"},
                "'eipalloc-000000ff'",
            ),
        ),
        *(
            row
            for state in (
                InstanceState.SHUTTING_DOWN,
                InstanceState.TERMINATED,
                InstanceState.STOPPED,
            )
            for row in rows_of(
                "AssociateAddress",
                Step.STATE,
                "IncorrectInstanceState",
                ({}, state.value),
                before=_state(state),
            )
        ),
        *rows_of(
            "AssociateAddress",
            Step.STATE,
            "Resource.AlreadyAssociated",
            ({"AllowReassociation": "false"}, ADDRESS),
            before=(_associated,),
        ),
        *_of_one("DisassociateAddress"),
        *rows_of(
            "DisassociateAddress",
            Step.EXISTENCE,
            "InvalidAssociationID.NotFound",
            (
                {"PublicIp": None, "AssociationId": "eipassoc-000000ff"},
                "'eipassoc-000000ff'",
            ),
        ),
        *rows_of(
            "DescribeAddresses",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"PublicIp.1": "banana"}, "'banana'"),
            ({"Filter.1.Name": "colour", "Filter.1.Value.1": "x"}, "'colour'"),
        ),
        *rows_of(
            "DescribeAddresses",
            Step.SYNTAX,
            "FilterLimitExceeded",
            ({"Filter.1.Name": "public-ip", **quoted(201, "Filter.1.Value.{}")}, "200"),
        ),
        *rows_of(
            "DescribeAddresses",
            Step.EXISTENCE,
            "InvalidAddress.NotFound",
            ({"PublicIp.2": NO_ADDRESS}, f"'{NO_ADDRESS}'"),
            ({"PublicIp.1": HIS_ADDRESS}, f"'{HIS_ADDRESS}'"),
        ),
        *rows_of(
            "DescribeAddresses",
            Step.EXISTENCE,
            "InvalidAllocationID.NotFound",
            (
                {"PublicIp.1": None, "AllocationId.1": ALLOCATION[:-1] + "f"},
                ALLOCATION[:-1],
            ),
        ),
        *rows_of(
            "AllocateAddress",
            Step.SYNTAX,
            "InvalidParameterValue",
            (
                {
                    "TagSpecification.1.ResourceType": "image",
                    "TagSpecification.1.Tag.1.Key": "Name",
                },
                "'image'",
            ),
            version=QUERY_DATE,
        ),
    ),
)
