"""
Many daemons killed at random moments, and links cut, while users launch, reboot
and terminate.  Seeds are fixed: every run is the same.
"""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.records import InstanceState
from tests.whole.site import Site, url_of
from tests.whole.test_kill import is_ended, is_forgotten, is_launched, live_instances

TWO = {"north": ("north-1", "north-2"), "south": ("south-1",)}


class StormTests(SynchronousTestCase):
    """What is left when the storm is over is what users asked for."""

    def storm(self, seed: int, turns: int = 120) -> None:
        random, site = Random(seed), Site(TWO, seed=seed)
        site.start()
        acknowledged: set[str] = set()
        to_end: set[str] = set()
        ended: set[str] = set()
        asked = []
        for _ in range(turns):
            # Most often in the midst of something, at times after a while.
            for _ in range(random.randrange(60)):
                site.clock.step(site.clock.seconds() + 0.5)
            if random.random() < 0.1:
                site.run(random.choice((5, 50, 200)))
            for each in [a for a in asked if a.called]:
                asked.remove(each)
                acknowledged.update(self.successResultOf(each))
            choice = random.randrange(10)
            names = sorted(site.daemons)
            dead = [name for name in names if site.daemons[name].life is None]
            cloud = site.cloud
            if choice < 3:
                victim = random.choice(names)
                if victim not in dead:
                    site.kill(victim)
                    if victim == "cloud":
                        asked = []
            elif choice < 6:
                for name in dead:
                    if random.random() < 0.7:
                        site.start(name)
            elif choice == 6:
                url = url_of(random.choice(names[1:]))
                if random.random() < 0.3:
                    site.peers.cut(url)
                else:
                    site.peers.mend(url)
            elif cloud is not None and choice < 9:
                zone = random.choice(("north", "south"))
                work = cloud.launch(zone, random.randrange(1, 3))
                asked.append(work.addErrback(lambda failure: ()))
            elif cloud is not None:
                live = [each.instance_id for each in live_instances(site)]
                chosen = [name for name in live if random.random() < 0.5]
                if chosen:
                    to_end.update(chosen)
                    work = cloud.terminate(*chosen)
                    work.addErrback(lambda failure: None)
                    before = site.daemons["cloud"].life
                    site.run(0.01)
                    if work.called and site.daemons["cloud"].life is before:
                        ended.update(chosen)
        for name in sorted(site.daemons):
            site.peers.mend(url_of(name))
            if site.daemons[name].life is None:
                site.start(name)
        site.run_until(lambda: is_launched(site), 900)
        site.run(60)
        self.assertTrue(is_launched(site), site.describe())
        kept = site.cloud.states()
        running = {n for n, s in kept.items() if s is InstanceState.RUNNING}
        self.assertFalse(running & ended, "what was ended runs")
        self.assertLessEqual(acknowledged - to_end, set(kept), "what was taken is lost")
        if running:
            asked_ = site.cloud.terminate(*sorted(running))
            site.run_until(lambda: asked_.called, 5)
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
