"""Wall-clock time from whatever tells the seconds."""

from __future__ import annotations

from datetime import UTC, datetime

from twisted.internet.interfaces import IReactorTime


def utc_now(clock: IReactorTime) -> datetime:
    """The moment by C{clock}, whose seconds count from 1970."""
    return datetime.fromtimestamp(clock.seconds(), UTC)
