"""What is otherwise on Xen."""

from __future__ import annotations

from attrs import define, field, frozen
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.nodectl.xen import is_xen, memory_for_guests_mib, why_refused

MIB = 1 << 20


@frozen
class XenDomain:
    number: int
    memory_mib: int

    def ID(self) -> int:
        return self.number

    def maxMemory(self) -> int:
        return self.memory_mib << 10


@define
class XenConnection:
    """
    A machine as Xen has it: what the first domain has is not free, nor is what
    guests have, whether they use it or not.
    """

    memory_mib: int = 10_000
    kind: str = "Xen"
    domains: list[XenDomain] = field(factory=lambda: [XenDomain(0, 1000)])

    def getType(self) -> str:
        return self.kind

    def listAllDomains(self, flags: int) -> list[XenDomain]:
        return self.domains

    def getFreeMemory(self) -> int:
        taken = sum(each.memory_mib for each in self.domains if each.number >= 0)
        return (self.memory_mib - taken) * MIB


class XenTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.connection = XenConnection()

    def test_is_xen(self) -> None:
        """Only Xen is Xen."""
        self.assertTrue(is_xen(self.connection))
        self.assertFalse(is_xen(XenConnection(kind="QEMU")))

    def test_memory(self) -> None:
        """Guests can have what the first domain has not, but for a hundredth."""
        self.assertEqual(memory_for_guests_mib(self.connection), 8910)

    def test_memory_is_taken(self) -> None:
        """What is for guests does not depend on which of them run."""
        before = memory_for_guests_mib(self.connection)
        self.connection.domains.append(XenDomain(7, 512))
        self.assertEqual(memory_for_guests_mib(self.connection), before)

    def test_memory_of_those_that_are_off(self) -> None:
        """Who does not run takes nothing."""
        before = memory_for_guests_mib(self.connection)
        self.connection.domains.append(XenDomain(-1, 512))
        self.assertEqual(memory_for_guests_mib(self.connection), before)

    def test_refused(self) -> None:
        """Where Xen does not say why, it is told what is free."""
        text = "internal error: libxenlight failed to create new domain 'i-1'"
        told = why_refused(self.connection, text)
        self.assertTrue(told.startswith(text))
        self.assertIn("9000 MiB of memory are free", told)

    def test_refused_with_reason(self) -> None:
        """What says why is told as it is."""
        self.assertEqual(why_refused(self.connection, "no such disk"), "no such disk")
