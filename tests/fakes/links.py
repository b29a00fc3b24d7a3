"""
The links of a machine that are all in memory, with what a kernel does by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from attrs import Factory, define, evolve
from zope.interface import implementer

from euca_tw.vnet.interfaces import ILinks, NetworkFailed
from euca_tw.vnet.link_diff import Drop, Make, Mend, Plug, Put, Step, Unmake
from euca_tw.vnet.link_records import (
    Address,
    Bridge,
    Entry,
    Forward,
    Link,
    Neighbour,
    Other,
    Pin,
    Route,
    Segment,
    Tap,
    Vxlan,
    number_of,
)


@implementer(ILinks)
@define(eq=False)
class MemoryLinks:
    """
    @ivar links: ours, by name.
    @ivar strangers: names of links of others.
    @ivar cards: of instances: the bridge that each is a port of, or C{""}.
    @ivar told: every step that was carried out.
    @ivar looks: how often all was listed.
    @ivar trouble: why steps fail; C{""} if they do not.
    """

    links: dict[str, Link] = Factory(dict)
    entries: set[Entry] = Factory(set)
    strangers: set[str] = Factory(set)
    cards: dict[str, str] = Factory(dict)
    forwards: bool = False
    told: list[Step] = Factory(list)
    looks: int = 0
    trouble: str = ""

    def add(self, found: Mapping[int, Segment]) -> None:
        """Have what is found, whoever made it."""
        for segment in found.values():
            self.links.update((link.name, link) for link in segment.links)
            self.entries |= segment.entries
            self.strangers |= segment.strangers

    def look(self) -> Mapping[int, Segment]:
        self.looks += 1
        numbers = {number_of(name) for name in (*self.links, *self.strangers)}

        def segment(number: int) -> Segment:
            links = {
                n: link for n, link in self.links.items() if number_of(n) == number
            }
            return Segment(
                links=frozenset(links.values()),
                entries=frozenset(e for e in self.entries if e.link in links),
                strangers=frozenset(
                    n for n in self.strangers if number_of(n) == number
                ),
            )

        return {number: segment(number) for number in numbers if number is not None}

    def loose(self, names: Collection[str]) -> frozenset[str]:
        return frozenset(
            card for card, bridge in self.cards.items() if card in names and not bridge
        )

    def carry_out(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if self.trouble:
                raise NetworkFailed(self.trouble)
            self.told.append(step)
            match step:
                case Make(link) | Mend(link):
                    self._set(link, is_new=isinstance(step, Make))
                case Unmake(name):
                    self._unmake(name)
                case Put(entry):
                    self._put(entry)
                case Drop(entry):
                    self._drop(entry)
                case Plug(card, bridge):
                    assert isinstance(self.links[bridge], Bridge)
                    if card in self.cards:
                        self.cards[card] = bridge

    def forward(self) -> None:
        self.forwards = True

    def _set(self, link: Link, *, is_new: bool) -> None:
        before = self.links.get(link.name)
        assert (before is None) == is_new, f"{link.name}: {before}"
        assert link.name not in self.strangers, link.name
        if isinstance(link, Vxlan | Tap):
            assert link.bridge in self.links, link.bridge
            if isinstance(before, Vxlan | Tap) and before.bridge != link.bridge:
                self._leave(link.name)
        assert before is None or type(before) is type(link)
        if isinstance(before, Bridge) and before.mac_address != link.mac_address:
            self.entries -= {
                each
                for each in self.entries
                if isinstance(each, Neighbour) and each.link == link.name
            }
        self.links[link.name] = link

    def _leave(self, port: str) -> None:
        """A port leaves its bridge."""
        self.entries -= {
            e for e in self.entries if isinstance(e, Pin) and e.port == port
        }

    def _unmake(self, name: str) -> None:
        del self.links[name]
        self.cards |= {card: "" for card, on in self.cards.items() if on == name}
        self._leave(name)
        self.entries = {entry for entry in self.entries if entry.link != name}
        for port, link in self.links.items():
            if isinstance(link, Vxlan | Tap) and link.bridge == name:
                self.links[port] = evolve(
                    link, bridge="", learns=True, suppresses=False
                )

    def _put(self, entry: Entry) -> None:
        link = self.links[entry.link]
        assert not isinstance(link, Other)
        if isinstance(entry, Forward):
            assert isinstance(link, Vxlan), link
        if isinstance(entry, Pin):
            port = self.links[entry.port]
            assert isinstance(port, Vxlan | Tap), port
            assert port.bridge == entry.link, port
        if isinstance(entry, Route):
            assert link.is_up, link
            assert self._has(entry), entry
            # What goes by another machine is less than what is on the link.
            assert entry.by is not None or all(
                (each.link, each.to) != (entry.link, entry.to)
                for each in self.entries
                if isinstance(each, Route)
            ), entry
        self.entries = {each for each in self.entries if each.key != entry.key}
        self.entries.add(entry)

    def _has(self, route: Route) -> bool:
        return any(
            isinstance(entry, Address) and entry.interface.ip == route.source
            for entry in self.entries
        )

    def _drop(self, entry: Entry) -> None:
        self.entries.discard(entry)
        # A route goes with its source.
        self.entries = {
            each
            for each in self.entries
            if not isinstance(each, Route) or self._has(each)
        }
