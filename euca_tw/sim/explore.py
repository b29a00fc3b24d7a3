"""
Many cases, each from a seed of its own, in several processes: which of them show
something that must not be.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from attrs import frozen
from twisted.logger import globalLogBeginner

from euca_tw.sim.case import Case, written
from euca_tw.sim.draw import case
from euca_tw.sim.scenario import Scenario
from euca_tw.sim.shrink import Shrinker
from euca_tw.sim.trial import Trial

#: So many are one piece of work.
_CHUNK = 10
#: Of those that show something, so many are made smaller: the others most often
#: show the same.
SHRUNK = 5


@frozen
class Finding:
    """
    @ivar violations: what it showed, at least one.
    """

    seed: int
    violations: tuple[str, ...]


def verdict(of: Case) -> tuple[str, ...]:
    """What a case shows; nothing of the run is left."""
    trial = Trial(of)
    found = trial.run()
    # What a dead daemon had begun ends with it, and not in another's run.
    del trial
    gc.collect()
    return found


def explore(
    seeds: Sequence[int],
    *,
    base: Scenario | None = None,
    jobs: int = 1,
    progress: Callable[[float, int], None] = lambda share, done: None,
) -> Iterator[Finding]:
    """
    The findings, in no order.

    @param base: see L{case}.
    @param jobs: how many processes.
    @param progress: told which share is done, and how many cases.
    """
    chunks = [seeds[n : n + _CHUNK] for n in range(0, len(seeds), _CHUNK)]
    look = partial(_look, base)
    done = 0
    # What there is now need not be looked at again each time.
    gc.collect()
    gc.freeze()
    try:
        for chunk, found in _worked(look, chunks, jobs):
            done += chunk
            yield from found
            progress(done / len(seeds), done)
    finally:
        gc.unfreeze()


def _worked(
    look: Callable[[Sequence[int]], tuple[int, list[Finding]]],
    chunks: Iterable[Sequence[int]],
    jobs: int,
) -> Iterator[tuple[int, list[Finding]]]:
    if jobs == 1:
        yield from map(look, chunks)
        return
    # Not by fork: this process may have threads, whose locks nobody would let go.
    with get_context("spawn").Pool(jobs, _begin_worker) as pool:
        yield from pool.imap_unordered(look, chunks)


def _begin_worker() -> None:
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    gc.collect()
    gc.freeze()


def _look(base: Scenario | None, seeds: Sequence[int]) -> tuple[int, list[Finding]]:
    found = [
        Finding(seed, violations)
        for seed in seeds
        if (violations := verdict(case(seed, base)))
    ]
    return len(seeds), found


def keep(finding: Finding, base: Scenario | None, into: Path) -> tuple[Path, Case]:
    """Make the case of a finding smaller, and write it to a file of its own."""
    small = Shrinker(verdict).shrink(case(finding.seed, base))
    into.mkdir(parents=True, exist_ok=True)
    file = into / f"seed-{finding.seed}.toml"
    file.write_text(written(small), encoding="utf-8")
    return file, small
