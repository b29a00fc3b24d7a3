"""
The rows of the table, and the order in which things are looked at.

A row is said as a user of Query says it; L{tests.clc.test_refusals} asks it at both
doors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from attrs import field, frozen

from euca_tw.model.callers import Caller
from tests.clc.cloud import ALICE

#: The last date that SOAP has, and the newest, that Query alone has.
SOAP_DATE, QUERY_DATE = "2014-06-15", "2016-11-15"

#: Puts things into the world before a request is made.
Before = Callable[[Any], None]


class Step(IntEnum):
    """In this order; authentication is before all of them."""

    SYNTAX = 1
    EXISTENCE = 2
    PERMISSION = 3
    STATE = 4
    LIMIT = 5


@frozen(kw_only=True)
class Row:
    """
    A refusal.

    @ivar wrong: the parameters that differ from a right request; None: one that
        is left out.
    @ivar code: EC2's.
    @ivar says: what the message has in it: the value that is wrong, if one is.
    @ivar status: of HTTP, at Query's door; SOAP's has always 500.
    @ivar before: what there is besides.
    @ivar is_query_only: SOAP's schema has it otherwise, or cannot say it.
    """

    operation: str
    step: Step
    wrong: Mapping[str, str | None]
    code: str
    says: str = ""
    status: int = 400
    caller: Caller = ALICE
    before: tuple[Before, ...] = ()
    version: str = SOAP_DATE
    is_query_only: bool = False


@frozen(kw_only=True)
class Operations:
    """
    The rows of a subject.

    @ivar right: for each operation, the parameters of a request that is answered.
    @ivar never_right: for each that is always refused, the parameters of a request
        with which nothing else is wrong.
    @ivar setting: what there must be for that.
    """

    right: Mapping[str, Mapping[str, str]]
    rows: tuple[Row, ...]
    never_right: Mapping[str, Mapping[str, str]] = field(factory=dict)
    setting: Mapping[str, tuple[Before, ...]] = field(factory=dict)


def rows_of(
    operation: str,
    step: Step,
    code: str,
    *wrongs: tuple[Mapping[str, str | None], str],
    **more: Any,
) -> tuple[Row, ...]:
    """Rows of one code: what is wrong, and what the message has in it."""
    return tuple(
        Row(operation=operation, step=step, wrong=wrong, code=code, says=says, **more)
        for wrong, says in wrongs
    )


def quoted(count: int, parameter: str, value: str = "x") -> dict[str, str]:
    """Many numbered parameters."""
    return {parameter.format(n): value for n in range(1, count + 1)}
