"""
Work of which there is one for all processes of a kind, done by one at a time.

Each such L{Duty} has a lease, which a process takes for some seconds and prolongs;
who has it, does the work.  Nobody is told that he has lost it, so each counts for
himself: from before he asked, on a clock that cannot be set, less a margin.  So a
process that was stopped, cut off or late has ended its work, or knows before its
next step that it may take none, by the time that another can have begun.

A process that ends well gives its leases back, and nobody has to wait for them to
run out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from random import Random
from typing import Any, ClassVar, Protocol

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from euca_tw.common.background import Background

#: Whether a process may still act.
MayAct = Callable[[], bool]


class Leases(Protocol):
    """Gives each name to one holder at a time."""

    def lead(self, name: str, holder: str, for_s: float, /) -> Awaitable[float | None]:
        """
        Take the lease, or prolong it.

        @return: for how many seconds from when this was called it is the holder's;
            None: it is another's.
        """

    def release(self, name: str, holder: str, /) -> Awaitable[None]:
        """Give it back, if it is the holder's."""


@frozen(eq=False)
class Duty:
    """
    Work that one process does at a time.

    @ivar name: of its lease.
    @ivar begin: begins it, given what says whether it may still be done, to be
        asked before each step.
    @ivar end: breaks it off; may return an awaitable.
    """

    name: str
    begin: Callable[[MayAct], object]
    end: Callable[[], object]


@define(eq=False)
class _Lead:
    """
    How it stands with one duty.

    @ivar until: it is ours until then, by the clock that cannot be set.
    @ivar turn: how often it was begun here.
    @ivar ending: while its work is broken off.
    @ivar nap: while nothing is done about it.
    """

    duty: Duty
    until: float = float("-inf")
    is_begun: bool = False
    turn: int = 0
    ending: Deferred[Any] | None = None
    alarm: IDelayedCall | None = None
    nap: Deferred[None] | None = None


@define(eq=False, kw_only=True)
class Leading:
    """
    Contends for the leases of duties, and has those done whose it gets.

    @ivar holder: what this process is called; no other is.
    @ivar monotonic: seconds of a clock that cannot be set, and goes on while this
        process is stopped.
    @ivar prepare: awaited between getting a lease and beginning.
    @ivar keeps: whether this process is to keep what it has.
    @ivar told: called with a duty's name when its work was begun.
    @ivar failures: what the leases raise when they cannot be asked.
    @ivar for_s: how long a lease lasts.
    @ivar renew_s: how often one that this process has is prolonged.
    @ivar seek_s: how often one that it has not is asked for.
    @ivar margin_s: so much sooner than it lasts it is not relied on.
    """

    leases: Leases
    holder: str
    clock: IReactorTime
    random: Random = field(repr=False)
    monotonic: Callable[[], float]
    prepare: Callable[[], Awaitable[None]]
    keeps: Callable[[str], Awaitable[bool]]
    told: Callable[[str], object] = lambda name: None
    failures: tuple[type[Exception], ...] = ()
    for_s: float = 6.0
    renew_s: float = 2.0
    seek_s: float = 1.0
    margin_s: float = 0.5
    _log: ClassVar[Logger] = Logger()
    _leads: dict[str, _Lead] = field(factory=dict, init=False)
    _background: Background = field(factory=Background, init=False)
    _is_stopped: bool = field(default=False, init=False)
    #: What breaks work off is not broken off itself.
    _endings: Background = field(factory=Background, init=False)

    def start(self, duties: Iterable[Duty]) -> None:
        """Contend for these."""
        for duty in duties:
            lead = self._leads[duty.name] = _Lead(duty)
            self._background.run(f"contending for {duty.name}", self._contend(lead))

    async def stop(self) -> None:
        """End what was begun, then give it back."""
        self._is_stopped = True
        await self._background.stop()
        await DeferredList(
            [Deferred.fromCoroutine(self._hand_over(e)) for e in self._leads.values()],
            consumeErrors=True,
        )

    def leads(self, name: str) -> bool:
        """Whether this process does it, and may."""
        lead = self._leads.get(name)
        return lead is not None and lead.is_begun and self._is_ours(lead)

    def nudge(self) -> None:
        """Something may have come free: ask at once."""
        for lead in self._leads.values():
            if lead.nap is not None and not lead.is_begun:
                self._wake(lead)

    # --- one duty --------------------------------------------------------------

    async def _contend(self, lead: _Lead) -> None:
        what = f"asking for the lead of {lead.duty.name}"
        while not self._is_stopped:
            # (Which ends without saying so if this is broken off meanwhile.)
            await self._background.run(what, self._tried(lead))
            if not self._is_stopped:
                await self._sleep(lead)

    async def _tried(self, lead: _Lead) -> None:
        try:
            await self._once(lead)
        except self.failures as failure:
            self._log.warn(
                "Who leads {duty} cannot be asked: {reason}",
                duty=lead.duty.name,
                reason=str(failure),
            )

    async def _once(self, lead: _Lead) -> None:
        if lead.ending is not None:
            return
        name = lead.duty.name
        if lead.is_begun and not await self.keeps(name):
            self._log.info("{duty} is left to another", duty=name)
            await self._hand_over(lead)
            return
        asked_at = self.monotonic()
        got_s = await self.leases.lead(name, self.holder, self.for_s)
        if got_s is None:
            if lead.is_begun:
                self._lose(lead, "another has it")
            return
        if lead.is_begun and not self._is_ours(lead):
            # The alarm is late.  Who asked meanwhile whether he may act may have
            # given up: so it does not go on as if nothing had been.
            self._lose(lead, "it was not prolonged in time")
            return
        lead.until = asked_at + got_s - self.margin_s
        if lead.is_begun:
            return
        if lead.ending is None and self._is_ours(lead):
            await self._begin(lead)

    async def _begin(self, lead: _Lead) -> None:
        await self.prepare()
        if not self._is_ours(lead):
            return
        self._log.info("This process leads {duty} from now on", duty=lead.duty.name)
        lead.is_begun = True
        lead.turn += 1
        turn = lead.turn
        self._watch(lead)

        def may_act() -> bool:
            return lead.is_begun and lead.turn == turn and self._is_ours(lead)

        try:
            lead.duty.begin(may_act)
        except BaseException:
            # Or nobody would do it as long as this process lives.
            await self._hand_over(lead)
            raise
        self.told(lead.duty.name)

    def _is_ours(self, lead: _Lead) -> bool:
        return self.monotonic() < lead.until

    def _watch(self, lead: _Lead) -> None:
        left_s = max(0.0, lead.until - self.monotonic())
        lead.alarm = self.clock.callLater(left_s, self._look, lead)

    def _look(self, lead: _Lead) -> None:
        """It ran out, or was prolonged."""
        lead.alarm = None
        if self._is_ours(lead):
            self._watch(lead)
        elif lead.is_begun:
            self._lose(lead, "it was not prolonged in time")

    def _lose(self, lead: _Lead, why: str) -> None:
        self._log.warn(
            "This process does not lead {duty} any more: {reason}",
            duty=lead.duty.name,
            reason=why,
        )
        self._end(lead)

    def _end(self, lead: _Lead) -> Deferred[Any]:
        """Break its work off; fires when that is done."""
        lead.is_begun = False
        lead.until = float("-inf")
        if lead.alarm is not None:
            lead.alarm.cancel()
            lead.alarm = None
        ended = self._endings.run(f"ending {lead.duty.name}", _awaited(lead.duty.end))
        if not ended.called:
            lead.ending = ended
            ended.addBoth(lambda result: setattr(lead, "ending", None))
        return ended

    async def _hand_over(self, lead: _Lead) -> None:
        if lead.is_begun:
            await self._end(lead)
        elif lead.ending is not None:
            await lead.ending
        lead.until = float("-inf")
        try:
            await self.leases.release(lead.duty.name, self.holder)
        except self.failures:
            # It runs out.
            return

    async def _sleep(self, lead: _Lead) -> None:
        every_s = self.renew_s if lead.is_begun else self.seek_s
        lead.nap = Deferred()
        late = self.clock.callLater(
            every_s * self.random.uniform(0.8, 1.2), self._wake, lead
        )
        try:
            await lead.nap
        finally:
            lead.nap = None
            if late.active():
                late.cancel()

    @staticmethod
    def _wake(lead: _Lead) -> None:
        if lead.nap is not None and not lead.nap.called:
            lead.nap.callback(None)


async def _awaited(end: Callable[[], object]) -> None:
    result = end()
    if isinstance(result, Awaitable):
        await result


__all__ = ["Duty", "Leading", "Leases", "MayAct"]
