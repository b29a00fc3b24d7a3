"""A machine with a bridge, guests on it in namespaces, and its rules."""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections.abc import Iterable
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.trial.unittest import TestCase

from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.networks import Member
from euca_tw.vnet.filter_settings import FilterSettings
from euca_tw.vnet.filter_text import NAME
from euca_tw.vnet.nft import Nft
from euca_tw.vnet.rules import Rules
from tests.functional.netns import enter_new
from tests.functional.vnet import frames as frames_of
from tests.functional.vnet.guests import (
    Guest,
    make_bridge,
    make_guest,
    nft,
    until_up,
    use_only_ours,
    without_ipv6,
)
from tests.vnet.groups import group, rule

reactor: Any = _reactor


def make_rules(settings: FilterSettings | None = None) -> Rules:
    nft = Nft(reactor, in_this_thread)
    return Rules(nft, in_this_thread, settings or FilterSettings())


class Site(TestCase):
    """One machine with a bridge."""

    def setUp(self) -> None:
        enter_new(self)
        use_only_ours()
        without_ipv6(os.getpid())
        make_bridge("evb000001", "169.254.169.254/32")
        self.rules = make_rules()

    def guests(self, members: Iterable[Member]) -> list[Guest]:
        """Those here as cards; others as if they came from other machines."""
        guests = [
            make_guest(
                self,
                each,
                port=""
                if each.machine == "a1"
                else f"evx{each.private_ip.packed[3]:06x}",
            )
            for each in members
        ]
        until_up(os.getpid(), *(each.pid for each in guests))
        return guests


OPEN = group("sg-open", rule(None, -1, -1))
CLOSED = group("sg-closed")
MUTE = group("sg-mute", rule(None, -1, -1), egress=())


def counters(family: str = "bridge") -> dict[str, int]:
    """How many packets were dropped, by why."""
    objects = json.loads(nft("-j", "list", "counters", "table", family, NAME))
    return {
        each["counter"]["name"]: each["counter"]["packets"]
        for each in objects["nftables"]
        if "counter" in each
    }


def arrived(listening: socket.socket) -> list[bytes]:
    """The frames of ours that came within a moment."""
    until = time.monotonic() + 0.1
    frames: list[bytes] = []
    while (left := until - time.monotonic()) > 0:
        if select.select([listening], [], [], left)[0]:
            frame = listening.recv(2000)
            if frames_of.PAYLOAD in frame or frame[14:17] == b"\x42\x42\x03":
                frames.append(frame)
    return frames
