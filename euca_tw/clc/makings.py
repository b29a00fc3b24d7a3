"""
Images that nodes make of instances' disks, as the cloud sees to them.

That an image is to be made is in its record.  The cluster of the instance is
asked for it, again and again, until a node says that it is sent or that it has
failed; what has come whole is kept at once, whoever has still to hear of it.  So
none of those on the way needs to remember anything but the node.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

from attrs import evolve, frozen
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.api.errors import Unavailable
from euca_tw.clc.anew import OF_THE_CLOUD, Anew
from euca_tw.clc.interfaces import IClusters, IImageStore, Making, StoredImage
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.common.background import Background
from euca_tw.common.clock import utc_now
from euca_tw.common.convergence import Convergence, Overtaken, Rest, Setback
from euca_tw.common.leading import MayAct
from euca_tw.model.identifiers import ImageId
from euca_tw.model.records import Image, ImageState, Instance
from euca_tw.store.interfaces import Change, Conflict, IStore, Put, StoreUnreachable

#: A small image may be there soon: it is asked again after so long, and then
#: twice as long each time.
_FIRST_S = 0.25
_UNASKED = "Its cluster or its node cannot be asked"
_LATE = "It was not made in time"


@frozen
class Ask:
    """Have its cluster see to it, and tell how far it is."""


@frozen
class Settle:
    """Its node says that it is sent: see that it is here."""


@frozen
class GiveUp:
    """It will not be made."""

    reason: str


class Makings:
    """
    L{start} is to be called when the store is open; L{stop} at the end.

    Of several cloud controllers that share their state one has images made at a time
    (L{lead}, L{follow}); what has come is kept by that to which it came.
    """

    _log = Logger()

    def __init__(
        self,
        *,
        store: IStore,
        clusters: IClusters,
        images: IImageStore,
        clock: IReactorTime,
        random: Random,
        settings: ConvergenceSettings | None = None,
        is_shared: bool = False,
    ) -> None:
        settings = settings or ConvergenceSettings()
        self._store = store
        self._clusters = clusters
        self._images = images
        self._clock = clock
        self._poll_s = settings.image_poll_s
        self._within = timedelta(seconds=settings.image_deadline_s)
        self._told: dict[str, Making] = {}
        # When it is asked next, and how long it was waited for that.
        self._ask_at: dict[str, tuple[float, float]] = {}
        self._background = Background()
        self._anew = Anew(clock=clock, random=random, times=OF_THE_CLOUD)
        self._is_shared = is_shared
        self._may_act: MayAct = (lambda: False) if is_shared else (lambda: True)
        self._make_convergence = partial(
            Convergence,
            clock=clock,
            random=random,
            plan=self._plan,
            take=self._take,
            keep=self._commit,
            first_s=settings.retry_first_s,
            ceiling_s=settings.retry_ceiling_s,
        )
        self._convergence: Convergence = self._make_convergence()

    def lead(self, may_act: MayAct) -> None:
        """Do it from now on, and what another has left."""
        self._may_act = may_act
        self._convergence = self._make_convergence()
        self.start()

    def follow(self) -> Deferred[Any]:
        """Leave it to another."""
        self._may_act = lambda: False
        self._told.clear()
        self._ask_at.clear()
        return self._convergence.stop()

    def changed(self, changes: Sequence[Change]) -> None:
        """These records were committed, by whomsoever."""
        for change in changes:
            if isinstance(change, Put) and isinstance(change.record, Image):
                self.begin(change.record.image_id)

    def start(self) -> None:
        """Go on with what was under way when the daemon ended."""
        pending = self._store.where(Image, "state", ImageState.PENDING)
        self._convergence.wake_all([each.key for each in pending])

    def stop(self) -> Deferred[Any]:
        """Cut what is under way."""
        return DeferredList([self._convergence.stop(), self._background.stop()])

    def begin(self, image_id: ImageId) -> None:
        """An image is to be made: its record says so."""
        if self._may_act():
            self._convergence.wake(image_id)

    def arrived(self, image_id: ImageId, stored: StoredImage) -> None:
        """It is here, and is what its node has made."""
        self._background.run(f"keeping {image_id}", self._keep(image_id, stored))

    def _plan(self, image_id: str) -> Any:
        if not self._may_act():
            return Rest()
        image = self._store.get(Image, image_id)
        if image is None or not image.is_being_made:
            self._told.pop(image_id, None)
            self._ask_at.pop(image_id, None)
            return Rest()
        told = self._told.get(image_id)
        if told is not None and told.stage == "failed":
            return GiveUp(told.reason or _LATE)
        if told is not None and told.stage == "sent":
            return Settle()
        if told is not None and told.stage == "unknown" and self._has_ended(image):
            return GiveUp("Its instance has ended")
        deadline = image.registered_at + self._within
        if utc_now(self._clock) >= deadline:
            return GiveUp((told.reason if told else "") or _LATE)
        ask_at, _ = self._ask_at.get(image_id, (0.0, 0.0))
        if self._clock.seconds() < ask_at:
            return Rest(min(ask_at, deadline.timestamp()))
        return Ask()

    async def _take(self, image_id: str, step: Ask | Settle | GiveUp) -> None:
        image = self._store.get(Image, image_id)
        if image is None or not self._may_act():
            return
        match step:
            case Ask():
                await self._ask(image)
            case Settle():
                await self._settle(image)
            case GiveUp(reason):
                await self._images.remove(image.image_id)
                failed = evolve(image, state=ImageState.FAILED, state_reason=reason)
                await self._become(image, failed)

    async def _ask(self, image: Image) -> None:
        upload = self._images.upload_of(image.image_id)
        try:
            told = await self._clusters.make_image(image, upload)
        except Unavailable as e:
            told = self._told.get(image.image_id, Making(stage="unasked"))
            self._told[image.image_id] = evolve(told, reason=_UNASKED)
            raise Setback(str(e)) from None
        self._told[image.image_id] = told
        _, waited_s = self._ask_at.get(image.image_id, (0.0, _FIRST_S / 2))
        wait_s = min(2 * waited_s, self._poll_s)
        self._ask_at[image.image_id] = self._clock.seconds() + wait_s, wait_s

    def _has_ended(self, image: Image) -> bool:
        instance = self._store.get(Instance, image.made_of or "")
        return instance is None or not instance.is_live

    async def _settle(self, image: Image) -> None:
        made = self._told[image.image_id].made
        stored = None
        if made is not None:
            stored = await self._images.arrived(image.image_id, made)
        if stored is None:
            lost = Making(stage="failed", reason="It was lost on its way")
            self._told[image.image_id] = lost
        else:
            await self._keep(image.image_id, stored)

    async def _keep(self, image_id: ImageId, stored: StoredImage) -> None:
        def here() -> Sequence[Change]:
            image = self._store.get(Image, image_id)
            if image is None or not image.is_being_made:
                return ()
            after = evolve(
                image,
                state=ImageState.AVAILABLE,
                size_bytes=stored.size_bytes,
                sha256=stored.sha256,
            )
            self._tell(after)
            return (Put(after),)

        is_kept = await self._anew.commit(self._store, here)
        image = self._store.get(Image, image_id)
        if is_kept:
            self.begin(image_id)
        elif image is None or image.state is not ImageState.AVAILABLE:
            await self._images.remove(image_id)  # nobody wants it any more

    async def _become(self, before: Image, after: Image) -> None:
        if self._store.get(Image, before.image_id) != before:
            return  # planned again
        self._tell(after)
        await self._convergence.amend((Put(after),), (after.image_id,))

    def _tell(self, image: Image) -> None:
        self._log.info(
            "{image_id} of {instance_id} is {state} {reason}",
            image_id=image.image_id,
            instance_id=image.made_of,
            state=image.state.value,
            reason=image.state_reason,
        )

    async def _commit(self, changes: Sequence[Put]) -> None:
        try:
            await self._store.commit(*changes)
        except (Conflict, StoreUnreachable) as error:
            raise Overtaken(str(error) or "another changed it") from None
