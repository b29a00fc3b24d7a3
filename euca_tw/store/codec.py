"""
Records to and from the JSON text that a store keeps.

Strict both ways: a key that a class does not know, a missing one without a
default, or a value of the wrong type is refused, so that what an other version
wrote is never half understood.

A stored body carries the version of its kind.  A class whose meaning changed
lists, in C{UPGRADES}, one pure function for each step from version to version;
each takes the body (a dict) as the step before left it.  A step that must know
more than the body (a key, say) is listed by a name, and who makes the store
gives the function.  A kind without steps is of version 1.  A new field with a
default needs no step.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import Factory, frozen
from cattrs import Converter
from cattrs.errors import ForbiddenExtraKeysError

from euca_tw.store.interfaces import StoreUnusable

#: What upgrading or reading a body that is not right may raise.
_UNREADABLE = (ForbiddenExtraKeysError, ValueError, TypeError, KeyError, AttributeError)

#: Made once: C{json.dumps} would make one for each record.
_JSON = json.JSONEncoder(separators=(",", ":"))

#: Makes the body of one version into the body of the next.
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]


def version_of(kind: type) -> int:
    """The version in which bodies of that kind are written."""
    return 1 + len(_upgrades(kind))


def _upgrades(kind: type) -> tuple[Upgrade | str, ...]:
    return getattr(kind, "UPGRADES", ())


@frozen
class Row:
    """A record as it is kept."""

    kind: str
    key: str
    version: int
    body: str


class Unknown(StoreUnusable):
    """A record that this version of the software cannot read."""


@frozen
class Codec:
    """Writes and reads the records of some classes."""

    _kinds: Mapping[str, type]
    _converter: Converter
    _named: Mapping[str, Upgrade] = Factory(dict)

    @classmethod
    def of(
        cls, kinds: Iterable[type], named: Mapping[str, Upgrade] | None = None
    ) -> Codec:
        """
        @param named: the steps that the classes list by a name.
        """
        return cls({kind.__name__: kind for kind in kinds}, _converter(), named or {})

    def name_of(self, kind: type) -> str:
        """
        What a class is called on the disk.

        @raise TypeError: the store does not keep it.
        """
        if self._kinds.get(kind.__name__) is not kind:
            raise TypeError(f"{kind.__name__} is not kept in this store")
        return kind.__name__

    def row(self, record: Any) -> Row:
        """
        @raise TypeError, ValueError: a field has what cannot be kept.
        """
        kind = type(record)
        name = self.name_of(kind)
        body = _JSON.encode(self._converter.unstructure(record))
        key: str = record.key
        key.encode()  # the one text that is not escaped in the body
        return Row(name, key, version_of(kind), body)

    def record(self, row: Row) -> Any:
        """
        @raise Unknown: it is not readable by this version of the software.
        """
        kind = self.kind_of(row.kind)
        current = version_of(kind)
        if not 1 <= row.version <= current:
            raise Unknown(
                f"{row.kind} {row.key} has version {row.version}; "
                f"this software knows versions up to {current}"
            )
        try:
            body = json.loads(row.body)
            for upgrade in _upgrades(kind)[row.version - 1 :]:
                step = self._named[upgrade] if isinstance(upgrade, str) else upgrade
                body = step(body)
            return self._converter.structure(body, kind)
        except _UNREADABLE as error:
            reason = f"{row.kind} {row.key} cannot be read: {error!r}"
            raise Unknown(reason) from error

    def text_of(self, value: object) -> str:
        """
        The value of a field, in a text that is the same in every process, and
        differs where values do.
        """
        if type(value) is not str:
            value = self._converter.unstructure(value)
        # By far the most are such; the quotation mark is no beginning of others.
        return f'"{value}' if type(value) is str else _JSON.encode(value)

    def kind_of(self, name: str) -> type:
        """
        @raise Unknown: this version of the software has no such class.
        """
        kind = self._kinds.get(name)
        if kind is None:
            raise Unknown(f"records of an unknown kind, {name}")
        return kind

    def is_current(self, row: Row) -> bool:
        """Whether the row is as this version of the software writes it."""
        return row.version == version_of(self._kinds[row.kind])


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=False)
    for scalar in (str, int, bool):
        converter.register_structure_hook(scalar, _exactly(scalar))
    converter.register_unstructure_hook(datetime, _text_of_moment)
    converter.register_structure_hook(datetime, lambda text, _: _moment(text))
    converter.register_unstructure_hook(bytes, lambda data: b64encode(data).decode())
    converter.register_structure_hook(
        bytes, lambda text, _: b64decode(text, None, True)
    )
    return converter


def _exactly(scalar: type) -> Callable[[Any, Any], Any]:
    def check(value: Any, _: Any) -> Any:
        if type(value) is not scalar:
            raise TypeError(f"{value!r} is not {scalar.__name__}")
        return value

    return check


def _text_of_moment(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.isoformat()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment
