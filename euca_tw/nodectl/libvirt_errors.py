"""
libvirt's errors, as ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from euca_tw.nodectl.interfaces import HypervisorUnavailable

try:
    import libvirt
except ImportError:  # a machine that runs no domains needs none
    libvirt = None


class NeverAvailable(HypervisorUnavailable):
    """It cannot become available as it is configured."""


class ConnectionLost(HypervisorUnavailable):
    """The connection is dead; another may be made."""


@contextmanager
def asking(connection: Any, *fine: int) -> Iterator[None]:
    """
    libvirt's errors as ours, except those that are fine.

    @param connection: of libvirt's.
    """
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() not in fine:
            raise trouble(connection, error) from error


@contextmanager
def closing() -> Iterator[None]:
    """On a dead connection nothing can be taken back, nor need it be."""
    try:
        yield
    except libvirt.libvirtError:
        return


def is_alive(connection: Any) -> bool:
    """Whether a connection of libvirt's has not been lost, as far as is known."""
    try:
        return bool(connection.isAlive())
    except libvirt.libvirtError:
        return False


def trouble(connection: Any, error: Any) -> HypervisorUnavailable:
    """
    What to tell of an error.

    @param connection: whether it is lost is what matters.
    """
    if is_alive(connection):
        return HypervisorUnavailable(f"libvirt: {plain(error)}")
    return ConnectionLost(f"the connection to libvirt is lost: {plain(error)}")


def raise_if_lost(connection: Any, error: Any) -> None:
    """
    Whatever else an error may mean is the caller's to say.

    @raise ConnectionLost:
    """
    why = trouble(connection, error)
    if isinstance(why, ConnectionLost):
        raise why from error


def unreachable(uri: str, error: Any) -> HypervisorUnavailable:
    text = plain(error)
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


def plain(error: Any) -> str:
    """What libvirt says, on one line, without this machine's directories."""
    text = " ".join((error.get_error_message() or str(error)).split())
    return _DIRECTORY.sub("", text)
