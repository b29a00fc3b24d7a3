"""
Who waits until memory has what others have committed, and what is asked of the
journal for that.
"""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import Deferred

#: Fired with nothing.
_Waiting = Deferred[None]


@define(eq=False)
class Currents:
    """
    A question that is under way may have been answered before somebody came: so he
    waits for the next, with all who come until that is asked.

    @ivar is_asking: whether a question is under way.
    """

    is_asking: bool = field(init=False, default=False)
    _came: list[_Waiting] = field(init=False, factory=list)
    _asked: list[_Waiting] = field(init=False, factory=list)
    _until: list[tuple[int, list[_Waiting]]] = field(init=False, factory=list)

    def come(self) -> _Waiting:
        """Somebody waits."""
        waiting: _Waiting = Deferred()
        self._came.append(waiting)
        return waiting

    @property
    def is_question(self) -> bool:
        """Whether there is somebody for whom nothing was asked yet."""
        return bool(self._came)

    @property
    def is_any(self) -> bool:
        """Whether anybody waits."""
        return bool(self._came or self._asked or self._until)

    def ask(self) -> None:
        """It is asked now, for all who have come."""
        self.is_asking = True
        self._asked += self._came
        self._came = []

    def answered(self, head: int) -> None:
        """Everything up to there had been committed when it was asked."""
        self.is_asking = False
        if self._asked:
            self._until.append((head, self._asked))
            self._asked = []

    def not_answered(self) -> None:
        """It has to be asked again."""
        self.is_asking = False

    def have(self, sequence: int) -> None:
        """Memory has everything up to there."""
        if not self._until:
            return
        ready = [each for each in self._until if each[0] <= sequence]
        self._until = [each for each in self._until if each[0] > sequence]
        for _, waiting in ready:
            for each in waiting:
                if not each.called:
                    each.callback(None)

    def fail(self, why: Exception) -> None:
        """Nobody waits any longer."""
        waiting = [*self._came, *self._asked]
        waiting += [one for _, some in self._until for one in some]
        self._came, self._asked, self._until = [], [], []
        for each in waiting:
            if not each.called:
                each.errback(why)
