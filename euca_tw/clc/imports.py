"""
The bytes of images: brought in after an image was registered, shared with those
that were copied from it, and forgotten when it was deregistered and no instance
needs it.

What was under way when the daemon ended begins anew: the record says so.  Of
several cloud controllers that share their state one does all this at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import Factory, define, evolve, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from euca_tw.clc.anew import Anew
from euca_tw.clc.interfaces import IImageStore, ImportFailed, StoredImage
from euca_tw.common.background import Background
from euca_tw.common.leading import MayAct
from euca_tw.model.records import Image, ImageState, Instance, User
from euca_tw.store.interfaces import Change, Delete, IStore, Put


@define(eq=False, kw_only=True)
class Imports:
    """
    L{resume} is to be called when the store is open; C{background} is to be
    stopped at the end.

    @ivar images: where the bytes go.
    @ivar anew: how what others have overtaken is decided again; None: there are no
        others, and nothing is asked of L{lead}.
    """

    store: IStore
    images: IImageStore
    anew: Anew | None = None
    background: Background = Factory(Background)
    _log: Logger = Factory(Logger)
    _may_act: MayAct | None = field(default=None, init=False)
    _under_way: set[str] = field(factory=set, init=False)

    def lead(self, may_act: MayAct) -> None:
        """Do it from now on, and what another has left."""
        self._may_act = may_act
        self.resume()

    def follow(self) -> Deferred[object]:
        """Leave it to another."""
        self._may_act = None
        return self.background.stop()

    @property
    def _leads(self) -> bool:
        return self.anew is None or (self._may_act is not None and self._may_act())

    def resume(self) -> None:
        """Go on with what was under way when the daemon ended."""
        for image in list(self.store.where(Image, "state", ImageState.PENDING)):
            self._resume(image)
        self.begin_sweep()

    def _resume(self, image: Image) -> None:
        if not image.is_being_made:
            owner = self.store.get(User, image.owner_id)
            self.begin(image, owner is not None and owner.is_admin)

    def changed(self, changes: Sequence[Change]) -> None:
        """These records were committed, by whomsoever."""
        if not self._leads:
            return
        is_to_sweep = False
        for change in changes:
            record = change.record if isinstance(change, Put) else None
            if isinstance(record, Image):
                is_to_sweep |= record.state is ImageState.DEREGISTERED
                if record.state is ImageState.PENDING:
                    self._resume(record)
            elif isinstance(record, Instance):
                is_to_sweep |= not record.is_live
        if is_to_sweep:
            self.begin_sweep()

    def begin(self, image: Image, is_admin: bool) -> None:
        """
        Bring in an image; its record tells when it is AVAILABLE or FAILED.

        @param is_admin: whether an administrator says where it is.
        """
        name = image.image_id
        # That of which nothing is kept was overtaken: there is no such image.
        is_kept = self.store.get(Image, name) is not None
        is_under_way = self.anew is not None and name in self._under_way
        if not self._leads or not is_kept or is_under_way:
            return
        self._under_way.add(name)
        self.background.run(f"importing {name}", self._import(image, is_admin))

    async def _import(self, image: Image, is_admin: bool) -> None:
        try:
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
            if not self._leads:
                return
            if not await self._kept(image, stored, reason):
                await self.images.remove(image.image_id)  # deregistered meanwhile
                await self._sweep()
        finally:
            self._under_way.discard(image.image_id)
        if image.copy_of is not None:
            self.begin_sweep()  # what it was made of may be needed no more

    async def _kept(
        self, image: Image, stored: StoredImage | None, reason: str
    ) -> bool:
        """Whether anybody wanted it still."""

        def changes() -> Sequence[Change]:
            now = self.store.get(Image, image.image_id)
            if now is None or now.state is not ImageState.PENDING:
                return ()
            if stored is None:
                failed = evolve(now, state=ImageState.FAILED, state_reason=reason)
                return (Put(failed),)
            arrived = evolve(
                now,
                state=ImageState.AVAILABLE,
                size_bytes=stored.size_bytes,
                sha256=stored.sha256,
            )
            return (Put(arrived),)

        return await self._commit(changes)

    async def _commit(self, decide: Callable[[], Sequence[Change]]) -> bool:
        """Whether there was anything to commit."""
        if self.anew is not None:
            return await self.anew.commit(self.store, decide)
        changes = decide()
        if changes:
            await self.store.commit(*changes)
        return bool(changes)

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
        if self._leads and self.store.where(Image, "state", ImageState.DEREGISTERED):
            self.background.run("sweeping images", self._sweep())

    async def _sweep(self) -> None:
        deregistered = list(self.store.where(Image, "state", ImageState.DEREGISTERED))
        for image in deregistered:
            if self._leads and not self._is_needed(image):
                await self.images.remove(image.image_id)
                await self._commit(lambda image=image: self._forgotten(image))  # type: ignore[misc]

    def _forgotten(self, image: Image) -> Sequence[Change]:
        now = self.store.get(Image, image.key)
        return () if now != image else (Delete(Image, image.key),)

    def _is_needed(self, image: Image) -> bool:
        """By an instance, or by a copy that is still to be made of it."""
        pending = self.store.where(Image, "state", ImageState.PENDING)
        if any(each.copy_of == image.image_id for each in pending):
            return True
        return bool(self.store.where(Instance, "needs_images", image.image_id))
