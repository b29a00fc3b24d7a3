"""Tests of L{euca_tw.vnet.netlink_texts}."""

from __future__ import annotations

import errno
import os
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.link_diff import Drop, Make, Mend, Plug, Put, Step, Unmake
from euca_tw.vnet.link_records import (
    Address,
    Bridge,
    Forward,
    Neighbour,
    Pin,
    Route,
    Tap,
    Vxlan,
)
from euca_tw.vnet.netlink_texts import explained, together

BRIDGE = Bridge(name="evb00000a", mac_address="02:00:00:00:00:01", mtu=1450)
VXLAN = Vxlan(
    name="evx00000a",
    bridge="evb00000a",
    number=10,
    local=IPv4Address("172.20.0.2"),
    mtu=1450,
)
TAP = Tap(name="evt00000a", bridge="evb00000a", mtu=1450)
MAC, PEER = "02:00:00:00:00:03", IPv4Address("172.20.0.3")
NEIGHBOUR = Neighbour("evb00000a", IPv4Address("10.0.10.2"), "02:00:00:00:00:02")
ROUTE = Route("evb00000a", IPv4Network("10.0.10.0/24"), IPv4Address("169.254.169.254"))


class ExplainedTests(SynchronousTestCase):
    """L{explained}, L{together}."""

    def test_each(self) -> None:
        """It is said what failed, of which network, why, and what to do."""
        steps: tuple[tuple[Step, int, tuple[str, ...]], ...] = (
            (Make(BRIDGE), errno.EPERM, ("CAP_NET_ADMIN",)),
            (Put(NEIGHBOUR), errno.EACCES, ("CAP_NET_ADMIN",)),
            (Make(VXLAN), errno.EOPNOTSUPP, ("network 10", "modprobe vxlan")),
            (Make(BRIDGE), errno.EOPNOTSUPP, ("evb00000a", "modprobe bridge")),
            (Make(TAP), errno.ENOENT, ("/dev/net/tun", "modprobe tun")),
            (Make(VXLAN), errno.EEXIST, ("evx00000a", "4789", "remove that")),
            (Make(TAP), errno.EBUSY, ("evt00000a", "is another's")),
            (Make(VXLAN), errno.EADDRINUSE, ("another program has UDP port 4789",)),
            (Mend(VXLAN), errno.EADDRINUSE, ("another program has UDP port 4789",)),
            (Mend(BRIDGE), errno.EINVAL, ("evb00000a cannot be set", "Invalid")),
            (Put(ROUTE), errno.EEXIST, ("network 10: 10.0.10.0/24", "remove that")),
            (Put(NEIGHBOUR), errno.ENOMEM, ("10.0.10.2", "cannot be entered")),
            (Drop(NEIGHBOUR), errno.EINVAL, ("10.0.10.2", "cannot be removed")),
            (Put(Pin("evb00000a", MAC, "evx00000a")), errno.ENOSPC, (MAC, "evx00000a")),
            (Put(Forward("evx00000a", MAC, PEER)), errno.ENOSPC, (MAC, str(PEER))),
            (
                Put(Address("evb00000a", IPv4Interface("10.0.10.1/24"))),
                errno.ENOBUFS,
                ("address 10.0.10.1/24 on evb00000a cannot be entered",),
            ),
            (Put(ROUTE), errno.ENETDOWN, ("the route to 10.0.10.0/24",)),
            (
                Put(evolve(ROUTE, link="evbffffff", by=PEER)),
                errno.EINVAL,
                ("the transit network", f"this machine has {PEER} itself; remove"),
            ),
            (
                Plug("vn_i-1", "evb00000a"),
                errno.EBUSY,
                ("network 10: the card vn_i-1 cannot be put on evb00000a",),
            ),
            (Unmake("evb00000a"), errno.EBUSY, ("network 10: evb00000a cannot be",)),
        )
        for step, code, said in steps:
            text = explained(step, OSError(code, os.strerror(code)))
            for part in said:
                self.assertIn(part, text)

    def test_together(self) -> None:
        """What is the same of all is said once, and of many only of some."""
        self.assertEqual(together({2: "no", 1: "no"}), "no")
        self.assertEqual(together({2: "b", 1: "a"}), "a; b")
        self.assertEqual(
            together({n: str(n) for n in range(1, 7)}), "1; 2; 3; and 3 networks more"
        )
