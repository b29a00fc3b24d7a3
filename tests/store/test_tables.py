"""Tests of L{euca_tw.store.tables}."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.records import Address, Image, KeyPair, ResourceTags
from euca_tw.store.interfaces import Change, Delete, Put
from euca_tw.store.tables import Tables
from tests.suites.store import OTHER, OWNER, address, image, key_pair, tags

NUMBERS = st.integers(0, 4)
OWNERS = st.sampled_from([OWNER, OTHER])
KEYS = "abc"

CHANGES = st.lists(
    st.one_of(
        st.builds(
            lambda n, instance: Put(address(f"{n}", instance)),
            NUMBERS,
            st.sampled_from([None, "i-1"]),
        ),
        st.builds(
            lambda n, owner, size: Put(image(n, owner_id=owner, size_bytes=size)),
            *(NUMBERS, OWNERS, NUMBERS),
        ),
        st.builds(
            lambda n, keys: Put(tags(f"{n}", **dict.fromkeys(keys, "x"))),
            *(NUMBERS, st.sets(st.sampled_from(KEYS))),
        ),
        NUMBERS.map(lambda n: Delete(Address, f"{n}")),
        NUMBERS.map(lambda n: Delete(Image, image(n).key)),
        NUMBERS.map(lambda n: Delete(ResourceTags, tags(f"{n}").key)),
    ),
    max_size=12,
)


def seen(tables: Tables) -> list[object]:
    """Everything that somebody can see, in its order."""
    found: list[object] = [[*tables.all(kind)] for kind in (Address, Image, KeyPair)]
    found += [[*tables.where(Address, "instance_id", i)] for i in (None, "i-1")]
    for owner in (OWNER, OTHER):
        found.append([*tables.where(Image, "owner_id", owner)])
        found.append(tables.total(Image, "owner_id", owner, "size_bytes"))
    found += [[*tables.where(ResourceTags, "keys", (OWNER, key))] for key in KEYS]
    return found


class UndoTests(SynchronousTestCase):
    @settings(deadline=None)
    @given(st.tuples(CHANGES, CHANGES, CHANGES, CHANGES))
    def test_undone(self, parts: tuple[list[Change], ...]) -> None:
        """
        What is undone was never made, also for what is made afterwards; and what is
        done so is the same as what is done otherwise.
        """
        before, first, second, after = parts
        tables, plain = Tables(), Tables()
        tables.apply(before)
        plain.apply(before)
        steps = tables.undoable(first)
        more = tables.undoable(second)
        other = Tables()
        other.apply((*before, *first, *second))
        self.assertEqual(seen(tables), seen(other))
        tables.undo(more)
        tables.undo(steps)
        self.assertEqual(seen(tables), seen(plain))
        tables.apply(after)
        plain.apply(after)
        self.assertEqual(seen(tables), seen(plain))

    def test_steps(self) -> None:
        """A step tells what was there before, and is now."""
        tables = Tables()
        changes: list[Any] = [Put(key_pair("a")), Delete(KeyPair, key_pair("a").key)]
        steps = tables.undoable([*changes, changes[1]])
        self.assertEqual(
            [(step.before, step.after) for step in steps],
            [(None, key_pair("a")), (key_pair("a"), None), (None, None)],
        )
