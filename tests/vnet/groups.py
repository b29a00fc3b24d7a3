"""
Security groups of every kind, and what EC2 says that they let in and out: by looking
at every rule in turn, without any cleverness.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network

from euca_tw.model.networks import Carried, Group, Member, Network, Rule, View
from euca_tw.vnet.classes import ICMP, TCP, UDP
from tests.vnet.views import machines

EVERYWHERE = IPv4Network("0.0.0.0/0")


def group(group_id: str, *rules: Rule, egress: Iterable[Rule] | None = None) -> Group:
    """@param egress: what may go out; None: everything."""
    may_go = None if egress is None else frozenset(egress)
    return Group(group_id=group_id, rules=frozenset(rules), egress=may_go)


def rule(
    protocol: int | None, low: int, high: int, source: str | IPv4Network = EVERYWHERE
) -> Rule:
    return Rule(protocol=protocol, low=low, high=high, source=source)


def covers(each: Rule, protocol: int, port: int) -> bool:
    """@param port: of ICMP, type and code as one number."""
    if each.protocol is None:
        return True
    if each.protocol != protocol:
        return False
    if protocol == ICMP:
        kind, code = divmod(port, 256)
        return each.low in (-1, kind) and (each.low == -1 or each.high in (-1, code))
    if protocol in (TCP, UDP) and (each.low, each.high) != (-1, -1):
        return each.low <= port <= each.high
    return True


def lets_in(
    groups: Mapping[str, Group],
    sources: Mapping[str, frozenset[IPv4Address]],
    member: Member,
    source: IPv4Address,
    protocol: int,
    port: int,
) -> bool:
    """Whether a first packet may come to an instance."""
    return any(
        _is_about(each, sources, source, protocol, port)
        for group_id in member.groups & groups.keys()
        for each in groups[group_id].rules
    )


def lets_out(
    groups: Mapping[str, Group],
    sources: Mapping[str, frozenset[IPv4Address]],
    member: Member,
    destination: IPv4Address,
    protocol: int,
    port: int,
) -> bool:
    """Whether a first packet may leave an instance; who is in no group may."""
    for group_id in member.groups & groups.keys():
        egress = groups[group_id].egress
        if egress is None or any(
            _is_about(each, sources, destination, protocol, port) for each in egress
        ):
            return True
    return not member.groups


def _is_about(
    each: Rule,
    sources: Mapping[str, frozenset[IPv4Address]],
    peer: IPv4Address,
    protocol: int,
    port: int,
) -> bool:
    if not covers(each, protocol, port):
        return False
    if isinstance(each.source, str):
        return peer in sources.get(each.source, ())
    return peer in each.source


def member_of(number: int, machine: str, *groups: str, network: int = 1) -> Member:
    """The instance of that number, 2 to 254."""
    return Member(
        instance_id=f"i-{network:04x}{number:04x}",
        network=network,
        mac_address=f"D0:0D:00:00:{network:02X}:{number:02X}",
        private_ip=IPv4Address(f"10.0.{network}.{number}"),
        machine=machine,
        groups=frozenset(groups),
    )


def view_of(
    here: str, members: Iterable[Member], groups: Iterable[Group], *names: str
) -> View:
    """
    What a machine knows of instances on whatever networks.

    @param names: of machines, if others than this are to be known.
    """
    networks: dict[int, set[Member]] = {}
    known = {each.group_id: each for each in groups}
    named = {name for some in known.values() for name in some.named}
    sources: dict[str, set[IPv4Address]] = {}
    for member in members:
        networks.setdefault(member.network, set()).add(member)
        for group_id in member.groups & named:
            sources.setdefault(group_id, set()).add(member.private_ip)
    return View(
        here=here,
        machines=machines(here, *names),
        networks={
            number: Carried(
                network=Network(
                    number=number, subnet=IPv4Network(f"10.0.{number}.0/24")
                ),
                members=frozenset(those),
            )
            for number, those in networks.items()
        },
        groups=known,
        sources={group_id: frozenset(those) for group_id, those in sources.items()},
    )


#: Rules of every kind, among them such as overlap.
SITE = (
    group(
        "sg-web",
        rule(TCP, 80, 80),
        rule(TCP, 8000, 8010, IPv4Network("10.0.1.0/29")),
        rule(TCP, 8005, 8020, IPv4Network("10.0.1.4/32")),
        rule(ICMP, 8, -1, "sg-app"),
    ),
    group(
        "sg-app",
        rule(TCP, 22, 22, "sg-web"),
        rule(UDP, 53, 60, "sg-db"),
        rule(UDP, 55, 55),
        rule(None, -1, -1, "sg-app"),
    ),
    group(
        "sg-db",
        rule(TCP, 3306, 3306, "sg-app"),
        rule(TCP, 3306, 3306, IPv4Network("10.0.1.5/32")),
        rule(TCP, 1, 65535, IPv4Network("10.0.1.9/32")),
        rule(ICMP, -1, -1, IPv4Network("10.0.1.0/28")),
        rule(UDP, -1, -1, "sg-web"),
    ),
    group("sg-none"),
    group(
        "sg-held",
        rule(TCP, 22, 22),
        rule(UDP, 53, 53),
        egress=(
            rule(TCP, 80, 80, "sg-web"),
            rule(TCP, 3306, 8007, "sg-db"),
            rule(TCP, 8000, 8005, IPv4Network("10.0.1.0/29")),
            rule(TCP, 8004, 8020, IPv4Network("10.0.1.4/30")),
            rule(UDP, 53, 55, "sg-app"),
            rule(ICMP, 8, -1, IPv4Network("10.0.1.3/32")),
        ),
    ),
    group("sg-mute", rule(None, -1, -1, IPv4Network("10.0.0.0/8")), egress=()),
    group("sg-asks", egress=(rule(ICMP, -1, -1), rule(None, -1, -1, "sg-mute"))),
)
#: Groups of instances 2, 3, …; two are alone in theirs, others are of several.
MEMBERSHIP = (
    ("sg-web",),
    ("sg-web",),
    ("sg-app",),
    ("sg-app", "sg-none"),
    ("sg-db",),
    ("sg-db", "sg-web"),
    ("sg-none",),
    (),
    ("sg-held",),
    ("sg-held", "sg-asks"),
    ("sg-held", "sg-mute"),
    ("sg-mute",),
    ("sg-mute", "sg-web"),
)
PORTS = {
    TCP: (22, 80, 3306, 8000, 8007, 8011, 8021),
    UDP: (53, 55, 61, 123),
    ICMP: (8 << 8,),
}
