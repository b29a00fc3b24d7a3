"""Tests of L{euca_tw.nodectl.accounting}."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.capacity import NOTHING, Resources
from euca_tw.nodectl.accounting import Ledger, for_instances, lack
from euca_tw.nodectl.settings import NodeSettings

MACHINE = Resources(cores=4, memory_mib=1000, disk_gib=100)
resources = st.builds(
    Resources,
    cores=st.integers(0, 20),
    memory_mib=st.integers(0, 2000),
    disk_gib=st.integers(0, 200),
)


class ForInstancesTests(SynchronousTestCase):
    def test_measured(self) -> None:
        """What is measured, less the reserve, is for instances."""
        settings = NodeSettings(
            cores_reserve=1, memory_reserve_mib=256, disk_reserve_gib=200
        )
        self.assertEqual(
            for_instances(MACHINE, settings),
            Resources(cores=3, memory_mib=744, disk_gib=0),
        )

    def test_told(self) -> None:
        """What the site tells has no reserve, and is promised as often too."""
        settings = NodeSettings(
            cores=2,
            memory_mib=512,
            disk_gib=7,
            cores_reserve=1,
            memory_reserve_mib=256,
            disk_reserve_gib=1,
            cores_overcommit=2.5,
            memory_overcommit=1.1,
        )
        self.assertEqual(
            for_instances(MACHINE, settings),
            Resources(cores=5, memory_mib=563, disk_gib=7),
        )


class LedgerTests(SynchronousTestCase):
    def test_not_measured(self) -> None:
        """Before it is known what there is, nothing is promised."""
        self.assertIn("does not answer yet", Ledger().refusal(NOTHING))

    @given(st.lists(st.tuples(st.sampled_from("abc"), resources)))
    def test_sums(self, promises: list[tuple[str, Resources]]) -> None:
        """What is free is what there is less what was last promised to each."""
        ledger, last = Ledger(MACHINE), dict[str, Resources]()
        for name, taken in promises:
            is_news = ledger.hold(name, taken)
            self.assertEqual(is_news, last.get(name, NOTHING) != taken)
            last[name] = taken
        free = MACHINE
        for taken in last.values():
            free = free - taken
        self.assertEqual(ledger.free, free)

    @given(resources, resources)
    def test_refusal(self, wanted: Resources, taken: Resources) -> None:
        """It is refused if and only if it does not fit, and every lack is named."""
        ledger = Ledger(MACHINE)
        ledger.hold("a", taken)
        refusal = ledger.refusal(wanted)
        self.assertEqual(refusal == "", ledger.free.holds(wanted))
        for word, is_short in (
            ("cores", wanted.cores > ledger.free.cores),
            ("memory", wanted.memory_mib > ledger.free.memory_mib),
            ("disk", wanted.disk_gib > ledger.free.disk_gib),
        ):
            self.assertEqual(word in refusal, is_short)

    def test_never_less_than_nothing(self) -> None:
        """That more is promised than there is, is told as nothing free."""
        over = Resources(cores=-1, memory_mib=9, disk_gib=9)
        wanted = Resources(cores=1, memory_mib=1, disk_gib=1)
        self.assertEqual(
            lack(wanted, over, MACHINE), "too few cores: 1 needed, 0 of 4 free"
        )
