"""
Looking for garbage in a process that keeps much, and keeps it for long.

Python looks through all that can be garbage whenever it has grown by a quarter.
Where there are records by the thousand that takes half a second, in which nobody is
answered.  So what has come lately is looked through while it is little, and what
of it stays is put aside: no later look passes over it.  What was put aside is
freed as ever once nobody refers to it; only a cycle is found no more.  Those are
few (a connection that was open just then is one when it ends), and once in a long
while everything is looked through after all.
"""

from __future__ import annotations

import gc
from typing import Any

from attrs import define, field

#: So many objects are looked through within 10 ms, with those that come meanwhile.
FEW = 5_000
#: Of the collector's own looks at what is young, so many before one at what is not.
_LOOKS = 2
#: So often is put aside what stays, before everything is looked through: by then
#: some 10 million objects have come, and it takes as long as it would else.
ROUNDS = 500


@define(eq=False)
class Garbage:
    """
    The whole process's collector.

    @ivar few: more than so many objects that stay are put aside.
    @ivar rounds: how often, before all are looked through.
    """

    few: int = FEW
    rounds: int = ROUNDS
    _round: int = field(default=0, init=False)

    def begin(self) -> None:
        """What is there now stays.  Nothing happens if this was called before."""
        gc.enable()
        gc.collect()
        gc.freeze()
        gc.collect()  # what has grown by a quarter is reckoned from the last look
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, _LOOKS)
        if self._looked not in gc.callbacks:
            gc.callbacks.append(self._looked)

    def end(self) -> None:
        """The collector does again what it did, but for its thresholds."""
        if self._looked in gc.callbacks:
            gc.callbacks.remove(self._looked)
        gc.unfreeze()

    def _looked(self, phase: str, info: dict[str, Any]) -> None:
        """Called by the collector before and after each of its looks."""
        if phase != "stop" or info["generation"] != 2:
            return
        if len(gc.get_objects(generation=2)) <= self.few:
            return
        self._round += 1
        if self._round % self.rounds:
            gc.freeze()
        else:
            gc.unfreeze()  # the next look is at all of it
