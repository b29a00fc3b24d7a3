"""Doors and the memory that they share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import xmlsec
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api import cluster
from euca_tw.api.ec2.table import EC2
from euca_tw.clc.admission import Admission, AdmissionLimits
from euca_tw.common.replays import Bounds, MemoryReplays
from euca_tw.common.web import Asked
from euca_tw.soap.addressing import ACTION, MESSAGE_ID, RECIPIENT, TO
from euca_tw.soap.door import SoapDoor, ec2_door, tier_door
from euca_tw.soap.signing import Suite
from tests.soap.identities import NOW, elliptic, identity
from tests.soap.messages import message
from tests.soap.test_door import DESCRIBE, PATH, TERMINATE, Certificates
from tests.soap.test_freshness import FullDisk


async def dispatch(operation: Any, caller: Any, request: Any) -> Any:
    return operation.response()


class DoorTests(SynchronousTestCase):
    """Two doors, as of two processes, that share a memory."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW.timestamp())

    def answer(self, door: SoapDoor, body: bytes) -> str:
        headers = {"content-type": "text/xml"}
        asked = Asked("POST", PATH, headers.get, body)
        reply = self.successResultOf(Deferred.fromCoroutine(door.answer(asked)))
        return b"".join(reply.body).decode()

    def users_door(self, replays: Any) -> SoapDoor:
        return ec2_door(
            EC2, dispatch, Certificates(), self.clock, lambda: "id", replays=replays
        )

    def tier_door(self, replays: Any) -> SoapDoor:
        return tier_door(
            cluster.CLUSTER,
            dispatch,
            identity("cluster"),
            {identity("cloud").certificate: "cloud"},
            self.clock,
            lambda: "id",
            replays=replays,
        )

    def peers_message(self) -> bytes:
        headers = [
            (TO, PATH.decode()),
            (ACTION, "EucalyptusCC#TerminateInstances"),
            (MESSAGE_ID, "urn:uuid:1"),
            (RECIPIENT, identity("cluster").fingerprint),
        ]
        return message(TERMINATE, headers=headers, by="cloud")

    def test_shared(self) -> None:
        """What one of them took, the other has seen."""
        for make, body in (
            (self.users_door, message(DESCRIBE)),
            (self.tier_door, self.peers_message()),
        ):
            replays = MemoryReplays()
            one, other = make(replays), make(replays)
            self.assertIn("Response", self.answer(one, body))
            self.assertIn("Message replay detected", self.answer(other, body))

    def test_called_too_often(self) -> None:
        """
        Who is told to try again in a moment may send the same message; and who
        sends copies of another's does not use up what that one may ask.
        """
        limits = AdmissionLimits(requests_per_s=0.1, burst=2)
        door = ec2_door(
            EC2,
            dispatch,
            Certificates(),
            self.clock,
            lambda: "id",
            replays=MemoryReplays(),
            admission=Admission(self.clock, limits),
        )
        bodies = [
            message(DESCRIBE, now=NOW + timedelta(seconds=number))
            for number in range(3)
        ]
        self.assertIn("Response", self.answer(door, bodies[0]))
        for _ in range(20):
            self.assertIn("Message replay detected", self.answer(door, bodies[0]))
        self.assertIn("Response", self.answer(door, bodies[1]))
        for _ in range(2):
            self.assertIn("RequestLimitExceeded<", self.answer(door, bodies[2]))
        self.clock.advance(10)
        self.assertIn("Response", self.answer(door, bodies[2]))
        self.clock.advance(10)
        self.assertIn("Message replay detected", self.answer(door, bodies[2]))

    def test_one_account(self) -> None:
        """All keys of an account together have the room that there is for one."""
        door = self.users_door(MemoryReplays(Bounds(of_one=2, of_all=9)))
        suite = Suite(
            signing=xmlsec.constants.TransformEcdsaSha256,
            digesting=xmlsec.constants.TransformSha256,
        )
        self.assertIn("Response", self.answer(door, message(DESCRIBE)))
        elliptics = message(DESCRIBE, by=elliptic("alice"), suite=suite)
        self.assertIn("Response", self.answer(door, elliptics))
        later = message(DESCRIBE, now=NOW + timedelta(seconds=1))
        self.assertIn("RequestLimitExceeded<", self.answer(door, later))

    def test_refusals(self) -> None:
        """Where the memory takes nothing, the door does not, and says why."""
        for replays, code in (
            (MemoryReplays(Bounds(of_one=0, of_all=9)), "RequestLimitExceeded"),
            (MemoryReplays(since=NOW.timestamp() + 1), "InvalidSecurity"),
            (FullDisk(), "Unavailable"),
        ):
            for door, body in (
                (self.users_door(replays), message(DESCRIBE)),
                (self.tier_door(replays), self.peers_message()),
            ):
                told = self.answer(door, body)
                self.assertIn(f"{code}<", told)
                self.assertNotIn("Response", told)
        self.assertEqual(self.flushLoggedErrors(), [])
