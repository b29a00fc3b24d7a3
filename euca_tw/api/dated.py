"""
What is worked out for a version, kept for the versions that were used last.

A cloud serves some fifty dates; a client uses one, and what reads and writes a
whole date takes megabytes.  So what is made for a date goes when so many others
have been used since, all of it together: its parts know each other.  Long
messages are read and written in threads, so that this may be asked in any.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar

from attrs import define, field

from euca_tw.api.fields import Version

#: How many versions are kept: a cloud's clients are of a few kinds.
KEPT = 16

S = TypeVar("S")
P = ParamSpec("P")
T = TypeVar("T")


@define
class _Kept:
    """
    @ivar by_version: the last used one last.
    @ivar newest: what was used last: most often it is used again.
    """

    by_version: OrderedDict[Version, dict[Any, Any]] = field(factory=OrderedDict)
    newest: tuple[Version | None, dict[Any, Any]] = (None, {})
    lock: Lock = field(factory=Lock)

    def of(self, version: Version) -> dict[Any, Any]:
        """What is kept of a version, which is now the last used."""
        newest, found = self.newest
        if newest == version:
            return found
        with self.lock:
            found = self.by_version.setdefault(version, {})
            self.by_version.move_to_end(version)
            if len(self.by_version) > KEPT:
                self.by_version.popitem(last=False)
            self.newest = (version, found)
            return found


_kept = _Kept()


def dated(
    make: Callable[Concatenate[S, Version, P], T],
) -> Callable[Concatenate[S, Version, P], T]:
    """
    A function of a thing and a version, and whatever else, all hashable: what it
    returned is returned again, while its version is kept.  Arguments are given
    by their places.
    """

    @wraps(make)
    def kept(of: S, version: Version, /, *more: P.args, **none: P.kwargs) -> T:
        of_version = _kept.of(version)
        key = (make, of, *more)
        try:
            found: T = of_version[key]
        except KeyError:
            # Two threads may make the same: one is as good as the other.
            found = of_version[key] = make(of, version, *more, **none)
        return found

    return kept


__all__ = ["KEPT", "dated"]
