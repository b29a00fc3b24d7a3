"""
The SOAP client of the tiers: signed requests, and answers that are believed.

An answer counts only if the certificate pinned for that peer signed its Body, and
with it the identifier of the very message that was sent.  Anything else, whatever
the HTTP status, is no answer at all: L{PeerUnreachable}.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from attrs import Factory, define, field, frozen
from lxml import etree
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web.iweb import IAgent
from zope.interface import implementer

from euca_tw.api.encode import element
from euca_tw.api.errors import ApiError
from euca_tw.api.shapes import Api, Operation, shape_of
from euca_tw.common.certificates import fingerprint
from euca_tw.common.clock import wall_now
from euca_tw.common.in_thread import InThread, in_this_thread
from euca_tw.soap.addressing import (
    ACTION,
    MESSAGE_ID,
    OF_REPLY,
    RECIPIENT,
    RELATES_TO,
    TO,
    action,
    path_of,
)
from euca_tw.soap.bounds import OF_ANSWERS
from euca_tw.soap.decode import decode
from euca_tw.soap.envelope import SOAP_11, Envelope, read
from euca_tw.soap.faults import read_fault
from euca_tw.soap.freshness import OF_PEERS
from euca_tw.soap.guards import LARGE_BYTES
from euca_tw.soap.http import NoAnswer, post
from euca_tw.soap.interfaces import IPeer, IPeers, PeerRefused, PeerUnreachable
from euca_tw.soap.invocation import check_success
from euca_tw.soap.keys import Identity
from euca_tw.soap.signing import signed
from euca_tw.soap.wsse import SECURITY, check_signature, read_claim

#: A full report of a cluster of thousands of instances is some megabytes.
MAX_ANSWER_BYTES = 64 * 1024 * 1024


@implementer(IPeers)
@define(eq=False, kw_only=True)
class SoapPeers:
    """
    Peers of one kind, over HTTP.

    @ivar api: what they speak.
    @ivar identity: who we are to them.
    @ivar certificate_of: the certificate (DER) pinned for the peer at a URL;
        None if there is none, and then it is not called.
    @ivar rng: message identifiers come from it; in earnest, the system's.
    """

    api: Api
    agent: IAgent
    clock: IReactorTime
    identity: Identity
    certificate_of: Callable[[str], bytes | None]
    rng: Random
    in_thread: InThread = in_this_thread
    max_answer_bytes: int = MAX_ANSWER_BYTES
    _peers: dict[str, SoapPeer] = Factory(dict)

    def peer(self, url: str) -> SoapPeer:
        if url not in self._peers:
            self._peers[url] = SoapPeer(url, self)
        return self._peers[url]


@frozen
class _Sent:
    """@ivar certificate: whose answer it must be."""

    operation: Operation
    message_id: str
    certificate: bytes


@implementer(IPeer)
@define(eq=False)
class SoapPeer:
    """One tier's service."""

    url: str
    _peers: SoapPeers = field(repr=False)

    async def call(self, operation: Operation, request: Any, timeout_s: float) -> Any:
        calling = Deferred.fromCoroutine(self._call(operation, request))
        calling.addTimeout(timeout_s, self._peers.clock, onTimeoutCancel=_timed_out)
        try:
            return await calling
        except NoAnswer as e:
            raise PeerUnreachable(self.url, e.reason) from None

    async def _call(self, operation: Operation, request: Any) -> Any:
        peers = self._peers
        certificate = peers.certificate_of(self.url)
        if certificate is None:
            raise NoAnswer("no certificate of it is known here")
        message_id = f"urn:uuid:{peers.rng.getrandbits(128):032X}"
        sent = _Sent(operation, message_id, certificate)
        name = action(peers.api.name, operation.name)
        document = await self._document(sent, name, request)
        answer = await self._post(name, document)
        try:
            return check_success(self.url, await self._believed(answer, sent))
        except ApiError as e:
            raise NoAnswer(f"its answer is not to be believed: {e.message}") from None

    async def _document(self, sent: _Sent, name: str, request: Any) -> bytes:
        peers, operation = self._peers, sent.operation
        version = peers.api.versions[-1]
        entry = element(
            operation.name,
            peers.api.namespace_of(version),
            shape_of(operation.request),
            version,
            request,
        )
        headers = [
            (TO, path_of(self.url)),
            (ACTION, name),
            (MESSAGE_ID, sent.message_id),
            (RECIPIENT, fingerprint(sent.certificate)),
        ]
        now = wall_now(peers.clock)

        def sign() -> bytes:
            return signed(SOAP_11, headers, entry, peers.identity, now)

        return await peers.in_thread(sign) if len(entry) > LARGE_BYTES else sign()

    async def _post(self, name: str, document: bytes) -> bytes:
        headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": name}
        status, body = await post(
            self._peers.agent, self.url, headers, document, self._peers.max_answer_bytes
        )
        if status not in (200, 500):
            raise NoAnswer(f"it answered with HTTP status {status}")
        return body

    async def _believed(self, answer: bytes, sent: _Sent) -> Any:
        """
        @raise ApiError: it is not of the form that it must have.
        @raise NoAnswer: it is not the peer's answer to this.
        @raise PeerRefused: it is, and says no.
        """

        def verified() -> Any:
            return self._verified(answer, sent)

        if len(answer) > LARGE_BYTES:
            return await self._peers.in_thread(verified)
        return verified()

    def _verified(self, answer: bytes, sent: _Sent) -> Any:
        envelope = read(answer, bounds=OF_ANSWERS)
        if not envelope.headers(SECURITY):
            raise NoAnswer(_unsigned(envelope))
        claim = read_claim(envelope, OF_REPLY)
        if claim.certificate != sent.certificate:
            raise NoAnswer("somebody else's certificate signed its answer")
        check_signature(claim)
        OF_PEERS.check(claim, wall_now(self._peers.clock))
        name = f"{sent.operation.name}Response"
        refusal = read_fault(envelope.entry)
        said = action(self._peers.api.name, name if refusal is None else "Fault")
        if (_text(envelope, RELATES_TO), _text(envelope, ACTION)) != (
            sent.message_id,
            said,
        ):
            raise NoAnswer("it answered to something else")
        if refusal is not None:
            raise PeerRefused(self.url, refusal.code, refusal.message)
        return self._decoded(envelope.entry, name, sent.operation)

    def _decoded(self, entry: etree._Element, name: str, operation: Operation) -> Any:
        api = self._peers.api
        version = api.versions[-1]
        namespace = api.namespace_of(version)
        if entry.tag != f"{{{namespace}}}{name}":
            raise NoAnswer("it answered to something else")
        return decode(shape_of(operation.response), version, entry, namespace)


def _text(envelope: Envelope, tag: str) -> str:
    return envelope.headers(tag)[0].text or ""


def _unsigned(envelope: Envelope) -> str:
    found = read_fault(envelope.entry)
    if found is None:
        return "its answer is not signed"
    # For who has to find out what is wrong; nothing else is made of it.
    return f"its answer is an unsigned fault: {found.code}: {found.message[:200]}"


def _timed_out(result: Any, timeout_s: float) -> Any:
    raise NoAnswer(f"no answer within {timeout_s:g} s")
