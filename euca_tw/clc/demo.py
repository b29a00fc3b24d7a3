"""
The image that a new cloud has, so that there is something to run.

It belongs to the administrator and is public.  Registered at most once for each
place that it comes from: who deregisters it is not given it again.
"""

from __future__ import annotations

from pathlib import PurePath

from attrs import evolve, frozen
from twisted.internet.interfaces import IReactorTime

from euca_tw.clc.interfaces import IImageStore
from euca_tw.common.clock import utc_now
from euca_tw.model.identifiers import IMAGE_PREFIXES, ImageId, Minter
from euca_tw.model.records import Image, ImageKind, ImageState, User
from euca_tw.store.interfaces import IStore, Put

#: The files of the demo image, as its builder names them.
FILES = {
    ImageKind.KERNEL: "vmlinuz",
    ImageKind.RAMDISK: "initrd.gz",
    ImageKind.MACHINE: "root.img",
}


@frozen(kw_only=True, eq=False)
class DemoImage:
    """@ivar directory: where the files lie."""

    store: IStore
    images: IImageStore
    clock: IReactorTime
    minter: Minter
    directory: PurePath

    async def register(self, owner: User) -> None:
        """
        Bring the files in and make the records, AVAILABLE at once.

        @raise euca_tw.clc.interfaces.ImportFailed: a file cannot be had.
        """
        location = str(self.directory / FILES[ImageKind.MACHINE])
        owned = self.store.where(Image, "owner_id", owner.account_id)
        if any(image.location == location for image in owned):
            return
        kernel = await self._brought(owner, ImageKind.KERNEL)
        ramdisk = await self._brought(owner, ImageKind.RAMDISK)
        root = evolve(
            await self._brought(owner, ImageKind.MACHINE),
            kernel_id=kernel.image_id,
            ramdisk_id=ramdisk.image_id,
            name="demo",
            description="A small Linux to try the cloud with",
        )
        await self.store.commit(Put(kernel), Put(ramdisk), Put(root))

    async def _brought(self, owner: User, kind: ImageKind) -> Image:
        image_id = ImageId(
            self.minter.mint(
                IMAGE_PREFIXES[kind.value],
                lambda made: self.store.get(Image, made) is not None,
            )
        )
        location = str(self.directory / FILES[kind])
        stored = await self.images.add(image_id, location, is_admin=True)
        return Image(
            image_id=image_id,
            kind=kind,
            owner_id=owner.account_id,
            location=location,
            state=ImageState.AVAILABLE,
            registered_at=utc_now(self.clock),
            is_public=True,
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
        )
