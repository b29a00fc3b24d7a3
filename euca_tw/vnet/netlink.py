"""
The links and tables of the kernel, by rtnetlink.

Everything here blocks, and belongs into a thread.  It works on the network
namespace of that thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from attrs import define
from zope.interface import implementer

from euca_tw.model.networks import TRANSIT_NUMBER
from euca_tw.vnet.interfaces import ILinks, NetworkFailed
from euca_tw.vnet.link_diff import Step
from euca_tw.vnet.link_records import Entry, Link, Segment, number_of
from euca_tw.vnet.link_text import Counted, counted_of
from euca_tw.vnet.netlink_socket import NetlinkSocket, open_netlink
from euca_tw.vnet.netlink_steps import LOOSE, Work, setting
from euca_tw.vnet.netlink_texts import together
from euca_tw.vnet.rtnetlink_answers import (
    address_of,
    link_of,
    master_of,
    name_of,
    neighbour_of,
    route_of,
)
from euca_tw.vnet.rtnetlink_told import (
    asked_addresses,
    asked_forwards,
    asked_links,
    asked_neighbours,
    asked_routes,
)

_UNLISTED = "the kernel does not list its links: {}"
#: That of the thread, as all here.
_COUNTS = Path("/proc/thread-self/net/dev")
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
#: A link sends redirects if it or this says so.
_REDIRECTS_OF_ALL = Path("/proc/sys/net/ipv4/conf/all/send_redirects")


@implementer(ILinks)
@define(eq=False)
class KernelLinks:
    """All of a machine, or of a network namespace."""

    def look(self) -> Mapping[int, Segment]:
        try:
            with open_netlink() as kernel:
                return _found(kernel)
        except OSError as error:
            raise NetworkFailed(_UNLISTED.format(error.strerror or error)) from error

    def cards(self) -> Mapping[str, tuple[str, ...]]:
        """
        The instances' cards, and whatever else of others is on our bridges: names
        by bridge.

        @raise NetworkFailed:
        """
        found: dict[str, list[str]] = {}
        for name, bridge in self._links().items():
            if bridge and number_of(bridge) is not None and number_of(name) is None:
                found.setdefault(bridge, []).append(name)
        return {bridge: tuple(sorted(cards)) for bridge, cards in found.items()}

    def counts(self) -> Mapping[str, Counted]:
        """
        What went by each link of the machine, by its name.

        @raise NetworkFailed:
        """
        try:
            return counted_of(_COUNTS.read_text())
        except OSError as error:
            raise NetworkFailed(_UNLISTED.format(error.strerror or error)) from error

    def _links(self) -> Mapping[str, str | None]:
        """The bridge of each link of the machine, by its name."""
        try:
            with open_netlink() as kernel:
                answers = kernel.list(asked_links())
        except OSError as error:
            raise NetworkFailed(_UNLISTED.format(error.strerror or error)) from error
        names = dict(map(name_of, answers))
        return {
            name_of(answer)[1]: names.get(master_of(answer) or 0) for answer in answers
        }

    def loose(self, names: Collection[str]) -> frozenset[str]:
        return frozenset(
            name
            for name, master in self._links().items()
            if master is None and name in names
        )

    def carry_out(self, steps: Iterable[Step]) -> None:
        try:
            with open_netlink() as kernel:
                work = Work(kernel)
                work.carry_out(steps)
        except OSError as error:
            raise NetworkFailed(
                f"the kernel cannot be told of links: {error.strerror or error}"
            ) from error
        if work.failures:
            raise NetworkFailed(together(work.failures))

    def forward(self) -> None:
        for path, value in ((_FORWARD, "1"), (_REDIRECTS_OF_ALL, "0")):
            try:
                if path.read_text().strip() != value:
                    path.write_text(value)
            except OSError as error:
                raise NetworkFailed(
                    f"a cluster's head forwards packets, but {path} cannot be set: "
                    f"{error.strerror or error}; it needs the capability CAP_NET_ADMIN"
                ) from error


# --- to look ----------------------------------------------------------------


def _found(kernel: NetlinkSocket) -> Mapping[int, Segment]:
    names: dict[int, str] = {}
    with_our_names: list[tuple[int, bytes]] = []
    for answer in kernel.list(asked_links()):
        index, name = name_of(answer)
        names[index] = name
        if number_of(name) is not None:
            with_our_names.append((index, answer))
    links: dict[int, list[Link]] = {}
    strangers: dict[int, list[str]] = {}
    ours: dict[int, str] = {}
    for index, answer in with_our_names:
        name = names[index]
        number = number_of(name)
        assert number is not None
        link = link_of(
            answer,
            names,
            has_ipv6=setting("ipv6", name, "disable_ipv6") == "0",
            sends_redirects=setting("ipv4", name, "send_redirects") == "1",
            is_loose=number == TRANSIT_NUMBER
            and setting("ipv4", name, "rp_filter") == LOOSE,
        )
        if link is None:
            strangers.setdefault(number, []).append(name)
        else:
            links.setdefault(number, []).append(link)
            ours[index] = name
    entries: dict[int, list[Entry]] = {}
    for entry in _entries(kernel, ours) if ours else ():
        number = number_of(entry.link)
        assert number is not None
        entries.setdefault(number, []).append(entry)
    return {
        number: Segment(
            links=frozenset(links.get(number, ())),
            entries=frozenset(entries.get(number, ())),
            strangers=frozenset(strangers.get(number, ())),
        )
        for number in links.keys() | strangers.keys()
    }


def _entries(kernel: NetlinkSocket, ours: Mapping[int, str]) -> Iterator[Entry]:
    """@param ours: names of our links, by index."""
    listed: tuple[tuple[bytes, Callable[[bytes, Mapping[int, str]], Entry | None]], ...]
    listed = (
        (asked_addresses(), address_of),
        (asked_routes(), route_of),
        (asked_forwards(), neighbour_of),
        (asked_neighbours(), neighbour_of),
    )
    for asked, entry_of in listed:
        for answer in kernel.list(asked):
            entry = entry_of(answer, ours)
            if entry is not None:
                yield entry
