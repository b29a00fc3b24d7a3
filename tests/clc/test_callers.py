"""Who has an access key: what it costs to ask."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.callers import StoredAccessKeys
from euca_tw.clc.sealing import Sealing
from euca_tw.model.identifiers import AccountId
from euca_tw.model.records import AccessKey, User
from euca_tw.store.interfaces import Put
from euca_tw.store.memory import MemoryStore

ACCOUNT = AccountId("1" * 12)
SECRET = "s" * 40
NOW = datetime(2026, 11, 23, tzinfo=UTC)
STEPS = ("MemoryStore.get", "Sealing._kept", "AESGCM.decrypt", "bytes.decode")


class PriceTests(SynchronousTestCase):
    """A key that nobody has is looked up at the price of one that somebody has."""

    def setUp(self) -> None:
        clock = Clock()
        clock.advance(NOW.timestamp())
        self.store = MemoryStore()
        self.sealing = Sealing(Path(self.mktemp()) / "secrets", Random(8))
        self.keys = StoredAccessKeys(self.store, self.sealing, clock)
        self.user = User(account_id=ACCOUNT, name="alice", created_at=NOW)
        self.key = AccessKey(
            key_id="AKIDEXAMPLE",
            sealed_secret=self.sealing.seal("AKIDEXAMPLE", SECRET),
            account_id=ACCOUNT,
        )
        self.store.commit(Put(self.user), Put(self.key))
        # So that what is done but once is done.
        self.keys.secret_of("NOBODY")

    def asked(self, key_id: str) -> tuple[str | None, Counter[str]]:
        """The secret, and what was called to find it."""
        called: Counter[str] = Counter()

        def note(frame: Any, event: str, argument: Any) -> None:
            if event == "call":
                called[frame.f_code.co_qualname] += 1
            elif event == "c_call":
                called[argument.__qualname__] += 1

        sys.setprofile(note)
        try:
            secret = self.keys.secret_of(key_id)
        finally:
            sys.setprofile(None)
        return secret, Counter({step: called[step] for step in STEPS})

    def test_price(self) -> None:
        """So is that of an inactive key, or of an inactive or expired user."""
        secret, price = self.asked("AKIDEXAMPLE")
        self.assertEqual(secret, SECRET)
        self.assertEqual(price, dict(zip(STEPS, (2, 1, 1, 1), strict=True)))
        self.assertEqual(self.asked("NOBODY"), (None, price))
        self.assertEqual(self.asked("\x00" * 1000 + "\udc80"), (None, price))
        for record in (
            evolve(self.key, is_active=False),
            evolve(self.user, is_active=False),
            evolve(self.user, expires_at=NOW),
        ):
            self.store.commit(Put(self.user), Put(self.key), Put(record))
            self.assertEqual(self.asked("AKIDEXAMPLE"), (None, price))

    def test_before_any(self) -> None:
        """Where no secret was ever sealed, there is none to be found out."""
        sealing = Sealing(Path(self.mktemp()) / "secrets", Random(8))
        keys = StoredAccessKeys(MemoryStore(), sealing, Clock())
        self.assertIsNone(keys.secret_of("NOBODY"))
        self.assertFalse(sealing.path.exists())
        self.assertEqual(sealing.open("a", sealing.seal("a", SECRET)), SECRET)
        self.assertIsNone(keys.secret_of("NOBODY"))
