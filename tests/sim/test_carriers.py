"""Tests for L{euca_tw.sim.carriers}."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import Carried, Member, Network, View
from euca_tw.sim.carriers import Carriers

GROUPS = {"i-1": "web", "i-2": "web", "i-3": "db"}


def carried(**members: str) -> Carried:
    """A network with the cards of instances, by the last number of their addresses."""
    return Carried(
        network=Network(number=2, subnet=IPv4Network("10.1.0.0/24")),
        members=frozenset(
            Member(
                instance_id=instance_id,
                network=2,
                mac_address="d0:0d:00:00:00:01",
                private_ip=IPv4Address("10.1.0.0") + int(last.removeprefix("at_")),
                machine="a",
            )
            for last, instance_id in members.items()
        ),
    )


class CarriersTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.carriers = Carriers(GROUPS.get)

    def look(self, machine: str, network: Carried | None) -> list[str]:
        networks = {} if network is None else {2: network}
        return [*self.carriers.look(machine, View(here=machine, networks=networks))]

    def test_well(self) -> None:
        """One group's instances, on several machines, and then another's."""
        both = carried(at_1="i-1", at_2="i-2")
        self.assertEqual(self.look("a", both), [])
        self.assertEqual(self.look("b", both), [])
        for machine in ("a", "b"):
            self.assertEqual(self.look(machine, None), [])
        self.assertEqual(self.look("a", carried(at_1="i-3")), [])

    def test_two_groups(self) -> None:
        """A number that is used again before every machine has let it go is seen."""
        self.look("a", carried(at_1="i-1"))
        self.assertEqual(
            self.look("b", carried(at_1="i-3")), ["the network 2 is of db and web"]
        )

    def test_address_twice(self) -> None:
        """An address that a machine has for two instances is seen."""
        twice = carried(at_1="i-1", at_01="i-2")
        [what] = self.look("a", twice)
        self.assertEqual(what, "10.1.0.1 on a is i-1's and i-2's")

    def test_unknown(self) -> None:
        """Of whom nothing is known is in no group."""
        self.assertEqual(self.look("a", carried(at_1="i-1", at_2="i-9")), [])
