"""
The call itself, and how the tiers' contract tells its outcome.

The original's messages begin with C{correlationId} and C{userId}, which a reply
echoes, and C{return}, which says whether it was done.  A service need not care:
what it leaves out is filled in here.

A refusal of one of the B{original's} operations is told as the original did:
a plain response with C{return=false}, and with C{statusMessage} set to the
refusal where that is text (the cluster's).  That is possible only where the
response requires nothing further.  Refusals of all others (half of the node's,
and our own further operations) are SOAP faults.  The client of either raises
L{PeerRefused}, so who calls a peer sees no difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from euca_tw.api.cluster import ORIGINAL_OPERATIONS as OF_CLUSTERS
from euca_tw.api.errors import ApiError, InternalError
from euca_tw.api.node import ORIGINAL_OPERATIONS as OF_NODES
from euca_tw.api.shapes import Dispatch, Operation
from euca_tw.common.evolved import evolve
from euca_tw.model.callers import Caller
from euca_tw.soap.interfaces import PeerRefused

_log = Logger()
T = TypeVar("T")

_MESSAGE = ("correlation_id", "user_id", "status_message", "is_success")

#: What the original says in C{statusMessage} where it is a number.
_FAILED = 2


async def invoke(
    dispatch: Dispatch,
    operation: Operation,
    caller: Caller,
    request: Any,
    write: Callable[[Any], T],
) -> T:
    """
    Call what stands behind the door, and have C{write} make of the response
    what is sent.

    @raise ApiError: it refuses; or L{InternalError}, for a bug of ours (a
        response that cannot be written is one), which is then in the log
        under the caller's request id.
    """
    try:
        return write(await dispatch(operation, caller, request))
    except (ApiError, CancelledError):
        raise
    except Exception:
        _log.failure(
            "{operation} failed [{request_id}]",
            operation=operation.name,
            request_id=caller.request_id,
        )
        raise InternalError() from None


def concluded(request: Any, response: Any) -> Any:
    """A tier's C{response}, with what every message begins with."""
    changes: dict[str, Any] = {}
    if response.correlation_id is None:
        changes["correlation_id"] = request.correlation_id
    if response.user_id is None:
        changes["user_id"] = request.user_id
    if response.is_success is None:
        changes["is_success"] = True
    return evolve(response, **changes) if changes else response


def failure(operation: Operation, request: Any, error: ApiError) -> Any | None:
    """
    The response by which the original's contract tells C{error}; None if it
    is to be a fault.
    """
    status = _STATUS.get(operation)
    if status is None:
        return None
    return operation.response(
        correlation_id=request.correlation_id,
        user_id=request.user_id,
        status_message=_FAILED if status is int else str(error),
        is_success=False,
    )


def _status_types() -> dict[Operation, type]:
    """Of the operations that can tell a refusal: the status message's type."""
    found: dict[Operation, type] = {}
    for of, operations in ((str, OF_CLUSTERS), (int, OF_NODES)):
        for operation in operations:
            needed = [
                a.name
                for a in attrs.fields(operation.response)
                if a.default is attrs.NOTHING
            ]
            if not needed:
                found[operation] = of
    return found


_STATUS = _status_types()

_CODE = re.compile(r"([A-Z][A-Za-z]*(?:\.[A-Za-z]+)*): (.*)", re.DOTALL)


def check_success(peer: str, response: Any) -> Any:
    """
    A tier's C{response}, if it says that it was done.

    @raise PeerRefused: it says that it was not.
    """
    if response.is_success is not False:
        return response
    status = str(response.status_message or "")
    matched = _CODE.fullmatch(status)
    code, message = matched.groups() if matched else ("Failed", status)
    raise PeerRefused(peer, code, message)
