"""
Rules of security groups: as users say them, and as they are kept.

A request's rule may have many sources; a kept one has one, so that rules can
be compared, counted and taken away one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv6Network

from euca_tw.api.ec2.groups import IpPermission, UserIdGroupPair
from euca_tw.api.errors import (
    InvalidParameterValue,
    InvalidRuleDescription,
    MalformedPermission,
    MissingParameter,
    RepeatedPermission,
)
from euca_tw.clc.checks import checked_network
from euca_tw.model.records import GroupSource, Permission

ALL_PROTOCOLS = "-1"
#: As EC2 calls it when it refuses one, which clients look for.
_IPV6 = "remote-ipv6-range"
#: EC2's, of rules.
_DESCRIPTION = re.compile(r"[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]{0,255}\Z")
LAST_PORT = 65535

_NAMES = {"1": "icmp", "6": "tcp", "17": "udp", "all": ALL_PROTOCOLS}
#: What has ports; of ICMP, types and codes.
WITH_PORTS = ("tcp", "udp", "icmp")
_NAMED = (*WITH_PORTS, ALL_PROTOCOLS)


def open_to(source: GroupSource) -> tuple[Permission, ...]:
    """What lets everything in from the members of a group."""
    return tuple(
        Permission(protocol=protocol, from_port=low, to_port=high, group=source)
        for protocol, low, high in (
            ("tcp", 1, LAST_PORT),
            ("udp", 1, LAST_PORT),
            ("icmp", -1, -1),
        )
    )


def permissions(
    asked: Iterable[IpPermission], source_of: Callable[[UserIdGroupPair], GroupSource]
) -> tuple[Permission, ...]:
    """
    The rules of a request, one for each source or destination.

    @param source_of: finds the group that is named.

    @raise MissingParameter: there is no rule, no source, or no port.
    @raise MalformedPermission: no such protocol.
    @raise InvalidParameterValue: no such port, ICMP type or network.
    @raise InvalidRuleDescription: it may not be one.
    @raise RepeatedPermission: a rule is there twice.
    """
    made = [rule for each in asked for rule in _rules(each, source_of)]
    if not made:
        raise MissingParameter("ipPermissions")
    if len(set(made)) < len(made):
        raise RepeatedPermission
    return tuple(made)


def _rules(
    asked: IpPermission, source_of: Callable[[UserIdGroupPair], GroupSource]
) -> Iterator[Permission]:
    protocol = _protocol(asked.ip_protocol)
    low, high = _range(protocol, asked.from_port, asked.to_port)
    if not (asked.ip_ranges or asked.groups or asked.ipv6_ranges):
        raise MissingParameter("cidrIp")
    for each in asked.ip_ranges:
        yield Permission(
            protocol=protocol,
            from_port=low,
            to_port=high,
            cidr=str(checked_network("cidrIp", each.cidr_ip)),
            description=_description(each.description),
        )
    for wanted in asked.ipv6_ranges:
        # No group has such a rule: it is for who would take it away.
        yield Permission(
            protocol=protocol,
            from_port=low,
            to_port=high,
            cidr=_ipv6_network(wanted.cidr_ipv6),
        )
    for pair in asked.groups:
        yield Permission(
            protocol=protocol,
            from_port=low,
            to_port=high,
            group=source_of(pair),
            description=_description(pair.description),
        )


def refuse_ipv6(asked: Iterable[IpPermission]) -> None:
    """
    Nothing is to be let in or out by IPv6: it could be by no rule.

    @raise InvalidParameterValue: it is asked for.
    """
    for each in asked:
        for wanted in each.ipv6_ranges:
            raise InvalidParameterValue(
                _IPV6,
                wanted.cidr_ipv6,
                "Instances of this cloud have no IPv6 addresses.",
            )


def _ipv6_network(cidr: str) -> str:
    try:
        return str(IPv6Network(cidr, strict=False))
    except ValueError:
        raise InvalidParameterValue(
            _IPV6, cidr, "It is not a network such as 2001:db8::/64."
        ) from None


def _description(said: str | None) -> str:
    if not _DESCRIPTION.match(said or ""):
        raise InvalidRuleDescription
    return said or ""


def _protocol(said: str) -> str:
    protocol = _NAMES.get(said.lower(), said.lower())
    if protocol in _NAMED:
        return protocol
    is_number = protocol.isascii() and protocol.isdigit() and len(protocol) <= 3
    if is_number and int(protocol) <= 255:
        number = str(int(protocol))
        return _NAMES.get(number, number)
    raise MalformedPermission(f'Unsupported IP protocol "{said}"')


def _range(protocol: str, low: int | None, high: int | None) -> tuple[int, int]:
    if protocol == "icmp":
        return _icmp(-1 if low is None else low, -1 if high is None else high)
    if protocol not in ("tcp", "udp"):
        return -1, -1
    if low is None:
        raise MissingParameter("fromPort")
    if high is None:
        raise MissingParameter("toPort")
    for parameter, port in ("fromPort", low), ("toPort", high):
        if not 0 <= port <= LAST_PORT:
            raise InvalidParameterValue(
                parameter, str(port), f"It is between 0 and {LAST_PORT}."
            )
    if low > high:
        raise InvalidParameterValue(
            "fromPort", str(low), f"It is greater than toPort ({high})."
        )
    return low, high


def _icmp(kind: int, code: int) -> tuple[int, int]:
    for parameter, value in ("fromPort", kind), ("toPort", code):
        if not -1 <= value <= 255:
            raise InvalidParameterValue(
                parameter, str(value), "An ICMP type or code is between -1 and 255."
            )
    if kind == -1 and code != -1:
        raise InvalidParameterValue(
            "toPort", str(code), "All ICMP types (-1) have all codes (-1)."
        )
    return kind, code


def told(rule: Permission) -> str:
    """A rule as EC2's refusals tell it."""
    source = (
        rule.cidr
        if rule.group is None
        else f"{rule.group.owner_id}/{rule.group.group_name}"
    )
    return (
        f"peer: {source}, {rule.protocol.upper()}, from port: {rule.from_port}, "
        f"to port: {rule.to_port}, ALLOW"
    )
