"""Tests of L{euca_tw.model.ranges}."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from hypothesis import given, settings
from hypothesis.strategies import booleans, integers, lists, sampled_from, tuples
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import LARGEST_NUMBER, Network
from euca_tw.model.ranges import Carving, Numbers

SMALL = Carving(IPv4Network("10.0.0.0/24"), 32)
#: Carvings of one range and of another, so that networks of one are not of others.
CARVINGS = (
    SMALL,
    Carving(IPv4Network("10.0.0.0/24"), 16),
    Carving(IPv4Network("10.0.0.128/25"), 8),
    Carving(IPv4Network("192.168.0.0/26"), 16),
)


class CarvingTests(SynchronousTestCase):
    """L{Carving}."""

    def test_places(self) -> None:
        """A range of 256 addresses has eight networks of 32."""
        self.assertEqual(SMALL.count, 8)
        first, last = SMALL.network(0), SMALL.network(7)
        self.assertEqual((first.number, str(first.subnet)), (1, "10.0.0.0/27"))
        self.assertEqual((last.number, str(last.subnet)), (8, "10.0.0.224/27"))

    def test_room(self) -> None:
        """All of a network's addresses are instances' but three."""
        network = SMALL.network(1)
        self.assertEqual(network.room, 29)
        given = [network.address(index) for index in range(network.room)]
        kept = (network.subnet.network_address, network.router)
        self.assertEqual(
            {*given, *kept, network.subnet.broadcast_address}, {*network.subnet}
        )
        self.assertEqual(given[0], IPv4Address("10.0.0.34"))

    def test_not_more_than_numbers(self) -> None:
        """A range has no more networks than there are numbers."""
        whole = Carving(IPv4Network("0.0.0.0/0"), 4)
        self.assertEqual(whole.count, LARGEST_NUMBER)
        self.assertEqual(whole.network(whole.count - 1).number, LARGEST_NUMBER)

    def test_refused(self) -> None:
        """What is no carving is refused, with why."""
        for size, why in ((24, "power of two"), (2, "4 or more"), (512, "no room")):
            with self.assertRaisesRegex(ValueError, why):
                Carving(SMALL.range, size)


class NumbersTests(SynchronousTestCase):
    """L{Numbers}."""

    def taken(self, numbers: Numbers) -> Network:
        network = numbers.free()
        assert network is not None
        numbers.take(network)
        return network

    def test_exhausted(self) -> None:
        """When all are taken there is none; when one is given back, that one."""
        numbers = Numbers(SMALL)
        given = [self.taken(numbers) for _ in range(8)]
        self.assertIsNone(numbers.free())
        numbers.give_back(given[3])
        self.assertEqual(numbers.free(), given[3])

    def test_rests(self) -> None:
        """What was given back is given again after all others."""
        numbers = Numbers(SMALL)
        first = self.taken(numbers)
        numbers.give_back(first)
        others = [self.taken(numbers) for _ in range(7)]
        self.assertNotIn(first, others)
        self.assertEqual(self.taken(numbers), first)

    @settings(deadline=None)
    @given(
        sampled_from(CARVINGS),
        lists(tuples(sampled_from(CARVINGS), integers(0, 3)), max_size=6),
        lists(booleans(), max_size=60),
    )
    def test_no_overlap_and_no_leak(
        self,
        carving: Carving,
        earlier: list[tuple[Carving, int]],
        does_give_back: list[bool],
    ) -> None:
        """
        Whatever networks of other carvings there are, and whatever is taken and
        given back: no two have a number or an address in common, and when all
        is given back all can be given.
        """
        numbers = Numbers(carving)
        there: dict[int, Network] = {}
        for other, place in earlier:
            network = other.network(place)
            if not any(collide(network, each) for each in there.values()):
                there[network.number] = network
                numbers.take(network)
        for is_back in does_give_back:
            if is_back and there:
                numbers.give_back(there.pop(next(iter(there))))
            elif (network := numbers.free()) is not None:
                self.assertFalse(any(collide(network, n) for n in there.values()))
                self.assertTrue(network.subnet.subnet_of(carving.range))
                there[network.number] = network
                numbers.take(network)
        for network in there.values():
            numbers.give_back(network)
        given = {self.taken(numbers).number for _ in range(carving.count)}
        self.assertEqual(len(given), carving.count)
        self.assertIsNone(numbers.free())


def collide(one: Network, other: Network) -> bool:
    return one.number == other.number or one.subnet.overlaps(other.subnet)
