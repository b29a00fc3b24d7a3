"""What every L{INodeNetwork} does."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from euca_tw.nodectl.interfaces import INodeNetwork, Lease

LEASE = Lease(
    instance_id="i-3f2504e0",
    mac_address="d0:0d:3f:25:04:e0",
    private_ip="10.231.0.2",
    prefix_length=24,
    router="10.231.0.1",
    nameservers=("10.231.0.1",),
    hostname="ip-10-231-0-2",
)
OTHER = evolve(
    LEASE,
    instance_id="i-00000010",
    mac_address="d0:0d:00:00:00:10",
    private_ip="10.231.0.3",
)


def make_inodenetwork_tests(
    factory: Callable[[TestCase], INodeNetwork],
) -> type[TestCase]:
    """
    @param factory: makes a network that is not started, and adds to the test
        whatever cleans up after it.
    """

    class NodeNetworkTests(TestCase):
        def setUp(self) -> None:
            self.network = factory(self)

        def test_interface(self) -> None:
            """It provides L{INodeNetwork}."""
            verifyObject(INodeNetwork, self.network)

        async def test_card(self) -> None:
            """An instance's card has its lease's MAC address and a bridge."""
            await self.network.start()
            nic = await self.network.attach(LEASE)
            self.assertEqual(nic.mac_address, LEASE.mac_address)
            self.assertTrue(nic.bridge)

        async def test_card_name_fits(self) -> None:
            """
            The kernel can take the names of cards and bridge, long
            identifiers' too.
            """
            await self.network.start()
            long = evolve(LEASE, instance_id="i-0123456789abcdef0")
            for nic in [await self.network.attach(each) for each in (LEASE, long)]:
                self.assertTrue(0 < len(nic.target) <= 15, nic.target)
                self.assertTrue(0 < len(nic.bridge) <= 15, nic.bridge)

        async def test_cards_differ(self) -> None:
            """Two instances have two cards on one bridge."""
            await self.network.start()
            one = await self.network.attach(LEASE)
            two = await self.network.attach(OTHER)
            self.assertNotEqual(one.target, two.target)
            self.assertEqual(one.bridge, two.bridge)

        async def test_attached_again(self) -> None:
            """An instance that is attached again keeps its card."""
            await self.network.start()
            first = await self.network.attach(LEASE)
            again = await self.network.attach(LEASE)
            self.assertEqual(first, again)

        async def test_attached_before_start(self) -> None:
            """A node may say which instances it has before it serves them."""
            before = await self.network.attach(LEASE)
            await self.network.start()
            self.assertEqual(before, await self.network.attach(LEASE))

        async def test_detached(self) -> None:
            """A detached instance can be attached anew."""
            await self.network.start()
            first = await self.network.attach(LEASE)
            await self.network.detach(LEASE.instance_id)
            self.assertEqual(first, await self.network.attach(LEASE))

        async def test_address_goes_on(self) -> None:
            """The end of an instance does not touch its address's next owner."""
            await self.network.start()
            await self.network.attach(LEASE)
            heir = evolve(OTHER, private_ip=LEASE.private_ip)
            nic = await self.network.attach(heir)
            await self.network.detach(LEASE.instance_id)
            self.assertEqual(nic, await self.network.attach(heir))

        async def test_detach_unknown(self) -> None:
            """Nothing happens when an instance is detached that is not served."""
            await self.network.start()
            await self.network.detach("i-ffffffff")
            await self.network.detach("i-ffffffff")

        async def test_started_twice(self) -> None:
            """What is there already is kept."""
            await self.network.start()
            nic = await self.network.attach(LEASE)
            await self.network.start()
            self.assertEqual(nic, await self.network.attach(LEASE))

        async def test_restarted(self) -> None:
            """It can be stopped, twice, and started again."""
            await self.network.start()
            nic = await self.network.attach(LEASE)
            await self.network.stop()
            await self.network.stop()
            await self.network.start()
            self.assertEqual(nic, await self.network.attach(LEASE))

        async def test_stopped_unstarted(self) -> None:
            """Stopping what was never started is nothing."""
            await self.network.stop()

    return NodeNetworkTests
