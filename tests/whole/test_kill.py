"""
Each daemon killed all along a launch and a termination.

A step is one delayed call of the one clock: a message that arrives, a commit
that reaches the disk, a turn of a loop, an answer of a hypervisor.  Every run
is the same up to the kill, so steps are walked, n = 2, 4, 6, … until what was
asked for is done before the n-th; every third where it stays away for long.  Every
single one is walked by C{euca-tw sim sweep}.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.records import Address
from euca_tw.store.interfaces import Put
from tests.whole.judgement import (
    is_ended,
    is_forgotten,
    is_launched,
    is_sound,
    live_instances,
    stopped_instances,
)
from tests.whole.site import TWO, Site, address

DAEMONS = ("cloud", "north", "north-1", "north-2")

#: How long a daemon that was killed is gone.
GONE_S = (0.0, 100.0)
#: Of the steps at which one is killed that stays away, one in so many is walked.
STRIDE = 3
#: How long the rest may take after it is back.
PATIENCE_S = 200.0


class KillTests(SynchronousTestCase):
    """In all of these the killed daemon comes back, soon or late."""

    def begin(self, seed: int = 1) -> Site:
        site = Site(TWO, seed=seed)
        site.always = is_sound
        site.start()
        site.run_until(lambda: self.is_ready(site), 5)
        return site

    def is_ready(self, site: Site) -> bool:
        zones = site.cloud.clusters.zones()
        return all(z.is_reachable and z.available.get("m1.small") for z in zones)

    def launched(self, site: Site, zone: str, count: int) -> tuple[str, ...]:
        asked = site.cloud.launch(zone, count)
        site.run_until(lambda: asked.called, 5)
        return self.successResultOf(asked)

    def walk(
        self,
        daemon: str,
        gone_s: float,
        prepare: Callable[[Site], Any],
        ask: Callable[[Site, Any], Any],
        is_done: Callable[[Site], bool],
        check: Callable[[Site, bool], None],
        may_stay: Callable[[Site], bool] | None = None,
    ) -> int:
        """
        Kill a daemon at each step.

        @param check: called after the site has converged, with whether the
            request was acknowledged.
        @param may_stay: what may be in place of that it is done, if the request
            was not acknowledged.
        @return: how many steps there were.
        """
        at = 0
        while True:
            at += STRIDE if gone_s else 2
            site = self.begin()
            prepared = prepare(site)
            asked = ask(site, prepared)
            asked.addErrback(lambda failure: None)
            for _ in range(at):
                if is_done(site) and asked.called:
                    return at
                site.step(1000)
            is_acknowledged = asked.called
            site.kill(daemon)
            site.run(gone_s)
            site.start(daemon)
            is_over = partial(is_done, site)
            if may_stay is not None and not is_acknowledged:
                is_over = partial(may_stay, site)
            try:
                site.run_until(is_over, PATIENCE_S)
                # And so it stays.
                site.run(30)
                self.assertTrue(is_over(), site.describe())
                check(site, is_acknowledged)
            except Exception:
                print(f"\n{daemon} was killed at step {at}, gone for {gone_s} s")
                raise

    def launch_and_kill(self, daemon: str) -> None:
        def check(site: Site, is_acknowledged: bool) -> None:
            live = len(live_instances(site))
            self.assertIn(live, {3} if is_acknowledged else {0, 3})

        for gone_s in GONE_S:
            self.walk(
                daemon,
                gone_s,
                lambda site: None,
                lambda site, _: site.cloud.launch("north", 3),
                lambda site: is_launched(site),
                check,
            )

    def regret_and_kill(self, daemon: str) -> None:
        """A launch, and before it runs its termination."""

        def ask(site: Site, _: None) -> Any:
            done: Deferred[Any] = Deferred()

            def regret(names: tuple[str, ...]) -> None:
                site.clock.callLater(0, end, names, 12)

            def end(names: tuple[str, ...], later: int) -> None:
                # So many turns later it is half way to its node, or there.
                if later:
                    site.clock.callLater(0, end, names, later - 1)
                elif site.daemons["cloud"].life is not None:
                    site.cloud.terminate(*names).chainDeferred(done)

            site.cloud.launch("north", 2).addCallbacks(regret, done.errback)
            return done

        def is_done(site: Site) -> bool:
            return is_ended(site) if live_instances(site) == [] else is_launched(site)

        def check(site: Site, is_acknowledged: bool) -> None:
            if is_acknowledged:
                self.assertEqual(live_instances(site), [])

        for gone_s in GONE_S:
            self.walk(daemon, gone_s, lambda site: None, ask, is_done, check)

    def terminate_and_kill(self, daemon: str) -> None:
        def prepare(site: Site) -> tuple[str, ...]:
            names = self.launched(site, "north", 3)
            site.run_until(lambda: is_launched(site), 5)
            site.cloud.store.commit(Put(address("10.1.0.1", names[0])))
            site.run(1)
            return names

        def is_done(site: Site) -> bool:
            return is_ended(site) if live_instances(site) == [] else is_launched(site)

        def check(site: Site, is_acknowledged: bool) -> None:
            if is_acknowledged:
                self.assertEqual(live_instances(site), [])
            if not live_instances(site):
                site.run_until(lambda: is_forgotten(site), 2000)

        for gone_s in GONE_S:
            self.walk(
                daemon,
                gone_s,
                prepare,
                lambda site, names: site.cloud.terminate(*names),
                lambda site: is_done(site),
                check,
            )

    def stop_and_kill(self, daemon: str) -> None:
        def prepare(site: Site) -> tuple[str, ...]:
            names = self.launched(site, "north", 1)
            site.run_until(lambda: is_launched(site), 5)
            site.cloud.store.commit(Put(address("10.1.0.1", names[0])))
            site.run(1)
            return names

        def check(site: Site, is_acknowledged: bool) -> None:
            stopped = stopped_instances(site)
            self.assertIn(len(stopped), {1} if is_acknowledged else {0, 1})
            for each in stopped:
                self.assertEqual(each.state_reason_code, "Client.UserInitiatedShutdown")
                self.assertEqual(
                    len(site.cloud.store.where(Address, "instance_id", each.key)), 0
                )

        for gone_s in GONE_S:
            self.walk(
                daemon,
                gone_s,
                prepare,
                lambda site, names: site.cloud.stop(*names),
                lambda site: is_launched(site) and not live_instances(site),
                check,
                may_stay=is_launched,
            )

    def start_and_kill(self, daemon: str) -> None:
        def prepare(site: Site) -> tuple[str, ...]:
            names = self.launched(site, "north", 1)
            site.run_until(lambda: is_launched(site), 5)
            site.cloud.stop(*names)
            site.run_until(lambda: is_launched(site) and not live_instances(site), 5)
            site.run(1)
            return names

        def check(site: Site, is_acknowledged: bool) -> None:
            live = live_instances(site)
            self.assertIn(len(live), {1} if is_acknowledged else {0, 1})
            for each in live:
                self.assertEqual(each.starts, 1)
                self.assertEqual(each.state_reason_code, "")

        for gone_s in GONE_S:
            self.walk(
                daemon,
                gone_s,
                prepare,
                lambda site, names: site.cloud.start(*names),
                lambda site: is_launched(site) and not stopped_instances(site),
                check,
                may_stay=is_launched,
            )


WORDS = {
    "launch": "launch",
    "regret": "launch that is taken back",
    "terminate": "termination",
    "stop": "stop",
    "start": "start of what was stopped",
}


def _add_tests() -> None:
    for daemon in DAEMONS:
        for what in WORDS:
            # One instance only, and it is on the other node.
            if what in ("stop", "start") and daemon == "north-2":
                continue

            def test(self: KillTests, daemon: str = daemon, what: str = what) -> None:
                getattr(self, f"{what}_and_kill")(daemon)

            name = daemon.replace("-", "_")
            test.__name__ = f"test_{what}_{name}"
            test.__doc__ = (
                f"A {WORDS[what]} ends as it was asked for, with nothing lost, "
                f"doubled or left over, at whatever step {daemon} is killed."
            )
            setattr(KillTests, test.__name__, test)


_add_tests()
