"""
The declared API as a Spyne Application.

Spyne's classes know one namespace for ever, so there is one Application, in a
canonical namespace, with the union of all versions.  Two protocols of our own,
both derived from Spyne's SOAP 1.1, translate at its edges: on the way in, the
namespace of a request tells its version, and L{euca_tw.soap.decode} reads it
(Spyne's own reader is slow, and lax); on the way out, the compiled encoder
writes the version that was asked (Spyne's own is slow).

What of Spyne's flow cannot be used with Deferreds (C{process_request}), or
stalls the reactor (C{MethodContext.close} collects garbage), is not used.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, cast

from attrs import frozen
from lxml import etree

from euca_tw.api.encode import pieces
from euca_tw.api.errors import InvalidAction, NoSuchVersion
from euca_tw.api.shapes import Api, Field, Operation, Shape, Version, shape_of
from euca_tw.soap.compat import mend_spyne
from euca_tw.soap.decode import decode
from euca_tw.soap.envelope import CLOSING, Envelope, opening

mend_spyne()

from spyne import (  # noqa: E402  # noqa: E402
    Application,
    Array,
    Boolean,
    ComplexModel,
    DateTime,
    Double,
    Integer,
    Service,
    Unicode,
    rpc,
)
from spyne.context import MethodContext  # noqa: E402
from spyne.protocol.soap import Soap11  # noqa: E402
from spyne.util.appreg import unregister_application  # noqa: E402

CANONICAL = "urn:euca-tw"

_SCALARS: dict[type, Any] = {
    str: Unicode,
    int: Integer,
    bool: Boolean,
    float: Double,
    datetime: DateTime,
}

#: Spyne logs each model that it makes.
logging.getLogger("spyne").setLevel(logging.WARNING)

#: No error repeats more of a name.
_TOLD = 100


# --- models -----------------------------------------------------------------


@cache
def _scalar(of: type) -> Any:
    """One model for each type: every C{customize} makes a class for ever."""
    return _SCALARS[of].customize(min_occurs=0)


class _Models:
    """Spyne's classes, by the shapes that they stand for."""

    def __init__(self) -> None:
        self._made: dict[Shape, Any] = {}

    def of(self, shape: Shape) -> Any:
        if shape not in self._made:
            # The first of several fields of one name (retyped ones) is as
            # good as another: nothing is read or written by these classes.
            members = {f.wire: f for f in reversed(shape.fields)}
            self._made[shape] = ComplexModel.produce(
                CANONICAL,
                f"{shape.name}.{len(self._made)}",
                [(f.wire, self._member(f)) for f in members.values()],
            )
        return self._made[shape]

    def _member(self, f: Field) -> Any:
        one = _scalar(f.of) if f.is_scalar else self.of(shape_of(f.of))
        if not f.many:
            return one
        if f.repeated:
            return one.customize(max_occurs="unbounded")
        return Array(one, member_name="item")


Invoke = Callable[[Any, Operation, Any], Awaitable[Any]]


def _service(api: Api, invoke: Invoke) -> Any:
    """A service with one document/literal bare method for each operation."""
    models = _Models()

    def method(operation: Operation) -> Any:
        def call(ctx: Any, request: Any) -> Awaitable[Any]:
            return invoke(ctx.udc, operation, request)

        call.__name__ = operation.name
        return rpc(
            models.of(shape_of(operation.request)),
            _returns=models.of(shape_of(operation.response)),
            _body_style="bare",
        )(call)

    methods = {o.name: method(o) for o in api.operations}
    return type(Service)(api.name, (Service,), methods)


# --- protocols --------------------------------------------------------------


@frozen
class Asking:
    """
    What the in-protocol found out about a request.

    @ivar soap: the namespace of its SOAP version.
    """

    operation: Operation
    version: Version
    soap: str


class _DatedIn(Soap11):  # type: ignore[misc]
    """SOAP in, of any date."""

    def __init__(self, api: Api) -> None:
        super().__init__()
        self._api = api
        self._versions = {api.namespace_of(v).rstrip("/"): v for v in api.versions}

    def decompose_incoming_envelope(self, ctx: Any, message: Any = None) -> None:
        """Find out the version and the operation."""
        envelope: Envelope = ctx.in_document
        name = etree.QName(envelope.entry)
        version = self._versions.get((name.namespace or "").rstrip("/"))
        if version is None:
            raise NoSuchVersion((name.namespace or "")[:_TOLD])
        operation = self._api.find(name.localname, version)
        if operation is None:
            raise InvalidAction(name.localname[:_TOLD])
        ctx.in_header_doc, ctx.in_body_doc = envelope.header, envelope.entry
        ctx.method_request_string = f"{{{CANONICAL}}}{operation.name}"
        ctx.protocol.asking = Asking(operation, version, envelope.soap)

    def deserialize(self, ctx: Any, message: Any) -> None:
        """Read the request's shape."""
        asking: Asking = ctx.protocol.asking
        ctx.in_object = [
            decode(
                shape_of(asking.operation.request),
                asking.version,
                ctx.in_body_doc,
                self._api.namespace_of(asking.version),
            )
        ]


class _DatedOut(Soap11):  # type: ignore[misc]
    """SOAP out, of the date that was asked."""

    def __init__(self, api: Api) -> None:
        super().__init__()
        self._api = api

    def serialize(self, ctx: Any, message: Any) -> None:
        """Nothing: there is no tree between the shape and its text."""

    def create_out_string(self, ctx: Any, charset: str | None = None) -> None:
        """Pieces of text, each made when it is asked for."""
        asking: Asking = ctx.inprot_ctx.asking
        operation, version = asking.operation, asking.version
        before, after = ctx.outprot_ctx.around
        [response] = ctx.out_object
        ctx.out_string = pieces(
            before,
            f"{operation.name}Response",
            self._api.namespace_of(version),
            shape_of(operation.response),
            version,
            response,
            after,
        )


class _Context(MethodContext):  # type: ignore[misc]
    """
    What of Spyne's context this flow needs.  Its own constructor sets fifty
    attributes, with three cycles among them, for each call; and it asks at each
    attribute whether it is frozen.
    """

    __setattr__ = object.__setattr__

    frozen = False
    TransportContext = None
    transport = aux = in_error = out_error = None

    def __init__(self, app: Any, udc: Any, in_document: Envelope) -> None:
        self.app, self.udc, self.in_document = app, udc, in_document
        self.protocol = self.inprot_ctx = _ProtocolContext()
        self.outprot_ctx = _ProtocolContext()
        self._in_protocol, self._out_protocol = app.in_protocol, app.out_protocol


class _ProtocolContext:
    """What one of the protocols has to remember of a call."""

    asking: Asking
    around: tuple[str, str]


# --- the application --------------------------------------------------------


class SpyneApplication:
    """
    One API, in every version that it has.

    A call goes through L{receive}, L{call} and L{write}, in this order, with the
    context that the first one makes.  Spyne's events are not fired: nothing
    here listens to them.
    """

    def __init__(self, api: Api, invoke: Invoke) -> None:
        """
        @param invoke: answers; is given whatever L{receive} was given as
            C{who}, the operation, and the request's shape.
        """
        self.app = Application(
            [_service(api, invoke)],
            tns=CANONICAL,
            name=api.name,
            in_protocol=_DatedIn(api),
            out_protocol=_DatedOut(api),
        )
        # Spyne would keep every application for ever.
        unregister_application(self.app)

    def receive(self, envelope: Envelope, who: Any) -> Any:
        """
        Find the method, and read its argument.

        @raise euca_tw.api.errors.ApiError: there is none, or it is not right.
        """
        protocol = self.app.in_protocol
        ctx = _Context(self.app, who, envelope)
        protocol.decompose_incoming_envelope(ctx, protocol.REQUEST)
        [ctx.descriptor] = self.app.interface.service_method_map[
            ctx.method_request_string
        ]
        protocol.deserialize(ctx, protocol.REQUEST)
        return ctx

    async def call(self, ctx: Any) -> Any:
        """The response's shape."""
        response = await self.app.call_wrapper(ctx)
        ctx.protocol = ctx.outprot_ctx
        return response

    def write(self, ctx: Any, response: Any, *, is_enveloped: bool) -> Iterator[bytes]:
        """The response in pieces; in an envelope, or as an element alone."""
        soap = self.asking(ctx).soap
        ctx.outprot_ctx.around = (opening(soap), CLOSING) if is_enveloped else ("", "")
        ctx.out_object = [response]
        ctx.out_protocol.serialize(ctx, ctx.out_protocol.RESPONSE)
        ctx.out_protocol.create_out_string(ctx)
        return cast("Iterator[bytes]", ctx.out_string)

    @staticmethod
    def asking(ctx: Any) -> Asking:
        return cast(Asking, ctx.inprot_ctx.asking)
