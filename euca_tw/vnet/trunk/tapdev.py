"""
TAP devices: the ends of networks that this process holds.

A device is persistent: it stays when the process ends, with its place in the
bridge, and the next process opens it again.  Frames come and go with a
C{virtio_net_hdr}, so that what the kernel would cut into packets, or count
checksums of, stays as it is until it meets a wire.
"""

from __future__ import annotations

import os
import re
import socket
import struct
from fcntl import ioctl
from io import FileIO

from euca_tw.vnet.trunk.frames import VNET_HEADER

_DEVICE = "/dev/net/tun"

# From linux/if_tun.h and linux/sockios.h.
_TUNSETIFF = 0x400454CA
_TUNSETPERSIST = 0x400454CB
_TUNSETOWNER = 0x400454CC
_TUNSETOFFLOAD = 0x400454D0
_TUNSETVNETHDRSZ = 0x400454D8
_TUNSETVNETLE = 0x400454DC
_SIOCGIFTXQLEN, _SIOCSIFTXQLEN = 0x8942, 0x8943
_IFF_TAP = 0x2
#: What is written is taken as from a network card: at once, and joined where it is of
#: one stream.  Measured, a tenth of what it costs to receive.
_IFF_NAPI = 0x10
_IFF_NO_PI = 0x1000
_IFF_VNET_HDR = 0x4000
_CSUM, _TSO4, _TSO6, _TSO_ECN = 0x01, 0x02, 0x04, 0x08
_USO4, _USO6 = 0x20, 0x40
_NAME_BYTES = 15

#: What may stay uncut, most first: kernels refuse what they do not know.
_TSO = _CSUM | _TSO4 | _TSO6 | _TSO_ECN
_OFFLOADS = (_TSO, _CSUM | _TSO4 | _TSO6, _CSUM, 0)
_USO = _TSO | _USO4 | _USO6


class TapFailed(Exception):
    """The device cannot be had; the text says why, and what to do."""


class Tap(FileIO):
    """
    One that is open.  C{readinto} gives a frame with its C{virtio_net_hdr}, and
    C{write} takes one; what is closed is this end, and the device stays.
    """

    def leave_uncut(self, *, with_uso: bool) -> None:
        """
        Have the kernel hand over segments of TCP uncut, and of UDP too if
        C{with_uso}; as far as it can.

        @raise OSError: the device is gone.
        """
        for flags in (_USO, *_OFFLOADS) if with_uso else _OFFLOADS:
            try:
                ioctl(self.fileno(), _TUNSETOFFLOAD, flags)
            except OSError:
                if not flags:
                    raise
            else:
                return


def open_tap(name: str, *, queue: int, owner: int | None = None) -> Tap:
    """
    Open it, non-blocking.  It stays when it is closed; and it is not made if it is
    not there: who keeps this machine's links makes it, and marks it as ours.

    @param queue: how many frames wait for us before further ones are dropped.
    @param owner: the user who may open it without being root.
    @raise TapFailed:
    """
    if not 0 < len(name.encode()) <= _NAME_BYTES:
        raise TapFailed(f"{name!r} is no name for a network device")
    try:
        socket.if_nametoindex(name)
    except OSError:
        raise TapFailed(
            f"{name} is not there; it is made with its network's other links"
        ) from None
    try:
        tap = Tap(_DEVICE, "r+", opener=_open_unblocked)
    except OSError as error:
        raise TapFailed(f"{_DEVICE} cannot be opened: {error.strerror}") from None
    try:
        flags = _IFF_TAP | _IFF_NAPI | _IFF_NO_PI | _IFF_VNET_HDR
        ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
        ioctl(tap, _TUNSETVNETHDRSZ, struct.pack("i", VNET_HEADER))
        ioctl(tap, _TUNSETVNETLE, struct.pack("i", 1))
        if owner is not None:
            ioctl(tap, _TUNSETOWNER, owner)
        ioctl(tap, _TUNSETPERSIST, 1)
        _set_queue(name, queue)
        tap.leave_uncut(with_uso=False)
    except OSError as error:
        tap.close()
        raise TapFailed(
            f"{name} cannot be used as a TAP device: {error.strerror}"
        ) from None
    return tap


def _open_unblocked(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def takes_uso(release: str) -> bool:
    """
    Whether a kernel knows uncut segments of UDP.

    @param release: as it says itself: C{6.2.0-generic}.
    """
    numbers = [int(each) for each in re.findall(r"\d+", release)[:2]]
    return numbers >= [6, 2]


def _set_queue(name: str, length: int) -> None:
    """Only if it is another one: that needs root, what else is done here does not."""
    request = struct.Struct("16si20x")
    wanted = request.pack(name.encode(), length)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        if request.unpack(ioctl(control, _SIOCGIFTXQLEN, wanted))[1] != length:
            ioctl(control, _SIOCSIFTXQLEN, wanted)
