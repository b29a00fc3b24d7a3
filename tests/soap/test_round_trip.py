"""What is written of a shape is read as the same: for everything declared."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.cluster import CLUSTER
from euca_tw.api.ec2.table import EC2
from euca_tw.api.encode import element
from euca_tw.api.node import NODE
from euca_tw.api.shapes import Api, Field, Operation, Shape, Version, shape_of
from euca_tw.soap.decode import decode
from euca_tw.wsdl.schema import schema_element

_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n\r").filter(
        lambda c: c not in "\ufffe\uffff"
    ),
    max_size=6,
)
_SCALARS: dict[type, st.SearchStrategy[Any]] = {
    str: _TEXT,
    int: st.integers(-(2**31), 2**31 - 1),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    datetime: st.datetimes(timezones=st.just(UTC)).map(
        lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)
    ),
}


def values(shape: Shape, version: Version, draw: Any) -> Any:
    """Some instance of the shape, as the version allows it."""
    members: dict[str, Any] = {
        a.name: None for a in attrs.fields(shape.cls) if a.default is attrs.NOTHING
    }
    fields = tuple(shape.elements(version))
    chosen = {
        choice: draw(
            st.sampled_from([f for f in fields if f.choice_in(version) == choice])
        )
        for choice in sorted({f.choice_in(version) or "" for f in fields} - {""})
    }
    for f in fields:
        choice = f.choice_in(version)
        if choice is not None:
            if chosen[choice] is f:
                members[f.python] = (many if f.many else one)(f, version, draw)
        elif f.many:
            if f.at_least or f.is_required_in(version) or draw(st.booleans()):
                members[f.python] = many(f, version, draw)
        elif f.is_required_in(version) or draw(st.booleans()):
            members[f.python] = one(f, version, draw)
    return shape.cls(**members)


def one(f: Field, version: Version, draw: Any) -> Any:
    if f.is_scalar:
        return draw(_SCALARS[f.of])
    return values(shape_of(f.of), version, draw)


def many(f: Field, version: Version, draw: Any) -> tuple[Any, ...]:
    count = draw(st.integers(max(f.at_least, 1), max(f.at_least, 2)))
    return tuple(one(f, version, draw) for _ in range(count))


@cache
def judge(api: Api, version: Version) -> etree.XMLSchema:
    return etree.XMLSchema(schema_element(api, version))


class RoundTripTests(SynchronousTestCase):
    def test_every_operation(self) -> None:
        """
        Whatever a request or a response may be, in any version that has it, is
        written as the schema of that version wants it, and read as it was.
        """
        for api in (CLUSTER, NODE, EC2):
            for operation in api.operations:
                for name, cls in (
                    (operation.name, operation.request),
                    (f"{operation.name}Response", operation.response),
                ):
                    check(api, operation, name, shape_of(cls))


def check(api: Api, operation: Operation, name: str, shape: Shape) -> None:
    """Some values of each version would take long: so some of some versions."""
    versions = [v for v in api.versions if operation.lives_in(v)]

    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(versions), st.data())
    def there_and_back(version: Version, data: st.DataObject) -> None:
        value = values(shape, version, data.draw)
        namespace = api.namespace_of(version)
        tree = etree.fromstring(element(name, namespace, shape, version, value))
        judge(api, version).assertValid(tree)
        assert decode(shape, version, tree, namespace) == value

    there_and_back()
