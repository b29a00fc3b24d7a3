"""C{euca-tw state}, and other commands, with the state in PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from euca_tw.admin.restoring import restore
from euca_tw.store import postgres
from tests.admin.test_state import StateCase
from tests.functional.postgresql import shared


class PostgresStateTests(StateCase):
    names = ("alice", "bob")

    def setUp(self) -> None:
        shared()  # or skip before anything is made
        super().setUp()
        self.where = shared().emptied()
        self.config = self.directory / "euca.toml"
        self.config.write_text(f'[cloud]\nstore = "{self.where}"\n')
        # Its keys stay; what it has in a file is no more.
        (self.state_dir / "cloud.db").unlink()

    def asked(self, *arguments: str | Path) -> tuple[str | Path, ...]:
        configured = ("--config", self.config) if hasattr(self, "config") else ()
        return super().asked(*configured, *arguments)

    def schemas(self) -> list[str]:
        found = shared().ask(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'euca%' ORDER BY 1",
            database=self.where,
        )
        return [str(name) for (name,) in found]

    def tearDown(self) -> None:
        for name in self.schemas():
            shared().ask(f"DROP SCHEMA {name} CASCADE", database=self.where)

    def test_moved(self) -> None:
        """
        What was kept in a file goes by a backup into a database, and back, and works
        in each.
        """
        said = self.done(*self.state("restore", self.backup))
        self.assertIn("1 users, 0 instances", said)
        self.assertIn("keys", said)
        self.assertEqual(self.users(), ["alice"])
        self.add("carol")
        self.assertFalse((self.state_dir / "cloud.db").exists())
        back = self.directory / "back.backup"
        self.done(*self.state("backup", back))
        self.assertFalse((self.state_dir / "cloud.db.copy").exists())
        self.config.write_text("")
        self.done(*self.state("restore", back))
        self.assertEqual(self.users(), ["alice", "carol"])
        self.done(*self.asked("user", "keys", "carol"))

    def test_kept(self) -> None:
        """What was in the database before is there under another name."""
        earlier = datetime(2026, 1, 31, 3, tzinfo=UTC)
        restore(self.backup, self.state_dir, earlier, self.where)
        self.add("carol")
        said = self.done(*self.state("restore", self.backup))
        self.assertEqual(self.users(), ["alice"])
        [_, kept] = self.schemas()
        self.assertIn(kept, said)
        self.assertTrue(kept.startswith("euca_tw_before_restore_2"))
        found = shared().ask(
            f"SELECT count(*) FROM {kept}.records WHERE kind = 'User'",
            database=self.where,
        )
        self.assertEqual(found, [(2,)])

    def test_in_use(self) -> None:
        """While anybody works with it nothing is restored, not even the keys."""
        self.done(*self.state("restore", self.backup))
        before = self.files()
        with postgres.opened(self.where):
            said = self.refused(*self.state("restore", self.backup))
        self.assertIn("in use", said)
        self.assertEqual(self.files(), before)

    def test_somebody_elses(self) -> None:
        """What is not ours is left alone."""
        shared().ask("CREATE SCHEMA euca_tw", database=self.where)
        self.assertIn(
            "not euca_tw's", self.refused(*self.state("restore", self.backup))
        )
        self.assertEqual(self.schemas(), ["euca_tw"])

    def test_nothing(self) -> None:
        """Where there is no cloud there is nothing to do."""
        self.assertIn("there is no cloud", self.refused(*self.asked("user", "list")))

    def test_not_reached(self) -> None:
        """A database that is not reached is named."""
        self.config.write_text('[cloud]\nstore = "postgresql://u:s3cret@/x?host=/no"\n')
        restore = self.state("restore", self.backup)
        for arguments in (restore, self.asked("user", "list")):
            said = self.refused(*arguments)
            self.assertIn("the PostgreSQL database x", said)
            self.assertNotIn("s3cret", said)
