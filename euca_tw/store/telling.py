"""Who is told of commits: those who made them, and those who watch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.store.interfaces import Change

Watcher = Callable[[tuple[Change, ...]], None]

#: So many are told in one turn of the reactor; each of them goes on with what it has
#: to do.
_SLICE = 32


@frozen(eq=False)
class _News:
    """
    @ivar changes: what is durable; None: nothing became of them.
    @ivar waiting: of who made them, if it was this process.
    @ivar failure: why nothing did.
    """

    changes: tuple[Change, ...] | None
    waiting: Deferred[None] | None = None
    failure: Exception | None = None


@define(eq=False)
class Telling:
    """
    Tells of commits in the order in which it is given them, some in each turn.

    @ivar _and_then: called whenever it has told of some.
    """

    _clock: IReactorTime
    _and_then: Callable[[], None]
    _watchers: list[Watcher] = field(init=False, factory=list)
    _untold: deque[_News] = field(init=False, factory=deque)
    is_telling: bool = field(init=False, default=False)
    _is_called_later: bool = field(init=False, default=False)

    _log = Logger()

    @property
    def is_behind(self) -> bool:
        """Whether somebody is still to be told of something."""
        return bool(self._untold)

    def watch(self, watcher: Watcher) -> None:
        """Tell it of all that is durable from now on."""
        self._watchers.append(watcher)

    def durable(
        self, changes: tuple[Change, ...], waiting: Deferred[None] | None = None
    ) -> None:
        """A commit was made; of this process if somebody waits for it."""
        if waiting is not None or self._watchers:
            self._untold.append(_News(changes, waiting))

    def failed(self, waiting: Deferred[None], why: Exception) -> None:
        """One was not, or nobody knows."""
        self._untold.append(_News(None, waiting, why))

    def tell(self) -> None:
        """Begin to tell of what was not told, unless that is going on."""
        if self.is_telling or self._is_called_later:
            return
        self._tell_some()

    def _tell_some(self) -> None:
        self._is_called_later, self.is_telling = False, True
        try:
            for _ in range(_SLICE):
                if not self._untold:
                    break
                self._tell_of(self._untold.popleft())
        finally:
            self.is_telling = False
            if self._untold:
                self._is_called_later = True
                self._clock.callLater(0, self._tell_some)
        self._and_then()

    def _tell_of(self, news: _News) -> None:
        if news.changes is not None:
            for watcher in self._watchers:
                try:
                    watcher(news.changes)
                except Exception:  # a bug of his, and the others are to hear
                    self._log.failure("Who watches the store failed")
        waiting = news.waiting
        if waiting is None or waiting.called:
            return
        if news.failure is None:
            waiting.callback(None)
        else:
            waiting.errback(news.failure)
