"""
The networks of this machine, for its operator: looked at, and removed, without any
daemon.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from euca_tw.admin.client import Refused
from euca_tw.admin.configuration import Configuration
from euca_tw.common.in_thread import in_this_thread
from euca_tw.nodectl.interfaces import NetworkFailed as FlatNetworkFailed
from euca_tw.overlay.settings import STATIC
from euca_tw.vnet.bridge import remove_all
from euca_tw.vnet.filter_settings import FilterSettings
from euca_tw.vnet.host import NetworkHost
from euca_tw.vnet.interfaces import INetworkHost, NetworkFailed, together
from euca_tw.vnet.link_text import lines
from euca_tw.vnet.links_host import LinksHost
from euca_tw.vnet.nft import Nft
from euca_tw.vnet.public_addresses import AllPublicAddresses
from euca_tw.vnet.rules import Rules

if TYPE_CHECKING:
    from euca_tw.vnet.netlink import KernelLinks

#: It removes something, and returns what it was, for people.
Purge = Callable[[], Awaitable[tuple[str, ...]]]


def shown() -> Iterator[str]:
    """
    What there is, in lines.

    @raise Refused: it cannot be seen.
    """
    links = _kernel_links()
    try:
        found, cards, counts = links.look(), links.cards(), links.counts()
    except NetworkFailed as error:
        raise Refused(str(error)) from error
    return lines(found, cards, counts)


def purge(configuration: Configuration | None = None) -> tuple[str, ...]:
    """
    Remove all that is ours, whoever made it.

    @param configuration: of this machine; None: only managed networks are meant.
    @return: what was removed.
    @raise Refused: some could not be; the rest was.
    """
    reactor: Any = real_reactor
    host = NetworkHost(
        rules=Rules(Nft(reactor, in_this_thread), in_this_thread, FilterSettings()),
        links=LinksHost(_kernel_links(), in_this_thread),
        public=AllPublicAddresses(reactor),
    )
    further: list[Purge] = []
    if configuration is not None:
        is_flat = configuration.network.mode == STATIC
        section = configuration.node_controller
        of_site = section.bridge_settings if is_flat else None
        further.append(partial(remove_all, reactor, of_site))
    return purged(host, reactor, *further)


def purged(host: INetworkHost, reactor: Any, *further: Purge) -> tuple[str, ...]:
    """
    As L{purge}.

    @param reactor: not running; it runs till all is done.
    @param further: what else is removed, likewise.
    """
    results: list[tuple[str, ...] | Failure] = []

    def end(result: Any) -> None:
        results.append(result)
        reactor.stop()

    def begin() -> None:
        Deferred.fromCoroutine(_purge((host.purge, *further))).addBoth(end)

    reactor.callWhenRunning(begin)
    reactor.run()
    [result] = results
    if isinstance(result, Failure):
        if result.check(NetworkFailed):
            raise Refused(str(result.value)) from result.value
        result.raiseException()
    return result


def _kernel_links() -> KernelLinks:
    try:
        from euca_tw.vnet.netlink import KernelLinks
    except ImportError as missing:
        raise Refused(
            f"{missing}; a machine that carries networks needs pyroute2 "
            "(pip install 'euca_tw[node]' or 'euca_tw[head]')"
        ) from missing
    return KernelLinks()


async def _purge(parts: Iterable[Purge]) -> tuple[str, ...]:
    """What one part cannot remove keeps no other from it."""
    removed: list[str] = []
    failed: list[NetworkFailed] = []
    for part in parts:
        try:
            removed.extend(await part())
        except NetworkFailed as error:
            failed.append(error)
        except FlatNetworkFailed as error:
            failed.append(NetworkFailed(str(error)))
    if failed:
        raise together(failed)
    return tuple(removed)
