"""Whether KVM works: what is run to find out, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from attrs import define, evolve, field
from lxml import etree
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.nodectl.domain_xml import (
    found_in,
)
from euca_tw.nodectl.interfaces import (
    DomainRefused,
    DomainState,
    HypervisorUnavailable,
)
from euca_tw.nodectl.kvm_probe import (
    Trial,
    chosen,
    is_offered,
    judged,
    trial_xml,
    why_not,
)
from euca_tw.nodectl.libvirt_attempt import Attempt
from euca_tw.nodectl.libvirt_errors import ConnectionLost
from euca_tw.nodectl.machines import (
    KVM,
    QEMU,
    Machine,
)

CAPABILITIES = """
<capabilities>
  <host><cpu><arch>x86_64</arch></cpu></host>
  <guest><os_type>hvm</os_type><arch name="i686">
    <domain type="qemu"/>{i686}</arch></guest>
  <guest><os_type>hvm</os_type><arch name="x86_64">
    <domain type="qemu"/>{x86_64}</arch></guest>
</capabilities>
"""
WITH_KVM = CAPABILITIES.format(i686="", x86_64='<domain type="kvm"/>')


class TrialTests(SynchronousTestCase):
    """What is run."""

    trial = Trial(machine=KVM, disk=Path("/instances/trial.img"))

    def setUp(self) -> None:
        self.domain = etree.fromstring(trial_xml(self.trial, "nc"))

    def test_as_instances(self) -> None:
        """The guest is made as instances' domains are."""
        self.assertEqual(self.domain.get("type"), "kvm")
        cpu = self.domain.find("cpu")
        assert cpu is not None
        self.assertEqual(cpu.get("mode"), KVM.cpu_mode)
        self.assertIsNotNone(self.domain.find("devices/memballoon"))

    def test_is_no_instance(self) -> None:
        """It is never taken for an instance, by its name or by its mark."""
        self.assertEqual(self.domain.findtext("name"), "nc-trial")
        self.assertIsNone(found_in(trial_xml(self.trial, "nc"), "nc"))
        self.assertNotIn("urn:euca-tw:instance", trial_xml(self.trial, "nc"))

    def test_of_two_nodes(self) -> None:
        """Two nodes on one machine can try at once."""
        other = etree.fromstring(trial_xml(self.trial, "nc2"))
        for what in ("name", "uuid"):
            self.assertNotEqual(self.domain.findtext(what), other.findtext(what))

    def test_leaves_nothing(self) -> None:
        """It has no card, writes no console, and cannot write its disk."""
        devices = self.domain.find("devices")
        assert devices is not None
        self.assertEqual(devices.findall("interface"), [])
        self.assertEqual(devices.findall("serial"), [])
        [disk] = devices.findall("disk")
        self.assertIsNotNone(disk.find("readonly"))

    def test_offered(self) -> None:
        """KVM is offered if a guest of the machine's kind may be of its type."""
        without = CAPABILITIES.format(i686='<domain type="kvm"/>', x86_64="")
        self.assertTrue(is_offered(WITH_KVM, KVM))
        self.assertFalse(is_offered(without, KVM))
        self.assertTrue(is_offered(without, QEMU))

    def test_judged(self) -> None:
        """It works if the guest has shut itself down, and for no other reason."""
        self.assertEqual(judged(DomainState.HALTED, 5), "")
        told = {judged(state, 5) for state in {*DomainState} - {DomainState.HALTED}}
        self.assertEqual(len(told), 5)
        self.assertIn("a guest under it did not run within 5 s", told)
        self.assertTrue(all(judged(state, 5) for state in (None, DomainState.SHUTOFF)))


@define
class RecordingAttempt:
    """
    A guest that does as it is told, and notes what is done to it.

    @ivar states: how it is, one look after the other; the last for ever.
    """

    states: list[DomainState | Exception | None]
    capabilities_xml: str = WITH_KVM
    refusal: Exception | None = None
    end_fails: Exception | None = None
    sector: bytes = b""
    mode: int = 0
    calls: list[str] = field(factory=list)

    def capabilities(self) -> str:
        return self.capabilities_xml

    def begin(self, xml: str) -> None:
        self.calls.append("begin")
        source = etree.fromstring(xml).find("devices/disk/source")
        assert source is not None
        disk = Path(source.get("file") or "")
        self.sector, self.mode = disk.read_bytes(), disk.stat().st_mode & 0o777
        if self.refusal is not None:
            raise self.refusal

    def state(self) -> DomainState | None:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        return state

    def end(self) -> None:
        self.calls.append("end")
        if self.end_fails is not None:
            raise self.end_fails


class WhyNotTests(SynchronousTestCase):
    """How it goes; a look takes no time here."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.disk = Path(self.mktemp()).absolute()
        self.trial = Trial(machine=KVM, disk=self.disk)

    def trying(self, attempt: RecordingAttempt) -> Deferred[str]:
        return Deferred.fromCoroutine(
            why_not(self.trial, "nc", self.acting(attempt), self.clock)
        )

    def acting(
        self, attempt: RecordingAttempt
    ) -> Callable[[Callable[[Attempt], Any]], Coroutine[Any, Any, Any]]:
        async def act(step: Callable[[Any], Any]) -> Any:
            # As the methods of Attempt are called on it, whatever it is.
            if step is Attempt.capabilities:
                return attempt.capabilities()
            if step is Attempt.state:
                return attempt.state()
            return step(attempt)

        return act

    def ends(self, attempt: RecordingAttempt) -> str:
        """Why it does not work; nothing is left of the guest."""
        why = self.successResultOf(self.trying(attempt))
        self.assertFalse(self.disk.exists())
        self.assertEqual(attempt.calls[-1:], ["end"])
        return why

    def test_works(self) -> None:
        """KVM works if the guest ends by itself, however soon."""
        attempt = RecordingAttempt([DomainState.HALTED])
        self.assertEqual(self.ends(attempt), "")
        self.assertEqual(attempt.calls, ["begin", "end"])
        self.assertEqual(attempt.sector[510:512], b"\x55\xaa")
        self.assertEqual(attempt.mode, 0o644)

    def test_takes_its_time(self) -> None:
        """The guest is given its time."""
        attempt = RecordingAttempt([DomainState.RUNNING] * 20 + [DomainState.HALTED])
        trying = self.trying(attempt)
        self.assertNoResult(trying)
        self.clock.pump([0.05] * 20)
        self.assertEqual(self.successResultOf(trying), "")

    def test_hangs(self) -> None:
        """A guest that still runs at its deadline hangs, and is ended."""
        attempt = RecordingAttempt([DomainState.RUNNING])
        trying = self.trying(attempt)
        self.clock.pump([0.05] * 99)
        self.assertNoResult(trying)
        self.clock.pump([0.05] * 2)
        self.assertIn("did not run within 5 s", self.successResultOf(trying))
        self.assertEqual(attempt.calls, ["begin", "end"])
        self.assertFalse(self.disk.exists())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_other_ends(self) -> None:
        """A guest that crashes, is paused, or is gone does not prove that it works."""
        for state, told in (
            (DomainState.CRASHED, "crashed"),
            (DomainState.PAUSED, "was paused"),
            (None, "ended, it is not known why"),
        ):
            self.assertIn(told, self.ends(RecordingAttempt([state])))

    def test_refused(self) -> None:
        """What libvirt will not run does not work, with its words."""
        refusal = DomainRefused("failed to set MSR 0x10a to 0x69")
        attempt = RecordingAttempt([None], refusal=refusal)
        self.assertIn("is refused: failed to set MSR", self.ends(attempt))

    def test_not_offered(self) -> None:
        """Where libvirt has no KVM none is tried."""
        without = CAPABILITIES.format(i686="", x86_64="")
        attempt = RecordingAttempt([None], capabilities_xml=without)
        why = self.successResultOf(self.trying(attempt))
        self.assertIn("/dev/kvm is not there", why)
        self.assertEqual(attempt.calls, [])

    def test_cannot_be_asked(self) -> None:
        """What cannot be tried is not believed."""
        attempt = RecordingAttempt([HypervisorUnavailable("no answer")])
        self.assertIn("cannot be tried: no answer", self.ends(attempt))
        attempt = RecordingAttempt(
            [DomainState.HALTED], end_fails=HypervisorUnavailable("no answer")
        )
        self.assertIn("cannot be tried: no answer", self.ends(attempt))

    def test_no_room(self) -> None:
        """Where its disk cannot be made it cannot be tried."""
        self.trial = evolve(self.trial, disk=self.disk / "nowhere" / "trial.img")
        why = self.successResultOf(self.trying(RecordingAttempt([None])))
        self.assertIn("cannot be tried", why)

    def test_lost(self) -> None:
        """If the connection is lost meanwhile it is not known whether it works."""
        trying = self.trying(RecordingAttempt([ConnectionLost("closed")]))
        self.failureResultOf(trying, ConnectionLost)

    def test_left_over(self) -> None:
        """A disk that an earlier daemon left is made anew."""
        self.disk.write_bytes(b"old")
        attempt = RecordingAttempt([DomainState.HALTED])
        self.assertEqual(self.ends(attempt), "")
        self.assertEqual(len(attempt.sector), 1 << 20)

    def choose(self, trial: Trial | None, attempt: RecordingAttempt) -> Machine:
        choosing = chosen(QEMU, trial, "nc", self.acting(attempt), self.clock)
        return self.successResultOf(Deferred.fromCoroutine(choosing))

    def test_chosen(self) -> None:
        """What has proved itself is taken, else the other; and that is said."""
        for state, taken, said in (
            (DomainState.HALTED, KVM, "instances run by kvm"),
            (DomainState.CRASHED, QEMU, "kvm is not used: a guest under it crashed"),
        ):
            with capturedLogs() as captured:
                machine = self.choose(self.trial, RecordingAttempt([state]))
            self.assertIs(machine, taken)
            [line] = captured
            text = line["log_format"].format(**line)
            self.assertIn(said, text)

    def test_nothing_to_try(self) -> None:
        """Where nothing shall be tried nothing is."""
        attempt = RecordingAttempt([DomainState.HALTED])
        self.assertIs(self.choose(None, attempt), QEMU)
        self.assertEqual(attempt.calls, [])
