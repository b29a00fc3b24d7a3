"""
Whether KVM works here, found out by a guest that does nothing but end.

That /dev/kvm is there says little: it may be closed to the user that domains
run as, and guests may hang under it, on a machine that is itself virtual.  So
nothing is believed but a guest that has run, on the very way on which domains
will: by libvirt, made as they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from attrs import frozen
from lxml import etree
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from euca_tw.nodectl.domain_xml import (
    PREFIX,
    domain_xml,
)
from euca_tw.nodectl.interfaces import (
    Disk,
    DomainRefused,
    DomainSpec,
    DomainState,
    HypervisorUnavailable,
)
from euca_tw.nodectl.libvirt_attempt import ATTEMPT_NAMESPACE, Attempt
from euca_tw.nodectl.libvirt_errors import ConnectionLost
from euca_tw.nodectl.machines import (
    Machine,
)

Act = Callable[[Callable[[Attempt], Any]], Awaitable[Any]]

_log = Logger(namespace=__name__)

_TRIALS = UUID("0c9d3b64-8a07-4a3f-8f51-6b766d20676f")
#: Off, by ACPI: mov dx, 0x604; mov ax, 0x2000; out dx, ax.  If that does nothing,
#: the guest rests: cli; hlt; jmp rest.
_BOOT_SECTOR = bytes.fromhex("ba0406 b80020 ef fa f4 ebfc").ljust(510, b"\0") + (
    b"\x55\xaa"
)
#: A PC's firmware boots from no disk that is a few sectors long.
_DISK_BYTES = 1 << 20
_MEMORY_MIB = 16
#: How often it is looked whether the guest has ended, in seconds.
_LOOK_S = 0.05

_NOT_OFFERED = (
    "libvirt has none to offer (/dev/kvm is not there, or is closed to the user that "
    "domains run as: 'virt-host-validate qemu' says more)"
)
_JUDGED = {
    DomainState.HALTED: "",
    DomainState.RUNNING: "did not run within {deadline_s:g} s",
    DomainState.PAUSED: "was paused",
    DomainState.CRASHED: "crashed",
    DomainState.KILLED: "was ended by somebody",
    DomainState.SHUTOFF: "ended, it is not known why",
}


@frozen(kw_only=True)
class Trial:
    """
    What is to be tried, and how.

    @ivar machine: of the guest.
    @ivar disk: where its disk is put meanwhile; the user that domains run as
        must get there.
    @ivar deadline_s: what a guest is given from its start to its end.
    """

    machine: Machine
    disk: Path
    deadline_s: float = 5.0


def trial_name(mark: str) -> str:
    """What the guest is called; no instance is."""
    return f"{mark}-trial"


def trial_uuid(mark: str) -> str:
    """The guest's, always the same."""
    return str(uuid5(_TRIALS, mark))


def trial_xml(trial: Trial, mark: str) -> str:
    """
    A domain as instances' are, without what would leave something behind.

    @param mark: of the node controller.
    """
    spec = DomainSpec(
        name=trial_name(mark),
        uuid=trial_uuid(mark),
        cores=1,
        memory_mib=_MEMORY_MIB,
        disks=(Disk(path=str(trial.disk), format="raw"),),
        nics=(),
        console="",
    )
    domain = etree.fromstring(domain_xml(spec, trial.machine, mark))
    for metadata in domain.findall("metadata"):
        metadata.clear()
        etree.SubElement(
            metadata,
            etree.QName(ATTEMPT_NAMESPACE, "attempt"),
            {"mark": mark},
            nsmap={PREFIX: ATTEMPT_NAMESPACE},
        )
    for devices in domain.findall("devices"):
        for serial in devices.findall("serial"):
            devices.remove(serial)
        for disk in devices.findall("disk"):
            etree.SubElement(disk, "readonly")
    return etree.tostring(domain, encoding="unicode")


def is_offered(capabilities: str, machine: Machine) -> bool:
    """
    Whether a hypervisor may run such domains.

    @param capabilities: as libvirt tells them.
    """
    found = etree.fromstring(capabilities).iterfind("guest/arch")
    return any(
        domain.get("type") == machine.domain_type
        for arch in found
        if arch.get("name") == machine.arch
        for domain in arch.iterfind("domain")
    )


def judged(state: DomainState | None, deadline_s: float) -> str:
    """
    @param state: how the guest was in the end; None if it was not there.
    @return: why it does not work; C{""} if it does.
    """
    how = _JUDGED[state or DomainState.SHUTOFF].format(deadline_s=deadline_s)
    return how and f"a guest under it {how}"


async def chosen(
    slow: Machine, trial: Trial | None, mark: str, act: Act, clock: IReactorTime
) -> Machine:
    """
    What domains are to be made as, and say so.

    @param slow: what works anyway.
    @param trial: of what is taken in its place, if it works; None: of nothing.
    @param mark, act: see L{why_not}.
    @raise ConnectionLost: that is not known.
    """
    if trial is None:
        return slow
    fast = trial.machine
    why = await why_not(trial, mark, act, clock)
    if not why:
        _log.info("instances run by {fast}: a guest has", fast=fast.domain_type)
        return fast
    _log.warn(
        "{fast} is not used: {why}; instances run by emulation, slowly.  Mend that "
        "and restart; domain_type = {slow!r} in the configuration has it not tried",
        fast=fast.domain_type,
        slow=slow.domain_type,
        why=why,
    )
    return slow


async def why_not(trial: Trial, mark: str, act: Act, clock: IReactorTime) -> str:
    """
    Try it.

    @param mark: of the node controller.
    @param act: has something done to the guest, in a thread.
    @return: why it does not work; C{""} if it does.
    @raise ConnectionLost: that is not known.
    """
    xml = trial_xml(trial, mark)

    def begin(attempt: Attempt) -> None:
        _write(trial.disk)
        attempt.begin(xml)

    def end(attempt: Attempt) -> None:
        trial.disk.unlink(missing_ok=True)
        attempt.end()

    try:
        if not is_offered(await act(Attempt.capabilities), trial.machine):
            return _NOT_OFFERED
        try:
            await act(begin)
            return judged(await _settled(trial, act, clock), trial.deadline_s)
        finally:
            await act(end)
    except ConnectionLost:
        raise
    except DomainRefused as refused:
        return f"a guest under it is refused: {refused}"
    except (HypervisorUnavailable, OSError) as error:
        return f"it cannot be tried: {error}"


async def _settled(trial: Trial, act: Act, clock: IReactorTime) -> DomainState | None:
    """How the guest is when it has ended, or has not in time."""
    ends_at = clock.seconds() + trial.deadline_s
    while True:
        state: DomainState | None = await act(Attempt.state)
        if state is not DomainState.RUNNING or clock.seconds() >= ends_at:
            return state
        await deferLater(clock, _LOOK_S)


def _write(path: Path) -> None:
    # One that a daemon has left when it was killed may be another user's by now.
    path.unlink(missing_ok=True)
    with path.open("xb") as disk:
        disk.write(_BOOT_SECTOR)
        disk.truncate(_DISK_BYTES)
    path.chmod(0o644)
