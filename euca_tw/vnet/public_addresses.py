"""
The public addresses of a head, at its outer interface: so that it answers for them
there, and is asked for them.

By C{ip}.  What is ours is known by its metric, which an address of one host has no
other use for; an address of somebody else's is left alone, even if it is the same.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from ipaddress import IPv4Address
from typing import Any

from attrs import Factory, define, frozen
from twisted.logger import Logger

from euca_tw.common.in_thread import InThread
from euca_tw.common.one_at_a_time import OneAtATime
from euca_tw.common.process import CommandFailed, IProcessReactor, run
from euca_tw.model.networks import View
from euca_tw.vnet.interfaces import NetworkFailed

#: Of an address that we gave.
METRIC = 57802
_ARP = 0x0806
_ONE_HOST = 32
_TO_ALL = b"\xff" * 6
#: Ethernet, IPv4, their lengths, a request.
_REQUEST = bytes.fromhex("0001080006040001")

Announce = Callable[[str, Collection[IPv4Address]], None]


def announcement(mac_address: bytes, address: IPv4Address) -> bytes:
    """An ARP request for what one has oneself: all who know it learn where it is."""
    sender = mac_address + address.packed
    asked = bytes(6) + address.packed
    return _TO_ALL + mac_address + _ARP.to_bytes(2, "big") + _REQUEST + sender + asked


def announce(interface: str, addresses: Collection[IPv4Address]) -> None:
    """
    Say to all on the outer network where the addresses are now.

    @raise OSError:
    """
    with closing(socket.socket(socket.AF_PACKET, socket.SOCK_RAW)) as sending:
        sending.bind((interface, 0))
        mac_address: bytes = sending.getsockname()[4]
        for address in addresses:
            sending.send(announcement(mac_address, address))


@frozen
class Found:
    """@ivar ours, others: of those that are one host's, by who gave them."""

    ours: frozenset[IPv4Address]
    others: frozenset[IPv4Address]


def parse(shown: bytes) -> Found:
    """What C{ip -j address show} printed."""
    links: list[dict[str, Any]] = json.loads(shown)
    ours: set[IPv4Address] = set()
    others: set[IPv4Address] = set()
    for link in links:
        for each in link.get("addr_info", ()):
            if (each.get("family"), each.get("prefixlen")) == ("inet", _ONE_HOST):
                is_ours = each.get("metric") == METRIC
                (ours if is_ours else others).add(IPv4Address(each["local"]))
    return Found(frozenset(ours), frozenset(others))


def commands(interface: str, wanted: Collection[IPv4Address], found: Found) -> str:
    """What makes of those found those that are wanted; for C{ip -batch}."""
    gone = sorted(found.ours - {*wanted})
    come = sorted({*wanted} - found.ours - found.others)
    return "".join(
        (
            *(f"address del {each}/32 dev {interface}\n" for each in gone),
            *(
                f"address add {each}/32 dev {interface} metric {METRIC}\n"
                for each in come
            ),
        )
    )


@define(eq=False)
class PublicAddresses:
    """
    @ivar _interface: the outer one.
    @ivar _announce: it blocks.
    @ivar _there: what there is; None: it must be looked for.
    """

    _reactor: IProcessReactor
    _in_thread: InThread
    _interface: str
    _announce: Announce = announce
    _there: Found | None = None
    _last: Mapping[IPv4Address, Any] | None = None
    _lock: OneAtATime = Factory(OneAtATime)

    _log = Logger()

    async def apply(self, view: View) -> None:
        """
        Have the public addresses of a view, and no other of ours; after the rules
        know them, so that nobody else answers at one.

        @raise NetworkFailed:
        """
        async with self._lock:
            if view.elastics is not self._last or self._there is None:
                await self._become(frozenset(view.elastics))
                self._last = view.elastics

    def distrust(self) -> None:
        """Look at the addresses themselves the next time."""
        self._there = None

    async def purge(self) -> tuple[str, ...]:
        """
        Take away all of ours.

        @return: what was taken, for people.
        @raise NetworkFailed:
        """
        async with self._lock:
            self._there = None
            gone = await self._become(frozenset())
            return tuple(f"address {each} of {self._interface}" for each in gone)

    async def _become(self, wanted: frozenset[IPv4Address]) -> list[IPv4Address]:
        """@return: those that were taken away."""
        found, self._there = self._there, None
        try:
            if found is not None:
                try:
                    return await self._change(wanted, found)
                except CommandFailed as error:
                    self._log.warn(
                        "The addresses of {interface} are looked at anew: {error}",
                        interface=self._interface,
                        error=str(error),
                    )
            look = ("-j", "-4", "address", "show", "dev", self._interface)
            found = parse(await run(self._reactor, "ip", *look))
            return await self._change(wanted, found)
        except (CommandFailed, OSError) as error:
            said = error.text if isinstance(error, CommandFailed) else str(error)
            raise NetworkFailed(
                f"{self._interface} cannot be given the public addresses: "
                f"{said.partition(chr(10))[0]}",
                # All networks are there.
                numbers=(),
            ) from None

    async def _change(
        self, wanted: frozenset[IPv4Address], found: Found
    ) -> list[IPv4Address]:
        text = commands(self._interface, wanted, found)
        if text:
            await run(self._reactor, "ip", "-batch", "-", stdin=text.encode())
        come = sorted(wanted - found.ours)
        if come:
            await self._in_thread(lambda: self._announce(self._interface, come))
        self._there = Found(wanted - found.others, found.others)
        return sorted(found.ours - wanted)


@define(eq=False)
class AllPublicAddresses:
    """Those of ours on this machine, at whatever interface; to be removed."""

    _reactor: IProcessReactor

    async def apply(self, view: View) -> None:
        """It gives none."""

    def distrust(self) -> None:
        """It trusts nothing."""

    async def purge(self) -> tuple[str, ...]:
        """As L{PublicAddresses.purge}."""
        try:
            shown = await run(self._reactor, "ip", "-j", "-4", "address", "show")
            removed: list[str] = []
            for link in json.loads(shown):
                name = link.get("ifname", "")
                gone = sorted(parse(json.dumps([link]).encode()).ours)
                for each in gone:
                    command = ("ip", "address", "del", f"{each}/32", "dev", name)
                    await run(self._reactor, *command)
                    removed.append(f"address {each} of {name}")
        except CommandFailed as error:
            raise NetworkFailed(
                f"the public addresses cannot be removed: {error}"
            ) from None
        return tuple(removed)
