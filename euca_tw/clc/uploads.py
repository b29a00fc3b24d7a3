"""
Where nodes send the images that they made: C{/uploads/<image>}.

An image is taken only while it is one that is being made, and only from who has
the key that was given out for it; who has not learns nothing, not even whether
there is such an image.
"""

from __future__ import annotations

from typing import Final

from attrs import define

from euca_tw.clc.arrivals import Arrivals, NotTaken
from euca_tw.clc.interfaces import IImageStore
from euca_tw.common.asked import Asked, Reply
from euca_tw.common.uploading import (
    CHECKING,
    FORBIDDEN,
    GONE,
    MORE,
    WHOLE,
    is_signed,
    read_piece,
    written_answer,
)
from euca_tw.model.identifiers import IMAGE_PREFIXES, ImageId, is_identifier
from euca_tw.model.records import Image, ImageState
from euca_tw.store.interfaces import IStore

PREFIX: Final = b"/uploads/"
_BAD = 400
_NOT_FOR_YOU = "There is no such image, or it is not for you to send."


@define(eq=False, kw_only=True)
class Uploads:
    """@ivar images: which has given out the keys."""

    store: IStore
    images: IImageStore
    arrivals: Arrivals

    async def answer(self, asked: Asked) -> Reply:
        """An L{euca_tw.common.web.Answer}."""
        name = asked.target[len(PREFIX) :].decode("latin-1")
        if asked.method != "POST" or not is_identifier(name, IMAGE_PREFIXES["machine"]):
            return _refusal(FORBIDDEN, _NOT_FOR_YOU)
        read = read_piece(name, asked.headers)
        if read is None:
            return _refusal(_BAD, "It does not say which part of what it is.")
        piece, signature = read
        image_id = ImageId(name)
        if not is_signed(
            piece, self.images.upload_of(image_id).key, asked.body, signature
        ):
            return _refusal(FORBIDDEN, _NOT_FOR_YOU)
        image = self.store.get(Image, image_id)
        if image is not None and image.state is ImageState.AVAILABLE:
            is_same = image.sha256 == piece.sha256
            return _told(WHOLE, piece.size_bytes) if is_same else _gone()
        if image is None or not image.is_being_made:
            return _gone()
        try:
            progress = await self.arrivals.take(piece, asked.body)
        except NotTaken as refused:
            return _refusal(refused.status, refused.reason)
        now = self.store.get(Image, image_id)
        if now is None or now.state in (ImageState.DEREGISTERED, ImageState.FAILED):
            # It was given up while this piece was written, which may have been
            # after its file was deleted.
            await self.images.remove(image_id)
            return _gone()
        status = MORE
        if progress.is_whole:
            status = WHOLE
        elif progress.is_checking:
            status = CHECKING
        return _told(status, progress.received)


def _told(status: int, received: int) -> Reply:
    return Reply(status, "application/json", (written_answer(received),))


def _gone() -> Reply:
    return _refusal(GONE, "Nobody wants this image any more.")


def _refusal(status: int, reason: str) -> Reply:
    return Reply(status, "text/plain;charset=UTF-8", (f"{reason}\n".encode(),))
