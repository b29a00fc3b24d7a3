"""
The machine's rules by C{nft}: what there is of ours, and changing it.

Nothing but our own tables is looked at or touched.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from attrs import define

from euca_tw.common.in_thread import InThread
from euca_tw.common.process import CommandFailed, IProcessReactor, run
from euca_tw.vnet.filter_settings import Tracking
from euca_tw.vnet.filter_text import FAMILIES, NAME
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.nft_listing import Found, Unreadable, parse

#: The bridges show their packets to IP: there when C{br_netfilter} is.
_SHOWN_TO_IP = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
#: Whether a bridge follows connections; only asked, never made.
_TRIAL = f"""\
table bridge {NAME}_trial {{
	chain forwarding {{
		type filter hook forward priority 10; policy accept;
		ct state established accept
	}}
}}
"""
#: What nft then says.
_CANNOT_FOLLOW = "Protocol error"
#: Of a table.  (To list all tables it reads all that is in them.)
_NOT_THERE = "No such file or directory"
_TIMEOUT_S = 60.0


def is_shown_to_ip() -> bool:
    """Whether bridges can be made to show their packets to the machine's IP."""
    return _SHOWN_TO_IP.exists()


def are_all_shown_to_ip() -> bool:
    """Whether all bridges show their packets to the machine's IP, unasked."""
    return is_shown_to_ip() and _SHOWN_TO_IP.read_text().strip() == "1"


@define(eq=False)
class Nft:
    """C{nft}, in the network namespace of this process."""

    _reactor: IProcessReactor
    _in_thread: InThread
    _is_shown_to_ip: Callable[[], bool] = is_shown_to_ip

    async def tracking(self) -> Tracking:
        """
        Who follows connections here.

        @raise NetworkFailed: nobody can.
        """
        try:
            await self._nft("-c", "-f", "-", text=_TRIAL)
        except CommandFailed as error:
            if _CANNOT_FOLLOW not in error.text:
                raise failed(error) from None
            if self._is_shown_to_ip():
                return Tracking.IP
            raise NetworkFailed(
                "the kernel follows no connections on bridges, so that security "
                "groups cannot be kept: load nf_conntrack_bridge or br_netfilter "
                "(modprobe br_netfilter)"
            ) from None
        return Tracking.BRIDGE

    async def found(self) -> Found | None:
        """
        What there is of ours; None: not all of it, or not as we write it.

        @raise NetworkFailed:
        """
        tables: list[Found] = []
        for family in FAMILIES:
            try:
                listing = await self._nft("-j", "-n", "list", "table", family, NAME)
                tables.append(await self._in_thread(partial(parse, listing)))
            except CommandFailed as error:
                if _NOT_THERE in error.text:
                    return None
                raise failed(error) from None
            except Unreadable:
                return None
        first, second = tables
        if first.version != second.version:
            return None
        return Found(version=first.version, filters={**first.filters, **second.filters})

    async def load(self, text: str) -> None:
        """
        One transaction.

        @raise NetworkFailed: nothing is changed.
        """
        try:
            await self._nft("-f", "-", text=text)
        except CommandFailed as error:
            raise failed(error) from None

    async def remove(self) -> tuple[str, ...]:
        """
        Remove our tables.

        @return: those that there were.
        @raise NetworkFailed:
        """
        removed: list[str] = []
        for family in FAMILIES:
            try:
                await self._nft("delete", "table", family, NAME)
            except CommandFailed as error:
                if _NOT_THERE not in error.text:
                    raise failed(error) from None
            else:
                removed.append(f"table {family} {NAME}")
        return tuple(removed)

    async def _nft(self, *arguments: str, text: str = "") -> bytes:
        stdin = text.encode()
        return await run(
            self._reactor, "nft", *arguments, stdin=stdin, timeout_s=_TIMEOUT_S
        )


#: What nft says, and what to do about it.
_ADVICE = (
    ("is not installed", "install the package nftables"),
    ("not permitted", "the process needs CAP_NET_ADMIN: run it as root"),
    ("syntax error", "nft is too old: 1.0.6 is known to do"),
    (_CANNOT_FOLLOW, "the kernel follows no connections: load nf_conntrack"),
    ("not supported", "the kernel lacks a part of nftables: 6.1 is known to do"),
)


def failed(error: CommandFailed) -> NetworkFailed:
    """The first line of what nft said, and what to do about it, if that is known."""
    said = error.text.partition("\n")[0]
    advice = next((do for what, do in _ADVICE if what in error.text), "")
    return NetworkFailed(
        f"the rules of the networks cannot be set: {said}"
        + (f" ({advice})" if advice else "")
    )
