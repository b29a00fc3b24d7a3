"""Real domains of Xen, by libvirt."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from euca_tw.nodectl.libvirt import LibvirtHypervisor
from euca_tw.nodectl.machines import (
    XEN,
    Machine,
)
from tests.suites.hypervisor import HypervisorUnderTest, make_ihypervisor_tests
from tests.xen.dom0 import Dom0, shared


def make_hypervisor(
    dom0: Dom0, machine: Machine = XEN, **given: Any
) -> LibvirtHypervisor:
    return LibvirtHypervisor(
        reactor=reactor,  # type: ignore[arg-type]
        random=Random(1),
        uri=dom0.uri,
        machine=machine,
        **given,
    )


def under_test(test: TestCase) -> HypervisorUnderTest:
    dom0 = shared()
    return HypervisorUnderTest(
        hypervisor=make_hypervisor(dom0),
        again=lambda: make_hypervisor(dom0),
        spec=dom0.kernel,
        clock=reactor,  # type: ignore[arg-type]
    )


class XenHypervisorSuite(make_ihypervisor_tests(under_test)):
    """The suite of all hypervisors, on Xen."""
