"""What L{euca_tw.api.encode} writes, L{euca_tw.soap.decode} reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.cluster import CLUSTER
from euca_tw.api.ec2.table import EC2
from euca_tw.api.encode import element, pieces
from euca_tw.api.head import HEAD
from euca_tw.api.node import NODE
from euca_tw.api.shapes import Field, Shape, Version, shape_of
from euca_tw.soap.decode import decode

LEGAL = st.characters(
    exclude_categories=["Cs", "Cc"],
    exclude_characters="\ufffe\uffff",
    include_characters="\t\n\r",
)
MILLISECONDS = st.integers(0, 10**14).map(
    lambda n: datetime(1, 1, 1, tzinfo=UTC) + timedelta(milliseconds=n)
)
SCALARS: dict[type, st.SearchStrategy[Any]] = {
    str: st.text(LEGAL),
    int: st.integers(-(2**31), 2**31 - 1),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    datetime: MILLISECONDS,
}


@st.composite
def instances_of(draw: Any, shape: Shape, version: Version) -> Any:
    """Whatever the shape can be, in that version."""
    values: dict[str, Any] = {
        f.python: _nothing(f, shape) if f.many else None for f in shape.fields
    }
    chosen: dict[str, str] = {}
    for f in shape.elements(version):
        choice = f.choice_in(version)
        if choice is not None and choice not in chosen:
            names = [
                g.python
                for g in shape.elements(version)
                if g.choice_in(version) == choice
            ]
            chosen[choice] = draw(st.sampled_from(names))
        if choice is not None and chosen[choice] != f.python:
            values[f.python] = None if not f.many else _nothing(f, shape)
        elif f.many:
            values[f.python] = draw(_list_of(f, version))
        elif choice or f.is_required_in(version) or draw(st.booleans()):
            values[f.python] = draw(_one(f, version))
    return shape.cls(**values)


def _nothing(f: Field, shape: Shape) -> Any:
    return shape.cls.__attrs_attrs__[
        [g.python for g in shape.fields].index(f.python)
    ].default


def _one(f: Field, version: Version) -> st.SearchStrategy[Any]:
    return SCALARS[f.of] if f.is_scalar else instances_of(shape_of(f.of), version)


def _list_of(f: Field, version: Version) -> st.SearchStrategy[Any]:
    least = max(f.at_least_in(version), 1 if f.choice_in(version) else 0)
    items = st.lists(_one(f, version), min_size=least, max_size=least + 1)
    return items.map(tuple)


CASES = [
    (api, version, shape_of(cls))
    for api in (EC2, CLUSTER, NODE, HEAD)
    for version in api.versions
    for operation in api.at(version)
    for cls in (operation.request, operation.response)
]


class RoundTripTests(SynchronousTestCase):
    """There and back."""

    @settings(suppress_health_check=list(HealthCheck), deadline=None)
    @given(st.data(), st.sampled_from(CASES))
    def test_any(self, data: Any, case: tuple[Any, Version, Shape]) -> None:
        """Every message of every version is read as it was written."""
        api, version, shape = case
        value = data.draw(instances_of(shape, version))
        namespace = api.namespace_of(version)
        written = element("Any", namespace, shape, version, value)
        found = decode(shape, version, etree.fromstring(written.encode()), namespace)
        self.assertEqual(_said(found, shape, version), _said(value, shape, version))
        made = pieces("", "Any", namespace, shape, version, value, "", 50)
        self.assertEqual(b"".join(made), written.encode())


def _said(value: Any, shape: Shape, version: Version) -> dict[str, Any]:
    """What of it the version can say."""
    return {f.python: getattr(value, f.python) for f in shape.elements(version)}
