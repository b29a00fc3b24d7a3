"""From an operation to the method that answers it."""

from __future__ import annotations

from typing import Any

from euca_tw.api.errors import UnsupportedOperation
from euca_tw.api.shapes import Dispatch, Operation


def dispatcher(*subjects: object) -> Dispatch:
    """
    What asks, for each operation, the first of the C{subjects} that has a
    public method of the operation's name; the method takes the caller and the
    request.

    @raise UnsupportedOperation: (when called) none of them has.
    """

    async def dispatch(operation: Operation, caller: Any, request: Any) -> Any:
        for subject in subjects:
            answer = getattr(subject, operation.method, None)
            if answer is not None:
                return await answer(caller, request)
        raise UnsupportedOperation(f"This cloud does not have {operation.name} yet")

    return dispatch
