"""
The trunk of a cluster's head, as a service: the networks' devices, and the mesh
that carries them to other heads.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any, ClassVar, Protocol

from attrs import define
from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from euca_tw.common.backoff import Backoff
from euca_tw.common.config import Invalid
from euca_tw.common.in_thread import InThread
from euca_tw.model.networks import TRANSIT_NUMBER, Carried, View
from euca_tw.vnet.interfaces import ITrunk
from euca_tw.vnet.link_records import tap_name
from euca_tw.vnet.transit import between
from euca_tw.vnet.trunk import watch
from euca_tw.vnet.trunk.carrying import Carrying, always
from euca_tw.vnet.trunk.counters import NetworkReport, PeerReport, Report, counted
from euca_tw.vnet.trunk.lines import Lines, SocketLines
from euca_tw.vnet.trunk.mesh import Mesh
from euca_tw.vnet.trunk.peers import Peer
from euca_tw.vnet.trunk.pump import Device
from euca_tw.vnet.trunk.routes import Table, make_table
from euca_tw.vnet.trunk.settings import PeerSettings, TrunkSettings
from euca_tw.vnet.trunk.tapdev import open_tap, takes_uso

#: After a turn that failed.
_PAUSE_S = 1.0


class Epoll(watch.Epoll, Protocol):
    """With what the reactor watches it by."""

    def fileno(self) -> int: ...
    def close(self) -> None: ...


@implementer(IReadDescriptor)
@define(eq=False)
class _Turns:
    """What the reactor sees of the trunk."""

    _epoll: Epoll
    _turn: Callable[[], None]
    _lost: Callable[[], None]

    def fileno(self) -> int:
        return self._epoll.fileno()

    def logPrefix(self) -> str:
        return "trunk"

    def doRead(self) -> None:
        self._turn()

    def connectionLost(self, reason: Failure) -> None:
        """A turn failed, which was logged, and the reactor looks here no more."""
        self._lost()


def make_trunk(
    reactor: Any, settings: TrunkSettings, random: Random, in_thread: InThread
) -> Trunk:
    """
    One on this machine.

    @raise ValueError: the settings cannot be used; the text is for the operator.
    """
    epoll = select.epoll()
    watched = watch.Watch(epoll)
    opened = partial(open_tap, queue=settings.queue, owner=settings.device_owner)
    return Trunk(
        reactor=reactor,
        settings=settings,
        random=random,
        epoll=epoll,
        watched=watched,
        lines=SocketLines(watched, in_thread),
        open_device=opened,
        takes_uso=takes_uso(os.uname().release),
    )


@implementer(ITrunk)
@define(eq=False, kw_only=True, init=False)
class Trunk(Service):
    """
    @ivar carrying: the networks.
    @ivar mesh: the other heads.
    """

    reactor: Any
    settings: TrunkSettings
    mesh: Mesh
    carrying: Carrying
    _turns: _Turns
    _view: View | None
    _networks: Mapping[int, Carried]
    _going_on: IDelayedCall | None

    _log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        *,
        reactor: Any,
        settings: TrunkSettings,
        random: Random,
        epoll: Epoll,
        watched: watch.Watch,
        lines: Lines,
        open_device: Callable[[str], Device],
        takes_uso: bool,
    ) -> None:
        self.reactor, self.settings = reactor, settings
        self.mesh = Mesh(
            settings=settings,
            clock=reactor,
            random=random,
            lines=lines,
            watch=watched,
            takes_uso=takes_uso,
            changed=self._agree,
            gone=lambda number, reason: self.carrying.gone(number, reason),
        )
        self.carrying = Carrying(
            reactor,
            self.mesh.pump,
            open_device,
            Backoff(random=random, first_s=1.0, ceiling_s=30.0),
            self.mesh.carry,
        )
        self._turns = _Turns(epoll, self.mesh.pump.turn, self._go_on_later)
        self._view = self._going_on = None
        self._networks = {}
        self.mesh.set_peers(settings.peers)

    def startService(self) -> None:
        """
        @raise OSError: where others are to connect to cannot be listened at.
        """
        super().startService()
        self.mesh.start()
        self.reactor.addReader(self._turns)
        self.carrying.start()

    def stopService(self) -> None:
        """Devices stay, in their bridges, for the next process."""
        super().stopService()
        if self._going_on is not None:
            self._going_on.cancel()
            self._going_on = None
        self.reactor.removeReader(self._turns)
        self.mesh.stop()
        self.carrying.stop()

    def _go_on_later(self) -> None:
        """What is wrong for one peer or network shall not end all others."""
        if self.running and self._going_on is None:
            self._going_on = self.reactor.callLater(_PAUSE_S, self._go_on)

    def _go_on(self) -> None:
        self._going_on = None
        self.reactor.addReader(self._turns)

    def apply(self, view: View) -> None:
        """
        Carry what it says, to whom it says, and to whom the settings say.  What
        is the same object as in the last one is not looked into.
        """
        last, self._view = self._view, view
        if last is None or last.ends is not view.ends:
            self.mesh.set_peers(self._peers_of(view))
        is_same = last is not None and last.machines is view.machines
        shall, old = self._shall(view, last), self._networks
        self._networks = shall
        for number in self.carrying.known - shall.keys():
            self.carrying.want(number, always(None))
        for number, carried in shall.items():
            if not is_same or old.get(number) is not carried:
                self.carrying.want(number, partial(make_table, view, carried))
        self.carrying.go_on()

    def _shall(self, view: View, last: View | None) -> Mapping[int, Carried]:
        """The networks of a view, and that between heads."""
        transit = self._networks.get(TRANSIT_NUMBER)
        if (
            last is None
            or last.extents is not view.extents
            or last.machines is not view.machines
            or last.networks.keys() != view.networks.keys()
        ):
            found = between(view)
            transit = transit if found == transit else found
        if transit is None:
            return view.networks
        return {**view.networks, TRANSIT_NUMBER: transit}

    def _peers_of(self, view: View) -> Mapping[str, PeerSettings]:
        """The settings' own come first."""
        peers = dict[str, PeerSettings]()
        for name, end in view.ends.items():
            if name == self.settings.cluster or name in self.settings.peers:
                continue
            try:
                peers[name] = PeerSettings(
                    address=end.endpoint, certificate_pem=end.certificate.encode()
                )
            except Invalid as error:
                self._log.error(
                    "There is no trunk to {cluster}: {error}",
                    cluster=name,
                    error=str(error),
                )
        return {**peers, **self.settings.peers}

    def set_networks(self, tables: Mapping[int, Table]) -> None:
        """Carry these, by number, and no others."""
        for number in self.carrying.known - tables.keys():
            self.carrying.want(number, always(None))
        for number, table in tables.items():
            if self.carrying.tables.get(number) is not table:
                self.carrying.want(number, always(table))
        self.carrying.go_on()

    def _agree(self) -> None:
        """Segments of UDP go uncut once all peers are known to take them."""
        peers = self.mesh.peers.values()
        self.carrying.leave_uncut(
            with_uso=self.mesh.takes_uso and all(each.takes_uso for each in peers)
        )

    def report(self) -> Report:
        """How it is doing, for people."""
        pump = self.mesh.pump
        return Report(
            cluster=self.settings.cluster,
            peers=tuple(self._report(each) for each in self.mesh.peers.values()),
            networks=tuple(
                NetworkReport(
                    number=number,
                    device=tap_name(number),
                    counts=counted(port.counters),
                )
                for number, port in sorted(pump.ports.items())
            ),
        )

    def _report(self, peer: Peer) -> PeerReport:
        hop = self.mesh.pump.hops.get(peer.cluster)
        by = self.mesh.peers.get(hop[0].peer) if hop else None
        link = peer.link
        return PeerReport(
            name=peer.name,
            by=by.name if by is not None else "",
            where=link.where if link is not None else "",
            since=peer.since if link is not None else None,
            rtt_s=peer.rtt_s,
            connections=peer.connections,
            trouble=peer.trouble,
            networks=len(peer.carries),
            counts=counted(peer.counters),
        )
