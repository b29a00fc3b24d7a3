"""
Six real guests that are launched by one request, and boot at once.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

from tests.functional.guests import GuestCase

COUNT = 6
PATIENCE_S = 240.0
#: Seldom, for whoever asks takes time from the guests.
STEP_S = 0.25
OWN_ID = "wget -q -O - http://169.254.169.254/latest/meta-data/instance-id"


def times(
    names: Iterable[str], found: Callable[[set[str]], set[str]], began: float
) -> dict[str, float]:
    """Seconds since C{began} till each was found, of those that were not yet."""
    missing, took = set(names), dict[str, float]()
    while missing:
        for name in found(missing) & missing:
            took[name] = time.monotonic() - began
        missing -= took.keys()
        if time.monotonic() > began + PATIENCE_S:
            raise AssertionError(f"not within {PATIENCE_S:.0f} s: {missing}")
        time.sleep(STEP_S)
    return took


def spread(what: str, seconds: Iterable[float]) -> str:
    """How they are distributed."""
    ranked = sorted(seconds)
    p90 = ranked[math.ceil(0.9 * len(ranked)) - 1]
    return (
        f"{what:18} min {ranked[0]:5.2f}  median {statistics.median(ranked):5.2f}  "
        f"p90 {p90:5.2f}  max {ranked[-1]:5.2f} s"
    )


class SixGuestsTests(GuestCase):
    # As many as the guests, whatever the machine has.
    node_settings = f"cores = {COUNT}\n"

    def test_six(self) -> None:
        """
        All boot, each with an address and an identifier of its own that it can
        be reached by; terminated together, nothing is left of any.
        """
        self.prepare()
        began = time.monotonic()
        names = self.launched(COUNT)
        self.assertEqual(len(set(names)), COUNT)
        running = times(names, lambda _: self.in_state("running"), began)
        ready = times(names, self.ready, began)
        print()
        print("  " + spread("call to running", running.values()))
        print("  " + spread("call to ready", ready.values()))
        self.check_each(names)
        self.ec2.terminate_instances(InstanceIds=names)
        times(names, lambda _: self.in_state("terminated"), time.monotonic())
        self.check_nothing_left(*names)
        self.assertNotIn("Traceback", self.daemons.logs())

    def check_each(self, names: list[str]) -> None:
        told = {each["InstanceId"]: each for each in self.instances()}
        addresses = {told[name]["PrivateIpAddress"] for name in names}
        self.assertEqual(len(addresses), COUNT)
        indexes = sorted(told[name]["AmiLaunchIndex"] for name in names)
        self.assertEqual(indexes, list(range(COUNT)))
        for name in names:
            address = told[name]["PrivateIpAddress"]
            self.assertIn(f"euca_tw: address {address}/24", self.console(name))
            self.assertEqual(self.ssh(address, OWN_ID), name)

    def instances(self) -> list[dict[str, Any]]:
        reservations = self.ec2.describe_instances()["Reservations"]
        return [each for one in reservations for each in one["Instances"]]

    def in_state(self, state: str) -> set[str]:
        return {
            each["InstanceId"]
            for each in self.instances()
            if each["State"]["Name"] == state
        }

    def ready(self, missing: set[str]) -> set[str]:
        return {n for n in missing if f"instance {n} is ready" in self.console(n)}
