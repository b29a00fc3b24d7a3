"""Networks for tests, by strategies; and who is concerned by what, the slow way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from hypothesis.strategies import (
    SearchStrategy,
    builds,
    frozensets,
    integers,
    just,
    none,
    one_of,
    sampled_from,
)

from euca_tw.model.networks import (
    Carried,
    Elastic,
    Extent,
    Group,
    Machine,
    Member,
    Network,
    Role,
    Rule,
    TrunkEnd,
    View,
)
from euca_tw.overlay.chart import Place, Scope
from euca_tw.overlay.entries import Entry, key_of

ANY = IPv4Network("0.0.0.0/0")
NODES = {"north": ("n1", "n2"), "south": ("s1",)}
GROUPS = ("sg-1", "sg-2", "sg-3")
PLACES = (
    *(Place(Scope.CLUSTER, name) for name in NODES),
    *(Place(Scope.HEAD, name) for name in NODES),
    *(Place(Scope.NODE, node) for nodes in NODES.values() for node in nodes),
)


def network(number: int) -> Network:
    return Network(number=number, subnet=IPv4Network((f"10.0.{number}.0", 24)))


def machine(name: str, cluster: str, address: str = "192.0.2.1") -> Machine:
    role = Role.HEAD if name.endswith("head") else Role.NODE
    return Machine(name=name, cluster=cluster, role=role, address=IPv4Address(address))


def member(
    n: int,
    number: int,
    at: str = "n1",
    groups: Iterable[str] = (),
    cluster: str = "north",
) -> Member:
    return Member(
        instance_id=f"i-{n:08x}",
        network=number,
        mac_address=f"d0:0d:00:00:00:{n:02x}",
        private_ip=IPv4Address(f"10.0.{number}.{n + 2}"),
        machine=at,
        groups=frozenset(groups),
        cluster=cluster,
    )


def extent(number: int, *clusters: str) -> Extent:
    return Extent(
        number=number, subnet=network(number).subnet, clusters=frozenset(clusters)
    )


def _rules(sources: Iterable[str | IPv4Network]) -> frozenset[Rule]:
    return frozenset(
        Rule(protocol=6, low=22, high=22, source=source) for source in sources
    )


def group(
    name: str,
    *sources: str | IPv4Network,
    egress: Iterable[str | IPv4Network] | None = None,
) -> Group:
    """@param egress: where something may go; None: everything may, everywhere."""
    may_go = None if egress is None else _rules(egress)
    return Group(group_id=name, rules=_rules(sources), egress=may_go)


def _members() -> SearchStrategy[Member]:
    some = frozensets(sampled_from(GROUPS), max_size=2)
    return one_of(
        builds(
            member,
            integers(0, 5),
            integers(1, 3),
            at=sampled_from(("", *nodes)),
            groups=some,
            cluster=just(cluster),
        )
        for cluster, nodes in NODES.items()
    )


def _machines() -> SearchStrategy[Machine]:
    return one_of(
        builds(
            machine,
            sampled_from((*nodes, f"{cluster}-head")),
            just(cluster),
            sampled_from(("192.0.2.1", "192.0.2.2")),
        )
        for cluster, nodes in NODES.items()
    )


def _elastics() -> SearchStrategy[Elastic]:
    addresses = sampled_from(
        [IPv4Address(f"10.0.{n}.{i + 2}") for n in (1, 2) for i in range(4)]
    )
    public = sampled_from([IPv4Address(f"198.51.100.{n}") for n in range(3)])
    return builds(Elastic, public_ip=public, private_ip=addresses)


def entries() -> SearchStrategy[Entry]:
    """Of all kinds, often with the same keys."""
    sources = sampled_from((*GROUPS, ANY))
    return one_of(
        _members(),
        _members(),
        _machines(),
        builds(network, integers(1, 3)),
        builds(
            lambda name, some, egress: group(name, *some, egress=egress),
            sampled_from(GROUPS),
            frozensets(sources, max_size=2),
            one_of(none(), frozensets(sources, max_size=2)),
        ),
        _elastics(),
        builds(
            TrunkEnd,
            cluster=sampled_from(tuple(NODES)),
            endpoint=just("h:1"),
            certificate=sampled_from("ab"),
        ),
        builds(
            lambda number, some: extent(number, *some),
            integers(1, 3),
            frozensets(sampled_from(tuple(NODES)), min_size=1),
        ),
    )


# --- the slow way --------------------------------------------------------------


def extents_of(known: Iterable[Entry]) -> Iterator[Extent]:
    """Where each network is that there is, of all members."""
    all_of = list(known)
    for each in all_of:
        if isinstance(each, Network):
            clusters = frozenset(
                member.cluster
                for member in _all_members(all_of)
                if member.network == each.number and member.machine
            )
            if clusters:
                yield Extent(number=each.number, subnet=each.subnet, clusters=clusters)


def concerning(known: Iterable[Entry], place: Place) -> dict[str, Entry]:
    """What concerns a place, by going through all that is known."""
    all_of = list(known)
    return {key_of(each): each for each in all_of if _concerns(all_of, place, each)}


def _concerns(known: list[Entry], place: Place, entry: Entry) -> bool:
    here = [*_members_at(known, place)]
    numbers = {each.network for each in here}
    groups = {name for each in here for name in each.groups}
    sources = _named(
        each for each in known if isinstance(each, Group) and each.group_id in groups
    )
    is_head, is_node = place.scope is Scope.HEAD, place.scope is Scope.NODE
    match entry:
        case Network():
            return entry.number in numbers
        case Member():
            return entry.network in numbers or (
                not is_head and bool(entry.groups & sources)
            )
        case Group():
            return not is_head and entry.group_id in groups | sources
        case Machine(role=Role.HEAD):
            there = {
                m.network for m in _all_members(known) if m.cluster == entry.cluster
            }
            return bool(there & numbers) or (
                not is_node and (entry.cluster == place.name or bool(here))
            )
        case Machine():
            there = {m.network for m in _all_members(known) if m.machine == entry.name}
            return bool(there & numbers) or (is_node and entry.name == place.name)
        case Elastic():
            return entry.private_ip in {each.private_ip for each in here}
        case TrunkEnd():
            return not is_node
        case Extent():
            return not is_node and bool(here)


def _named(groups: Iterable[Group]) -> set[str]:
    """The groups that rules name, of what comes in or goes out."""
    return {
        rule.source
        for each in groups
        for rule in (*each.rules, *(each.egress or ()))
        if isinstance(rule.source, str)
    }


def _all_members(known: Iterable[Entry]) -> Iterator[Member]:
    return (each for each in known if isinstance(each, Member))


def _members_at(known: Iterable[Entry], place: Place) -> Iterator[Member]:
    for each in _all_members(known):
        at = each.machine if place.scope is Scope.NODE else each.cluster
        if at == place.name:
            yield each


def view_of(known: Iterable[Entry], here: str, place: Place) -> View:
    """The view of the machine at a place, by going through all that is known."""
    told = concerning(known, place).values()
    is_head = place.scope is Scope.HEAD
    members = [each for each in _all_members(told) if each.machine]
    own = [each for each in members if each.machine == here]
    numbers = {each.network for each in (members if is_head else own)}
    group_ids = {name for each in own for name in each.groups}
    groups = {each.group_id: each for each in told if isinstance(each, Group)}
    sources = _named(groups[name] for name in group_ids & groups.keys())
    return View(
        here=here,
        machines={each.name: each for each in told if isinstance(each, Machine)},
        networks={
            each.number: Carried(
                network=each,
                members=frozenset(m for m in members if m.network == each.number),
            )
            for each in told
            if isinstance(each, Network) and each.number in numbers
        },
        groups={n: g for n, g in groups.items() if n in group_ids | sources},
        sources={
            name: frozenset(
                m.private_ip for m in _all_members(told) if name in m.groups
            )
            for name in sources
        },
        elastics={
            each.public_ip: each
            for each in told
            if is_head and isinstance(each, Elastic)
        },
        ends={each.cluster: each for each in told if isinstance(each, TrunkEnd)},
        extents={each.number: each for each in told if isinstance(each, Extent)},
    )
