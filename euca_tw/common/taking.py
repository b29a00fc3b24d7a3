"""
How fast a client takes what it is sent.
"""

from __future__ import annotations

from attrs import define


@define(eq=False)
class Taking:
    """
    Counts by how much a client is behind one that takes so much a second.  Only
    the time counts in which there is something for it to take; who was faster
    once has nothing saved up.

    @ivar rate: bytes a second, at least.
    @ivar grace_s: how far it may be behind.
    """

    _rate: float
    _grace_s: float
    _late_s: float = 0.0
    _left: int = 0
    _seen_s: float = 0.0

    def begin(self, now_s: float, left: int) -> None:
        """There is so much to take now."""
        self._seen_s, self._left = now_s, left

    def is_too_slow(self, now_s: float, left: int) -> bool:
        """@param left: of what there was, since which nothing came in addition."""
        if self._left:
            taken = max(self._left - left, 0)
            late_s = self._late_s + now_s - self._seen_s - taken / self._rate
            self._late_s = max(late_s, 0.0)
        self.begin(now_s, left)
        return self._late_s > self._grace_s


__all__ = ["Taking"]
