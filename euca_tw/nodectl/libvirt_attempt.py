"""
A domain that is run to see whether it does, and that is no instance's.

It carries a mark of another kind than instances do, so that it is never taken
for one, and what a daemon that was killed has left of it is known again.  It
ends with the connection on which it was begun.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen
from lxml import etree

from euca_tw.nodectl.interfaces import DomainRefused, DomainState
from euca_tw.nodectl.libvirt_domain import domain_state, end_domain, run_domain
from euca_tw.nodectl.libvirt_errors import asking

try:
    import libvirt
except ImportError:  # a machine that runs no domains needs none
    libvirt = None

#: Of the metadata element: its C{mark} is the node controller's.
ATTEMPT_NAMESPACE = "urn:euca-tw:attempt:1"


@frozen
class Attempt:
    """
    Every method may raise L{euca_tw.nodectl.interfaces.HypervisorUnavailable}.
    """

    _libvirt: Any
    name: str
    mark: str

    def capabilities(self) -> str:
        """What the hypervisor says that it can run, as libvirt's XML."""
        with asking(self._libvirt):
            return str(self._libvirt.getCapabilities())

    def begin(self, xml: str) -> None:
        """
        Run it, in place of what an earlier one left.

        @raise DomainRefused:
        """
        self.end()
        flags = libvirt.VIR_DOMAIN_START_AUTODESTROY
        run_domain(self._libvirt, xml, is_kept=True, flags=flags)

    def state(self) -> DomainState | None:
        """How it is; None if it is gone."""
        with asking(self._libvirt, libvirt.VIR_ERR_NO_DOMAIN):
            return domain_state(self._libvirt.lookupByName(self.name))
        return None

    def end(self) -> None:
        """
        Nothing is left of it.

        @raise DomainRefused: somebody else's domain has its name.
        """
        with asking(self._libvirt, libvirt.VIR_ERR_NO_DOMAIN):
            handle = self._libvirt.lookupByName(self.name)
            if not self._is_ours(handle):
                raise DomainRefused(f"somebody else's domain is called {self.name}")
            end_domain(handle)

    def _is_ours(self, handle: Any) -> bool:
        lacking = (libvirt.VIR_ERR_NO_DOMAIN_METADATA, libvirt.VIR_ERR_NO_SUPPORT)
        with asking(self._libvirt, *lacking):
            element = handle.metadata(
                libvirt.VIR_DOMAIN_METADATA_ELEMENT, ATTEMPT_NAMESPACE
            )
            return bool(etree.fromstring(element).get("mark") == self.mark)
        return False
