"""
What is otherwise on Xen than on the other hypervisors that libvirt knows.

Of a connection of libvirt's it needs a few methods, and makes blocking calls.
"""

from __future__ import annotations

from typing import Any

#: Of each guest's memory, in hundredths: what Xen keeps of its own for it.
_OWN = 1
#: What libvirt says when Xen has started nothing, whyever.
_TELLS_NOTHING = "libxenlight failed to create new domain"


def is_xen(connection: Any) -> bool:
    """Whether it is a connection to Xen."""
    return str(connection.getType()) == "Xen"


def memory_for_guests_mib(connection: Any) -> int:
    """
    What guests have or can have.  Of what the machine has a part is the first
    domain's, which is the node itself, and none of it can be promised twice.
    """
    free_kib = int(connection.getFreeMemory()) >> 10
    taken_kib = sum(
        int(domain.maxMemory())
        for domain in connection.listAllDomains(0)
        if domain.ID() > 0
    )
    return (free_kib + taken_kib) * (100 - _OWN) // 100 >> 10


def why_refused(connection: Any, text: str) -> str:
    """
    @param text: what libvirt says of a domain that was not started.
    @return: that, and what else is known.
    """
    if _TELLS_NOTHING not in text:
        return text
    free_mib = int(connection.getFreeMemory()) >> 20
    return f"{text} ({free_mib} MiB of memory are free; Xen's log has the reason)"
