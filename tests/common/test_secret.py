"""Tests of L{euca_tw.common.secret}."""

from __future__ import annotations

from pathlib import Path
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.files import LOCK
from euca_tw.common.secret import SecretUnusable, kept_secret


class KeptSecretTests(SynchronousTestCase):
    """L{kept_secret}."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp()) / "keys" / "metadata"

    def found(self) -> set[Path]:
        """What lies there, but for the lock."""
        return {*self.path.parent.iterdir()} - {self.path.with_name(LOCK)}

    def test_kept(self) -> None:
        """It is made once, for its owner alone, and the same from then on."""
        made = kept_secret(self.path, Random(1))
        self.assertEqual(len(made), 32)
        self.assertEqual(kept_secret(self.path, Random(2)), made)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.found(), {self.path})

    def test_half_written(self) -> None:
        """What a crash left half written is not taken for the secret."""
        self.path.parent.mkdir(parents=True)
        self.path.with_name(f".{self.path.name}.part").write_text("ab")
        self.assertEqual(len(kept_secret(self.path, Random(1))), 32)
        self.assertEqual(self.found(), {self.path})

    def test_broken(self) -> None:
        """One that is not whole is not used, and what to do is said; not the secret."""
        whole = kept_secret(self.path, Random(1)).hex()
        for text in ("", whole[:-2], "x" + whole[1:], whole + "00", "\xff"):
            self.path.write_text(text, "latin-1")
            error = self.assertRaises(SecretUnusable, kept_secret, self.path, Random(2))
            self.assertIn(f"{self.path} is no secret", str(error))
            self.assertIn("delete it", str(error))
            self.assertNotIn(whole[:8], str(error))
            self.assertEqual(self.path.read_text("latin-1"), text)
