"""
The storm over a cloud whose networks are managed, of which there are few: groups,
rules and public addresses change meanwhile, and heads die too.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.records import GroupNetwork, Instance, InstanceState
from euca_tw.overlay.settings import MANAGED, NetworkSettings
from tests.whole.judgement import is_ended, is_launched, is_sound
from tests.whole.site import Site, url_of
from tests.whole.test_storm import Storm
from tests.whole.views import are_right, carried

FEW = NetworkSettings(
    mode=MANAGED, private_range="10.1.0.0/26", addresses_per_network=16
)
GROUPS = ("default", "web", "db")


class NetworkStorm(Storm):
    """@ivar groups: of every instance that there ever was: the first of its own."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, FEW)
        self.groups: dict[str, str] = {}
        self.site.always = self.is_sound
        for name in GROUPS[1:]:
            self.heed(self.site.cloud.create_group(name), lambda _: None)
        self.addresses: list[str] = []
        for _ in range(2):
            self.heed(self.site.cloud.allocate(), self.addresses.append)

    def events(self) -> list[Callable[[], None]]:
        # Networks begin and end often, and not everybody hears of it.
        more = [*[self.launch] * 20, *[self.terminate] * 6, *[self.revive] * 10]
        more += [self.cut_briefly] * 4
        return [*super().events(), *more, self.change_rules, self.give_address]

    def cut_briefly(self) -> None:
        url = url_of(self.random.choice(sorted(self.site.daemons)))
        self.site.peers.cut(url)
        self.site.clock.callLater(
            self.random.choice((5, 30)), self.site.peers.mend, url
        )

    def launch(self) -> None:
        if self.cloud is not None:
            zone = self.random.choice(("north", "south"))
            groups = tuple(self.random.sample(GROUPS, self.random.randrange(1, 3)))
            self.heed(self.cloud.launch(zone, groups=groups), self.taken.update)

    def change_rules(self) -> None:
        if self.cloud is not None:
            change = self.random.choice((self.cloud.authorize, self.cloud.revoke))
            pair = self.random.choice(GROUPS), self.random.choice(GROUPS)
            self.heed(change(*pair), lambda _: None)

    def give_address(self) -> None:
        if self.cloud is not None and self.addresses and self.cloud.states():
            to = self.random.choice(sorted(self.cloud.states()))
            public_ip = self.random.choice(self.addresses)
            self.heed(self.cloud.associate(public_ip, to), lambda _: None)

    def is_sound(self, site: Site) -> bool:
        """
        Besides all else: a number is one group's on all machines at a time, however
        often it was used.
        """
        for record in site.daemons["cloud"].disk.records.values():
            if isinstance(record, Instance):
                self.groups[record.instance_id] = record.groups[0].group_id
        carriers: dict[int, set[str]] = {}
        for view in carried(site).values():
            for number, found in view.networks.items() if view is not None else ():
                names = {self.groups[each.instance_id] for each in found.members}
                carriers.setdefault(number, set()).update(names)
        return is_sound(site) and all(len(names) <= 1 for names in carriers.values())


class NetworkStormTests(SynchronousTestCase):
    """What machines carry when the storm is over is what they must."""

    def storm(self, seed: int) -> None:
        storm = NetworkStorm(seed)
        site = storm.site
        storm.rage()
        storm.calm()
        site.run_until(lambda: is_launched(site), 900)
        site.run(60)
        site.run_until(lambda: are_right(site), 120)
        kept = site.cloud.states()
        running = {n for n, s in kept.items() if s is not InstanceState.TERMINATED}
        if running:
            asked: Deferred[object] = site.cloud.terminate(*sorted(running))
            site.run_until(lambda: asked.called, 5)
        site.run_until(lambda: is_ended(site), 300)
        site.run_until(lambda: are_right(site), 120)
        site.run_until(lambda: not site.cloud.store.all(GroupNetwork), 120)


def _add_tests() -> None:
    for seed in range(10):

        def test(self: NetworkStormTests, seed: int = seed) -> None:
            self.storm(seed)

        test.__name__ = f"test_storm_{seed:02d}"
        test.__doc__ = f"Storm {seed} leaves the networks that there are instances of."
        setattr(NetworkStormTests, test.__name__, test)


_add_tests()
