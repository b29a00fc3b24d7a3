"""What daemons log as bugs of their own, as a run has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import provider

from euca_tw.common.convergence import NotKept
from euca_tw.store.interfaces import StoreUnusable


@contextmanager
def bugs() -> Iterator[list[str]]:
    """Those that are logged meanwhile, with their tracebacks."""
    found: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        failure = event.get("log_failure")
        if failure is not None and failure.check(StoreUnusable, NotKept):
            return  # a disk is full: that is no bug
        if event.get("log_level") is LogLevel.critical:
            trace = failure.getTraceback() if failure is not None else ""
            found.append(f"{event.get('log_format') or 'failure'}\n{trace}".strip())

    globalLogPublisher.addObserver(observe)
    try:
        yield found
    finally:
        globalLogPublisher.removeObserver(observe)
