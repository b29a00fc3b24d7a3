"""Tests of L{euca_tw.policies.found}: plugins, a stranger's too."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from textwrap import dedent

from twisted.python.modules import PythonModule, getModule
from twisted.trial.unittest import SynchronousTestCase

import euca_tw.policies.plugins as plugins
from euca_tw.policies.found import (
    Found,
    PolicyBroken,
    PolicyNotFound,
    find,
    placement_named,
    policy_named,
    scheduler_named,
)
from euca_tw.policies.interfaces import PLACEMENT, SCHEDULER

GOOD = """
    from euca_tw.policies.policy import SchedulerPolicy
    mine = SchedulerPolicy("mine", "picks by chance", "their_policies:Mine")
"""
#: What a stranger's distribution has besides its plugin.
THEIRS = """
    from zope.interface import implementer
    from euca_tw.cc.interfaces import IScheduler

    @implementer(IScheduler)
    class Mine:
        def __init__(self, random):
            self.random, self.nodes = random, {}
        def node_changed(self, node):
            self.nodes[node.url] = node
        def node_gone(self, url):
            self.nodes.pop(url, None)
        def pick(self, wish):
            able = [url for url, node in sorted(self.nodes.items())
                    if node.free.holds(wish.needs) and url not in wish.refused_by]
            return self.random.choice(able) if able else None

    def nothing(random):
        return object()
"""


class StrangerCase(SynchronousTestCase):
    """A distribution of somebody else, below a directory of C{sys.path}."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.plugins = self.directory / "euca_tw" / "policies" / "plugins"
        self.plugins.mkdir(parents=True)
        self.patch(sys, "path", [*sys.path, str(self.directory)])
        self.patch(plugins, "__path__", [*plugins.__path__, str(self.plugins)])
        self.addCleanup(self.forget, set(sys.modules))
        (self.directory / "their_policies.py").write_text(dedent(THEIRS))

    def forget(self, before: set[str]) -> None:
        for name in set(sys.modules) - before:
            if name == "their_policies" or name.startswith(f"{plugins.__name__}."):
                del sys.modules[name]

    def add(self, name: str, text: str) -> None:
        (self.plugins / f"{name}.py").write_text(dedent(text))


class FindTests(StrangerCase):
    def test_stranger(self) -> None:
        """A policy of another distribution is found by its name, and is made."""
        self.add("theirs", GOOD)
        self.assertIn("mine", find().names(SCHEDULER))
        self.assertNotIn("mine", find().names(PLACEMENT))
        made = scheduler_named("mine", Random(1))
        self.assertEqual(type(made).__name__, "Mine")

    def test_lazy(self) -> None:
        """A list of all policies imports none of them."""
        self.add("theirs", GOOD)
        find()
        self.assertNotIn("their_policies", sys.modules)

    def broken(self, name: str, text: str) -> str:
        """What is told of a plugin; all others are there."""
        self.add(name, text)
        self.add("well", GOOD)
        found = find()
        self.assertIn("mine", found.names(SCHEDULER))
        self.assertIn("greedy", found.names(SCHEDULER))
        [told] = [each for each in found.broken if f".{name}" in each.plugin]
        return f"{told.plugin.removeprefix(plugins.__name__)}: {told.reason}"

    def test_import(self) -> None:
        """A plugin that cannot be imported is told by its name."""
        self.assertEqual(
            self.broken("bad", "import no_such_thing"),
            ".bad: ModuleNotFoundError: No module named 'no_such_thing'",
        )

    def test_syntax(self) -> None:
        """So is one that is no Python."""
        self.assertIn(".bad_text: SyntaxError", self.broken("bad_text", "def"))

    def test_exit(self) -> None:
        """So is one that would end the process."""
        text = "raise SystemExit(3)"
        self.assertEqual(self.broken("leaves", text), ".leaves: SystemExit: 3")

    def test_name(self) -> None:
        """So is one whose name is none."""
        text = GOOD.replace('"mine"', '"My Own"')
        self.assertIn("'My Own' is no name", self.broken("named", text))

    def test_taken(self) -> None:
        """A name that is shipped is not another's; the other is told."""
        text = GOOD.replace('"mine"', '"greedy"')
        self.assertEqual(
            self.broken("aaa", text),
            ".aaa.mine: there is another scheduler named greedy",
        )
        found = policy_named(SCHEDULER, "greedy", find())
        self.assertTrue(found.factory.startswith("euca_tw.policies.shipped:"))

    def test_home_made(self) -> None:
        """What says that it is a policy, and lacks what one has, is told."""
        text = """
            from twisted.plugin import IPlugin
            from zope.interface import implementer
            from euca_tw.policies.interfaces import IPolicy

            @implementer(IPlugin, IPolicy)
            class Own:
                kind = "scheduler"
                name = "own"
                summary = "has no factory"

            own = Own()
        """
        told = self.broken("home", text)
        self.assertIn(".home.own: ", told)
        self.assertIn("factory", told)

    def test_kind(self) -> None:
        """So is one of a kind that there is not."""
        text = """
            from twisted.plugin import IPlugin
            from zope.interface import implementer
            from euca_tw.policies.interfaces import IPolicy

            @implementer(IPlugin, IPolicy)
            class Own:
                kind, name, summary, factory = "colour", "red", "is red", "a:b"

            own = Own()
        """
        self.assertEqual(
            self.broken("kinds", text),
            ".kinds.own: its kind 'colour' is none of placement, scheduler",
        )


class MakeTests(StrangerCase):
    def test_unknown(self) -> None:
        """An unknown name is refused with those there are, and what is broken."""
        self.add("bad", "import no_such_thing")
        refusal = self.assertRaises(PolicyNotFound, placement_named, "x", Random(1))
        told = str(refusal)
        self.assertIn(
            "'x' is none of best-fit, greedy, least-loaded, power-save, round-robin, "
            "spread-by-group",
            told,
        )
        self.assertIn("bad cannot be used: ModuleNotFoundError", told)

    def refused(self, factory: str) -> str:
        self.add("theirs", GOOD.replace("their_policies:Mine", factory))
        refusal = self.assertRaises(PolicyBroken, scheduler_named, "mine", Random(1))
        return str(refusal)

    def test_no_module(self) -> None:
        """A policy whose module is not there is refused by its name."""
        told = self.refused("no_such_thing:Mine")
        self.assertIn("mine (no_such_thing:Mine) cannot be used", told)
        self.assertIn("ModuleNotFoundError", told)

    def test_no_attribute(self) -> None:
        """So is one that is not in its module."""
        self.assertIn("AttributeError", self.refused("their_policies:Other"))

    def test_no_scheduler(self) -> None:
        """So is one that makes something else."""
        told = self.refused("their_policies:nothing")
        self.assertIn("IScheduler", told)
        self.assertNotIn("\n", told)


class AloneTests(SynchronousTestCase):
    def test_ours(self) -> None:
        """Without strangers' there are those that are shipped."""
        ours = [
            module
            for module in getModule(plugins.__name__).iterModules()
            if module.name.endswith(".euca_tw_shipped")
        ]
        self.assertIsInstance(ours[0], PythonModule)
        found = find(ours)
        self.assertIsInstance(found, Found)
        self.assertEqual((len(found.policies), found.broken), (12, ()))
