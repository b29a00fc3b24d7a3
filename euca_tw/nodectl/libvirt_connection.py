"""
One connection to libvirt, as libvirt is: calls that block, errors by number.

The only module that imports libvirt.  It knows nothing of the reactor: every
call may be made in any thread (libvirt's library is thread safe), some may
hang, and callbacks come in libvirt's own thread, of which there is one in the
process.  L{euca_tw.nodectl.libvirt} makes a hypervisor of it.

Domains are defined, and not only run: libvirt keeps one that has ended, and tells
how, also to a node controller that was not there when it did.  It is forgotten
when it is destroyed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import Any

from attrs import define, field, frozen

from euca_tw.model.capacity import Resources
from euca_tw.nodectl.domain_xml import NAMESPACE, Found, found_in
from euca_tw.nodectl.interfaces import (
    Domain,
    DomainRefused,
    DomainState,
    HypervisorUnavailable,
)
from euca_tw.nodectl.xen import is_xen, memory_for_guests_mib, why_refused

try:
    import libvirt
except ImportError:  # a machine that runs no domains needs none
    libvirt = None


class NeverAvailable(HypervisorUnavailable):
    """It cannot become available as it is configured."""


class ConnectionLost(HypervisorUnavailable):
    """The connection is dead; another may be made."""


@frozen(kw_only=True)
class Watchers:
    """
    Who is told of what, in libvirt's thread: they must return at once, and
    must not call libvirt.

    @ivar changed: a domain's name, and whether its guest began anew or ended.
    @ivar lost: the connection is dead.
    """

    changed: Callable[[str, bool], None]
    lost: Callable[[], None]


@define(eq=False)
class Connection:
    """
    Made by L{connect}.

    Every method may raise L{HypervisorUnavailable}, and L{ConnectionLost} of
    it if no further call can succeed.
    """

    _libvirt: Any
    _mark: str
    _watchers: Watchers
    _callbacks: list[int] = field(factory=list, init=False)
    #: By UUID, whether a domain is ours: that never changes.
    _ours: dict[str, bool] = field(factory=dict, init=False)
    #: Names of those that are ended to be run again at once.
    _renewed: set[str] = field(factory=set, init=False)

    def domains(self) -> tuple[Domain, ...]:
        """Ours, running or not."""
        with self._asking():
            handles = self._libvirt.listAllDomains(0)
        found: list[Domain] = []
        ours: dict[str, bool] = {}
        for handle in handles:
            uuid = handle.UUIDString()
            ours[uuid] = self._is_ours(handle)
            if ours[uuid]:
                with self._asking(libvirt.VIR_ERR_NO_DOMAIN):
                    state = _state(handle)
                    found.append(Domain(name=handle.name(), state=state))
        self._ours = ours
        missed = self._renewed.difference(domain.name for domain in found)
        return (*found, *map(_renewing, missed))

    def domain(self, name: str) -> Domain | None:
        """One of ours."""
        handle = self._find(name)
        if handle is not None and self._is_ours(handle):
            with self._asking(libvirt.VIR_ERR_NO_DOMAIN):
                return Domain(name=name, state=_state(handle))
        return _renewing(name) if name in self._renewed else None

    def run(self, name: str, uuid: str, xml: str, *, is_kept: bool = True) -> None:
        """
        @param is_kept: whether libvirt keeps the domain when it has ended.
        @raise DomainRefused:
        """
        handle = self._find(name)
        if handle is not None:
            if not self._is_ours(handle):
                raise DomainRefused(f"somebody else's domain is called {name}")
            with self._asking(libvirt.VIR_ERR_NO_DOMAIN):
                if _state(handle) in (DomainState.RUNNING, DomainState.PAUSED):
                    return
            self._end(handle)
            handle = None
        self._ours[uuid] = True
        try:
            if is_kept:
                handle = self._libvirt.defineXML(xml)
                handle.create()
            else:
                self._libvirt.createXML(xml, 0)
        except libvirt.libvirtError as error:
            trouble = self._trouble(error)
            if handle is not None and not isinstance(trouble, ConnectionLost):
                self._end(handle)
            if (
                isinstance(trouble, ConnectionLost)
                or error.get_error_code() == libvirt.VIR_ERR_OPERATION_TIMEOUT
            ):
                raise trouble from error
            text = _plain(error)
            with self._asking():
                text = why_refused(self._libvirt, text)
            if "Permission denied" in text:
                text += " (the user that domains run as cannot get at their disks)"
            raise DomainRefused(text) from error

    def destroy(self, name: str) -> None:
        """Nothing happens if there is none of ours."""
        handle = self._find(name)
        if handle is not None and self._is_ours(handle):
            self._end(handle)

    def memo(self, name: str) -> str:
        """What one of ours carries."""
        handle = self._find(name)
        found = None if handle is None else self._found(handle)
        return "" if found is None else found.memo

    def shut_down(self, name: str) -> bool:
        """Ask the guest to; whether it could be asked."""
        handle = self._find(name)
        if handle is None or not self._is_ours(handle):
            return False
        try:
            handle.shutdown()
        except libvirt.libvirtError as error:
            trouble = self._trouble(error)
            if isinstance(trouble, ConnectionLost):
                raise trouble from error
            return False
        return True

    def reboot(self, name: str) -> bool:
        """
        Ask the guest to; reset it if it cannot be asked.

        @return: it was asked, so it is to be seen whether it does.
        """
        handle = self._find(name)
        if handle is None or not self._is_ours(handle):
            return False
        try:
            handle.reboot(libvirt.VIR_DOMAIN_REBOOT_DEFAULT)
        except libvirt.libvirtError as error:
            if isinstance(self._trouble(error), ConnectionLost):
                raise self._trouble(error) from error
            self._reset(handle)
            return False
        return True

    def reset(self, name: str) -> None:
        """Pull the guest's reset line; nothing happens if there is none."""
        handle = self._find(name)
        if handle is not None and self._is_ours(handle):
            self._reset(handle)

    def capacity(self) -> Resources:
        """Cores and memory of the machine."""
        with self._asking():
            _, memory_mib, cores, *_ = self._libvirt.getInfo()
            if is_xen(self._libvirt):
                memory_mib = memory_for_guests_mib(self._libvirt)
        return Resources(cores=int(cores), memory_mib=int(memory_mib), disk_gib=0)

    def close(self) -> None:
        """Whatever becomes of it: the connection is not used again."""
        for callback in self._callbacks:
            with self._closing():
                self._libvirt.domainEventDeregisterAny(callback)
        with self._closing():
            self._libvirt.unregisterCloseCallback()
        with self._closing():
            self._libvirt.close()

    def listen(self) -> None:
        """Have the watchers told."""
        for event, callback in (
            (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._lifecycle),
            (libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, self._rebooted),
        ):
            # A driver may lack one of them.
            with self._asking(libvirt.VIR_ERR_NO_SUPPORT):
                self._callbacks.append(
                    self._libvirt.domainEventRegisterAny(None, event, callback, None)
                )
        # Drivers that run within this process cannot be lost.
        with self._asking(libvirt.VIR_ERR_NO_SUPPORT):
            self._libvirt.registerCloseCallback(self._closed, None)
        with self._asking(libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_INTERNAL_ERROR):
            # A daemon that hangs is noticed after some 20 s.
            self._libvirt.setKeepAlive(5, 3)

    # In libvirt's thread

    def _lifecycle(self, _: Any, handle: Any, event: int, *ignored: Any) -> None:
        anew = (libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STOPPED)
        self._tell(handle, event in anew)

    def _rebooted(self, _: Any, handle: Any, *ignored: Any) -> None:
        self._tell(handle, True)

    def _tell(self, handle: Any, began_anew: bool) -> None:
        # One that is not known yet may be ours; one list too many is no harm.
        if self._ours.get(handle.UUIDString(), True):
            self._watchers.changed(handle.name(), began_anew)

    def _closed(self, *ignored: Any) -> None:
        self._watchers.lost()

    # In any thread

    def _find(self, name: str) -> Any:
        with self._asking(libvirt.VIR_ERR_NO_DOMAIN):
            return self._libvirt.lookupByName(name)
        return None

    def _is_ours(self, handle: Any) -> bool:
        known = self._ours.get(handle.UUIDString())
        if known is not None:
            return known
        return self._found(handle) is not None

    def _found(self, handle: Any) -> Found | None:
        """What our metadata element says, if it is there and is whole."""
        with self._asking(
            libvirt.VIR_ERR_NO_DOMAIN,
            libvirt.VIR_ERR_NO_DOMAIN_METADATA,
            libvirt.VIR_ERR_NO_SUPPORT,
        ):
            element = handle.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE)
            found = found_in(element, self._mark)
            if found is not None and found.instance_id == str(handle.name()):
                return found
        return None

    def _end(self, handle: Any) -> None:
        # It may end by itself meanwhile; that is as good.
        gone = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID)
        with self._asking(*gone):
            handle.destroy()
        with self._asking(*gone):
            if handle.isPersistent():
                _forget(handle)

    def _reset(self, handle: Any) -> None:
        gone = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID)
        with self._asking(*gone, libvirt.VIR_ERR_NO_SUPPORT):
            handle.reset(0)
            return
        with self._asking(*gone):
            if handle.isActive():
                self._renew(handle)

    def _renew(self, handle: Any) -> None:
        """Xen's driver has no reset line: end the domain, and run it anew."""
        name, xml = str(handle.name()), handle.XMLDesc(0)
        # Who looks meanwhile shall not think that it has ended.
        self._renewed.add(name)
        try:
            self._end(handle)
            self._libvirt.createXML(xml, 0)
        finally:
            self._renewed.discard(name)
            self._watchers.changed(name, True)

    @contextmanager
    def _asking(self, *fine: int) -> Iterator[None]:
        """libvirt's errors as ours, except those that are fine."""
        try:
            yield
        except libvirt.libvirtError as error:
            if error.get_error_code() not in fine:
                raise self._trouble(error) from error

    @contextmanager
    def _closing(self) -> Iterator[None]:
        """On a dead connection nothing can be taken back, nor need it be."""
        try:
            yield
        except libvirt.libvirtError:
            return

    def _trouble(self, error: Any) -> HypervisorUnavailable:
        try:
            is_alive = bool(self._libvirt.isAlive())
        except libvirt.libvirtError:
            is_alive = False
        if is_alive:
            return HypervisorUnavailable(f"libvirt: {_plain(error)}")
        return ConnectionLost(f"the connection to libvirt is lost: {_plain(error)}")


def connect(uri: str, mark: str, watchers: Watchers) -> Connection:
    """
    @param uri: of the hypervisor: C{qemu:///system}.
    @param mark: of the domains that are ours.
    @raise NeverAvailable: it never can be reached as it is configured.
    @raise HypervisorUnavailable: it cannot be reached now.
    """
    if libvirt is None:
        raise NeverAvailable(
            "libvirt's Python binding is not installed: pip install 'euca_tw[node]'"
        )
    _deliver_events()
    try:
        connection = Connection(libvirt.open(uri), mark, watchers)
    except libvirt.libvirtError as error:
        raise _unreachable(uri, error) from error
    try:
        connection.listen()
    except HypervisorUnavailable:
        connection.close()
        raise
    return connection


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


def _renewing(name: str) -> Domain:
    return Domain(name=name, state=DomainState.RUNNING)


def _state(handle: Any) -> DomainState:
    number, reason = handle.state()
    if number == libvirt.VIR_DOMAIN_SHUTOFF:
        if not handle.isPersistent():
            # Nothing keeps it, so it is about to be gone, or to begin anew: Xen's
            # driver says for seconds that a guest is off which reboots.
            return DomainState.RUNNING
        for name, state in _ENDINGS.items():
            if reason == getattr(libvirt, name):
                return state
        return DomainState.SHUTOFF
    for name, state in _STATES.items():
        if number == getattr(libvirt, name):
            return state
    # Running, blocked, or still on its way down.  Xen also has none at times.
    return DomainState.RUNNING


def _unreachable(uri: str, error: Any) -> HypervisorUnavailable:
    text = _plain(error)
    if error.get_error_code() in (
        libvirt.VIR_ERR_NO_CONNECT,
        libvirt.VIR_ERR_INVALID_ARG,
        libvirt.VIR_ERR_XML_ERROR,
    ):
        return NeverAvailable(f"{uri} is no hypervisor that libvirt knows: {text}")
    if "Permission denied" in text or error.get_error_code() in (
        libvirt.VIR_ERR_AUTH_FAILED,
        libvirt.VIR_ERR_AUTH_UNAVAILABLE,
        libvirt.VIR_ERR_AUTH_CANCELLED,
    ):
        return HypervisorUnavailable(
            f"{uri} may not be used by this user ({text}): run as root, or add the "
            "user to the group libvirt"
        )
    if error.get_error_code() == libvirt.VIR_ERR_SYSTEM_ERROR:
        return HypervisorUnavailable(
            f"libvirtd is not running ({text}): start it with 'systemctl start "
            "libvirtd', or where there is no systemd with 'tools/libvirtd-start'"
        )
    return HypervisorUnavailable(f"{uri} cannot be reached: {text}")


_DIRECTORY = re.compile(r"(?<![\w/:])/(?:[^\s/'\"]+/)+")


def _plain(error: Any) -> str:
    """What libvirt says, on one line, without this machine's directories."""
    text = " ".join((error.get_error_message() or str(error)).split())
    return _DIRECTORY.sub("", text)


# Note [One event loop a process]
#
# libvirt has one event loop in a process, which must be registered before the
# first connection is made and cannot be replaced.  Hence this one global: a
# thread that runs libvirt's own loop for as long as the process lives.  The
# loop could run on the reactor instead; but libvirt calls its hooks from any
# thread, with its locks held, and this way no Python code runs in them.

_events_lock = Lock()
_events: Thread | None = None


def _deliver_events() -> None:
    """See that libvirt's event loop runs."""
    global _events  # noqa: PLW0603, see Note [One event loop a process]
    with _events_lock:
        if _events is None:
            # Else libvirt prints every error on stderr, also those that are fine.
            libvirt.registerErrorHandler(lambda context, error: None, None)
            libvirt.virEventRegisterDefaultImpl()
            _events = Thread(target=_run_events, name="libvirt-events", daemon=True)
            _events.start()


def _run_events() -> None:
    pause = Event()
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            # It could not poll; trying again at once would burn a core.
            pause.wait(0.1)
