"""What answers say at the newest date, against what botocore reads of it."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.model import Shape as ModelShape
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.table import EC2
from euca_tw.api.shapes import Shape, Version, shape_of
from euca_tw.clc.dispatch import answers
from euca_tw.clc.subjects import SUBJECTS

NEWEST = Version("2016-11-15")

#: What botocore has forgotten; EC2 told it at earlier dates.
_PASSED_OVER = {
    "DescribeInstances reservationSet.instancesSet.license.pool",
    "RunInstances instancesSet.license.pool",
}


def told(shape: Shape, before: str = "") -> Iterator[str]:
    """The paths of what an answer may say."""
    for f in shape.elements(NEWEST):
        path = f"{before}{f.wire}"
        if f.leaf:
            yield f"{path}.{f.leaf}"
        elif f.is_scalar:
            yield path
        else:
            yield from told(shape_of(f.of), f"{path}.")


def read(shape: ModelShape | None, before: str = "", depth: int = 8) -> Iterator[str]:
    """The paths of what botocore reads."""
    if shape is None or not depth:
        return
    for name, member in shape.members.items():
        path = before + member.serialization.get("name", name)
        of = member.member if member.type_name == "list" else member
        if of.type_name == "structure":
            yield from read(of, f"{path}.", depth - 1)
        else:
            yield path


class AnswersTests(SynchronousTestCase):
    def test_every_answer(self) -> None:
        """Nothing is told to today's clients that they do not look for."""
        model = ServiceModel(Loader().load_service_model("ec2", "service-2", NEWEST))
        compared = 0
        for operation in answers(EC2, *SUBJECTS):
            if not operation.lives_in(NEWEST):
                continue
            if operation.name not in model.operation_names:
                continue
            output = model.operation_model(operation.name).output_shape
            mine = set(told(shape_of(operation.response)))
            theirs = set(read(output)) | {"requestId", "return"}
            extra = {f"{operation.name} {each}" for each in mine - theirs}
            self.assertEqual(extra - _PASSED_OVER, set())
            compared += len(mine & theirs)
        self.assertGreater(compared, 400)
