"""
What of EC2's API this cloud has: each operation, its dates, and whether it is
answered.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
from euca_tw.api.shapes import Operation
from euca_tw.clc.dispatch import answers
from euca_tw.clc.subjects import SUBJECTS


@frozen(kw_only=True)
class Listed:
    """
    @ivar first: the first date that has the operation.
    @ivar last: the last one, if there are later dates; None: all since.
    """

    name: str
    first: str
    last: str | None
    is_answered: bool


def listed() -> Iterator[Listed]:
    """All of them, by name."""
    answered = answers(EC2, *SUBJECTS)
    for operation in sorted(EC2.operations, key=lambda o: o.name):
        first, last = _dates(operation)
        yield Listed(
            name=operation.name,
            first=first,
            last=None if last == QUERY_VERSIONS[-1] else last,
            is_answered=operation in answered,
        )


def _dates(operation: Operation) -> tuple[str, str]:
    dates = [version for version in QUERY_VERSIONS if operation.lives_in(version)]
    return dates[0], dates[-1]


def text(*, is_unanswered_only: bool = False) -> Iterator[str]:
    """A line for each: name, first and last date, C{answered} or not."""
    for each in listed():
        if not (is_unanswered_only and each.is_answered):
            answered = "answered" if each.is_answered else ""
            line = f"{each.name:40}{each.first:12}{each.last or '':12}{answered}"
            yield line.rstrip()


def markdown() -> Iterator[str]:
    """The same as a table."""
    every = tuple(listed())
    answered = sum(each.is_answered for each in every)
    yield f"{answered} of {len(every)} operations are answered."
    yield ""
    yield "| operation | first | last | answered |"
    yield "|---|---|---|---|"
    for each in every:
        told = (each.name, each.first, each.last, "yes" if each.is_answered else None)
        yield f"| {' | '.join(cell or '' for cell in told)} |"


__all__ = ["Listed", "listed", "markdown", "text"]
