"""
The metadata service of one bridge, 169.254.169.254: HTTP over the pure tree.

Who asks is told by the address that the request comes from, so the server
must be reached by instances' own addresses, never through a proxy.

A guest may ask for a session token first, as EC2's second version (IMDSv2) has it,
and show it; one that shows none is answered as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen
from twisted.internet.task import Cooperator
from twisted.web.server import Site

from euca_tw.common.connections import ConnectionLimits
from euca_tw.common.web import AnswerResource, Asked, Reply, make_site
from euca_tw.model.metadata import InstanceMetadata, answer
from euca_tw.model.tokens import TokenMaker

#: What a request may have for a body; none has any business to.
_MAX_BODY_BYTES = 1024
#: A guest asks and goes; who holds a connection open wants nothing.
_IDLE_S = 15.0
#: A guest asks one thing after the other, and no other guest shall wait for it.
LIMITS = ConnectionLimits(most=1024, most_per_source=16)

TOKEN_PATH = "/latest/api/token"  # noqa: S105 - where to ask for one
TOKEN_HEADER = "X-aws-ec2-metadata-token"  # noqa: S105 - what it is shown in
LIFETIME_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"

_TEXT = "text/plain"
_BYTES = "application/octet-stream"
_NOT_FOUND = Reply(404, _TEXT, (b"Not Found\n",))
_NOT_ALLOWED = Reply(
    405, _TEXT, (b"Only GET and HEAD\n",), headers=(("Allow", "GET, HEAD"),)
)
_ONLY_PUT = Reply(405, _TEXT, (b"Only PUT\n",), headers=(("Allow", "PUT"),))
_BAD_LIFETIME = Reply(400, _TEXT, (f"{LIFETIME_HEADER} is not 1 to 21600\n".encode(),))
_FORWARDED = Reply(403, _TEXT, (b"Not by way of others\n",))
_BAD_TOKEN = Reply(401, _TEXT, (b"The token is not good, or not any more\n",))


@frozen
class MetadataAnswer:
    """
    An L{euca_tw.common.web.Answer}: each instance is told of itself, and
    nobody of another.

    @ivar _lookup: the facts by private address; None if nobody has it.
    @ivar _tokens: None: there are none to be had.
    """

    _lookup: Callable[[str], InstanceMetadata | None]
    _tokens: TokenMaker | None = None

    async def __call__(self, asked: Asked) -> Reply:
        """Answer one request."""
        path = asked.target.partition(b"?")[0].decode("latin-1")
        tokens = self._tokens
        is_for_token = tokens is not None and path.rstrip("/") == TOKEN_PATH
        if asked.method not in ("GET", "HEAD") and not (
            is_for_token and asked.method == "PUT"
        ):
            return _ONLY_PUT if is_for_token else _NOT_ALLOWED
        metadata = self._lookup(asked.peer)
        if metadata is None:
            return _NOT_FOUND
        if tokens is not None:
            if asked.method == "PUT":
                return _token(tokens, metadata, asked)
            shown = asked.headers(TOKEN_HEADER)
            if shown is not None and not tokens.is_good(metadata.instance_id, shown):
                return _BAD_TOKEN
            if is_for_token:
                return _ONLY_PUT
        body = answer(metadata, path)
        if body is None:
            return _NOT_FOUND
        return Reply(200, _BYTES if path.endswith("/user-data") else _TEXT, (body,))


def metadata_site(
    reactor: Any,
    lookup: Callable[[str], InstanceMetadata | None],
    tokens: TokenMaker | None,
) -> Site:
    """
    All of it, to be listened with where instances ask.

    @param lookup, tokens: as L{MetadataAnswer} has them.
    """
    cooperator = Cooperator(scheduler=lambda step: reactor.callLater(0, step))
    return make_site(
        AnswerResource(MetadataAnswer(lookup, tokens), cooperator),
        _MAX_BODY_BYTES,
        reactor,
        idle_s=_IDLE_S,
        limits=LIMITS,
    )


def _token(tokens: TokenMaker, metadata: InstanceMetadata, asked: Asked) -> Reply:
    """As on EC2, not to who comes through a proxy that says so."""
    if asked.headers("X-Forwarded-For") is not None:
        return _FORWARDED
    lifetime = (asked.headers(LIFETIME_HEADER) or "").strip()
    try:
        if not (lifetime.isascii() and lifetime.isdigit() and len(lifetime) <= 5):
            return _BAD_LIFETIME
        token = tokens.make(metadata.instance_id, int(lifetime))
    except ValueError:
        return _BAD_LIFETIME
    return Reply(200, _TEXT, (token.encode(),), headers=((LIFETIME_HEADER, lifetime),))
