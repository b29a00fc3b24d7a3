"""What is said of EC2's operations, against what there is."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.operations import listed, markdown
from euca_tw.api.ec2.table import EC2

DOCUMENT = Path(__file__).parents[2] / "docs" / "compatibility.md"


class ListingTests(SynchronousTestCase):
    def test_all(self) -> None:
        """Every operation is on the list, once, by its name."""
        names = [each.name for each in listed()]
        self.assertEqual(names, sorted(o.name for o in EC2.operations))
        self.assertEqual(len(names), 161)
        self.assertEqual(len({o.name for o in EC2.operations}), 161)
        self.assertEqual(len({o.method for o in EC2.operations}), 161)

    def test_document(self) -> None:
        """What the documentation tells is what the command prints."""
        text = DOCUMENT.read_text()
        table = "\n".join(markdown())
        self.assertIn(
            f"\n{table}\n", text, "bring it up to date: euca-tw api --markdown"
        )
