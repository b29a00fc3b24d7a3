"""The secret of a key, and what is derived of it, are never shown to anybody."""

from __future__ import annotations

import io
import logging
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import attrs
from twisted.internet.defer import Deferred, getDebugging, setDebugging
from twisted.internet.task import Clock
from twisted.logger import (
    STDLibLogObserver,
    capturedLogs,
    eventAsJSON,
    eventAsText,
    globalLogPublisher,
)
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.shapes import Operation
from euca_tw.clc.accounts import Accounts
from euca_tw.clc.callers import StoredAccessKeys
from euca_tw.clc.sealing import Sealing
from euca_tw.common.asked import Asked
from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.identifiers import Minter
from euca_tw.model.records import AccessKey
from euca_tw.query import signing4
from euca_tw.query.door import QueryDoor
from euca_tw.query.signing import ALL_VERSIONS, Signatures
from euca_tw.query.signing_keys import signing_key
from euca_tw.store.interfaces import Put
from euca_tw.store.memory import MemoryStore
from tests.query.requests import (
    SECRET,
    signed_2,
    signed_4,
    signed_4_url,
    signed_of,
    with_body,
    with_header,
)
from tests.query.test_door import API, LIST, NEW, OLD, ListThingsResponse

NAMES = ("authorization", "x-amz-date", "host", "content-type")
GARBAGE = ("", "x", "x" * 5000, "ä\x00\n", "%s {secret} {0}", "Credential=")


class NeverShownTests(SynchronousTestCase):
    """A door, its keys, and everything that can be seen of them."""

    def setUp(self) -> None:
        clock = Clock()
        clock.advance(time.time())
        self.store = MemoryStore()
        self.sealing = Sealing(Path(self.mktemp()) / "secrets", Random(8))
        accounts = Accounts(
            store=self.store,
            clock=clock,
            minter=Minter(Random(7)),
            in_thread=in_this_thread,
            sealing=self.sealing,
        )
        self.made = self.successResultOf(accounts.create("alice"))
        self.key_id, self.secret = self.made.key.key_id, self.made.secret
        self.keys = StoredAccessKeys(self.store, self.sealing, clock)
        self.signatures = Signatures(versions=ALL_VERSIONS)
        self.door = QueryDoor(
            API,
            (OLD, NEW),
            self.dispatch,
            self.keys,
            clock,
            lambda: "r-1",
            self.signatures,
        )
        self.fails = False

    async def dispatch(self, operation: Operation, caller: Any, request: Any) -> Any:
        if self.fails:
            raise ValueError("a bug")
        return ListThingsResponse()

    def signed(self, secret: str) -> list[Asked]:
        """In each form by which this user may sign."""
        by_2 = signed_2(LIST)
        return [
            signed_4(LIST, key_id=self.key_id, secret=secret),
            signed_4_url(LIST, key_id=self.key_id, secret=secret),
            with_body(by_2, AWSAccessKeyId=self.key_id, Signature=secret[::-1]),
            with_body(by_2, AWSAccessKeyId=self.key_id, SignatureVersion="1"),
            with_body(by_2, AWSAccessKeyId=self.key_id, SignatureVersion="0"),
        ]

    def malformed(self) -> Iterator[Asked]:
        for asked in self.signed(self.secret):
            for garbage in GARBAGE:
                for name in NAMES:
                    if asked.headers(name) is not None:
                        yield with_header(asked, name, garbage)
                for name in signed_of(asked).parameters:
                    yield with_body(asked, **{name: garbage})
                yield attrs.evolve(asked, body=garbage.encode())
                yield attrs.evolve(asked, target=b"/?" + garbage.encode())

    def drive(self, requests: Any) -> tuple[set[int], str]:
        """The statuses of all replies, and all that they and the log say."""
        said = io.StringIO()
        handler = logging.StreamHandler(said)
        logger = logging.getLogger()
        level, debugging = logger.level, getDebugging()
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        setDebugging(True)
        observer = STDLibLogObserver()
        globalLogPublisher.addObserver(observer)
        statuses = set()
        try:
            with capturedLogs() as events:
                for asked in requests:
                    running = Deferred.fromCoroutine(self.door.answer(asked))
                    reply = self.successResultOf(running)
                    statuses.add(reply.status)
                    said.write(repr(reply) + b"".join(reply.body).decode())
        finally:
            globalLogPublisher.removeObserver(observer)
            setDebugging(debugging)
            logger.setLevel(level)
            logger.removeHandler(handler)
        for event in events:
            said.write(f"{eventAsText(event)}\n{eventAsJSON(event)}\n{event!r}\n")
        self.flushLoggedErrors()
        return statuses, said.getvalue()

    def needles(self) -> list[str]:
        """The secret and the signing key, as they may be written."""
        [kept] = self.signatures._keys._kept.values()
        key = signing_key(self.secret.encode(), kept.scope)
        self.assertEqual(key, kept.key)
        secret = self.secret.encode()
        return [
            self.secret,
            self.secret[5:],
            secret.hex(),
            b64encode(secret).decode(),
            key.hex(),
            repr(key)[2:-1],
            b64encode(key).decode(),
        ]

    def check(self, text: str) -> None:
        for needle in self.needles():
            self.assertNotIn(needle, text)

    def test_right(self) -> None:
        """Of a request that is right."""
        statuses, said = self.drive(self.signed(self.secret)[:2])
        self.assertEqual(statuses, {200})
        self.check(said)

    def test_wrong(self) -> None:
        """Of those that are wrong, or malformed."""
        self.drive(self.signed(self.secret)[:1])
        statuses, said = self.drive(self.signed(SECRET))
        self.assertEqual(statuses, {401})
        self.check(said)
        statuses, said = self.drive(self.malformed())
        self.assertIn("was not let in", said)
        self.assertLessEqual(statuses, {200, 400, 401, 403})
        self.check(said)

    def test_bugs(self) -> None:
        """Of a bug behind the door, and of secrets that do not open."""
        self.drive(self.signed(self.secret)[:1])
        self.fails = True
        statuses, said = self.drive(self.signed(self.secret)[:1])
        self.assertEqual(statuses, {500})
        self.assertIn("a bug", said)
        self.check(said)
        other: AccessKey = attrs.evolve(self.made.key, sealed_secret=b"x" * 60)
        self.store.commit(Put(other))
        statuses, said = self.drive(self.signed(self.secret)[:1])
        self.assertEqual(statuses, {500})
        self.assertIn("does not open", said)
        self.check(said)

    def test_shown(self) -> None:
        """Nor by any object that knows of it."""
        asked = self.signed(self.secret)[0]
        self.drive([asked])
        signed = signed_of(asked)
        claim = signing4.claim_of_header(
            signed, asked.headers("authorization") or "", self.signatures._keys
        )
        self.assertIsNotNone(claim.remembered)
        for each in (
            asked,
            signed,
            claim,
            claim.remembered,
            self.signatures,
            self.signatures._keys,
            self.door,
            self.keys,
            self.sealing,
            self.store,
            self.made,
            self.made.key,
            self.made.user,
        ):
            self.check(f"{each!r} {each}")

    def test_can_fail(self) -> None:
        """And if it were shown, these tests would see it."""
        self.drive(self.signed(self.secret)[:1])

        async def dispatch(operation: Operation, caller: Any, request: Any) -> Any:
            raise ValueError(self.secret)

        self.door._dispatch = dispatch  # type: ignore[misc]
        statuses, said = self.drive(self.signed(self.secret)[:1])
        self.assertEqual(statuses, {500})
        self.assertRaises(self.failureException, self.check, said)
