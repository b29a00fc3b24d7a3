"""How long instances have run, whatever became of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, ensureDeferred, fail

from euca_tw.clc.anew import Anew
from euca_tw.clc.metering import Metering
from euca_tw.clc.usage import instance_hours, usage
from euca_tw.common.clock import utc_now
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import (
    Address,
    Instance,
    InstanceState,
    Limit,
    User,
)
from euca_tw.model.usage import UsageMeter, UsageMonth
from euca_tw.store.interfaces import Change, Delete, Put, StoreUnreachable
from euca_tw.store.memory import MemoryStore
from euca_tw.store.watched import WatchedStore
from tests.clc.cloud import ALICE_ID, BOB_ID, NOW, CloudTestCase

HOUR = 3600


class MeteringTestCase(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.begin()

    def begin(self) -> None:
        """Another process, on the same store."""
        self.watched = WatchedStore(self.store)
        self.metering = Metering(store=self.watched, clock=self.clock)
        self.watched.watch(self.metering.changed)
        self.successResultOf(ensureDeferred(self.metering.start()))

    def put(self, *records: Any) -> None:
        if hasattr(self, "watched"):
            self.successResultOf(self.watched.commit(*map(Put, records)))
        else:
            super().put(*records)

    def end(self, instance: Instance) -> None:
        self.put(evolve(instance, state=InstanceState.TERMINATED))

    def hours(self, since: date | None = None, of: str = ALICE_ID) -> dict[str, float]:
        return instance_hours(self.store, of, utc_now(self.clock), since)


class MeteringTests(MeteringTestCase):
    def test_running(self) -> None:
        """What runs counts at every moment, by its type and its owner."""
        self.instance(1)
        self.instance(2, instance_type="m1.large")
        self.instance(3, owner_id=BOB_ID)
        self.assertEqual(self.hours(), {})
        self.clock.advance(1.5 * HOUR)
        self.assertEqual(self.hours(), {"m1.small": 1.5, "m1.large": 1.5})
        self.assertEqual(self.hours(of=BOB_ID), {"m1.small": 1.5})

    def test_ended(self) -> None:
        """What has ended counts no more, and what it had is kept."""
        first = self.instance(1)
        self.clock.advance(HOUR)
        self.instance(2)
        self.clock.advance(HOUR)
        self.end(first)
        self.clock.advance(HOUR)
        self.assertEqual(self.hours(), {"m1.small": 4.0})
        self.put(evolve(self.store.get(Instance, "i-00000002"), is_silent=True))
        self.assertEqual(self.hours(), {"m1.small": 4.0})

    def test_only_running(self) -> None:
        """What does not run yet, or is stopped, does not count."""
        one = self.instance(1, state=InstanceState.PENDING)
        self.clock.advance(HOUR)
        self.put(evolve(one, state=InstanceState.RUNNING))
        self.clock.advance(HOUR)
        self.put(evolve(one, state=InstanceState.STOPPED))
        self.clock.advance(HOUR)
        self.put(evolve(one, state=InstanceState.RUNNING))
        self.clock.advance(HOUR)
        self.assertEqual(self.hours(), {"m1.small": 2.0})

    def test_forgotten(self) -> None:
        """An instance whose record goes while it runs counts no more."""
        one = self.instance(1)
        self.clock.advance(HOUR)
        self.successResultOf(self.watched.commit(Delete(Instance, one.key)))
        self.clock.advance(HOUR)
        self.assertEqual(self.hours(), {"m1.small": 1.0})

    def test_clock_set_back(self) -> None:
        """Time that comes again is not counted again."""
        self.instance(1)
        self.clock.advance(2 * HOUR)
        self.instance(2)
        self.clock.advance(-HOUR)
        self.instance(3)
        self.assertEqual(self.hours(), {"m1.small": 2.0})
        self.clock.advance(HOUR)
        self.assertEqual(self.hours(), {"m1.small": 2.0})
        self.begin()
        self.clock.advance(HOUR)
        self.assertEqual(self.hours(), {"m1.small": 5.0})

    def test_together(self) -> None:
        """Of many that begin together there is one meter, and one month."""
        self.put(*[self.instance(n) for n in range(1, 11)])
        self.clock.advance(HOUR)
        self.put(
            *[
                evolve(each, state=InstanceState.TERMINATED)
                for each in self.store.all(Instance)
            ]
        )
        self.assertEqual(self.hours(), {"m1.small": 10.0})
        [meter] = self.store.all(UsageMeter)
        self.assertEqual(meter.running, 0)
        self.assertEqual(len(self.store.all(UsageMonth)), 1)

    def test_since(self) -> None:
        """What ran before a day does not count, if that is asked for."""
        one = self.instance(1)  # at 8 o'clock
        self.clock.advance(40 * HOUR)  # to the end of the next day
        self.assertEqual(self.hours(date(2026, 11, 24)), {"m1.small": 24.0})
        self.end(one)
        self.assertEqual(self.hours(date(2026, 11, 24)), {"m1.small": 24.0})
        self.assertEqual(self.hours(date(2026, 11, 25)), {})
        self.assertEqual(self.hours(date(2026, 11, 23)), {"m1.small": 40.0})


class RestartTests(MeteringTestCase):
    def test_goes_on(self) -> None:
        """Instances run on while no process measures, and that counts."""
        one = self.instance(1)
        self.clock.advance(HOUR)
        del self.watched
        self.clock.advance(HOUR)
        self.begin()
        self.assertEqual(self.hours(), {"m1.small": 2.0})
        self.end(one)
        self.clock.advance(HOUR)
        self.assertEqual(self.hours(), {"m1.small": 2.0})

    def test_missed(self) -> None:
        """A change that the last process did not come to measure is made up for."""
        one, two = self.instance(1), self.instance(2)
        self.clock.advance(HOUR)
        del self.watched
        self.put(evolve(one, state=InstanceState.TERMINATED))
        self.begin()
        self.clock.advance(HOUR)
        self.assertEqual(self.hours(), {"m1.small": 3.0})
        self.end(two)
        [meter] = self.store.all(UsageMeter)
        self.assertEqual(meter.running, 0)

    def test_first_time(self) -> None:
        """
        What runs when usage is measured for the first time, of a store of an
        earlier version, counts from its start.
        """
        del self.watched
        self.instance(1, launched_at=NOW - timedelta(hours=10))
        self.instance(
            2,
            launched_at=NOW - timedelta(hours=10),
            started_at=NOW - timedelta(hours=1),
        )
        self.begin()
        self.clock.advance(HOUR)
        self.assertEqual(self.hours(), {"m1.small": 13.0})
        self.assertEqual(self.hours(date(2026, 11, 23)), {"m1.small": 11.0})

    def test_again(self) -> None:
        """A start that finds all as it was changes nothing."""
        self.instance(1)
        self.clock.advance(HOUR)
        before = list(self.store.all(UsageMeter))
        self.begin()
        self.assertEqual(list(self.store.all(UsageMeter)), before)

    def test_before_start(self) -> None:
        """What is committed before the start is counted once, then."""
        self.watched = WatchedStore(self.store)
        metering = Metering(store=self.watched, clock=self.clock)
        self.watched.watch(metering.changed)
        self.instance(1)
        self.assertEqual(len(self.store.all(UsageMeter)), 0)
        self.successResultOf(ensureDeferred(metering.start()))
        self.clock.advance(HOUR)
        self.assertEqual(self.hours(), {"m1.small": 1.0})


class LeadTests(CloudTestCase):
    def test_not_kept(self) -> None:
        """What runs is counted again when that could not be kept."""

        class Mute(MemoryStore):
            is_mute = True

            def commit(self, *changes: Change) -> Deferred[None]:
                if self.is_mute:
                    return fail(StoreUnreachable("away"))
                return super().commit(*changes)

        self.instance(1)
        store = Mute()
        self.successResultOf(MemoryStore.commit(store, *map(Put, self.instances())))
        anew = Anew(clock=self.clock, random=Random(1))
        metering = Metering(store=store, clock=self.clock, anew=anew)
        metering.lead(lambda: True)
        self.clock.advance(10)
        store.is_mute = False
        self.clock.advance(10)
        self.assertEqual([each.running for each in store.all(UsageMeter)], [1])

    def instances(self) -> list[Instance]:
        return [*self.store.all(Instance)]


class UsageTests(MeteringTestCase):
    def test_told(self) -> None:
        """A user's usage is what ran, what runs, what he holds and may hold."""
        user = User(
            account_id=ALICE_ID,
            name="alice",
            created_at=NOW,
            limits=(Limit(of="instances", most=50),),
        )
        self.put(user, Address(public_ip="192.0.2.1", owner_id=ALICE_ID))
        self.instance(1)
        self.clock.advance(HOUR)
        told = usage(self.store, Quotas(), user, utc_now(self.clock), date(2026, 11, 1))
        self.assertEqual(
            (told["name"], told["account_id"], told["since"], told["until"]),
            ("alice", ALICE_ID, "2026-11-01", "2026-11-23T09:00:00+00:00"),
        )
        self.assertEqual(told["instance_hours"], {"m1.small": 1.0})
        self.assertEqual(told["running"], {"m1.small": 1})
        self.assertEqual(told["held"]["instances"], 1)
        self.assertEqual(told["held"]["addresses"], 1)
        self.assertEqual(told["limits"]["instances"], 50)
        self.assertEqual(told["limits"]["addresses"], 5)
        self.assertIs(told["limits"]["cores"], None)

    def test_years(self) -> None:
        """What is kept grows with months, not with changes or instances."""
        self.instance(1)
        self.clock.advance(
            (datetime(2028, 11, 23, 8, tzinfo=UTC) - NOW).total_seconds()
        )
        self.instance(2)
        months = list(self.store.all(UsageMonth))
        self.assertEqual(len(months), 25)
        self.assertEqual(self.hours(), {"m1.small": 731 * 24.0})
