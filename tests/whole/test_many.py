"""Several cloud controllers on one database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import (
    AddressLimitExceeded,
    DuplicateGroup,
    InsufficientAddressCapacity,
    InsufficientInstanceCapacity,
)
from euca_tw.model.records import (
    ClientToken,
    GroupNetwork,
    Instance,
    InstanceState,
    SecurityGroup,
)
from euca_tw.model.sharing import Controller
from euca_tw.model.usage import UsageMeter
from euca_tw.overlay.settings import MANAGED, NetworkSettings
from euca_tw.store.interfaces import StoreUnreachable
from tests.whole.judgement import is_ended, is_launched, is_sound
from tests.whole.many import ManySite
from tests.whole.site import TWO

#: After a leader's end another leads within this.
MOVED_S = 10.0


class ManyTestCase(SynchronousTestCase):
    many = 3
    network: NetworkSettings | None = None

    def setUp(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Another world."""
        self.site = ManySite(TWO, many=self.many, network=self.network)
        self.site.always = is_sound
        self.site.start()
        self.until(self.is_ready, 10)

    def is_ready(self) -> bool:
        site = self.site
        return all(site.daemons[name].service for name in site.clouds) and all(
            zone.is_reachable and zone.available.get("m1.small")
            for name in site.clouds
            for zone in site.one(name).clusters.zones()
        )

    def until(self, reached: Callable[[], bool], within_s: float = 60) -> float:
        return self.site.run_until(reached, within_s)

    def both(self, *asked: Deferred[Any]) -> list[Any]:
        """What came of requests that were made at once."""
        results: list[Any] = []
        for each in asked:
            each.addBoth(results.append)
        self.until(lambda: len(results) == len(asked), 10)
        return results

    def result(self, asked: Deferred[Any], within_s: float = 5) -> Any:
        self.until(lambda: bool(asked.called), within_s)
        return self.successResultOf(asked)

    def followers(self, duty: str = "zone north") -> list[str]:
        leader = self.site.leader(duty)
        return [
            name
            for name in self.site.clouds
            if name != leader and self.site.daemons[name].service
        ]

    def kept(self, kind: type) -> list[Any]:
        records = self.site.hub.disk.records.values()
        return [each for each in records if isinstance(each, kind)]


class UserTests(ManyTestCase):
    """What users of different ones see."""

    def test_write_here_read_there(self) -> None:
        """What is written at one is there for the next request at any other."""
        one, two, three = map(self.site.one, self.site.clouds)
        self.result(one.create_group("web"))
        refused = self.both(two.create_group("web"))
        self.assertIsInstance(refused[0].value, DuplicateGroup)
        [name] = self.result(two.launch("north", groups=("web",)))
        self.result(three.terminate(name))
        self.result(one._shared.current())  # type: ignore[union-attr]
        self.assertEqual(one.instance(name).wanted, InstanceState.TERMINATED)
        self.until(lambda: is_ended(self.site))

    def test_group(self) -> None:
        """Of two who take a name at once one has it."""
        one, two = map(self.site.one, self.site.clouds[:2])
        results = self.both(one.create_group("web"), two.create_group("web"))
        failed = [each for each in results if hasattr(each, "value")]
        self.assertEqual([type(each.value) for each in failed], [DuplicateGroup])
        names = Counter(each.name for each in self.kept(SecurityGroup))
        self.assertEqual(names["web"], 1)

    def test_last_address(self) -> None:
        """Of two who ask for the last address at once one gets it."""
        one, two = map(self.site.one, self.site.clouds[:2])
        self.result(one.allocate())
        results = self.both(one.allocate(), two.allocate())
        failed = [each for each in results if not isinstance(each, str)]
        self.assertEqual(len(failed), 1)
        failed[0].trap(InsufficientAddressCapacity, AddressLimitExceeded)

    def test_token(self) -> None:
        """A launch that is asked for at two with one token is one launch."""
        clouds = [self.site.one(name) for name in self.site.clouds]
        told = self.both(*(each.launch("north", 2, "again") for each in clouds))
        self.assertEqual(len(set(told)), 1)
        self.until(lambda: is_launched(self.site))
        self.assertEqual(len(self.site.domains()), 2)
        self.assertEqual(len(self.kept(ClientToken)), 1)

    def test_last_room(self) -> None:
        """Of two who ask for all the room at once one gets it."""
        one, two = map(self.site.one, self.followers())
        results = self.both(one.launch("north", 8), two.launch("north", 8))
        failed = [each for each in results if not isinstance(each, tuple)]
        self.assertEqual(
            [type(each.value) for each in failed], [InsufficientInstanceCapacity]
        )
        self.until(lambda: is_launched(self.site))
        self.assertEqual(len(self.site.domains()), 8)

    def test_room_is_told(self) -> None:
        """How much room there is know those who do not hear the cluster."""
        self.result(self.site.one(self.followers()[0]).launch("north", 3))
        self.until(lambda: is_launched(self.site))
        self.site.run(3)
        for name in self.site.clouds:
            north, south = self.site.one(name).clusters.zones()
            self.assertEqual(north.available["m1.small"], 5, name)
            self.assertEqual(south.available["m1.small"], 4, name)

    def test_many_at_once(self) -> None:
        """Whoever launches at whichever one has what he asked for, once."""
        clouds = [self.site.one(name) for name in self.site.clouds]
        asked = [clouds[n % 3].launch("north") for n in range(8)]
        told = self.both(*asked)
        self.assertEqual(len({name for [name] in told}), 8)
        self.until(lambda: is_launched(self.site))
        places = [(each.zone, each.network_index) for each in self.kept(Instance)]
        self.assertEqual(len(set(places)), 8)


class LeadTests(ManyTestCase):
    """Who leads."""

    def test_spread(self) -> None:
        """Duties are spread over those that there are, as soon as they settle."""
        self.site.run(60)
        duties = ("zone north", "zone south", "removed zones", "images", "usage")
        leads = Counter(self.site.leader(duty) for duty in duties)
        self.assertEqual(sorted(leads.values()), [1, 2, 2])

    def test_told(self) -> None:
        """Each tells who there is, and who leads what."""
        self.site.run(60)
        for name in self.site.clouds:
            controllers = self.site.one(name).controllers
            assert controllers is not None
            told = {each["listen"]: each for each in controllers.told()}
            self.assertEqual(len(told), 3)
            for each in told.values():
                daemon = each["listen"].partition(".")[0]
                self.assertEqual(each["is_this"], daemon == name)
                for duty in each["leads"]:
                    self.assertEqual(self.site.leader(duty), daemon)

    def test_dead_are_forgotten(self) -> None:
        """One that was killed is soon no more among them."""
        self.site.kill(self.followers()[0])
        self.site.run(30)
        self.assertEqual(len(self.kept(Controller)), 2)

    def test_rolling_restart(self) -> None:
        """When each is restarted in turn nobody waits for a lease to run out."""
        for name in self.site.clouds:
            self.site.run(40)
            led = [
                duty
                for duty in ("zone north", "zone south")
                if self.site.leader(duty) == name
            ]
            ended = self.site.end(name)
            self.until(lambda ended=ended: ended.called, 5)  # type: ignore[misc]
            for duty in led:
                self.until(lambda duty=duty: self.site.leader(duty) != "", 1)  # type: ignore[misc]
            self.site.start(name)
            self.until(lambda name=name: bool(self.site.daemons[name].service), 5)  # type: ignore[misc]
        self.result(self.site.one("cloud-2").launch("south"))
        self.until(lambda: is_launched(self.site))

    def test_usage(self) -> None:
        """What runs is measured once, whoever measures."""
        self.result(self.site.one("cloud-1").launch("north", 3))
        self.until(lambda: is_launched(self.site))
        self.site.run(5)
        self.site.kill(self.site.leader("usage"))
        self.result(self.site.cloud.launch("south"), 10)
        self.until(lambda: is_launched(self.site))
        self.until(lambda: self.site.leader("usage") != "", MOVED_S)
        self.site.run(2)
        self.assertEqual([each.running for each in self.kept(UsageMeter)], [4])


class LossTests(ManyTestCase):
    """The leader is lost at every so many steps of a launch, and of an end."""

    def lost_at(
        self, step: int, lose: Callable[[str], None], back: Callable[[str], None]
    ) -> bool:
        """@return: whether it was still under way at that step."""
        self.begin()
        site = self.site
        leader = site.leader("zone north")
        user = site.one(self.followers()[step % 2])
        asked = user.launch("north", 2)
        for _ in range(step):
            site.step(1)
        was_under_way = not (asked.called and is_launched(site))
        lose(leader)
        self.until(lambda: site.leader("zone north") not in ("", leader), MOVED_S)
        self.result(asked)
        self.until(lambda: is_launched(site), 30)
        self.assertEqual(len(site.domains()), 2)
        ended = user.terminate(*(name for _, name in site.domains()))
        self.result(ended)
        back(leader)
        self.until(lambda: is_ended(site), 60)
        site.run(20)
        self.assertTrue(is_ended(site))
        return was_under_way

    def walk(
        self, lose: Callable[[str], None], back: Callable[[str], None], every: int
    ) -> None:
        step = 1
        while self.lost_at(step, lose, back):
            step += every
        self.assertGreater(step, 3 * every)

    def test_killed(self) -> None:
        """Killed, and started again later."""
        self.walk(
            lambda name: self.site.kill(name), lambda name: self.site.start(name), 5
        )

    def test_stopped(self) -> None:
        """Stopped, and it goes on when another has long begun."""

        def go_on(name: str) -> None:
            self.site.daemons[name].life.go_on()  # type: ignore[union-attr]

        def stop(name: str) -> None:
            self.site.daemons[name].life.stop()  # type: ignore[union-attr]

        self.walk(stop, go_on, 7)

    def test_cut(self) -> None:
        """Cut off from the database, but not from clusters."""
        self.walk(
            lambda name: self.site.cut(name), lambda name: self.site.mend(name), 7
        )


class DatabaseTests(ManyTestCase):
    """The database is not there for a while."""

    def test_down(self) -> None:
        """
        At whichever step of a launch it goes: what was acknowledged comes about, once,
        and of what was refused either all or nothing.
        """
        for step in range(1, 60, 6):
            self.begin()
            self.lost_at(step)

    def lost_at(self, step: int) -> None:
        site = self.site
        user = site.one(self.followers()[0])
        asked = user.launch("north", 2, "token")
        for _ in range(step):
            site.step(1)
        site.hub.is_down = True
        site.run(40)
        self.assertEqual(site.leader("zone north"), "")
        site.hub.is_down = False
        # Whoever was refused asks again, with the same token.
        [told] = self.both(asked)
        for _ in range(20):
            if isinstance(told, tuple):
                break
            told.trap(StoreUnreachable)
            site.run(1)
            [told] = self.both(user.launch("north", 2, "token"))
        self.until(lambda: is_launched(site))
        self.assertEqual({name for _, name in site.domains()}, {*told})


class MuteTests(ManyTestCase):
    """What one writes does not arrive, though it hears all."""

    def test_begun_meanwhile(self) -> None:
        """
        Who begins to lead while a commit of his own is under way does nothing that
        only that says.
        """
        self.result(self.site.cloud.launch("south"))
        self.until(lambda: is_launched(self.site))
        self.site.run(3)
        mute, other = self.followers()
        self.site.kill(self.site.leader("zone north"), other)
        user, journal = self.site.one(mute), self.site.daemons[mute].journal
        journal.is_mute = True
        asked = user.launch("north")
        self.until(lambda: self.site.leader("zone north") == mute, MOVED_S)
        self.assertEqual(len(user.store.where(Instance, "zone", "north")), 1)
        self.site.run(2)
        self.assertFalse(asked.called)
        self.assertEqual(len(self.site.domains()), 1)
        journal.is_mute = False
        self.result(asked)
        self.until(lambda: is_launched(self.site))
        self.assertEqual(len(self.site.domains()), 2)

    def test_in_doubt(self) -> None:
        """
        Of what is not known to be kept a cluster is not told that it was heard; and
        it goes on when that is known.
        """
        names = self.result(self.site.cloud.launch("north", 2))
        self.until(lambda: is_launched(self.site))
        self.site.run(60)
        leader = self.site.leader("zone north")
        cloud, journal = self.site.one(leader), self.site.daemons[leader].journal
        view = cloud.clusters._zones["north"].view
        journal.is_mute = True
        self.power_off(names[0])
        self.site.run(30)
        self.assertEqual(self.site.leader("zone north"), leader)
        heard = view.sequence
        self.power_off(names[1])
        self.site.run(30)
        self.assertEqual(view.sequence, heard)
        journal.is_mute = False
        self.until(
            lambda: all(
                each.state is InstanceState.TERMINATED for each in self.kept(Instance)
            )
        )

    def power_off(self, name: str) -> None:
        [node] = [node for node, each in self.site.domains() if each == name]
        self.site.machines[node].hypervisor.power_off(name)


class ManagedTests(ManyTestCase):
    """Networks are told by one of them."""

    network = NetworkSettings(mode=MANAGED)

    def test_networks(self) -> None:
        """Two groups of two users have two networks, and clusters know both."""
        one, two = map(self.site.one, self.site.clouds[:2])
        self.result(one.create_group("web"))
        self.result(two.create_group("db"))
        self.both(
            one.launch("north", groups=("web",)), two.launch("south", groups=("db",))
        )
        self.until(lambda: is_launched(self.site))
        self.assertEqual(len(self.kept(GroupNetwork)), 2)
        self.assertEqual(sorted(n.number for n in self.kept(GroupNetwork)), [1, 2])

    def test_leader_is_killed(self) -> None:
        """Another tells them what came since, and what is over is forgotten."""
        user = self.site.one(self.followers("networks")[0])
        [name] = self.result(user.launch("north"))
        self.until(lambda: is_launched(self.site))
        self.site.kill(self.site.leader("networks"))
        user = self.site.cloud
        self.result(user.create_group("web"))
        [other] = self.result(user.launch("north", groups=("web",)))
        self.until(lambda: is_launched(self.site))
        self.result(user.terminate(name, other))
        self.until(lambda: is_ended(self.site))
        self.until(lambda: not self.kept(GroupNetwork), 120)


__all__: Iterable[str] = ()
