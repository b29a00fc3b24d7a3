"""
The loop that makes what is into what shall be; without an opinion on either.

Every tier has things (instances) for each of which a pure plan says what to do
next: amend what is kept of it, take one step, or rest.  L{Convergence} asks the
plan again whenever something was heard of a thing and whenever a step has
ended, until the plan says rest.

 - One step at a time for each thing; many things at once.
 - What is amended is durable before the plan is asked again.  If others have
   changed what the plan went by, nothing is amended, and it is asked anew.
 - A step that failed is taken again after a back-off.  So is one that did not
   fail and is still what the plan wants: it had no effect that anybody has
   seen yet, and it is idempotent.  Another step is taken at once.
 - A step in flight that the plan does not want any more is cut, if it says
   that it may be.
 - At most a slice of things is planned in one turn of the reactor, and all
   that a turn amends is one commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from random import Random
from typing import Any, ClassVar

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from euca_tw.common.alarms import Alarms
from euca_tw.common.background import Background
from euca_tw.common.backoff import Backoff

#: So many things are planned in one turn of the reactor.
SLICE = 200

#: A moment to rest until that is nearer than this (clocks are rounded) is put
#: off, so that no plan can be asked without end.
_SHORTEST_REST_S = 0.001


@frozen
class Amend:
    """Keep something else of this thing; then plan again."""

    changes: tuple[Any, ...]


@frozen
class Rest:
    """
    Nothing to do.

    @ivar until: plan again at this moment of the clock, even if nothing was
        heard by then.
    """

    until: float | None = None


class Setback(Exception):
    """A step could not be taken now; the text says why."""


class NotKept(Exception):
    """What was to be made durable was not; why is in the log."""


class Overtaken(Setback):
    """Others have changed what was decided by: decide anew."""


@define
class _Motion:
    """The last step of a thing."""

    step: Any
    backoff: Backoff
    is_running: bool = True
    not_before: float = 0.0
    running: Deferred[Any] | None = None


@define(kw_only=True)
class Convergence:
    """
    @ivar plan: what to do for a key: L{Amend}, L{Rest}, or a step: any
        value that compares, with C{may_be_cut}.
    @ivar take: take the step; idempotent.  Raises L{Setback}.
    @ivar keep: make changes durable.  Raises L{Overtaken}.
    @ivar backoff: makes the back-off of one thing.
    """

    clock: IReactorTime
    random: Random = field(repr=False)
    plan: Callable[[str], Any]
    take: Callable[[str, Any], Awaitable[None]]
    keep: Callable[[Sequence[Any]], Awaitable[None]]
    first_s: float = 1.0
    ceiling_s: float = 60.0
    _log: ClassVar[Logger] = Logger()
    _background: Background = field(factory=Background, init=False)
    _dirty: dict[str, None] = field(factory=dict, init=False)
    _motions: dict[str, _Motion] = field(factory=dict, init=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)
    _in_commits: Counter[str] = field(factory=Counter, init=False)
    _turn: IDelayedCall | None = field(default=None, init=False)
    _alarms: Alarms = field(init=False)
    _is_stopped: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._alarms = Alarms(self.clock, self.wake)

    def wake(self, key: str) -> None:
        """Something was heard of this thing: plan it, in the next turn."""
        self._dirty[key] = None
        self._schedule()

    def wake_all(self, keys: Iterable[str]) -> None:
        """L{wake} many."""
        for key in keys:
            self._dirty[key] = None
        self._schedule()

    def amend(self, changes: Sequence[Any], keys: Iterable[str]) -> Deferred[None]:
        """
        Make changes durable that concern these keys, and plan them then, not
        before.

        @return: fires when they are durable, or with L{NotKept} or L{Overtaken}.
            They are made whether or not anybody waits for it.
        """
        done: Deferred[None] = Deferred()
        work = self._commit(self.hold(keys), changes, done)
        self._background.run("keeping changes", work)
        return done

    def hold(self, keys: Iterable[str]) -> Callable[[], None]:
        """
        Begin nothing for these keys, since what is kept of them changes and is not
        durable yet: until what is returned is called, once; they are planned then.
        So it is if others overtook it, and it will not be.  If nothing will be
        durable any more, it is not to be called.
        """
        held = tuple(keys)
        self._in_commits.update(held)

        def release() -> None:
            self._in_commits.subtract(held)
            self._in_commits = +self._in_commits
            self.wake_all(held)
            self._tell_planned()

        return release

    async def planned(self) -> None:
        """
        Wait until everything that was woken is planned, and what that amended
        is durable; not until steps have ended.
        """
        if self._dirty or self._in_commits:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    def stop(self) -> Deferred[Any]:
        """Cut all steps in flight; fires when they have ended."""
        self._is_stopped = True
        self._alarms.stop()
        self._dirty.clear()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        return self._background.stop()

    def _schedule(self) -> None:
        if self._turn is None and self._dirty and not self._is_stopped:
            self._turn = self.clock.callLater(0, self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        amended: list[str] = []
        changes: list[Any] = []
        try:
            for key in list(self._dirty)[:SLICE]:
                del self._dirty[key]
                decision = self._decide(key)
                if isinstance(decision, Amend):
                    amended.append(key)
                    changes.extend(decision.changes)
        finally:
            self._schedule()
        if changes:
            # Who else would hear of a failure has it from the log.
            self.amend(changes, amended).addErrback(lambda failure: None)
        self._tell_planned()

    def _tell_planned(self) -> None:
        if not self._dirty and not self._in_commits:
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                if not each.called:
                    each.callback(None)

    async def _commit(
        self, release: Callable[[], None], changes: Sequence[Any], done: Deferred[None]
    ) -> None:
        overtaken: Overtaken | None = None
        try:
            await self.keep(changes)
        except Overtaken as error:
            overtaken = error
        except Exception:
            # This is in the log once; and as this failed, so will all that
            # follow.  What was not made durable is not acted upon, for its
            # keys stay counted.
            if not done.called:
                done.errback(NotKept())
            raise
        release()
        if done.called:
            return
        if overtaken is None:
            done.callback(None)
        else:
            done.errback(overtaken)

    def _decide(self, key: str) -> Any:
        """Plan one thing and begin what it says, but for an L{Amend}."""
        if key in self._in_commits:
            return None  # planned again when it is durable
        decision = self.plan(key)
        motion = self._motions.get(key)
        if motion is not None and motion.is_running:
            if motion.step != decision and getattr(motion.step, "may_be_cut", False):
                assert motion.running is not None
                motion.running.cancel()
            return None  # planned again when it has ended
        self._alarms.clear(key)
        if isinstance(decision, Rest):
            self._motions.pop(key, None)
            if decision.until is not None:
                soonest = self.clock.seconds() + _SHORTEST_REST_S
                self._alarms.set(key, max(decision.until, soonest))
        elif not isinstance(decision, Amend):
            self._begin(key, decision, motion)
        return decision

    def _begin(self, key: str, step: Any, last: _Motion | None) -> None:
        if last is None or last.step != step:
            backoff = Backoff(
                random=self.random, first_s=self.first_s, ceiling_s=self.ceiling_s
            )
        elif self.clock.seconds() < last.not_before:
            self._alarms.set(key, last.not_before)
            return
        else:
            backoff = last.backoff
        self._motions[key] = motion = _Motion(step, backoff)
        what = f"{type(step).__name__} for {key}"
        motion.running = self._background.run(what, self._drive(key, motion))

    async def _drive(self, key: str, motion: _Motion) -> None:
        wait_s = motion.backoff.next()
        try:
            await self.take(key, motion.step)
        except Setback as setback:
            self._log.info(
                "{key}: {step} did not succeed: {reason}; again in {wait_s:.1f} s",
                key=key,
                step=type(motion.step).__name__,
                reason=str(setback),
                wait_s=wait_s,
            )
        finally:
            motion.is_running = False
            motion.not_before = self.clock.seconds() + wait_s
            self.wake(key)
