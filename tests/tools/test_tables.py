"""The tables of docs/convergence.md are those of the plans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from itertools import product
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.cc import plan as cc
from euca_tw.clc import plan as clc
from euca_tw.model.lifecycle import Phase, Wanted
from euca_tw.model.records import WANTED_STATES, InstanceState
from euca_tw.nodectl import plan as nc
from euca_tw.nodectl.life import Goal, Life

PAGE = Path(__file__).parents[2] / "docs" / "convergence.md"

#: Of each tier: what shall be, what is kept, what is told, and the table.
TIERS: Mapping[str, tuple[Any, Any, Any, Mapping[Any, Callable[..., Any]]]] = {
    "The cloud controller": (WANTED_STATES, InstanceState, clc.Look, clc.TABLE),
    "The cluster controller": (Wanted, Phase, cc.Look, cc.TABLE),
    "The node controller": (Goal, Life, nc.Look, nc.TABLE),
}


def word(name: str) -> str:
    """An entry's name, as the page has it."""
    return name.strip("_").replace("_", " ")


def rows(tier: str) -> Iterator[str]:
    """A tier's table, line by line."""
    wanted, kept, looks, table = TIERS[tier]
    heads = ["shall be", "is", *(each.name.lower() for each in looks)]
    yield _line(heads)
    yield _line(["---"] * len(heads))
    for shall, state in product(wanted, kept):
        cells = [word(table[shall, state, look].__name__) for look in looks]
        yield _line([_value(shall), _value(state), *cells])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _value(of: Enum) -> str:
    return str(of.value).lower()


def section(tier: str) -> str:
    """What the page says of a tier."""
    text = PAGE.read_text(encoding="utf-8")
    _, found, rest = text.partition(f"\n## {tier}\n")
    assert found, f"there is nothing of {tier}"
    return rest.partition("\n## ")[0]


class TableTests(SynchronousTestCase):
    def test_tables(self) -> None:
        """Each tier's table stands there, as it is in the code."""
        for tier in TIERS:
            wanted = "\n".join(rows(tier))
            self.assertIn(f"\n{wanted}\n", section(tier), f"{tier}:\n{wanted}")

    def test_words(self) -> None:
        """Every word in a table is explained below it, and no other."""
        for tier, (*_, table) in TIERS.items():
            explained = re.findall(r"^- \*\*(.+?)\*\*: ", section(tier), re.MULTILINE)
            used = {word(entry.__name__) for entry in table.values()}
            self.assertEqual(sorted(explained), sorted(used), tier)


if __name__ == "__main__":
    for _tier in TIERS:
        print(f"## {_tier}\n", *rows(_tier), "", sep="\n")
