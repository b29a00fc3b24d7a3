"""
What is otherwise with containers than on the other hypervisors that libvirt knows.

Of a domain of libvirt's it needs a few methods, and makes blocking calls.
"""

from __future__ import annotations

from typing import Any

_INIT, _KILL = 1, 9


def is_lxc(connection: Any) -> bool:
    """Whether it is a connection to the driver of containers."""
    return str(connection.getType()) == "LXC"


def kill(domain: Any) -> None:
    """
    Kill a container's first program, and so all of them.  libvirt itself asks it
    to end, which may take what it likes, and kills it after 1.6 s.
    """
    domain.sendProcessSignal(_INIT, _KILL, 0)


def was_outrun(text: str) -> bool:
    """
    Whether another took the loop device that libvirt had chosen: it looks for a
    free one and then takes it, and those who begin at once may find the same.

    @param text: what libvirt says of a container that did not begin.
    """
    return "to loop device" in text and "busy" in text
