"""
Which rule, or which place on the way, decides whether a packet reaches an instance.

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

_NAMES = {ICMP: "icmp", TCP: "tcp", UDP: "udp", None: "any protocol"}


@frozen(kw_only=True)
class Trace:
    """@ivar text: a sentence a line, in the order of the way."""

    is_let_in: bool
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
            if lets_in(view, rule, source, protocol, port):
                lines.append(_let_in(group, rule, source, asked))
                return _told(True, *lines)
        count += len(group.rules)
    lines.append(
        f"None of the {count} rules of {', '.join(sorted(target.groups))} lets in "
        f"{asked} from {source}: refused."
    )
    return _told(False, *lines)


def lets_in(
    view: View, rule: Rule, source: IPv4Address, protocol: int, port: int
) -> bool:
    """Whether that one rule does."""
    if rule.protocol not in (None, protocol):
        return False
    span = ports_of(rule)
    if span is not None and not span[0] <= port <= span[1]:
        return False
    if isinstance(rule.source, str):
        return source in view.sources.get(rule.source, ())
    return source in rule.source


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
    member = f", of which {source} is a member" if isinstance(rule.source, str) else ""
    return f"{group.group_id} lets in {asked}: {_written(rule)}{member}."


def _asked(protocol: int, port: int) -> str:
    if protocol == ICMP:
        kind, code = divmod(port, 256)
        return f"icmp type {kind} code {code}"
    if protocol in (TCP, UDP):
        return f"{_NAMES[protocol]} {port}"
    return f"protocol {protocol}"


def _written(rule: Rule) -> str:
    protocol = _NAMES.get(rule.protocol, f"protocol {rule.protocol}")
    ports = ""
    if rule.protocol == ICMP and rule.low >= 0:
        ports = f" type {rule.low}" + (f" code {rule.high}" if rule.high >= 0 else "")
    elif (span := ports_of(rule)) is not None:
        low, high = span
        ports = f" {low}" if low == high else f" {low} to {high}"
    return f"{protocol}{ports} from {rule.source}"


def _told(is_let_in: bool, *lines: str) -> Trace:
    return Trace(is_let_in=is_let_in, text="\n".join(lines))
