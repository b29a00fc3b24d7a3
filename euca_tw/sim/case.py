"""
A case: a short scenario, and what its users ask for and when, to the letter.

A case is small enough to be read, and comes out the same each time: so one that
found something is kept, as a file, which is a scenario's with C{[[request]]} in place
of C{[workload]}.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from euca_tw.common.config import ConfigError, checked, read_section, read_toml
from euca_tw.sim.distributions import KINDS, Empirical, check_amount
from euca_tw.sim.scenario import Scenario, scenario_of

#: What users ask of the cloud; of those from C{guest-off} on, guests do it
#: themselves.
VERBS = (
    *("launch", "terminate", "stop", "start", "reboot"),
    *("allocate", "associate", "disassociate", "release"),
    *("create-group", "authorize", "revoke"),
    *("guest-off", "guest-crash"),
)


def _check_verb(verb: str) -> None:
    if verb not in VERBS:
        raise ValueError(f"{verb!r} is none of {', '.join(VERBS)}")


@frozen(kw_only=True)
class Request:
    """
    @ivar at_s: since the beginning.
    @ivar launch: the launch that it is, or is about; each has its number.
    @ivar member: which of its instances, from 0.
    @ivar address: likewise the number of an address.
    @ivar group: the number of a security group, that it makes, or changes, or
        launches in; 0: the default one.
    @ivar source: of C{authorize} and C{revoke}: the number of another.
    @ivar count, kind, zone, stops_itself: of a C{launch}; C{""}: the first type, any
        zone.
    @ivar is_forced: of a C{stop}.
    """

    at_s: float = checked(check_amount)
    verb: str = checked(_check_verb)
    launch: int = 0
    member: int = 0
    address: int = 0
    group: int = 0
    source: int = 0
    count: int = 1
    kind: str = ""
    zone: str = ""
    stops_itself: bool = False
    is_forced: bool = False


@frozen(kw_only=True)
class Case:
    """@ivar found: what it showed, for people."""

    scenario: Scenario
    requests: tuple[Request, ...]
    found: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int, float]:
        """By which the smaller of two is known."""
        scenario = self.scenario
        nodes = sum(each.nodes for each in scenario.clusters)
        events = len(self.requests) + len(scenario.planned)
        return events, nodes, scenario.run.duration_s


def read_case(file: Path) -> Case:
    """
    @raise ConfigError: it cannot be read, or says what it may not.
    """
    told = read_toml(file)
    requests = told.pop("request", [])
    if not isinstance(requests, list):
        raise ConfigError(
            str(file), "request", "", "must be written as [[request]], once for each"
        )
    if "workload" in told:
        raise ConfigError(str(file), "workload", "", "has no place in a case")
    # (Nobody comes but who is named.)
    scenario = scenario_of({**told, "workload": {"kind": "poisson"}}, file)
    return Case(
        scenario=scenario,
        requests=tuple(
            read_section(Request, each, file=file, section=f"request {n}")
            for n, each in enumerate(requests, start=1)
        ),
    )


def written(case: Case) -> str:
    """As L{read_case} reads it."""
    scenario = case.scenario
    one = ("run", "times", "network", "tiers", "faults")
    many = (
        ("cluster", scenario.clusters),
        ("type", scenario.kinds),
        ("image", scenario.images),
        ("fault", scenario.planned),
        ("request", case.requests),
    )
    parts: list[Iterable[str]] = [[f"# {line}" for line in case.found]]
    for name in one:
        body = [*_body(getattr(scenario, name))]
        if body:
            parts.append([f"[{name}]", *body])
    for name, values in many:
        parts.extend([f"[[{name}]]", *_body(value)] for value in values)
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _body(value: Any) -> Iterator[str]:
    """What of it is not as it is by default."""
    for each in attrs.fields(type(value)):
        told = getattr(value, each.name)
        default = each.default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
            default = default.factory()
        if told != default:
            yield f"{each.name} = {_text(told)}"


def _text(value: Any) -> str:
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    kind = next((name for name, cls in KINDS.items() if isinstance(value, cls)), None)
    if isinstance(value, Empirical):
        kind = "empirical"
    assert kind is not None, value
    told = (
        f"{each.name} = {json.dumps(getattr(value, each.name))}"
        for each in attrs.fields(type(value))
        if each.init
    )
    return f'{{ kind = "{kind}", {", ".join(told)} }}'
