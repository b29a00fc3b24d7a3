"""Who we are to other heads, and who of them is known."""

from __future__ import annotations

from attrs import define, field
from OpenSSL import SSL

from euca_tw.common.certificates import der_of
from euca_tw.vnet.trunk.peers import Peer
from euca_tw.vnet.trunk.tls import Pair, Sealed, make_context


@define(eq=False)
class Identity:
    """@ivar _pair: what we show."""

    _pair: Pair
    _known: dict[bytes, Peer] = field(init=False, factory=dict)
    #: For each peer that is dialled, and for whoever comes.
    _contexts: dict[Peer | None, SSL.Context] = field(init=False, factory=dict)

    def know(self, peer: Peer, certificate_pem: bytes) -> None:
        """From now on it is let in, by that certificate."""
        certificate = der_of(certificate_pem)
        self._known[certificate] = peer
        self._contexts[peer] = self._make_context(certificate)
        self._contexts.pop(None, None)

    def forget(self, peer: Peer) -> None:
        """From now on it is a stranger."""
        self._known = {der: each for der, each in self._known.items() if each != peer}
        del self._contexts[peer]
        self._contexts.pop(None, None)

    def peer_of(self, certificate: bytes) -> Peer | None:
        """Whose certificate (DER) it is."""
        return self._known.get(certificate)

    def begin(self, peer: Peer | None) -> Sealed:
        """
        Our side of a new connection.

        @param peer: whom we dialled; None: somebody has come.
        """
        context = self._contexts.get(peer)
        if context is None:
            context = self._contexts[peer] = self._make_context(*self._known)
        return Sealed.begin(context, is_dialler=peer is not None)

    def _make_context(self, *pinned: bytes) -> SSL.Context:
        return make_context(self._pair, pinned)
