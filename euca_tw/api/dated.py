"""
What is worked out for a version, kept for the versions that were used last.

A cloud serves some fifty dates; a client uses one, and what reads and writes a
whole date takes megabytes.  So what is made for a date goes when so many others
have been used since, all of it together: its parts know each other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from euca_tw.api.fields import Version

#: How many versions are kept: a cloud's clients are of a few kinds.
KEPT = 12

T = TypeVar("T")


def dated(make: Callable[..., T]) -> Callable[..., T]:
    """
    A function of a thing and a version, and whatever else, all hashable: what it
    returned is returned again, while its version is kept.
    """
    by_version: OrderedDict[Version, dict[Any, T]] = OrderedDict()

    @wraps(make)
    def kept(of: Any, version: Version, *more: Any) -> T:
        made = by_version.get(version)
        if made is None:
            made = by_version[version] = {}
            if len(by_version) > KEPT:
                by_version.popitem(last=False)
        else:
            by_version.move_to_end(version)
        key = (of, *more)
        try:
            return made[key]
        except KeyError:
            found = made[key] = make(of, version, *more)
            return found

    return kept


__all__ = ["KEPT", "dated"]
