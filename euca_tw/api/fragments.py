"""
What was written of a value, kept for as long as the value lives.

Values are frozen, so what is written of one at a version is always the same.
They are told apart by identity: to compare them would cost as much as to write
them.  A value that is not told any more takes its texts with it.
"""

from __future__ import annotations

from typing import Any
from weakref import ref

from attrs import define, field

from euca_tw.api.fields import Version

#: So many characters are kept; then all are forgotten, for better ones.
MOST = 64 * 1024 * 1024


class _Texts(ref[Any]):
    """The texts of one value, by version."""

    __slots__ = ("by_version", "key", "length")

    key: int
    length: int
    by_version: dict[Version, str]


@define(eq=False)
class Fragments:
    """@ivar length: of all texts that are kept."""

    most: int = MOST
    length: int = field(default=0, init=False)
    _kept: dict[int, _Texts] = field(factory=dict, init=False)

    def get(self, value: Any, version: Version) -> str | None:
        """What was written of it."""
        found = self._kept.get(id(value))
        return None if found is None else found.by_version.get(version)

    def keep(self, value: Any, version: Version, text: str) -> None:
        """@param value: frozen, with all that is in it."""
        if self.length + len(text) > self.most:
            self._kept.clear()
            self.length = 0
        texts = self._kept.get(id(value))
        if texts is None:
            texts = self._kept[id(value)] = _Texts(value, self._drop)
            texts.key, texts.length, texts.by_version = id(value), 0, {}
        texts.by_version[version] = text
        texts.length += len(text)
        self.length += len(text)

    def _drop(self, texts: _Texts) -> None:
        """
        The value is no more; this is called before another can have its
        identity.
        """
        if self._kept.pop(texts.key, None) is not None:
            self.length -= texts.length
