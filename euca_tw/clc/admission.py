"""
How often who may try, and may call: the cloud's own limits.

What counts as a failure is what is about who asks: a wrong, stale or repeated
signature, half of one or none.  A request that is wrong in itself counts for
nothing, but is in the log likewise.
"""

# Note [Neighbours]
#
# Failures are charged to the address that they come from, since nothing else of a
# stranger is sure.  But behind one address there may be many users.  So whoever
# was let in from an address within the last hour has failures of his own there:
# his neighbours' are not charged to him, nor his to them.  To claim his key
# without having it spends what he has, and nobody else's.
#
# So what is told at a throttled address depends on the credential only by whether
# it was let in from that very address; there, nobody else learns anything.

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable
from typing import Any

from attrs import Factory, define, field, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from euca_tw.api.errors import (
    AuthFailure,
    IncompleteSignature,
    InvalidSecurity,
    MissingAuthenticationToken,
    RequestExpired,
    RequestLimitExceeded,
    RequestTimeTooSkewed,
)
from euca_tw.common.admission import (
    FAILED,
    FAILED_AGAIN,
    IAdmission,
    IAttempt,
    failure,
    source_of,
)
from euca_tw.common.buckets import Buckets
from euca_tw.common.seldom import SeldomLog

#: How long a credential is trusted where it was let in, and how many are.
TRUSTED_S = 3600.0
TRUSTED = 4096
#: So old trust is renewed by a further call; before, nothing need be done.
_RENEWED_S = 60.0
#: Failures that are charged though there was no token left: those of requests
#: that were being looked at when the last one was taken.
_DEBT = 1000

#: Refusals that are charged.
FAILURES = frozenset(
    each.code
    for each in (
        AuthFailure,
        IncompleteSignature,
        InvalidSecurity,
        MissingAuthenticationToken,
        RequestExpired,
        RequestTimeTooSkewed,
    )
)

_THROTTLED = "{who} was not let in {count} more times, and is throttled from now on"
_STILL = "{who} is still throttled"
_CALLED = "Account {who} calls too often: it is refused [{request_id}]"
_CALLED_AGAIN = "Account {who} was refused {count} more times in {seconds} s"
_NO_ROOM = "A request finds no room: {reason}"
_NO_ROOM_AGAIN = "{count} more requests in {seconds} s found no room"
_BUSY = "{who} requests are being answered: no further ones are taken"
_BUSY_AGAIN = "{count} more requests in {seconds} s came while {who} were answered"


#: Kinds of refusals by a limit: after too many failures; of an account that calls
#: too often; while too many are answered; where there is no room for what comes.
KINDS = ("throttled", "too_often", "busy", "no_room")


@frozen(kw_only=True)
class AdmissionLimits:
    """
    0 is no limit.

    @ivar failures_per_s, failures_burst: of one source.
    @ivar requests_per_s, burst: of one account.
    """

    failures_per_s: float = 1.0
    failures_burst: int = 50
    requests_per_s: float = 100.0
    burst: int = 500


@define(eq=False)
class _Trusted:
    """Credentials that were let in where they came from, the longest ago first."""

    _until: OrderedDict[tuple[str, Hashable], float] = Factory(OrderedDict)
    _at: Counter[str] = Factory(Counter)

    def has_any(self, source: str) -> bool:
        return source in self._at

    def has(self, source: str, credential: Hashable, now: float) -> bool:
        return self._until.get((source, credential), 0.0) > now

    def add(self, source: str, credential: Hashable, now: float) -> None:
        until = now + TRUSTED_S
        key = source, credential
        had = self._until.get(key)
        if had is not None and 0 <= until - had < _RENEWED_S:
            return
        self._until[key] = until
        self._until.move_to_end(key)
        if had is None:
            self._at[source] += 1
            while len(self._until) > TRUSTED or self._oldest_until() <= now:
                self._forget_oldest()

    def _oldest_until(self) -> float:
        return next(iter(self._until.values()))

    def _forget_oldest(self) -> None:
        (source, _), _ = self._until.popitem(last=False)
        self._at[source] -= 1
        if not self._at[source]:
            del self._at[source]


@implementer(IAttempt)
@define(eq=False)
class _Attempt:
    _of: Admission
    _peer: str
    _source: str
    request_id: str
    _credential: Hashable = None
    _is_refused: bool = False
    #: The account that has called, until it is known what became of that.
    _caller: str | None = None

    def shows(self, credential: Hashable) -> None:
        self._credential = credential
        of = self._of
        if of._failures is not None and of._is_throttled(self._source, credential):
            self._is_refused = True
            of._throttle(self._source)

    def failed(self, code: str, reason: str) -> None:
        of = self._of
        if self._caller is not None and of._calls is not None:
            of._calls.give_back(self._caller, of._clock.seconds())
        self._caller = None
        of._failed(self, code, reason)

    def calls(self, account_id: str) -> None:
        of = self._of
        now = of._clock.seconds()
        if of._calls is not None and not of._calls.take(account_id, now):
            self._is_refused = True
            of._refuse_caller(account_id, self.request_id)
        self._caller = account_id

    def succeeded(self, account_id: str) -> None:
        of = self._of
        if self._credential is not None and of._failures is not None:
            of._trusted.add(self._source, self._credential, of._clock.seconds())
        if self._caller is None:
            self.calls(account_id)
        self._caller = None


@implementer(IAdmission)
@define(eq=False)
class Admission:
    """
    Counts since it was made.

    @ivar failures: those who were not let in, by code.
    @ivar refused: what was refused by a limit, by its kind; see L{KINDS}.
    """

    _clock: IReactorTime
    _limits: AdmissionLimits = Factory(AdmissionLimits)
    failures: Counter[str] = field(init=False, factory=Counter)
    refused: Counter[str] = field(init=False, factory=Counter)
    #: By source; of who is trusted there by source and credential.
    _failures: Buckets[Hashable] | None = field(init=False)
    _calls: Buckets[str] | None = field(init=False)
    _trusted: _Trusted = field(init=False, factory=_Trusted)
    _told: SeldomLog = field(init=False)
    _log = Logger()

    def __attrs_post_init__(self) -> None:
        limits = self._limits
        self._told = SeldomLog(clock=self._clock, log=self._log)
        self._failures = self._calls = None
        if limits.failures_per_s:
            self._failures = Buckets(
                limits.failures_per_s, limits.failures_burst, debt=_DEBT
            )
        if limits.requests_per_s:
            self._calls = Buckets(limits.requests_per_s, limits.burst)

    def attempt(self, peer: str, request_id: str) -> _Attempt:
        source = source_of(peer)
        if self._failures is not None and self._is_hopeless(source):
            self._throttle(source)
        return _Attempt(self, peer, source, request_id)

    def refuse_busy(self, most: int) -> RequestLimitExceeded:
        """
        What to tell one who comes while C{most} requests are being answered.
        """
        self.refused["busy"] += 1
        self._told.tell(most, _BUSY_AGAIN, _BUSY)
        return RequestLimitExceeded(
            "The cloud is busy with other requests: try again in a moment."
        )

    def refuse_room(self, reason: str) -> RequestLimitExceeded:
        """
        What to tell one for whose connection or body there is no room.

        @param reason: a sentence without its full stop.
        """
        self.refused["no_room"] += 1
        self._told.tell("connections", _NO_ROOM_AGAIN, _NO_ROOM, reason=reason)
        return RequestLimitExceeded(f"{reason}: try again in a moment.")

    def counted(self) -> dict[str, Any]:
        """What an operator is shown."""
        return {
            "failures": dict(sorted(self.failures.items())),
            "refused": {kind: self.refused[kind] for kind in KINDS},
        }

    def stop(self) -> None:
        """Tell what is not told yet."""
        self._told.stop()

    def _is_hopeless(self, source: str) -> bool:
        """Whether nobody there is listened to, whatever he shows."""
        assert self._failures is not None
        return (
            self._failures.may_be_empty(source)
            and self._failures.is_empty(source, self._clock.seconds())
            and not self._trusted.has_any(source)
        )

    def _is_throttled(self, source: str, credential: Hashable) -> bool:
        assert self._failures is not None
        own = source, credential
        if not (
            self._failures.may_be_empty(source) or self._failures.may_be_empty(own)
        ):
            return False
        now = self._clock.seconds()
        return self._failures.is_empty(self._payer(source, credential, now), now)

    def _payer(self, source: str, credential: Hashable, now: float) -> Hashable:
        """Whose failures they are; see Note [Neighbours]."""
        if self._trusted.has(source, credential, now):
            return source, credential
        return source

    def _throttle(self, source: str) -> None:
        """@raise RequestLimitExceeded: always."""
        self.refused["throttled"] += 1
        self._told.tell(source, FAILED_AGAIN, _STILL)
        raise RequestLimitExceeded(
            "Too many requests from your address were not signed as they must be: "
            "try again in a while."
        )

    def _failed(self, attempt: _Attempt, code: str, reason: str) -> None:
        if attempt._is_refused:
            return  # that was counted and told of when it was raised
        self.failures[code] += 1
        source = attempt._source
        fields = failure(attempt._peer, code, reason, attempt.request_id)
        self._told.tell(source, FAILED_AGAIN, FAILED, **fields)
        if self._failures is None or code not in FAILURES:
            return
        now = self._clock.seconds()
        payer = self._payer(source, attempt._credential, now)
        if self._failures.charge(payer, now):
            self._told.sum_up(source, FAILED_AGAIN, _THROTTLED)

    def _refuse_caller(self, account_id: str, request_id: str) -> None:
        """@raise RequestLimitExceeded: always."""
        self.refused["too_often"] += 1
        self._told.tell(account_id, _CALLED_AGAIN, _CALLED, request_id=request_id)
        raise RequestLimitExceeded(
            f"Your account may make {self._limits.requests_per_s:g} requests a second "
            f"and {self._limits.burst} at once: try again in a moment."
        )


__all__ = ["FAILURES", "TRUSTED", "TRUSTED_S", "Admission", "AdmissionLimits"]
