"""C{euca-tw state}: backups of a cloud that does not run, and what is made of them."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from euca_tw.admin.backups import NAMES
from euca_tw.admin.restoring import restore
from euca_tw.admin.stores import CLOUD_STORE
from tests.admin.test_command import CommandCase


class StateCase(CommandCase):
    """A cloud with users."""

    names: tuple[str, ...] = ("alice",)
    #: By users' names: the state and the backup, for keys take their time to make.
    _made: ClassVar[dict[tuple[str, ...], Path]] = {}

    def setUp(self) -> None:
        super().setUp()
        if self.names not in self._made:
            self.make()
            self._made[self.names] = Path(self.mktemp()).absolute()
            shutil.copytree(self.directory, self._made[self.names])
        shutil.rmtree(self.directory)
        shutil.copytree(self._made[self.names], self.directory)
        self.backup = self.directory / "cloud.backup"

    def make(self) -> None:
        """Users, with a backup of what is there before the last of them is added."""
        self.state_dir.mkdir(mode=0o700)
        (self.state_dir / CLOUD_STORE).touch(0o600)
        for name in self.names:
            if name != self.names[0]:
                self.done(*self.state("backup", self.directory / "cloud.backup"))
            self.add(name)

    def asked(self, *arguments: str | Path) -> tuple[str | Path, ...]:
        return ("--state-dir", self.state_dir, *arguments)

    def add(self, name: str) -> None:
        directory = self.directory / name
        self.done(*self.asked("user", "add", name, "--directory", directory))

    def users(self) -> list[str]:
        listed = self.done(*self.asked("user", "list")).splitlines()
        return [line.split()[2] for line in listed]

    def state(self, *arguments: str | Path) -> tuple[str | Path, ...]:
        return self.asked("state", *arguments)

    def files(self) -> dict[str, bytes]:
        """All that is in the state directory."""
        return {
            str(path.relative_to(self.state_dir)): path.read_bytes()
            for path in self.state_dir.rglob("*")
            if path.is_file()
        }


class BackupTests(StateCase):
    def test_backup(self) -> None:
        """
        A backup is one file, for its owner alone, with the database and the keys,
        and says so; the state directory is left as it was.
        """
        before = self.files().keys()
        said = self.done(*self.state("backup", self.backup))
        self.assertIn("keys/secrets", said)
        self.assertIn("every secret", said)
        self.assertEqual(self.backup.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.files().keys(), before)
        self.assertEqual(
            {path.name for path in self.directory.iterdir()},
            {"state", "alice", "cloud.backup"},
        )
        with tarfile.open(self.backup) as tar:
            names = [member.name for member in tar]
            self.assertTrue(all(member.mode == 0o600 for member in tar))
        self.assertEqual(names[0], "manifest.json")
        self.assertLessEqual({*names[1:]}, {*NAMES})
        self.assertIn("keys/cloud-pk.pem", names)

    def test_directory(self) -> None:
        """In a directory it is named by the time."""
        self.done(*self.state("backup", self.directory))
        [path] = self.directory.glob("euca_tw-*Z.backup")
        self.assertIn(str(path), self.said)

    def test_not_over_another(self) -> None:
        """What is there already is not written over."""
        self.backup.write_text("precious")
        said = self.refused(*self.state("backup", self.backup))
        self.assertIn("is there already", said)
        self.assertEqual(self.backup.read_text(), "precious")

    def test_no_directory(self) -> None:
        """Where nothing can be written nothing is left, and it is said why."""
        said = self.refused(*self.state("backup", self.directory / "no" / "x"))
        self.assertIn("No such file", said)
        self.assertFalse((self.state_dir / "cloud.db.copy").exists())

    def test_killed_before(self) -> None:
        """A copy that one who was killed left behind is in nobody's way."""
        (self.state_dir / "cloud.db.copy").touch()
        self.done(*self.state("backup", self.backup))
        self.assertFalse((self.state_dir / "cloud.db.copy").exists())

    def test_no_cloud(self) -> None:
        """Where there is no cloud there is nothing to back up."""
        said = self.refused(
            *("--state-dir", self.directory / "no", "state", "backup", self.backup)
        )
        self.assertIn("there is no cloud", said)
        self.assertFalse(self.backup.exists())

    def test_not_running(self) -> None:
        """What clusters hold on to is known by a running cloud alone."""
        for arguments in (("show",), ("accept", "north")):
            self.assertIn("not running", self.refused(*self.state(*arguments)))


class RestoreTests(StateCase):
    names = ("alice", "bob")

    def kept(self) -> Path:
        [path] = self.state_dir.glob("before-restore-*")
        return path

    def test_restored(self) -> None:
        """
        The state is as it was, and works; what was there before is kept beside, for
        its owner alone.
        """
        said = self.done(*self.state("restore", self.backup))
        self.assertIn("1 users, 0 instances", said)
        self.assertIn(str(self.kept()), said)
        self.assertEqual(self.users(), ["alice"])
        self.done(*self.asked("user", "keys", "alice"))
        for path in self.kept().rglob("*"):
            self.assertFalse(path.stat().st_mode & 0o077, path)
        self.assertFalse((self.state_dir / "restore.part").exists())

    def test_undone(self) -> None:
        """What was kept beside is a whole state."""
        self.done(*self.state("restore", self.backup))
        self.state_dir = self.kept()
        self.assertEqual(self.users(), ["alice", "bob"])

    def test_elsewhere(self) -> None:
        """A machine that has nothing yet gets all of it, and for its owner alone."""
        self.state_dir = self.directory / "new"
        self.done(*self.state("restore", self.backup))
        self.assertEqual(self.users(), ["alice"])
        for path in self.state_dir.rglob("*"):
            self.assertFalse(path.stat().st_mode & 0o077, path)
        self.assertEqual([*self.state_dir.glob("before-*")], [])

    def test_marked(self) -> None:
        """A cloud controller that starts with it knows that it was restored."""
        self.done(*self.state("restore", self.backup))
        connection = sqlite3.connect(self.state_dir / CLOUD_STORE)
        query = "SELECT count(*) FROM records WHERE kind = 'Restored'"
        self.assertEqual(connection.execute(query).fetchone(), (1,))
        connection.close()

    def test_twice_at_once(self) -> None:
        """What is kept beside is never written over."""
        now = datetime(2027, 1, 31, 3, tzinfo=UTC)
        restore(self.backup, self.state_dir, now)
        restore(self.backup, self.state_dir, now)
        kept = sorted(path.name for path in self.state_dir.glob("before-restore-*"))
        first = "before-restore-20270131T030000Z"
        self.assertEqual(kept, [first, f"{first}-2"])
        for name, users in ((first, ["alice", "bob"]), (f"{first}-2", ["alice"])):
            self.state_dir = self.directory / "state" / name
            self.assertEqual(self.users(), users)

    def test_in_use(self) -> None:
        """While another process has the database nothing is restored."""
        holder = sqlite3.connect(self.state_dir / CLOUD_STORE, isolation_level=None)
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        said = self.refused(*self.state("restore", self.backup))
        self.assertIn("in use by another process", said)
        holder.close()
        self.assertEqual(self.users(), ["alice", "bob"])

    def test_damaged_before(self) -> None:
        """A state that is damaged is no hindrance, and is kept as it was."""
        (self.state_dir / CLOUD_STORE).write_bytes(b"something else " * 1000)
        (self.state_dir / f"{CLOUD_STORE}-wal").write_bytes(b"or other")
        self.done(*self.state("restore", self.backup))
        self.assertEqual(self.users(), ["alice"])
        old = (self.kept() / CLOUD_STORE).read_bytes()
        self.assertTrue(old.startswith(b"something else"))
        self.assertTrue((self.kept() / f"{CLOUD_STORE}-wal").exists())

    def test_killed_before(self) -> None:
        """One that was killed is done again."""
        (self.state_dir / "restore.part" / "keys").mkdir(parents=True)
        (self.state_dir / "restore.part" / "keys" / "secrets").touch()
        self.done(*self.state("restore", self.backup))
        self.assertEqual(self.users(), ["alice"])

    # --- what is not restored -------------------------------------------------

    def unrestored(self, text: str) -> None:
        """It is refused in one line, for a reason, and nothing is replaced."""
        before = self.files()
        said = self.refused(*self.state("restore", self.backup))
        self.assertIn(text, said)
        self.assertEqual(said.count("\n"), 1)
        self.assertNotIn("restore.part", said)
        self.assertEqual(self.files(), before)

    def rewritten(
        self,
        change: Callable[[dict[str, bytes]], None],
        manifest: Callable[[dict[str, Any]], None] = lambda told: None,
    ) -> None:
        """The backup, with what is in it changed, and fitting digests."""
        with tarfile.open(self.backup) as tar:
            files = {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]
        told = json.loads(files.pop("manifest.json"))
        change(files)
        told["sha256"] = {
            name: hashlib.sha256(content).hexdigest() for name, content in files.items()
        }
        manifest(told)
        self.backup.unlink()
        with tarfile.open(self.backup, "w") as tar:
            for name, content in (
                ("manifest.json", json.dumps(told).encode()),
                *files.items(),
            ):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))

    def test_no_backup(self) -> None:
        """A file of something else is refused, and one that is not there."""
        for content in (b"", b"x" * 5000, b"SQLite format 3\0" * 100):
            self.backup.write_bytes(content)
            self.unrestored("backup")
        self.backup.unlink()
        self.unrestored("No such file")

    def test_cut_off(self) -> None:
        """A backup that lost its end is refused, wherever it ends."""
        whole = self.backup.read_bytes()
        for length in range(0, len(whole) - 10240, 4000):
            self.backup.write_bytes(whole[:length])
            self.unrestored("backup")

    def test_damaged(self) -> None:
        """A byte that is another is noticed, wherever it is in a file."""
        whole = self.backup.read_bytes()
        with tarfile.open(self.backup) as tar:
            members = [each for each in tar if each.name != "manifest.json"]
        for member in members:
            for within in (0, member.size // 2, member.size - 1):
                damaged = bytearray(whole)
                damaged[member.offset_data + within] ^= 1
                self.backup.write_bytes(damaged)
                self.unrestored(f"{member.name} is damaged")

    def test_newer(self) -> None:
        """A backup, or a database in it, of a newer version is refused."""
        self.rewritten(lambda files: None, lambda told: told.update(format=2))
        self.unrestored("newer version of euca_tw")

    def database(self, *statements: str) -> Callable[[dict[str, bytes]], None]:
        def change(files: dict[str, bytes]) -> None:
            path = self.directory / "changed.db"
            path.write_bytes(files[CLOUD_STORE])
            connection = sqlite3.connect(path, isolation_level=None)
            for statement in statements:
                connection.execute(statement)
            connection.close()
            files[CLOUD_STORE] = path.read_bytes()

        return change

    def test_newer_database(self) -> None:
        """A database in it of a newer version is refused."""
        self.rewritten(self.database("PRAGMA user_version = 99"))
        self.unrestored("newer version of euca_tw")

    def test_not_understood(self) -> None:
        """A record that this version does not understand is refused."""
        self.rewritten(self.database("UPDATE records SET version = 99"))
        self.unrestored("does not understand")

    def test_wrong_keys(self) -> None:
        """Keys that do not belong to the database are refused, and their want."""
        self.rewritten(lambda files: files.update({"keys/secrets": b"00" * 32}))
        self.unrestored("does not open with")
        self.rewritten(lambda files: files.pop("keys/secrets"))
        self.unrestored("is missing")

    def test_wrong_identity(self) -> None:
        """A key that is none is refused."""
        self.rewritten(lambda files: files.update({"keys/cloud-pk.pem": b"none"}))
        self.unrestored("cannot be restored")

    def test_strange_names(self) -> None:
        """What does not belong in a backup is refused: it goes nowhere."""
        for name in ("../escaped", "/tmp/escaped", "keys/other"):
            self.rewritten(lambda files, name=name: files.update({name: b"x"}))
            self.unrestored("it has not what belongs in it")
            self.rewritten(lambda files, name=name: files.pop(name))
        self.rewritten(lambda files: files.pop(CLOUD_STORE))
        self.unrestored("it has not what belongs in it")

    def test_no_manifest(self) -> None:
        """A manifest that cannot be read is refused."""
        for change in (
            lambda told: told.pop("sha256"),
            lambda told: told.update(made_at="then"),
            lambda told: told.update(sha256=7),
            lambda told: told.update(format="1"),
        ):
            self.rewritten(lambda files: None, change)
            self.unrestored("cannot be read")
            self.backup.unlink()
            self.done(*self.state("backup", self.backup))
        self.rewritten(lambda files: None, lambda told: told.update(kind="songs"))
        self.unrestored("is no backup")
