"""
What every L{IScheduler} and every L{IPlacement} does; and, for each scheduler that
is shipped, its choice by a walk over all nodes, said another way than its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.cc.interfaces import IScheduler, Node, Wish
from euca_tw.clc.interfaces import IPlacement, LaunchWish, ZoneRoom
from euca_tw.model.capacity import Resources

#: Of the nodes with room (never none), the one to take, and the wish, and which was
#: picked last (C{""}: none was).
Naive = Callable[[Sequence[Node], Wish, str], Node]

GROUPS = ("", "a/web", "a/db", "b/web")
MACHINES = (
    Resources(cores=4, memory_mib=4096, disk_gib=40),
    Resources(cores=16, memory_mib=8192, disk_gib=400),
    Resources(cores=2, memory_mib=16384, disk_gib=0),
)


def resources(cores: int, memory_mib: int, disk_gib: int) -> Resources:
    return Resources(cores=cores, memory_mib=memory_mib, disk_gib=disk_gib)


def able(nodes: Iterable[Node], wish: Wish) -> list[Node]:
    """Those that will do."""
    return [
        node
        for node in nodes
        if node.url not in wish.refused_by and node.free.holds(wish.needs)
    ]


# --- by a walk ----------------------------------------------------------------


def _load(node: Node) -> tuple[float, float]:
    shares = [
        1 - getattr(node.free, name) / whole if whole else 1.0
        for name in ("cores", "memory_mib", "disk_gib")
        for whole in [getattr(node.machine, name)]
    ]
    return max(shares), sum(shares)


def _least_loaded(nodes: Sequence[Node], wish: Wish, last: str) -> Node:
    return min(nodes, key=lambda node: (*_load(node), node.place))


def _round_robin(nodes: Sequence[Node], wish: Wish, last: str) -> Node:
    in_turn = sorted(nodes, key=lambda node: node.url)
    return next((node for node in in_turn if node.url > last), in_turn[0])


def _power_save(nodes: Sequence[Node], wish: Wish, last: str) -> Node:
    used = [node for node in nodes if node.instances] or nodes
    return min(used, key=lambda node: node.place)


def _best_fit(nodes: Sequence[Node], wish: Wish, last: str) -> Node:
    def left(node: Node) -> tuple[int, int, int, int]:
        after = node.free - wish.needs
        return after.memory_mib, after.cores, after.disk_gib, node.place

    return min(nodes, key=left)


def _spread_by_group(nodes: Sequence[Node], wish: Wish, last: str) -> Node:
    fewest = min(node.groups.get(wish.group, 0) for node in nodes)
    least = [node for node in nodes if node.groups.get(wish.group, 0) == fewest]
    return _least_loaded(least, wish, last)


#: By the name of the policy.
NAIVE: dict[str, Naive] = {
    "greedy": lambda nodes, wish, last: min(nodes, key=lambda node: node.place),
    "round-robin": _round_robin,
    "power-save": _power_save,
    "least-loaded": _least_loaded,
    "best-fit": _best_fit,
    "spread-by-group": _spread_by_group,
}


# --- a cluster ----------------------------------------------------------------


class Site:
    """
    Nodes that instances come to and go from, and a scheduler that is told so.

    @ivar picks: what it said, one after the other; C{None} of no room.
    """

    def __init__(self, scheduler: IScheduler) -> None:
        self.scheduler = scheduler
        self.nodes: dict[str, Node] = {}
        self.picks: list[str | None] = []
        self.on: list[tuple[str, Resources, str]] = []

    def put(self, node: Node) -> None:
        self.nodes[node.url] = node
        self.scheduler.node_changed(node)

    def go(self, url: str) -> None:
        self.nodes.pop(url, None)
        self.scheduler.node_gone(url)

    def pick(self, wish: Wish) -> str | None:
        url = self.scheduler.pick(wish)
        self.picks.append(url)
        return url

    def take(self, url: str, wish: Wish) -> None:
        self.on.append((url, wish.needs, wish.group))
        self._count(url, wish.needs, wish.group, 1)

    def end(self, number: int) -> None:
        """One of those that run, by its number, ends."""
        if self.on:
            url, needs, group = self.on.pop(number % len(self.on))
            if url in self.nodes:
                self._count(url, needs, group, -1)

    def _count(self, url: str, needs: Resources, group: str, step: int) -> None:
        node = self.nodes[url]
        groups = Counter(node.groups)
        if group:
            groups[group] += step
        free = node.free - needs if step > 0 else node.free + needs
        self.put(
            evolve(
                node,
                free=free,
                instances=max(0, node.instances + step),
                groups=dict(+groups),
            )
        )


NEEDS = st.builds(
    resources, st.integers(0, 4), st.integers(0, 4096), st.integers(0, 20)
)
WISHES = st.builds(
    lambda needs, group, refused: Wish(
        needs=needs,
        group=group,
        refused_by=frozenset(f"node{n:02}" for n in refused),
    ),
    NEEDS,
    st.sampled_from(GROUPS),
    st.sets(st.integers(0, 12), max_size=4),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.integers(0, 12), st.integers(0, 2)),
        st.tuples(st.just("go"), st.integers(0, 12), st.none()),
        st.tuples(st.just("pick"), st.none(), WISHES),
        st.tuples(st.just("pick"), st.none(), WISHES),
        st.tuples(st.just("end"), st.integers(0, 99), st.none()),
    ),
    max_size=60,
)


def run(site: Site, steps: Iterable[tuple], seen: Callable[[Wish], None]) -> None:
    """@param seen: called after each pick, before anything is taken by it."""
    for what, number, more in steps:
        if what == "come":
            url, machine = f"node{number:02}", MACHINES[more]
            site.on = [each for each in site.on if each[0] != url]
            # Not in the order of the names.
            place = number * 7 % 13
            site.put(Node(url=url, place=place, machine=machine, free=machine))
        elif what == "go":
            site.on = [each for each in site.on if each[0] != f"node{number:02}"]
            site.go(f"node{number:02}")
        elif what == "end":
            site.end(number)
        else:
            url = site.pick(more)
            seen(more)
            if url is not None:
                site.take(url, more)


def make_ischeduler_tests(
    factory: Callable[[Random], IScheduler], naive: Naive | None = None
) -> type[SynchronousTestCase]:
    """
    @param factory: makes a scheduler that was told nothing.
    @param naive: its choice, by a walk; None: what it chooses is its own matter.
    """

    class SchedulerTests(SynchronousTestCase):
        def site(self) -> Site:
            return Site(factory(Random(1)))

        def test_interface(self) -> None:
            """It provides L{IScheduler}."""
            verifyObject(IScheduler, factory(Random(1)))

        def test_nothing(self) -> None:
            """Without nodes there is none to pick, and none can go."""
            site = self.site()
            site.go("node00")
            self.assertIsNone(site.pick(Wish(needs=resources(0, 0, 0))))

        @settings(max_examples=60, deadline=None)
        @given(STEPS)
        def test_sound(self, steps: list[tuple]) -> None:
            """A node that has room is picked, or none if, and only if, none has."""
            site = self.site()

            def seen(wish: Wish) -> None:
                could, url = able(site.nodes.values(), wish), site.picks[-1]
                if could:
                    self.assertIn(url, [node.url for node in could])
                else:
                    self.assertIsNone(url)

            run(site, steps, seen)

        @settings(max_examples=20, deadline=None)
        @given(STEPS)
        def test_same(self, steps: list[tuple]) -> None:
            """Told the same, with the same chance, it says the same."""
            one, other = self.site(), self.site()
            for site in (one, other):
                run(site, steps, lambda wish: None)
            self.assertEqual(one.picks, other.picks)

        @settings(max_examples=100, deadline=None)
        @given(STEPS)
        def test_as_by_a_walk(self, steps: list[tuple]) -> None:
            """What it picks is what a walk over all nodes would find."""
            if naive is None:
                return
            site, last = self.site(), ""

            def seen(wish: Wish) -> None:
                nonlocal last
                could, url = able(site.nodes.values(), wish), site.picks[-1]
                if could:
                    self.assertEqual(url, naive(could, wish, last).url)
                    last = url or ""

            run(site, steps, seen)

        def test_many(self) -> None:
            """So it is with many nodes, until all are full and when some are again."""
            site, random, last = self.site(), Random(2), ""
            for number in range(600):
                machine = random.choice(MACHINES[:2])
                node = Node(
                    url=f"node{number:04}", place=number, machine=machine, free=machine
                )
                site.put(node)
            full = 0
            while full < 40:
                wish = Wish(
                    needs=resources(random.randrange(1, 9), 2048, 5),
                    group=random.choice(GROUPS),
                )
                could, url = able(site.nodes.values(), wish), site.pick(wish)
                if not could:
                    self.assertIsNone(url)
                    full += 1
                    site.end(random.randrange(10_000))
                    continue
                self.assertIn(url, {node.url for node in could})
                if naive is not None:
                    self.assertEqual(url, naive(could, wish, last).url)
                last = url
                site.take(url, wish)
            for node in site.nodes.values():
                self.assertTrue(node.free.holds(resources(0, 0, 0)), node)

    return SchedulerTests


# --- clusters -----------------------------------------------------------------

ROOMS = st.lists(
    st.tuples(st.integers(0, 9), st.booleans()), min_size=0, max_size=5
).map(
    lambda rooms: tuple(
        ZoneRoom(zone=f"zone{n}", count=count, is_used=is_used)
        for n, (count, is_used) in enumerate(rooms)
    )
)


def make_iplacement_tests(
    factory: Callable[[Random], IPlacement],
) -> type[SynchronousTestCase]:
    """@param factory: makes a placement."""

    class PlacementTests(SynchronousTestCase):
        def test_interface(self) -> None:
            """It provides L{IPlacement}."""
            verifyObject(IPlacement, factory(Random(1)))

        @settings(max_examples=100, deadline=None)
        @given(ROOMS, st.integers(1, 30), st.integers(0, 5), st.integers(0, 9))
        def test_sound(
            self, rooms: tuple[ZoneRoom, ...], count: int, last: int, members: int
        ) -> None:
            """
            As many are placed as are wanted, or there is room for if that is less;
            no zone has more than it takes; and the same wish is answered the same.
            """
            wish = LaunchWish(
                count=count,
                last=f"zone{last}",
                members=lambda zone: (members * 7 + int(zone[4:])) % 5,
            )
            placed = factory(Random(1)).zones(rooms, wish)
            room = sum(each.count for each in rooms)
            self.assertEqual(len(placed), min(count, room))
            most = {each.zone: each.count for each in rooms}
            for zone, taken in Counter(placed).items():
                self.assertLessEqual(taken, most[zone])
            self.assertEqual(list(placed), list(factory(Random(1)).zones(rooms, wish)))

    return PlacementTests
