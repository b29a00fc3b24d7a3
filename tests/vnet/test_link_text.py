"""Tests of L{euca_tw.vnet.link_text}."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import TRANSIT_NUMBER
from euca_tw.vnet.link_plan import wanted
from euca_tw.vnet.link_records import Forward, Segment
from euca_tw.vnet.link_text import counted_of, lines
from euca_tw.vnet.transit import addresses, mac_address
from tests.vnet.views import carried, knowing, machines, view

PROC_NET_DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets \
errs drop fifo colls carrier compressed
    lo: 1 2 0 0 0 0 0 0 1 2 0 0 0 0 0 0
evx000001:     700       7    0    2    0     0          0         0      900       9 \
   0    3    0     0       0          0
evt000001: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
vn_i-00010002: 60 1 0 0 0 0 0 0 120 2 0 0 0 0 0 0
evb000001: 5 5 0 0 0 0 0 0 5 5 0 0 0 0 0 0
"""
SITE = machines("x0", "x1", "x2", "y0", "y1")


class LinesTests(SynchronousTestCase):
    """L{lines}."""

    def segment(self, here: str) -> Segment:
        return wanted(view(here, SITE, carried(1, "x1", "x2", "y1"))).segments[1]

    def test_node(self) -> None:
        """Of a node: who is in each network, and by which way each is reached."""
        cards = {"evb000001": ["vn_i-00010002"]}
        self.assertEqual(
            "\n".join(lines({1: self.segment("x1")}, cards)),
            """\
network 1  10.0.1.0/24  evb000001, evx000001
    packets of 1450 bytes
    cards here: vn_i-00010002
    10.0.1.1  02:00:5e:00:00:01  by 172.20.23.1  router
    10.0.1.2  d0:0d:00:00:01:02  here
    10.0.1.3  d0:0d:00:00:01:03  by 172.20.23.3
    10.0.1.4  d0:0d:00:00:01:04  by 172.20.23.1
    what is for all goes to: 172.20.23.1, 172.20.23.3""",
        )

    def test_head(self) -> None:
        """Of a head: the same, and what goes by the trunk."""
        self.assertEqual(
            "\n".join(lines({1: self.segment("x0")}, {})),
            """\
network 1  10.0.1.0/24  evb000001, evt000001, evx000001
    packets of 1450 bytes  this machine is its router
    cards here: none
    10.0.1.2  d0:0d:00:00:01:02  by 172.20.23.2
    10.0.1.3  d0:0d:00:00:01:03  by 172.20.23.3
    10.0.1.4  d0:0d:00:00:01:04  by the trunk
    what is for all goes to: 172.20.23.2, 172.20.23.3, the trunk""",
        )

    def test_transit(self) -> None:
        """Of the transit network: what is reached by which head, and which way."""
        site = machines("x0", "x1", "y0", "z0", routed="xy")
        made = knowing(
            view("x0", site, carried(1, "x1")), n1="x", n2="y", n3="y", n4="z"
        )
        found = addresses("x", "yz")
        told = [
            f"    {found['y']}  {mac_address('y')}  by 172.20.24.1",
            "        for 10.0.2.0/24 10.0.3.0/24",
            f"    {found['z']}  {mac_address('z')}  by the trunk",
            "        for 10.0.4.0/24",
        ]
        if found["z"] < found["y"]:
            told = told[2:] + told[:2]
        self.assertEqual(
            [*lines({TRANSIT_NUMBER: wanted(made).segments[TRANSIT_NUMBER]}, {})],
            [
                "the transit network  evbffffff, evtffffff, evxffffff",
                "    packets of 1450 bytes",
                *told,
            ],
        )

    def test_counts(self) -> None:
        """What went by each port of a bridge is told, and what was dropped."""
        counts = counted_of(PROC_NET_DEV)
        cards = {"evb000001": ["vn_i-00010002"]}
        said = [*lines({1: self.segment("x0")}, cards, counts)]
        self.assertEqual(
            said[-3:],
            [
                "    evt000001  in 0 frames, 0 bytes  out 0 frames, 0 bytes",
                "    evx000001  in 7 frames, 700 bytes  out 9 frames, 900 bytes  "
                "5 dropped",
                "    vn_i-00010002  in 1 frames, 60 bytes  out 2 frames, 120 bytes",
            ],
        )

    def test_broken(self) -> None:
        """What somebody broke is shown as it is; strangers are named."""
        whole = self.segment("x1")
        broken = evolve(
            whole,
            entries=frozenset(e for e in whole.entries if not isinstance(e, Forward)),
            strangers=frozenset({"evt000001"}),
        )
        said = "\n".join(lines({1: broken, 2: Segment()}, {}))
        self.assertIn("evt000001 has a name of ours", said)
        self.assertIn("10.0.1.3  d0:0d:00:00:01:03  nowhere", said)
        self.assertIn("what is for all goes to: none", said)
        self.assertNotIn("network 2", said)
        bare = "\n".join(lines({1: Segment(links=whole.links)}, {}))
        self.assertIn("network 1  without addresses", bare)
