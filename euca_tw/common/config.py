"""
Reading a configuration file: TOML into one frozen class for each section.

What a section may hold is what its class declares: the names, types, defaults
and validators of its fields.  Anything else is refused with the file, the
section and the key, so that a mistyped option is never a default in silence.
Which sections there are is not known here.
"""

from __future__ import annotations

import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs
from attrs import define

C = TypeVar("C")


@define
class ConfigError(Exception):
    """
    A configuration that cannot be used; the text is for the operator.

    @ivar section: C{""} for the file as a whole; so C{key} for a section.
    """

    file: str
    section: str
    key: str
    reason: str

    def __str__(self) -> str:
        place = f"[{self.section}] " if self.section else ""
        key = f"{self.key}: " if self.key else ""
        return f"{self.file}: {place}{key}{self.reason}"


def read_toml(file: Path) -> dict[str, Any]:
    """
    @raise ConfigError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(str(file), "", "", error.strerror or str(error)) from error
    except ValueError as error:
        raise ConfigError(str(file), "", "", f"not TOML: {error}") from error


def read_section(
    cls: type[C], table: object, *, file: Path, section: str, **given: Any
) -> C:
    """
    Make a section of a table.

    @param given: fields that do not come from the table.
    @raise ConfigError: an unknown key, one missing, or a value not allowed.
    """

    def refuse(key: str, reason: str) -> ConfigError:
        return ConfigError(str(file), section, key, reason)

    if not isinstance(table, dict):
        raise refuse("", "must be a section")
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in attrs.fields(cls) if f.name not in given}  # type: ignore[arg-type]
    values = dict(given)
    for key, value in table.items():
        if key not in fields:
            known = ", ".join(sorted(fields))
            raise refuse(key, f"there is no such option; there are {known}")
        try:
            values[key] = _converted(hints[key], value, file.parent)
        except ValueError as error:
            raise refuse(key, str(error)) from error
    for name, each in fields.items():
        if name not in values and each.default is attrs.NOTHING:
            raise refuse(name, "is missing")
    try:
        return cls(**values)
    except Invalid as error:
        raise refuse(error.key, error.reason) from error


@define
class Invalid(ValueError):
    """What a field's validator says."""

    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}"


def checked(check: Callable[[Any], object], default: Any = attrs.NOTHING) -> Any:
    """
    A field whose value C{check} takes: it raises C{ValueError} with the reason
    if the value is not allowed.
    """

    def validate(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        try:
            check(value)
        except ValueError as error:
            raise Invalid(attribute.name, str(error)) from error

    return attrs.field(validator=validate, default=default)


_SCALARS: Mapping[type, str] = {
    str: "text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}


def _converted(hint: Any, value: object, base: Path) -> Any:
    """
    @param base: the directory from which relative paths go.
    """
    if typing.get_origin(hint) is types.UnionType:  # T | None; "" is None
        [hint] = [each for each in typing.get_args(hint) if each is not type(None)]
        return None if value == "" else _converted(hint, value, base)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise ValueError("must be a list in brackets")
        return tuple(_converted(typing.get_args(hint)[0], v, base) for v in value)
    if hint is Path:
        return base / Path(_converted(str, value, base)).expanduser()
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ValueError(f"{value!r} must be {_SCALARS[hint]}")
    return value
