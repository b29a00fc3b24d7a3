"""
Traces of users, from CSV: our own columns, and those of public ones.

What these name a machine by becomes a type of the scenario: the smallest that is as
large.  A file whose name ends in C{.gz} is read as it is.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from attrs import define, frozen

from euca_tw.common.config import ConfigError
from euca_tw.model.capacity import MachineType
from euca_tw.sim.workload import Arrival

#: The columns of ours.  A fourth may say how many are asked for at once.
COLUMNS = ("arrival", "lifetime", "type")
COUNT = "count"

#: Azure's: the VM, its subscription and deployment, when it was created and deleted,
#: three figures of its CPU's use, its category, and these two.
_AZURE_COLUMNS = 11
_CREATED, _DELETED, _CORES, _MEMORY_GIB = 3, 4, 9, 10

#: Google's of 2019, as exported with its names.
_GOOGLE_2019 = (
    *("time", "type", "collection_id", "instance_index"),
    *("resource_request.cpus", "resource_request.memory"),
)
_EVENTS_2019 = (
    *("SUBMIT", "QUEUE", "ENABLE", "SCHEDULE", "EVICT", "FAIL", "FINISH", "KILL"),
    *("LOST", "UPDATE_PENDING", "UPDATE_RUNNING"),
)
#: Of 2011, whose files have no header: where the same are.
_PLACES_2011 = (0, 5, 2, 3, 9, 10)
_COLUMNS_2011 = 13
_EVENTS_2011 = (
    *("SUBMIT", "SCHEDULE", "EVICT", "FAIL", "FINISH", "KILL", "LOST"),
    *("UPDATE_PENDING", "UPDATE_RUNNING"),
)
_ENDS = ("EVICT", "FAIL", "FINISH", "KILL", "LOST")
#: What is told of later than this came after the trace.
_AFTER_US = (1 << 63) - 1
_MICROSECONDS = 1_000_000


@frozen(kw_only=True)
class Machines:
    """
    The types of a scenario, by what they hold.

    @ivar types: by name.
    @ivar largest_cores, largest_memory_mib: of the machine of whose cores and memory
        Google's traces tell shares.
    """

    types: Mapping[str, MachineType]
    largest_cores: float = 64.0
    largest_memory_mib: float = 262144.0

    def smallest(self, cores: float, memory_mib: float) -> str:
        """@raise ValueError: none is as large."""
        large = [
            (each.cores, each.memory_mib, name)
            for name, each in self.types.items()
            if each.cores >= cores and each.memory_mib >= memory_mib
        ]
        if not large:
            raise ValueError(
                f"no type of the scenario has {cores:g} cores and {memory_mib:g} MiB"
            )
        return min(large)[-1]


def own(file: Path, machines: Machines) -> Iterator[Arrival]:
    """
    Arrivals from CSV whose first line has the names of L{COLUMNS}: seconds since
    the beginning, in order; seconds; a machine type of the scenario.

    @raise ConfigError: a line is not so; the text has its number.
    """
    with _rows(file) as rows:
        header = tuple(next(rows, ()))
        if header not in (COLUMNS, (*COLUMNS, COUNT)):
            raise ValueError(f"must be {','.join(COLUMNS)}, and may have ,{COUNT}")
        latest = 0.0
        for row in rows:
            arrival = _own(row, len(header), machines)
            if arrival.at_s < latest:
                raise ValueError(f"{row[0]} comes before the line above")
            latest = arrival.at_s
            yield arrival


def _own(row: Sequence[str], width: int, machines: Machines) -> Arrival:
    _check_width(row, width)
    if row[2] not in machines.types:
        raise ValueError(f"{row[2]!r} is none of {', '.join(machines.types)}")
    count = int(row[3]) if width > len(COLUMNS) else 1
    if count < 1:
        raise ValueError(f"{count} must be 1 or more")
    return Arrival(
        at_s=_seconds(row[0]), lifetime_s=_seconds(row[1]), machine=row[2], count=count
    )


def azure(file: Path, machines: Machines) -> Iterator[Arrival]:
    """
    Arrivals from C{vmtable.csv} of Azure's public data set, of 2017 or 2019.  What
    was there when the trace began is left out.

    Its rows are in no order, so all are held.

    @raise ConfigError: as L{own}.
    """
    found: list[Arrival] = []
    with _rows(file) as rows:
        for row in rows:
            _check_width(row, _AZURE_COLUMNS)
            created, deleted = _seconds(row[_CREATED]), _seconds(row[_DELETED])
            if deleted < created:
                raise ValueError(f"it was deleted at {row[_DELETED]}, before it was")
            if created:
                memory_mib = 1024 * _bucket(row[_MEMORY_GIB])
                machine = machines.smallest(_bucket(row[_CORES]), memory_mib)
                found.append(
                    Arrival(at_s=created, lifetime_s=deleted - created, machine=machine)
                )
    yield from _in_order(found)


def _bucket(text: str) -> float:
    """C{>24} is more than 24: what is a little larger will do."""
    if text.startswith(">"):
        return _seconds(text[1:]) + 1e-9
    return _seconds(text)


@define
class _Task:
    submitted_us: int
    cpus: float
    memory: float
    scheduled_us: int | None = None


def google_2019(file: Path, machines: Machines) -> Iterator[Arrival]:
    """
    Arrivals from the table C{instance_events} of Google's cluster data of 2019, as
    CSV with a header; see L{google_2011}.

    @raise ConfigError: as L{own}.
    """
    with _rows(file) as rows:
        header = list(next(rows, ()))
        missing = [name for name in _GOOGLE_2019 if name not in header]
        if missing:
            raise ValueError(f"must name its columns, and lacks {', '.join(missing)}")
        places = tuple(map(header.index, _GOOGLE_2019))
        yield from _google(rows, len(header), places, _EVENTS_2019, machines)


def google_2011(file: Path, machines: Machines) -> Iterator[Arrival]:
    """
    Arrivals from C{task_events} of Google's cluster data of 2011.  Each time that a
    task is submitted is one; it lasts from when it was scheduled until it ended,
    however.  What never was, or was there when the trace began, is left out.

    Lives are known when they end, so all are held.

    @raise ConfigError: as L{own}.
    """
    with _rows(file) as rows:
        yield from _google(rows, _COLUMNS_2011, _PLACES_2011, _EVENTS_2011, machines)


def _google(
    rows: Iterator[list[str]],
    width: int,
    places: Sequence[int],
    events: Sequence[str],
    machines: Machines,
) -> Iterator[Arrival]:
    found: list[Arrival] = []
    tasks: dict[tuple[str, str], _Task] = {}

    def end(of: tuple[str, str], at_us: int) -> None:
        task = tasks.pop(of, None)
        if task is None or task.scheduled_us is None:
            return
        name = machines.smallest(
            task.cpus * machines.largest_cores,
            task.memory * machines.largest_memory_mib,
        )
        found.append(
            Arrival(
                at_s=task.submitted_us / _MICROSECONDS,
                lifetime_s=(at_us - task.scheduled_us) / _MICROSECONDS,
                machine=name,
            )
        )

    latest = 0
    for row in rows:
        _check_width(row, width)
        time, kind, collection, index, cpus, memory = (row[place] for place in places)
        at_us, event, of = int(time), _event(kind, events), (collection, index)
        if at_us < latest:
            raise ValueError(f"{time} comes before the line above")
        latest = at_us if at_us < _AFTER_US else latest
        if event == "SUBMIT" and at_us:
            tasks[of] = _Task(at_us, float(cpus or 0), float(memory or 0))
        elif event == "SCHEDULE" and of in tasks:
            tasks[of].scheduled_us = at_us
        elif event in _ENDS:
            end(of, min(at_us, latest))
    for of in tuple(tasks):
        end(of, latest)
    yield from _in_order(found)


def _event(text: str, events: Sequence[str]) -> str:
    if text in events:
        return text
    number = int(text)
    if not 0 <= number < len(events):
        raise ValueError(f"{text} is no event's type")
    return events[number]


FORMATS: Mapping[str, Callable[[Path, Machines], Iterator[Arrival]]] = {
    "own": own,
    "azure": azure,
    "google-2019": google_2019,
    "google-2011": google_2011,
}


# --- what they have in common ----------------------------------------------


@contextmanager
def _rows(file: Path) -> Iterator[Iterator[list[str]]]:
    """
    The rows of a file.

    @raise ConfigError: what is wrong in the body of C{with}, with the file's name and
        the number of the line.
    """
    try:
        opened = _opened(file)
    except OSError as error:
        raise ConfigError(str(file), "", "", f"{error.strerror}") from None
    with opened as lines:
        reader = csv.reader(lines, strict=True)
        try:
            yield reader
        except (ValueError, csv.Error, OSError, EOFError) as error:
            line = f"line {reader.line_num}"
            raise ConfigError(str(file), "", line, str(error)) from None


def _opened(file: Path) -> TextIO:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8", newline="")
    return file.open(encoding="utf-8", newline="")


def _check_width(row: Sequence[str], width: int) -> None:
    if len(row) != width:
        raise ValueError(f"has {len(row)} columns in place of {width}")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError(f"{text} must be 0 or more")
    return value


def _in_order(found: list[Arrival]) -> Iterator[Arrival]:
    found.sort(key=lambda each: each.at_s)
    yield from found
