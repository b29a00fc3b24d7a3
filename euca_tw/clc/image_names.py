"""Names and identifiers of images that shall be, and whether they may."""

from __future__ import annotations

import re
from collections.abc import Collection

from euca_tw.api.errors import ImageInUse, MalformedImageName
from euca_tw.clc.limits import need
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import IMAGE_PREFIXES, ImageId, Minter
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Image, ImageKind, ImageState
from euca_tw.store.interfaces import IStore

#: As EC2 documents it.
_NAME = re.compile(r"[A-Za-z0-9()\[\]./\-'@_ ]{3,128}\Z")


def checked_image_name(name: str | None) -> str:
    """
    The name, if it can be one; C{""} for none.

    @raise MalformedImageName:
    """
    if name and not _NAME.match(name):
        raise MalformedImageName
    return name or ""


def need_free_name(store: IStore, caller: Caller, name: str) -> None:
    """
    See that no image of the caller has a name; each has its own until it is
    deregistered.

    @raise ImageInUse: one has.
    """
    if not name:
        return
    for other in store.where(Image, "owner_id", caller.account_id):
        if other.name == name and other.state is not ImageState.DEREGISTERED:
            raise ImageInUse(name, other.image_id)


def need_room_for_image(
    store: IStore, quotas: Quotas, caller: Caller, tags: Collection[str]
) -> None:
    """
    See that the caller may have one more image, with so many tags.

    @raise euca_tw.api.errors.ApiError: he may not.
    """
    for of in "images", "image_mib":
        need(store, quotas, caller, of)
    need(store, quotas, caller, "tags", len(tags))


def new_image_id(store: IStore, minter: Minter, kind: ImageKind) -> ImageId:
    """One that no image has."""
    made = minter.mint(
        IMAGE_PREFIXES[kind.value], lambda made: store.get(Image, made) is not None
    )
    return ImageId(made)
