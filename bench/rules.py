"""
A machine's rules: 1,000 groups of 10 rules and 5,000 instances, loaded into a kernel,
read back, and changed by one instance, one rule, what one group may send and one
public address at a time.

Against C{nft -f} of the bare text, which is the least that it can cost; each figure
is the median of several, taken in turns.  Needs root, for a network namespace.

    python -m bench.rules
"""

from __future__ import annotations

import ctypes
import os
import random
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterable
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from time import perf_counter, process_time, thread_time
from typing import Any

from attrs import Factory, define, evolve, frozen
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.python.threadpool import ThreadPool

from euca_tw.common.in_thread import PooledThreads
from euca_tw.model.networks import (
    Carried,
    Elastic,
    Group,
    Machine,
    Member,
    Network,
    Role,
    Rule,
    View,
)
from euca_tw.vnet.classes import TCP, UDP
from euca_tw.vnet.filter_plan import wanted
from euca_tw.vnet.filter_settings import FilterSettings, Shape, Tracking
from euca_tw.vnet.filter_text import whole
from euca_tw.vnet.nft import Nft
from euca_tw.vnet.rules import Rules

reactor: Any = _reactor
GROUPS, RULES, INSTANCES = 1000, 10, 5000
LOADS, CHANGES = 5, 40
MOST_LOAD_S, MOST_CHANGE_MS, MOST_STEP_MS = 1.0, 20.0, 10.0
#: How often it is looked; that much more a step may seem to have.
BEAT_S = 0.002
CLONE_NEWNET = 0x40000000
SETTINGS = FilterSettings(outer="eth0")
MS = 1000


def site() -> View:
    """A head that runs everything itself: the most that one machine can have."""
    chance = random.Random(1)
    groups = {}
    for number in range(GROUPS):
        rules: set[Rule] = set()
        while len(rules) < RULES:
            low = chance.randrange(1, 9000)
            source: IPv4Network | str = chance.choice(
                (
                    IPv4Network("0.0.0.0/0"),
                    IPv4Network((chance.randrange(1 << 24, 200 << 24) & ~255, 24)),
                    f"sg-{chance.randrange(GROUPS)}",
                )
            )
            rules.add(
                Rule(
                    protocol=chance.choice((TCP, UDP)),
                    low=low,
                    high=low + chance.choice((0, 0, 10)),
                    source=source,
                )
            )
        groups[f"sg-{number}"] = Group(group_id=f"sg-{number}", rules=frozenset(rules))
    networks = {}
    sources: dict[str, set[IPv4Address]] = {name: set() for name in groups}
    for number in range(1, GROUPS + 1):
        subnet = IPv4Network(((10 << 24) + (number << 6), 26))
        members = []
        for index in range(INSTANCES // GROUPS):
            members.append(member(number, subnet, index))
            for group in members[-1].groups:
                sources[group].add(members[-1].private_ip)
        networks[number] = Carried(
            network=Network(number=number, subnet=subnet), members=frozenset(members)
        )
    here = Machine(
        name="here", cluster="c", role=Role.HEAD, address=IPv4Address("172.20.0.1")
    )
    return View(
        here="here",
        machines={"here": here},
        networks=networks,
        groups=groups,
        sources={name: frozenset(those) for name, those in sources.items()},
    )


def member(number: int, subnet: IPv4Network, index: int) -> Member:
    return Member(
        instance_id=f"i-{number:05x}{index:03x}",
        network=number,
        mac_address=f"d0:0d:00:{number >> 8:02x}:{number & 255:02x}:{index:02x}",
        private_ip=subnet.network_address + 2 + index,
        machine="here",
        groups=frozenset(
            {f"sg-{number - 1}", *(["sg-7"] if index == 0 and number % 5 == 0 else [])}
        ),
    )


class Steps:
    """The longest that the reactor's thread was busy in one go."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._at = thread_time()
        self._loop = LoopingCall(self._look)
        self._loop.start(BEAT_S)

    def _look(self) -> None:
        now = thread_time()
        self.longest_s = max(self.longest_s, now - self._at)
        self._at = now

    def stop(self) -> float:
        self._loop.stop()
        return self.longest_s


@frozen
class Taken:
    """What was spent on something: by the clock, by this process, by C{nft}."""

    wall_s: float
    own_s: float
    nft_s: float

    @property
    def cpu_s(self) -> float:
        return self.own_s + self.nft_s


@define
class Stopwatch:
    """Reads all clocks at once."""

    _began: tuple[float, float, float] = Factory(lambda: Stopwatch.read())

    @staticmethod
    def read() -> tuple[float, float, float]:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        nft_s = children.ru_utime + children.ru_stime
        return perf_counter(), process_time(), nft_s

    def taken(self) -> Taken:
        clocks = zip(self.read(), self._began, strict=True)
        return Taken(*(now - was for now, was in clocks))


def median(several: Iterable[Taken]) -> Taken:
    values = zip(*((t.wall_s, t.own_s, t.nft_s) for t in several), strict=True)
    return Taken(*(statistics.median(each) for each in values))


def bare(text: str) -> Taken:
    """What C{nft -f} of a text takes."""
    watch = Stopwatch()
    subprocess.run(("nft", "-f", "-"), input=text.encode(), check=True)
    return watch.taken()


def told(name: str, ours: Taken, least: Taken, bound_ms: float) -> bool:
    """Whether it is within its bound; by CPU time, for the machine may be busy."""
    print(
        f"{name}: {ours.cpu_s * MS:.1f} ms of CPU, {ours.own_s * MS:.1f} of it ours, "
        f"{ours.cpu_s / least.nft_s:.2f} times nft -f ({least.nft_s * MS:.1f} ms); "
        f"bound {bound_ms:.0f} ms.  By the clock {ours.wall_s * MS:.1f} ms, "
        f"nft -f {least.wall_s * MS:.1f} ms"
    )
    return ours.cpu_s * MS < bound_ms


async def loads(threads: PooledThreads, view: View, text: str) -> list[list[Taken]]:
    """Whole loads, by us and bare, and looking at what is there."""
    ours: list[Taken] = []
    theirs: list[Taken] = []
    looks: list[Taken] = []
    for _ in range(LOADS):
        for each in (ours, looks):
            # The second finds what the first made.
            rules = Rules(Nft(reactor, threads), threads, SETTINGS)
            await rules.tracking()
            watch = Stopwatch()
            await rules.apply(view)
            each.append(watch.taken())
        await rules.purge()
        theirs.append(await threads(partial(bare, text)))
        await rules.purge()
    return [ours, theirs, looks]


def joined(view: View, number: int) -> View:
    """With one instance more, in a group that there is."""
    carried = view.networks[number]
    more = member(number, carried.network.subnet, 20)
    (group,) = more.groups
    return evolve(
        view,
        networks={
            **view.networks,
            number: evolve(carried, members=carried.members | {more}),
        },
        sources={**view.sources, group: view.sources[group] | {more.private_ip}},
    )


def allowed(view: View, number: int) -> View:
    """With one rule more."""
    group = view.groups[f"sg-{number}"]
    more = Rule(protocol=TCP, low=9999, high=9999, source=IPv4Network("0.0.0.0/0"))
    return evolve(
        view,
        groups={
            **view.groups,
            group.group_id: evolve(group, rules=group.rules | {more}),
        },
    )


def restricted(view: View, number: int) -> View:
    """With a group whose instances may not send everything any more."""
    group = view.groups[f"sg-{number}"]
    return evolve(
        view,
        groups={**view.groups, group.group_id: evolve(group, egress=group.rules)},
    )


def given(view: View, number: int) -> View:
    """With a public address for an instance."""
    public = IPv4Address("192.0.2.0") + number
    private = view.networks[number].network.subnet.network_address + 2
    elastic = Elastic(public_ip=public, private_ip=private)
    return evolve(view, elastics={**view.elastics, public: elastic})


class Noting(Nft):
    """Knows the last text."""

    text = ""

    async def load(self, text: str) -> None:
        self.text = text
        await super().load(text)


async def changes(
    threads: PooledThreads, view: View, others: Iterable[View]
) -> tuple[Taken, Taken]:
    """A change by us, and the bare text of it; each is taken back."""
    nft = Noting(reactor, threads)
    rules = Rules(nft, threads, SETTINGS)
    await rules.apply(view)
    ours, theirs = [], []
    for other in others:
        watch = Stopwatch()
        await rules.apply(other)
        ours.append(watch.taken())
        there = nft.text
        await rules.apply(view)
        theirs.append(await threads(partial(bare, there)))
        await threads(partial(bare, nft.text))
    return median(ours), median(theirs)


async def main(prepared: Prepared) -> bool:
    pool = ThreadPool(0, 4)
    pool.start()
    threads = PooledThreads(reactor, pool)
    steps = Steps()
    try:
        ours, theirs, looks = map(
            median, await loads(threads, prepared.view, prepared.text)
        )
        is_good = told("load", ours, theirs, MOST_LOAD_S * MS)
        told("found by the next process, unchanged", looks, theirs, MOST_LOAD_S * MS)
        for name, others in prepared.changes.items():
            ours, theirs = await changes(threads, prepared.view, others)
            is_good &= told(f"one {name}", ours, theirs, MOST_CHANGE_MS)
    finally:
        step_ms = steps.stop() * MS
        pool.stop()
    print(
        f"longest step of the reactor: {step_ms:.1f} ms of CPU; "
        f"bound {MOST_STEP_MS:.0f} ms"
    )
    return is_good and step_ms < MOST_STEP_MS


@frozen
class Prepared:
    """What must not be counted: it would be the control plane's work."""

    view: View
    text: str
    changes: dict[str, list[View]]


def prepare() -> Prepared:
    view = site()
    # Which way connections are followed hardly changes the text.
    shape = Shape(role=Role.HEAD, tracking=Tracking.IP, settings=SETTINGS)
    makers = {
        "instance": joined,
        "rule": allowed,
        "group restricted": restricted,
        "public address": given,
    }
    return Prepared(
        view,
        whole(shape, wanted(view)),
        {
            name: [make(view, number) for number in range(11, 11 + CHANGES)]
            for name, make in makers.items()
        },
    )


def run() -> int:
    if os.geteuid() != 0:
        print("needs root, for a network namespace: not measured")
        return 0
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        print(f"no network namespace: {os.strerror(ctypes.get_errno())}")
        return 1
    # As a daemon does; only then is a program started without a copy of us.
    os.chdir("/")
    prepared = prepare()
    results: list[bool] = []
    failures: list[Any] = []

    def start() -> None:
        running = Deferred.fromCoroutine(main(prepared))
        running.addCallbacks(results.append, failures.append)
        running.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(start)
    reactor.run()
    if failures:
        print(failures[0].getTraceback())
    return 0 if results == [True] else 1


if __name__ == "__main__":
    sys.exit(run())
