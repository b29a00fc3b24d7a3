"""From an operation to the method that answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
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

    answers: dict[Operation, Any] = {}

    def dispatch(operation: Operation, caller: Any, request: Any) -> Awaitable[Any]:
        answer = answers.get(operation)
        if answer is None:
            answer = answers[operation] = _answer(subjects, operation)
        found: Awaitable[Any] = answer(caller, request)
        return found

    return dispatch


def _answer(subjects: Iterable[object], operation: Operation) -> Any:
    for subject in subjects:
        found = getattr(subject, operation.method, None)
        if found is not None:
            return found

    async def nobody(caller: Any, request: Any) -> None:
        raise UnsupportedOperation(f"This cloud does not have {operation.name} yet")

    return nobody
