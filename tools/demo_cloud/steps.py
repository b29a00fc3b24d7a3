"""Steps that are seen: what is done, how long it took, and what failed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Failed(Exception):
    """
    A step that failed.

    @ivar advice: what the reader can do about it.
    @ivar log: where more is told, if anywhere.
    """

    def __init__(self, what: str, advice: str = "", log: Path | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.log = log

    def report(self) -> str:
        """All of it, for the reader."""
        lines = [f"  failed: {self.what}"]
        if self.log is not None and self.log.exists():
            tail = self.log.read_text(errors="replace").splitlines()[-15:]
            lines += ["", f"  The end of {self.log}:", *(f"    {ln}" for ln in tail)]
        if self.advice:
            lines += ["", f"  What to do: {self.advice}"]
        return "\n".join(lines)


def say(text: str = "") -> None:
    """One line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce what is done, and say when it is."""
    say(f"==> {title}")
    started = time.monotonic()
    yield
    say(f"    done, {time.monotonic() - started:.1f} s")


def run(*command: str | Path, advice: str = "", timeout_s: float = 60) -> str:
    """
    Run a program quietly.

    @return: what it wrote.
    @raise Failed: with what it complained of.
    """
    words = [str(word) for word in command]
    try:
        ended = subprocess.run(
            words, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except FileNotFoundError:
        raise Failed(
            f"{words[0]} is not installed", "make setup installs what is missing"
        ) from None
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(words)}: no end after {timeout_s:g} s") from None
    if ended.returncode != 0:
        said = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-5:]
        text = "\n    ".join(said) or f"status {ended.returncode}"
        raise Failed(f"{' '.join(words)}:\n    {text}", advice)
    return ended.stdout


def works(*command: str | Path) -> bool:
    """Whether a program can be run, and ends well."""
    try:
        run(*command)
    except Failed:
        return False
    return True


def until(
    is_done: Callable[[], bool], patience_s: float, interval_s: float = 0.2
) -> bool:
    """Ask again and again; whether it was done in time."""
    deadline = time.monotonic() + patience_s
    while not is_done():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval_s)
    return True
