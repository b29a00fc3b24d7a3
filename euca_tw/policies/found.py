"""
Which policies there are, and one of them by its name.

They are Twisted plugins, but are not looked for by C{getPlugins}, which throws the
traceback of one that is broken into the log, keeps to itself which one it was, and
writes a cache beside it.  There are few, and they are only lines: each module is
loaded by itself, and what is wrong with one is told by its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from random import Random
from typing import Any, cast

from attrs import frozen
from twisted.plugin import IPlugin
from twisted.python.modules import PythonModule, getModule
from zope.interface import Interface
from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyObject

from euca_tw.cc.interfaces import IScheduler
from euca_tw.clc.interfaces import IPlacement
from euca_tw.policies.interfaces import PLACEMENT, SCHEDULER, IPolicy

PACKAGE = "euca_tw.policies.plugins"
#: What a policy of each kind must provide when it is made.
KINDS: dict[str, type[Interface]] = {PLACEMENT: IPlacement, SCHEDULER: IScheduler}
#: Of the plugins, the one whose names nobody takes.
_OURS = f"{PACKAGE}.euca_tw_shipped"


class PolicyNotFound(Exception):
    """No policy has that name; the text lists those that there are."""


class PolicyBroken(Exception):
    """A policy cannot be made; the text says which, and why."""


@frozen(kw_only=True)
class Broken:
    """
    A plugin that cannot be used, or not all of it.

    @ivar plugin: the module, and the line of it if it is only one.
    @ivar reason: what is wrong with it.
    """

    plugin: str
    reason: str


@frozen(kw_only=True)
class Found:
    """
    @ivar policies: each an L{IPolicy}, by kind and name.
    @ivar broken: what cannot be used, by name; it takes nothing else with it.
    """

    policies: tuple[Any, ...]
    broken: tuple[Broken, ...]

    def names(self, kind: str) -> tuple[str, ...]:
        """Of all of one kind."""
        return tuple(each.name for each in self.policies if each.kind == kind)


def find(modules: Iterable[PythonModule] | None = None) -> Found:
    """
    Look through all plugins.

    @param modules: the plugins' own; None: all that this Python finds.
    """
    if modules is None:
        # Only of a package that is imported all places are known.
        import_module(PACKAGE)
        modules = getModule(PACKAGE).iterModules()
    policies: dict[tuple[str, str], Any] = {}
    broken: list[Broken] = []
    # Ours first, then by name: nobody takes a name that another has.
    for module in sorted(modules, key=lambda each: (each.name != _OURS, each.name)):
        try:
            lines = vars(module.load())
        except (Exception, SystemExit) as error:
            broken.append(Broken(plugin=module.name, reason=_said(error)))
            continue
        for line, policy in lines.items():
            plugin = f"{module.name}.{line}"
            try:
                if not (_provides(policy, IPlugin) and _provides(policy, IPolicy)):
                    continue
                verifyObject(IPolicy, policy)
                known = policy.kind, policy.name
                if not all(isinstance(each, str) for each in (*known, policy.summary)):
                    reason = "its kind, name and summary are not all text"
                elif policy.kind not in KINDS:
                    reason = f"its kind {policy.kind!r} is none of {', '.join(KINDS)}"
                elif policies.setdefault(known, policy) is not policy:
                    reason = f"there is another {policy.kind} named {policy.name}"
                else:
                    continue
            except (Exception, SystemExit) as error:
                reason = _said(error)
            broken.append(Broken(plugin=plugin, reason=reason))
    return Found(
        policies=tuple(policies[known] for known in sorted(policies)),
        broken=tuple(broken),
    )


def policy_named(kind: str, name: str, found: Found) -> Any:
    """
    An L{IPolicy}.

    @raise PolicyNotFound:
    """
    for policy in found.policies:
        if (policy.kind, policy.name) == (kind, name):
            return policy
    told = f"{name!r} is none of {', '.join(found.names(kind))}"
    for each in found.broken:
        told += f"; the plugin {each.plugin} cannot be used: {each.reason}"
    raise PolicyNotFound(told)


def make(policy: Any, random: Random) -> Any:
    """
    What a policy's factory makes: an L{IPlacement} or an L{IScheduler}.

    @raise PolicyBroken:
    """
    try:
        module, _, attribute = policy.factory.partition(":")
        made = getattr(import_module(module), attribute)(random)
        verifyObject(KINDS[policy.kind], made)
    except (Exception, SystemExit) as error:
        told = f"{policy.name} ({policy.factory}) cannot be used: {_said(error)}"
        raise PolicyBroken(told) from None
    return made


def scheduler_named(name: str, random: Random) -> IScheduler:
    """
    One scheduler, with nothing told to it yet.

    @raise PolicyNotFound:
    @raise PolicyBroken:
    """
    return cast(IScheduler, make(policy_named(SCHEDULER, name, find()), random))


def placement_named(name: str, random: Random) -> IPlacement:
    """
    One placement.

    @raise PolicyNotFound:
    @raise PolicyBroken:
    """
    return cast(IPlacement, make(policy_named(PLACEMENT, name, find()), random))


def _provides(policy: Any, interface: Any) -> bool:
    # A class of a plugin's says what its instances provide: it is none itself.
    return not isinstance(policy, type) and bool(interface.providedBy(policy))


def _said(error: BaseException) -> str:
    """In one line, by its kind: a stranger's text alone may say nothing."""
    text = " ".join(str(error).split())
    if isinstance(error, Invalid):
        return text
    return f"{type(error).__name__}: {text}".rstrip(": ")
