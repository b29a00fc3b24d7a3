"""
What is watched, in an epoll of the trunk's own, and who is told what is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attrs import define, field


class Epoll(Protocol):
    """What is used of one."""

    def register(self, fd: int, eventmask: int, /) -> None: ...
    def modify(self, fd: int, eventmask: int, /) -> None: ...
    def unregister(self, fd: int, /) -> None: ...
    def poll(self, timeout: float, maxevents: int, /) -> list[tuple[int, int]]: ...


@define(eq=False)
class Watch:
    """Descriptors; each is dropped before it is closed."""

    _epoll: Epoll
    _told: dict[int, Callable[[int], object]] = field(init=False, factory=dict)

    def add(
        self, descriptor: int, mask: int, happened: Callable[[int], object]
    ) -> None:
        """Call C{happened} with what is seen of C{mask}, errors included."""
        self._epoll.register(descriptor, mask)
        self._told[descriptor] = happened

    def change(self, descriptor: int, mask: int) -> None:
        """Look for that from now on."""
        self._epoll.modify(descriptor, mask)

    def drop(self, descriptor: int) -> None:
        """Look no more."""
        del self._told[descriptor]
        self._epoll.unregister(descriptor)

    def look(self, most: int) -> bool:
        """
        Tell what there is to see of up to C{most}, who take turns; whether there
        was something.
        """
        events = self._epoll.poll(0, most)
        for descriptor, mask in events:
            # What was told before may have dropped it.
            happened = self._told.get(descriptor)
            if happened is not None:
                happened(mask)
        return bool(events)
