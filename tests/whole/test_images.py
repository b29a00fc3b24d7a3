"""Images of instances, through all tiers, whatever befalls them."""

from __future__ import annotations

from random import Random

from euca_tw.model.records import Image, ImageState, Instance, InstanceState
from euca_tw.nodectl.interfaces import DomainState
from euca_tw.nodectl.making_records import ImageMaking
from tests.whole.case import WholeTestCase
from tests.whole.cloud import IMAGE

AVAILABLE, FAILED = ImageState.AVAILABLE, ImageState.FAILED


class ImagesTestCase(WholeTestCase):
    def setUp(self) -> None:
        super().setUp()
        for machine in self.site.machines.values():
            machine.maker.step_s = 2

    def created(self, name: str, no_reboot: bool = False) -> str:
        """Ask, and wait for the answer only."""
        asked = self.site.cloud.create_image(name, f"of {name}", no_reboot)
        self.until(lambda: asked.called, 5)
        image_id: str = self.successResultOf(asked)
        return image_id

    def image(self, image_id: str) -> Image:
        found = self.site.cloud.store.get(Image, image_id)
        assert found is not None
        return found

    def is_settled(self, image_id: str) -> bool:
        return self.image(image_id).state is not ImageState.PENDING

    def states(self, name: str) -> set[InstanceState]:
        """What a user has seen of an instance since then."""
        seen: set[InstanceState] = set()

        def look(change: object) -> None:
            seen.add(self.instance(name).state)

        self.site.cloud.store.watch(look)
        return seen

    def domain(self, name: str) -> DomainState | None:
        for machine in self.site.machines.values():
            guest = machine.hypervisor._guests.get(name)
            if guest is not None:
                return guest.state
        return None

    def sent(self) -> list[str]:
        """Every image that any node has sent."""
        return [
            image_id
            for machine in self.site.machines.values()
            for image_id in machine.maker.sent
        ]

    def left(self) -> list[str]:
        """Every image that any node has something of."""
        return [
            image_id
            for machine in self.site.machines.values()
            for image_id in machine.maker.captured
        ]


class CreateImageTests(ImagesTestCase):
    def test_made(self) -> None:
        """
        An image of an instance is there within seconds, and can be launched;
        its user sees the instance running all the time.
        """
        [name] = self.running()
        seen = self.states(name)
        image_id = self.created(name)
        took_s = self.until(lambda: self.is_settled(image_id))
        image = self.image(image_id)
        self.assertEqual((image.state, image.state_reason), (AVAILABLE, ""))
        self.assertGreater(image.size_bytes, 0)
        self.assertEqual(seen, {InstanceState.RUNNING})
        self.assertLess(took_s, 6 + self.cloud_settings.image_poll_s)
        asked = self.site.cloud.launch("south", image_id=image_id)
        self.until(lambda: asked.called, 5)
        [other] = self.successResultOf(asked)
        self.until(lambda: self.is_in(other, InstanceState.RUNNING))
        self.assertEqual((self.sent(), self.left()), ([image_id], []))

    def test_no_reboot(self) -> None:
        """Without a reboot the guest goes on as it was."""
        [name] = self.running()
        self.site.run(1)
        node = self.site.machines[self.node_of(name)]
        before = dict(node.hypervisor.consoles)
        image_id = self.created(name, no_reboot=True)
        self.until(lambda: self.is_settled(image_id))
        self.assertEqual(self.image(image_id).state, AVAILABLE)
        self.assertEqual(node.hypervisor.consoles, before)

    def test_full(self) -> None:
        """A node without room says so to the user, and the instance goes on."""
        [name] = self.running()
        self.site.machines[self.node_of(name)].maker.is_full = True
        image_id = self.created(name)
        self.until(lambda: self.is_settled(image_id))
        image = self.image(image_id)
        self.assertEqual(
            (image.state, image.state_reason), (FAILED, "The node's disk is full")
        )
        self.until(lambda: self.domain(name) is DomainState.RUNNING)

    def test_terminated(self) -> None:
        """An instance that is terminated meanwhile takes its image with it."""
        [name] = self.running()
        image_id = self.created(name)
        self.until(lambda: self.domain(name) is None)
        self.site.cloud.terminate(name)
        self.until(lambda: self.is_settled(image_id))
        self.assertEqual(self.image(image_id).state_reason, "Its instance has ended")
        self.assertEqual(self.left(), [])

    def test_terminated_after(self) -> None:
        """One that is terminated when its disk is kept does not."""
        [name] = self.running()
        image_id = self.created(name)
        self.until(lambda: bool(self.left()))
        self.site.cloud.terminate(name)
        self.until(lambda: self.is_settled(image_id))
        self.assertEqual(self.image(image_id).state, AVAILABLE)

    def test_outlives(self) -> None:
        """An image that takes hours is made when its instance is long forgotten."""
        [name] = self.running()
        node = self.site.machines[self.node_of(name)]
        image_id = self.created(name)
        self.until(lambda: bool(self.left()))
        node.maker.step_s = 4000
        self.site.cloud.terminate(name)
        self.until(lambda: not self.site.cloud.states(), 5000)
        self.assertEqual(self.image(image_id).state, ImageState.PENDING)
        self.until(lambda: self.is_settled(image_id), 9000)
        self.assertEqual(self.image(image_id).state, AVAILABLE)

    def test_deregistered(self) -> None:
        """
        An image that is deregistered while it is made is forgotten; the
        instance runs.
        """
        [name] = self.running()
        image_id = self.created(name)
        self.until(lambda: self.domain(name) is None)
        self.site.cloud.deregister(image_id)
        self.site.run(60)
        self.assertIsNone(self.site.cloud.store.get(Image, image_id))
        self.assertEqual(self.domain(name), DomainState.RUNNING)

    def test_node_lost(self) -> None:
        """Where a node was taken out of its cluster, that is told."""
        [name] = self.running("south")
        self.site.kill("south", "south-1")
        self.site.cluster_nodes["south"] = ()
        image_id = self.created(name)
        self.site.start("south")
        self.until(lambda: self.is_settled(image_id), 120)
        self.assertIn("taken out", self.image(image_id).state_reason)


class FaultTests(ImagesTestCase):
    def test_killed(self) -> None:
        """
        Whichever daemon is killed, and whenever: the image is made, once, and
        the instance runs; nothing is left of it on the node.
        """
        for number, daemon in enumerate(("cloud", "north", "north-1", "north-2")):
            for after_s in range(9):
                with self.subTest(daemon=daemon, after_s=after_s):
                    self.kill_while_made(daemon, after_s + number / 4)

    def kill_while_made(self, daemon: str, after_s: float) -> None:
        no_reboot = bool(round(after_s) % 2)
        [name] = self.running()
        image_id = self.created(name, no_reboot)
        self.site.run(after_s)
        self.site.kill(daemon)
        self.site.run(1)
        self.site.start(daemon)
        self.until(lambda: self.is_settled(image_id), 300)
        self.assertEqual(self.image(image_id).state, AVAILABLE)
        self.until(lambda: self.domain(name) is DomainState.RUNNING, 60)
        self.until(lambda: self.is_in(name, InstanceState.RUNNING), 60)
        self.assertEqual(self.sent().count(image_id), 1)
        self.until(lambda: not self.left(), 60)
        self.site.cloud.terminate(name)
        self.until(lambda: self.is_in(name, InstanceState.TERMINATED), 120)

    def test_storm(self) -> None:
        """In a storm of deaths every image is made in the end."""
        chance = Random(7)
        names = self.running("north", 3) + self.running("south", 1)
        images = [self.created(name, chance.random() < 0.5) for name in names]
        daemons = [*self.site.daemons]
        for _ in range(20):
            daemon = chance.choice(daemons)
            self.site.kill(daemon)
            self.site.run(chance.random() * 2)
            self.site.start(daemon)
            self.site.run(chance.random() * 4)
        for image_id in images:
            self.until(lambda each=image_id: self.is_settled(each), 600)
            self.assertEqual(self.image(image_id).state, AVAILABLE)
        for name in names:
            self.until(lambda each=name: self.domain(each) is DomainState.RUNNING, 120)
        self.assertEqual(sorted(self.sent()), sorted(images))

    def test_nothing_kept(self) -> None:
        """In the end no node keeps anything of it."""
        [name] = self.running()
        image_id = self.created(name)
        self.until(lambda: self.is_settled(image_id))
        self.site.run(self.node_settings.ended_kept_s + 10)
        for daemon in self.site.daemons.values():
            kept = [r for r in daemon.disk.records.values() if type(r) is ImageMaking]
            self.assertEqual(kept, [])


class DeregisterTests(ImagesTestCase):
    def test_while_used(self) -> None:
        """
        A deregistered image is kept while an instance of it lives, and goes
        with the last of them.
        """
        names = self.running("north", 2)
        self.site.cloud.deregister(IMAGE)
        self.site.run(5)
        self.assertIn(IMAGE, self.site.images.locations)
        for name in names:
            self.assertIn(IMAGE, self.site.images.locations)
            self.site.cloud.terminate(name)
            self.until(lambda each=name: self.is_in(each, InstanceState.TERMINATED))
            self.site.run(1)
        self.assertNotIn(IMAGE, self.site.images.locations)
        self.assertIsNone(self.site.cloud.store.get(Image, IMAGE))
        self.assertEqual(len(self.site.cloud.store.all(Instance)), 2)
