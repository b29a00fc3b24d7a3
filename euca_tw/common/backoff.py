"""How long to wait before the next try."""

from __future__ import annotations

from random import Random

from attrs import define, field


@define(kw_only=True)
class Backoff:
    """
    Each wait is longer than the one before, up to a ceiling, and no two
    waiters keep step: every wait is off by up to C{jitter} of itself.

    Call L{reset} when a try has succeeded.
    """

    random: Random = field(repr=False)
    first_s: float = 1.0
    ceiling_s: float = 60.0
    factor: float = 2.0
    jitter: float = 0.2
    _next_s: float | None = field(default=None, init=False)

    def next(self) -> float:
        """The seconds to wait now."""
        base = self.first_s if self._next_s is None else self._next_s
        self._next_s = min(base * self.factor, self.ceiling_s)
        return base * (1 + self.jitter * self.random.uniform(-1, 1))

    def reset(self) -> None:
        """Begin anew with the shortest wait."""
        self._next_s = None
