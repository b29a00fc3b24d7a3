"""What a round by a foreign client must have told and done."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.compat.cloud import Cloud
from tests.compat.test_boto3 import client_of


def check_round(
    case: SynchronousTestCase, cloud: Cloud, told: Any, codes: str, status: int
) -> None:
    """
    The client was told what boto3 is told of the same instance, and saw EC2's
    own error when it asked for what there is not.

    @param told: zones, image, images, reservation, instance, states, refused.
    @param codes: what its door puts before EC2's codes.
    @param status: of its door's refusals.
    """
    ec2 = client_of(cloud)
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    case.assertEqual(told["zones"], [zone["ZoneName"] for zone in zones])
    case.assertIn(told["image"], told["images"])
    case.assertEqual(told["states"], ["running", "terminated"])
    [reservation] = ec2.describe_instances(InstanceIds=[told["instance"]])[
        "Reservations"
    ]
    [instance] = reservation["Instances"]
    case.assertEqual(reservation["ReservationId"], told["reservation"])
    case.assertEqual(instance["ImageId"], told["image"])
    case.assertEqual(instance["State"]["Name"], "terminated")
    refused = told["refused"]
    case.assertEqual(
        (refused["status"], refused["code"]), (status, f"{codes}InvalidAMIID.NotFound")
    )
    case.assertIn("emi-00000000", refused["message"])
    case.assertNotIn("Traceback", cloud.log)
