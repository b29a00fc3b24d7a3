"""
What libvirt tells by itself: that domains have changed, and that its daemon died.

In a thread of libvirt's own, of which there is one in the process.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any

from attrs import define, field, frozen

from euca_tw.nodectl.libvirt_errors import asking, closing

try:
    import libvirt
except ImportError:  # a machine that runs no domains needs none
    libvirt = None

# Note [One event loop a process]
#
# libvirt has one event loop in a process, which must be registered before the
# first connection is made and cannot be replaced.  Hence this one global: a
# thread that runs libvirt's own loop for as long as the process lives.  The
# loop could run on the reactor instead; but libvirt calls its hooks from any
# thread, with its locks held, and this way no Python code runs in them.

_lock = Lock()
_thread: Thread | None = None


def deliver_events() -> None:
    """See that the event loop runs."""
    global _thread  # noqa: PLW0603, see Note [One event loop a process]
    with _lock:
        if _thread is None:
            # Else libvirt prints every error on stderr, also those that are fine.
            libvirt.registerErrorHandler(lambda context, error: None, None)
            libvirt.virEventRegisterDefaultImpl()
            _thread = Thread(target=_run, name="libvirt-events", daemon=True)
            _thread.start()


def _run() -> None:
    pause = Event()
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            # It could not poll; trying again at once would burn a core.
            pause.wait(0.1)


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
class Events:
    """
    Of one connection.

    @ivar libvirt: the connection, of libvirt's.
    @ivar may_be_ours: whether a domain of such a UUID is anybody's concern.
    """

    _libvirt: Any
    _watchers: Watchers
    _may_be_ours: Callable[[str], bool]
    _callbacks: list[int] = field(factory=list, init=False)

    def begin(self) -> None:
        """
        Have the watchers told.

        @raise euca_tw.nodectl.interfaces.HypervisorUnavailable:
        """
        connection = self._libvirt
        for event, callback in (
            (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._lifecycle),
            (libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, self._rebooted),
        ):
            # A driver may lack one of them.
            with asking(connection, libvirt.VIR_ERR_NO_SUPPORT):
                self._callbacks.append(
                    connection.domainEventRegisterAny(None, event, callback, None)
                )
        # A daemon that hangs is noticed after some 20 s.  A driver that runs within
        # this process cannot be lost; it says that it has no way to be kept alive,
        # and would keep for ever what it was given to call then.
        lacking = (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_INTERNAL_ERROR)
        with asking(connection, *lacking):
            connection.setKeepAlive(5, 3)
            connection.registerCloseCallback(self._closed, None)

    def end(self) -> None:
        """Whatever becomes of the connection."""
        for callback in self._callbacks:
            with closing():
                self._libvirt.domainEventDeregisterAny(callback)
        with closing():
            self._libvirt.unregisterCloseCallback()

    # In libvirt's thread

    def _lifecycle(self, _: Any, handle: Any, event: int, *ignored: Any) -> None:
        anew = (libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STOPPED)
        self._tell(handle, event in anew)

    def _rebooted(self, _: Any, handle: Any, *ignored: Any) -> None:
        self._tell(handle, True)

    def _tell(self, handle: Any, began_anew: bool) -> None:
        if self._may_be_ours(handle.UUIDString()):
            self._watchers.changed(handle.name(), began_anew)

    def _closed(self, *ignored: Any) -> None:
        self._watchers.lost()
