"""
All that is known of networks, and what of it concerns whom.

Pure.  Who tells another (the cloud its clusters, a cluster its nodes and its head)
has one L{Chart} and follows a L{Place} for each; what changes in the chart comes
out as what there is to tell to each place.
"""

# Note [Topics]
#
# Every entry has topics, and so has every place; what has one in common concerns
# it.  A place that carries a network has its topic, and so have the network, its
# members, and the machines that carry it.  A change touches the topics of a few
# entries and places, and only what has one of these is looked at: so the work is
# that of the change, however much there is.

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum, auto
from ipaddress import IPv4Address
from typing import Any, TypeAlias

from attrs import Factory, define, frozen

from euca_tw.model.networks import (
    Elastic,
    Extent,
    Group,
    Machine,
    Member,
    Network,
    Role,
    TrunkEnd,
)
from euca_tw.overlay.entries import (
    Difference,
    Entry,
    elastic_key,
    group_key,
    key_of,
    machine_key,
)

#: See Note [Topics].
Topic: TypeAlias = tuple[str, "str | int"]
#: Where members are: C{("machine", name)}, C{("cluster", name)}.
_Where: TypeAlias = tuple[str, str]

#: Of the ends of trunks.
ENDS: Topic = ("ends", "")
#: Of all clusters' heads, and of where each network is.
HEADS: Topic = ("heads", "")
EXTENTS: Topic = ("extents", "")


class Scope(Enum):
    """
    How much a place is told.

    CLUSTER: all that concerns its instances.  HEAD: of a cluster; it routes, and
    judges nothing, so of no security groups.  NODE: of the instances on it.
    """

    CLUSTER = auto()
    HEAD = auto()
    NODE = auto()


@frozen
class Place:
    """@ivar name: of a machine if it is a NODE, else of a cluster."""

    scope: Scope
    name: str

    @property
    def where(self) -> _Where:
        return ("machine" if self.scope is Scope.NODE else "cluster", self.name)


@define(eq=False)
class _Here:
    """
    The members at one machine, or in one cluster, counted.

    @ivar counts: by what they have: C{("network", number)}, C{("group", id)}.
    """

    counts: dict[Topic, int] = Factory(dict)

    def count(self, member: Member, by: int, turned: set[Topic]) -> None:
        """@param turned: of what there is the first now, or no more any; or not."""
        self._count(("network", member.network), by, turned)
        for group in member.groups:
            self._count(("group", group), by, turned)

    def _count(self, topic: Topic, by: int, turned: set[Topic]) -> None:
        before = self.counts.get(topic, 0)
        if not before or not before + by:
            # What comes to be there once more has not changed.
            turned ^= {topic}
        if before + by:
            self.counts[topic] = before + by
        else:
            del self.counts[topic]


@define(eq=False)
class _Told:
    """@ivar entries: that concern the place, by key."""

    topics: frozenset[Topic] = frozenset()
    entries: dict[str, Entry] = Factory(dict)


@define(eq=False)
class Chart:
    """@ivar entries: all, by key."""

    entries: dict[str, Entry] = Factory(dict)
    _here: dict[_Where, _Here] = Factory(dict)
    _by_ip: dict[IPv4Address, Member] = Factory(dict)
    _elastics: dict[IPv4Address, dict[str, None]] = Factory(dict)
    _heads: dict[str, dict[str, None]] = Factory(dict)
    _topics: dict[str, frozenset[Topic]] = Factory(dict)
    _keys: dict[Topic, dict[str, None]] = Factory(dict)
    _places: dict[Place, _Told] = Factory(dict)
    _followers: dict[Topic, dict[Place, None]] = Factory(dict)

    def follow(self, place: Place) -> Difference:
        """From now on tell what concerns a place; first, all of it."""
        self._places[place] = _Told()
        looked_at: dict[str, None] = {}
        for topic in self._retopic(place):
            looked_at.update(self._keys.get(topic, {}))
        return self._difference(place, looked_at)

    def leave(self, place: Place) -> None:
        """Tell no more what concerns a place."""
        for topic in self._places.pop(place, _Told()).topics:
            _note(self._followers, topic, place, -1)

    def told(self, place: Place) -> Mapping[str, Entry]:
        """All that concerns a place that is followed, by key."""
        return self._places[place].entries

    def member_at(self, address: IPv4Address) -> Member | None:
        """The instance that has a private address."""
        return self._by_ip.get(address)

    def concerning(self, place: Place, *also: Topic) -> tuple[Entry, ...]:
        """
        All that concerns a place, whether or not it is followed.

        @param also: what has these topics besides.
        """
        keys: dict[str, None] = {}
        for topic in (*self._topics_at(place), *also):
            keys.update(self._keys.get(topic, {}))
        return tuple(self.entries[key] for key in keys)

    def change(
        self, puts: Iterable[Entry] = (), gone: Iterable[str] = ()
    ) -> dict[Place, Difference]:
        """
        Know of other entries, or of some no more.

        @return: what there is to tell, to those to whom there is anything.
        """
        stale: dict[str, None] = {}
        turned: dict[_Where, set[Topic]] = {}
        for key in gone:
            self._replace(key, None, stale, turned)
        for entry in puts:
            self._replace(key_of(entry), entry, stale, turned)
        # (In an order that is the same each time, here and below: who is told first
        # must not depend on how sets are laid out in this process.)
        wheres = {where: None for where, topics in turned.items() if topics}
        for kind, name in wheres:
            # What carries networks there may carry others.
            stale.update(
                {machine_key(name): None}
                if kind == "machine"
                else self._heads.get(name, {})
            )
        concerned: dict[Place, dict[str, None]] = {}
        regrouped: dict[Place, None] = {}
        for key in stale:
            before = self._topics.get(key, frozenset())
            after = self._retopic_entry(key)
            for topic in sorted(before | after):
                for place in self._followers.get(topic, {}):
                    concerned.setdefault(place, {})[key] = None
                    if topic[0] == "group" and key.startswith("group/"):
                        regrouped[place] = None
        for place in self._places:
            if place.where in wheres or place in regrouped:
                for topic in self._retopic(place):
                    keys = self._keys.get(topic, {})
                    concerned.setdefault(place, {}).update(keys)
        told = {p: self._difference(p, keys) for p, keys in concerned.items()}
        return {place: difference for place, difference in told.items() if difference}

    # --- entries ---------------------------------------------------------------

    def _replace(
        self,
        key: str,
        entry: Entry | None,
        stale: dict[str, None],
        turned: dict[_Where, set[Topic]],
    ) -> None:
        before = self.entries.get(key)
        if before == entry:
            return
        stale[key] = None
        if before is not None:
            self._index(before, -1, stale, turned)
            del self.entries[key]
        if entry is not None:
            self.entries[key] = entry
            self._index(entry, 1, stale, turned)

    def _index(
        self,
        entry: Entry,
        by: int,
        stale: dict[str, None],
        turned: dict[_Where, set[Topic]],
    ) -> None:
        match entry:
            case Member():
                for where in (("machine", entry.machine), ("cluster", entry.cluster)):
                    here = self._here.setdefault(where, _Here())
                    here.count(entry, by, turned.setdefault(where, set()))
                    if not here.counts:
                        del self._here[where]
                if by > 0:
                    self._by_ip[entry.private_ip] = entry
                elif self._by_ip.get(entry.private_ip) is entry:
                    del self._by_ip[entry.private_ip]
                stale.update(self._elastics.get(entry.private_ip, {}))
            case Elastic():
                key = elastic_key(str(entry.public_ip))
                _note(self._elastics, entry.private_ip, key, by)
            case Machine(role=Role.HEAD):
                _note(self._heads, entry.cluster, machine_key(entry.name), by)

    def _retopic_entry(self, key: str) -> frozenset[Topic]:
        entry = self.entries.get(key)
        before = self._topics.pop(key, frozenset())
        after = frozenset() if entry is None else frozenset(self._topics_of(entry))
        for topic in before - after:
            _note(self._keys, topic, key, -1)
        for topic in after - before:
            _note(self._keys, topic, key, 1)
        if after:
            self._topics[key] = after
        return after

    def _topics_of(self, entry: Entry) -> Iterator[Topic]:
        match entry:
            case Network(number=number):
                yield ("network", number)
            case Member():
                yield ("network", entry.network)
                yield from (("source", group) for group in entry.groups)
            case Group():
                yield ("group", entry.group_id)
            case Machine():
                yield ("machine", entry.name)
                where = ("machine", entry.name)
                if entry.role is Role.HEAD:
                    yield ("head", entry.cluster)
                    yield HEADS
                    where = ("cluster", entry.cluster)
                here = self._here.get(where)
                for topic in here.counts if here is not None else ():
                    if topic[0] == "network":
                        yield topic
            case Elastic():
                member = self._by_ip.get(entry.private_ip)
                if member is not None:
                    yield ("elastic", member.machine)
                    yield ("elastics", member.cluster)
            case TrunkEnd():
                yield ENDS
            case Extent():
                yield EXTENTS
                yield ("extent", entry.number)

    # --- places ----------------------------------------------------------------

    def _retopic(self, place: Place) -> list[Topic]:
        """@return: the topics that are new to it, or no more its own."""
        told = self._places[place]
        before, after = told.topics, frozenset(self._topics_at(place))
        for topic in before - after:
            _note(self._followers, topic, place, -1)
        for topic in after - before:
            _note(self._followers, topic, place, 1)
        told.topics = after
        return sorted(before ^ after)

    def _topics_at(self, place: Place) -> Iterator[Topic]:
        if place.scope is Scope.NODE:
            yield from (("machine", place.name), ("elastic", place.name))
        else:
            yield from (("head", place.name), ("elastics", place.name), ENDS)
        here = self._here.get(place.where)
        if here is None:
            return
        if place.scope is not Scope.NODE:
            # What is for networks that its cluster does not have a head passes on.
            yield from (HEADS, EXTENTS)
        for topic in here.counts:
            kind, name = topic
            if kind == "network":
                yield topic
            elif place.scope is not Scope.HEAD:
                yield topic
                group = self.entries.get(group_key(str(name)))
                for named in group.named if isinstance(group, Group) else ():
                    yield from (("group", named), ("source", named))

    def _difference(self, place: Place, keys: Iterable[str]) -> Difference:
        """What is to be told of these."""
        told = self._places[place]
        puts: list[Entry] = []
        gone: list[str] = []
        # In an order that is the same each time, as everything on one clock is.
        for key in sorted(keys):
            entry = self.entries.get(key)
            if entry is None or told.topics.isdisjoint(self._topics.get(key, ())):
                if told.entries.pop(key, None) is not None:
                    gone.append(key)
            elif told.entries.get(key) is not entry:
                told.entries[key] = entry
                puts.append(entry)
        return Difference(tuple(puts), tuple(gone))


def _note(index: dict[Any, dict[Any, None]], at: Any, what: Any, by: int) -> None:
    """Have it in an index, or no more."""
    if by > 0:
        index.setdefault(at, {})[what] = None
    elif at in index:
        index[at].pop(what, None)
        if not index[at]:
            del index[at]
