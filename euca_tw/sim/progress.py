"""How far a run is, and how long it will go on: a line for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from attrs import define, field

#: So often a terminal is told, and a log.
_TERMINAL_S, _LOG_S = 0.5, 30.0
_BAR = 30


@define(eq=False)
class ProgressBar:
    """
    @ivar seconds: what it really is, of any beginning.
    @ivar counted: what there is a number of.
    """

    _into: TextIO
    _seconds: Callable[[], float]
    counted: str = "launches"
    _began_at: float = field(init=False)
    _told_at: float = field(init=False)
    _is_terminal: bool = field(init=False)
    _is_over: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._began_at = self._told_at = self._seconds()
        self._is_terminal = self._into.isatty()

    def __call__(self, share: float, count: int) -> None:
        now = self._seconds()
        often_s = _TERMINAL_S if self._is_terminal else _LOG_S
        if self._is_over or (share < 1 and now - self._told_at < often_s):
            return
        self._told_at, self._is_over = now, share >= 1
        line = told(share, count, now - self._began_at, self.counted)
        if self._is_terminal:
            self._into.write(f"\r\x1b[K{line}" + ("\n" if share >= 1 else ""))
        else:
            self._into.write(f"{line}\n")
        self._into.flush()


def told(share: float, count: int, spent_s: float, counted: str = "launches") -> str:
    """The line."""
    full = int(_BAR * min(1.0, share))
    bar = "#" * full + "." * (_BAR - full)
    ahead = ""
    if 0 < share < 1:
        ahead = f", {length(spent_s * (1 - share) / share)} to go"
    return f"[{bar}] {share:4.0%}, {count:,} {counted}, {length(spent_s)}{ahead}"


def length(seconds: float) -> str:
    """A length of time, as clocks show it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
