"""L{euca_tw.vnet.trunk.tapdev} on devices of the kernel."""

from __future__ import annotations

import socket

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from euca_tw.common.process import run
from euca_tw.vnet.trunk.tapdev import TapFailed, open_tap
from tests.functional.netns import enter_new

NAME = "evt00000a"


class OpenTapTests(TestCase):
    """L{open_tap}."""

    def setUp(self) -> None:
        enter_new(self)

    def names(self) -> set[str]:
        return {name for _, name in socket.if_nameindex()}

    async def test_not_there(self) -> None:
        """
        One that is not there is not made: it would be without the alias by which
        it is ours, and a stranger's ever after.
        """
        error = self.assertRaises(TapFailed, open_tap, NAME, queue=8)
        self.assertIn(f"{NAME} is not there", str(error))
        self.assertNotIn(NAME, self.names())

    async def test_stays(self) -> None:
        """One that is there is opened, and stays when it is closed."""
        await run(reactor, "ip", "tuntap", "add", NAME, "mode", "tap", "vnet_hdr")
        open_tap(NAME, queue=8).close()
        self.assertIn(NAME, self.names())
