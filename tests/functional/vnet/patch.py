"""
A cable between TAP devices of two namespaces or more: what a trunk does, with
nothing that makes one worth having.  A frame of one goes to each of the others.

    python -m tests.functional.vnet.patch DEVICE PID PID…
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import struct
import sys

CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_TAP_WITHOUT_HEADER = 0x1002
_LONGEST_FRAME = 65536


def open_tap(pid: str, name: str) -> int:
    """One that is there, in the namespace of a process; this thread stays there."""
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(namespace)
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(
        tap, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TAP_WITHOUT_HEADER)
    )
    return tap


def main() -> None:
    name, *pids = sys.argv[1:]
    taps = [open_tap(pid, name) for pid in pids]
    print("open", flush=True)
    while True:
        for ready in select.select(taps, [], [])[0]:
            frame = os.read(ready, _LONGEST_FRAME)
            for tap in taps:
                if tap != ready:
                    # Not to one that is not up.
                    with contextlib.suppress(OSError):
                        os.write(tap, frame)


if __name__ == "__main__":
    main()
