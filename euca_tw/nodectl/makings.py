"""
A node's loop for the images that it shall make: from an instance's disk to the
cloud controller.

What was asked is durable before it is acknowledged; each step is idempotent by
image, and is taken again by a node controller that was started anew.  Of a guest
that was held still when its controller was killed the next one takes the disk
again, and then lets it go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.api.node import NcMakeImage, NcMakeImageResponse
from euca_tw.common.background import Background
from euca_tw.common.clock import utc_now
from euca_tw.common.convergence import Amend, Convergence, Rest, Setback
from euca_tw.common.one_at_a_time import OneAtATime
from euca_tw.nodectl import making_plan as plan
from euca_tw.nodectl.interfaces import (
    DomainState,
    FinishedImage,
    HypervisorUnavailable,
    IHypervisor,
    IImageMaker,
    MakingFailed,
    MakingRefused,
)
from euca_tw.nodectl.making_records import ImageMaking, Stage
from euca_tw.nodectl.records import HostedInstance
from euca_tw.nodectl.settings import NodeSettings
from euca_tw.store.interfaces import Delete, IStore, Put

_CANNOT_HOLD = (
    "its guest cannot be held still on this node: ask for the image without NoReboot"
)


class Makings:
    """Makes images of instances on this node."""

    _log = Logger()

    def __init__(
        self,
        *,
        store: IStore,
        hypervisor: IHypervisor,
        maker: IImageMaker | None,
        clock: IReactorTime,
        random: Random,
        settings: NodeSettings,
        changed: Callable[[str], None],
    ) -> None:
        """
        @param maker: None: this node makes no images.
        @param changed: called with an instance's identifier when it may have to
            be off now, or no more.
        """
        self._store = store
        self._hypervisor = hypervisor
        self._maker = maker
        self._clock = clock
        self._limits = plan.MakingLimits(
            capture_s=settings.capture_deadline_s,
            whole_s=settings.image_deadline_s,
            kept_s=settings.ended_kept_s,
        )
        self._changed = changed
        self._held: set[str] = set()
        # Nobody's disk is copied more slowly for another's, nor all threads taken.
        self._one = OneAtATime()
        self._troubles: dict[str, str] = {}
        self._background = Background()
        self._convergence = Convergence(
            clock=clock,
            random=random,
            plan=self._plan,
            take=self._take,
            keep=self._commit,
            first_s=settings.retry_first_s,
            ceiling_s=settings.retry_ceiling_s,
        )

    def start(self) -> None:
        """Begin with what is kept."""
        self._convergence.wake_all([m.key for m in self._store.all(ImageMaking)])
        if self._maker is not None:
            self._background.run("clearing images", self._clear(self._maker))

    def stop(self) -> Deferred[Any]:
        """Cut what is under way; fires when no guest is held still any more."""
        return DeferredList([self._background.stop(), self._convergence.stop()])

    async def make(self, request: NcMakeImage) -> NcMakeImageResponse:
        """Have an image made; asked again, only tell how far it has come."""
        making = self._store.get(ImageMaking, request.image_id)
        if making is None:
            if self._store.get(HostedInstance, request.instance_id) is None:
                # It may have lost its records, and find the instance yet.
                return NcMakeImageResponse(stage="unknown")
            making = self._begun(request)
            if making.stage is Stage.WANTED:
                await self._convergence.amend((Put(making),), (making.key,))
                self._changed(making.instance_id)
        return NcMakeImageResponse(
            stage=making.stage.value,
            reason=making.reason or self._troubles.get(making.key) or None,
            size_bytes=making.size_bytes or None,
            sha256=making.sha256 or None,
        )

    def _begun(self, request: NcMakeImage) -> ImageMaking:
        now = utc_now(self._clock)
        making = ImageMaking(
            image_id=request.image_id,
            instance_id=request.instance_id,
            is_rebooted=request.is_rebooted,
            url=request.url,
            sending_key=request.key,
            asked_at=now,
        )
        if self._maker is None:
            return plan.failed(making, "This node makes no images", now)
        return making

    def must_be_off(self, instance: HostedInstance) -> bool:
        """See L{plan.demand}."""
        return plan.demand(instance, self._of(instance.instance_id))

    def is_held(self, instance_id: str) -> bool:
        """Whether its guest is held still just now."""
        return instance_id in self._held

    def see(self, instance_id: str) -> None:
        """The instance is not as it was."""
        self._convergence.wake_all([m.key for m in self._of(instance_id)])

    def _of(self, instance_id: str) -> Sequence[ImageMaking]:
        return tuple(self._store.where(ImageMaking, "instance_id", instance_id))

    def _plan(self, image_id: str) -> Any:
        making = self._store.get(ImageMaking, image_id)
        if making is None:
            self._troubles.pop(image_id, None)
            return Rest()
        decision = plan.plan(
            making,
            self._store.get(HostedInstance, making.instance_id),
            self._troubles.get(image_id, ""),
            utc_now(self._clock),
            self._limits,
        )
        if isinstance(decision, plan.Become):
            return Amend((Put(decision.making),))
        if isinstance(decision, plan.Forget):
            return Amend((Delete(ImageMaking, image_id),))
        return decision

    async def _commit(self, changes: Sequence[Put | Delete]) -> None:
        await self._store.commit(*changes)
        for change in changes:
            if isinstance(change, Put):
                making: Any = change.record
                self._log.info(
                    "{image_id} of {instance_id} is {stage} {reason}",
                    image_id=making.image_id,
                    instance_id=making.instance_id,
                    stage=making.stage.value,
                    reason=making.reason,
                )
                self._changed(making.instance_id)

    async def _take(self, image_id: str, step: plan.Step) -> None:
        making, maker = self._store.get(ImageMaking, image_id), self._maker
        if making is None or maker is None:
            return
        try:
            after = await self._taken(making, maker, step)
        except MakingRefused as e:
            after = plan.failed(making, _sentence(str(e)), utc_now(self._clock))
        except (MakingFailed, HypervisorUnavailable) as e:
            self._troubles[image_id] = _sentence(str(e))
            raise Setback(str(e)) from None
        self._troubles.pop(image_id, None)
        now = self._store.get(ImageMaking, image_id)
        if now == making:
            await self._convergence.amend((Put(after),), (image_id,))

    async def _taken(
        self, making: ImageMaking, maker: IImageMaker, step: plan.Step
    ) -> ImageMaking:
        """What has become of it."""
        image_id, instance_id = making.image_id, making.instance_id
        match step:
            case plan.Capture():
                async with self._one:
                    await maker.capture(image_id, instance_id)
                return evolve(making, stage=Stage.CAPTURED)
            case plan.CaptureHeld():
                async with self._one:
                    await self._capture_held(maker, image_id, instance_id)
                return evolve(making, stage=Stage.CAPTURED)
            case plan.Finish():
                made = await maker.finish(image_id)
                return evolve(
                    making,
                    stage=Stage.FINISHED,
                    size_bytes=made.size_bytes,
                    sha256=made.sha256,
                )
            case plan.Send():
                made = FinishedImage(size_bytes=making.size_bytes, sha256=making.sha256)
                await maker.send(image_id, made, making.url, making.sending_key)
                now = utc_now(self._clock)
                return evolve(making, stage=Stage.SENT, ended_at=now)
            case plan.Discard():
                if not making.is_rebooted:
                    # It may have been left so.
                    await self._hypervisor.release(instance_id)
                await maker.discard(image_id)
                return evolve(making, is_clean=True)
            case _:
                return making

    async def _capture_held(
        self, maker: IImageMaker, image_id: str, instance_id: str
    ) -> None:
        self._held.add(instance_id)
        try:
            if not await self._hypervisor.hold(instance_id):
                found = await self._hypervisor.find(instance_id)
                if found is not None and found.state is DomainState.RUNNING:
                    raise MakingRefused(_CANNOT_HOLD)
                raise MakingFailed("its guest does not run")
            try:
                await maker.capture(image_id, instance_id)
            finally:
                await self._hypervisor.release(instance_id)
        finally:
            self._held.discard(instance_id)
            self._changed(instance_id)

    async def _clear(self, maker: IImageMaker) -> None:
        """Delete what no record is of."""
        for image_id in await maker.kept():
            if self._store.get(ImageMaking, image_id) is None:
                await maker.discard(image_id)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
