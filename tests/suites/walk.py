"""
All ways in which a plan can go.

A plan looks at few of the things that it is given at a time.  What is given to it
here is made up when it looks: each thing takes each of its values in turn, and only
what it never looks at stays out.  So the whole product of all values is walked,
however large, for what the plan did not ask for cannot have changed what it said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Choose(Protocol):
    """One of these; another the next time."""

    def __call__(self, options: Sequence[T], /) -> T: ...


def every(run: Callable[[Choose], T]) -> Iterator[T]:
    """What C{run} returns for each of the ways in which its choices can fall."""
    path: list[list[int]] = []
    while True:
        depth = 0

        def choose(options: Sequence[Any]) -> Any:
            nonlocal depth
            if depth == len(path):
                path.append([0, len(options)])
            index, count = path[depth]
            assert count == len(options), "it does not only go by what it chose"
            depth += 1
            return options[index]

        yield run(choose)
        while path and path[-1][0] + 1 == path[-1][1]:
            path.pop()
        if not path:
            return
        path[-1][0] += 1


class Unknown:
    """
    A record of which each field is chosen when it is first looked at; what is
    assigned to it stays.
    """

    def __init__(
        self, choose: Choose, fields: Mapping[str, Sequence[Any]], **known: Any
    ) -> None:
        vars(self).update(known, _choose=choose, _fields=fields)

    def __getattr__(self, name: str) -> Any:
        try:
            options = vars(self)["_fields"][name]
        except KeyError:
            raise AttributeError(name) from None
        value = vars(self)["_choose"](options)
        setattr(self, name, value)
        return value

    def __contains__(self, name: str) -> bool:
        """Whether that field was looked at, or assigned."""
        return name in vars(self)
