"""Tests of L{euca_tw.model.lifecycle} and L{euca_tw.model.hostnames}."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.hostnames import private_hostname
from euca_tw.model.lifecycle import FOLLOWS, condemned, may_follow, running, terminated
from euca_tw.model.records import InstanceState
from tests.fakes.instances import instance

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


class LifecycleTests(SynchronousTestCase):
    def test_forward_only(self) -> None:
        """A life goes forward only, and nothing follows its end."""
        order = list(InstanceState)
        self.assertEqual(FOLLOWS.keys(), set(order))
        for before in order:
            for after in order:
                is_later = order.index(after) > order.index(before)
                self.assertEqual(may_follow(before, after), is_later)

    def test_running(self) -> None:
        """What runs has an address and a node, and no reason to tell."""
        found = running(instance(state_reason="staging"), "10.0.0.1", "http://a/")
        self.assertEqual(
            (found.state, found.private_ip, found.node, found.state_reason),
            (InstanceState.RUNNING, "10.0.0.1", "http://a/", ""),
        )

    def test_condemned(self) -> None:
        """What shall end is told to be shutting down, and why."""
        found = condemned(instance(), "Server.X", "why")
        self.assertEqual(found.wanted, InstanceState.TERMINATED)
        self.assertEqual(found.state, InstanceState.SHUTTING_DOWN)
        self.assertEqual(found.transition_reason, "Server.X: why")

    def test_terminated(self) -> None:
        """What has ended is not wanted, not silent, and knows when."""
        found = terminated(instance(is_silent=True), NOW, "Server.X", "why")
        self.assertEqual(found.wanted, InstanceState.TERMINATED)
        self.assertEqual(found.state, InstanceState.TERMINATED)
        self.assertEqual((found.ended_at, found.is_silent), (NOW, False))
        self.assertEqual(found.state_reason_code, "Server.X")

    def test_first_reason_stays(self) -> None:
        """Why it ends is what was said first."""
        asked = evolve(
            instance(),
            state_reason_code="Client.UserInitiatedShutdown",
            state_reason="User initiated shutdown",
            transition_reason="User initiated",
        )
        found = terminated(asked, NOW, "Server.X", "why")
        self.assertEqual(found.state_reason_code, "Client.UserInitiatedShutdown")
        self.assertEqual(found.transition_reason, "User initiated")


class HostnameTests(SynchronousTestCase):
    def test_form(self) -> None:
        """An instance is named for its address, once it has one."""
        self.assertEqual(private_hostname("10.2.3.4"), "ip-10-2-3-4.internal")
        self.assertEqual(private_hostname(""), "")
