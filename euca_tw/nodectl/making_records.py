"""What a node keeps of the images that it was told to make."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import ClassVar

from attrs import field, frozen


class Stage(Enum):
    """
    How far an image has come.

    WANTED: nothing of the disk is kept yet.  CAPTURED: the disk as it was at one
    moment is; what becomes of the instance matters no more.  FINISHED: it is one
    file.  SENT: the cloud controller has it.  FAILED: it never will.
    """

    WANTED = "wanted"
    CAPTURED = "captured"
    FINISHED = "finished"
    SENT = "sent"
    FAILED = "failed"


@frozen(kw_only=True)
class ImageMaking:
    """
    An image to be made of an instance's disk.

    @ivar is_rebooted: the guest is shut down for it; else it is held still.
    @ivar url: to which it is sent.
    @ivar sending_key: with which that is signed.
    @ivar size_bytes, sha256: once it is FINISHED.
    @ivar ended_at: when it was SENT or FAILED.
    @ivar is_clean: after that: nothing of it is left on the disk.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("instance_id",)

    image_id: str
    instance_id: str
    is_rebooted: bool
    url: str
    sending_key: str = field(repr=False)
    stage: Stage = Stage.WANTED
    reason: str = ""
    size_bytes: int = 0
    sha256: str = ""
    asked_at: datetime
    ended_at: datetime | None = None
    is_clean: bool = False

    @property
    def key(self) -> str:
        return self.image_id
