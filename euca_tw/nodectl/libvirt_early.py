"""What is asked of a guest so early that libvirt does not know it yet."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

#: So often, and with so much in between, it is asked again.
TIMES, PAUSE_S = 20, 0.1


def _pause(seconds: float) -> None:
    Event().wait(seconds)


def asked_again(
    ask: Callable[[], object],
    is_early: Callable[[Exception], bool],
    failures: type[Exception],
    pause: Callable[[float], object] = _pause,
) -> None:
    """
    Ask, and again as long as that fails because it is early, for two seconds.

    A container that has just begun may say so before libvirt was told by the one
    who started it which process it is.  Blocks.

    @raise Exception: that of the last time, one of C{failures}.
    """
    for _ in range(TIMES):
        try:
            ask()
            return
        except failures as error:
            if not is_early(error):
                raise
        pause(PAUSE_S)
    ask()


__all__ = ["PAUSE_S", "TIMES", "asked_again"]
