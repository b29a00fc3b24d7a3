"""
What is written of our shapes, judged by the published schemas.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from lxml import etree
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.table import EC2
from euca_tw.api.encode import element
from euca_tw.api.shapes import Field, Shape, Version, shape_of
from euca_tw.soap.decode import decode
from tests.wsdl.published import Schema, amazon, every_date

_SCALARS = {
    str: "text",
    int: 7,
    bool: True,
    float: 0.5,
    datetime: datetime(2008, 2, 1, 12, tzinfo=UTC),
}


def values(shape: Shape, version: Version) -> Iterator[Any]:
    """
    The least that a version lets be said, then everything, once for each way
    to choose.
    """
    yield _value(shape, version, None)
    for way in range(_ways(shape, version)):
        yield _value(shape, version, way)


def _ways(shape: Shape, version: Version) -> int:
    """How many ways to choose there are, in it and in what is in it."""
    fields = list(shape.elements(version))
    here = max((len(run) for run in _choices(fields, version)), default=1)
    inner = [_ways(shape_of(f.of), version) for f in fields if not f.is_scalar]
    return here * max(inner, default=1)


def _choices(fields: list[Field], version: Version) -> list[list[Field]]:
    return [
        list(run)
        for choice, run in groupby(fields, lambda f: f.choice_in(version))
        if choice is not None
    ]


def _value(shape: Shape, version: Version, way: int | None) -> Any:
    fields = list(shape.elements(version))
    choices = _choices(fields, version)
    left_out = {
        f.python for run in choices for f in run if f is not run[(way or 0) % len(run)]
    }
    further = way and way // max(map(len, choices), default=1)
    made: dict[str, Any] = {}
    for f in fields:
        if f.python in left_out or (way is None and not f.is_required_in(version)):
            continue
        one = (
            _SCALARS[f.of] if f.is_scalar else _value(shape_of(f.of), version, further)
        )
        size = f.at_least_in(version) if way is None else 2
        made[f.python] = (one,) * size if f.many else one
    return shape.cls(**made)


class Published(SynchronousTestCase):
    """In every date that Amazon published."""

    def test_messages(self) -> None:
        """
        Every request and answer, with as little and as much as its date
        allows, is valid in the schema that was published, and is read back as
        the same.
        """
        judged = 0
        api = every_date(EC2)
        for version in api.versions:
            judge = etree.XMLSchema(Schema(amazon(version)).schema)
            namespace = api.namespace_of(version)
            for operation in api.at(version):
                for name, cls in (
                    (operation.name, operation.request),
                    (f"{operation.name}Response", operation.response),
                ):
                    shape = shape_of(cls)
                    for value in values(shape, version):
                        text = element(name, namespace, shape, version, value)
                        tree = etree.fromstring(text)
                        judge.assertValid(tree)
                        again = decode(shape, version, tree, namespace)
                        self.assertEqual(again, value)
                        judged += 1
        self.assertEqual(judged, 19292)
