"""
Steps, as they are carried out by rtnetlink.

It blocks, and belongs into a thread.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from attrs import Factory, define

from euca_tw.vnet.link_diff import Drop, Make, Mend, Plug, Put, Step, Unmake
from euca_tw.vnet.link_records import Bridge, Link, Route, Tap, Vxlan, number_of
from euca_tw.vnet.netlink_socket import NetlinkSocket
from euca_tw.vnet.netlink_texts import TUN, explained, name_of
from euca_tw.vnet.rtnetlink_answers import is_ending
from euca_tw.vnet.rtnetlink_answers import name_of as index_and_name_of
from euca_tw.vnet.rtnetlink_told import (
    asked_links,
    ending_gone,
    entry_dropped,
    entry_put,
    link_ending,
    link_gone,
    link_made,
    link_named,
    link_plugged,
    link_set,
    link_up,
    links_named_by,
)

_SETTINGS = Path("/proc/sys/net")
#: Of C{rp_filter}: who sends need only be reached by some way.
LOOSE = "2"

_TUNSETIFF, _TUNSETPERSIST = 0x400454CA, 0x400454CB
_IFF_TAP, _IFF_NO_PI, _IFF_EXCLUSIVE = 0x2, 0x1000, 0x8000

_GONE = frozenset(
    {errno.ENOENT, errno.ESRCH, errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENXIO}
)
#: So many links go together, rather than each by itself.
_WORTHWHILE = 2
#: So many messages are ready at a time.
_AT_ONCE = 512


def setting(family: str, link: str, what: str) -> str:
    """A link's, as a file has it; C{""} where there is none, as where IPv6 is off."""
    try:
        return (_SETTINGS / family / "conf" / link / what).read_text().strip()
    except FileNotFoundError:
        return ""


@define
class Work:
    """
    Steps, and what became of them.

    @ivar failures: what failed first, by number of the network.
    @ivar _others: names of links that are not ours to touch.
    """

    _kernel: NetlinkSocket
    failures: dict[int, str] = Factory(dict)
    _indices: dict[str, int] = Factory(dict)
    _others: set[str] = Factory(set)

    def carry_out(self, steps: Iterable[Step]) -> None:
        for (kind, _), alike in groupby(steps, key=_kind_of):
            together = list(alike)
            if kind in (Make, Mend):
                self._carry_out_links(together)
                continue
            if kind is Unmake and self._unmake_at_once(together):
                continue
            for first in range(0, len(together), _AT_ONCE):
                some = together[first : first + _AT_ONCE]
                told = [(step, self._message(step)) for step in some]
                self._tell([(step, message) for step, message in told if message])

    def _carry_out_links(self, steps: Sequence[Step]) -> None:
        links = [(step, step.link) for step in steps if isinstance(step, Make | Mend)]
        making: list[tuple[Step, bytes]] = []
        failed: set[Step] = set()
        for step, link in links:
            if isinstance(step, Mend):
                continue
            if isinstance(link, Tap):
                if not self._make_tap(step, link):
                    failed.add(step)
            elif isinstance(link, Bridge | Vxlan):
                making.append((step, link_made(link)))
        failed |= self._tell(making)
        # What could not be made may be there all the same, and a stranger's.
        self._others |= {link.name for step, link in links if step in failed}
        changing: list[tuple[Step, bytes]] = []
        rising: list[tuple[Step, bytes]] = []
        for step, link in links:
            index = self._index(step, link.name)
            bridge = link.bridge if isinstance(link, Vxlan | Tap) else None
            master = None if bridge is None else self._index(step, bridge)
            if index is None or (bridge is not None and master is None):
                failed.add(step)
                continue
            is_new = isinstance(step, Make)
            told = link_set(link, index, master, is_new=is_new)
            changing += [(step, message) for message in told]
            rising.append((step, link_up(index)))
        self._tell(changing)
        for step, link in links:
            if step not in failed:
                self._set_files(step, link)
        self._tell(rising)

    def _unmake_at_once(self, steps: Sequence[Step]) -> bool:
        """
        See Note [They go together].

        @return: whether they are gone; else each has to go by itself.
        """
        indices = {name_of(step): self._index(step, name_of(step)) for step in steps}
        going = {index for index in indices.values() if index is not None}
        if len(going) < _WORTHWHILE:
            return False
        self._kernel.tell([link_ending(index) for index in going])
        listed = self._kernel.list(asked_links())
        ending = {index_and_name_of(each)[0] for each in listed if is_ending(each)}
        if ending != going or self._kernel.tell([ending_gone()]):
            return False
        for name in indices:
            self._indices.pop(name, None)
        return True

    def _make_tap(self, step: Step, link: Tap) -> bool:
        """
        Nobody's until it has its alias, and till then gone with this process.

        @return: whether it is made.
        """
        try:
            descriptor = os.open(TUN, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            self._fail(step, error)
            return False
        try:
            flags = _IFF_TAP | _IFF_NO_PI | _IFF_EXCLUSIVE
            request = struct.pack("16sH22x", link.name.encode(), flags)
            fcntl.ioctl(descriptor, _TUNSETIFF, request)
            if self._tell([(step, link_named(link.name))]):
                return False
            fcntl.ioctl(descriptor, _TUNSETPERSIST, 1)
            return True
        except OSError as error:
            self._fail(step, error)
            return False
        finally:
            os.close(descriptor)

    def _set_files(self, step: Step, link: Link) -> None:
        wanted = [("ipv6", "disable_ipv6", "1")]
        if isinstance(link, Bridge):
            wanted.append(("ipv4", "send_redirects", "0"))
            if link.is_loose:
                # Of this and of what all links have, the kernel takes the larger.
                wanted.append(("ipv4", "rp_filter", LOOSE))
        for family, what, value in wanted:
            try:
                if setting(family, link.name, what) not in {"", value}:
                    (_SETTINGS / family / "conf" / link.name / what).write_text(value)
            except OSError as error:
                self._fail(step, error)

    def _message(self, step: Step) -> bytes | None:
        match step:
            case Unmake(name):
                index = self._index(step, name)
                self._indices.pop(name, None)
                return None if index is None else link_gone(index)
            case Plug(card, bridge):
                index, master = self._index(step, card), self._index(step, bridge)
                if index is None or master is None:
                    return None
                return link_plugged(index, master)
            case Put(entry) | Drop(entry):
                for name in links_named_by(entry):
                    if self._index(step, name) is None:
                        return None
                if isinstance(step, Put):
                    return entry_put(entry, self._indices)
                return entry_dropped(entry, self._indices)
        raise TypeError(step)

    def _tell(self, told: Sequence[tuple[Step, bytes]]) -> set[Step]:
        """@return: those of which something failed."""
        if not told:
            return set()
        failed = self._kernel.tell([message for _, message in told])
        for place in sorted(failed):
            self._fail(told[place][0], failed[place])
        return {told[place][0] for place in failed}

    def _index(self, step: Step, name: str) -> int | None:
        if name in self._others:
            return None
        if name not in self._indices:
            try:
                self._indices[name] = socket.if_nametoindex(name)
            except OSError:
                self._fail(step, OSError(errno.ENODEV, f"there is no link {name}"))
                return None
        return self._indices[name]

    def _fail(self, step: Step, error: OSError) -> None:
        if not _is_no_matter(step, error):
            number = number_of(name_of(step))
            assert number is not None
            self.failures.setdefault(number, explained(step, error))


def _kind_of(step: Step) -> tuple[type, type]:
    match step:
        case Make(about) | Mend(about):
            return type(step), type(about)
    return type(step), type(step)


def _is_no_matter(step: Step, error: OSError) -> bool:
    """Whether it is as it shall be, without the step."""
    match step:
        case Drop() | Unmake() | Plug():
            return error.errno in _GONE
        case Put(entry):
            return error.errno == errno.EEXIST and not isinstance(entry, Route)
    return False
