"""
libvirt's driver for tests, which runs in this process and needs neither root
nor a daemon; and domains for it.
"""

from __future__ import annotations

from typing import Any

from attrs import define, evolve
from twisted.trial.unittest import SkipTest, SynchronousTestCase, TestCase

from euca_tw.nodectl.interfaces import Disk, DomainSpec, Nic
from euca_tw.nodectl.libvirt_errors import closing
from euca_tw.nodectl.libvirt_events import Watchers, deliver_events
from euca_tw.nodectl.machines import QEMU

try:
    import libvirt
except ImportError:
    libvirt = None

URI = "test:///default"
NAME = "i-00000001"
MACHINE = evolve(QEMU, domain_type="test", arch="i686")
#: Another, that is known again by what its guests are told.
FASTER = evolve(MACHINE, kernel_arguments="1234567")

#: For those who do not want to hear.
DEAF = Watchers(changed=lambda name, anew: None, lost=lambda: None)


def a_spec(name: str) -> DomainSpec:
    return DomainSpec(
        name=name,
        uuid=f"5a5a5a5a-0000-4000-8000-0000{name[2:]}",
        cores=1,
        memory_mib=64,
        kernel="/images/vmlinuz",
        disks=(Disk(path=f"/instances/{name}/root.qcow2", backing="/images/emi-1"),),
        nics=(
            Nic(mac_address="d0:0d:00:00:00:01", bridge="euca0", target=f"vn_{name}"),
        ),
        console=f"/instances/{name}/console.log",
    )


def keep_driver(test: SynchronousTestCase | TestCase) -> Any:
    """
    The driver's domains live as long as anyone is connected to it: so someone
    is, until the test ends.
    """
    if libvirt is None:
        raise SkipTest("libvirt's Python binding is not installed")
    deliver_events()
    kept = libvirt.open(URI)
    test.addCleanup(_leave, kept)
    return kept


def _leave(kept: Any) -> None:
    # Whoever was connected is so till libvirt's thread has taken that back, and
    # the next test may find what this one left.
    for domain in kept.listAllDomains(0):
        if domain.name() != "test":
            for end in (domain.destroy, domain.undefine):
                with closing():
                    end()
    kept.close()


@define
class Forgiving:
    """The driver for tests ends no domain with a connection; here it may be asked."""

    _driver: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def defineXML(self, xml: str) -> ForgivingDomain:
        return ForgivingDomain(self._driver.defineXML(xml))


@define
class ForgivingDomain:
    _domain: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self._domain, name)

    def createWithFlags(self, flags: int) -> None:
        self._domain.createWithFlags(flags & ~libvirt.VIR_DOMAIN_START_AUTODESTROY)
