"""
What the header of a qcow2 image says; pure.

Such an image can name other files, which whoever opens it then reads: a user
could have those of the node.  So the header is judged here, before any program
opens the image.
"""

from __future__ import annotations

import struct

#: So much of a file is to be given.
HEADER_BYTES = 104

_MAGIC = b"QFI\xfb"
_EXTERNAL_DATA = 1 << 2


def is_qcow2(header: bytes) -> bool:
    """Whether the file is an image of this kind."""
    return header.startswith(_MAGIC)


def refusal(header: bytes, largest_bytes: int) -> str | None:
    """
    Why the image is not to be opened; None if it may be.

    @param largest_bytes: of the disk that it holds.
    """
    if len(header) < HEADER_BYTES:
        return "it is cut off"
    version, backing_at = struct.unpack_from(">IQ", header, 4)
    size, encryption = struct.unpack_from(">QI", header, 24)
    (features,) = struct.unpack_from(">Q", header, 72)
    if version not in (2, 3):
        return f"it is qcow2 of an unknown version {version}"
    if backing_at != 0:
        return "it needs another file under it"
    if version == 3 and features & _EXTERNAL_DATA:
        return "its data are in another file"
    if encryption != 0:
        return "it is encrypted"
    if size > largest_bytes:
        return f"its disk is larger than {largest_bytes} bytes"
    return None
