"""What users may hold, and what they have used, by the operator's command."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.actions import Actions
from euca_tw.admin.client import Refused
from euca_tw.admin.stores import CLOUD_STORE
from euca_tw.clc.accounts import Accounts
from euca_tw.common.threads import ThisThread
from euca_tw.model.quotas import LIMITS
from euca_tw.model.records import CLOUD_RECORDS, Address, User
from euca_tw.model.usage import UsageMeter, UsageMonth
from euca_tw.store.interfaces import Put
from euca_tw.store.memory import MemoryStore
from euca_tw.store.sqlite import SqliteStore
from tests.admin.test_command import CommandCase

HOUR_MS = 3_600_000


class StoreCase(CommandCase):
    """A cloud that does not run, with one user."""

    def setUp(self) -> None:
        super().setUp()
        self.state_dir.mkdir(mode=0o700)
        self.commit()
        self.done(*self.at("user", "add", "alice", "--directory", self.directory / "a"))
        self.account_id = self.done(*self.at("user", "list")).split()[0]

    def commit(self, *records: Any) -> None:
        store = SqliteStore(
            self.state_dir / CLOUD_STORE,
            CLOUD_RECORDS,
            ThisThread,
            lambda call: call(),
            lambda failure: None,
        )
        self.successResultOf(store.open())
        self.successResultOf(store.commit(*map(Put, records)))
        self.successResultOf(store.close())

    def at(self, *arguments: Any) -> tuple[Any, ...]:
        return ("--state-dir", self.state_dir, *arguments)


class QuotaTests(StoreCase):
    """C{euca-tw user quota}."""

    def quota(self, *arguments: str) -> dict[str, str]:
        said = self.done(*self.at("user", "quota", "alice", *arguments))
        return {
            line.split()[0]: " ".join(line.split()[1:]) for line in said.splitlines()
        }

    def test_defaults(self) -> None:
        """What a user may hold is, at first, what all may."""
        told = self.quota()
        self.assertEqual(tuple(told), LIMITS)
        self.assertEqual((told["instances"], told["cores"]), ("20", "unlimited"))

    def test_own(self) -> None:
        """He is given limits of his own, and they are taken back."""
        told = self.quota("instances=50", "addresses=unlimited", "images=0")
        self.assertEqual(told["instances"], "50 of his own")
        self.assertEqual(told["addresses"], "unlimited of his own")
        self.assertEqual(told["images"], "0 of his own")
        self.assertEqual(told["key_pairs"], "500")
        self.assertEqual(self.quota("instances=default")["instances"], "20")
        self.assertEqual(self.quota()["addresses"], "unlimited of his own")

    def test_json(self) -> None:
        """The same is told as JSON."""
        self.quota("instances=50")
        told = json.loads(self.done(*self.at("user", "quota", "alice", "--json")))
        self.assertEqual((told["name"], told["own"]), ("alice", ["instances"]))
        self.assertEqual(told["limits"]["instances"], 50)
        self.assertIs(told["limits"]["cores"], None)

    def test_configured(self) -> None:
        """What all may hold is the configuration's."""
        file = self.directory / "euca.toml"
        file.write_text("[quotas]\ninstances = 3\n")
        said = self.done("--config", file, *self.at("user", "quota", "alice"))
        self.assertIn("instances              3\n", said)

    def test_refused(self) -> None:
        """What cannot be is refused, and nothing changes."""
        quota = self.at("user", "quota")
        self.assertIn("no user bob", self.refused(*quota, "bob", "instances=1"))
        self.assertIn("no user bob", self.refused(*quota, "bob"))
        refusal = self.refused(*quota, "alice", "instances=1", "moons=2")
        self.assertIn("'moons'", refusal)
        self.assertIn("placement_groups", refusal)
        for wrong in "instances", "instances=", "instances=-1", "instances=many":
            self.assertEqual(self.euca_tw(*quota, "alice", wrong), 2, wrong)
        refusal = self.refused(*quota, "alice", f"instances={'9' * 10}")
        self.assertIn("is no limit", refusal)
        self.assertEqual(self.quota()["instances"], "20")

    def test_administrator(self) -> None:
        """An administrator has no limits, and is given none."""
        boss = self.directory / "b"
        self.done(*self.at("user", "add", "boss", "--admin", "--directory", boss))
        quota = self.at("user", "quota", "boss")
        self.assertIn("administrator", self.refused(*quota, "instances=1"))
        said = self.done(*quota)
        self.assertEqual({line.split()[1] for line in said.splitlines()}, {"unlimited"})


class UsageTests(StoreCase):
    """C{euca-tw usage}."""

    def setUp(self) -> None:
        super().setUp()
        owner: Any = self.account_id
        self.commit(
            UsageMonth(
                owner_id=owner,
                instance_type="m1.small",
                month="2026-10",
                milliseconds=(HOUR_MS, 0, 3 * HOUR_MS),
            ),
            UsageMeter(
                owner_id=owner,
                instance_type="m1.large",
                running=2,
                counted_until=datetime.now(UTC) - timedelta(hours=1),
            ),
            Address(public_ip="192.0.2.1", owner_id=owner),
        )

    def test_told(self) -> None:
        """What ran, what runs, and what is held of what may be."""
        said = self.done(*self.at("usage", "alice"))
        self.assertIn(f"alice ({self.account_id})\n", said)
        self.assertIn("instance-hours: m1.large 2.00, m1.small 4.00\n", said)
        self.assertIn("running: m1.large 2\n", said)
        self.assertIn("has: addresses 1 of 5\n", said)

    def test_since(self) -> None:
        """What ran before a day is left out, if that is asked for."""
        said = self.done(*self.at("usage", "--since", "2026-10-02"))
        self.assertIn(
            "instance-hours since 2026-10-02: m1.large 2.00, m1.small 3.00\n", said
        )
        self.assertEqual(self.euca_tw(*self.at("usage", "--since", "yesterday")), 2)

    def test_all(self) -> None:
        """Of every user, if none is named; who has nothing is told so."""
        self.done(*self.at("user", "add", "bob", "--directory", self.directory / "b"))
        said = self.done(*self.at("usage"))
        self.assertIn("alice (", said)
        bob = said.partition("bob (")[2]
        self.assertIn("instance-hours: none\n", bob)
        self.assertIn("running: none\n", bob)
        self.assertIn("has: nothing\n", bob)
        self.assertIn("no user carol", self.refused(*self.at("usage", "carol")))

    def test_json(self) -> None:
        """The same is told as JSON."""
        [told] = json.loads(
            self.done(*self.at("usage", "--json", "--since", "2026-10-01"))
        )
        self.assertEqual(told["name"], "alice")
        self.assertEqual(told["since"], "2026-10-01")
        self.assertEqual(told["instance_hours"]["m1.small"], 4.0)
        self.assertEqual(told["held"]["addresses"], 1)
        self.assertEqual(told["limits"]["addresses"], 5)


class ActionsTests(SynchronousTestCase):
    """What does not come from the command alone."""

    def setUp(self) -> None:
        store = MemoryStore()
        user: Any = User(
            account_id="1" * 12, name="alice", created_at=datetime.now(UTC)
        )  # type: ignore[arg-type]
        store.commit(Put(user))
        accounts = Accounts(
            store=store,
            clock=Clock(),
            minter=None,  # type: ignore[arg-type]
            in_thread=None,  # type: ignore[arg-type]
            sealing=None,  # type: ignore[arg-type]
        )
        self.actions = Actions(
            store=store,
            accounts=accounts,
            files_of=None,  # type: ignore[arg-type]
        )

    def refused(self, action: str, /, **arguments: object) -> str:
        asked = Deferred.fromCoroutine(self.actions.perform(action, arguments))
        return str(self.failureResultOf(asked, Refused).value)

    def test_refused(self) -> None:
        """Limits and days that are none are refused, whoever asks."""
        for most in 7, None, "-1", "1e3", "", "٣":
            told = self.refused("set_quotas", name="alice", limits={"instances": most})
            self.assertIn("is no limit", told)
        self.assertIn("is no day", self.refused("usage", name="", since="2026-13-01"))
