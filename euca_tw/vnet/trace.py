"""
Which rule, or which place on the way, decides whether a packet leaves an instance, and
whether it reaches one.

Pure; for C{euca-tw vnet trace INSTANCE ADDRESS PORT}.  It is asked of the view, rule
by rule, not of the sets that the kernel is given: so that who wants to know whether
those are right has something to hold them against.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from attrs import frozen

from euca_tw.model.networks import Group, Member, Rule, View
from euca_tw.vnet.classes import ICMP, TCP, UDP, ports_of
from euca_tw.vnet.dhcp import METADATA_ADDRESS

_NAMES = {ICMP: "icmp", TCP: "tcp", UDP: "udp", None: "any protocol"}


@frozen(kw_only=True)
class Trace:
    """@ivar text: a sentence a line, in the order of the way."""

    passes: bool
    text: str


def trace(
    view: View, instance_id: str, source: IPv4Address, protocol: int, port: int
) -> Trace:
    """
    The first packet of a connection; those that are known go on.

    @param port: of ICMP, type and code as a number: 256 times the type, and the code.
    """
    target = next(
        (m for m in _members(view) if m.instance_id == instance_id),
        None,
    )
    if target is None:
        return _told(False, f"No network of {view.here} has {instance_id}.")
    lines = [*_way(view, target, source)]
    if _is_outside(view, source) and _public(view, target) is None:
        lines.append(
            f"{source} is outside, and {instance_id} has no public address at "
            f"{view.here}: refused, whatever its groups say."
        )
        return _told(False, *lines)
    asked = _asked(protocol, port)
    if not target.groups:
        lines.append(f"{instance_id} is in no security group: {asked} is refused.")
        return _told(False, *lines)
    count = 0
    for group_id in sorted(target.groups):
        group = view.groups.get(group_id)
        if group is None:
            lines.append(f"{view.here} knows no rule of {group_id}.")
            continue
        for rule in sorted(group.rules, key=_written):
            if covers(view, rule, source, protocol, port):
                lines.append(_let_in(group, rule, source, asked))
                return _told(True, *lines)
        count += len(group.rules)
    lines.append(
        f"None of the {count} rules of {', '.join(sorted(target.groups))} lets in "
        f"{asked} from {source}: refused."
    )
    return _told(False, *lines)


def departure(
    view: View, instance_id: str, destination: IPv4Address, protocol: int, port: int
) -> Trace:
    """
    Whether its groups let out the first packet of a connection.

    @param view: of the machine that the sender is on.
    @param destination: as the instance writes it, private or public.
    @param port: see L{trace}.
    """
    sender = next((m for m in _members(view) if m.instance_id == instance_id), None)
    if sender is None:
        return _told(False, f"No network of {view.here} has {instance_id}.")
    if _serves(view, destination):
        return _told(
            True,
            f"{destination} serves {instance_id}, which may always ask it; it is not "
            "for rules to say.",
        )
    asked = _asked(protocol, port)
    if not sender.groups:
        return _told(True, f"{instance_id} is in no security group that keeps it in.")
    lines: list[str] = []
    count = 0
    for group_id in sorted(sender.groups):
        group = view.groups.get(group_id)
        if group is None:
            lines.append(f"{view.here} knows no rule of {group_id}.")
            continue
        if group.egress is None:
            return _told(True, f"{group_id} lets out everything.")
        for rule in sorted(group.egress, key=_written):
            if covers(view, rule, destination, protocol, port):
                return _told(
                    True,
                    f"{group_id} lets out {asked}: {_written(rule, 'to')}"
                    f"{_membership(rule, destination)}.",
                )
        count += len(group.egress)
    lines.append(
        f"None of the {count} rules of {', '.join(sorted(sender.groups))} lets out "
        f"{asked} to {destination}: it does not leave {instance_id}."
    )
    return _told(False, *lines)


def _serves(view: View, destination: IPv4Address) -> bool:
    """Whether it is the metadata service, or a router of a network that is here."""
    return destination == METADATA_ADDRESS or any(
        destination == each.network.router for each in view.networks.values()
    )


def covers(view: View, rule: Rule, peer: IPv4Address, protocol: int, port: int) -> bool:
    """Whether that one rule is about it."""
    if rule.protocol not in (None, protocol):
        return False
    span = ports_of(rule)
    if span is not None and not span[0] <= port <= span[1]:
        return False
    if isinstance(rule.source, str):
        return peer in view.sources.get(rule.source, ())
    return peer in rule.source


def _members(view: View) -> Iterator[Member]:
    for carried in view.networks.values():
        yield from carried.members


def _is_outside(view: View, source: IPv4Address) -> bool:
    return (
        _sender(view, source) is None
        and not any(source in each for each in view.sources.values())
        and not any(source in c.network.subnet for c in view.networks.values())
    )


def _sender(view: View, source: IPv4Address) -> Member | None:
    return next((m for m in _members(view) if m.private_ip == source), None)


def _public(view: View, target: Member) -> IPv4Address | None:
    found = [e.public_ip for e in view.elastics.values()]
    return next(
        (p for p in sorted(found) if view.elastics[p].private_ip == target.private_ip),
        None,
    )


def _way(view: View, target: Member, source: IPv4Address) -> Iterator[str]:
    where = f"{target.instance_id}, {target.private_ip}, on {target.machine}"
    sender = _sender(view, source)
    public = _public(view, target)
    if sender is not None and sender.network == target.network:
        yield (
            f"From {sender.instance_id} on {sender.machine}, by network "
            f"{target.network}, to {where}."
        )
    elif not _is_outside(view, source):
        yield f"From {source}, inside, by the router, to {where}."
    elif public is not None:
        yield f"From {source}, by {public}, to {where}."
    else:
        yield f"From {source} to {where}."
    if target.machine != view.here:
        yield f"The rules are kept at {target.machine}."


def _let_in(group: Group, rule: Rule, source: IPv4Address, asked: str) -> str:
    member = _membership(rule, source)
    return f"{group.group_id} lets in {asked}: {_written(rule)}{member}."


def _membership(rule: Rule, peer: IPv4Address) -> str:
    return f", of which {peer} is a member" if isinstance(rule.source, str) else ""


def _asked(protocol: int, port: int) -> str:
    if protocol == ICMP:
        kind, code = divmod(port, 256)
        return f"icmp type {kind} code {code}"
    if protocol in (TCP, UDP):
        return f"{_NAMES[protocol]} {port}"
    return f"protocol {protocol}"


def _written(rule: Rule, way: str = "from") -> str:
    protocol = _NAMES.get(rule.protocol, f"protocol {rule.protocol}")
    ports = ""
    if rule.protocol == ICMP and rule.low >= 0:
        ports = f" type {rule.low}" + (f" code {rule.high}" if rule.high >= 0 else "")
    elif (span := ports_of(rule)) is not None:
        low, high = span
        ports = f" {low}" if low == high else f" {low} to {high}"
    return f"{protocol}{ports} {way} {rule.source}"


def _told(passes: bool, *lines: str) -> Trace:
    return Trace(passes=passes, text="\n".join(lines))
