"""Tests of L{euca_tw.vnet.namespace_plan}."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv4Network

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.namespace_plan import (
    Address,
    Cable,
    Fact,
    Mtu,
    Namespace,
    NamespaceSettings,
    Plan,
    Route,
    Setting,
    Side,
    plan,
    ruleset,
    wanted,
)

SETTINGS = NamespaceSettings(
    name="euca_head",
    link=IPv4Network("172.30.255.252/30"),
    public=(IPv4Network("198.51.100.0/28"),),
)
FORWARDING = evolve(SETTINGS, forwards=True)
OTHERS = (
    SETTINGS,
    FORWARDING,
    evolve(SETTINGS, public=(), mtu=1550),
    evolve(SETTINGS, link=IPv4Network("192.168.77.0/30")),
)


def key_of(fact: Fact) -> object:
    """Of two with one key, the later takes the place of the earlier."""
    match fact:
        case Mtu(side):
            return Mtu, side
        case Setting(side, name):
            return name, side
        case Route(side, to):
            return to, side
    return fact


def is_on_cable(fact: Fact) -> bool:
    """It comes and goes with it."""
    if isinstance(fact, Setting):
        return "/conf/" in fact.name
    return isinstance(fact, Address | Route | Mtu)


def carried_out(to_do: Plan, found: frozenset[Fact]) -> frozenset[Fact]:
    """As a kernel does it."""
    there = {key_of(fact): fact for fact in found - {*to_do.gone}}
    for fact in to_do.come:
        if isinstance(fact, Cable):
            there = {k: f for k, f in there.items() if not is_on_cable(f)}
        there[key_of(fact)] = fact
    return frozenset(there.values())


@st.composite
def states(draw: st.DrawFn) -> frozenset[Fact]:
    """What may be there: what any settings want, whole or half made or broken."""
    facts = wanted(draw(st.sampled_from(OTHERS)))
    kept = frozenset(draw(st.sets(st.sampled_from(facts))))
    if Namespace() not in kept:
        return frozenset()
    if Cable() not in kept:
        return frozenset(each for each in kept if not is_on_cable(each))
    return kept


class PlanTests(SynchronousTestCase):
    """L{plan}."""

    @given(st.sampled_from(OTHERS), states())
    def test_reaches(self, settings: NamespaceSettings, found: frozenset[Fact]) -> None:
        """From whatever there is it comes to what shall be, and then rests."""
        shall = wanted(settings)
        made = carried_out(plan(shall, found), found)
        self.assertLessEqual({*shall}, made)
        entries = {each for each in made if isinstance(each, Address | Route)}
        self.assertLessEqual(entries, {*shall})
        self.assertEqual(plan(shall, made), Plan())

    def test_in_place(self) -> None:
        """What has changed alone is changed; what is right is left."""
        there = frozenset(wanted(SETTINGS))
        network = IPv4Network("203.0.113.0/24")
        other = evolve(SETTINGS, public=(network,))
        self.assertEqual(
            plan(wanted(other), there),
            Plan(
                gone=(Route(Side.MACHINE, *SETTINGS.public, SETTINGS.head),),
                come=(Route(Side.MACHINE, network, SETTINGS.head),),
            ),
        )

    def test_sides(self) -> None:
        """The machine has the first address of the cable's network, the head one."""
        shall = wanted(SETTINGS)
        machine = IPv4Interface("172.30.255.253/30")
        self.assertIn(Address(Side.MACHINE, machine), shall)
        head = IPv4Interface("172.30.255.254/30")
        self.assertIn(Address(Side.INSIDE, head), shall)
        self.assertEqual(SETTINGS.head, head.ip)


class RulesetTests(SynchronousTestCase):
    """L{ruleset}."""

    def test_closed(self) -> None:
        """
        What comes from the head reaches what carries networks, where the head sends
        it to, and nothing else of the machine or beyond it.
        """
        text = ruleset(SETTINGS)
        self.assertIn(
            "ip saddr 172.30.255.254 ip daddr 172.30.255.253 udp dport 4789 accept\n",
            text,
        )
        self.assertIn('iifname "euca_head" counter drop\n', text)
        self.assertIn('oifname "euca_head" counter drop\n', text)
        self.assertNotIn("masquerade", text)

    def test_forwards(self) -> None:
        """
        If the machine forwards, all leaves by it, the head as the machine; what comes
        in is for public addresses, or an answer, or led there by the site.
        """
        text = ruleset(FORWARDING)
        self.assertIn("ip daddr { 198.51.100.0/28 } accept\n", text)
        self.assertIn("ip daddr 172.30.255.254 ct status dnat accept\n", text)
        self.assertIn('oifname "euca_head" counter drop\n', text)
        self.assertIn("ip saddr 172.30.255.254 oifname", text)
        self.assertNotIn("ip daddr {", ruleset(evolve(FORWARDING, public=())))
