"""
A signed message is good for some minutes, and once.

A copy of a message is as well signed as the message itself.  So messages that
are too old are refused by their Timestamp, and those that are not by a memory of
the signatures that were taken, which need reach no further back than that.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from attrs import Factory, define, frozen

from euca_tw.api.errors import InvalidSecurity, Unavailable
from euca_tw.soap.wsse import Claim


@frozen(kw_only=True)
class Freshness:
    """
    How far a message's times may lie from ours.

    @ivar lifetime_s: after Created; Expires may make it shorter.
    @ivar ahead_s: how far the sender's clock may be ahead of ours.
    @ivar behind_s: how far behind.
    """

    lifetime_s: float = 300
    ahead_s: float
    behind_s: float

    def end_of(self, claim: Claim) -> datetime:
        """From when on the message is too old."""
        end = claim.created + timedelta(seconds=self.lifetime_s)
        if claim.expires is not None:
            end = min(end, claim.expires)
        return end + timedelta(seconds=self.behind_s)

    def check(self, claim: Claim, now: datetime) -> None:
        """@raise InvalidSecurity: it is too old, or of the future."""
        if claim.created > now + timedelta(seconds=self.ahead_s):
            raise InvalidSecurity("The Timestamp is in the future")
        if now >= self.end_of(claim):
            raise InvalidSecurity("Request has expired")


#: EC2's rule: five minutes around the Timestamp.
OF_USERS = Freshness(ahead_s=300, behind_s=0)

#: The original's tiers: five minutes, and clocks that differ by 20 seconds.
OF_PEERS = Freshness(ahead_s=20, behind_s=20)

#: How finely the end of a signature's life is known to the memory.
_STEP_S = 30


@define
class Replays:
    """
    The signatures that were taken and are not yet too old.

    @ivar most: how many of one certificate's are remembered.  One who signs
        more within five minutes is told to wait; others do not notice.
    """

    most: int = 50_000
    #: By the end of their lives, in steps; by certificate.
    _seen: dict[int, dict[bytes, set[bytes]]] = Factory(dict)

    def take(self, claim: Claim, end: datetime, now: datetime) -> None:
        """
        Remember a message whose signature is good until C{end}.

        @raise InvalidSecurity: it was taken before.
        @raise Unavailable: too many were, of this certificate.
        """
        today = int(now.timestamp()) // _STEP_S
        for step in [step for step in self._seen if step < today]:
            del self._seen[step]
        taken = 0
        for each in self._seen.values():
            values: Collection[bytes] = each.get(claim.certificate, ())
            if claim.value in values:
                raise InvalidSecurity("Message replay detected: the signature was used")
            taken += len(values)
        if taken >= self.most:
            raise Unavailable("Too many requests within five minutes")
        step = int(end.timestamp()) // _STEP_S
        self._seen.setdefault(step, {}).setdefault(claim.certificate, set()).add(
            claim.value
        )

    def __len__(self) -> int:
        return sum(
            len(values) for each in self._seen.values() for values in each.values()
        )
