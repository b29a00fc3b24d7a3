"""
How a node sends an image that it made to its cloud controller.

Both sides' words, and nothing that acts.  An image comes in pieces, each a POST
of its own whose answer tells how much of it is there: so what was broken off
goes on from there, whoever was started anew meanwhile.  Each piece says of
which whole it is, by size and digest, and is signed with a key that the cloud
controller has given out for this image alone: by C{HMAC-SHA256}, over that and
the piece itself.

The status of an answer is C{200}: go on from C{received}; C{202}: all is there
and is being checked, ask again; C{201}: it is there and is what it should be.
Of all others the body tells a reason; those from C{500} on, but for C{507}, may
be better later.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import frozen

#: Below what a cloud controller takes as one request by default.
PIECE_BYTES: Final = 512 << 10
#: No answer is longer.
LONGEST_ANSWER: Final = 4096
MORE, WHOLE, CHECKING = 200, 201, 202
FORBIDDEN, GONE, TOO_LARGE, FULL = 403, 410, 413, 507

_OFFSET, _SIZE = "X-Euca-Offset", "X-Euca-Size"
_SHA256, _SIGNATURE = "X-Euca-SHA256", "X-Euca-Signature"
_NUMBER = re.compile(r"[0-9]{1,18}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@frozen(kw_only=True)
class Piece:
    """
    Which part of which image a request carries.

    @ivar offset: of its first byte.
    @ivar size_bytes: of the whole image.
    @ivar sha256: of the whole image, lower-case hex.
    """

    image_id: str
    offset: int
    size_bytes: int
    sha256: str

    def signature(self, key: str, data: bytes) -> str:
        """@param data: of the piece; C{b""} only asks how much is there."""
        digest = hashlib.sha256(data).hexdigest()
        said = f"{self.image_id} {self.offset} {self.size_bytes} {self.sha256} {digest}"
        return hmac.new(key.encode(), said.encode(), hashlib.sha256).hexdigest()

    def headers(self, key: str, data: bytes) -> Mapping[str, str]:
        """Of the request."""
        return {
            "Content-Type": "application/octet-stream",
            _OFFSET: str(self.offset),
            _SIZE: str(self.size_bytes),
            _SHA256: self.sha256,
            _SIGNATURE: self.signature(key, data),
        }


def read_piece(
    image_id: str, header: Callable[[str], str | None]
) -> tuple[Piece, str] | None:
    """
    What a request says of itself, and its signature; None if it does not.

    @param header: gives the text of a header.
    """
    offset, size = header(_OFFSET) or "", header(_SIZE) or ""
    sha256, signature = header(_SHA256) or "", header(_SIGNATURE) or ""
    is_right = _NUMBER.match(offset) and _NUMBER.match(size) and _DIGEST.match(sha256)
    if not (is_right and _DIGEST.match(signature)):
        return None
    piece = Piece(
        image_id=image_id, offset=int(offset), size_bytes=int(size), sha256=sha256
    )
    return piece, signature


def is_signed(piece: Piece, key: str, data: bytes, signature: str) -> bool:
    """Whether that is the signature of the piece."""
    expected = piece.signature(key, data)
    return hmac.compare_digest(expected.encode(), signature.encode())


def written_answer(received: int) -> bytes:
    """How much of an image is there."""
    return json.dumps({"received": received}).encode()


def read_answer(body: bytes) -> int | None:
    """What L{written_answer} wrote; None if that is nothing of the kind."""
    try:
        told: Any = json.loads(body)
    except ValueError:
        return None
    received = told.get("received") if isinstance(told, dict) else None
    return received if type(received) is int and received >= 0 else None
