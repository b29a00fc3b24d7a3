"""
The SOAP door: bytes in, bytes out, whoever may knock.

A request is read, its sender let in (L{euca_tw.soap.guards}), its version and
operation found and its parameters read (L{euca_tw.soap.spyne_app}), and what
stands behind the door is called.  Whatever goes wrong on the way is a fault with
EC2's code and the request id; what is not the sender's fault is also in the log,
once, under that id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.api.errors import ApiError, InternalError, MalformedRequest
from euca_tw.api.shapes import Api, Dispatch, Operation
from euca_tw.common.admission import IAdmission, IAttempt, OpenAdmission
from euca_tw.common.content_types import LONGEST, content_type_of
from euca_tw.common.in_thread import InThread, in_this_thread
from euca_tw.common.replays import IReplays
from euca_tw.common.web import Asked, Reply
from euca_tw.soap import guards
from euca_tw.soap.envelope import (
    CLOSING,
    CONTENT_TYPES,
    SOAP_11,
    Envelope,
    check_understood,
    opening,
    read,
)
from euca_tw.soap.faults import fault
from euca_tw.soap.guards import LARGE_BYTES, Admitted, Guard
from euca_tw.soap.interfaces import ICertificates
from euca_tw.soap.invocation import invoke
from euca_tw.soap.keys import Identity
from euca_tw.soap.spyne_app import SpyneApplication
from euca_tw.soap.wsse import OF_USERS, Forms

_TAKEN = frozenset({"text/xml", "application/xml", "application/soap+xml"})

Describe = Callable[[], bytes]


#: No stranger has more than this of his own text told back.
_TOLD = 100

_READING = frozenset({"GET", "HEAD"})


def refusal(
    error: ApiError, request_id: str, status: int = 500, soap: str = SOAP_11
) -> Reply:
    """
    An unsigned fault.

    @param status: not 500 where something is wrong that HTTP has a status for.
    """
    text = f"{opening(soap)}{fault(soap, error, request_id)}{CLOSING}"
    return Reply(status, CONTENT_TYPES[soap], (text.encode(),), error.headers)


class SoapDoor:
    """
    One API over SOAP.  L{ec2_door} and L{tier_door} make the two that there are.
    """

    _log = Logger()

    def __init__(
        self,
        api: Api,
        dispatch: Dispatch,
        guard: Guard,
        new_request_id: Callable[[], str],
        *,
        in_thread: InThread = in_this_thread,
        wsdl: Describe | None = None,
        admission: IAdmission | None = None,
    ) -> None:
        """
        @param in_thread: does what takes long with large messages.
        @param wsdl: makes the service's description, which C{GET ?wsdl} gets.
        @param admission: who may try; None: everybody.
        """
        self._dispatch = dispatch
        self._guard = guard
        self._new_request_id = new_request_id
        self._in_thread = in_thread
        self._wsdl = wsdl
        self._admission: IAdmission = admission or OpenAdmission()
        self._app = SpyneApplication(api, self._invoke)

    async def answer(self, asked: Asked) -> Reply:
        """An L{euca_tw.common.web.Answer}."""
        if asked.method != "POST":
            return self._describe(asked)
        return await self._exchange(asked, self._new_request_id())

    def _describe(self, asked: Asked) -> Reply:
        query = asked.target.partition(b"?")[2].lower()
        if self._wsdl is not None and asked.method in _READING and query == b"wsdl":
            return Reply(200, CONTENT_TYPES[SOAP_11], (self._wsdl(),))
        return _plain(405, "SOAP messages are sent by POST", (("Allow", "POST"),))

    async def _exchange(self, asked: Asked, request_id: str) -> Reply:
        soap, admitted = SOAP_11, None
        attempt: IAttempt | None = None
        try:
            attempt = self._admission.attempt(asked.peer, request_id)
            envelope = await self._read(asked.body, _charset(asked))
            soap = envelope.soap
            check_understood(envelope, self._guard.understood)
            path = asked.target.partition(b"?")[0].decode("latin-1")
            admitted = await self._guard.admit(envelope, path, attempt)
            return await self._call(envelope, admitted)
        except CancelledError:
            raise
        except ApiError as e:
            if admitted is None and attempt is not None:
                attempt.failed(e.code, e.message)
            error = e
        except Exception:
            self._log.failure("A request failed [{request_id}]", request_id=request_id)
            error = InternalError()
        if admitted is not None and admitted.is_signed_for:
            text = fault(soap, error, request_id)
            return self._reply(500, soap, admitted.seal(soap, text, "Fault"))
        status = 415 if isinstance(error, _NoMessage) else 500
        return refusal(error, request_id, status, soap)

    @staticmethod
    def _reply(status: int, soap: str, *body: bytes) -> Reply:
        return Reply(status, CONTENT_TYPES[soap], body)

    async def _read(self, body: bytes, charset: str | None) -> Envelope:
        if len(body) > LARGE_BYTES:
            return await self._in_thread(lambda: read(body, charset))
        return read(body, charset)

    async def _call(self, envelope: Envelope, admitted: Admitted) -> Reply:
        ctx = await self._receive(envelope, admitted)
        operation, [request] = self._app.asking(ctx).operation, ctx.in_object
        try:
            response = await self._app.call(ctx)
        except ApiError as e:
            response = admitted.tell(operation, request, e)
            if response is None:
                raise
        is_sealed = admitted.is_signed_for
        pieces = self._app.write(ctx, response, is_enveloped=not is_sealed)
        # One piece is made now, so that a response that cannot be written is
        # still told as a fault.
        first = next(pieces)
        if not is_sealed:
            return Reply(200, CONTENT_TYPES[envelope.soap], chain((first,), pieces))
        return await self._sealed(
            admitted, envelope.soap, first, pieces, f"{operation.name}Response"
        )

    async def _receive(self, envelope: Envelope, admitted: Admitted) -> Any:
        if envelope.size > LARGE_BYTES:
            return await self._in_thread(lambda: self._app.receive(envelope, admitted))
        return self._app.receive(envelope, admitted)

    def _invoke(
        self, admitted: Admitted, operation: Operation, request: Any
    ) -> Awaitable[Any]:
        return invoke(
            self._dispatch,
            operation,
            admitted.caller,
            request,
            lambda response: admitted.conclude(request, response),
        )

    async def _sealed(
        self,
        admitted: Admitted,
        soap: str,
        first: bytes,
        rest: Iterator[bytes],
        name: str,
    ) -> Reply:
        def seal() -> bytes:
            return admitted.seal(soap, b"".join((first, *rest)).decode(), name)

        # More than one piece is more than 64 KiB, or hundreds of records.
        second = next(rest, None)
        if second is None and len(first) <= LARGE_BYTES:
            return self._reply(200, soap, seal())
        rest = chain((second or b"",), rest)
        return self._reply(200, soap, await self._in_thread(seal))


def ec2_door(
    api: Api,
    dispatch: Dispatch,
    certificates: ICertificates,
    clock: IReactorTime,
    new_request_id: Callable[[], str],
    *,
    in_thread: InThread = in_this_thread,
    replays: IReplays | None = None,
    wsdl: Describe | None = None,
    forms: Forms = OF_USERS,
    admission: IAdmission | None = None,
) -> SoapDoor:
    """
    The door for users: signed requests, plain answers.

    @param replays: what was taken before; None: nothing was.
    @param forms: of signatures that are taken.
    @param admission: who may try; None: everybody.
    """
    guard = guards.ec2_guard(
        certificates, clock, in_thread=in_thread, replays=replays, forms=forms
    )
    return SoapDoor(
        api,
        dispatch,
        guard,
        new_request_id,
        in_thread=in_thread,
        wsdl=wsdl,
        admission=admission,
    )


def tier_door(
    api: Api,
    dispatch: Dispatch,
    identity: Identity,
    peers: Mapping[bytes, str],
    clock: IReactorTime,
    new_request_id: Callable[[], str],
    *,
    in_thread: InThread = in_this_thread,
    replays: IReplays | None = None,
    wsdl: Describe | None = None,
    admission: IAdmission | None = None,
) -> SoapDoor:
    """
    The door for the tier above: signed both ways.

    @param peers: names of those who may call, by their certificates (DER).
    @param replays, admission: as of L{ec2_door}.
    """
    guard = guards.tier_guard(
        api.name, identity, peers, clock, in_thread=in_thread, replays=replays
    )
    return SoapDoor(
        api,
        dispatch,
        guard,
        new_request_id,
        in_thread=in_thread,
        wsdl=wsdl,
        admission=admission,
    )


class _NoMessage(MalformedRequest):
    """HTTP says already that it is none."""


def _charset(asked: Asked) -> str | None:
    """
    That of the message, as HTTP says it.

    @raise _NoMessage:
    """
    header = asked.headers("content-type")
    found = content_type_of(header or "")
    if found is None and header:
        raise _NoMessage(
            "The Content-Type cannot be read, or has more than "
            f"{LONGEST} characters: a SOAP message is text/xml"
        )
    if found is None or found.kind not in _TAKEN:
        said = "nothing" if found is None else found.kind[:_TOLD]
        raise _NoMessage(f"A SOAP message is text/xml, not {said}")
    if (asked.headers("content-encoding") or "identity") != "identity":
        raise _NoMessage("Compressed messages are not taken")
    return found.charset


def _plain(status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(status, "text/plain; charset=utf-8", (f"{text}\n".encode(),), headers)
