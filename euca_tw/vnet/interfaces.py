"""
The doors of the networks: the machine that carries them, and the trunk between
heads.

Every implementation passes the shared suite in C{tests/suites}.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

from zope.interface import Interface

from euca_tw.model.metadata import InstanceMetadata
from euca_tw.model.networks import View
from euca_tw.nodectl.interfaces import Lease
from euca_tw.vnet.link_diff import Step
from euca_tw.vnet.link_records import Segment
from euca_tw.vnet.trunk.counters import Report


class NetworkFailed(Exception):
    """
    The networks cannot be made so; the text says why, and what to do.

    @ivar numbers: of those that are not so, where all others are; None: it may be
        any.
    """

    def __init__(self, text: str, numbers: Collection[int] | None = None) -> None:
        super().__init__(text)
        self.numbers = None if numbers is None else frozenset(numbers)


def together(failures: Collection[NetworkFailed]) -> NetworkFailed:
    """As one."""
    known = [each.numbers for each in failures if each.numbers is not None]
    numbers = frozenset().union(*known) if len(known) == len(failures) else None
    return NetworkFailed("; ".join(map(str, failures)), numbers)


class INetworkHost(Interface):
    """
    A machine's links, forwarding tables and rules.

    What is not ours is never touched.  What we made stays when this process
    ends, so that instances go on; the next one finds it.
    """

    def apply(view: View) -> Awaitable[None]:
        """
        Make the machine carry what C{view} says, and nothing more of ours.
        What is there already is left alone, and no packet of what stays is
        lost.  Work is proportional to what differs from the last view, the
        first time from what is found.

        @raise NetworkFailed: what could be done is done; again, it goes on.
        """

    def purge() -> Awaitable[tuple[str, ...]]:
        """
        Remove all that is ours, whoever made it.

        @return: what was removed, for people.
        @raise NetworkFailed:
        """


class ILinks(Interface):
    """
    The links of a machine, and their tables, as the kernel has them: in whatever
    network namespace the caller's thread is.  All of it blocks.
    """

    def look() -> Mapping[int, Segment]:
        """
        What is there of each network, by its number; of links of others only
        the names, where they are such as ours have.

        @raise NetworkFailed:
        """

    def loose(names: Collection[str]) -> frozenset[str]:
        """
        Those of the links of such names that are there, and ports of no bridge.

        @raise NetworkFailed:
        """

    def carry_out(steps: Iterable[Step]) -> None:
        """
        In that order.  What fails does not keep the others from being done.

        @raise NetworkFailed: some could not be carried out.
        """

    def forward() -> None:
        """
        Let the machine forward packets between its networks.

        @raise NetworkFailed:
        """


class IResponders(Interface):
    """DHCP, metadata and names, for instances, on bridges of this machine."""

    def serve(
        bridge: str,
        lease_of: Callable[[str], Lease | None],
        metadata_of: Callable[[str], InstanceMetadata | None],
        lease_at: Callable[[str], Lease | None],
    ) -> None:
        """
        Answer on a bridge, and only there; nothing happens if that is done
        already, unless the bridge was made anew since.

        @param lease_of: of a card, by its MAC address.
        @param metadata_of: of an instance, by its private address.
        @param lease_at: of an instance, by its private address.
        @raise NetworkFailed:
        """

    def cease(bridge: str) -> Awaitable[None]:
        """Answer there no more; nothing happens if it was not done."""


class ITrunk(Interface):
    """What carries networks from this head to those of other clusters."""

    def apply(view: View) -> None:
        """Carry what it says, to whom it says; returns at once."""

    def report() -> Report:
        """How it is doing."""
