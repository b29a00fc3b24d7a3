"""An admission that notes what it is told, and refuses what it is told to."""

from __future__ import annotations

from collections.abc import Hashable

from attrs import define, field
from zope.interface import implementer

from euca_tw.api.errors import RequestLimitExceeded
from euca_tw.common.admission import IAdmission, IAttempt

REFUSED = RequestLimitExceeded("Enough.")


@implementer(IAttempt)
@define(eq=False)
class RecordingAttempt:
    """One, with what was told of it."""

    _of: RecordingAdmission
    peer: str
    request_id: str
    told: list[tuple[Hashable, ...]] = field(factory=list)

    def shows(self, credential: Hashable) -> None:
        self.told.append(("shows", credential))
        if self._of.refuses == "shows":
            raise REFUSED

    def failed(self, code: str, reason: str) -> None:
        self.told.append(("failed", code))

    def calls(self, account_id: str) -> None:
        self.told.append(("calls", account_id))
        if self._of.refuses == "calls":
            raise REFUSED

    def succeeded(self, account_id: str) -> None:
        self.told.append(("succeeded", account_id))
        if self._of.refuses == "succeeded":
            raise REFUSED


@implementer(IAdmission)
@define(eq=False)
class RecordingAdmission:
    """@ivar refuses: the step at which everybody is refused."""

    refuses: str = ""
    attempts: list[RecordingAttempt] = field(factory=list)

    def attempt(self, peer: str, request_id: str) -> RecordingAttempt:
        self.attempts.append(RecordingAttempt(self, peer, request_id))
        if self.refuses == "attempt":
            raise REFUSED
        return self.attempts[-1]

    def told(self) -> list[tuple[Hashable, ...]]:
        """What was told of the last attempt."""
        return self.attempts[-1].told
