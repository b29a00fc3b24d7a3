"""The command C{euca-tw}, on a cloud that does not run."""

from __future__ import annotations

import contextlib
import io
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import evolve
from lxml import etree
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.actions import Actions
from euca_tw.admin.client import Refused
from euca_tw.admin.command import run
from euca_tw.admin.identities import own_identity, read_certificate
from euca_tw.admin.stores import CLOUD_STORE
from euca_tw.api.ec2.table import EC2
from euca_tw.clc.admission import Admission
from euca_tw.clc.interfaces import TroubledNode, Zone
from euca_tw.clc.lost import LostClusters
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.common.certificates import der_of, make_certificate
from euca_tw.common.config import ConfigError
from euca_tw.common.threads import ThisThread
from euca_tw.model.records import CLOUD_RECORDS, AccessKey
from euca_tw.store.interfaces import Put
from euca_tw.store.memory import MemoryStore
from euca_tw.store.sqlite import SqliteStore
from tests.admin.test_configuration import EXAMPLE
from tests.compat.cloud import read_eucarc

NOW = datetime(2026, 11, 23, 8, 0, 0, tzinfo=UTC)


class CommandCase(SynchronousTestCase):
    """Runs the command, and keeps what it said."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.state_dir = self.directory / "state"
        self.said = self.complained = ""

    def euca_tw(self, *arguments: str | Path) -> int:
        said, complained = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(complained),
        ):
            try:
                status = run([str(each) for each in arguments])
            except SystemExit as exit_:
                status = int(exit_.code or 0)
        self.said, self.complained = said.getvalue(), complained.getvalue()
        return status

    def done(self, *arguments: str | Path) -> str:
        self.assertEqual(self.euca_tw(*arguments), 0, self.complained)
        return self.said

    def refused(self, *arguments: str | Path) -> str:
        self.assertEqual(self.euca_tw(*arguments), 1, self.said)
        self.assertEqual(self.said, "")
        return self.complained


class UserTests(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.state_dir.mkdir(mode=0o700)
        self.store = SqliteStore(
            self.state_dir / CLOUD_STORE,
            CLOUD_RECORDS,
            ThisThread,
            lambda call: call(),
            lambda failure: None,
        )
        self.successResultOf(self.store.open())
        self.successResultOf(self.store.close())

    def user(self, *arguments: str | Path) -> tuple[str | Path, ...]:
        return ("--state-dir", self.state_dir, "user", *arguments)

    def add(self, name: str, *arguments: str | Path) -> Path:
        directory = self.directory / name
        self.done(*self.user("add", name, "--directory", directory, *arguments))
        return directory

    def test_add(self) -> None:
        """A user is made, and his credentials are written."""
        directory = self.add("alice")
        self.assertIn(f". {directory}/eucarc\n", self.said)
        names = {path.name for path in directory.iterdir()}
        self.assertEqual(names, {"eucarc", "cert.pem", "pk.pem", "cloud-cert.pem"})
        self.assertIn("alice", self.done(*self.user("list")))
        self.assertNotIn("administrator", self.said)

    def test_add_administrator(self) -> None:
        """An administrator is made when asked for."""
        self.add("boss", "--admin")
        self.assertIn("boss  administrator", self.done(*self.user("list")))

    def test_credentials_are_kept(self) -> None:
        """Credentials that lie there are not written over unasked."""
        directory = self.add("alice")
        before = (directory / "eucarc").read_bytes()
        again = self.user("credentials", "alice", "--directory", directory)
        self.assertIn("--force", self.refused(*again))
        self.assertEqual((directory / "eucarc").read_bytes(), before)
        self.done(*again, "--force")
        self.assertNotEqual((directory / "eucarc").read_bytes(), before)

    def test_refused(self) -> None:
        """What cannot be is refused in one line, with status 1."""
        self.add("alice")
        other = self.directory / "other"
        for arguments, text in (
            (("add", "alice", "--directory", other), "there is a user alice already"),
            (("add", "a/b", "--directory", other), "cannot be a user's name"),
            (("deactivate", "bob"), "there is no user bob"),
            (("credentials", "bob", "--directory", other), "there is no user bob"),
            (("keys", "bob"), "there is no user bob"),
            (("expire", "bob", "never"), "there is no user bob"),
            (("add-certificate", "alice", Path("/dev/null")), "no certificate in PEM"),
            (("add-certificate", "alice", other / "x"), "No such file"),
            (("deactivate-key", "bob"), "there is no access key or certificate 'bob'"),
            (("activate-key", "a\nb"), "there is no access key or certificate"),
        ):
            said = self.refused(*self.user(*arguments))
            self.assertIn(text, said)
            self.assertEqual(said.count("\n"), 1)

    def test_deactivate(self) -> None:
        """A user is let in no more, and again."""
        self.add("alice")
        self.done(*self.user("deactivate", "alice"))
        self.assertIn("deactivated", self.done(*self.user("list")))
        self.done(*self.user("activate", "alice"))
        self.assertNotIn("deactivated", self.done(*self.user("list")))

    def test_expire(self) -> None:
        """A user's time is limited, which the list shows, and made endless again."""
        self.add("alice")
        for said, shown in (
            ("2030-01-31", "2030-01-31T00:00:00+00:00"),
            ("2030-01-31T12:00:00+01:00", "2030-01-31T12:00:00+01:00"),
        ):
            self.assertIn(shown, self.done(*self.user("expire", "alice", said)))
            self.assertIn(f"until {shown}", self.done(*self.user("list")))
        self.done(*self.user("expire", "alice", "never"))
        self.assertNotIn("until", self.done(*self.user("list")))
        self.assertEqual(self.euca_tw(*self.user("expire", "alice", "soon")), 2)

    def test_add_certificate(self) -> None:
        """A certificate of the user's own is among his keys from then on."""
        self.add("alice")
        made = make_certificate("own", datetime.now(UTC), 1)
        file = self.directory / "own.pem"
        file.write_bytes(made.certificate_pem)
        said = self.done(*self.user("add-certificate", "alice", file)).strip()
        self.assertEqual(self.keys_of("alice")[said], "active")

    def keys_of(self, name: str) -> dict[str, str]:
        """By what is told of each key and certificate, its state."""
        lines = self.done(*self.user("keys", name)).splitlines()
        return {line.split()[-1]: line.split()[1] for line in lines}

    def test_keys(self) -> None:
        """A user's keys are listed with their state, and nothing that is secret."""
        settings = read_eucarc(self.add("alice") / "eucarc")
        key_id = settings["EC2_ACCESS_KEY"]
        self.assertEqual(list(self.keys_of("alice").values()), ["active"] * 2)
        self.assertRegex(
            self.said,
            rf"\A20\S+\+00:00  active    access key   {key_id}\n"
            r"20\S+\+00:00  active    certificate  [0-9a-f]{64}\n\Z",
        )
        self.assertNotIn(settings["EC2_SECRET_KEY"], self.said)
        self.done(
            *self.user("credentials", "alice", "--replace"),
            *("--directory", self.directory / "new"),
        )
        states = list(self.keys_of("alice").values())
        self.assertEqual(states, ["inactive", "active"] * 2)

    def test_key_of_old(self) -> None:
        """Of a key that is older than the record of its making, that is said."""
        self.add("alice")
        self.successResultOf(self.store.open())
        [key] = self.store.all(AccessKey)
        old = Put(evolve(key, created_at=None))
        self.successResultOf(self.store.commit(old))
        self.successResultOf(self.store.close())
        self.assertEqual(self.keys_of("alice")[key.key_id], "active")
        first, second = self.said.splitlines()
        self.assertTrue(first.startswith("unknown "))
        self.assertEqual(first.index("access key"), second.index("certificate"))

    def test_deactivate_key(self) -> None:
        """One access key or certificate is let in no more, and again."""
        self.add("alice")
        for key_id in self.keys_of("alice"):
            others = dict.fromkeys(self.keys_of("alice"), "active")
            said = self.done(*self.user("deactivate-key", key_id))
            self.assertEqual(said, f"{key_id} is inactive\n")
            self.assertEqual(self.keys_of("alice"), {**others, key_id: "inactive"})
            said = self.done(*self.user("activate-key", key_id))
            self.assertEqual(said, f"{key_id} is active\n")
            self.assertEqual(self.keys_of("alice"), others)

    def test_secrets_are_sealed(self) -> None:
        """The secret that a user was given does not lie in the store."""
        settings = read_eucarc(self.add("alice") / "eucarc")
        stored = (self.state_dir / CLOUD_STORE).read_bytes()
        self.assertIn(settings["EC2_ACCESS_KEY"].encode(), stored)
        self.assertNotIn(settings["EC2_SECRET_KEY"].encode(), stored)
        key = self.state_dir / "keys" / "secrets"
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)

    def test_sealing_key(self) -> None:
        """Without the key to the secrets nothing is done, and it is said why."""
        self.add("alice")
        key = self.state_dir / "keys" / "secrets"
        content = key.read_text()
        for wrong, text in (
            (None, "is missing"),
            ("", "is no key"),
            (content[::-1], "does not open"),
        ):
            key.unlink()
            if wrong is not None:
                key.touch(0o600)
                key.write_text(wrong)
            for arguments in (
                ("list",),
                ("add", "bob", "--directory", self.directory / "bob"),
            ):
                said = self.refused(*self.user(*arguments))
                self.assertIn(str(key), said)
                self.assertIn(text, said)
                self.assertEqual(said.count("\n"), 1)
            key.touch(0o600)
        self.assertFalse((self.directory / "bob" / "eucarc").exists())
        key.write_text(content)
        self.assertEqual(self.done(*self.user("list")).count("\n"), 1)

    def test_sealing_key_lost(self) -> None:
        """As the manual says: who gives up the access keys can make others."""
        directory = self.add("alice")
        (self.state_dir / "keys" / "secrets").unlink()
        connection = sqlite3.connect(self.state_dir / CLOUD_STORE)
        with connection:
            connection.execute("DELETE FROM records WHERE kind = 'AccessKey'")
        connection.close()
        again = ("credentials", "alice", "--directory", directory, "--force")
        self.done(*self.user(*again))
        states = list(self.keys_of("alice").values())
        self.assertEqual(states, ["active"] * 3)

    def test_in_use(self) -> None:
        """A store that another process holds is left alone."""
        self.successResultOf(self.store.open())
        self.assertIn("in use", self.refused(*self.user("list")))
        self.successResultOf(self.store.close())

    def test_no_cloud(self) -> None:
        """Without a cloud there is nothing to do, and nothing is made."""
        nowhere = self.directory / "nowhere"
        said = self.refused("--state-dir", nowhere, "user", "list")
        self.assertIn("there is no cloud", said)
        self.assertFalse(nowhere.exists())

    def test_status(self) -> None:
        """The status of a cloud that does not run is that."""
        said = self.refused("--state-dir", self.state_dir, "status")
        self.assertIn("not running", said)

    def test_lost(self) -> None:
        """Nor can anything be declared lost there."""
        for words in (("node", "lost", "a.example"), ("cluster", "lost", "north")):
            said = self.refused("--state-dir", self.state_dir, *words)
            self.assertIn("not running", said)


class OtherCommands(CommandCase):
    def test_keys(self) -> None:
        """Keys for a daemon are made, private, and not replaced unasked."""
        keys = self.directory / "keys"
        self.done("keys", "new", keys, "cluster1")
        key, certificate = keys / "cluster1-pk.pem", keys / "cluster1-cert.pem"
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        before = read_certificate(certificate)
        self.assertIn("--force", self.refused("keys", "new", keys, "cluster1"))
        self.assertEqual(certificate.read_bytes(), before)
        self.done("keys", "new", keys, "cluster1", "--force")
        self.assertNotEqual(certificate.read_bytes(), before)

    def test_wsdl(self) -> None:
        """The description of a date, or of a tier, is printed."""
        self.done("wsdl", "2008-02-01", "--url", "http://here/")
        described = etree.fromstring(self.said.encode())
        self.assertIn("2008-02-01", described.get("targetNamespace"))
        self.assertIn("http://here/", self.said)
        self.assertIn("EucalyptusNC", self.done("wsdl", "EucalyptusNC"))

    def test_xsd(self) -> None:
        """So is the schema alone."""
        described = etree.fromstring(self.done("wsdl", "2008-02-01", "--xsd").encode())
        self.assertEqual(etree.QName(described).localname, "schema")

    def test_wsdl_bad_url(self) -> None:
        """What cannot be a URL is refused, in one line."""
        for url in "http://x/\x01", "http://\udcff/", "http://ä/":
            said = self.refused("wsdl", "2008-02-01", "--url", url)
            self.assertIn("is no URL", said)
            self.assertEqual(said.count("\n"), 1)

    def test_wsdl_unknown(self) -> None:
        """A date that is not served is refused with those that are."""
        self.assertIn("2008-02-01", self.refused("wsdl", "1999-01-01"))

    def test_api(self) -> None:
        """EC2's operations are listed, each with its dates and whether it is had."""
        lines = {line.split()[0]: line.split()[1:] for line in self.listing()}
        self.assertEqual(lines.keys(), {o.name for o in EC2.operations})
        self.assertEqual(lines["RunInstances"], ["2006-06-26", "answered"])
        self.assertEqual(lines["ModifyVpcAttributes"], ["2012-12-01", "2012-12-01"])
        self.assertEqual(lines["ModifySubnetAttribute"], ["2014-06-15"])
        self.assertEqual(lines["DescribeInstanceTypes"], ["2016-11-15", "answered"])

    def test_api_unanswered(self) -> None:
        """Those that are not answered can be listed alone."""
        every = self.listing()
        unanswered = self.listing("--unanswered")
        self.assertEqual(
            unanswered, [line for line in every if not line.endswith("answered")]
        )
        self.assertTrue(0 < len(unanswered) < len(every))

    def test_policies(self) -> None:
        """What may choose clusters and nodes is listed, with what it does."""
        lines = {tuple(line.split()[:2]) for line in self.done("policies").splitlines()}
        for kind in ("placement", "scheduler"):
            for name in ("greedy", "round-robin", "power-save", "spread-by-group"):
                self.assertIn((kind, name), lines)

    def listing(self, *options: str) -> list[str]:
        return self.done("api", *options).splitlines()

    def test_config(self) -> None:
        """A configuration is checked."""
        self.assertIn("is fine", self.done("config", "check", EXAMPLE))
        wrong = self.directory / "wrong.toml"
        wrong.write_text("[cloud]\nlisten = 8773\n")
        said = self.refused("config", "check", wrong)
        self.assertEqual(
            said, f"euca-tw: {wrong}: [cloud] listen: 8773 must be text in quotes\n"
        )

    def test_help(self) -> None:
        """Whoever asks is told; whoever mistypes is, too, with status 2."""
        self.assertEqual(self.euca_tw("--help"), 0)
        self.assertIn("user", self.said)
        self.assertEqual(self.euca_tw("user"), 2)
        self.assertEqual(self.euca_tw("dance"), 2)


class IdentityTests(SynchronousTestCase):
    """Where a daemon's own key comes from."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp())

    def test_made_once(self) -> None:
        """It is made at first, and is the same then."""
        made = own_identity(self.directory, "cloud", None, None, NOW)
        der_of(made.certificate_pem)
        again = own_identity(self.directory, "cloud", None, None, NOW)
        self.assertEqual(again, made)

    def test_named(self) -> None:
        """It is what the configuration names."""
        made = own_identity(self.directory, "other", None, None, NOW)
        found = own_identity(
            self.directory / "nothing",
            "cloud",
            self.directory / "other-pk.pem",
            self.directory / "other-cert.pem",
            NOW,
        )
        self.assertEqual(found, made)

    def test_wrong(self) -> None:
        """A file that is missing, or no certificate, is named."""
        missing = self.directory / "x.pem"
        error = self.assertRaises(
            ConfigError,
            own_identity,
            self.directory,
            "c",
            missing.parent / "y" / "k",
            missing,
            NOW,
        )
        self.assertIn("No such file", str(error))
        self.directory.mkdir()
        missing.write_text("nothing")
        error = self.assertRaises(ConfigError, read_certificate, missing)
        self.assertIn("not a certificate", str(error))


class TraceTests(CommandCase):
    """C{euca-tw vnet trace}."""

    def test_no_cloud(self) -> None:
        """It asks a cloud controller, which must run."""
        self.state_dir.mkdir(mode=0o700)
        asked = ("--state-dir", self.state_dir, "vnet", "trace", "i-1", "10.0.0.1")
        self.assertIn("there is no cloud in", self.refused(*asked, "80"))
        self.assertEqual(self.euca_tw(*asked, "80", "--protocol", "gre"), 2)
        self.assertIn("'tcp', 'udp', 'icmp'", self.complained)


class NamespaceTests(CommandCase):
    """C{euca-tw vnet namespace}."""

    def test_none(self) -> None:
        """Where the configuration names none, it says where one is named."""
        file = Path(self.mktemp())
        file.write_text("[cloud]")
        for verb in ("up", "down"):
            said = self.refused("--config", file, "vnet", "namespace", verb)
            self.assertIn("names no namespace in [head]", said)


class ActionsTests(SynchronousTestCase):
    """What does not come from the command alone."""

    def setUp(self) -> None:
        class Clusters:
            def zones(self) -> tuple[Zone, ...]:
                return (
                    Zone(
                        name="north",
                        is_reachable=False,
                        available={"m1.small": 3},
                        addresses=100,
                        lost_since=datetime(2027, 1, 31, tzinfo=UTC),
                        nodes=[TroubledNode(url="http://a/", state="silent")],
                        why="it is off",
                    ),
                )

        self.actions = Actions(
            store=MemoryStore(),
            accounts=None,  # type: ignore[arg-type]
            files_of=None,  # type: ignore[arg-type]
            clusters=Clusters(),  # type: ignore[arg-type]
            admission=Admission(Clock()),
        )

    def perform(self, action: str, /, **arguments: object) -> Deferred[object]:
        return Deferred.fromCoroutine(self.actions.perform(action, arguments))

    def test_status(self) -> None:
        """The status names the clusters and counts the rest."""
        told = self.successResultOf(self.perform("status"))
        self.assertEqual(
            told,
            {
                "clusters": [
                    {
                        "name": "north",
                        "is_reachable": False,
                        "why": "it is off",
                        "available": {"m1.small": 3},
                        "instances": 0,
                        "lost_since": "2027-01-31T00:00:00+00:00",
                        "nodes": [
                            {"url": "http://a/", "state": "silent", "since": None}
                        ],
                    }
                ],
                "instances": {},
                "silent_instances": 0,
                "images": 0,
                "users": 0,
                "admission": {
                    "failures": {},
                    "refused": {
                        "throttled": 0,
                        "too_often": 0,
                        "busy": 0,
                        "no_room": 0,
                    },
                },
                "controllers": [],
            },
        )

    def lost(self, zones: Mapping[str, Any], peer: Any = None) -> Actions:
        """Actions on a cloud with these clusters."""
        return evolve(
            self.actions,
            lost=LostClusters(
                store=self.actions.store,
                clock=Clock(),
                settings=ConvergenceSettings(),
                names=tuple(zones),
                peer_of=lambda zone: peer,
                zones=lambda: zones,
                silent=lambda: 0,
            ),
        )

    def test_lost(self) -> None:
        """Nothing is declared lost that is not there, and it is told why not."""
        actions = self.lost({})
        for action, arguments, words in (
            ("declare_cluster_lost", {"zone": "north"}, "there is no cluster north"),
            ("declare_node_lost", {"node": "http://a/"}, "has a node http://a/"),
        ):
            asked = Deferred.fromCoroutine(actions.perform(action, arguments))
            refusal = self.failureResultOf(asked, Refused)
            self.assertIn(words, str(refusal.value))
            refusal = self.failureResultOf(self.perform(action, **arguments), Refused)
            self.assertIn("not running", str(refusal.value))

    def test_refused(self) -> None:
        """An unknown action, and arguments of the wrong names or types."""
        for action, arguments in (
            ("perform", {}),
            ("__init__", {}),
            ("status", {"x": 1}),
            ("set_active", {"name": "x"}),
            ("set_key_active", {"name": "x", "is_active": True}),
            ("list_keys", {"name": 7}),
            ("set_active", {"name": "x", "is_active": 1}),
        ):
            self.failureResultOf(self.perform(action, **arguments), Refused)
