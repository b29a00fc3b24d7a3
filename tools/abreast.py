"""
Commands side by side, whose output is not mixed: that of the first is shown as
it comes, that of each other when those before it are done.

Each leads a group of processes, which ends with it, or with this process,
however either ends.  Needs nothing but Python.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

#: What is told to end has so long to clean up.  Who is run by another has less
#: than that one, so as to see all end that it runs.
PATIENCE_S = 20.0
_LOOK_S = 0.1


def show(text: str) -> None:
    """On standard output, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def run(
    commands: Sequence[Sequence[str | Path]],
    show: Callable[[str], None] = show,
    begin: Callable[[int], None] = lambda index: None,
    finish: Callable[[int, int, float], None] = lambda index, status, took_s: None,
    patience_s: float = PATIENCE_S,
) -> list[int]:
    """
    @param show: is given whole lines.
    @param begin: called before the output of each is shown, with which it is.
    @param finish: called when it was shown; also with how it ended, and when.
    @param patience_s: that what is told to end has.
    @return: their exit statuses.
    """
    with ExitStack() as stack:
        stack.enter_context(interruptible())
        jobs = [
            stack.enter_context(_running(command, patience_s)) for command in commands
        ]
        began = time.monotonic()
        ends: dict[int, float] = {}

        def look() -> None:
            for index, (process, _) in enumerate(jobs):
                if process.poll() is not None:
                    ends.setdefault(index, time.monotonic())

        for index, (process, output) in enumerate(jobs):
            begin(index)
            _follow(process, output, show, look)
            finish(index, process.returncode, ends[index] - began)
        return [process.returncode for process, _ in jobs]


@contextmanager
def interruptible() -> Iterator[None]:
    """To be told to end is an exception, as C{^C} is."""

    def interrupt(number: int, frame: object) -> None:
        # Once is enough: what follows is cleaning up.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _running(
    command: Sequence[str | Path], patience_s: float
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    with_us = _with_us() if shutil.which("setpriv") else ()
    # A file keeps nobody waiting who writes to it.
    with tempfile.NamedTemporaryFile() as output:
        with Path(output.name).open("wb") as writing:
            process = subprocess.Popen(
                (*with_us, *command),
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                # Not a session: what is nice is so to others of its session only.
                process_group=0,
            )
        try:
            yield process, output
        finally:
            _end(process, patience_s)


def _with_us() -> tuple[str, ...]:
    """What has a command told to end also when this process is killed."""
    # Who asks to be told when that has happened is never told: look whose child
    # one is then.
    is_ours = f'[ "$PPID" = {os.getpid()} ] && exec "$@"'
    return "setpriv", "--pdeathsig", "TERM", "sh", "-c", is_ours, "with-us"


def _end(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """Have it end, and what is left of its group."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _follow(
    process: subprocess.Popen[bytes],
    output: IO[bytes],
    show: Callable[[str], None],
    look: Callable[[], None],
) -> None:
    """Show what is written, till its writer has ended."""
    part = b""
    while True:
        look()
        has_ended = process.poll() is not None
        *lines, part = (part + output.read()).split(b"\n")
        for line in lines:
            show(line.decode(errors="replace") + "\n")
        if has_ended:
            break
        time.sleep(_LOOK_S)
    look()
    if part:
        show(part.decode(errors="replace") + "\n")
