"""Tests of L{euca_tw.cc.schedule}: what is a policy's own."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.cc.interfaces import IRestful, IScheduler, Wish
from euca_tw.cc.interfaces import Node as NodeTold
from euca_tw.cc.schedule import (
    PowerSave,
    RankedScheduler,
    RoundRobin,
    SpreadByGroup,
    by_fit,
    by_load,
    by_place,
)
from euca_tw.model.capacity import Resources
from tests.suites.policies import Site

ONE = Resources(cores=1, memory_mib=128, disk_gib=1)


class ScheduleTests(SynchronousTestCase):
    def site(self, scheduler: IScheduler, *nodes: tuple[str, int, int]) -> Site:
        """@param nodes: name, free cores, free memory; in the site's order."""
        site = Site(scheduler)
        for place, (name, cores, memory_mib) in enumerate(nodes):
            free = Resources(cores=cores, memory_mib=memory_mib, disk_gib=100)
            whole = Resources(cores=8, memory_mib=2048, disk_gib=100)
            site.put(NodeTold(url=name, place=place, machine=whole, free=free))
        return site

    def placed(self, site: Site, count: int, group: str = "") -> str:
        for _ in range(count):
            wish = Wish(needs=ONE, group=group)
            url = site.pick(wish)
            if url is not None:
                site.take(url, wish)
        return "".join(url or "-" for url in site.picks)

    def test_greedy(self) -> None:
        """Greedy fills one node before it takes the next, in the site's order."""
        site = self.site(RankedScheduler(by_place), ("b", 2, 1024), ("a", 2, 1024))
        self.assertEqual(self.placed(site, 5), "bbaa-")

    def test_round_robin(self) -> None:
        """Round robin takes turns by name, and passes over who is full."""
        nodes = ("c", 4, 1024), ("a", 4, 1024), ("b", 1, 1024)
        self.assertEqual(self.placed(self.site(RoundRobin(), *nodes), 6), "abcaca")

    def test_round_robin_gone(self) -> None:
        """Who took the last turn may be gone: the next is the one after it."""
        nodes = ("a", 4, 1024), ("b", 4, 1024), ("c", 4, 1024)
        site = self.site(RoundRobin(), *nodes)
        self.placed(site, 2)
        site.go("b")
        self.assertEqual(self.placed(site, 1), "abc")

    def test_least_loaded(self) -> None:
        """Least loaded is by the scarcest thing: few cores left are a load."""
        nodes = ("a", 2, 2048), ("b", 6, 1536)
        site = self.site(RankedScheduler(by_load), *nodes)
        self.assertEqual(self.placed(site, 5), "bbbba")

    def test_best_fit(self) -> None:
        """Best fit leaves the large gaps to large instances."""
        nodes = ("a", 8, 2048), ("b", 8, 256), ("c", 8, 100)
        site = self.site(RankedScheduler(by_fit), *nodes)
        self.assertEqual(self.placed(site, 3), "bba")

    def test_power_save(self) -> None:
        """Power save takes no empty node while one that is used has room."""
        nodes = ("a", 2, 1024), ("b", 2, 1024), ("c", 2, 1024)
        scheduler = PowerSave()
        site = self.site(scheduler, *nodes)
        wish = Wish(needs=ONE)
        site.take("b", wish)
        self.assertEqual(self.placed(site, 2), "ba")
        self.assertTrue(IRestful.providedBy(scheduler))
        self.assertEqual([scheduler.may_sleep(url) for url in "abcx"], [0, 0, 1, 0])

    def test_sleep_again(self) -> None:
        """A node may sleep when its last instance has ended, and not when gone."""
        scheduler = PowerSave()
        site = self.site(scheduler, ("a", 2, 1024))
        self.placed(site, 1)
        self.assertFalse(scheduler.may_sleep("a"))
        site.end(0)
        self.assertTrue(scheduler.may_sleep("a"))
        site.go("a")
        self.assertFalse(scheduler.may_sleep("a"))

    def test_spread_by_group(self) -> None:
        """Of each group a node has one before any has two, however loaded."""
        nodes = ("a", 8, 2048), ("b", 4, 1024), ("c", 3, 1024)
        site = self.site(SpreadByGroup(), *nodes)
        self.assertEqual(self.placed(site, 4, "me/web"), "abca")
        self.assertEqual(self.placed(site, 2, "me/db"), "abcaab")
