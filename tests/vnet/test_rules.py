"""Tests of L{euca_tw.vnet.rules}, with a C{nft} that the test plays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from ipaddress import IPv4Address

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.networks import Role, View
from euca_tw.vnet.filter_settings import FilterSettings, Shape, Tracking
from euca_tw.vnet.filter_text import version_of
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.nft import Nft
from euca_tw.vnet.rules import Rules
from tests.fakes.processes import MemoryProcessReactor
from tests.vnet.groups import SITE, member_of, view_of
from tests.vnet.test_nft import NOT_THERE
from tests.vnet.test_nft_listing import listing

VIEW = view_of("a1", [member_of(2, "a1", "sg-web")], SITE)
AT_HEAD = evolve(VIEW, here="a0", machines=view_of("a0", [], ()).machines)
MORE = view_of("a1", [member_of(n, "a1", "sg-web") for n in (2, 3)], SITE)


def warnings(events: Sequence[LogEvent]) -> list[str]:
    return [
        formatEvent(event) for event in events if event["log_level"] is LogLevel.warn
    ]


class RulesTests(SynchronousTestCase):
    """The order of things."""

    def setUp(self) -> None:
        self.reactor = MemoryProcessReactor()
        self.forgotten: list[Collection[IPv4Address]] = []
        self.trouble = ""
        nft = Nft(self.reactor, in_this_thread, lambda: True)
        self.are_all_shown = False
        self.rules = Rules(
            nft,
            in_this_thread,
            FilterSettings(),
            self.forget,
            lambda: self.are_all_shown,
        )

    def forget(self, addresses: Collection[IPv4Address]) -> int:
        if self.trouble:
            raise NetworkFailed(self.trouble)
        self.forgotten.append(addresses)
        return 0

    def play(self, *answers: bytes) -> list[tuple[str, ...]]:
        """
        The programs that are run one after the other; empty answers are successes.
        """
        commands = []
        for answer in answers:
            process = self.reactor.processes[-1]
            commands.append(process.command[1:])
            process.complain(answer)
            process.end(1 if answer else 0)
        return commands

    def apply(self, view: View, *answers: bytes) -> list[tuple[str, ...]]:
        before = len(self.reactor.processes)
        self.running = Deferred.fromCoroutine(self.rules.apply(view))
        commands = self.play(*answers)
        self.assertEqual(len(self.reactor.processes) - before, len(answers))
        return commands

    def begin(self) -> None:
        self.apply(VIEW, b"", NOT_THERE, b"")
        self.successResultOf(self.running)

    def text(self) -> str:
        return self.reactor.processes[-1].stdin.decode()

    def test_first(self) -> None:
        """First it asks who follows connections, looks, and loads all."""
        commands = self.apply(VIEW, b"", NOT_THERE, b"")
        self.successResultOf(self.running)
        self.assertEqual([c[0] for c in commands], ["-c", "-j", "-f"])
        self.assertIn("vn_i-00010002", self.text())
        self.assertIn("chain sending", self.text())
        self.assertIs(
            self.successResultOf(Deferred.fromCoroutine(self.rules.tracking())),
            Tracking.BRIDGE,
        )

    def test_nothing_to_do(self) -> None:
        """What is known to be so costs nothing."""
        self.begin()
        self.apply(VIEW)
        self.successResultOf(self.running)

    def test_change(self) -> None:
        """A change is sent, without looking."""
        self.begin()
        self.assertEqual(self.apply(MORE, b""), [("-f", "-")])
        self.successResultOf(self.running)
        self.assertIn("vn_i-00010003", self.text())
        self.assertNotIn("vn_i-00010002", self.text())
        self.assertNotIn("chain", self.text())
        self.assertEqual(self.forgotten, [])

    def test_gone(self) -> None:
        """Connections of who is gone are forgotten, after it is kept out."""
        self.begin()
        self.apply(view_of("a1", [], SITE), b"")
        self.successResultOf(self.running)
        self.assertEqual(self.forgotten, [{IPv4Address("10.0.1.2")}])

    def test_not_forgotten(self) -> None:
        """Connections that could not be forgotten are forgotten the next time."""
        self.begin()
        self.forgotten.clear()
        self.trouble = "no netlink"
        self.apply(evolve(VIEW, networks={}), b"")
        self.failureResultOf(self.running, NetworkFailed)
        self.trouble = ""
        self.apply(evolve(VIEW, networks={}))
        self.successResultOf(self.running)
        self.assertEqual(self.forgotten, [{IPv4Address("10.0.1.2")}])
        self.apply(evolve(VIEW, networks={}))
        self.assertEqual(len(self.forgotten), 1)

    def test_refused_change(self) -> None:
        """Where a change is refused, what is there is looked at."""
        self.begin()
        with capturedLogs() as events:
            commands = self.apply(MORE, b"Error: No such file", NOT_THERE, b"")
        self.successResultOf(self.running)
        self.assertEqual([c[0] for c in commands], ["-f", "-j", "-f"])
        self.assertIn("chain sending", self.text())
        self.assertEqual(len(events), 2)

    def test_refused_twice(self) -> None:
        """Where elements of what is found are refused, all is replaced."""
        self.begin()
        shape = Shape(role=Role.NODE, tracking=Tracking.BRIDGE)
        listed = listing({"chain": {"name": version_of(shape)}})
        with capturedLogs() as events:
            self.running = Deferred.fromCoroutine(self.rules.apply(MORE))
            self.play(b"Error: No such file")
            for _ in range(2):
                self.reactor.processes[-1].say(listed)
                self.play(b"")
            self.assertNotIn("chain", self.text())
            self.play(b"Error: No such file")
            self.assertIn("chain sending", self.text())
            self.play(b"")
        self.successResultOf(self.running)
        self.assertEqual(len(events), 3)

    def test_refused(self) -> None:
        """What cannot be loaded is a failure, and the next time it is looked anew."""
        self.apply(VIEW, b"", NOT_THERE, b"Error: No space left on device")
        self.failureResultOf(self.running, NetworkFailed)
        commands = self.apply(VIEW, NOT_THERE, b"")
        self.successResultOf(self.running)
        self.assertEqual([c[0] for c in commands], ["-j", "-f"])

    def test_other_shape(self) -> None:
        """A machine that becomes a head has other chains."""
        self.begin()
        commands = self.apply(AT_HEAD, NOT_THERE, b"")
        self.assertEqual([c[0] for c in commands], ["-j", "-f"])
        self.successResultOf(self.running)

    def test_all_shown(self) -> None:
        """An operator is told, once, what keeps a head from all that it does."""
        self.are_all_shown = True
        with capturedLogs() as events:
            self.begin()
            self.assertEqual(warnings(events), [])
            self.apply(AT_HEAD, NOT_THERE, b"")
            self.apply(AT_HEAD)
            self.successResultOf(self.running)
        [said] = warnings(events)
        self.assertIn("bridge-nf-call-iptables=0", said)

    def test_in_turn(self) -> None:
        """One after the other; the last view is what stays."""
        first = Deferred.fromCoroutine(self.rules.apply(VIEW))
        second = Deferred.fromCoroutine(self.rules.apply(MORE))
        self.play(b"", NOT_THERE, b"")
        self.successResultOf(first)
        self.assertNoResult(second)
        self.assertEqual(self.play(b""), [("-f", "-")])
        self.successResultOf(second)

    def test_unknown_machine(self) -> None:
        """Who is not among the machines is a node."""
        self.apply(evolve(VIEW, machines={}), b"", NOT_THERE, b"")
        self.assertIn("chain input {\n\t\ttype filter", self.text())
        self.successResultOf(self.running)

    def test_distrust(self) -> None:
        """Whoever doubts has it looked at; purged is unknown as well."""
        self.begin()
        self.rules.distrust()
        self.apply(VIEW, NOT_THERE, b"")
        self.successResultOf(self.running)
        purged = Deferred.fromCoroutine(self.rules.purge())
        self.play(b"", b"")
        self.assertEqual(len(self.successResultOf(purged)), 2)
        self.apply(VIEW, NOT_THERE, b"")
        self.successResultOf(self.running)
