"""
Who is let in, and how the answer goes back.

A guard sees an envelope before anything else does.  It says who calls
(L{Admitted}), or refuses.  There are two: for users of the cloud, whose
certificates are looked up and who get plain answers, and for the tiers, which know
each other's certificates beforehand and sign what they answer.

An original peer of release 1.6.1 does not sign its Body; it is not let in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import attrs
from attrs import define, frozen
from lxml import etree
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.errors import ApiError, AuthFailure, InvalidSecurity
from euca_tw.api.shapes import Operation
from euca_tw.common.admission import IAttempt
from euca_tw.common.clock import wall_now
from euca_tw.common.in_thread import InThread, in_this_thread
from euca_tw.common.replays import IReplays, MemoryReplays
from euca_tw.model.callers import Caller
from euca_tw.soap import invocation, wsse
from euca_tw.soap.addressing import (
    ACTION,
    MESSAGE_ID,
    OF_REQUEST,
    RECIPIENT,
    RELATES_TO,
    TO,
    action,
    path_of,
)
from euca_tw.soap.envelope import Envelope
from euca_tw.soap.freshness import OF_PEERS, OF_USERS, Freshness, take_once
from euca_tw.soap.interfaces import ICertificates
from euca_tw.soap.keys import Identity
from euca_tw.soap.signing import signed
from euca_tw.soap.wsse import (
    NOBODYS,
    SECURITY,
    Claim,
    Forms,
    check_signature,
    read_claim,
)

#: A message that is longer is checked and signed in a thread.
LARGE_BYTES = 50_000


class Admitted(Protocol):
    """One who was let in, and what his answers are like."""

    @property
    def caller(self) -> Caller: ...

    @property
    def is_signed_for(self) -> bool:
        """Whether answers are sealed, and so must be made whole."""

    def conclude(self, request: Any, response: Any) -> Any:
        """The response, with what every response has."""

    def tell(self, operation: Operation, request: Any, error: ApiError) -> Any | None:
        """The response that tells a refusal; None for a fault."""

    def seal(self, soap: str, entry: str, name: str) -> bytes:
        """The signed message around the entry of that name."""


class Guard(Protocol):
    """@ivar understood: the headers that it heeds."""

    @property
    def understood(self) -> frozenset[str]: ...

    async def admit(self, envelope: Envelope, path: str, attempt: IAttempt) -> Admitted:
        """
        @param path: that the message was sent to.
        @param attempt: of the request; told what is shown, whose it is and of
            success, not of a refusal.
        @raise ApiError: it is not let in.
        """


@define(kw_only=True)
class _Checkpoint:
    """
    What both guards do with a message whose certificate they know: L{verify} it,
    and when nothing else is against it, L{take} it.
    """

    clock: IReactorTime
    freshness: Freshness
    in_thread: InThread
    replays: IReplays

    async def verify(self, claim: Claim, size: int, *, is_known: bool = True) -> None:
        """
        By its signature, and then by its times.

        @param is_known: see L{check_signature}.
        """
        if size > LARGE_BYTES:
            await self.in_thread(lambda: check_signature(claim, is_known=is_known))
        else:
            check_signature(claim, is_known=is_known)
        self.freshness.check(claim, wall_now(self.clock))

    async def take(self, claim: Claim, owner: bytes) -> None:
        """After this it is a repetition.  See L{take_once}."""
        now = wall_now(self.clock)
        await take_once(self.replays, claim, self.freshness, now, owner=owner)


# --- users ------------------------------------------------------------------


@frozen
class _User:
    caller: Caller
    is_signed_for = False

    def conclude(self, request: Any, response: Any) -> Any:
        if getattr(response, "request_id", "") is None:
            return attrs.evolve(response, request_id=self.caller.request_id)
        return response

    def tell(self, operation: Operation, request: Any, error: ApiError) -> None:
        """EC2 tells every refusal by a fault."""

    def seal(self, soap: str, entry: str, name: str) -> bytes:
        raise AssertionError("what goes to users is not signed")


@define
class EC2Guard:
    """
    Lets in whose certificate belongs to an active user.

    A stranger's message goes all the way that a known user's with a wrong
    signature goes, so that neither the answer nor its time tells whose
    certificates are known.  What comes after the signature (is it stale, one of
    too many, a repetition?) is told only to who holds the key, or has what he
    signed.

    Whether it is a repetition is asked last: one that is refused as one of too many
    may be sent again.
    """

    _certificates: ICertificates
    _checkpoint: _Checkpoint
    _forms: Forms
    understood = frozenset({SECURITY})

    async def admit(self, envelope: Envelope, path: str, attempt: IAttempt) -> _User:
        claim = read_claim(envelope, forms=self._forms)
        attempt.shows(claim.identifier or claim.certificate)
        if claim.identifier is not None:
            found = self._certificates.certificate_of(claim.identifier)
            claim = claim.of(found or NOBODYS)
        caller = self._certificates.caller_of(claim.certificate, attempt.request_id)
        is_known = caller is not None
        await self._checkpoint.verify(claim, envelope.size, is_known=is_known)
        if caller is None:  # never: no signature is right by nobody's key
            raise AuthFailure()
        attempt.calls(caller.account_id)
        await self._checkpoint.take(claim, caller.account_id.encode())
        attempt.succeeded(caller.account_id)
        return _User(caller)


def ec2_guard(
    certificates: ICertificates,
    clock: IReactorTime,
    *,
    in_thread: InThread = in_this_thread,
    replays: IReplays | None = None,
    freshness: Freshness = OF_USERS,
    forms: Forms = wsse.OF_USERS,
) -> EC2Guard:
    """
    A guard for EC2's users.

    @param replays: what was taken before; None: nothing was.
    """
    return EC2Guard(
        certificates,
        _Checkpoint(
            clock=clock,
            freshness=freshness,
            in_thread=in_thread,
            replays=MemoryReplays() if replays is None else replays,
        ),
        forms,
    )


# --- tiers ------------------------------------------------------------------


@frozen(kw_only=True)
class _Peer:
    caller: Caller
    _message_id: str
    _service: str
    _identity: Identity
    _clock: IReactorTime
    is_signed_for = True

    def conclude(self, request: Any, response: Any) -> Any:
        return invocation.concluded(request, response)

    def tell(self, operation: Operation, request: Any, error: ApiError) -> Any | None:
        return invocation.failure(operation, request, error)

    def seal(self, soap: str, entry: str, name: str) -> bytes:
        return signed(
            soap,
            [(ACTION, action(self._service, name)), (RELATES_TO, self._message_id)],
            entry,
            self._identity,
            wall_now(self._clock),
        )


@define(kw_only=True)
class TierGuard:
    """
    Lets in the peers whose certificates it was given, byte for byte.

    @ivar service: our name in C{wsa:Action} (C{EucalyptusCC}).
    @ivar peers: names of peers by their certificates (DER).
    """

    service: str
    identity: Identity
    peers: Mapping[bytes, str]
    _checkpoint: _Checkpoint
    understood = frozenset({SECURITY, TO, ACTION, MESSAGE_ID, RECIPIENT})

    async def admit(self, envelope: Envelope, path: str, attempt: IAttempt) -> _Peer:
        claim = read_claim(envelope, OF_REQUEST, wsse.OF_PEERS)
        name = self.peers.get(claim.certificate)
        if name is None:
            raise AuthFailure("The certificate is not of a peer of this service")
        texts = {tag: envelope.headers(tag)[0].text or "" for tag in OF_REQUEST}
        self._check_address(texts, envelope, path)
        await self._checkpoint.verify(claim, envelope.size)
        await self._checkpoint.take(claim, claim.certificate)
        return _Peer(
            caller=Caller(
                account_id="",
                user_name=name,
                is_admin=True,
                request_id=attempt.request_id,
            ),
            message_id=texts[MESSAGE_ID],
            service=self.service,
            identity=self.identity,
            clock=self._checkpoint.clock,
        )

    def _check_address(
        self, texts: Mapping[str, str], envelope: Envelope, path: str
    ) -> None:
        wanted = action(self.service, etree.QName(envelope.entry).localname)
        if texts[ACTION] != wanted:
            raise InvalidSecurity(f"wsa:Action must be {wanted}")
        try:
            is_ours = path_of(texts[TO]) == path
        except ValueError:
            is_ours = False
        if not is_ours or texts[RECIPIENT] != self.identity.fingerprint:
            raise InvalidSecurity("The message is for somebody else")
        if not 0 < len(texts[MESSAGE_ID]) <= _LONGEST_ID:
            raise InvalidSecurity("wsa:MessageID is empty or too long")


_LONGEST_ID = 256


def tier_guard(
    service: str,
    identity: Identity,
    peers: Mapping[bytes, str],
    clock: IReactorTime,
    *,
    in_thread: InThread = in_this_thread,
    replays: IReplays | None = None,
    freshness: Freshness = OF_PEERS,
) -> TierGuard:
    """
    A guard for a tier's peers.

    @param replays: as of L{ec2_guard}.
    """
    return TierGuard(
        service=service,
        identity=identity,
        peers=peers,
        checkpoint=_Checkpoint(
            clock=clock,
            freshness=freshness,
            in_thread=in_thread,
            replays=MemoryReplays() if replays is None else replays,
        ),
    )
