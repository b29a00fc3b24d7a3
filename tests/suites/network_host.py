"""What every L{INetworkHost} does."""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from euca_tw.model.networks import Carried, View
from euca_tw.vnet.interfaces import INetworkHost
from tests.vnet.views import carried, knowing, machines, view

_SITE = machines("x0", "x1", "x2", "y0", "y1")


def views() -> tuple[tuple[str, View], ...]:
    """Views of one node and one head each, as a sentence says."""

    def of(here: str, *networks: Carried) -> View:
        made = view(here, _SITE, *networks)
        # A head that spans clusters hands things to others, too.
        spans = any(each.machine == "y1" for n in networks for each in n.members)
        return knowing(made, n1="xy", n3="x", n4="y", n5="y") if spans else made

    return tuple(
        (f"{what}, {here}", of(here, *networks))
        for here in ("x1", "x0")
        for what, networks in (
            ("one network", (carried(1, "x1"),)),
            ("another beside it", (carried(1, "x1"), carried(2, "x1", "x2"))),
            ("one with a member more", (carried(1, "x1", "x2"), carried(2, "x1"))),
            ("one that spans clusters", (carried(1, "x1", "y1"), carried(3, "x1"))),
            ("none but the last", (carried(3, "x1"),)),
        )
    )


def make_inetworkhost_tests(
    factory: Callable[[TestCase], INetworkHost],
) -> type[TestCase]:
    """
    @param factory: makes a host of a machine on which there is nothing of ours,
        and adds to the test whatever cleans up after it.
    """

    class NetworkHostTests(TestCase):
        def setUp(self) -> None:
            self.host = factory(self)

        def test_interface(self) -> None:
            """It provides L{INetworkHost}."""
            verifyObject(INetworkHost, self.host)

        async def purged(self) -> list[str]:
            """What was removed of networks; rules are there for all of them."""
            removed = await self.host.purge()
            return [line for line in removed if line.startswith("network ")]

        async def test_nothing(self) -> None:
            """Where nothing is carried, there is nothing to remove."""
            self.assertEqual(await self.host.purge(), ())
            await self.host.apply(view("x1", _SITE))
            self.assertEqual(await self.purged(), [])

        async def test_machine_alone(self) -> None:
            """A view of no networks needs to know no machine."""
            await self.host.apply(View(here="x1"))

        async def test_purged(self) -> None:
            """What is carried is removed, and said, once."""
            await self.host.apply(view("x1", _SITE, carried(1, "x1"), carried(2, "x1")))
            said = " ".join(await self.host.purge())
            self.assertIn("network 1", said)
            self.assertIn("network 2", said)
            self.assertEqual(await self.host.purge(), ())

        async def test_no_more(self) -> None:
            """What is no more in the view is not carried any more."""
            await self.host.apply(view("x1", _SITE, carried(1, "x1"), carried(2, "x1")))
            await self.host.apply(view("x1", _SITE, carried(2, "x1")))
            said = " ".join(await self.host.purge())
            self.assertNotIn("network 1", said)
            self.assertIn("network 2", said)

        async def test_last(self) -> None:
            """When the last network is gone, nothing is left."""
            await self.host.apply(view("x1", _SITE, carried(1, "x1")))
            await self.host.apply(view("x1", _SITE))
            self.assertEqual(await self.purged(), [])

        async def test_after_purge(self) -> None:
            """What was removed can be carried again."""
            one = view("x1", _SITE, carried(1, "x1"))
            await self.host.apply(one)
            await self.host.purge()
            await self.host.apply(one)
            self.assertEqual(len(await self.purged()), 1)

        async def test_from_each_to_each(self) -> None:
            """Whatever is carried, anything else can be, and again the same."""
            for _, first in views():
                for _, second in views():
                    await self.host.apply(first)
                    await self.host.apply(second)
                    await self.host.apply(second)
            self.assertEqual(len(await self.purged()), 1)

    return NetworkHostTests
