"""
A head's network namespace, made and removed.

Everything here blocks; it is for the operator's command, which has no reactor.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network

from pyroute2 import IPRoute, netns
from pyroute2.netlink.exceptions import NetlinkError

from euca_tw.vnet import namespace_plan
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.namespace_kernel import GROUP, MAIN_TABLE, NAMED, KernelNamespace
from euca_tw.vnet.namespace_plan import NamespaceSettings, Side, plan, wanted


def processes_of(name: str) -> tuple[int, ...]:
    """Those that are in it."""
    found = netns.ns_pids(str(NAMED)).get(name, ())
    return tuple(sorted(found))


def made_here() -> tuple[str, ...]:
    """
    The namespaces to which we have made a cable from here.

    @raise NetworkFailed:
    """
    with _failing("the links of this machine cannot be listed"), IPRoute() as kernel:
        return tuple(
            sorted(
                link.get("ifname")
                for link in kernel.get_links()
                if link.get("group") == GROUP
            )
        )


def up(settings: NamespaceSettings) -> tuple[str, ...]:
    """
    Have it as it shall be; what is right is left alone.

    @return: what was done, for people.
    @raise NetworkFailed:
    """
    with _failing(f"the namespace {settings.name} cannot be made"):
        work = KernelNamespace(settings.name)
        _check_free(settings, work)
        # There is no cable without its rules, not for a moment.
        _nft(namespace_plan.ruleset(settings))
        to_do = plan(wanted(settings), work.look(wanted(settings)))
        work.carry_out(to_do)
    gone = (f"away: {each}" for each in to_do.gone)
    return (*gone, *map(str, to_do.come))


def down(name: str) -> tuple[str, ...]:
    """
    Take it away; what is not there is not missed.

    @return: what was taken, for people.
    @raise NetworkFailed: some process is in it, or it cannot be done.
    """
    with _failing(f"the namespace {name} cannot be removed"):
        work = KernelNamespace(name)
        if inside := processes_of(name):
            numbers = ", ".join(map(str, inside))
            raise NetworkFailed(
                f"the namespace {name} is not removed while processes are in it: end "
                f"{numbers} first"
            )
        removed = [*work.remove()]
        _nft(namespace_plan.removal(name))
        return tuple(removed)


def _check_free(settings: NamespaceSettings, work: KernelNamespace) -> None:
    """
    @raise NetworkFailed: the machine uses the cable's network, or one of the names,
        for something else.
    """
    work.is_there()
    own = work.index(Side.MACHINE)
    with IPRoute() as kernel:
        for route in kernel.get_routes(family=2, table=MAIN_TABLE):
            # One that leads nowhere, or several ways, has no link of its own.
            if route.get("dst") and (own is None or route.get("oif") != own):
                network = IPv4Network((route.get("dst"), route["dst_len"]))
                if network.overlaps(settings.link):
                    raise NetworkFailed(
                        f"{settings.link} cannot be between {settings.name} and this "
                        f"machine, which has a route to {network}: set namespace_link "
                        "in [head] to a network that is free"
                    )
                if network in settings.public:
                    raise NetworkFailed(
                        f"this machine has a route to {network} already, which is of "
                        "public_addresses in [cloud], and these are reached by the "
                        "head: remove one or the other"
                    )


def _nft(text: str) -> None:
    """@raise NetworkFailed:"""
    program = shutil.which("nft")
    if program is None:
        raise NetworkFailed("nft is not installed: install the package nftables")
    done = subprocess.run(  # noqa: S603 - our own text, to the machine's own nft
        (program, "-f", "-"), input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().partition("\n")[0]
        raise NetworkFailed(f"the rules cannot be set: {said}")


@contextmanager
def _failing(what: str) -> Iterator[None]:
    """What the kernel refuses there is told as L{NetworkFailed}."""
    try:
        yield
    except (NetlinkError, OSError) as error:
        code = error.code if isinstance(error, NetlinkError) else error.errno
        said = os.strerror(code) if code else str(error)
        raise NetworkFailed(
            f"{what}: {said} (it takes root, or CAP_NET_ADMIN and CAP_SYS_ADMIN)"
        ) from error
