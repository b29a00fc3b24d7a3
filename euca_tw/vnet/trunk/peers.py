"""What is known of the head of another cluster."""

from __future__ import annotations

from attrs import define, field, frozen
from twisted.internet.interfaces import IDelayedCall

from euca_tw.vnet.trunk.counters import Counters
from euca_tw.vnet.trunk.frames import Hello
from euca_tw.vnet.trunk.link import Link

#: A peer that talks, and has not answered for so many times the silence that is
#: allowed, does not take what we say.
_DEAF = 4


@frozen
class Standing:
    """
    What decides between two connections to the same peer.

    @ivar incarnation: of the peer's process.
    @ivar is_dialler: whether it was us who connected.
    """

    incarnation: int
    is_dialler: bool


def replaces(here: int, peer: int, old: Standing, new: Standing) -> bool:
    """
    Whether the new one stays; both sides find the same.

      - The peer was started anew: it knows nothing of the old one.
      - The same side connected again: it has given up the old one.
      - Both connected at the same time: what the one with the smaller number made
        stays.
    """
    if old.incarnation != new.incarnation or old.is_dialler == new.is_dialler:
        return True
    return new.is_dialler == (here < peer)


@define(eq=False)
class Peer:
    """
    What is known of the head of another cluster.

    @ivar link: the connection that is in use.
    @ivar reach: whom it passes frames on to.
    @ivar carries: the networks it has.
    @ivar rtt_s: how long the last answer took; None if there was none.
    @ivar connections: how many there were.
    @ivar trouble: why there is none; empty if it was not tried.
    @ivar told: whom it was told that we reach.
    @ivar since: when it was connected.
    """

    name: str
    cluster: int
    link: Link | None = None
    standing: Standing | None = None
    reach: frozenset[int] = frozenset()
    carries: frozenset[int] = frozenset()
    takes_uso: bool = False
    rtt_s: float | None = None
    connections: int = 0
    trouble: str = ""
    told: frozenset[int] | None = None
    counters: Counters = field(factory=Counters)
    since: float = 0.0
    _asked: dict[int, float] = field(init=False, factory=dict)
    _heard_at: float = 0.0

    def greet(self, link: Link, standing: Standing, hello: Hello, now: float) -> None:
        """It is there, by that connection."""
        self.part("")
        self.link, self.standing = link, standing
        link.peer, link.counters = self.cluster, self.counters
        self.takes_uso = hello.takes_uso
        self.connections += 1
        self.since = self._heard_at = now

    def part(self, reason: str) -> None:
        """It is not there."""
        self.link, self.standing, self.told, self.rtt_s = None, None, None, None
        self.reach = self.carries = frozenset()
        self.trouble = reason
        self._asked.clear()

    def asked(self, token: int, now: float) -> None:
        """It was asked whether it is there."""
        self._asked[token] = now

    def answered(self, token: int, now: float) -> None:
        """It answered that."""
        if token in self._asked:
            self.rtt_s = now - self._asked[token]
        self._asked = {each: at for each, at in self._asked.items() if each > token}

    def silence(self, now: float, silent_s: float) -> str:
        """What to give it up for; empty if it is well."""
        assert self.link is not None
        if self.link.has_said:
            self.link.has_said = False
            self._heard_at = now
        if now - self._heard_at >= silent_s:
            return f"it was silent for {now - self._heard_at:.0f} s"
        first = min(self._asked.values(), default=now)
        if now - first >= silent_s * _DEAF:
            return f"it did not answer for {now - first:.0f} s"
        return ""


@define(eq=False)
class Newcomer:
    """
    Of a connection whose peer has not greeted yet.

    @ivar peer: whom we dialled, or who showed his certificate.
    @ivar late: the call that ends it.
    """

    peer: Peer | None
    late: IDelayedCall
