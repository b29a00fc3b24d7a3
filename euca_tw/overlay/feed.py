"""
Who tells: what one peer is to know, and that it does.

All that is to be told is a table of numbered changes; the peer says up to which
number it knows them.  One message is on its way at a time; what changes meanwhile
goes with the next.  When the peer knows all, nothing is sent.

A peer may remember what it was told last, also before its start and ours.  Where
that is judged not to be of ours, our own state is older than what the peer knows:
it is told nothing, and asked again from time to time, until a person decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, ClassVar

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.api.networks import NetworkChanges, NetworkPosition
from euca_tw.common.background import Background
from euca_tw.common.backoff import Backoff
from euca_tw.common.changes import Changes
from euca_tw.overlay.entries import Difference, Entry, key_of
from euca_tw.overlay.wire import parts
from euca_tw.soap.interfaces import PeerRefused, PeerUnreachable


@define(kw_only=True, eq=False)
class Feed:
    """
    @ivar name: of the peer, for the log.
    @ivar send: tells it; the answer is where it stands.
    @ivar settled: called when the peer has come to know all.
    @ivar turned: called after each try, when C{held} or C{has_told} may have changed.
    @ivar judge: whether what a peer was told last, as its position says, is of the
        history of our state; None: it need not be.
    @ivar revision: of our state, as it is told now; all that is told is durable.
    @ivar held: where a peer stands that holds on to what we know nothing of.
    @ivar has_told: the peer has taken all, once.
    """

    name: str
    clock: IReactorTime
    random: Random = field(repr=False)
    epoch: str
    send: Callable[[NetworkChanges], Awaitable[NetworkPosition]]
    settled: Callable[[], None] = lambda: None
    turned: Callable[[], None] = lambda: None
    judge: Callable[[NetworkPosition], bool] | None = None
    revision: Callable[[], int] = lambda: 0
    first_s: float = 0.5
    ceiling_s: float = 30.0
    _log: ClassVar[Logger] = Logger()
    _table: Changes[Entry] = field(init=False)
    _position: NetworkPosition | None = field(default=None, init=False)
    _background: Background = field(factory=Background, init=False)
    _is_started: bool = field(default=False, init=False)
    _is_telling: bool = field(default=False, init=False)
    _is_asking: bool = field(default=False, init=False)
    _is_failing: bool = field(default=False, init=False)
    _nap: Deferred[None] | None = field(default=None, init=False)
    held: NetworkPosition | None = field(default=None, init=False)
    has_told: bool = field(default=False, init=False)
    _accepted: tuple[str | None, int | None] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._table = Changes(self.clock, self.epoch)

    def start(self) -> None:
        """Begin to tell; what there is to be told is there already."""
        if not self._is_started:
            self._is_started = True
            self._tell()

    def stop(self) -> Deferred[Any]:
        """Tell no more."""
        self._is_started = False
        return self._background.stop()

    def put(self, difference: Difference) -> None:
        """The peer is to know this as well."""
        for key in difference.gone:
            self._table.drop(key)
        for entry in difference.puts:
            self._table.put(key_of(entry), entry)
        self._tell()

    def ask(self) -> None:
        """
        The peer may have been started anew, or is heard again: see where it
        stands, at once.
        """
        self._is_asking = True
        self._wake()
        self._tell()

    def accept(self) -> None:
        """Have the peer that holds on to what it knows take ours all the same."""
        if self.held is not None:
            self._accepted = self.held.told_epoch, self.held.told_revision
            self.ask()

    @property
    def is_settled(self) -> bool:
        """Whether the peer knows all, as far as was heard."""
        return not self._is_asking and self._is_known

    @property
    def _is_known(self) -> bool:
        told, position = self._table, self._position
        return position is not None and (position.epoch, position.sequence) == (
            told.epoch,
            told.sequence,
        )

    def _tell(self) -> None:
        if self._is_started and not self._is_telling and not self.is_settled:
            self._is_telling = True
            # Not at once: one message for all that changes in this turn.
            self.clock.callLater(0, self._begin)

    def _begin(self) -> None:
        if self._is_started:
            self._background.run(f"telling {self.name} of networks", self._run())

    async def _run(self) -> None:
        backoff = Backoff(
            random=self.random, first_s=self.first_s, ceiling_s=self.ceiling_s
        )
        try:
            while self._is_started and not self.is_settled:
                is_well = await self._once()
                self.turned()
                if is_well:
                    backoff.reset()
                else:
                    await self._sleep(backoff.next())
        finally:
            self._is_telling = False
        if self._is_started:
            self.settled()
            self._tell()

    async def _once(self) -> bool:
        """@return: whether the peer knows now what there was to be told."""
        self._is_asking = False
        try:
            if self.judge is not None and self._position is None:
                self._position = await self.send(_question(self.epoch))
            position = self._position or NetworkPosition(sequence=0)
            delta = self._table.since(position.epoch, position.sequence)
            if delta.is_full and not self._may_tell(position):
                return False
            told = parts(delta, position.sequence, position, self.revision())
            for part in told:
                self._position = await self.send(part)
        except (PeerUnreachable, PeerRefused) as failure:
            if not self._is_failing:
                self._log.warn(
                    "{peer} is not told of networks: {reason}",
                    peer=self.name,
                    reason=str(failure),
                )
            return self._failed()
        except CancelledError:
            raise
        except Exception:
            if not self._is_failing:
                self._log.failure("Telling {peer} of networks failed", peer=self.name)
            return self._failed()
        if self._is_failing:
            self._is_failing = False
            self._log.info("{peer} is told of networks again", peer=self.name)
        at = self._position or position
        is_taken = (at.epoch, at.sequence) == (delta.epoch, delta.sequence)
        self.has_told |= is_taken
        # Who stood elsewhere is told all that it lacks, at once; who does not
        # take that either, later.
        return is_taken or not delta.is_full

    def _may_tell(self, position: NetworkPosition) -> bool:
        told = position.told_epoch, position.told_revision
        if self.judge is None or told == self._accepted or self.judge(position):
            self.held = None
            return True
        if self.held is None:
            self._log.warn(
                "{peer} was told of networks by a newer state of this cloud, or by "
                "another cloud: it is told nothing, and its instances keep what they "
                "have, until an operator decides; see `euca-tw state show`",
                peer=self.name,
            )
        # It is asked again: it may have been told by who knows better.
        self.held, self._position, self._is_asking = position, None, True
        return False

    def _failed(self) -> bool:
        # It may have taken it, or have been started anew since.
        self._is_failing = self._is_asking = True
        return False

    async def _sleep(self, seconds: float) -> None:
        self._nap = Deferred()
        late = self.clock.callLater(seconds, self._wake)
        try:
            await self._nap
        finally:
            if late.active():
                late.cancel()

    def _wake(self) -> None:
        if self._nap is not None and not self._nap.called:
            self._nap.callback(None)


def _question(epoch: str) -> NetworkChanges:
    """Nothing; the answer is where the peer stands."""
    return NetworkChanges(
        epoch=epoch, since=0, sequence=0, is_full=False, part=0, is_last=True
    )
