"""What a client says by Query is read as what it meant: of everything declared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import attrs
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
from euca_tw.api.fields import choices
from euca_tw.api.lexical import CONVERT
from euca_tw.api.shapes import Field, Shape, Version, shape_of
from euca_tw.query.parameters import read
from tests.fakes.chance import Chance, chances, found

_STRATEGIES: dict[type, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    int: st.integers(-(2**31), 2**31 - 1),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    datetime: st.datetimes(timezones=st.just(UTC)).map(
        lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)
    ),
}


@cache
def _scalars() -> dict[type, tuple[Any, ...]]:
    return {of: found(strategy) for of, strategy in _STRATEGIES.items()}


def sayable(shape: Shape, version: Version) -> tuple[Field, ...]:
    return tuple(f for f in shape.at(version) if f.query)


def values(shape: Shape, version: Version, chance: Chance) -> Any:
    """
    Some instance of the shape, as Query can say it: a list of nothing, and a
    structure of which nothing is said, are not said.
    """
    fields = sayable(shape, version)
    members: dict[str, Any] = {
        a.name: None for a in attrs.fields(shape.cls) if a.default is attrs.NOTHING
    }
    left_out = set()
    for of_one, is_required in choices(fields, version):
        chosen = chance.one_of(of_one if is_required else (*of_one, None))
        left_out |= {f for f in of_one if f is not chosen}
    for f in fields:
        if f in left_out:
            continue
        must_be = f.is_required_in_query(version) or f.choice_in(version) is not None
        if must_be or chance.is_so():
            if f.many:
                count = chance.number(1, 2)
                items = (one(f, version, chance) for _ in range(count))
                members[f.python] = tuple(items)
            else:
                members[f.python] = one(f, version, chance)
    return shape.cls(**members)


def one(f: Field, version: Version, chance: Chance) -> Any:
    if f.is_scalar:
        return chance.scalar(f.of)
    shape = shape_of(f.of)
    made = values(shape, version, chance)
    if any(said(shape, version, made, "")) or not sayable(shape, version):
        return made
    first = sayable(shape, version)[0]
    value = one(first, version, chance)
    return attrs.evolve(made, **{first.python: (value,) if first.many else value})


def said(
    shape: Shape, version: Version, value: Any, before: str
) -> Iterator[tuple[str, str]]:
    """The parameters that say it."""
    for f in sayable(shape, version):
        got = getattr(value, f.python)
        if got is None:
            continue
        numbered = enumerate(got, 1) if f.many else ((0, got),)
        for number, each in numbered:
            name = before + f.query + (f".{number}" if f.many else "")
            if f.is_scalar:
                yield name, CONVERT[f.of](each) if f.of is not str else each
            elif sayable(shape_of(f.of), version):
                yield from said(shape_of(f.of), version, each, f"{name}.")
            else:
                yield name, ""


def check(name: str, shape: Shape, version: Version) -> None:
    for chance in chances(_scalars(), f"{name} {version}"):
        value = values(shape, version, chance)
        parameters = dict(said(shape, version, value, ""))
        told = read(shape.cls, version, parameters)
        assert told == value, f"{version}: {value} is read as {told}"


class RoundTripTests(SynchronousTestCase):
    def test_every_operation(self) -> None:
        """
        Whatever a request may be, of every operation, in every version that has
        it: what says it by Query is read as it.
        """
        checked = 0
        for version in QUERY_VERSIONS:
            for operation in EC2.at(version):
                shape = shape_of(operation.query_form or operation.request)
                check(operation.name, shape, version)
                checked += 1
        self.assertEqual(checked, 5606)
