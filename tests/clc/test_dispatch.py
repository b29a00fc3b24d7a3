"""From an operation to the method that answers it."""

from __future__ import annotations

from random import Random
from typing import Any

from attrs import define
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2 import images
from euca_tw.api.ec2.table import EC2
from euca_tw.api.errors import DryRunOperation, Unavailable, UnsupportedOperation
from euca_tw.clc.anew import Anew
from euca_tw.clc.dispatch import BadSubjects, Dispatcher, answers
from euca_tw.clc.subjects import SUBJECTS
from euca_tw.store.interfaces import Conflict, StoreUnusable
from tests.clc.cloud import ALICE


@define
class Echo:
    """Answers one operation, and has other things of its own."""

    limit: int = 3

    async def describe_images(self, caller: Any, request: Any) -> Any:
        return caller, request

    async def _look(self) -> None:
        """No answer."""

    def is_full(self) -> bool:
        return False


class SecondEcho(Echo):
    """Answers the same."""


class Hasty:
    def describe_images(self, caller: Any, request: Any) -> str:
        return "at once"


class Stranger:
    async def describe_weather(self, caller: Any, request: Any) -> None:
        """Nothing that EC2 has."""


class DispatchTests(SynchronousTestCase):
    def test_asks(self) -> None:
        """The operation is answered by the method of its name."""
        dispatch = Dispatcher(EC2, object(), Echo())
        asked = dispatch(EC2.named("DescribeImages"), ALICE, "request")
        self.assertEqual(
            self.successResultOf(ensureDeferred(asked)), (ALICE, "request")
        )

    def test_nobody(self) -> None:
        """An operation that nobody answers is refused by name."""
        asked = Dispatcher(EC2, Echo())(EC2.named("RunInstances"), ALICE, "request")
        failure = self.failureResultOf(ensureDeferred(asked), UnsupportedOperation)
        self.assertIn("RunInstances", failure.value.message)

    def test_undeclared(self) -> None:
        """An answer to what is not declared is a slip, told by name."""
        refused = self.assertRaises(BadSubjects, Dispatcher, EC2, Stranger())
        self.assertIn("Stranger.describe_weather", str(refused))

    def test_no_coroutine(self) -> None:
        """So is a method of an operation's name that answers otherwise."""
        refused = self.assertRaises(BadSubjects, Dispatcher, EC2, Hasty())
        self.assertEqual(str(refused), "Hasty.describe_images is no coroutine")

    def test_not_kept(self) -> None:
        """What cannot be kept is not acknowledged, but refused: to be asked again."""

        class Full:
            async def create_key_pair(self, caller: Any, request: Any) -> Any:
                raise StoreUnusable("the disk is full: /state/cloud.db")

        asked = Dispatcher(EC2, Full())(EC2.named("CreateKeyPair"), ALICE, "request")
        failure = self.failureResultOf(ensureDeferred(asked), Unavailable)
        self.assertIn("try again later", failure.value.message)
        self.assertNotIn("/state", failure.value.message)

    def test_dry_run(self) -> None:
        """A dry run is told so where the operation is answered, and only there."""
        dispatch = Dispatcher(EC2, Echo())
        dry = images.DescribeImages(is_dry_run=True)
        asked = dispatch(EC2.named("DescribeImages"), ALICE, dry)
        self.failureResultOf(ensureDeferred(asked), DryRunOperation)
        asked = dispatch(EC2.named("DescribeVolumes"), ALICE, dry)
        self.failureResultOf(ensureDeferred(asked), UnsupportedOperation)

    def test_two_answers(self) -> None:
        """Two answers to one operation are a slip, told by name."""
        refused = self.assertRaises(BadSubjects, Dispatcher, EC2, Echo(), SecondEcho())
        self.assertEqual(
            str(refused), "DescribeImages is answered by Echo and by SecondEcho"
        )

    def test_twice_the_same(self) -> None:
        """So are two subjects of one class, of which one would never be asked."""
        self.assertRaises(BadSubjects, Dispatcher, EC2, Echo(), Echo())

    def test_answered(self) -> None:
        """
        The operations of the first seven dates are answered by this cloud's
        subjects, whatever else is.
        """
        answered = answers(EC2, *SUBJECTS)
        for operation in EC2.at(EC2.versions[6]):
            self.assertIn(operation, answered)

    def overtaken(self, times: int) -> Any:
        """What is answered when others were faster so often."""

        @define
        class Overtaken(Echo):
            left: int = times

            async def describe_images(self, caller: Any, request: Any) -> Any:
                self.left -= 1
                if self.left >= 0:
                    raise Conflict
                return request

        clock = Clock()
        anew = Anew(clock=clock, random=Random(1), times=3)
        dispatch = Dispatcher(EC2, Overtaken(), anew=anew)
        asked = dispatch(EC2.named("DescribeImages"), ALICE, "request")
        answer = ensureDeferred(asked)
        for _ in range(20):
            clock.advance(0.1)
        return answer

    def test_overtaken(self) -> None:
        """What others have overtaken is answered anew."""
        self.assertEqual(self.successResultOf(self.overtaken(2)), "request")

    def test_overtaken_each_time(self) -> None:
        """Who is overtaken each time is to ask again later."""
        self.failureResultOf(self.overtaken(3), Unavailable)
