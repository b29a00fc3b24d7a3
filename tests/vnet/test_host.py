"""Tests of L{euca_tw.vnet.host}."""

from __future__ import annotations

from random import Random
from typing import Any, ClassVar

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.networks import View
from euca_tw.vnet.filter_settings import Tracking
from euca_tw.vnet.host import Mending, NetworkHost
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.link_plan import wanted
from euca_tw.vnet.links_host import LinksHost
from tests.fakes.links import MemoryLinks
from tests.vnet.views import carried, machines, view

SITE = machines("x0", "x1", "x2")
ONE = view("x1", SITE, carried(1, "x1"))
TWO = view("x1", SITE, carried(2, "x1"))


@define(eq=False)
class MemoryRules:
    """
    @ivar said: what was applied, in order.
    @ivar waits: for which views it takes till it is told.
    """

    said: list[View] = Factory(list)
    trouble: str = ""
    waits: dict[int, Deferred[None]] = Factory(dict)
    numbers: ClassVar[frozenset[int] | None] = None

    async def tracking(self) -> Tracking:
        return Tracking.BRIDGE

    def distrust(self) -> None:
        """Nothing is trusted."""

    async def apply(self, view: View) -> None:
        if id(view) in self.waits:
            await self.waits.pop(id(view))
        if self.trouble:
            raise NetworkFailed(self.trouble, self.numbers)
        self.said.append(view)


class MemoryPublic(MemoryRules):
    """Public addresses: the same, which no network is."""

    numbers = frozenset[int]()


class HostCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.rules, self.public = MemoryRules(), MemoryPublic()
        self.links = MemoryLinks()
        self.host = NetworkHost(
            rules=self.rules,  # type: ignore[arg-type]
            links=LinksHost(self.links, in_this_thread),
            public=self.public,  # type: ignore[arg-type]
        )

    def apply(self, view: View) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.host.apply(view))

    def mend(self) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.host.mend())


class NetworkHostTests(HostCase):
    """L{NetworkHost}."""

    def test_mended_as_applied(self) -> None:
        """
        What is mended meanwhile is what was applied last, rules and links alike; a
        view that waits is not.
        """
        self.rules.waits[id(ONE)] = held = Deferred()
        first, mended, second = self.apply(ONE), self.mend(), self.apply(TWO)
        held.callback(None)
        for each in (first, mended, second):
            self.successResultOf(each)
        self.assertEqual(self.rules.said, [ONE, ONE, TWO])
        self.assertEqual(self.links.look(), wanted(TWO).segments)

    def test_mended_after_failure(self) -> None:
        """What the rules refused is not mended to, neither by half nor whole."""
        self.successResultOf(self.apply(ONE))
        self.rules.trouble = "no nft"
        self.failureResultOf(self.apply(TWO), NetworkFailed)
        self.rules.trouble = ""
        self.successResultOf(self.mend())
        self.assertEqual(self.rules.said, [ONE, ONE])
        self.assertEqual(self.links.look(), wanted(ONE).segments)

    def test_one_network(self) -> None:
        """One network that cannot be carried keeps no public address away."""
        self.links.strangers.add("evx000001")
        failed = self.failureResultOf(self.apply(ONE), NetworkFailed)
        self.assertIn("evx000001", str(failed.value))
        self.assertEqual(failed.value.numbers, {1})
        self.assertEqual(self.public.said, [ONE])
        self.public.trouble = "no interface"
        failed = self.failureResultOf(self.mend(), NetworkFailed)
        self.assertIn("evx000001", str(failed.value))
        self.assertIn("no interface", str(failed.value))
        self.assertEqual(failed.value.numbers, {1})
        self.links.strangers.clear()
        self.links.trouble = "no permission"
        failed = self.failureResultOf(self.mend(), NetworkFailed)
        self.assertIsNone(failed.value.numbers)


class MendingTests(HostCase):
    """L{Mending}."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.mended = 0
        self.mending = Mending(
            host=self.host, clock=self.clock, random=Random(1), mended=self.is_mended
        )
        self.successResultOf(self.apply(ONE))
        self.mending.startService()
        self.addCleanup(self.mending.stopService)

    def is_mended(self) -> None:
        self.mended += 1

    def test_told(self) -> None:
        """Who wants to know is told, whether or not all could be mended."""
        self.clock.advance(400)
        self.assertEqual(self.mended, 1)
        self.rules.trouble = "no nft"
        self.clock.advance(400)
        self.assertEqual(self.mended, 2)

    def test_fault(self) -> None:
        """A fault of ours is logged, and does not end it."""
        self.links.told = None  # type: ignore[assignment]
        self.links.links.clear()
        self.links.entries.clear()
        self.clock.advance(400)
        self.assertTrue(self.flushLoggedErrors())
        self.links.told = []
        self.clock.advance(400)
        self.assertEqual(self.links.look(), wanted(ONE).segments)

    def test_stop(self) -> None:
        """Stopped, it mends no more."""
        self.successResultOf(self.mending.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])
