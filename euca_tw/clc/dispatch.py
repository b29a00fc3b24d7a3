"""
From an operation to the method that answers it.

A subject is an object whose public coroutine methods each answer the operation
that they are named for: C{run_instances} answers RunInstances.  What the API
declares and no subject answers is refused by name, and with the reason, once its
parameters have been found right; a dry run is refused as EC2 has it, where it is
answered.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Iterator, Mapping
from typing import Any

from attrs import define, field

from euca_tw.api.errors import (
    ApiError,
    DryRunOperation,
    Unavailable,
    UnsupportedOperation,
)
from euca_tw.api.shapes import Api, Operation
from euca_tw.clc.anew import Anew
from euca_tw.clc.unanswered import why_unanswered
from euca_tw.store.interfaces import Conflict, StoreUnusable


class BadSubjects(Exception):
    """What the subjects answer is not what the API declares; a slip of ours."""


def answers(api: Api, *subjects: type) -> dict[Operation, type]:
    """
    Which subject answers what.

    @raise BadSubjects: one answers what is not declared, or two the same.
    """
    declared = {operation.method: operation for operation in api.operations}
    found: dict[Operation, type] = {}
    for subject in subjects:
        for method, is_coroutine in _public(subject):
            operation = declared.get(method)
            if operation is None and not is_coroutine:
                continue
            if operation is None or not is_coroutine:
                what = "no coroutine" if operation else f"no operation of {api.name}"
                raise BadSubjects(f"{subject.__name__}.{method} is {what}")
            if operation in found:
                raise BadSubjects(
                    f"{operation.name} is answered by {found[operation].__name__} and "
                    f"by {subject.__name__}"
                )
            found[operation] = subject
    return found


def _public(subject: type) -> Iterator[tuple[str, bool]]:
    """Names of methods, and whether each is a coroutine function."""
    for name, method in inspect.getmembers(subject, inspect.isfunction):
        if not name.startswith("_"):
            yield name, inspect.iscoroutinefunction(method)


@define(eq=False, init=False)
class Dispatcher:
    """
    A L{euca_tw.api.shapes.Dispatch} that asks the subject that answers.

    @ivar answered: the operations that have an answer.
    """

    answered: Mapping[Operation, Any] = field()
    _anew: Anew | None

    def __init__(self, api: Api, *subjects: object, anew: Anew | None = None) -> None:
        """
        @param anew: how what others have overtaken is answered again; None: there
            are no others.
        @raise BadSubjects: see L{answers}.
        """
        self._anew = anew
        by_class = {type(subject): subject for subject in subjects}
        if len(by_class) < len(subjects):
            raise BadSubjects("There are two subjects of one class")
        self.answered = {
            operation: getattr(by_class[subject], operation.method)
            for operation, subject in answers(api, *by_class).items()
        }

    def __call__(
        self, operation: Operation, caller: Any, request: Any
    ) -> Awaitable[Any]:
        answer = self.answered.get(operation)
        if answer is None:
            return _refused(UnsupportedOperation(why_unanswered(operation)))
        if getattr(request, "is_dry_run", False):
            return _refused(DryRunOperation())
        if self._anew is None:
            return kept(answer(caller, request))
        return kept(self._anew.decide(lambda: answer(caller, request)))


async def kept(answer: Awaitable[Any]) -> Any:
    """
    An answer to be given.

    @raise Unavailable: what it says could not be kept: the daemon is about to end,
        or others were faster each time; and it is to be asked again.
    """
    try:
        return await answer
    except Conflict:
        raise Unavailable(
            "Too many others change the same at this moment: try again later"
        ) from None
    except StoreUnusable:
        # Told once, to the operator, by who opened the store.
        raise Unavailable(
            "The cloud cannot keep anything at this moment: try again later"
        ) from None


async def _refused(refusal: ApiError) -> None:
    raise refusal
