"""
libvirt's own event loop, by which it notices changes and a daemon that dies.
"""

from __future__ import annotations

from threading import Event, Lock, Thread

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
