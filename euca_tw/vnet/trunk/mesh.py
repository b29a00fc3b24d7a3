"""
Who is connected to whom: the heads' connections, and what they tell each other.

Any two heads keep one connection, made by whichever can.  Where both made one, the
two agree on which of them stays without a word about it: see
L{euca_tw.vnet.trunk.peers.replaces}.
Each tells its peers whom else it is connected to, and so knows by whom it reaches
those that it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import ClassVar

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from euca_tw.common.admission import source_of
from euca_tw.common.backoff import Backoff
from euca_tw.common.config import Invalid
from euca_tw.common.seldom import SeldomLog
from euca_tw.vnet.trunk.arrivals import Arrivals
from euca_tw.vnet.trunk.asking import Asking
from euca_tw.vnet.trunk.dialling import Dialling
from euca_tw.vnet.trunk.frames import (
    BadMessage,
    Carry,
    Hello,
    Ping,
    Pong,
    Reach,
    Word,
    cluster_id,
)
from euca_tw.vnet.trunk.identity import Identity
from euca_tw.vnet.trunk.lines import Lines
from euca_tw.vnet.trunk.link import CHUNK, Link, Wire
from euca_tw.vnet.trunk.peers import Newcomer, Peer, Standing, replaces
from euca_tw.vnet.trunk.pump import Pump
from euca_tw.vnet.trunk.routes import next_hops
from euca_tw.vnet.trunk.settings import (
    PeerSettings,
    TrunkSettings,
    check_peers,
    read_address,
)
from euca_tw.vnet.trunk.tls import read_pair
from euca_tw.vnet.trunk.watch import Watch

#: A head that was started anew listens again after a second or three: so many tries
#: are made at each distance, and one of them comes soon after.
_TRIES = 4
#: How long one connection that another replaces may take to end.
_FINISHING_S = 5.0


@define(eq=False, kw_only=True)
class Mesh:
    """
    @ivar takes_uso: see L{Hello}.
    @ivar changed: called when a peer came or went.
    @ivar gone: see L{Pump}.
    @ivar peers: by cluster.
    @ivar carried: the numbers of the networks that are carried here.
    """

    settings: TrunkSettings
    clock: IReactorTime
    random: Random
    lines: Lines
    watch: Watch
    takes_uso: bool
    changed: Callable[[], object]
    gone: Callable[[int, str], object]
    pump: Pump = field(init=False)
    carried: frozenset[int] = field(init=False, default=frozenset())
    peers: dict[int, Peer] = field(init=False, factory=dict)
    _wanted: dict[str, PeerSettings] = field(init=False, factory=dict)
    incarnation: int = field(init=False)
    _identity: Identity = field(init=False)
    _arrivals: Arrivals = field(init=False)
    _newcomers: dict[Link, Newcomer] = field(init=False, factory=dict)
    _finishing: dict[Link, IDelayedCall] = field(init=False, factory=dict)
    _dialling: dict[Peer, Dialling] = field(init=False, factory=dict)
    _asking: Asking = field(init=False)
    _stop_listening: Callable[[], None] | None = field(init=False, default=None)
    _seldom: SeldomLog = field(init=False)
    _scratch: memoryview = field(init=False)

    _log: ClassVar[Logger] = Logger()

    def __attrs_post_init__(self) -> None:
        settings = self.settings
        self._seldom = SeldomLog(clock=self.clock, log=self._log)
        self._arrivals = Arrivals(settings.most_strangers)
        self._scratch = memoryview(bytearray(CHUNK))
        self.incarnation = self.random.getrandbits(64)
        self.pump = Pump(
            cluster_id(settings.cluster),
            settings.passes_on,
            self.watch,
            self.clock.seconds,
            self.said,
            self.gone,
        )
        pair = read_pair(settings.key_pem, settings.certificate_pem)
        self._identity = Identity(pair)
        self._asking = Asking(
            clock=self.clock,
            every_s=settings.ping_s,
            silent_s=settings.silent_s,
            peers=self.peers,
            # The new connection replaces the old one when it is there.
            renew=lambda peer: self._dialling[peer].now(),
        )

    def set_peers(self, peers: Mapping[str, PeerSettings]) -> None:
        """
        From now on these are, and no others.  Connections with those that stay
        the same stay.
        """
        settings = self.settings
        try:
            check_peers(settings.cluster, settings.certificate_pem, peers)
        except Invalid as error:
            self._log.error("The trunk goes on as it was: {error}", error=str(error))
            return
        old = {each.name: each for each in self.peers.values()}
        for name, peer in old.items():
            if self._wanted[name] != peers.get(name):
                self._forget(peer)
        new = [name for name, each in peers.items() if self._wanted.get(name) != each]
        for name in new:
            self._know(Peer(name, cluster_id(name)), peers[name])
        self._wanted = dict(peers)
        self._redirect()

    def _know(self, peer: Peer, wanted: PeerSettings) -> None:
        self.peers[peer.cluster] = peer
        self._identity.know(peer, wanted.certificate_pem)
        if wanted.address:
            self._dialling[peer] = self._make_dialling(peer, wanted.address)
            if self._asking.is_running:
                self._dialling[peer].now()

    def _forget(self, peer: Peer) -> None:
        del self.peers[peer.cluster]
        self._identity.forget(peer)
        dialling = self._dialling.pop(peer, None)
        if dialling is not None:
            dialling.stop()
        for link, newcomer in list(self._newcomers.items()):
            if newcomer.peer is peer:
                self._leave(link)
                link.end()
        if peer.link is not None:
            peer.link.end()
            peer.part("")

    def _make_dialling(self, peer: Peer, text: str) -> Dialling:
        address, settings = read_address(text), self.settings

        def failed(reason: str) -> None:
            peer.trouble = f"{address}: {reason}"
            self._seldom.tell(
                peer.name,
                "The trunk to {who} was not reached {count} times in {seconds} s",
                "The trunk to {who} is not reached, and tried again: {reason}",
                reason=peer.trouble,
            )

        self._arrivals.know(address.host)
        return Dialling(
            clock=self.clock,
            backoff=Backoff(
                random=self.random,
                first_s=settings.retry_first_s,
                ceiling_s=settings.retry_ceiling_s,
                each=_TRIES,
            ),
            timeout_s=settings.handshake_s,
            dial=lambda: self.lines.dial(address),
            connected=lambda wire: self._begin(wire, str(address), peer),
            failed=failed,
        )

    def start(self) -> None:
        """
        Listen and connect.

        @raise OSError: where others are to connect to cannot be listened at.
        """
        if self.settings.listen:
            self._stop_listening = self.lines.listen(
                read_address(self.settings.listen), self._arrived
            )
        for dialling in self._dialling.values():
            dialling.now()
        self._asking.start()

    def stop(self) -> None:
        """End all connections."""
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None
        for dialling in self._dialling.values():
            dialling.stop()
        for link in list(self._newcomers):
            self._leave(link)
            link.end()
        for link in list(self._finishing):
            link.fail("")
        for peer in self.peers.values():
            if peer.link is not None:
                peer.link.end()
                peer.link = None
        self._redirect()
        self._asking.stop()
        self._seldom.stop()

    def carry(self, networks: frozenset[int]) -> None:
        """Tell the peers, if these are others than before."""
        if networks != self.carried:
            self.carried = networks
            self._tell_all(Carry(networks))

    def _arrived(self, wire: Wire, where: str) -> None:
        if self._arrivals.may_enter(where, self.clock.seconds()):
            self._begin(wire, where, None)
            return
        wire.close()
        self._seldom.tell(
            source_of(where),
            "{count} connections from {who} were turned away in {seconds} s",
            "A connection from {who} to the trunk was turned away: there are too "
            "many who have not shown who they are",
        )

    def _begin(self, wire: Wire, where: str, peer: Peer | None) -> None:
        sealed, is_dialler = self._identity.begin(peer), peer is not None
        link = Link(wire, self.watch, sealed, self, self._scratch, is_dialler, where)
        if not is_dialler:
            self._arrivals.enter(link, where)
        late = self.clock.callLater(
            self.settings.handshake_s, link.fail, "it does not say who it is"
        )
        self._newcomers[link] = Newcomer(peer, late)
        link.start()

    def opened(self, link: Link) -> None:
        """See L{Owner}."""
        newcomer = self._newcomers[link]
        newcomer.peer = self._identity.peer_of(link.certificate())
        if newcomer.peer is None:
            raise BadMessage("its certificate is not taken any more")
        link.say(
            Hello(
                name=self.settings.cluster,
                incarnation=self.incarnation,
                takes_uso=self.takes_uso,
            )
        )

    def received(self, link: Link, plain: memoryview, end: int) -> int:
        """See L{Owner}."""
        return self.pump.receive(link, plain, end)

    def lost(self, link: Link, reason: str) -> None:
        """See L{Owner}."""
        late = self._finishing.pop(link, None)
        if late is not None or link.is_finished:
            if late is not None and late.active():
                late.cancel()
            return
        newcomer = self._leave(link)
        if newcomer is None:
            self._disconnected(self.peers[link.peer], reason)
            return
        if newcomer.peer is not None:
            newcomer.peer.trouble = f"{link.where}: {reason}"
        self._seldom.tell(
            newcomer.peer.name if newcomer.peer else source_of(link.where),
            "{count} more connections with {who} came to nothing in {seconds} s",
            "The trunk's connection with {who} came to nothing: {reason}",
            reason=reason,
        )
        if newcomer.peer is not None and newcomer.peer.link is None:
            self._dial_again(newcomer.peer)

    def _leave(self, link: Link) -> Newcomer | None:
        self._arrivals.leave(link)
        newcomer = self._newcomers.pop(link, None)
        if newcomer is not None and newcomer.late.active():
            newcomer.late.cancel()
        return newcomer

    def _dial_again(self, peer: Peer) -> None:
        dialling = self._dialling.get(peer)
        if dialling is not None:
            dialling.again()

    def said(self, link: Link, word: Word) -> None:
        """A peer's word about the mesh."""
        if link in self._newcomers:
            self._greeted(link, word)
            return
        if link.is_finished:
            return
        peer = self.peers[link.peer]
        match word:
            case Reach():
                peer.reach = word.clusters
                self._redirect()
            case Carry():
                peer.carries = word.networks
            case Ping():
                link.say(Pong(word.token))
            case Pong():
                peer.answered(word.token, self.clock.seconds())
            case _:
                raise BadMessage("it greets twice")

    def _greeted(self, link: Link, word: Word) -> None:
        peer = self._newcomers[link].peer
        assert peer is not None, "what it says was sealed"
        if not isinstance(word, Hello):
            raise BadMessage("it does not greet")
        if word.name != peer.name:
            raise BadMessage(
                f"it calls itself {word.name!r}, and has the certificate of {peer.name}"
            )
        self._leave(link)
        standing = Standing(word.incarnation, link.is_dialler)
        if peer.link is not None and peer.standing is not None:
            if not replaces(self.pump.here, peer.cluster, peer.standing, standing):
                self._finish(link, peer)
                return
            self._finish(peer.link, peer)
        self._connected(peer, link, standing, word)

    def _finish(self, link: Link, peer: Peer) -> None:
        """What is on its way by one that is not to stay, is taken."""
        link.peer, link.counters = peer.cluster, peer.counters
        link.finish()
        if not link.is_over:
            late = self.clock.callLater(_FINISHING_S, link.fail, "it does not end")
            self._finishing[link] = late

    def _connected(
        self, peer: Peer, link: Link, standing: Standing, hello: Hello
    ) -> None:
        peer.greet(link, standing, hello, self.clock.seconds())
        if not link.is_dialler:
            self._arrivals.know(link.where)
        dialling = self._dialling.get(peer)
        if dialling is not None:
            dialling.succeeded()
        self._log.info(
            "The trunk to {peer} is there, by {where}",
            peer=peer.name,
            where=link.where,
        )
        link.say(Carry(self.carried))
        self._redirect()

    def _disconnected(self, peer: Peer, reason: str) -> None:
        peer.part(reason)
        self._log.info(
            "The trunk to {peer} is gone: {reason}", peer=peer.name, reason=reason
        )
        self._redirect()
        self._dial_again(peer)

    def _redirect(self) -> None:
        """Whom we reach, or who reaches whom, has changed."""
        linked = {each.cluster: each for each in self.peers.values() if each.link}
        reach = {cluster: peer.reach for cluster, peer in linked.items()}
        hops = next_hops(self.pump.here, linked, reach)
        self.pump.direct(
            hops, {key: peer.link for key, peer in linked.items() if peer.link}
        )
        self.changed()
        for peer in linked.values():
            told = self._reached()
            if peer.link is not None and peer.told != told:
                peer.told = told
                peer.link.say(Reach(told))

    def _reached(self) -> frozenset[int]:
        """To whom frames are passed on; a peer may be lost while it is told."""
        if not self.settings.passes_on:
            return frozenset()
        return frozenset(each.cluster for each in self.peers.values() if each.link)

    def _tell_all(self, word: Word) -> None:
        for peer in self.peers.values():
            if peer.link is not None:
                peer.link.say(word)
