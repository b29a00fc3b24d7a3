"""
The network of instances on a Linux bridge.

The kernel's bridge carries the packets; C{ip} and C{nft} make it and its
rules, from texts that L{euca_tw.vnet.links} and L{euca_tw.vnet.nftables}
write; DHCP, metadata and names are served by this process.  Works wherever the
process is, a network namespace of its own included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from attrs import Factory, define
from twisted.internet.address import IPv4Address
from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import (
    IListeningPort,
    IReactorSocket,
    IReactorTCP,
)
from twisted.logger import Logger
from zope.interface import implementer

from euca_tw.common.one_at_a_time import OneAtATime
from euca_tw.common.process import CommandFailed, IProcessReactor, run
from euca_tw.model.metadata import InstanceMetadata
from euca_tw.model.tokens import TokenMaker
from euca_tw.nodectl.interfaces import INodeNetwork, Lease, NetworkFailed, Nic
from euca_tw.vnet import dhcp_server, links, nftables
from euca_tw.vnet.dhcp import METADATA_ADDRESS
from euca_tw.vnet.leases import Leases, card_name
from euca_tw.vnet.metadata import metadata_site
from euca_tw.vnet.names import listening
from euca_tw.vnet.names.server import NameServer
from euca_tw.vnet.settings import BridgeSettings

_FORWARD = "echo 1 >/proc/sys/net/ipv4/ip_forward"


class IBridgeReactor(IProcessReactor, IReactorSocket, IReactorTCP):
    """All that a bridge and its services need."""


@implementer(INodeNetwork)
@define(eq=False)
class BridgeNodeNetwork:
    """
    @ivar _metadata_of: the facts of the instance with a private address.
    @ivar _tokens: makes session tokens of the metadata service; None: there are
        none to be had.
    @ivar _names: None: nobody is told names.
    """

    _reactor: IBridgeReactor
    _settings: BridgeSettings
    _metadata_of: Callable[[str], InstanceMetadata | None]
    _tokens: TokenMaker | None = None
    _names: NameServer | None = None
    leases: Leases = Factory(Leases)
    _dhcp: IListeningPort | None = None
    _metadata: IListeningPort | None = None
    _named: tuple[IListeningPort, ...] = ()
    _has_rules: bool = False
    _lock: OneAtATime = Factory(OneAtATime)

    _log = Logger()

    async def start(self) -> None:
        async with self._lock:
            try:
                await self._start()
            except CommandFailed as error:
                raise NetworkFailed(str(error)) from None

    async def stop(self) -> None:
        async with self._lock:
            await self._stop_services()

    async def remove(self) -> None:
        """
        Stop, and leave no bridge, address or rule behind.  (Forwarding stays
        as it is: others may have come to rely on it.)

        @raise NetworkFailed:
        """
        async with self._lock:
            try:
                await self._stop_services()
                await self._nft(nftables.removal(self._settings))
                self._has_rules = False
                for command in links.removing(self._settings, await self._look()):
                    await self._ip(*command)
            except CommandFailed as error:
                raise NetworkFailed(str(error)) from None

    async def attach(self, lease: Lease) -> Nic:
        if not lease.private_ip:
            raise NetworkFailed(
                f"{lease.instance_id} was given no private address, and a card "
                "is bound to its address here"
            )
        before = self.leases.of_instance(lease.instance_id)
        self.leases.add(lease)
        change = nftables.admission(self._settings, lease)
        if before not in (None, lease):
            change = nftables.dismissal(self._settings, before) + change
        await self._change_rules(change)
        return Nic(
            mac_address=lease.mac_address,
            bridge=self._settings.bridge,
            target=card_name(lease.instance_id),
        )

    async def detach(self, instance_id: str) -> None:
        lease = self.leases.of_instance(instance_id)
        if lease is not None:
            self.leases.remove(instance_id)
            await self._change_rules(nftables.dismissal(self._settings, lease))

    async def _change_rules(self, change: str) -> None:
        """Once they are there; what is attached before is in them from start."""
        async with self._lock:
            try:
                if self._has_rules:
                    await self._nft(change)
            except CommandFailed as error:
                raise NetworkFailed(str(error)) from None

    async def _start(self) -> None:
        found = await self._look()
        if found is None:
            # Sockets on a bridge that is gone hear nothing of its successor.
            await self._stop_services()
        for command in links.making(self._settings, found):
            await self._ip(*command)
        if self._settings.has_way_out:
            await run(self._reactor, "sh", "-c", _FORWARD)
        try:
            port = self._listen()
        except OSError as error:
            raise NetworkFailed(
                "DHCP, metadata and names cannot be served on "
                f"{self._settings.bridge}: {error}"
            ) from error
        await self._nft(
            nftables.ruleset(
                self._settings,
                port,
                self.leases,
                serves_names=self._names is not None,
            )
        )
        self._has_rules = True
        self._log.info(
            "Instances are served on {bridge}, {address}",
            bridge=self._settings.bridge,
            address=self._settings.address,
        )

    def _listen(self) -> int:
        """
        Serve, if that is not done already.

        @return: the port of the metadata service.
        """
        if self._metadata is None:
            site = metadata_site(self._reactor, self._facts, self._tokens)
            self._metadata = self._reactor.listenTCP(
                0, cast("Any", site), interface=str(self._settings.router)
            )
        if self._dhcp is None:
            self._dhcp = dhcp_server.listen(
                self._reactor,
                self._settings.bridge,
                dhcp_server.DhcpResponder(
                    self._settings.router,
                    self.leases.of_mac,
                    METADATA_ADDRESS if self._names else None,
                ),
            )
        if self._names is not None and not self._named:
            self._named = listening.listen(
                self._reactor, self._settings.bridge, self._names, self.leases.of_ip
            )
        return cast("IPv4Address", self._metadata.getHost()).port

    def _facts(self, private_ip: str) -> InstanceMetadata | None:
        """Of instances that are attached here, and no others."""
        if self.leases.of_ip(private_ip) is None:
            return None
        return self._metadata_of(private_ip)

    async def _stop_services(self) -> None:
        ports = (self._dhcp, self._metadata, *self._named)
        self._dhcp, self._metadata, self._named = None, None, ()
        for port in ports:
            if port is not None:
                await maybeDeferred(port.stopListening)

    async def _look(self) -> links.Link | None:
        shown = await run(self._reactor, "ip", *links.LOOK)
        return links.parse(shown, self._settings.bridge)

    async def _ip(self, *command: str) -> None:
        await run(self._reactor, "ip", *command)

    async def _nft(self, ruleset: str) -> None:
        await run(self._reactor, "nft", "-f", "-", stdin=ruleset.encode())


async def remove_all(
    reactor: IBridgeReactor, of_site: BridgeSettings | None
) -> tuple[str, ...]:
    """
    Remove every bridge that we made, and its rules, and what we added to the site's.

    @param of_site: of a bridge that is used, and that may be the site's.
    @return: what was removed, for people.
    @raise NetworkFailed:
    """
    try:
        shown = await run(reactor, "ip", *links.LOOK)
    except CommandFailed as error:
        raise NetworkFailed(str(error)) from None
    made = {name: BridgeSettings(bridge=name) for name in links.ours(shown)}
    removed = [f"bridge {name}" for name in made]
    if of_site is not None and of_site.bridge not in made:
        found = links.parse(shown, of_site.bridge)
        if [*links.removing(of_site, found)]:
            made[of_site.bridge] = of_site
            removed.append(f"what was added to {of_site.bridge}")
    for settings in made.values():
        await BridgeNodeNetwork(reactor, settings, lambda private_ip: None).remove()
    return tuple(removed)
