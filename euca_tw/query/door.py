"""
The Query door: a raw HTTP request in, EC2's XML out.

Each request goes the same way: parameters, signature, version and action,
request shape, dispatch, response.  Whoever is not who they say learns nothing
of what there is; what goes wrong later is told by EC2's codes, and a bug of
ours by its request id alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import chain
from typing import Any, TypeVar

import attrs
from attrs import Factory, define, frozen
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.api.dated import dated
from euca_tw.api.encode import pieces, text
from euca_tw.api.errors import (
    ApiError,
    CompressedRequest,
    InternalError,
    InvalidAction,
    InvalidParameterValue,
    MalformedQueryString,
    MissingAction,
    MissingParameter,
    NoSuchVersion,
)
from euca_tw.api.shapes import Api, Dispatch, Operation, Shape, Version, shape_of
from euca_tw.common.admission import IAdmission, IAttempt, OpenAdmission
from euca_tw.common.clock import wall_seconds
from euca_tw.common.content_types import content_type_of
from euca_tw.common.in_thread import InThread, in_this_thread
from euca_tw.common.web import Asked, Reply
from euca_tw.model.callers import Caller
from euca_tw.query.claimed import claimed_key
from euca_tw.query.interfaces import IAccessKeys
from euca_tw.query.parameters import Read, parse, reader, tree, unique
from euca_tw.query.signed import Signed
from euca_tw.query.signing import PARAMETERS, Signatures

T = TypeVar("T")

CONTENT_TYPE = "text/xml;charset=UTF-8"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

#: A longer form is read in a thread.
LARGE_BYTES = 50_000

_FORM = "application/x-www-form-urlencoded"
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii"})
#: What the door itself reads.
_OWN = PARAMETERS | {"Action", "Version"}


def error_reply(error: ApiError, request_id: str) -> Reply:
    """EC2's answer for a request that is refused."""
    body = (
        f"{DECLARATION}<Response><Errors><Error><Code>{text(error.code)}</Code>"
        f"<Message>{text(error.message)}</Message></Error></Errors>"
        f"<RequestID>{text(request_id)}</RequestID></Response>"
    )
    return Reply(error.status, CONTENT_TYPE, (body.encode(),), error.headers)


@define(eq=False)
class QueryDoor:
    """
    @ivar versions: those that are served; more than the API has WSDLs for.
    @ivar signatures: those that are taken.
    @ivar admission: who may try.
    @ivar in_thread: reads what is long; see L{LARGE_BYTES}.
    """

    _api: Api
    _versions: Collection[Version]
    _dispatch: Dispatch
    _keys: IAccessKeys
    _clock: IReactorTime
    _new_request_id: Callable[[], str]
    _signatures: Signatures = Factory(Signatures)
    _admission: IAdmission = Factory(OpenAdmission)
    _in_thread: InThread = in_this_thread
    _log = Logger()

    async def answer(self, asked: Asked) -> Reply:
        """Whatever is asked; never fails, but may be cancelled."""
        request_id = self._new_request_id()
        try:
            return await self._answer(asked, request_id)
        except ApiError as error:
            return error_reply(error, request_id)
        except CancelledError:
            raise
        except Exception:
            self._log.failure("Request {request_id} failed", request_id=request_id)
            return error_reply(InternalError(), request_id)

    async def _answer(self, asked: Asked, request_id: str) -> Reply:
        attempt: IAttempt = self._admission.attempt(asked.peer, request_id)
        try:
            signed = await self._read(asked, lambda: _signed(asked))
            attempt.shows(claimed_key(signed))
            key_id = self._signatures.verified(
                signed, self._keys.secret_of, wall_seconds(self._clock)
            )
        except ApiError as error:
            attempt.failed(error.code, error.message)
            raise
        caller: Caller = self._keys.caller_of(key_id, request_id)
        attempt.succeeded(caller.account_id)
        given = signed.parameters
        call = self._call(given)
        request = await self._read(asked, lambda: call.request_of(given))
        response = await self._dispatch(call.operation, caller, request)
        if call.tells_request_id:
            response = attrs.evolve(response, request_id=request_id)
        return Reply(200, CONTENT_TYPE, _begun(call.pieces_of(response)))

    async def _read(self, asked: Asked, read: Callable[[], T]) -> T:
        """
        A mebibyte of parameters takes some milliseconds twice, in which nobody
        else would be answered.
        """
        if len(asked.body) > LARGE_BYTES:
            return await self._in_thread(read)
        return read()

    def _call(self, given: dict[str, str]) -> _Call:
        """
        @raise MissingAction:
        @raise MissingParameter:
        @raise NoSuchVersion:
        @raise InvalidAction:
        """
        action, version = given.get("Action"), given.get("Version")
        if not action:
            raise MissingAction
        if not version:
            raise MissingParameter("Version")
        if version not in self._versions:
            raise NoSuchVersion(version[:100])
        operation = self._api.find(action, Version(version))
        if operation is None:
            raise InvalidAction(action[:100])
        return _call_of(operation, Version(version), self._api)


def _signed(asked: Asked) -> Signed:
    """
    @raise MalformedQueryString: it is no Query request.
    @raise CompressedRequest:
    """
    if asked.method not in ("GET", "POST"):
        raise MalformedQueryString("Query requests are made by GET or POST")
    path, _, query = asked.target.partition(b"?")
    in_url = parse(query)
    form = asked.body if asked.method == "POST" and asked.body else b""
    if form:
        _check_form(asked)
    in_body = parse(form)
    return Signed(
        asked.method,
        path.decode("latin-1"),
        in_url,
        unique(in_url + in_body),
        query + b"&" + form if query and form else query or form,
        asked.headers,
        asked.body,
    )


def _check_form(asked: Asked) -> None:
    """There are parameters in the body; without a type there are, too."""
    if (asked.headers("content-encoding") or "identity").lower() != "identity":
        raise CompressedRequest
    said = asked.headers("content-type")
    if said is not None and not _is_form_type(said):
        raise MalformedQueryString(f"The body's Content-Type must be {_FORM}, in UTF-8")


def _is_form_type(said: str) -> bool:
    found = content_type_of(said)
    if found is None or found.kind != _FORM:
        return False
    return found.charset is None or found.charset.lower() in _CHARSETS


def _begun(made: Iterator[bytes]) -> Any:
    """
    The body, its first piece made: so that what cannot be written is found
    while the status can still say so.
    """
    first = next(made)
    second = next(made, None)
    return (first,) if second is None else chain((first, second), made)


@frozen(eq=False)
class _Call:
    """An operation at a version, worked out."""

    operation: Operation
    version: Version
    namespace: str
    read: Read
    response: Shape
    tells_request_id: bool

    def request_of(self, given: dict[str, str]) -> Any:
        own = {name: value for name, value in given.items() if name not in _OWN}
        request = self.read(tree(own), "")
        if self.operation.query_form is not None:
            request = request.request()
            _check_date(request, self.version)
        return request

    def pieces_of(self, response: Any) -> Iterator[bytes]:
        root = f"{self.operation.name}Response"
        return pieces(
            DECLARATION,
            root,
            self.namespace,
            self.response,
            self.version,
            response,
            "",
        )


def _check_date(request: Any, version: Version) -> None:
    """
    A form can be right and yet name what its date does not have.

    @raise InvalidParameterValue: so it is.
    """
    cls: type = type(request)
    for f in shape_of(cls).fields:
        if not f.lives_in(version) and getattr(request, f.python) not in (None, ()):
            raise InvalidParameterValue(
                "Attribute", f.wire, f"EC2 of {version} has none of that name."
            )


@dated
def _call_of(operation: Operation, version: Version, api: Api) -> _Call:
    response = shape_of(operation.response)
    return _Call(
        operation=operation,
        version=version,
        namespace=api.namespace_of(version),
        read=reader(shape_of(operation.query_form or operation.request), version),
        response=response,
        tells_request_id=any(
            f.python == "request_id" for f in response.elements(version)
        ),
    )


__all__ = ["CONTENT_TYPE", "QueryDoor", "error_reply"]
