"""
The metadata service of one bridge, 169.254.169.254: HTTP over the pure tree.

Who asks is told by the address that the request comes from, so the server
must be reached by instances' own addresses, never through a proxy.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from euca_tw.common.web import Asked, Reply
from euca_tw.model.metadata import InstanceMetadata, answer

#: What a request may have for a body; none has any business to.
MAX_BODY_BYTES = 1024

_TEXT = "text/plain"
_BYTES = "application/octet-stream"
_NOT_FOUND = Reply(404, _TEXT, (b"Not Found\n",))
_NOT_ALLOWED = Reply(
    405, _TEXT, (b"Only GET and HEAD\n",), headers=(("Allow", "GET, HEAD"),)
)


@frozen
class MetadataAnswer:
    """
    An L{euca_tw.common.web.Answer}: each instance is told of itself, and
    nobody of another.

    @ivar _lookup: the facts by private address; None if nobody has it.
    """

    _lookup: Callable[[str], InstanceMetadata | None]

    async def __call__(self, asked: Asked) -> Reply:
        """Answer one request."""
        if asked.method not in ("GET", "HEAD"):
            return _NOT_ALLOWED
        metadata = self._lookup(asked.peer)
        if metadata is None:
            return _NOT_FOUND
        path = asked.target.partition(b"?")[0].decode("latin-1")
        body = answer(metadata, path)
        if body is None:
            return _NOT_FOUND
        return Reply(200, _BYTES if path.endswith("/user-data") else _TEXT, (body,))
