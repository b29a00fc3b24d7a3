"""Tests of L{euca_tw.clc.admission}."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.api.errors import (
    AuthFailure,
    IncompleteSignature,
    InvalidAction,
    InvalidSecurity,
    MalformedRequest,
    MissingAuthenticationToken,
    RequestLimitExceeded,
    RequestTimeTooSkewed,
    Unavailable,
)
from euca_tw.clc.admission import (
    FAILURES,
    TRUSTED,
    TRUSTED_S,
    Admission,
    AdmissionLimits,
    _Attempt,
)
from euca_tw.common.admission import IAdmission, IAttempt

HERE, THERE = "192.0.2.1", "192.0.2.2"
ACCOUNT, OTHER = "1" * 12, "2" * 12
LIMITS = AdmissionLimits(
    failures_per_s=1.0, failures_burst=5, requests_per_s=10.0, burst=20
)


class AdmissionCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_800_000_000)
        self.admission = Admission(self.clock, LIMITS)
        self.ids = 0
        log = capturedLogs()
        self.events = log.__enter__()
        self.addCleanup(log.__exit__, None, None, None)

    def attempt(self, peer: str = HERE) -> _Attempt:
        self.ids += 1
        return self.admission.attempt(peer, f"r-{self.ids}")

    def is_heard(self, peer: str = HERE, key: str = "key") -> bool:
        """Whether a signature by that key, from there, would be looked at."""
        try:
            self.attempt(peer).shows(key)
        except RequestLimitExceeded:
            return False
        return True

    def fail(  # type: ignore[override]
        self, times: int = 1, peer: str = HERE, key: str = "key"
    ) -> None:
        for _ in range(times):
            attempt = self.attempt(peer)
            attempt.shows(key)
            attempt.failed("AuthFailure", "wrong")

    def succeed(
        self, peer: str = HERE, key: str = "good", account: str = ACCOUNT
    ) -> None:
        attempt = self.attempt(peer)
        attempt.shows(key)
        attempt.succeeded(account)

    def lines(self) -> list[str]:
        """What was logged since this was asked."""
        found = [formatEvent(event) for event in self.events]
        self.events.clear()
        return found


class GuessingTests(AdmissionCase):
    """Who fails, and fails again."""

    def test_interfaces(self) -> None:
        """It is what doors ask for."""
        self.assertTrue(verifyObject(IAdmission, self.admission))
        self.assertTrue(verifyObject(IAttempt, self.attempt()))

    def test_throttled(self) -> None:
        """Who has failed too often is not looked at, but as slowly as is allowed."""
        self.fail(times=5)
        self.assertFalse(self.is_heard())
        self.clock.advance(0.9)
        self.assertFalse(self.is_heard())
        self.clock.advance(0.1)
        self.assertTrue(self.is_heard())
        self.fail()
        self.assertFalse(self.is_heard())
        self.clock.advance(5)
        self.fail(times=5)
        self.assertFalse(self.is_heard())

    def test_before_anything_is_read(self) -> None:
        """Where nobody is trusted, it is said before what is shown is read."""
        self.fail(times=5)
        self.assertRaises(RequestLimitExceeded, self.attempt)
        self.succeed(THERE)
        self.assertRaises(RequestLimitExceeded, self.attempt)

    def test_alike(self) -> None:
        """It is said in the same words whatever is shown."""
        self.fail(times=4)
        self.succeed()
        self.fail(times=1)
        told = {
            str(self.assertRaises(RequestLimitExceeded, self.attempt().shows, key))
            for key in ("key", "known", "", b"certificate")
        }
        self.assertEqual(len(told), 1)
        self.assertIn("try again in a while", told.pop())

    def test_elsewhere(self) -> None:
        """Others, elsewhere, do not notice."""
        self.fail(times=5)
        self.assertTrue(self.is_heard(THERE))

    def test_unprintable(self) -> None:
        """What strangers say is in the log as it may be read, on one line."""
        self.attempt().failed("AuthFailure", "a\n\x1b[31mforged")
        [line] = self.lines()
        self.assertIn(r"AuthFailure: a\n\x1b[31mforged [", line)

    def test_network(self) -> None:
        """Who has a whole network is one."""
        for number in range(5):
            self.fail(peer=f"2001:db8::{number}")
        self.assertFalse(self.is_heard("2001:db8::ffff"))
        self.assertTrue(self.is_heard("2001:db8:0:1::1"))

    def test_at_the_same_time(self) -> None:
        """What was looked at at the same time is charged afterwards."""
        attempts = [self.attempt() for _ in range(25)]
        for attempt in attempts:
            attempt.failed("AuthFailure", "wrong")
        self.clock.advance(20.9)
        self.assertFalse(self.is_heard())
        self.clock.advance(0.1)
        self.assertTrue(self.is_heard())

    def test_what_counts(self) -> None:
        """What is about who asks is charged, and nothing else."""
        for each in (
            AuthFailure,
            IncompleteSignature,
            InvalidSecurity,
            MissingAuthenticationToken,
            RequestTimeTooSkewed,
        ):
            self.assertIn(each.code, FAILURES)
        for each in (MalformedRequest, Unavailable, InvalidAction):
            for _ in range(10):
                self.attempt().failed(each.code, "x")
        self.assertTrue(self.is_heard())

    def test_limits_do_not_count(self) -> None:
        """To be refused by a limit is no failure: nobody is kept out by asking."""
        self.succeed(key="other")
        self.fail(times=5)
        for _ in range(100):
            attempt = self.attempt()
            self.assertRaises(RequestLimitExceeded, attempt.shows, "key")
            attempt.failed(RequestLimitExceeded.code, "x")
        self.clock.advance(1)
        self.assertTrue(self.is_heard())
        self.assertEqual(self.admission.failures, {"AuthFailure": 5})

    def test_limits_of_others(self) -> None:
        """What another's limit refuses is in the log, and is not charged either."""
        for _ in range(10):
            self.attempt().failed(RequestLimitExceeded.code, "x")
        self.assertTrue(self.is_heard())
        self.assertEqual(len(self.lines()), 1)
        self.assertEqual(self.admission.failures, {"RequestLimitExceeded": 10})

    def test_off(self) -> None:
        """Without a limit nobody is throttled."""
        self.admission = Admission(self.clock, AdmissionLimits(failures_per_s=0))
        self.fail(times=1000)
        self.succeed()
        self.assertTrue(self.is_heard())
        self.assertEqual(self.admission.failures["AuthFailure"], 1000)


class TrustTests(AdmissionCase):
    """Who was let in lately."""

    def test_neighbour(self) -> None:
        """Whoever was let in there is heard, whatever his neighbours do."""
        self.succeed()
        self.fail(times=5)
        self.assertFalse(self.is_heard())
        self.succeed()
        self.assertFalse(self.is_heard(key="other"))

    def test_only_there(self) -> None:
        """What was let in elsewhere is nothing here."""
        self.succeed(THERE)
        self.fail(times=5)
        self.assertFalse(self.is_heard(key="good"))

    def test_own_failures(self) -> None:
        """His failures are charged to him alone; so is who claims his key."""
        self.succeed()
        self.fail(times=5, key="good")
        self.assertFalse(self.is_heard(key="good"))
        self.assertTrue(self.is_heard(key="another"))
        self.clock.advance(1)
        self.assertTrue(self.is_heard(key="good"))

    def test_for_an_hour(self) -> None:
        """Trust ends an hour after the last call."""
        self.succeed()
        self.clock.advance(TRUSTED_S - 30)
        self.succeed()
        self.clock.advance(TRUSTED_S - 1)
        self.fail(times=5)
        self.assertTrue(self.is_heard(key="good"))
        self.clock.advance(1)
        self.fail(times=1)
        self.assertFalse(self.is_heard(key="good"))

    def test_unsigned(self) -> None:
        """What shows no credential earns no trust."""
        self.attempt().succeeded(ACCOUNT)
        self.fail(times=5)
        self.assertRaises(RequestLimitExceeded, self.attempt)

    def test_memory(self) -> None:
        """Of those who are trusted, the ones that called last are remembered."""
        self.admission = Admission(self.clock, AdmissionLimits(requests_per_s=0))
        for number in range(TRUSTED + 10):
            self.succeed(key=f"key {number}")
        trusted = self.admission._trusted
        self.assertEqual(len(trusted._until), TRUSTED)
        self.assertEqual(trusted._at, {HERE: TRUSTED})
        self.fail(times=50)
        self.assertFalse(self.is_heard(key="key 9"))
        self.assertTrue(self.is_heard(key="key 10"))

    def test_memory_of_the_past(self) -> None:
        """Trust that has ended is not remembered."""
        for number in range(20):
            self.succeed(key=f"key {number}")
        self.clock.advance(TRUSTED_S)
        self.succeed(THERE)
        trusted = self.admission._trusted
        self.assertEqual(len(trusted._until), 1)
        self.assertEqual(trusted._at, {THERE: 1})


class CallTests(AdmissionCase):
    """Who may call, and calls."""

    def test_rate(self) -> None:
        """An account calls so often, from wherever, by whatever key."""
        for number in range(20):
            self.succeed(f"198.51.100.{number}", f"key {number}")
        refused = self.assertRaises(RequestLimitExceeded, self.succeed)
        self.assertIn("10 requests a second and 20 at once", refused.message)
        self.succeed(account=OTHER)
        self.clock.advance(0.1)
        self.succeed()
        self.assertRaises(RequestLimitExceeded, self.succeed)

    def test_off(self) -> None:
        """Without a limit it calls as it likes."""
        self.admission = Admission(self.clock, AdmissionLimits(requests_per_s=0))
        for _ in range(2000):
            self.succeed()

    def calling(self, account: str = ACCOUNT, key: str = "good") -> _Attempt:
        """One whose signature is right, though it may be a repetition."""
        attempt = self.attempt()
        attempt.shows(key)
        attempt.calls(account)
        return attempt

    def test_counted_once(self) -> None:
        """Who calls and is let in then has called once."""
        for _ in range(20):
            self.calling().succeeded(ACCOUNT)
        refused = self.assertRaises(RequestLimitExceeded, self.calling)
        self.assertIn("10 requests a second and 20 at once", refused.message)
        self.assertRaises(RequestLimitExceeded, self.succeed)
        self.assertEqual(self.admission.refused["too_often"], 2)
        self.calling(OTHER)

    def test_not_let_in(self) -> None:
        """What was not let in after all was no call; nor is its sender trusted."""
        for number in range(30):
            self.calling(key=f"k{number}").failed("RequestLimitExceeded", "full")
        for _ in range(20):
            self.calling().succeeded(ACCOUNT)
        self.assertRaises(RequestLimitExceeded, self.calling)
        self.fail(times=5)
        self.assertFalse(self.is_heard(key="k1"))
        self.assertTrue(self.is_heard(key="good"))

    def test_refused_and_failed(self) -> None:
        """Who was refused for his calls has nothing back for it."""
        for _ in range(20):
            self.succeed()
        attempt = self.attempt()
        self.assertRaises(RequestLimitExceeded, attempt.calls, ACCOUNT)
        attempt.failed("RequestLimitExceeded", "too often")
        self.assertRaises(RequestLimitExceeded, self.calling)

    def test_off_and_failed(self) -> None:
        """Without a limit there is nothing to give back."""
        self.admission = Admission(self.clock, AdmissionLimits(requests_per_s=0))
        self.calling().failed("InvalidSecurity", "repeated")
        self.calling().succeeded(ACCOUNT)

    def test_refused_and_trusted(self) -> None:
        """Who calls too often has shown who he is all the same."""
        for _ in range(20):
            self.succeed(key="other")
        self.assertRaises(RequestLimitExceeded, self.succeed)
        self.fail(times=5)
        self.assertTrue(self.is_heard(key="good"))


class ToldTests(AdmissionCase):
    """What an operator learns of it."""

    def test_log_of_failures(self) -> None:
        """The first, when it becomes too much, and how much it was after all."""
        self.fail(times=5)
        for _ in range(100):
            self.assertFalse(self.is_heard())
        self.assertEqual(
            self.lines(),
            [
                "192.0.2.1 was not let in: AuthFailure: wrong [r-1]",
                "192.0.2.1 was not let in 4 more times, and is throttled from now on",
            ],
        )
        self.clock.advance(60)
        self.assertEqual(
            self.lines(), ["192.0.2.1 was not let in 100 more times in 60 s"]
        )

    def test_log_of_one_that_goes_on(self) -> None:
        """Whoever goes on for minutes has two or three lines in each."""
        for _ in range(600):
            if self.is_heard():
                self.fail()
            self.clock.advance(0.5)
        self.assertLessEqual(len(self.lines()), 3 * 6)

    def test_log_of_the_throttled(self) -> None:
        """Whoever is refused already when a minute begins is told of, too."""
        for _ in range(100):
            self.attempt_at_once()
        self.clock.advance(60)
        self.lines()
        self.assertFalse(self.is_heard())
        self.assertEqual(self.lines(), ["192.0.2.1 is still throttled"])

    def attempt_at_once(self) -> None:
        attempt = _Attempt(self.admission, HERE, HERE, "r")
        attempt.failed("AuthFailure", "wrong")

    def test_log_of_a_network(self) -> None:
        """The first line has the very address, the others the network."""
        self.fail(times=2, peer="2001:db8::1")
        self.clock.advance(60)
        self.assertEqual(
            self.lines(),
            [
                "2001:db8::1 was not let in: AuthFailure: wrong [r-1]",
                "2001:db8::/64 was not let in 1 more times in 60 s",
            ],
        )

    def test_log_of_malformed_ones(self) -> None:
        """What is not charged is in the log all the same, and as seldom."""
        for _ in range(10):
            self.attempt().failed("MalformedXML", "no element")
        self.clock.advance(60)
        self.assertEqual(len(self.lines()), 2)

    def test_log_of_callers(self) -> None:
        """An account that calls too often is told of once in a minute."""
        for _ in range(20):
            self.succeed()
        for _ in range(3):
            self.assertRaises(RequestLimitExceeded, self.succeed)
        self.clock.advance(60)
        self.assertEqual(
            self.lines(),
            [
                f"Account {ACCOUNT} calls too often: it is refused [r-21]",
                f"Account {ACCOUNT} was refused 2 more times in 60 s",
            ],
        )

    def test_log_of_a_flood(self) -> None:
        """Failures from everywhere do not fill the log."""
        for number in range(20_000):
            self.fail(peer=f"10.0.{number >> 8}.{number & 255}")
        self.clock.advance(60)
        self.assertLessEqual(len(self.lines()), 201)

    def test_no_secrets(self) -> None:
        """What was shown is in no line."""
        self.fail(times=5, key="swordfish")
        self.clock.advance(60)
        self.assertNotIn("swordfish", "".join(self.lines()))

    def test_counted(self) -> None:
        """Since the start, by kind."""
        self.fail(times=5)
        self.attempt(THERE).failed("MalformedXML", "x")
        self.assertFalse(self.is_heard())
        for _ in range(20):
            self.succeed(THERE)
        self.assertRaises(RequestLimitExceeded, self.succeed, THERE)
        self.assertIsInstance(self.admission.refuse_busy(1000), RequestLimitExceeded)
        refusal = self.admission.refuse_room("There are 9 connections already")
        self.assertEqual(
            refusal.message,
            "Request limit exceeded. There are 9 connections already: try again in a "
            "moment.",
        )
        self.assertEqual(
            self.admission.counted(),
            {
                "failures": {"AuthFailure": 5, "MalformedXML": 1},
                "refused": {"throttled": 1, "too_often": 1, "busy": 1, "no_room": 1},
            },
        )

    def test_log_of_busy_times(self) -> None:
        """That too much was asked of the cloud is told once in a minute."""
        for _ in range(3):
            self.admission.refuse_busy(1000)
        self.clock.advance(60)
        self.assertEqual(
            self.lines(),
            [
                "1000 requests are being answered: no further ones are taken",
                "2 more requests in 60 s came while 1000 were answered",
            ],
        )

    def test_stop(self) -> None:
        """At the end, what was counted is told."""
        self.fail(times=3)
        self.admission.stop()
        self.assertEqual(
            self.lines()[1:], ["192.0.2.1 was not let in 2 more times in 0 s"]
        )
        self.assertEqual(self.clock.getDelayedCalls(), [])
