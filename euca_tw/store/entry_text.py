"""
Entries of a journal, and what a batch of them makes of the records, as text for a
database.  Nothing here knows which.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from attrs import frozen

from euca_tw.store.codec import Codec, Row, Unknown
from euca_tw.store.database import Gone
from euca_tw.store.interfaces import Change, Delete, Put
from euca_tw.store.validation import Touch

#: Told in every entry.  One that has another was written by a version of the software
#: that says more than this one knows.
FORMAT = 1

#: Made once: C{json.dumps} would make one for each entry.
_JSON = json.JSONEncoder(separators=(",", ":"))


def text_of(rows: Iterable[Row | Gone], touches: Iterable[Touch]) -> str:
    """
    @param touches: by each of the C{rows}.
    """
    told: list[object] = [FORMAT]
    for row, touch in zip(rows, touches, strict=True):
        found = {name: [*values] for name, values in touch.found.items()}
        if isinstance(row, Row):
            told.append([row.kind, row.key, found, row.version, row.body])
        else:
            told.append([row.kind, row.key, found])
    return _JSON.encode(told)


def read_text(
    text: str, codec: Codec, *, is_own: bool = False
) -> tuple[tuple[Touch, ...], tuple[Change, ...]]:
    """
    What was touched, and changed.

    @param is_own: who reads it has written it, and knows the changes.
    @raise Unknown: this version of the software does not understand it.
    """
    touches: list[Touch] = []
    changes: list[Change] = []
    try:
        written, *told = json.loads(text)
        if written != FORMAT:
            raise Unknown(f"an entry of the form {written}; this one knows {FORMAT}")
        for kind, key, found, *kept in told:
            touches.append(Touch(kind, key, found))
            if is_own:
                continue
            if kept:
                changes.append(Put(codec.record(Row(kind, key, *kept))))
            else:
                changes.append(Delete(codec.kind_of(kind), key))
    except (ValueError, TypeError) as error:
        raise Unknown(f"an entry cannot be read: {error!r}") from error
    return tuple(touches), tuple(changes)


@frozen
class Net:
    """
    What changes come to, if they are made all at once.

    @ivar gone: what is to be deleted, first.
    @ivar kept: what is to be put then; in the order of its age, as far as it is new.
    """

    gone: Collection[Gone]
    kept: Collection[Row]


def net_of(rows: Iterable[Row | Gone]) -> Net:
    """As if they were made one after the other."""
    gone: dict[tuple[str, str], Gone] = {}
    kept: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = (row.kind, row.key)
        if isinstance(row, Row):
            kept[key] = row  # one that is there already stays where it is
        else:
            gone[key] = row
            kept.pop(key, None)
    return Net(gone.values(), kept.values())


def escaped(key: str) -> str:
    """A key without zeros, which a database's text cannot have."""
    return key.replace("\\", "\\\\").replace("\0", "\\0")


def unescaped(text: str) -> str:
    """The key again."""
    if "\\" not in text:
        return text
    return "\\".join(part.replace("\\0", "\0") for part in text.split("\\\\"))


__all__: list[str] = [
    "FORMAT",
    "Net",
    "escaped",
    "net_of",
    "read_text",
    "text_of",
    "unescaped",
]
