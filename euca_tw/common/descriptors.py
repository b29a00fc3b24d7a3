"""
How many connections a process may have, by the operating system's word.
"""

from __future__ import annotations

import contextlib
import resource

#: Of a process' file descriptors, those that are not for clients: files, the store,
#: programs that are run, images that are fetched.
RESERVED = 256
#: What is aimed at where there is no other limit.
_MANY = 65536


def room_for(most: int) -> int:
    """
    How many of these connections the process has descriptors for.  Its soft limit
    is raised to that, as far as the hard one lets it.

    @param most: 0 for as many as there can be.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = (most or _MANY) + RESERVED
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        # Where it cannot be raised, it stays.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return most or _MANY
    return min(most or _MANY, max(soft - RESERVED, soft // 2))


__all__ = ["RESERVED", "room_for"]
