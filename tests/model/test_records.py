"""What records tell of themselves."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.identifiers import AccountId, ImageId, InstanceId, ReservationId
from euca_tw.model.records import Instance, InstanceState, place_in
from tests.clc.cloud import NOW

ONE = Instance(
    instance_id=InstanceId("i-00000001"),
    reservation_id=ReservationId("r-00000001"),
    owner_id=AccountId("000000000001"),
    image_id=ImageId("emi-00000001"),
    instance_type="m1.small",
    cores=1,
    memory_mib=128,
    disk_gib=2,
    groups=(),
    launch_index=0,
    launched_at=NOW,
    zone="here",
    network_index=7,
    mac_address="d0:0d:00:00:00:01",
)


class InstanceTests(SynchronousTestCase):
    def test_live(self) -> None:
        """Until it has ended, an instance has its place and its zone."""
        for state in InstanceState:
            record = evolve(ONE, state=state)
            is_live = state is not InstanceState.TERMINATED
            self.assertEqual(record.is_live, is_live)
            self.assertEqual(record.live_in == "here", is_live)
            self.assertEqual(record.occupies == place_in("here", 7), is_live)

    def test_charged(self) -> None:
        """It counts against its owner's limit while it shall run and does."""
        ending = evolve(ONE, wanted=InstanceState.TERMINATED)
        ended = evolve(ONE, state=InstanceState.TERMINATED)
        self.assertEqual(ONE.charged_to, "000000000001")
        self.assertNotEqual(ending.charged_to, "000000000001")
        self.assertNotEqual(ended.charged_to, "000000000001")

    def test_ended_have_nothing_in_common(self) -> None:
        """What has ended is not found together with others."""
        ended = evolve(ONE, state=InstanceState.TERMINATED)
        other = evolve(ended, instance_id=InstanceId("i-00000002"))
        for name in "live_in", "occupies", "charged_to":
            self.assertNotEqual(getattr(ended, name), getattr(other, name))

    def test_codes(self) -> None:
        """EC2's numbers of the states."""
        codes = {state.value: state.code for state in InstanceState}
        self.assertEqual(
            codes,
            {
                "pending": 0,
                "running": 16,
                "shutting-down": 32,
                "terminated": 48,
                "stopping": 64,
                "stopped": 80,
            },
        )
