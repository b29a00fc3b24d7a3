"""Tests of L{euca_tw.vnet.managed}."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.model.networks import Carried, Machine, Member, Network, Role, View
from euca_tw.nodectl.interfaces import IManagedNetwork, Lease, NetworkFailed
from euca_tw.vnet.managed import ManagedNodeNetwork
from euca_tw.vnet.memory import MemoryNetworkHost, MemoryResponders
from tests.model.test_metadata import METADATA
from tests.suites.node_network import LEASE, OTHER, make_inodenetwork_tests

HERE = "http://node/"
LONG = evolve(LEASE, instance_id="i-0123456789abcdef0")
HEIR = evolve(OTHER, private_ip=LEASE.private_ip)


def member(lease: Lease, number: int = 7) -> Member:
    return Member(
        instance_id=lease.instance_id,
        network=number,
        mac_address=lease.mac_address,
        private_ip=IPv4Address(lease.private_ip),
        machine=HERE,
    )


def view(*leases: Lease, numbers: tuple[int, ...] = (7,)) -> View:
    """Of this machine, where these are in the first of the networks."""
    here = Machine(
        name=HERE, cluster="a", role=Role.NODE, address=IPv4Address("192.0.2.1")
    )
    members = {numbers[0]: frozenset(member(each, numbers[0]) for each in leases)}
    return View(
        here=HERE,
        machines={HERE: here},
        networks={
            number: Carried(
                network=Network(
                    number=number, subnet=IPv4Network((f"10.231.{number - 7}.0", 24))
                ),
                members=members.get(number, frozenset()),
            )
            for number in numbers
        },
    )


def managed(clock: Clock | None = None, **given: Any) -> ManagedNodeNetwork:
    return ManagedNodeNetwork(
        **{
            "host": MemoryNetworkHost(),
            "responders": MemoryResponders(),
            "metadata_of": {METADATA.private_ip: METADATA}.get,
            "clock": clock or Clock(),
            "random": Random(1),
            **given,
        }
    )


class Told(ManagedNodeNetwork):
    """
    One that is told of whatever instance is attached: the suite's instances come
    and go without a word from above.
    """

    async def attach(self, lease: Lease) -> Any:
        self.carry(view(lease, *self.leases))
        if not self._is_started:
            # The suite attaches before the start too, and does not wait for it.
            await self.start()
        return await super().attach(lease)


def told(case: object) -> ManagedNodeNetwork:
    return Told(
        host=MemoryNetworkHost(),
        responders=MemoryResponders(),
        metadata_of=lambda private_ip: None,
        clock=Clock(),
        random=Random(1),
    )


class ManagedSuiteTests(make_inodenetwork_tests(told)):  # type: ignore[misc]
    """The suite, where whatever is attached was told of."""


class ManagedTests(SynchronousTestCase):
    """L{ManagedNodeNetwork}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.host, self.responders = MemoryNetworkHost(), MemoryResponders()
        self.network = managed(self.clock, host=self.host, responders=self.responders)
        self.start()

    def start(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.network.start()))

    def attach(self, lease: Lease = LEASE) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.network.attach(lease))

    def refused(self, attached: Deferred[Any]) -> str:
        return str(self.failureResultOf(attached, NetworkFailed).value)

    def test_interface(self) -> None:
        """It provides L{IManagedNetwork}."""
        verifyObject(IManagedNetwork, self.network)

    def test_waits(self) -> None:
        """An instance has its card when its network is there, and no sooner."""
        attached = self.attach()
        self.network.carry(view(OTHER))
        self.assertNoResult(attached)
        self.network.carry(view(OTHER, LEASE))
        nic = self.successResultOf(attached)
        self.assertEqual((nic.bridge, nic.target), ("evb000007", "vn_i-3f2504e0"))

    def test_says_what_it_waits_for(self) -> None:
        """Who waits for long is told what for."""
        attached = self.attach()
        self.clock.advance(self.network.wait_s)
        said = self.refused(attached)
        self.assertIn(f"{LEASE.instance_id} has no network on this machine yet", said)
        self.host.trouble = "no bridges"
        self.network.carry(view(LEASE))
        self.assertEqual(self.refused(self.attach()), "no bridges")

    def test_trouble_while_waiting(self) -> None:
        """Who waits when it fails is told at once."""
        attached = self.attach()
        self.host.trouble = "no bridges"
        self.network.carry(view(LEASE))
        self.assertEqual(self.refused(attached), "no bridges")

    def test_no_address(self) -> None:
        """A card without an address is refused, and so is one with another's."""
        self.network.carry(view(LEASE))
        bare = evolve(LEASE, private_ip="")
        self.assertIn("no private address", self.refused(self.attach(bare)))
        other = evolve(LEASE, private_ip="10.231.0.9")
        self.assertIn("it is 10.231.0.2", self.refused(self.attach(other)))

    def test_served_apart(self) -> None:
        """On each bridge those of its network are answered, and no others."""
        self.network.carry(view(LEASE, numbers=(7, 8)))
        self.successResultOf(self.attach())
        for bridge, is_own in (("evb000007", True), ("evb000008", False)):
            lease_of, metadata_of, lease_at = self.responders.serving[bridge]
            found = lease_of(LEASE.mac_address)
            self.assertEqual(found is not None, is_own)
            self.assertEqual(metadata_of(METADATA.private_ip) is not None, is_own)
            self.assertEqual(lease_at(LEASE.private_ip), found)
            if found is not None:
                self.assertEqual(found, evolve(LEASE, mtu=1450))

    def test_ceases(self) -> None:
        """What is carried no more is answered no more, before it goes."""
        self.network.carry(view(LEASE, numbers=(7, 8)))
        self.network.carry(view(LEASE))
        self.assertEqual({*self.responders.serving}, {"evb000007"})
        self.successResultOf(Deferred.fromCoroutine(self.network.stop()))
        self.assertEqual(self.responders.serving, {})
        self.assertEqual(self.host.view, view(LEASE))

    def test_many(self) -> None:
        """Very many networks are answered on a few at a time: others have turns."""
        numbers = tuple(range(7, 107))
        self.network.carry(view(LEASE, numbers=numbers))
        attached, counts = self.attach(), []
        while len(self.responders.serving) < len(numbers):
            counts.append(len(self.responders.serving))
            self.clock.advance(0)
        self.assertLessEqual(max(b - a for a, b in pairwise((0, *counts))), 16)
        self.successResultOf(attached)

    def test_stopped_amid_many(self) -> None:
        """Stopped while it begins to answer, it answers nobody."""
        self.network.carry(view(LEASE, numbers=tuple(range(7, 107))))
        self.successResultOf(Deferred.fromCoroutine(self.network.stop()))
        self.clock.advance(0)
        self.assertEqual(self.responders.serving, {})

    def test_started_again(self) -> None:
        """Started again, it answers where it did."""
        self.network.carry(view(LEASE))
        self.successResultOf(Deferred.fromCoroutine(self.network.stop()))
        self.start()
        self.assertEqual({*self.responders.serving}, {"evb000007"})

    def test_cannot_serve(self) -> None:
        """A network that cannot be served is tried again."""
        self.responders.trouble = "the port is taken"
        self.network.carry(view(LEASE))
        self.assertEqual(self.refused(self.attach()), "the port is taken")
        self.responders.trouble = ""
        self.clock.advance(1)
        self.successResultOf(self.attach())
        self.assertEqual({*self.responders.serving}, {"evb000007"})

    def test_one_refused(self) -> None:
        """A network that cannot be carried keeps no instance of others waiting."""
        other = evolve(member(OTHER, 8), private_ip=IPv4Address("10.231.1.2"))
        seen = view(LEASE, numbers=(7, 8))
        eight = evolve(seen.networks[8], members=frozenset({other}))
        seen = evolve(seen, networks={**seen.networks, 8: eight})
        self.host.refuses = {8: "a stranger's link"}
        self.network.carry(seen)
        self.successResultOf(self.attach())
        self.assertEqual(self.refused(self.attach(OTHER)), "a stranger's link")
        self.assertEqual({*self.responders.serving}, {"evb000007"})
        self.host.refuses = {}
        self.clock.advance(1)
        self.assertEqual({*self.responders.serving}, {"evb000007", "evb000008"})

    def test_not_its_trouble(self) -> None:
        """Who waits is not told of a network that it is not in."""
        self.host.refuses = {8: "a stranger's link"}
        self.network.carry(view(LEASE, numbers=(7, 8)))
        attached = self.attach(OTHER)
        self.assertNoResult(attached)
        self.network.carry(view(LEASE, OTHER, numbers=(7, 8)))
        self.successResultOf(attached)
        late = self.attach(LONG)
        self.clock.advance(self.network.wait_s)
        self.assertIn("has no network on this machine yet", self.refused(late))

    def test_refused_later(self) -> None:
        """Who is in a network that cannot be carried any more is answered still."""
        self.network.carry(view(LEASE))
        self.successResultOf(self.attach())
        self.host.refuses = {7: "a stranger's link"}
        self.network.carry(view(LEASE, OTHER))
        lease_of, _, _ = self.responders.serving["evb000007"]
        self.assertIsNotNone(lease_of(LEASE.mac_address))
        self.assertEqual(self.refused(self.attach(OTHER)), "a stranger's link")
        self.network.carry(view(OTHER))
        self.assertIsNone(lease_of(LEASE.mac_address))

    def test_mended(self) -> None:
        """Bridges that were made anew are answered on again."""
        self.network.carry(view(LEASE, numbers=(7, 8)))
        del self.responders.serving["evb000007"]
        self.network.mended()
        self.assertEqual({*self.responders.serving}, {"evb000007", "evb000008"})

    def test_detached(self) -> None:
        """Who is detached is answered no more."""
        self.network.carry(view(LEASE))
        self.successResultOf(self.attach())
        self.successResultOf(
            Deferred.fromCoroutine(self.network.detach(LEASE.instance_id))
        )
        lease_of, metadata_of, _ = self.responders.serving["evb000007"]
        self.assertIsNone(lease_of(LEASE.mac_address))
        self.assertIsNone(metadata_of(LEASE.private_ip))
