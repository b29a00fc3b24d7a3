"""Tests of L{euca_tw.model.lifecycle} and L{euca_tw.model.hostnames}."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.hostnames import private_hostname
from euca_tw.model.lifecycle import (
    FOLLOWS,
    Phase,
    condemned,
    may_follow,
    may_stay_stopped,
    phase_told,
    running,
    starting,
    stopped,
    stopping,
    terminated,
    words_of,
)
from euca_tw.model.records import InstanceState
from tests.fakes.instances import instance

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


class LifecycleTests(SynchronousTestCase):
    def test_forward_only(self) -> None:
        """
        A life goes forward only, but that what was stopped is pending again;
        nothing follows its end.
        """
        order = list(InstanceState)
        self.assertEqual(FOLLOWS.keys(), set(order))
        for before in order:
            for after in order:
                is_later = order.index(after) > order.index(before)
                is_again = (before, after) == (
                    InstanceState.STOPPED,
                    InstanceState.PENDING,
                )
                self.assertEqual(
                    may_follow(before, after), is_later or is_again, (before, after)
                )

    def test_phases_told(self) -> None:
        """Every phase is told in the original's words, and is read from them."""
        for phase in Phase:
            state_name, life = words_of(phase)
            self.assertIn(state_name, ("Pending", "Extant", "Teardown"))
            self.assertIs(phase_told(state_name, life), phase)
        self.assertIs(phase_told("Extant", "starting"), Phase.PENDING)
        self.assertIs(phase_told("Extant", "a word of tomorrow's"), Phase.EXTANT)
        self.assertRaises(ValueError, phase_told, "Nowhere", None)

    def test_stop_and_start(self) -> None:
        """
        What stops says why, by what was said first; what starts again does not
        say it any more, and is another start.
        """
        runs = running(instance(), "10.0.0.1", "http://a/")
        asked = stopping(runs, "Client.UserInitiatedShutdown", "User initiated")
        self.assertIs(asked.state, InstanceState.STOPPING)
        found = stopped(asked, "Server.X", "why")
        self.assertEqual((found.wanted, found.state), (InstanceState.STOPPED,) * 2)
        self.assertEqual(found.state_reason_code, "Client.UserInitiatedShutdown")
        self.assertEqual(found.private_ip, "10.0.0.1")
        again = starting(found, NOW)
        self.assertEqual((again.starts, again.since), (1, NOW))
        self.assertEqual((again.state_reason_code, again.transition_reason), ("", ""))
        self.assertTrue(may_stay_stopped(again, 1))
        self.assertFalse(may_stay_stopped(again, 0))
        self.assertFalse(may_stay_stopped(runs, 0))
        ended = condemned(found, "Server.Y", "because")
        self.assertEqual(ended.state_reason_code, "Server.Y")
        self.assertEqual(ended.transition_reason, "Server.Y: because")

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
