"""Tests of L{euca_tw.common.evolved}."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.evolved import evolve


def _check(value: int) -> None:
    if value < 0:
        raise ValueError(f"{value} is less than 0")


@attrs.frozen(kw_only=True)
class Box:
    width: int = attrs.field(
        default=1, validator=lambda instance, attribute, value: _check(value)
    )
    _hidden: str = "x"
    area: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "area", self.width * self.width)


@attrs.frozen
class Single:
    only: int


@attrs.frozen
class Nothing:
    pass


class EvolveTests(SynchronousTestCase):
    def test_same_as_attrs(self) -> None:
        """What is not changed stays, what is made of others is made anew."""
        for record, changes in (
            (Box(width=3, hidden="y"), {"width": 4}),
            (Box(width=3, hidden="y"), {"hidden": "z"}),
            (Box(), {}),
            (Single(1), {"only": 2}),
            (Nothing(), {}),
        ):
            with self.subTest(record=record, changes=changes):
                found = evolve(record, **changes)  # type: ignore[misc,arg-type]
                self.assertEqual(found, attrs.evolve(record, **changes))  # type: ignore[misc,arg-type]
                self.assertIs(type(found), type(record))

    def test_validated(self) -> None:
        """A change that may not be is refused."""
        self.assertRaises(ValueError, evolve, Box(), width=-1)

    def test_unknown(self) -> None:
        """So is a field that there is not, and one that is made of others."""
        for name in ("height", "area", "_hidden"):
            self.assertRaises(TypeError, evolve, Box(), **{name: 1})
