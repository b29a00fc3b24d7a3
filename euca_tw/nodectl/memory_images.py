"""Images of disks that are only remembered; see L{euca_tw.nodectl.memory}."""

from __future__ import annotations

import hashlib

from attrs import Factory, define
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from euca_tw.nodectl.interfaces import (
    FinishedImage,
    IImageMaker,
    MakingFailed,
    MakingRefused,
)
from euca_tw.nodectl.memory import MemoryInstanceStore


@implementer(IImageMaker)
@define(eq=False)
class MemoryImageMaker:
    """
    As files do, all of this outlives the daemon that uses it.

    @ivar captured: the instance of each image that was captured.
    @ivar sent: of each image, what the cloud controller was sent.
    @ivar complaint: why sending does not succeed; C{""}: it does.
    @ivar is_full: there is no room for one more.
    @ivar step_s: how long it takes to capture, to finish, and to send one.
    """

    clock: IReactorTime
    instances: MemoryInstanceStore
    captured: dict[str, str] = Factory(dict)
    sent: dict[str, FinishedImage] = Factory(dict)
    complaint: str = ""
    is_full: bool = False
    step_s: float = 0.0

    async def capture(self, image_id: str, instance_id: str) -> None:
        if image_id in self.captured:
            return
        if not self.instances.has_disk(instance_id):
            raise MakingRefused(f"{instance_id} has no disk any more")
        if self.is_full:
            raise MakingRefused("the node's disk is full")
        await self._wait()
        self.captured[image_id] = instance_id

    async def finish(self, image_id: str) -> FinishedImage:
        await self._wait()
        instance_id = self.captured.get(image_id)
        if instance_id is None:
            raise MakingRefused("what was captured for it is gone")
        content = f"{image_id} of {instance_id}".encode()
        return FinishedImage(
            size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
        )

    async def send(
        self, image_id: str, finished: FinishedImage, url: str, key: str
    ) -> None:
        await self._wait()
        if image_id not in self.captured:
            raise MakingRefused("the file that was made is gone")
        if self.complaint:
            raise MakingFailed(self.complaint)
        self.sent[image_id] = finished

    async def discard(self, image_id: str) -> None:
        self.captured.pop(image_id, None)

    async def kept(self) -> tuple[str, ...]:
        return tuple(sorted(self.captured))

    async def _wait(self) -> None:
        if self.step_s:
            await deferLater(self.clock, self.step_s)
