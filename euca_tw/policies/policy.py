"""The lines of a plugin."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from attrs import field, frozen
from twisted.plugin import IPlugin
from zope.interface import implementer

from euca_tw.policies.interfaces import PLACEMENT, SCHEDULER, IPolicy

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}\Z")
_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z")


def _is_name(_: Any, attribute: Any, name: Any) -> None:
    if not isinstance(name, str) or _NAME.match(name) is None:
        raise ValueError(f"{name!r} is no name of small letters, digits and -")


def _is_factory(_: Any, attribute: Any, factory: Any) -> None:
    if not isinstance(factory, str) or _FACTORY.match(factory) is None:
        raise ValueError(f"{factory!r} is not as module:callable")


@implementer(IPlugin, IPolicy)
@frozen
class PlacementPolicy:
    """One that says which clusters: see L{IPolicy}."""

    kind: ClassVar[str] = PLACEMENT
    name: str = field(validator=_is_name)
    summary: str
    factory: str = field(validator=_is_factory)


@implementer(IPlugin, IPolicy)
@frozen
class SchedulerPolicy:
    """One that says which nodes: see L{IPolicy}."""

    kind: ClassVar[str] = SCHEDULER
    name: str = field(validator=_is_name)
    summary: str
    factory: str = field(validator=_is_factory)
