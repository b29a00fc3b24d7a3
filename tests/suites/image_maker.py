"""What every L{IImageMaker} does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.nodectl.interfaces import (
    FinishedImage,
    IImageMaker,
    MakingRefused,
)

ID, OTHER = "emi-00000002", "emi-00000003"
INSTANCE = "i-00000001"


@frozen(kw_only=True)
class ImageMakerUnderTest:
    """
    @ivar pass_time: let a second go by.
    @ivar write: gives an instance a disk of some content, or other content.
    @ivar end: takes an instance's disk away.
    @ivar sent: what the cloud controller has whole.
    """

    maker: IImageMaker
    write: Callable[[str, str], None]
    end: Callable[[str], None]
    sent: Mapping[str, FinishedImage]
    pass_time: Callable[[], None]


def make_iimage_maker_tests(
    factory: Callable[[SynchronousTestCase], ImageMakerUnderTest],
) -> type[SynchronousTestCase]:
    """@param factory: makes, of the running test, one that has nothing yet."""

    class IImageMakerTests(SynchronousTestCase):
        def setUp(self) -> None:
            self.given = factory(self)
            self.maker: Any = self.given.maker
            self.given.write(INSTANCE, "what it was")

        def did(self, answer: Awaitable[Any]) -> Any:
            asked = _deferred(answer)
            self.given.pass_time()
            return self.successResultOf(asked)

        def refused(self, answer: Awaitable[Any]) -> str:
            failure = self.failureResultOf(_deferred(answer), MakingRefused)
            return str(failure.value)

        def captured(self, image_id: str = ID) -> None:
            self.did(self.maker.capture(image_id, INSTANCE))

        def finished(self, image_id: str = ID) -> FinishedImage:
            made: FinishedImage = self.did(self.maker.finish(image_id))
            return made

        def test_interface(self) -> None:
            """It provides the interface."""
            self.assertTrue(verifyObject(IImageMaker, self.maker))

        def test_made(self) -> None:
            """What is captured can be finished, and what is finished be sent."""
            self.captured()
            made = self.finished()
            self.assertGreater(made.size_bytes, 0)
            self.assertRegex(made.sha256, r"\A[0-9a-f]{64}\Z")
            self.did(self.maker.send(ID, made, "http://clc/", "key"))
            self.assertEqual(self.given.sent, {ID: made})

        def test_again(self) -> None:
            """All of it done again changes nothing."""
            for _ in "once", "again":
                self.captured()
            made = self.finished()
            self.captured()
            self.assertEqual(self.finished(), made)
            for _ in "once", "again":
                self.did(self.maker.send(ID, made, "http://clc/", "key"))
            self.assertEqual(self.given.sent, {ID: made})

        def test_each_its_own(self) -> None:
            """Two of one instance are two."""
            self.captured()
            self.captured(OTHER)
            self.assertEqual(self.did(self.maker.kept()), (ID, OTHER))
            self.did(self.maker.discard(ID))
            self.assertEqual(self.did(self.maker.kept()), (OTHER,))
            self.finished(OTHER)

        def test_ended(self) -> None:
            """What is captured does not need the instance any more."""
            self.captured()
            self.given.end(INSTANCE)
            self.assertGreater(self.finished().size_bytes, 0)

        def test_no_disk(self) -> None:
            """An instance without a disk gives no image."""
            self.given.end(INSTANCE)
            why = self.refused(self.maker.capture(ID, INSTANCE))
            self.assertIn("has no disk any more", why)

        def test_nothing_captured(self) -> None:
            """What was not captured cannot be finished, nor sent."""
            self.refused(self.maker.finish(ID))
            made = FinishedImage(size_bytes=1, sha256="00" * 32)
            self.refused(self.maker.send(ID, made, "http://clc/", "key"))

        def test_discard(self) -> None:
            """Of what was discarded nothing is left; nor is that an error."""
            self.captured()
            self.finished()
            for _ in "once", "again":
                self.did(self.maker.discard(ID))
            self.assertEqual(self.did(self.maker.kept()), ())
            self.refused(self.maker.finish(ID))

    return IImageMakerTests


def _deferred(answer: Awaitable[Any]) -> Deferred[Any]:
    async def awaited() -> Any:
        return await answer

    return Deferred.fromCoroutine(awaited())
