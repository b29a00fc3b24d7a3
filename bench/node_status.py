"""
What it takes a node to tell of all its instances, against libvirt alone.

A real node controller with 200 instances, on the driver that libvirt has for
tests: in this process, and, where that can be run, behind a libvirtd of its own,
asked over its socket as a real one is.  All of one run, kinds taking turns.  A
report is a look at all domains, with what the node makes of it, and the answer to
the cluster controller's question, written and signed.  Beside it stands what
libvirt needs to list the same domains and tell each one's state.  A step is what
the reactor does before it looks at its sockets again.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from time import perf_counter, process_time, thread_time
from typing import Any

import libvirt
from attrs import define, evolve, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SkipTest

from bench.soap import asked_by_soap
from euca_tw.admin.daemon import settle_memory
from euca_tw.api import node as api
from euca_tw.api.encode import element
from euca_tw.api.shapes import shape_of
from euca_tw.common.asked import Asked
from euca_tw.common.certificates import make_certificate
from euca_tw.common.in_thread import PooledThreads
from euca_tw.nodectl.domain_xml import (
    domain_xml,
)
from euca_tw.nodectl.hooks import NoHooks
from euca_tw.nodectl.interfaces import DomainSpec
from euca_tw.nodectl.libvirt import LibvirtHypervisor
from euca_tw.nodectl.libvirt_events import deliver_events
from euca_tw.nodectl.life import Life
from euca_tw.nodectl.machines import (
    QEMU,
)
from euca_tw.nodectl.memory import MemoryInstanceStore
from euca_tw.nodectl.node import NodeController
from euca_tw.nodectl.records import HostedInstance
from euca_tw.nodectl.settings import NodeSettings
from euca_tw.soap.addressing import ACTION, MESSAGE_ID, RECIPIENT, TO
from euca_tw.soap.door import SoapDoor, tier_door
from euca_tw.soap.envelope import SOAP_11
from euca_tw.soap.keys import Identity, load_identity
from euca_tw.soap.signing import signed
from euca_tw.store.interfaces import Put
from euca_tw.store.memory import MemoryStore
from euca_tw.vnet.memory import MemoryNodeNetwork
from tests.fakes.launches import launch
from tests.functional import libvirtd

DOMAINS = 200
ROUNDS = 40
MOST_MS = 20.0
MOST_STEP_MS = 10.0
MACHINE = evolve(QEMU, domain_type="test", arch="i686")
NOW = datetime.now(UTC)
PATH = "/axis2/services/EucalyptusNC"


@define
class Steps:
    """
    The longest of the reactor's steps, in milliseconds, of each time; its
    thread's own time, so that what else the machine does counts for little.

    @ivar is_watched: what the reactor does now is to be counted.
    """

    longest: list[float] = field(factory=list)
    is_watched: bool = False

    def install(self) -> None:
        """Have the reactor's steps measured from now on."""
        run = reactor.runUntilCurrent  # type: ignore[attr-defined]

        def measured() -> None:
            began = thread_time()
            run()
            if self.is_watched:
                took = (thread_time() - began) * 1000
                self.longest[-1] = max(self.longest[-1], took)

        reactor.runUntilCurrent = measured  # type: ignore[attr-defined]

    async def begin(self) -> None:
        """One more time begins, with the next step."""
        await deferLater(reactor, 0.001)
        self.longest.append(0.0)
        self.is_watched = True

    async def end(self) -> None:
        """It has ended, with this step."""
        await deferLater(reactor, 0.001)
        self.is_watched = False


@define
class Times:
    """
    Milliseconds of each time: on the wall, and of this process' processors,
    which is what counts.
    """

    wall: list[float] = field(factory=list)
    cpu: list[float] = field(factory=list)

    @contextmanager
    def one(self) -> Iterator[None]:
        """What happens inside is once more."""
        wall, cpu = perf_counter(), process_time()
        yield
        self.wall.append((perf_counter() - wall) * 1000)
        self.cpu.append((process_time() - cpu) * 1000)

    def __str__(self) -> str:
        return f"{self.typical:7.2f} ms of CPU ({min(self.wall):6.2f} at best)"

    @property
    def typical(self) -> float:
        """Of processors."""
        return statistics.median(self.cpu)


@define(eq=False)
class Node:
    """A node controller with all its instances running, and its door."""

    driver: Any
    controller: NodeController
    hypervisor: LibvirtHypervisor
    door: SoapDoor
    identity: Identity
    _numbers: Iterator[int] = field(factory=count, init=False)

    async def look(self) -> None:
        """Every domain is listed, and the node makes of it what it means."""
        guests = self.controller._guests
        guests._are_all_due = True
        await guests._look_once()

    async def answer(self, asked: Asked) -> bytes:
        """All that there is, as the cluster controller gets it."""
        reply = await self.door.answer(asked)
        body = b"".join(reply.body)
        assert reply.status == 200, body
        return body

    def question(self) -> Asked:
        """Of a cluster controller that knows nothing yet."""
        request = api.NcWaitForChanges(since=0, timeout_s=1)
        version = api.NODE.versions[-1]
        name = api.NC_WAIT_FOR_CHANGES.name
        namespace = api.NODE.namespace_of(version)
        entry = element(name, namespace, shape_of(type(request)), version, request)
        number = next(self._numbers)
        headers = [
            (TO, PATH),
            (ACTION, f"{api.NODE.name}#{name}"),
            (MESSAGE_ID, f"urn:uuid:{number}"),
            (RECIPIENT, self.identity.fingerprint),
        ]
        # A message is taken once: each has another moment.
        at = NOW + timedelta(milliseconds=number)
        document = signed(SOAP_11, headers, entry, self.identity, at)
        return asked_by_soap(document, PATH.encode())

    def bare(self) -> None:
        """What nobody can do without who asks libvirt domain by domain."""
        for domain in self.driver.listAllDomains(0):
            domain.info()


async def made(uri: str) -> Node:
    """One whose instances run and are known."""
    deliver_events()
    driver = libvirt.open(uri)
    store = MemoryStore()
    for number in range(1, DOMAINS + 1):
        asked = launch(number, mac_address="d0:0d:00:00:00:01", private_ip=None)
        record = HostedInstance(
            instance_id=asked.instance_id,
            launch=asked,
            life=Life.RUNNING,
            has_run=True,
            began_at=NOW,
        )
        await store.commit(Put(record))
        driver.createXML(domain_xml(a_domain(number), MACHINE, "euca_tw"), 0)
    hypervisor = LibvirtHypervisor(
        reactor=reactor,  # type: ignore[arg-type]
        random=Random(1),
        uri=uri,
        machine=MACHINE,
    )
    pair = make_certificate("bench", NOW, 1)
    identity = load_identity(pair.key_pem, pair.certificate_pem)
    controller = NodeController(
        url=f"http://node{PATH}",
        store=store,
        hypervisor=hypervisor,
        instances=MemoryInstanceStore(reactor, {}, 10000),  # type: ignore[arg-type]
        network=MemoryNodeNetwork(),
        hooks=NoHooks(),
        clock=reactor,  # type: ignore[arg-type]
        random=Random(1),
        settings=NodeSettings(cores=DOMAINS, memory_mib=DOMAINS << 10),
    )
    door = tier_door(
        api.NODE,
        controller.dispatch,
        identity,
        {identity.certificate: "cluster"},
        reactor,  # type: ignore[arg-type]
        lambda: "a" * 36,
        in_thread=PooledThreads(
            reactor,
            reactor.getThreadPool(),  # type: ignore[attr-defined]
        ),
    )
    controller.startService()
    node = Node(driver, controller, hypervisor, door, identity)
    while len(controller._guests.guests) < DOMAINS:
        await deferLater(reactor, 0.05)
    await deferLater(reactor, 1)
    # As every daemon does.
    settle_memory()
    return node


def a_domain(number: int) -> DomainSpec:
    name = f"i-{number:08x}"
    return DomainSpec(
        name=name,
        uuid=f"5a5a5a5a-0000-4000-8000-0000{name[2:]}",
        cores=1,
        memory_mib=1,
        disks=(),
        nics=(),
        console="/nowhere",
    )


async def measured(kind: str, uri: str) -> bool:
    """Print what a report takes; whether that is little enough."""
    node = await made(uri)
    looking, answering, bare, steps = Times(), Times(), Times(), Steps()
    steps.install()
    size = 0
    for _ in range(ROUNDS):
        with bare.one():
            node.bare()
        asked = node.question()
        await steps.begin()
        with looking.one():
            await node.look()
        # The question comes by itself, and not in the step in which the look ends.
        await deferLater(reactor, 0.001)
        with answering.one():
            size = len(await node.answer(asked))
        await steps.end()
    await node.controller.stopService()
    node.driver.close()
    took, step = looking.typical + answering.typical, statistics.median(steps.longest)
    ratio = min(looking.wall) / min(bare.wall)
    print(f"{DOMAINS} instances, libvirt's driver for tests {kind}")
    print(f"{bare}  libvirt alone: listAllDomains, and info() of each")
    print(f"{looking}  a look at all; at best, of libvirt alone {ratio:.2f}")
    print(f"{answering}  the answer, {size >> 10} KiB, written and signed")
    print(f"{took:7.2f} ms of CPU  the report, both; required: <= {MOST_MS:g}")
    print(f"{step:7.2f} ms of CPU  the reactor's longest step", end="")
    print(f" (once {max(steps.longest):.2f}); required: <= {MOST_STEP_MS:g}")
    return took <= MOST_MS and step <= MOST_STEP_MS


async def all_measured() -> bool:
    """Print the tables; whether all is as is required."""
    is_fine = await measured("in this process", "test:///default")
    try:
        sandbox = libvirtd.Libvirtd.start()
    except SkipTest as why:
        print(f"not behind a libvirtd: {why}")
        return is_fine
    try:
        uri = sandbox.uri.replace("qemu+unix:///system", "test+unix:///default")
        return await measured("behind a libvirtd", uri) and is_fine
    finally:
        sandbox.stop()


def main() -> int:
    """The exit status."""
    found: list[Any] = []

    def begin() -> None:
        measuring = Deferred.fromCoroutine(all_measured())
        measuring.addBoth(found.append)
        measuring.addBoth(lambda _: reactor.stop())  # type: ignore[attr-defined]

    reactor.callWhenRunning(begin)  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]
    if isinstance(found[0], bool):
        return 0 if found[0] else 1
    print(found[0].getTraceback(), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
