"""
The networks of a machine, all at once: 200 of them are made in a kernel, answered on
where an instance runs, and joined to the trunk where the head is, as after a boot.

What counts is how long the reactor is kept from anything else in one go.  Needs root,
for a network namespace.

    python -m bench.carrying
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from random import Random
from time import perf_counter
from typing import Any

from attrs import evolve
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.python.threadpool import ThreadPool

from bench.rules import CLONE_NEWNET, MOST_STEP_MS, MS, Steps
from euca_tw.admin.daemon import settle_memory
from euca_tw.common.certificates import make_certificate
from euca_tw.common.in_thread import PooledThreads
from euca_tw.model.networks import Carried, Machine, Member, Network, Role, View
from euca_tw.model.tokens import TokenMaker
from euca_tw.vnet.filter_settings import FilterSettings
from euca_tw.vnet.host import NetworkHost
from euca_tw.vnet.links_host import LinksHost
from euca_tw.vnet.managed import ManagedNodeNetwork
from euca_tw.vnet.netlink import KernelLinks
from euca_tw.vnet.nft import Nft
from euca_tw.vnet.responders import BridgeResponders
from euca_tw.vnet.rules import Rules
from euca_tw.vnet.trunk.service import Trunk, make_trunk
from euca_tw.vnet.trunk.settings import TrunkSettings

reactor: Any = _reactor
NETWORKS, MEMBERS, CLUSTERS, NODES = 200, 25, 8, 24


def site() -> View:
    """Clusters of a head and nodes; each network has instances on 25 of these."""
    machines = {}
    for cluster in range(CLUSTERS):
        for number in range(NODES + 1):
            name = f"c{cluster}n{number}"
            machines[name] = Machine(
                name=name,
                cluster=f"c{cluster}",
                role=Role.NODE if number else Role.HEAD,
                address=IPv4Address("172.20.0.0") + (cluster << 8) + number + 1,
            )
    nodes = [name for name, each in machines.items() if each.role is Role.NODE]
    networks = {}
    for number in range(1, NETWORKS + 1):
        subnet = IPv4Network(((10 << 24) + (number << 8), 24))
        on = ["c0n1", *(nodes[(number * 7 + k) % len(nodes)] for k in range(MEMBERS))]
        networks[number] = Carried(
            network=Network(number=number, subnet=subnet),
            members=frozenset(
                Member(
                    instance_id=f"i-{number:05x}{index:03x}",
                    network=number,
                    mac_address=f"d0:0d:00:00:{number:02x}:{index:02x}",
                    private_ip=subnet.network_address + 2 + index,
                    machine=name,
                )
                for index, name in enumerate(on)
            ),
        )
    return View(here="c0n1", machines=machines, networks=networks)


def host_in(threads: PooledThreads) -> NetworkHost:
    return NetworkHost(
        rules=Rules(Nft(reactor, threads), threads, FilterSettings()),
        links=LinksHost(KernelLinks(), threads),
    )


class Counted(BridgeResponders):
    """Knows where it answers."""

    @property
    def bridges(self) -> Collection[str]:
        return self._served.keys()


async def node(threads: PooledThreads, view: View) -> None:
    """A node begins with all of them."""
    host = host_in(threads)
    responders = Counted(reactor, TokenMaker(bytes(32), reactor.seconds))
    network = ManagedNodeNetwork(
        host=host,
        responders=responders,
        metadata_of=lambda _: None,
        clock=reactor,
        random=Random(1),
    )
    await network.start()
    network.carry(view)
    while len(responders.bridges) < len(view.networks):
        await deferLater(reactor, 0.01)
    await network.stop()
    await host.purge()


def make_begun_trunk(threads: PooledThreads) -> Trunk:
    """Its keys are read as it is made, which is done before the reactor runs."""
    keys = make_certificate("c0", datetime.now(UTC), 1)
    settings = TrunkSettings(
        cluster="c0", key_pem=keys.key_pem, certificate_pem=keys.certificate_pem
    )
    trunk = make_trunk(reactor, settings, Random(1), threads)
    trunk.startService()
    return trunk


async def head(trunk: Trunk, threads: PooledThreads, view: View) -> None:
    """A head does."""
    host = host_in(threads)
    await host.apply(view)
    trunk.apply(view)
    while len(trunk.report().networks) < len(view.networks):
        await deferLater(reactor, 0.01)
    trunk.apply(evolve(view, networks={}))
    await host.purge()


async def main(view: View) -> bool:
    pool = ThreadPool(0, 4)
    pool.start()
    threads = PooledThreads(reactor, pool)
    is_good = True
    trunk = make_begun_trunk(threads)
    try:
        for name, begin, seen in (
            ("node", node, view),
            ("head", partial(head, trunk), evolve(view, here="c0n0")),
        ):
            # What is imported when it is first used is no part of it.
            await begin(threads, evolve(seen, networks={1: seen.networks[1]}))
            steps, began = Steps(), perf_counter()
            try:
                await begin(threads, seen)
            finally:
                step_ms = steps.stop() * MS
            print(
                f"{name}, {NETWORKS} networks: {perf_counter() - began:.1f} s with "
                f"their end; longest step of the reactor: {step_ms:.1f} ms of CPU, "
                f"bound {MOST_STEP_MS:.0f} ms"
            )
            is_good &= step_ms < MOST_STEP_MS
    finally:
        trunk.stopService()
        pool.stop()
    return is_good


def run() -> int:
    if os.geteuid() != 0:
        print("needs root, for a network namespace: not measured")
        return 0
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        print(f"no network namespace: {os.strerror(ctypes.get_errno())}")
        return 1
    # As a daemon does; only then is a program started without a copy of us.
    os.chdir("/")
    results: list[bool] = []
    failures: list[Any] = []

    def start() -> None:
        running = Deferred.fromCoroutine(main(site()))
        running.addCallbacks(results.append, failures.append)
        running.addBoth(lambda _: reactor.stop())

    settle_memory()
    reactor.callWhenRunning(start)
    reactor.run()
    if failures:
        print(failures[0].getTraceback())
    return 0 if results == [True] else 1


if __name__ == "__main__":
    sys.exit(run())
