"""What is written of a shape is read as the same: for everything declared."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import attrs
from hypothesis import strategies as st
from lxml import etree
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.cluster import CLUSTER
from euca_tw.api.ec2.table import EC2
from euca_tw.api.encode import element
from euca_tw.api.fields import choices
from euca_tw.api.head import HEAD
from euca_tw.api.node import NODE
from euca_tw.api.shapes import Api, Field, Shape, Version, shape_of
from euca_tw.soap.decode import decode
from euca_tw.wsdl.schema import schema_element
from tests.fakes.chance import Chance, chances, found

_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n\r").filter(
        lambda c: c not in "\ufffe\uffff"
    ),
    max_size=6,
)
_STRATEGIES: dict[type, st.SearchStrategy[Any]] = {
    str: _TEXT,
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


def values(shape: Shape, version: Version, chance: Chance) -> Any:
    """Some instance of the shape, as the version allows it."""
    fields = tuple(shape.elements(version))
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
        is_required = f.is_required_in(version) or f.choice_in(version) is not None
        if f.many:
            if is_required or f.repeated or chance.is_so():
                members[f.python] = many(f, version, chance)
        elif is_required or chance.is_so():
            members[f.python] = one(f, version, chance)
    return shape.cls(**members)


def one(f: Field, version: Version, chance: Chance) -> Any:
    if f.is_scalar:
        return chance.scalar(f.of)
    return values(shape_of(f.of), version, chance)


def many(f: Field, version: Version, chance: Chance) -> tuple[Any, ...]:
    least = f.at_least_in(version)
    if not (f.is_required_in(version) or f.repeated):
        least = max(least, 1)  # an optional list of nothing is left out
    most = max(least, 2) if f.at_most is None else min(f.at_most, max(least, 2))
    return tuple(one(f, version, chance) for _ in range(chance.number(least, most)))


def check(name: str, shape: Shape, api: Api, version: Version, judge: Any) -> None:
    """What is written of some values is valid, and read as what they are."""
    namespace = api.namespace_of(version)
    for chance in chances(_scalars(), f"{name} {version}"):
        value = values(shape, version, chance)
        tree = etree.fromstring(element(name, namespace, shape, version, value))
        judge.assertValid(tree)
        read = decode(shape, version, tree, namespace)
        assert read == value, f"{version}: {value} is read as {read}"


class RoundTripTests(SynchronousTestCase):
    def test_every_operation(self) -> None:
        """
        Whatever a request or a response may be, of every operation, in every
        version that has it: it is written as the schema of that version wants
        it, and read as it was.
        """
        checked = 0
        for api in (CLUSTER, NODE, HEAD, EC2):
            for version in api.versions:
                judge = etree.XMLSchema(schema_element(api, version))
                for operation in api.at(version):
                    for name, cls in (
                        (operation.name, operation.request),
                        (f"{operation.name}Response", operation.response),
                    ):
                        check(name, shape_of(cls), api, version, judge)
                        checked += 1
        self.assertEqual(checked, 8784)
