"""
One domain as libvirt has it, whosever it is: its beginning, how it is, its end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from euca_tw.nodectl.interfaces import DomainRefused, DomainState
from euca_tw.nodectl.libvirt_errors import ConnectionLost, asking, plain, trouble
from euca_tw.nodectl.lxc import is_lxc, kill, was_outrun
from euca_tw.nodectl.xen import why_refused

try:
    import libvirt
except ImportError:  # a machine that runs no domains needs none
    libvirt = None

#: Of a domain that others outrun.
_TRIES = 20

_STATES = {
    "VIR_DOMAIN_PAUSED": DomainState.PAUSED,
    "VIR_DOMAIN_PMSUSPENDED": DomainState.PAUSED,
    "VIR_DOMAIN_CRASHED": DomainState.CRASHED,
}
#: How a domain came to be off.  A domain that was never run, or that libvirtd
#: has found to be off when it was started, has no reason.
_ENDINGS = {
    "VIR_DOMAIN_SHUTOFF_SHUTDOWN": DomainState.HALTED,
    "VIR_DOMAIN_SHUTOFF_CRASHED": DomainState.CRASHED,
    "VIR_DOMAIN_SHUTOFF_DESTROYED": DomainState.KILLED,
    "VIR_DOMAIN_SHUTOFF_FAILED": DomainState.SHUTOFF,
}


def domain_state(handle: Any) -> DomainState:
    """How a domain is."""
    number, reason = handle.state()
    return state_of(number, reason, handle.isPersistent)


def told_state(values: dict[str, Any]) -> tuple[int, int] | None:
    """libvirt's numbers for state and reason, among what it tells of a domain."""
    try:
        return values["state.state"], values["state.reason"]
    except KeyError:
        return None


def state_of(number: int, reason: int, is_kept: Callable[[], Any]) -> DomainState:
    """
    @param number, reason: libvirt's.
    @param is_kept: whether libvirt keeps the domain when it is off; asked only
        of one that is.
    """
    if number == libvirt.VIR_DOMAIN_SHUTOFF:
        if not is_kept():
            # Nothing keeps it, so it is about to be gone, or to begin anew: Xen's
            # driver says for seconds that a guest is off which reboots.
            return DomainState.RUNNING
        return _named(reason, _ENDINGS, DomainState.SHUTOFF)
    # Running, blocked, or still on its way down.  Xen also has none at times.
    return _named(number, _STATES, DomainState.RUNNING)


def _named(
    number: int, names: dict[str, DomainState], otherwise: DomainState
) -> DomainState:
    for name, state in names.items():
        if number == getattr(libvirt, name):
            return state
    return otherwise


def run_domain(connection: Any, xml: str, *, is_kept: bool, flags: int = 0) -> None:
    """
    @param connection: of libvirt's.
    @param is_kept: whether libvirt keeps the domain when it has ended.
    @raise DomainRefused:
    """
    handle = None
    try:
        if is_kept:
            handle = connection.defineXML(xml)
            _create(handle, flags)
        else:
            connection.createXML(xml, flags)
    except libvirt.libvirtError as error:
        why = trouble(connection, error)
        if isinstance(why, ConnectionLost):
            raise why from error
        if handle is not None:
            end_domain(handle)
        if error.get_error_code() == libvirt.VIR_ERR_OPERATION_TIMEOUT:
            raise why from error
        text = plain(error)
        with asking(connection):
            text = why_refused(connection, text)
        if "Permission denied" in text:
            text += " (the user that domains run as cannot get at their disks)"
        raise DomainRefused(text) from error


def _create(handle: Any, flags: int) -> None:
    for tries_left in reversed(range(_TRIES)):
        try:
            handle.createWithFlags(flags)
        except libvirt.libvirtError as error:
            if not tries_left or not was_outrun(plain(error)):
                raise
        else:
            return


def end_domain(handle: Any) -> None:
    """
    End a domain and forget it.

    @raise euca_tw.nodectl.interfaces.HypervisorUnavailable:
    """
    _kill(handle)
    with asking(handle.connect(), *_gone()):
        if handle.isPersistent():
            _forget(handle)


def run_anew(handle: Any) -> None:
    """
    Where a driver has no reset line: end a domain, and run it again.

    @raise euca_tw.nodectl.interfaces.HypervisorUnavailable:
    """
    connection, xml = handle.connect(), handle.XMLDesc(0)
    if handle.isPersistent():
        _kill(handle)
        _create(handle, 0)
    else:
        end_domain(handle)
        connection.createXML(xml, 0)


def _kill(handle: Any) -> None:
    connection = handle.connect()
    # Of one that has just begun libvirt may not know yet whom to kill, nor of one
    # that has just ended that there is nobody.
    with asking(connection, *_gone(), libvirt.VIR_ERR_SYSTEM_ERROR):
        if is_lxc(connection):
            kill(handle)
    with asking(connection, *_gone()):
        handle.destroy()


def _gone() -> tuple[int, ...]:
    """It may end by itself meanwhile; that is as good."""
    return libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID


def _forget(handle: Any) -> None:
    """With what somebody may have saved of it."""
    try:
        handle.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in (
            libvirt.VIR_ERR_INVALID_ARG,
            libvirt.VIR_ERR_NO_SUPPORT,
        ):
            raise
        handle.undefine()  # a driver that saves nothing
