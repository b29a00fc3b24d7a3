"""
The memory of messages in a file: over restarts of a daemon, and for several
processes of one machine.

The usual message is taken where it is asked, on the reactor's thread: that is
one statement on L{the file<euca_tw.store.replay_file>}, which takes some
microseconds and waits for nothing and nobody.  Where there is more to do, or
somebody else holds the file, it waits for a thread, which takes all that wait
together.  In the same thread the file is kept small, each time that some
messages were taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from euca_tw.common.clock import wall_seconds
from euca_tw.common.replays import (
    BOUNDS,
    Bounds,
    CannotRemember,
    Entry,
    IReplays,
    Tally,
    Verdict,
    second_of,
)
from euca_tw.common.threads import Deliver, IWorker, done_by
from euca_tw.store.interfaces import StoreUnusable
from euca_tw.store.messages import Damaged
from euca_tw.store.replay_file import Found, ReplayFile

#: The file is tidied when so many messages were taken.
_TIDY_EACH = 1000
#: And at the first one after so long.
_TIDY_EACH_S = 30
#: So many who wait are told in one turn of the reactor.
_SLICE = 32


@define(eq=False)
class _Waiting:
    entry: Entry
    verdict: Deferred[Verdict]


@implementer(IReplays)
@define(eq=False)
class FileReplays:
    """
    @ivar _make_worker: see L{euca_tw.common.threads.thread_worker}.
    @ivar _deliver: calls in the reactor's thread.
    @ivar _on_failure: told once, when the file is damaged: it must be opened
        again, which throws it away.
    @ivar bounds: of what this process has taken, and has found at its start.
    """

    _log = Logger()

    _file: ReplayFile
    _clock: IReactorTime
    _make_worker: Callable[[], IWorker]
    _deliver: Deliver
    _on_failure: Callable[[StoreUnusable], None]
    bounds: Bounds = field(default=BOUNDS, kw_only=True)

    _worker: IWorker = field(init=False)
    _tally: Tally = field(init=False)
    _queued: deque[_Waiting] = field(init=False, factory=deque)
    _life: int = field(init=False, default=0)
    _untidied: int = field(init=False, default=0)
    #: When it was tidied, in seconds of the epoch.
    _tidied: int = field(init=False, default=0)
    _is_open: bool = field(init=False, default=False)
    _is_damaged: bool = field(init=False, default=False)
    #: Why nothing can be taken, since a message could not be.
    _reason: str | None = field(init=False, default=None)

    # --- opening and closing ------------------------------------------------

    def open(self, is_first: bool = False) -> Deferred[None]:
        """
        @raise StoreUnusable: the file is another's, or cannot be written.
        """
        self._worker = self._make_worker()
        now = int(wall_seconds(self._clock))

        def failed(failure: Failure) -> Failure:
            self._worker.quit()
            return failure

        opening = self._in_thread(lambda: self._load(now, is_first))
        return opening.addCallbacks(self._opened, failed)

    def _load(self, now: int, is_first: bool) -> Found:
        """In the thread: what the file has, counted."""
        found = self._file.open(0 if is_first else now)
        self._tally = Tally(self.bounds)
        for made, owner, number in found.counts:
            self._tally.add(made, owner, number)
        return found

    def _opened(self, found: Found) -> None:
        self._life, self._reason = found.life, None
        self._untidied, self._tidied = 0, int(wall_seconds(self._clock))
        self._is_open = True
        if found.lost is not None:
            self._log.warn(
                "The memory of signed messages is begun anew: {reason}. Those that "
                "were made before {since} are refused",
                reason=found.lost,
                since=datetime.fromtimestamp(found.since, UTC).isoformat(),
            )

    def close(self) -> Deferred[None]:
        if not self._is_open:
            return succeed(None)
        self._is_open = False

        def closed(result: Any) -> Any:
            self._worker.quit()
            return result

        return self._in_thread(self._file.close).addBoth(closed)

    def _in_thread(self, work: Callable[[], Any]) -> Deferred[Any]:
        return done_by(self._worker, self._deliver, work)

    # --- taking -------------------------------------------------------------

    async def take(
        self,
        *,
        owner: bytes,
        value: bytes,
        made: datetime,
        end: datetime,
        now: datetime,
    ) -> Verdict:
        if not self._is_open:
            raise CannotRemember("the memory of messages is not open")
        entry = Entry.of(owner=owner, value=value, made=made, end=end)
        second = second_of(now)
        self._life = max(self._life, entry.life)
        self._tally.drop_before(second - self._life)
        if not self._tally.has_room(entry.owner):
            return Verdict.FULL
        # It counts while it waits, too.
        self._tally.add(entry.made, entry.owner)
        try:
            verdict = self._file.messages.take(entry) or await self._settled(entry)
        except CannotRemember as reason:
            self._tally.remove(entry.made, entry.owner)
            self._refuse(reason)
            raise
        if verdict is not Verdict.FRESH:
            self._tally.remove(entry.made, entry.owner)
        self._recovered()
        self._untidied += 1
        if self._untidied >= _TIDY_EACH or abs(second - self._tidied) >= _TIDY_EACH_S:
            self._tidy(second)
        return verdict

    def _settled(self, entry: Entry) -> Deferred[Verdict]:
        waiting = _Waiting(entry, Deferred())
        self._queued.append(waiting)
        if len(self._queued) == 1:
            self._worker.do(self._settle)
        return waiting.verdict

    def _settle(self) -> None:
        """In the thread: all who wait, in one transaction."""
        waiting: list[_Waiting] = []
        while self._queued:
            waiting.append(self._queued.popleft())
        if not waiting:
            return
        told: Sequence[Verdict | Exception]
        try:
            told = self._file.messages.settle([each.entry for each in waiting])
        except Exception as error:  # whatever it is, the reactor's side is told
            told = [error] * len(waiting)
        self._deliver(lambda: self._tell([*zip(waiting, told, strict=True)]))

    def _tell(self, told: Sequence[tuple[_Waiting, Verdict | Exception]]) -> None:
        for waiting, each in told[:_SLICE]:
            if isinstance(each, Verdict):
                waiting.verdict.callback(each)
            else:
                waiting.verdict.errback(each)
        if rest := told[_SLICE:]:
            self._deliver(lambda: self._tell(rest))

    # --- keeping it small, and when it fails --------------------------------

    def _tidy(self, now: int) -> None:
        self._untidied, self._tidied = 0, now

        def failed(failure: Failure) -> None:
            failure.trap(CannotRemember)
            assert isinstance(failure.value, CannotRemember)
            self._refuse(failure.value)

        if self._is_open:
            tidying = self._in_thread(lambda: self._file.messages.tidy(now))
            tidying.addErrback(failed).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        self._log.failure("The memory of signed messages failed", failure)

    def _refuse(self, reason: CannotRemember) -> None:
        """Log it, once."""
        is_first, self._reason = self._reason is None, str(reason)
        if is_first:
            self._log.error(
                "Signed messages are refused, for they cannot be remembered: {reason}",
                reason=self._reason,
            )
        if isinstance(reason, Damaged) and not self._is_damaged:
            self._is_damaged = True
            self._on_failure(StoreUnusable(self._reason))

    def _recovered(self) -> None:
        if self._reason is not None:
            self._reason = None
            self._log.info("Signed messages are taken again")
