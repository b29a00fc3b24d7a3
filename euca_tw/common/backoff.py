"""How long to wait before the next try."""

from __future__ import annotations

from random import Random

from attrs import define, field


@define(kw_only=True)
class Backoff:
    """
    Waits grow longer and longer, up to a ceiling, and no two waiters keep step:
    every wait is off by up to C{jitter} of itself.

    Call L{reset} when a try has succeeded.

    @ivar each: how many waits there are of a length, before there are longer ones.
    """

    random: Random = field(repr=False)
    first_s: float = 1.0
    ceiling_s: float = 60.0
    factor: float = 2.0
    jitter: float = 0.2
    each: int = 1
    _next_s: float | None = field(default=None, init=False)
    _left: int = field(default=0, init=False)

    def next(self) -> float:
        """The seconds to wait now."""
        if self._next_s is None:
            self._next_s, self._left = self.first_s, self.each
        elif not self._left:
            self._next_s = min(self._next_s * self.factor, self.ceiling_s)
            self._left = self.each
        self._left -= 1
        base = self._next_s
        return base * (1 + self.jitter * self.random.uniform(-1, 1))

    def reset(self) -> None:
        """Begin anew with the shortest wait."""
        self._next_s = None
