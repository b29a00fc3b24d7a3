"""Tests of L{euca_tw.vnet.links_host}."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.networks import Carried
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.link_diff import Put
from euca_tw.vnet.link_plan import wanted
from euca_tw.vnet.link_records import Bridge
from euca_tw.vnet.links_host import LinksHost
from tests.fakes.links import MemoryLinks
from tests.suites.links import make_ilinks_tests
from tests.suites.network_host import make_inetworkhost_tests
from tests.vnet.views import carried, machines, view

SITE = machines("x0", "x1", "x2")


class MemoryLinksTests(make_ilinks_tests(lambda case: MemoryLinks())):
    """The links in memory do as a kernel's."""


def make_host(case: TestCase) -> LinksHost:
    return LinksHost(MemoryLinks(), in_this_thread)


class LinksHostSuiteTests(make_inetworkhost_tests(make_host)):
    """What keeps links is half of a host."""


class LinksHostTests(SynchronousTestCase):
    """L{LinksHost}."""

    def setUp(self) -> None:
        self.links = MemoryLinks()
        self.host = LinksHost(self.links, in_this_thread)
        self.still = carried(2, "x1", "x2")
        self.view = view("x1", SITE, carried(1, "x1"), self.still)

    def apply(self, *networks: Carried) -> None:
        self.successResultOf(self.host.apply(view("x1", SITE, *networks)))

    def test_change(self) -> None:
        """After the first time nothing is listed, and only what differs is told."""
        self.successResultOf(self.host.apply(self.view))
        self.assertEqual(self.links.looks, 1)
        self.links.told.clear()
        self.apply(carried(1, "x1", "x2"), self.still)
        self.assertEqual(self.links.looks, 1)
        self.assertEqual({type(step) for step in self.links.told}, {Put})
        self.assertEqual(
            {step.entry.link for step in self.links.told}, {"evb000001", "evx000001"}
        )

    def test_same(self) -> None:
        """Nothing is told of a view that says the same."""
        self.successResultOf(self.host.apply(self.view))
        self.links.told.clear()
        self.successResultOf(self.host.apply(self.view))
        self.apply(carried(1, "x1"), self.still)
        self.assertEqual(self.links.told, [])

    def test_found(self) -> None:
        """What another process made is left alone."""
        self.successResultOf(self.host.apply(self.view))
        self.links.told.clear()
        successor = LinksHost(self.links, in_this_thread)
        self.successResultOf(successor.apply(self.view))
        self.assertEqual(self.links.told, [])

    def test_resync(self) -> None:
        """What somebody broke is mended when all is compared anew, and told."""
        self.successResultOf(self.host.apply(self.view))
        bridge = self.links.links["evb000001"]
        assert isinstance(bridge, Bridge)
        self.links.links["evb000001"] = evolve(bridge, is_up=False)
        before = self.links.look()
        self.successResultOf(self.host.apply(self.view))
        self.assertEqual(self.links.look(), before)
        self.successResultOf(self.host.resync())
        self.assertEqual(self.links.look(), wanted(self.view).segments)

    def test_cards(self) -> None:
        """
        Instances whose bridge was taken away get it back; what is on another
        bridge, or no instance of this machine, is left alone.
        """
        self.successResultOf(self.host.apply(self.view))
        here, elsewhere, away = "vn_i-00010002", "vn_i-00020002", "vn_i-00020003"
        self.links.cards = {here: "", elsewhere: "br0", away: ""}
        self.successResultOf(self.host.resync())
        self.assertEqual(
            self.links.cards, {here: "evb000001", elsewhere: "br0", away: ""}
        )
        self.successResultOf(self.host.purge())
        self.assertEqual(self.links.cards[here], "")
        self.successResultOf(self.host.apply(self.view))
        self.assertEqual(self.links.cards[here], "evb000001")

    def test_resync_of_nothing(self) -> None:
        """Before there is a view, nothing is compared."""
        self.successResultOf(self.host.resync())
        self.assertEqual(self.links.looks, 0)

    def test_failed(self) -> None:
        """What failed is compared anew the next time, whatever was done of it."""
        self.links.trouble = "no permission"
        failed = self.failureResultOf(self.host.apply(self.view), NetworkFailed)
        self.assertEqual(str(failed.value), "no permission")
        self.assertIsNone(failed.value.numbers)
        self.links.trouble = ""
        self.successResultOf(self.host.apply(self.view))
        self.assertEqual(self.links.looks, 2)
        self.assertEqual(self.links.look(), wanted(self.view).segments)

    def test_stranger(self) -> None:
        """A stranger's link of a name that is needed keeps others from nothing."""
        self.links.strangers.add("evx000001")
        failed = self.failureResultOf(self.host.apply(self.view), NetworkFailed)
        self.assertIn("evx000001", str(failed.value))
        self.assertEqual(failed.value.numbers, {1})
        self.assertEqual(self.links.look()[2], wanted(self.view).segments[2])
        self.assertEqual(
            self.successResultOf(self.host.purge()),
            ("network 2: evb000002, evx000002",),
        )
        self.assertEqual(self.links.strangers, {"evx000001"})

    def test_not_told(self) -> None:
        """A view that does not know its own machine is refused; what is, stays."""
        self.successResultOf(self.host.apply(self.view))
        before = self.links.look()
        unknown = evolve(self.view, here="x9")
        failed = self.failureResultOf(self.host.apply(unknown), NetworkFailed)
        self.assertIn("x9", str(failed.value))
        self.assertEqual(self.links.look(), before)

    def test_forwarding(self) -> None:
        """Only a head is made to forward."""
        self.successResultOf(self.host.apply(self.view))
        self.assertFalse(self.links.forwards)
        self.successResultOf(self.host.apply(evolve(self.view, here="x0")))
        self.assertTrue(self.links.forwards)

    def test_in_turn(self) -> None:
        """What is asked while another is in work waits for it."""
        begun = []

        def in_thread(work: object) -> Deferred[object]:
            waiting: Deferred[object] = Deferred()
            begun.append(waiting)
            return waiting.addCallback(lambda _: work())

        host = LinksHost(self.links, in_thread)
        first = Deferred.fromCoroutine(host.apply(self.view))
        second = Deferred.fromCoroutine(host.apply(view("x1", SITE, self.still)))
        self.assertEqual(len(begun), 1)
        begun[0].callback(None)
        self.successResultOf(first)
        begun[1].callback(None)
        self.successResultOf(second)
        self.assertEqual([*self.links.look()], [2])
