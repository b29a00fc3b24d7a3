"""
Session tokens of the metadata service, as EC2's second version (IMDSv2) has them.

A token says until when it is good, and is signed; so none is kept.  It is good for
the instance that asked for it alone.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable

from attrs import field, frozen

#: For how many seconds a token may be good.
SHORTEST_S, LONGEST_S = 1, 21600

_MOMENT_BYTES = 8
_LONGEST_TOKEN = 128


@frozen
class TokenMaker:
    """
    @ivar secret: that tokens are signed with.
    @ivar now: tells the time, in seconds since 1970.
    """

    _secret: bytes = field(repr=False)
    _now: Callable[[], float]

    def make(self, instance_id: str, lifetime_s: int) -> str:
        """
        A token for an instance.

        @raise ValueError: tokens are not good for so long, or for no time.
        """
        if not SHORTEST_S <= lifetime_s <= LONGEST_S:
            raise ValueError(f"{lifetime_s} is not {SHORTEST_S} to {LONGEST_S}")
        until_ms = int((self._now() + lifetime_s) * 1000)
        moment = until_ms.to_bytes(_MOMENT_BYTES, "big")
        token = moment + self._signature(instance_id, moment)
        return urlsafe_b64encode(token).decode("ascii")

    def is_good(self, instance_id: str, token: str) -> bool:
        """Whether it was made for the instance, and its time is not over."""
        if len(token) > _LONGEST_TOKEN:
            return False
        try:
            raw = urlsafe_b64decode(token.encode("ascii"))
        except (Error, ValueError):
            return False
        if urlsafe_b64encode(raw).decode("ascii") != token:
            return False  # with more in it than is read
        moment, signature = raw[:_MOMENT_BYTES], raw[_MOMENT_BYTES:]
        if not hmac.compare_digest(signature, self._signature(instance_id, moment)):
            return False
        return self._now() * 1000 < int.from_bytes(moment, "big")

    def _signature(self, instance_id: str, moment: bytes) -> bytes:
        signed = moment + instance_id.encode()
        return hmac.new(self._secret, signed, hashlib.sha256).digest()
