"""
Another record like one that there is: L{attrs.evolve}, in less time.

Each step of each instance makes a few, of records with dozens of fields, which
attrs fetches one by one; here one call of C's fetches all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    # By this name its arguments are checked.
    from attrs import evolve as evolve
else:

    def evolve(record: Any, /, **changes: Any) -> Any:
        """
        A record like C{record}, with these changes; its validators see all of it.

        @raise TypeError: there is no such field.
        """
        cls = record.__class__
        names, fetch = _fields(cls)
        return cls(**dict(zip(names, fetch(record), strict=True)) | changes)


def fetching(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """What fetches these attributes of a thing, all at once."""
    if len(names) > 1:
        fetch: Callable[[Any], tuple[Any, ...]] = attrgetter(*names)
        return fetch
    return lambda thing: tuple(getattr(thing, name) for name in names)


@cache
def _fields(cls: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """What its constructor calls its fields, and what fetches them."""
    fields = [each for each in attrs.fields(cls) if each.init]
    # (Since fields got aliases there always is one.)
    names = tuple(each.alias or each.name for each in fields)
    return names, fetching(tuple(each.name for each in fields))
