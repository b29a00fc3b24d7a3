"""
Containers that libvirt can ask something.

Who a container's init is libvirt is told by one message of the process that has
started it.  On a busy machine that may come before libvirt listens; then libvirt
never learns it, and asks the container nothing for as long as it runs.
"""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from pathlib import Path

import libvirt
import libvirt_lxc
from twisted.internet.threads import deferToThread

from euca_tw.nodectl.interfaces import DomainSpec
from euca_tw.nodectl.libvirt import LibvirtHypervisor

#: How long the message is waited for.
_PATIENCE_S = 2.0


class AskedHypervisor(LibvirtHypervisor):
    """Begins containers anew until libvirt knows their init."""

    async def run(self, spec: DomainSpec) -> None:
        said_bytes = _said_bytes(spec)
        await super().run(spec)
        while not await deferToThread(_can_be_asked, self.uri, spec.name):
            await self.destroy(spec.name)
            _unsay(spec, said_bytes)
            await super().run(spec)


def _said_bytes(spec: DomainSpec) -> int:
    path = Path(spec.console)
    return path.stat().st_size if path.exists() else 0


def _unsay(spec: DomainSpec, from_byte: int) -> None:
    if _said_bytes(spec) > from_byte:
        os.truncate(spec.console, from_byte)


def _can_be_asked(uri: str, name: str) -> bool:
    """Blocks.  One that has ended was begun well enough."""
    with closing(libvirt.open(uri)) as connection:
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            try:
                domain = connection.lookupByName(name)
                is_active = bool(domain.isActive())
            except libvirt.libvirtError:
                return True
            if not is_active:
                return True
            with suppress(libvirt.libvirtError):
                for handle in libvirt_lxc.lxcOpenNamespace(domain, 0):
                    os.close(handle)
                return True
            time.sleep(0.05)
    return False


__all__ = ["AskedHypervisor"]
