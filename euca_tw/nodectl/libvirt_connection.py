"""
One connection to libvirt, as libvirt is: calls that block, errors by number.

It knows nothing of the reactor: every call may be made in any thread (libvirt's
library is thread safe), and some may hang.  L{euca_tw.nodectl.libvirt} makes a
hypervisor of it.

Domains are defined, and not only run: libvirt keeps one that has ended, and tells
how, also to a node controller that was not there when it did.  It is forgotten
when it is destroyed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from attrs import Factory, define, field

from euca_tw.model.capacity import Resources
from euca_tw.nodectl.console_stream import ConsoleStream
from euca_tw.nodectl.domain_xml import NAMESPACE, Found, found_in
from euca_tw.nodectl.interfaces import (
    Domain,
    DomainRefused,
    DomainState,
    HypervisorUnavailable,
)
from euca_tw.nodectl.libvirt_attempt import Attempt
from euca_tw.nodectl.libvirt_consoles import LibvirtConsoles
from euca_tw.nodectl.libvirt_domain import (
    domain_state,
    end_domain,
    run_anew,
    run_domain,
    state_of,
    told_state,
)
from euca_tw.nodectl.libvirt_errors import (
    NeverAvailable,
    asking,
    closing,
    is_alive,
    raise_if_lost,
    unreachable,
)
from euca_tw.nodectl.libvirt_events import Events, Watchers, deliver_events
from euca_tw.nodectl.xen import is_xen, memory_for_guests_mib

try:
    import libvirt
except ImportError:  # a machine that runs no domains needs none
    libvirt = None


_UP = (DomainState.RUNNING, DomainState.PAUSED)


# Note [A connection for each call that acts]
#
# libvirtd works on five calls of one connection at a time, by default, and reads
# no more of it until one has ended; not even that the other side still lives, and
# after half a minute it hangs up.  What is done to a domain that hangs takes ten
# seconds, or for ever.  So whatever acts does so on a connection of its own, which
# costs less than a millisecond, and the first is for questions.


@define(eq=False)
class Connection:
    """
    Made by L{connect}.

    Every method may raise L{HypervisorUnavailable}, and L{ConnectionLost} of
    it if no further call can succeed.

    @ivar open: another connection to the same; None: there shall be no other.
    """

    _libvirt: Any
    _mark: str
    _watchers: Watchers
    _open: Callable[[], Any] | None = None
    #: By UUID, whether a domain is ours: that never changes.
    _ours: dict[str, bool] = field(factory=dict, init=False)
    #: Names of those that are ended to be run again at once.
    _renewed: set[str] = field(factory=set, init=False)
    _events: Events = field(
        default=Factory(
            # One that is not known yet may be ours; one list too many is no harm.
            lambda self: Events(
                self._libvirt, self._watchers, lambda uuid: self._ours.get(uuid, True)
            ),
            takes_self=True,
        ),
        init=False,
    )
    _consoles: LibvirtConsoles = field(
        default=Factory(
            lambda self: LibvirtConsoles(self._open or (lambda: self._libvirt)),
            takes_self=True,
        ),
        init=False,
    )
    #: Whether libvirt's driver can tell every domain's state at once.
    _tells_states: bool = field(default=True, init=False)

    def domains(self) -> tuple[Domain, ...]:
        """Ours, running or not."""
        found: list[Domain] = []
        gone = set(self._ours)
        for handle, told in self._listed():
            gone.discard(handle.UUIDString())
            if self._is_ours(handle):
                with self._asking(libvirt.VIR_ERR_NO_DOMAIN):
                    number, reason = told or handle.state()
                    state = state_of(number, reason, handle.isPersistent)
                    if handle.name() in self._renewed:
                        state = DomainState.RUNNING
                    found.append(Domain(name=handle.name(), state=state))
        for uuid in gone:
            self._ours.pop(uuid, None)
        missed = self._renewed.difference(domain.name for domain in found)
        return (*found, *map(_renewing, missed))

    def domain(self, name: str) -> Domain | None:
        """One of ours."""
        handle = self._find(name, self._libvirt)
        is_renewed = name in self._renewed
        if handle is not None and not is_renewed and self._is_ours(handle):
            with self._asking(libvirt.VIR_ERR_NO_DOMAIN):
                return Domain(name=name, state=domain_state(handle))
        return _renewing(name) if is_renewed else None

    def run(self, name: str, uuid: str, xml: str, *, is_kept: bool = True) -> None:
        """
        @param is_kept: whether libvirt keeps the domain when it has ended.
        @raise DomainRefused:
        """
        with self._own() as own:
            handle = self._find(name, own)
            if handle is not None:
                if self._is_ours(handle) is False:
                    raise DomainRefused(f"somebody else's domain is called {name}")
                with self._asking(libvirt.VIR_ERR_NO_DOMAIN):
                    if domain_state(handle) in _UP:
                        return
                self._end(handle)
            self._ours[uuid] = True
            try:
                run_domain(own, xml, is_kept=is_kept)
            except DomainRefused:
                self._ours.pop(uuid, None)
                raise

    def destroy(self, name: str) -> None:
        """Nothing happens if there is none of ours."""
        with self._own() as own:
            handle = self._find(name, own)
            if handle is not None and self._is_ours(handle):
                self._end(handle)

    def memo(self, name: str) -> str:
        """What one of ours carries."""
        handle = self._find(name, self._libvirt)
        element = None if handle is None else self._element(handle)
        found = None if element is None else self._found(handle, element)
        return "" if found is None else found.memo

    def shut_down(self, name: str) -> bool:
        """Ask the guest to; whether it could be asked."""
        with self._own() as own:
            handle = self._find(name, own)
            if handle is None or not self._is_ours(handle):
                return False
            try:
                handle.shutdown()
            except libvirt.libvirtError as error:
                raise_if_lost(own, error)
                return False
            return True

    def reboot(self, name: str) -> bool:
        """
        Ask the guest to; reset it if it cannot be asked.

        @return: it was asked, so it is to be seen whether it does.
        """
        with self._own() as own:
            handle = self._find(name, own)
            if handle is None or not self._is_ours(handle):
                return False
            try:
                handle.reboot(libvirt.VIR_DOMAIN_REBOOT_DEFAULT)
            except libvirt.libvirtError as error:
                raise_if_lost(own, error)
                self._reset(handle)
                return False
            return True

    def hold(self, name: str) -> bool:
        """
        Have the guest stand still, and what it has written be in its disks'
        files: the emulator sees to that when it stops.
        """
        with self._own() as own:
            handle = self._find(name, own)
            if handle is None or not self._is_ours(handle):
                return False
            with self._asking(libvirt.VIR_ERR_NO_DOMAIN):
                if domain_state(handle) is DomainState.PAUSED:
                    return True
            try:
                handle.suspend()
            except libvirt.libvirtError as error:
                raise_if_lost(own, error)
                return False
            return True

    def release(self, name: str) -> None:
        """Let it go on; nothing happens if it was not held."""
        with self._own() as own:
            handle = self._find(name, own)
            gone = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID)
            if handle is not None and self._is_ours(handle):
                with self._asking(*gone):
                    if domain_state(handle) is DomainState.PAUSED:
                        handle.resume()

    def reset(self, name: str) -> None:
        """Pull the guest's reset line; nothing happens if there is none."""
        with self._own() as own:
            handle = self._find(name, own)
            if handle is not None and self._is_ours(handle):
                self._reset(handle)

    def listen_to(
        self, name: str, heard: Callable[[bytes], bool], ended: Callable[[], None]
    ) -> ConsoleStream | None:
        """See L{LibvirtConsoles.listen}; of ours only."""
        domain = self.domain(name)
        if domain is None or domain.state not in _UP:
            return None
        return self._consoles.listen(name, heard, ended)

    def hush(self, stream: ConsoleStream) -> None:
        """Hear no more of it."""
        self._consoles.hush(stream)

    def attempt(self, name: str, uuid: str) -> Attempt:
        """A domain that is no instance's; of that nobody is told."""
        self._ours[uuid] = False
        return Attempt(self._libvirt, name=name, mark=self._mark)

    def capacity(self) -> Resources:
        """Cores and memory of the machine."""
        with self._asking():
            _, memory_mib, cores, *_ = self._libvirt.getInfo()
            if is_xen(self._libvirt):
                memory_mib = memory_for_guests_mib(self._libvirt)
        return Resources(cores=int(cores), memory_mib=int(memory_mib), disk_gib=0)

    def close(self) -> None:
        """Whatever becomes of it: the connection is not used again."""
        self._consoles.close()
        self._events.end()
        with closing():
            self._libvirt.close()

    def listen(self) -> None:
        """Have the watchers told."""
        self._events.begin()

    def _listed(self) -> list[tuple[Any, tuple[int, int] | None]]:
        """Every domain; with its state, and the reason for it, if that is told."""
        if self._tells_states:
            # What is not supported may be not waiting for domains that hang.
            lacking = (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_INVALID_ARG)
            with self._asking(*lacking):
                told = self._libvirt.getAllDomainStats(
                    libvirt.VIR_DOMAIN_STATS_STATE,
                    libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
                )
                return [(handle, told_state(values)) for handle, values in told]
            self._tells_states = False
        with self._asking():
            return [(handle, None) for handle in self._libvirt.listAllDomains(0)]

    @contextmanager
    def _own(self) -> Iterator[Any]:
        """See Note [A connection for each call that acts]."""
        if self._open is None or not is_alive(self._libvirt):
            yield self._libvirt
            return
        with self._asking():
            own = self._open()
        try:
            yield own
        finally:
            with closing():
                own.close()

    def _find(self, name: str, connection: Any) -> Any:
        with asking(connection, libvirt.VIR_ERR_NO_DOMAIN):
            return connection.lookupByName(name)
        return None

    def _is_ours(self, handle: Any) -> bool | None:
        """None: it is gone, so that cannot be known."""
        uuid = handle.UUIDString()
        if uuid not in self._ours:
            element = self._element(handle)
            if element is None:
                return None
            # Unless it was run in the meantime.
            self._ours.setdefault(uuid, self._found(handle, element) is not None)
        return self._ours.get(uuid)

    def _element(self, handle: Any) -> str | None:
        """Ours of its metadata; C{""}: it has none; None: it is gone."""
        lacking = (libvirt.VIR_ERR_NO_DOMAIN_METADATA, libvirt.VIR_ERR_NO_SUPPORT)
        try:
            return str(handle.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE))
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            with self._asking(*lacking):
                raise
        return ""

    def _found(self, handle: Any, element: str) -> Found | None:
        """What our metadata element says, if it is there and is whole."""
        found = found_in(element, self._mark)
        if found is not None and found.instance_id == str(handle.name()):
            return found
        return None

    def _end(self, handle: Any) -> None:
        end_domain(handle)
        self._ours.pop(handle.UUIDString(), None)

    def _reset(self, handle: Any) -> None:
        gone = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID)
        with self._asking(*gone, libvirt.VIR_ERR_NO_SUPPORT):
            handle.reset(0)
            return
        with self._asking(*gone):
            if handle.isActive():
                self._renew(handle)

    def _renew(self, handle: Any) -> None:
        name = str(handle.name())
        # Who looks meanwhile shall not think that it has ended.
        self._renewed.add(name)
        try:
            run_anew(handle)
        finally:
            self._renewed.discard(name)
            self._watchers.changed(name, True)

    def _asking(self, *fine: int) -> AbstractContextManager[None]:
        return asking(self._libvirt, *fine)


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
    deliver_events()
    try:
        connection = Connection(
            libvirt.open(uri), mark, watchers, lambda: libvirt.open(uri)
        )
    except libvirt.libvirtError as error:
        raise unreachable(uri, error) from error
    try:
        connection.listen()
    except HypervisorUnavailable:
        connection.close()
        raise
    return connection


def _renewing(name: str) -> Domain:
    return Domain(name=name, state=DomainState.RUNNING)
