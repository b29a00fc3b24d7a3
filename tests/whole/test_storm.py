"""
Daemons killed at random moments, links cut, hypervisors down, guests that crash
or switch themselves off, while users launch and terminate.  Seeds are fixed:
every run is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.records import InstanceState
from euca_tw.overlay.settings import NetworkSettings
from tests.whole.judgement import (
    is_ended,
    is_forgotten,
    is_launched,
    is_sound,
    live_instances,
    stopped_instances,
)
from tests.whole.site import TWO, Cloud, Site, url_of

TURNS = 150


class Storm:
    """
    @ivar taken: instances whose launch was acknowledged.
    @ivar to_end: those that a user asked to end, or that ended by themselves.
    @ivar ended: those whose termination was acknowledged.
    """

    def __init__(self, seed: int, network: NetworkSettings | None = None) -> None:
        self.random = Random(seed)
        self.site = Site(TWO, seed=seed, network=network)
        self.site.always = is_sound
        self.taken: set[str] = set()
        self.to_end: set[str] = set()
        self.ended: set[str] = set()
        self.site.start()

    @property
    def cloud(self) -> Cloud | None:
        found: Cloud | None = self.site.daemons["cloud"].service
        return found

    def events(self) -> list[Callable[[], None]]:
        """What may happen; some of it more often."""
        events = [self.kill] * 3 + [self.revive] * 3 + [self.launch] * 3
        events += [self.cut, self.mend, self.mend, self.terminate, self.end_guest]
        events += [self.stop, self.start]
        return [*events, self.hypervisor_down, self.hypervisor_up, self.hypervisor_up]

    def rage(self) -> None:
        """Let it all happen."""
        events = self.events()
        for _ in range(TURNS):
            # Most often in the midst of something, at times after a while.
            for _ in range(self.random.randrange(60)):
                self.site.step(0.5)
            if self.random.random() < 0.1:
                self.site.run(self.random.choice((5, 50, 200)))
            self.random.choice(events)()

    def calm(self) -> None:
        """Have everything back as it should be."""
        for name in self.site.daemons:
            self.site.peers.mend(url_of(name))
        for machine in self.site.machines.values():
            machine.hypervisor.reconnect()
        self.revive(1.0)

    def kill(self) -> None:
        name = self.random.choice(sorted(self.site.daemons))
        if self.site.daemons[name].life is not None:
            self.site.kill(name)

    def revive(self, share: float = 0.7) -> None:
        for name, daemon in sorted(self.site.daemons.items()):
            if daemon.life is None and self.random.random() < share:
                self.site.start(name)

    def cut(self) -> None:
        self.site.peers.cut(url_of(self.random.choice(sorted(self.site.daemons))))

    def mend(self) -> None:
        self.site.peers.mend(url_of(self.random.choice(sorted(self.site.daemons))))

    def hypervisor_down(self) -> None:
        name = self.random.choice(sorted(self.site.machines))
        self.site.machines[name].hypervisor.disconnect()

    def hypervisor_up(self) -> None:
        name = self.random.choice(sorted(self.site.machines))
        self.site.machines[name].hypervisor.reconnect()

    def end_guest(self) -> None:
        domains = sorted(self.site.domains())
        if domains:
            node, name = self.random.choice(domains)
            hypervisor = self.site.machines[node].hypervisor
            self.to_end.add(name)
            self.random.choice((hypervisor.crash, hypervisor.power_off))(name)

    def launch(self) -> None:
        if self.cloud is not None:
            zone = self.random.choice(("north", "south"))
            count = self.random.randrange(1, 3)
            stays = self.random.random() < 0.5
            asked = self.cloud.launch(zone, count, stops_itself=stays)
            self.heed(asked, self.taken.update)

    def stop(self) -> None:
        live = [each.instance_id for each in live_instances(self.site)]
        if self.cloud is not None and live:
            is_forced = self.random.random() < 0.3
            asked = self.cloud.stop(self.random.choice(live), force=is_forced)
            self.heed(asked, lambda _: None)

    def start(self) -> None:
        stopped = [each.instance_id for each in stopped_instances(self.site)]
        if self.cloud is not None and stopped:
            self.heed(self.cloud.start(self.random.choice(stopped)), lambda _: None)

    def terminate(self) -> None:
        live = [each.instance_id for each in live_instances(self.site)]
        chosen = [name for name in live if self.random.random() < 0.5]
        if self.cloud is not None and chosen:
            self.to_end.update(chosen)
            done = self.cloud.terminate(*chosen)
            self.heed(done, lambda _: self.ended.update(chosen))

    def heed(self, asked: Deferred[Any], answered: Any) -> None:
        asked.addCallbacks(answered, lambda refusal: None)


class StormTests(SynchronousTestCase):
    """What is left when the storm is over is what users asked for."""

    def storm(self, seed: int) -> None:
        storm = Storm(seed)
        site = storm.site
        storm.rage()
        storm.calm()
        site.run_until(lambda: is_launched(site), 900)
        site.run(60)
        self.assertTrue(is_launched(site), site.describe())
        kept = site.cloud.states()
        running = {
            name
            for name, state in kept.items()
            if state in (InstanceState.RUNNING, InstanceState.STOPPED)
        }
        self.assertFalse(running & storm.ended, "what was ended runs")
        # What was ended may be forgotten by now.
        lost = storm.taken - storm.to_end - set(kept)
        self.assertFalse(lost, "what was taken is lost")
        if running:
            asked = site.cloud.terminate(*sorted(running))
            site.run_until(lambda: asked.called, 5)
        site.run_until(lambda: is_ended(site), 300)
        site.run_until(lambda: is_forgotten(site), 3000)


def _add_tests() -> None:
    for seed in range(20):

        def test(self: StormTests, seed: int = seed) -> None:
            self.storm(seed)

        test.__name__ = f"test_storm_{seed:02d}"
        test.__doc__ = f"Storm {seed} leaves what users asked for, and nothing else."
        setattr(StormTests, test.__name__, test)


_add_tests()
