"""
The bytes of images: brought in after an image was registered, shared with those
that were copied from it, and forgotten when it was deregistered and no instance
needs it.

What was under way when the daemon ended begins anew: the record says so.
"""

from __future__ import annotations

from attrs import Factory, define, evolve
from twisted.logger import Logger

from euca_tw.clc.interfaces import IImageStore, ImportFailed, StoredImage
from euca_tw.common.background import Background
from euca_tw.model.records import Image, ImageState, Instance, User
from euca_tw.store.interfaces import Delete, IStore, Put


@define(eq=False, kw_only=True)
class Imports:
    """
    L{resume} is to be called when the store is open; C{background} is to be
    stopped at the end.

    @ivar images: where the bytes go.
    """

    store: IStore
    images: IImageStore
    background: Background = Factory(Background)
    _log: Logger = Factory(Logger)

    def resume(self) -> None:
        """Go on with what was under way when the daemon ended."""
        for image in list(self.store.where(Image, "state", ImageState.PENDING)):
            if not image.is_being_made:
                owner = self.store.get(User, image.owner_id)
                self.begin(image, owner is not None and owner.is_admin)
        self.begin_sweep()

    def begin(self, image: Image, is_admin: bool) -> None:
        """
        Bring in an image; its record tells when it is AVAILABLE or FAILED.

        @param is_admin: whether an administrator says where it is.
        """
        self.background.run(
            f"importing {image.image_id}", self._import(image, is_admin)
        )

    async def _import(self, image: Image, is_admin: bool) -> None:
        stored, reason = None, ""
        try:
            stored = await self._brought(image, is_admin)
        except ImportFailed as failed:
            reason = str(failed)
            self._log.info(
                "{image_id} cannot be had: {reason}",
                image_id=image.image_id,
                reason=reason,
            )
        now = self.store.get(Image, image.image_id)
        if now is None or now.state is not ImageState.PENDING:
            await self.images.remove(image.image_id)  # deregistered meanwhile
            await self._sweep()
        elif stored is None:
            failed_now = evolve(now, state=ImageState.FAILED, state_reason=reason)
            await self.store.commit(Put(failed_now))
        else:
            arrived = evolve(
                now,
                state=ImageState.AVAILABLE,
                size_bytes=stored.size_bytes,
                sha256=stored.sha256,
            )
            await self.store.commit(Put(arrived))
        if image.copy_of is not None:
            self.begin_sweep()  # what it was made of may be needed no more

    async def _brought(self, image: Image, is_admin: bool) -> StoredImage:
        """@raise ImportFailed:"""
        if image.copy_of is None:
            return await self.images.add(image.image_id, image.location, is_admin)
        source = self.store.get(Image, image.copy_of)
        if source is None:
            raise ImportFailed(f"{image.copy_of} is not there any more")
        return await self.images.share(image.image_id, source)

    def begin_sweep(self) -> None:
        """Forget the deregistered images that no instance needs any more."""
        if self.store.where(Image, "state", ImageState.DEREGISTERED):
            self.background.run("sweeping images", self._sweep())

    async def _sweep(self) -> None:
        deregistered = list(self.store.where(Image, "state", ImageState.DEREGISTERED))
        for image in deregistered:
            if not self._is_needed(image):
                await self.images.remove(image.image_id)
                await self.store.commit(Delete(Image, image.key))

    def _is_needed(self, image: Image) -> bool:
        """By an instance, or by a copy that is still to be made of it."""
        pending = self.store.where(Image, "state", ImageState.PENDING)
        if any(each.copy_of == image.image_id for each in pending):
            return True
        return bool(self.store.where(Instance, "needs_images", image.image_id))
