"""Tests for L{euca_tw.sim.audit}: each thing that must not be is seen when it is."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.cc.records import Placement
from euca_tw.model.capacity import Resources
from euca_tw.model.lifecycle import USER_SHUTDOWN, Phase, Wanted
from euca_tw.model.records import Address, Instance, InstanceState
from euca_tw.nodectl.life import Goal, Life
from euca_tw.nodectl.records import HostedInstance
from euca_tw.sim.audit import Audit
from euca_tw.sim.causes import Causes
from euca_tw.store.interfaces import Delete, Put
from tests.fakes.instances import instance
from tests.fakes.launches import NOW, launch

S = InstanceState
NODE = "north-00000"


class AuditCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.noted: list[str] = []
        self.at_s = 0.0
        self.causes = Causes()
        self.audit = Audit(
            causes=self.causes,
            note=self.noted.append,
            now=lambda: self.at_s,
            rooms={NODE: Resources(cores=2, memory_mib=1024, disk_gib=100)},
            ended_kept_s=3600.0,
        )
        self.causes.launches[""] = 2
        self.one = instance(1, state=S.RUNNING)
        self.name = self.one.instance_id
        self.put(self.one)

    def put(self, *records: Any, daemon: str = "cloud") -> None:
        self.audit.wrote(daemon, [Put(each) for each in records])

    def become(self, **changes: Any) -> None:
        """The cloud has the instance so from now on."""
        self.one = evolve(self.one, **changes)
        self.put(self.one)

    def seen(self, *texts: str) -> None:
        """These are noted, and nothing else."""
        self.assertEqual(len(self.noted), len(texts), self.noted)
        for noted, text in zip(self.noted, texts, strict=True):
            self.assertIn(text, noted)


class CloudTests(AuditCase):
    """What the cloud keeps."""

    def test_well(self) -> None:
        """A life as users want it."""
        self.causes.stops[self.name] = self.causes.starts[self.name] = 1
        self.causes.ends.add(self.name)
        self.become(wanted=S.STOPPED, state=S.STOPPING, state_reason_code=USER_SHUTDOWN)
        self.become(state=S.STOPPED)
        self.become(wanted=S.RUNNING, state=S.PENDING, starts=1, state_reason_code="")
        ended = {"wanted": S.TERMINATED, "state_reason_code": USER_SHUTDOWN}
        self.become(state=S.SHUTTING_DOWN, **ended)
        self.become(state=S.TERMINATED)
        self.at_s = 3600.0
        self.audit.wrote("cloud", [Delete(Instance, self.name)])
        self.seen()

    def test_comes_back(self) -> None:
        """What has ended stays so."""
        self.become(
            wanted=S.TERMINATED, state=S.TERMINATED, state_reason_code="Server.X"
        )
        self.become(wanted=S.RUNNING, state=S.RUNNING)
        self.seen("has ended, and comes back as running", "was to end, and shall be")

    def test_order(self) -> None:
        """States follow each other as they may."""
        self.become(state=S.PENDING)
        self.seen("was running, and is pending")

    def test_forgotten(self) -> None:
        """What lives is not forgotten, nor what ended a moment ago."""
        self.audit.wrote("cloud", [Delete(Instance, self.name)])
        self.seen("is forgotten, and is running")
        self.become(
            wanted=S.TERMINATED, state=S.TERMINATED, state_reason_code="Server.X"
        )
        self.audit.wrote("cloud", [Delete(Instance, self.name)])
        self.assertIn("is forgotten too soon", self.noted[-1])

    def test_without_a_cause(self) -> None:
        """Nothing becomes otherwise unless a user, or a policy, wants it."""
        by_user = {"state_reason_code": USER_SHUTDOWN}
        self.become(wanted=S.STOPPED, state=S.STOPPING, **by_user)
        self.become(wanted=S.RUNNING)
        self.become(wanted=S.TERMINATED, state=S.SHUTTING_DOWN, **by_user)
        self.seen(
            "shall stop, and nobody asked",
            "shall run, and was not started",
            "shall end, and nobody asked",
        )

    def test_for_no_reason(self) -> None:
        """A policy gives its reason."""
        self.become(wanted=S.TERMINATED, state=S.SHUTTING_DOWN)
        self.seen("shall be terminated, for no reason")

    def test_more_than_asked(self) -> None:
        """Nobody is started, rebooted or launched more often than was asked for."""
        self.become(reboots_wanted=1)
        self.become(starts=1)
        self.put(instance(2), instance(3))
        self.seen(
            "is rebooted more often", "started anew more", "rebooted", "is one of 3"
        )

    def test_less_than_before(self) -> None:
        """What was asked is not forgotten."""
        self.causes.reboots[self.name] = 1
        self.become(reboots_wanted=1)
        self.become(reboots_wanted=0)
        self.seen("has fewer reboots_wanted than before")

    def test_owned_twice(self) -> None:
        """A place in a range of addresses is one instance's, while it lives."""
        self.put(evolve(instance(2), network_index=self.one.network_index))
        self.seen("the place ")
        self.noted.clear()
        self.become(
            wanted=S.TERMINATED, state=S.TERMINATED, state_reason_code="Server.X"
        )
        self.put(evolve(instance(2), network_index=self.one.network_index, node="a"))
        self.seen()

    def test_address(self) -> None:
        """A public address is given, taken and given back as users want it."""
        address = Address(public_ip="198.51.100.1", owner_id=self.one.owner_id)
        given = evolve(address, instance_id=self.one.instance_id)
        self.put(address)
        self.put(given)
        self.seen("is given to")
        self.causes.gifts.add((address.public_ip, self.name))
        other = evolve(given, public_ip="198.51.100.2")
        self.causes.gifts.add((other.public_ip, self.name))
        self.put(other)
        self.assertIn("the place of", self.noted[-1])
        self.audit.wrote("cloud", [Delete(Address, address.public_ip)])
        self.assertIn("is given back, and nobody", self.noted[-1])

    def test_one_commit(self) -> None:
        """What a commit changes twice nobody sees in between."""
        address = Address(
            public_ip="198.51.100.1",
            owner_id=self.one.owner_id,
            instance_id=self.one.instance_id,
        )
        self.causes.gifts.add((address.public_ip, self.name))
        self.put(address)
        self.put(evolve(address, instance_id=None), address)
        self.seen()


class TierTests(AuditCase):
    """What clusters and nodes keep, and what runs."""

    def hosted(self, **given: Any) -> HostedInstance:
        told: dict[str, Any] = {
            "instance_id": self.name,
            "launch": evolve(launch(), instance_id=self.name),  # type: ignore[misc]
            "began_at": NOW,
            **given,
        }
        return HostedInstance(**told)

    def placed(self, **given: Any) -> Placement:
        told: dict[str, Any] = {"launch": None, "node": "a", "placed_at": NOW, **given}
        return Placement(instance_id=self.name, **told)

    def test_cluster(self) -> None:
        """A cluster ends what the cloud wants ended; what has ended stays so."""
        self.put(self.placed(), daemon="north")
        self.seen()
        self.put(self.placed(wanted=Wanted.ENDED), daemon="north")
        self.seen("shall end, and the cloud says nothing")
        self.put(self.placed(phase=Phase.TEARDOWN), daemon="north")
        self.put(self.placed(phase=Phase.EXTANT), daemon="north")
        self.assertIn("has ended, and comes back as Extant", self.noted[-1])
        self.put(self.placed(starts=1), daemon="north")
        self.assertIn("is started anew, and the cloud says nothing", self.noted[-1])

    def test_node(self) -> None:
        """So does a node."""
        self.put(self.hosted(), daemon=NODE)
        self.seen()
        ended = {"wanted": Goal.ENDED, "reason_code": USER_SHUTDOWN}
        self.put(self.hosted(life=Life.SHUTTING_DOWN, **ended), daemon=NODE)
        self.seen("shall end, and the cloud says nothing")
        self.put(self.hosted(life=Life.TERMINATED, wanted=Goal.ENDED), daemon=NODE)
        self.assertIn("shall end, for no reason", self.noted[-1])
        self.put(self.hosted(life=Life.RUNNING), daemon=NODE)
        self.assertIn("was to end, and shall be running", self.noted[-2])
        self.assertIn("comes back as running", self.noted[-1])

    def test_order(self) -> None:
        """The steps of a life follow each other."""
        self.put(self.hosted(life=Life.RUNNING), daemon=NODE)
        self.put(self.hosted(life=Life.STAGING), daemon=NODE)
        self.seen("was running, and is staging")

    def test_node_forgets(self) -> None:
        """What lives is not forgotten."""
        self.put(self.hosted(), daemon=NODE)
        self.audit.wrote(NODE, [Delete(HostedInstance, self.name)])
        self.seen("is forgotten, and is staging")

    def test_unknown(self) -> None:
        """Nothing is anywhere that the cloud has no record of."""
        self.name = "i-0000dead"
        self.put(self.placed(), daemon="north")
        self.put(self.hosted(), daemon=NODE)
        self.audit.began(self.name)
        self.seen(*["the cloud has no record of it"] * 3)

    def test_promises(self) -> None:
        """No node promises more than it has."""
        large = evolve(launch().instance_type, cores=3)  # type: ignore[misc]
        too_large = evolve(launch(), instance_type=large)  # type: ignore[misc]
        self.put(self.hosted(launch=too_large), daemon=NODE)
        self.seen("promise")

    def test_begun(self) -> None:
        """A domain begins once, and once more for each start."""
        self.audit.began(self.name)
        self.audit.began(self.name)
        self.seen("began 2 times, and was started anew 0")

    def test_begun_again(self) -> None:
        """What a machine lost before anybody knew that it ran is run again."""
        self.put(self.hosted(life=Life.BOOTING), daemon=NODE)
        self.audit.began(self.name)
        self.audit.lost(self.name, NODE)
        self.audit.ceased(self.name, NODE)
        self.audit.began(self.name)
        self.seen()

    def test_ceased(self) -> None:
        """A domain that is ended shall not run, or has met with a mishap."""
        self.put(self.hosted(life=Life.RUNNING), daemon=NODE)
        self.audit.ceased(self.name, NODE)
        self.seen("was ended on north-00000, which says that it shall run")
        self.causes.mishaps.add(self.name)
        self.audit.ceased(self.name, NODE)
        self.assertEqual(len(self.noted), 1)

    def test_disks(self) -> None:
        """A disk is on one machine."""
        self.audit.disk_made(self.name, "a")
        self.audit.disk_gone(self.name, "a")
        self.audit.disk_made(self.name, "b")
        self.seen()
        self.audit.disk_made(self.name, "a")
        self.seen(f"the disk of {self.name} is owned by a and b")
