"""
A signed message is good for some minutes, and once.

A copy of a message is as well signed as the message itself.  So messages that
are too old are refused by their Timestamp, and those that are not by a memory of
the signatures that were taken (L{euca_tw.common.replays}), which need reach no
further back than that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from euca_tw.api.errors import (
    ApiError,
    InvalidSecurity,
    RequestLimitExceeded,
    Unavailable,
)
from euca_tw.common.replays import CannotRemember, IReplays, Verdict
from euca_tw.soap.keys import key_fingerprint
from euca_tw.soap.wsse import Claim


class Stamped(Protocol):
    """What a message says of its times."""

    @property
    def created(self) -> datetime: ...

    @property
    def expires(self) -> datetime | None: ...


@frozen(kw_only=True)
class Freshness:
    """
    How far a message's times may lie from ours.

    @ivar lifetime_s: after Created; Expires may make it shorter.
    @ivar ahead_s: how far the sender's clock may be ahead of ours.
    @ivar behind_s: how far behind.
    @ivar must_agree: who is refused is one of the site's own machines: it is told
        by how much the two clocks differ, and what to do.
    """

    lifetime_s: float = 300
    ahead_s: float
    behind_s: float
    must_agree: bool = False

    def end_of(self, claim: Stamped) -> datetime:
        """From when on the message is too old."""
        end = claim.created + timedelta(seconds=self.lifetime_s)
        if claim.expires is not None:
            end = min(end, claim.expires)
        return end + timedelta(seconds=self.behind_s)

    def check(self, claim: Stamped, now: datetime) -> None:
        """@raise InvalidSecurity: it is too old, or of the future."""
        if claim.created > now + timedelta(seconds=self.ahead_s):
            ahead_s = (claim.created - now).total_seconds()
            raise self._refusal(
                "The Timestamp is in the future", f"{ahead_s:.0f} s after"
            )
        if now >= self.end_of(claim):
            old_s = (now - claim.created).total_seconds()
            raise self._refusal("Request has expired", f"{old_s:.0f} s before")

    def _refusal(self, what: str, how_far: str) -> InvalidSecurity:
        if not self.must_agree:
            return InvalidSecurity(what)
        return InvalidSecurity(
            f"{what}: it was made {how_far} what this machine's clock has; the clocks "
            f"of all machines must agree within {self.ahead_s:.0f} s (is NTP running?)"
        )


#: EC2's rule: five minutes around the Timestamp.
OF_USERS = Freshness(ahead_s=300, behind_s=0)

#: The original's tiers: five minutes, and clocks that differ by 20 seconds.
OF_PEERS = Freshness(ahead_s=20, behind_s=20, must_agree=True)


async def take_once(
    replays: IReplays,
    claim: Claim,
    freshness: Freshness,
    now: datetime,
    *,
    owner: bytes,
) -> None:
    """
    Take a message whose signature is good, and which is fresh, if it was not
    taken.

    @param owner: whose it is: for each there is so much room.
    @raise InvalidSecurity: it was taken, or may have been.
    @raise RequestLimitExceeded: too many were taken within its life.
    @raise Unavailable: it could not be remembered.
    """
    try:
        verdict = await replays.take(
            owner=owner,
            # Not by the certificate: nobody need have signed which one it is.
            value=key_fingerprint(claim.certificate) + claim.value,
            made=claim.created,
            # Until a clock that is as far behind as may be agrees.
            end=freshness.end_of(claim),
            now=now,
        )
    except CannotRemember:
        raise Unavailable(_CANNOT) from None
    if verdict is not Verdict.FRESH:
        raise _REFUSALS[verdict]()


_CANNOT = (
    "Signed messages cannot be remembered at this moment, so none is taken: try again "
    "later"
)

_REFUSALS: Mapping[Verdict, Callable[[], ApiError]] = {
    Verdict.SEEN: lambda: InvalidSecurity(
        "Message replay detected: the signature was used"
    ),
    Verdict.FORGOTTEN: lambda: InvalidSecurity(
        "The message was made before this service began to remember messages, so it "
        "may be a replay: sign it anew, and if your clock is right, try again within "
        "some minutes"
    ),
    Verdict.FULL: lambda: RequestLimitExceeded(
        "Too many signed messages within five minutes"
    ),
}
