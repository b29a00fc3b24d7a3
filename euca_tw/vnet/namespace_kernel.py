"""
A network namespace of a name, the cable to it and what is on both ends, as the kernel
has them, by rtnetlink.

Everything here blocks, and it raises what pyroute2 does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any, TypeVar

from attrs import define
from pyroute2 import IPRoute, netns

from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.link_records import OURS, ROUTE_PROTOCOL
from euca_tw.vnet.namespace_plan import (
    INNER,
    Address,
    Cable,
    Fact,
    Mtu,
    Namespace,
    Plan,
    Route,
    Setting,
    Side,
)

T = TypeVar("T")

#: Where namespaces are that have a name, as C{ip netns} has them.
NAMED = Path("/run/netns")
MAIN_TABLE = 254
#: Of the machine's ends of cables that we made, from the first moment on.
GROUP = 0xE2CB
#: That of this thread.
_OWN = Path("/proc/thread-self/ns/net")
_SETTINGS = Path("/proc/sys/net")
_ONE_HOST = 32
_SIDES = (Side.MACHINE, Side.INSIDE)


@define
class KernelNamespace:
    _name: str

    @property
    def path(self) -> Path:
        return NAMED / self._name

    def is_there(self) -> bool:
        """
        Who died while he made it may have left a file that is no namespace.

        @raise NetworkFailed: it is not ours.
        """
        try:
            if self.path.stat().st_dev != _OWN.stat().st_dev:
                return False
        except OSError:
            return False
        with self.kernel(Side.INSIDE) as kernel:
            [loopback] = kernel.get_links(ifname="lo")
            if loopback.get("ifalias") == OURS:
                return True
        raise NetworkFailed(
            f"there is a network namespace {self._name}, and it is not ours: set "
            "namespace in [head] to another name, or remove it (ip netns delete "
            f"{self._name})"
        )

    def kernel(self, side: Side) -> IPRoute:
        return IPRoute() if side is Side.MACHINE else IPRoute(netns=str(self.path))

    def index(self, side: Side) -> int | None:
        """
        Of an end of the cable; None: it is not there.

        @raise NetworkFailed: a link of that name is not ours.
        """
        link = self._link(side)
        return None if link is None else link["index"]

    def _link(self, side: Side) -> Any:
        name = self._name if side is Side.MACHINE else INNER
        with self.kernel(side) as kernel:
            for link in kernel.get_links():
                if link.get("ifname") == name:
                    if link.get("group") != GROUP and side is Side.MACHINE:
                        raise NetworkFailed(
                            f"there is a link {name}, and it is not ours: set "
                            "namespace in [head] to another name"
                        )
                    return link
        return None

    # --- to look ---------------------------------------------------------------

    def look(self, shall: tuple[Fact, ...]) -> frozenset[Fact]:
        """@param shall: of settings, these are looked at."""
        found: set[Fact] = set()
        if not self.is_there():
            return frozenset()
        found.add(Namespace())
        ends = {side: self._link(side) for side in _SIDES}
        if any(end is None or end.get("state") != "up" for end in ends.values()):
            return frozenset(found)
        found.add(Cable())
        for side, link in ends.items():
            found.add(Mtu(side, link.get("mtu")))
            found.update(self._entries(side, link["index"]))
        settings = [each for each in shall if isinstance(each, Setting)]
        for side in _SIDES:
            of_side = [each for each in settings if each.side is side]
            found.update(self._within(side, partial(_as_they_shall, of_side)))
        return frozenset(found)

    def _entries(self, side: Side, index: int) -> Iterator[Fact]:
        with self.kernel(side) as kernel:
            for each in kernel.get_addr(family=2, index=index):
                # One alone is a public address, which the head has given itself.
                if each["prefixlen"] < _ONE_HOST:
                    interface = (each.get("address"), each["prefixlen"])
                    yield Address(side, IPv4Interface(interface))
            for each in kernel.get_routes(family=2, table=MAIN_TABLE):
                if each["proto"] == ROUTE_PROTOCOL and each.get("oif") == index:
                    to = IPv4Network((each.get("dst") or 0, each["dst_len"]))
                    if via := each.get("gateway"):
                        yield Route(side, to, IPv4Address(via))

    # --- to do -----------------------------------------------------------------

    def carry_out(self, to_do: Plan) -> None:
        for each in to_do.gone:
            self._entry("del", each)
        for fact in to_do.come:
            match fact:
                case Namespace():
                    self._make()
                case Cable():
                    self._make_cable()
                case Mtu(side, mtu):
                    with self.kernel(side) as kernel:
                        kernel.link("set", index=self.index(side), mtu=mtu)
                case Setting(side, name, value):
                    self._within(side, partial(_set, name, value))
                case Address() | Route():
                    self._entry("add", fact)

    def _make(self) -> None:
        self.path.unlink(missing_ok=True)
        netns.create(str(self.path))
        with self.kernel(Side.INSIDE) as kernel:
            [loopback] = kernel.link_lookup(ifname="lo")
            kernel.link("set", index=loopback, ifalias=OURS, state="up")

    def _make_cable(self) -> None:
        self._remove_cable()
        with self.kernel(Side.MACHINE) as kernel:
            kernel.link(
                "add",
                ifname=self._name,
                kind="veth",
                group=GROUP,
                peer={"ifname": INNER, "net_ns_fd": str(self.path)},
            )
        for side in _SIDES:
            with self.kernel(side) as kernel:
                index = self.index(side)
                kernel.link("set", index=index, ifalias=OURS)
                kernel.link("set", index=index, state="up")

    def _entry(self, verb: str, fact: Address | Route) -> None:
        index = self.index(fact.side)
        with self.kernel(fact.side) as kernel:
            if isinstance(fact, Address):
                address = {
                    "address": str(fact.interface.ip),
                    "prefixlen": fact.interface.network.prefixlen,
                }
                kernel.addr(verb, index=index, **address)
            else:
                kernel.route(
                    verb,
                    dst=str(fact.to),
                    gateway=str(fact.via),
                    oif=index,
                    proto=ROUTE_PROTOCOL,
                )

    def _within(self, side: Side, work: Callable[[], T]) -> T:
        """What C{work} returns, done on that side."""
        if side is Side.MACHINE:
            return work()

        def inside() -> T:
            netns.setns(str(self.path), flags=0)
            return work()

        # A thread of its own, which ends there.
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(inside).result()

    # --- and away --------------------------------------------------------------

    def remove(self) -> Iterator[str]:
        is_there = self.is_there()
        if self._remove_cable():
            yield f"cable {self._name}"
        if is_there:
            netns.remove(str(self.path))
            yield f"namespace {self._name}"
        else:
            self.path.unlink(missing_ok=True)

    def _remove_cable(self) -> bool:
        index = self.index(Side.MACHINE)
        if index is None:
            return False
        with self.kernel(Side.MACHINE) as kernel:
            kernel.link("del", index=index)
        return True


def _as_they_shall(settings: list[Setting]) -> list[Setting]:
    """Those that are, or of which there is nothing."""
    found = []
    for each in settings:
        with suppress(FileNotFoundError):
            if (_SETTINGS / each.name).read_text().strip() != each.value:
                continue
        found.append(each)
    return found


def _set(name: str, value: str) -> None:
    with suppress(FileNotFoundError):
        (_SETTINGS / name).write_text(value)
