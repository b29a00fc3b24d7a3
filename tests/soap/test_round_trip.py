"""What is written of a shape is read as the same: for everything declared."""

from __future__ import annotations

from datetime import UTC, datetime
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
from euca_tw.api.shapes import Field, Shape, Version, shape_of
from euca_tw.soap.decode import decode

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


_ALL = [
    (api, version, operation)
    for api in (CLUSTER, NODE, EC2)
    for version in api.versions
    for operation in api.at(version)
]


class RoundTripTests(SynchronousTestCase):
    @settings(
        max_examples=400,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.sampled_from(_ALL), st.booleans(), st.data())
    def test_any(self, what: Any, is_request: bool, data: st.DataObject) -> None:
        """Requests and responses of every operation, in every version."""
        api, version, operation = what
        shape = shape_of(operation.request if is_request else operation.response)
        value = values(shape, version, data.draw)
        namespace = api.namespace_of(version)
        text = element("Message", namespace, shape, version, value)
        found = decode(shape, version, etree.fromstring(text.encode()), namespace)
        self.assertEqual(found, value)
