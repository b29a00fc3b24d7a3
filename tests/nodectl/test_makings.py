"""Images of instances on a node: L{euca_tw.nodectl.makings}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from euca_tw.api import node as api
from euca_tw.nodectl.interfaces import DomainState
from euca_tw.nodectl.life import Goal, Life
from euca_tw.nodectl.making_records import ImageMaking
from euca_tw.nodectl.settings import NodeSettings
from tests.nodectl.test_node import NodeTestCase

IMAGE, INSTANCE = "emi-00000002", "i-00000001"


class MakingTestCase(NodeTestCase):
    settings = NodeSettings(stop_grace_s=60)

    def setUp(self) -> None:
        super().setUp()
        self.launched()
        self.pump(1)

    def ask(self, image_id: str = IMAGE, **given: Any) -> Any:
        request = api.NcMakeImage(
            **{
                "image_id": image_id,
                "instance_id": INSTANCE,
                "is_rebooted": True,
                "url": "memory:///",
                "key": "secret",
                **given,
            }
        )
        return self.told(request)

    def stage(self, **given: Any) -> str:
        stage: str = self.ask(**given).stage
        return stage

    def domain(self) -> DomainState | None:
        found = Deferred.fromCoroutine(self.hypervisor.find(INSTANCE))
        domain = self.successResultOf(found)
        return None if domain is None else domain.state

    def told_life(self) -> tuple[str, str | None]:
        told = self.told(api.NcWaitForChanges(since=0, timeout_s=0))
        [changed] = told.instances
        return changed.instance.state_name, changed.life

    def start_again(self) -> None:
        """As after a kill: what was under way is gone."""
        self.node.stopService()
        self.pump()
        self.begin()
        self.pump()


class RebootTests(MakingTestCase):
    """What is asked for without NoReboot."""

    def test_made(self) -> None:
        """
        The guest is shut down, its disk is kept, and it runs again; meanwhile
        it is told of as running.  Then the image is sent.
        """
        self.maker.step_s = 5
        self.assertEqual(self.stage(), "wanted")
        self.pump()
        self.assertIsNone(self.domain())
        self.assertEqual(self.record().life, Life.STOPPED)
        self.assertEqual(self.told_life(), ("Extant", None))
        self.pump(5)
        self.assertEqual(self.stage(), "captured")
        self.assertEqual(self.domain(), DomainState.RUNNING)
        self.assertEqual(self.told_life(), ("Extant", None))
        self.pump(5)
        told = self.ask()
        self.assertEqual(told.stage, "finished")
        self.assertGreater(told.size_bytes, 0)
        self.pump(5)
        self.assertEqual(self.stage(), "sent")
        self.assertEqual(self.maker.sent[IMAGE].sha256, told.sha256)
        self.assertEqual(self.maker.captured, {}, "nothing is left")

    def test_deaf(self) -> None:
        """A guest that does not heed is ended when its time is over."""
        self.hypervisor.deaf.add(INSTANCE)
        self.ask()
        self.pump(30)
        self.assertEqual(self.stage(), "wanted")
        self.pump(30)
        self.assertEqual(self.stage(), "sent")
        self.assertEqual(self.domain(), DomainState.RUNNING)

    def test_restarted(self) -> None:
        """
        A node controller that is killed at any step goes on; the image is made
        once, and the guest runs.
        """
        self.maker.step_s = 5
        self.ask()
        for stage in "wanted", "captured", "finished":
            self.pump()
            self.assertEqual(self.stage(), stage)
            self.start_again()
            self.pump(5)
        self.assertEqual(self.stage(), "sent")
        self.assertEqual([*self.maker.sent], [IMAGE])
        self.assertEqual(self.domain(), DomainState.RUNNING)

    def test_terminated_before(self) -> None:
        """What ends before its disk is kept gives no image."""
        self.maker.step_s = 5
        self.ask()
        self.pump()
        self.told(api.NcTerminateInstance(instance_id=INSTANCE))
        self.pump(10)
        told = self.ask()
        self.assertEqual(
            (told.stage, told.reason), ("failed", "Its instance has ended")
        )
        self.assertEqual(self.maker.captured, {})

    def test_terminated_after(self) -> None:
        """What ends when its disk is kept gives one all the same."""
        self.maker.step_s = 5
        self.ask()
        self.pump()
        self.pump(5)
        self.told(api.NcTerminateInstance(instance_id=INSTANCE))
        self.pump(5)
        self.pump(5)
        self.assertEqual(self.record().life, Life.TERMINATED)
        self.assertEqual(self.stage(), "sent")

    def test_no_room(self) -> None:
        """A node whose disk is full says so; the guest runs again."""
        self.maker.is_full = True
        self.ask()
        self.pump()
        told = self.ask()
        self.assertEqual(
            (told.stage, told.reason), ("failed", "The node's disk is full")
        )
        self.assertEqual(self.domain(), DomainState.RUNNING)

    def test_does_not_come_up(self) -> None:
        """A guest that does not come up again is stopped, and keeps its disk."""
        self.maker.step_s = 5
        self.ask()
        self.pump()
        self.instances.missing.add("emi-00000001")
        self.pump(5)
        for _ in range(70):
            self.pump(10)
        self.assertEqual(self.record().life, Life.STOPPED)
        self.assertEqual(self.record().wanted, Goal.STOPPED)
        self.assertTrue(self.instances.has_disk(INSTANCE))

    def test_stopped_meanwhile(self) -> None:
        """Who stops it while an image is made of it finds it stopped."""
        self.maker.step_s = 5
        self.ask()
        self.pump()
        self.assertEqual(self.told(self.stopping()).refusal, None)
        self.assertEqual(self.told_life(), ("Extant", "stopped"))
        self.pump(20)
        self.assertEqual(self.record().life, Life.STOPPED)
        self.assertIsNone(self.domain())

    def stopping(self) -> api.NcStopInstance:
        return api.NcStopInstance(instance_id=INSTANCE)

    def test_of_stopped(self) -> None:
        """
        Of one that is stopped it is made at once; a start that comes meanwhile
        waits until the disk is kept.
        """
        self.told(self.stopping())
        self.pump()
        self.maker.step_s = 5
        self.ask()
        self.told(api.NcStartInstance(instance_id=INSTANCE))
        self.pump(1)
        self.assertIsNone(self.domain())
        self.pump(4)
        self.assertEqual(self.domain(), DomainState.RUNNING)

    def test_two(self) -> None:
        """Two that are asked for at once are both made."""
        self.ask()
        self.ask("emi-00000003")
        self.pump()
        self.pump()
        self.assertEqual(set(self.maker.sent), {IMAGE, "emi-00000003"})
        self.assertEqual(self.domain(), DomainState.RUNNING)

    def test_not_here(self) -> None:
        """Of an instance that is not here none is made, until it is found."""
        self.assertEqual(self.stage(instance_id="i-0000000f"), "unknown")
        self.launched(15)
        self.assertEqual(self.stage(instance_id="i-0000000f"), "wanted")

    def test_forgotten(self) -> None:
        """After a while nothing is kept of it."""
        self.ask()
        self.pump()
        self.pump(self.settings.ended_kept_s)
        self.assertEqual([*self.store.all(ImageMaking)], [])

    def test_left(self) -> None:
        """What no record is of is deleted when the node controller starts."""
        self.maker.captured["emi-0000000f"] = INSTANCE
        self.start_again()
        self.assertEqual(self.maker.captured, {})

    def test_not_taken(self) -> None:
        """
        While the cloud controller does not take it, it is sent again; and after
        its time has failed, by that reason.
        """
        self.maker.complaint = "the cloud controller does not answer"
        self.ask()
        for _ in range(3):
            self.pump(20)
        told = self.ask()
        self.assertEqual(told.stage, "finished")
        self.assertEqual(told.reason, "The cloud controller does not answer")
        self.clock.advance(self.settings.image_deadline_s)
        self.pump()
        told = self.ask()
        self.assertEqual(told.stage, "failed")
        self.assertEqual(told.reason, "The cloud controller does not answer")


class HeldTests(MakingTestCase):
    """What is asked for with NoReboot."""

    def ask(self, image_id: str = IMAGE, **given: Any) -> Any:
        return super().ask(image_id, **{"is_rebooted": False, **given})

    def test_made(self) -> None:
        """The guest stands still while its disk is kept, and goes on then."""
        self.maker.step_s = 5
        self.ask()
        self.pump()
        self.assertEqual(self.domain(), DomainState.PAUSED)
        self.assertEqual(self.told_life(), ("Extant", None))
        boots = self.hypervisor.consoles
        before = dict(boots)
        self.pump(5)
        self.assertEqual(self.domain(), DomainState.RUNNING)
        self.assertEqual(self.stage(), "captured")
        self.assertEqual(boots, before, "it was not booted")
        self.pump(5)
        self.pump(5)
        self.assertEqual(self.stage(), "sent")

    def test_one_after_the_other(self) -> None:
        """Of several guests one stands still at a time."""
        self.launched(2)
        self.pump(1)
        self.maker.step_s = 5
        self.ask()
        self.ask("emi-00000003", instance_id="i-00000002")
        self.pump()
        self.assertEqual(self.states(), [DomainState.PAUSED, DomainState.RUNNING])
        self.pump(5)
        self.assertEqual(self.states(), [DomainState.RUNNING, DomainState.PAUSED])
        self.pump(5)
        self.assertEqual(self.states(), [DomainState.RUNNING] * 2)

    def states(self) -> list[DomainState]:
        found = Deferred.fromCoroutine(self.hypervisor.list())
        return [domain.state for domain in self.successResultOf(found)]

    def test_killed(self) -> None:
        """
        A guest that was held still when its node controller was killed goes on
        when the next one has kept its disk.
        """
        self.maker.step_s = 5
        self.ask()
        self.pump()
        self.clock.calls = []  # nothing of it goes on
        self.begin()
        self.pump()
        self.assertEqual(self.domain(), DomainState.PAUSED)
        self.pump(5)
        self.assertEqual(self.domain(), DomainState.RUNNING)

    def test_stopped_service(self) -> None:
        """A node controller that is stopped leaves no guest standing still."""
        self.maker.step_s = 5
        self.ask()
        self.pump()
        self.assertEqual(self.domain(), DomainState.PAUSED)
        self.node.stopService()
        self.pump()
        self.successResultOf(self.hypervisor.start())
        self.assertEqual(self.domain(), DomainState.RUNNING)

    def test_no_room(self) -> None:
        """The guest goes on, too, where there is no room for its disk."""
        self.maker.is_full = True
        self.ask()
        self.pump()
        self.assertEqual(self.stage(), "failed")
        self.assertEqual(self.domain(), DomainState.RUNNING)

    def test_stop_waits(self) -> None:
        """A guest that stands still is asked to shut down when it can hear it."""
        self.maker.step_s = 5
        self.ask()
        self.pump()
        self.told(api.NcStopInstance(instance_id=INSTANCE))
        self.pump(1)
        self.assertEqual(self.domain(), DomainState.PAUSED)
        self.pump(4)
        self.pump()
        self.assertEqual(self.record().life, Life.STOPPED)

    def test_cannot(self) -> None:
        """Where no guest can be held still, that is said, with what to do."""

        async def hold(name: str) -> bool:
            return False

        self.patch(type(self.hypervisor), "hold", lambda _, name: hold(name))
        self.ask()
        self.pump()
        told = self.ask()
        self.assertEqual(told.stage, "failed")
        self.assertIn("without NoReboot", told.reason)

    def test_unreachable(self) -> None:
        """While the hypervisor cannot be asked it waits."""
        self.hypervisor.disconnect()
        self.ask()
        self.pump(5)
        self.assertEqual(self.stage(), "wanted")
        self.hypervisor.reconnect()
        self.pump(30)
        self.assertEqual(self.stage(), "sent")


class NoMakerTests(MakingTestCase):
    def test_none(self) -> None:
        """A node that makes no images says so."""
        self.node.stopService()
        self.pump()
        self.maker = None  # type: ignore[assignment]
        self.begin()
        told = self.ask()
        self.assertEqual(
            (told.stage, told.reason), ("failed", "This node makes no images")
        )
