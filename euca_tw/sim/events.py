"""
What happened in a run, as JSON: one event a line, in the order of time.

Times are seconds since the beginning, with six decimals: what is the same is
written the same.
"""

from __future__ import annotations

import json
from typing import Protocol


class Sink(Protocol):
    """Where lines go, such as a file."""

    def write(self, text: str, /) -> object:
        """Take some text."""


class Events:
    """
    @ivar count: how many there were, by name.
    """

    def __init__(self, into: Sink | None) -> None:
        """@param into: None: they are only counted."""
        self._into = into
        self.count: dict[str, int] = {}

    def tell(self, at_s: float, event: str, **fields: object) -> None:
        """Something happened."""
        self.count[event] = self.count.get(event, 0) + 1
        if self._into is not None:
            line = {"at": round(at_s, 6), "event": event, **fields}
            self._into.write(json.dumps(line, separators=(",", ":")) + "\n")
