"""What earlier versions of the software have written is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.records import (
    CLOUD_RECORDS,
    Address,
    Image,
    Instance,
    SecurityGroup,
    User,
)
from euca_tw.store.codec import Codec, Row

#: In each file: rows of one version; kind, key, version and body.
WRITTEN = Path(__file__).parents[1] / "golden" / "store"


def rows(name: str) -> list[Row]:
    told = json.loads((WRITTEN / name).read_text())
    return [Row(kind, key, version, json.dumps(b)) for kind, key, version, b in told]


def _of(kept: Any, said: Any) -> Any:
    """Of what is kept, what was known of when the other was written."""
    if isinstance(said, dict):
        return {key: _of(kept[key], value) for key, value in said.items()}
    if isinstance(said, list) and len(said) == len(kept):
        return [_of(*pair) for pair in zip(kept, said, strict=True)]
    return kept


class EarlierTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.codec = Codec.of(CLOUD_RECORDS, {"seal_secret": lambda body: body})

    def read(self, name: str) -> dict[type, Any]:
        """By kind; each row is checked to be read, and to be written again."""
        found: dict[type, Any] = {}
        for row in rows(name):
            record = self.codec.record(row)
            self.assertEqual(record.key, row.key)
            self.assertEqual(self.codec.record(self.codec.row(record)), record)
            found[type(record)] = record
        return found

    def test_every_file(self) -> None:
        """Every record of every file is read, and says what it said."""
        names = sorted(path.name for path in WRITTEN.iterdir())
        self.assertGreater(len(names), 0)
        for name in names:
            for row in rows(name):
                kept = json.loads(self.codec.row(self.codec.record(row)).body)
                said = json.loads(row.body)
                self.assertEqual(_of(kept, said), said, row.key)

    def test_before_tags(self) -> None:
        """
        What was kept before there were tags, placement groups and limits of users'
        own has none of them.
        """
        found = self.read("before-tags.json")
        self.assertEqual(found[User].limits, ())
        self.assertEqual(found[Instance].placement_group, "")
        self.assertEqual(found[Instance].starts, 0)
        self.assertIs(found[Instance].started_at, None)
        self.assertEqual(found[Image].size_bytes, 1 << 40)
        self.assertEqual(found[Address].domain, "standard")
        self.assertTrue(found[Address].allocation_id.startswith("eipalloc-"))
        rules = found[SecurityGroup].permissions
        self.assertEqual({rule.description for rule in rules}, {""})
