"""Descriptions of the service: made once, one at a time, not too many kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.shapes import Version
from euca_tw.clc.descriptions import KEPT, Descriptions

ONE, TWO = Version("2006-06-26"), Version("2008-02-01")


class DescriptionsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []
        self.made: list[Version] = []
        self.descriptions = Descriptions(make=self.make, in_thread=self.in_thread)

    def make(self, version: Version, kind: str) -> bytes:
        self.made.append(version)
        if version == "wrong":
            raise ZeroDivisionError
        return f"{kind} of {version}".encode()

    def in_thread(self, work: Callable[[], Any], /) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.waiting.append((work, done))
        return done

    def work(self) -> None:
        """What is waited for is done."""
        while self.waiting:
            work, done = self.waiting.pop(0)
            try:
                done.callback(work())
            except ZeroDivisionError as error:
                done.errback(error)

    def ask(self, version: Version) -> Deferred[bytes]:
        return ensureDeferred(self.descriptions.of(version, "wsdl"))

    def test_not_asked(self) -> None:
        """As long as nobody asks nothing is made."""
        self.assertEqual((self.made, self.waiting), ([], []))

    def test_once(self) -> None:
        """It is made once, whoever asks meanwhile, and then told at once."""
        asked = [self.ask(ONE), self.ask(ONE)]
        self.assertEqual(len(self.waiting), 1)
        self.work()
        asked.append(self.ask(ONE))
        for each in asked:
            self.assertEqual(self.successResultOf(each), b"wsdl of 2006-06-26")
        self.assertEqual(self.made, [ONE])

    def test_crowd(self) -> None:
        """Any number may ask for it while it is made."""
        asked = [self.ask(ONE) for _ in range(2000)]
        self.work()
        for each in asked:
            self.assertEqual(self.successResultOf(each), b"wsdl of 2006-06-26")
        other = self.ask(TWO)
        self.work()
        self.assertEqual(self.successResultOf(other), b"wsdl of 2008-02-01")

    def test_one_at_a_time(self) -> None:
        """Of several only one takes a thread; what is kept waits for none."""
        self.ask(ONE)
        self.work()
        asked = [self.ask(Version("2009-01-01")), self.ask(TWO)]
        self.assertEqual(len(self.waiting), 1)
        self.assertTrue(self.successResultOf(self.ask(ONE)))
        self.work()
        for each in asked:
            self.successResultOf(each)

    def test_failure(self) -> None:
        """One that cannot be made is a failure, and keeps nobody from others."""
        wrong, right = self.ask(Version("wrong")), self.ask(ONE)
        self.work()
        self.failureResultOf(wrong, ZeroDivisionError)
        self.successResultOf(right)

    def test_kinds(self) -> None:
        """One of each kind is kept."""
        asked = [ensureDeferred(self.descriptions.of(ONE, k)) for k in ("a", "b")]
        self.work()
        self.work()
        told = [self.successResultOf(each) for each in asked]
        self.assertEqual(told, [b"a of 2006-06-26", b"b of 2006-06-26"])

    def test_bounded(self) -> None:
        """Of too many, the one that was not asked for longest is made anew."""
        versions = [Version(f"20{n:02}-01-01") for n in range(KEPT)]
        for version in (*versions, versions[0], ONE, versions[0], versions[1]):
            self.ask(version)
            self.work()
        self.assertEqual(self.made, [*versions, ONE, versions[1]])
