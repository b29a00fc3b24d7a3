"""From an operation to the method that answers it."""

from __future__ import annotations

from attrs import define
from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.table import EC2
from euca_tw.api.errors import UnsupportedOperation
from euca_tw.clc.addresses import Addresses
from euca_tw.clc.dispatch import dispatcher
from euca_tw.clc.groups import Groups
from euca_tw.clc.image_attributes import ImageAttributes
from euca_tw.clc.images import Images
from euca_tw.clc.instances import Instances
from euca_tw.clc.keypairs import KeyPairs
from euca_tw.clc.launches import Launches
from euca_tw.clc.zones import Zones
from tests.clc.cloud import ALICE

SUBJECTS = (
    *(Addresses, Groups, ImageAttributes, Images, Instances),
    *(KeyPairs, Launches, Zones),
)


@define
class Echo:
    async def describe_images(self, caller, request):
        return caller, request


class DispatchTests(SynchronousTestCase):
    def test_asks(self) -> None:
        """The operation is answered by the method of its name."""
        dispatch = dispatcher(object(), Echo())
        asked = dispatch(EC2.named("DescribeImages"), ALICE, "request")
        self.assertEqual(
            self.successResultOf(ensureDeferred(asked)), (ALICE, "request")
        )

    def test_nobody(self) -> None:
        """An operation that nobody answers is refused by name."""
        asked = dispatcher(Echo())(EC2.named("RunInstances"), ALICE, "request")
        failure = self.failureResultOf(ensureDeferred(asked), UnsupportedOperation)
        self.assertIn("RunInstances", failure.value.message)

    def test_every_operation(self) -> None:
        """Each operation of the API is answered by exactly one subject."""
        for operation in EC2.operations:
            answering = [s for s in SUBJECTS if hasattr(s, operation.method)]
            self.assertEqual(len(answering), 1, operation.name)
