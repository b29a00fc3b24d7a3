"""
For how long a peer has been silent, as far as one who listens can know; and
whether it may be declared lost for that.

# Note [What is silence]
#
# A declaration ends what runs, so silence must not be made up by a clock.  Between
# two failures to hear the peer at most L{MOST_S} are counted: a process that was
# stopped, a machine that slept, or a clock that was set forward, has not listened
# meanwhile.  And it is counted from a failure on, or from the start, not from the
# last answer: a question may be held for long by a peer that is well.

Pure.
"""

from __future__ import annotations

from attrs import define, field

#: A question that is not answered fails within so long, back-off included.
MOST_S = 90.0

#: Who declares a peer lost.
OPERATOR, AUTOMATIC = "operator", "automatic"
DECLARERS = (OPERATOR, AUTOMATIC)


@define
class Silence:
    """@ivar seconds: of silence, without an answer in between."""

    seconds: float = field(default=0.0, init=False)
    _since: float | None = field(default=None, init=False)

    def failed(self, now: float) -> None:
        """It was asked, and has not answered; or is asked for the first time."""
        if self._since is not None:
            self.seconds += min(max(now - self._since, 0.0), MOST_S)
        self._since = now

    def heard(self) -> None:
        """It has answered."""
        self.seconds, self._since = 0.0, None


def left_s(seconds: float, lost_after_s: float) -> float:
    """How much longer it must be silent until it may be declared lost; 0: it may."""
    return max(0.0, lost_after_s - seconds)


def declares_itself(
    policy: str, seconds: float, lost_after_s: float, silent: int, among: int
) -> bool:
    """
    Whether a peer is lost without an operator's word.

    @param silent: how many of C{among} peers, this one included, are silent.  If
        that is more than half of them, it may be the listener who is cut off.
    """
    may = policy == AUTOMATIC and 2 * silent <= among
    return may and not left_s(seconds, lost_after_s)
