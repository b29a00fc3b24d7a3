"""
What instances write to their consoles, in files, and a bound on it.

Who writes is libvirt's virtlogd, or the emulator itself, or xenconsoled; only what
containers say we write ourselves (L{euca_tw.nodectl.container_consoles}).
virtlogd begins a new file when one is long, and where the others write nothing
bounds them; so files are looked at now and then, and one that is too long is cut.
All who write append, and so go on at the new end.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from attrs import define, field, frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from euca_tw.common.background import Background
from euca_tw.common.in_thread import InThread
from euca_tw.model.identifiers import is_identifier
from euca_tw.nodectl.interfaces import Console

#: Of a console's output, this much is told.
CONSOLE_BYTES = 64 * 1024
#: The file in an instance's directory.
CONSOLE = "console.log"
#: What virtlogd makes of it when it begins a new one, and what we do.
_ROLLED, _CUT = f"{CONSOLE}.0", f"{CONSOLE}.cut"

_REMEDY = (
    "give virtlogd no bound of its own (max_size = 0 in /etc/libvirt/virtlogd.conf), "
    "as docs/operating.md tells"
)


def is_of_console(name: str) -> bool:
    """Whether a file in an instance's directory belongs to its console."""
    return name.startswith(CONSOLE)


@frozen(kw_only=True)
class Consoles:
    """
    Where consoles are.

    @ivar directory: of the instances' directories.
    @ivar elsewhere: where the hypervisor keeps the output that is not written
        to the instance's directory, with C{{name}} for the domain's name.
    """

    directory: Path
    elsewhere: str | None = None

    def here(self, instance_id: str) -> Path:
        """The file in the instance's directory."""
        return self.directory / instance_id / CONSOLE

    def of(self, instance_id: str) -> tuple[Path, ...]:
        """The files that are written."""
        here = self.here(instance_id)
        if self.elsewhere is None:
            return (here,)
        return here, Path(self.elsewhere.replace("{name}", instance_id))

    def read(self, instance_id: str) -> Console:
        """The last that it said, and when.  Blocks."""
        written = self.of(instance_id)
        here = self.directory / instance_id
        return last_words((*written, here / _ROLLED, here / _CUT))

    def bound(self, most_bytes: int) -> tuple[str, ...]:
        """
        Cut every console that is longer.  Blocks, some microseconds for each.

        @return: what could not be bounded, in words.
        """
        faults = []
        for name in _names(self.directory):
            here = self.directory / name
            for path in self.of(name):
                try:
                    cut(path, here / _CUT, most_bytes)
                except OSError as error:
                    faults.append(f"{path} cannot be cut: {error.strerror}; {_REMEDY}")
            for number in range(1, 10):
                # One rolled file is enough.
                old = here / f"{CONSOLE}.{number}"
                try:
                    old.unlink()
                except OSError:
                    break
        return tuple(faults)


def _names(directory: Path) -> list[str]:
    try:
        names = [path.name for path in directory.iterdir()]
    except OSError:
        return []
    return [name for name in names if is_identifier(name, "i")]


def last_words(paths: Iterable[Path]) -> Console:
    """
    The end of what is in these files, the last written last.  What is not
    there, or may not be read, says nothing.
    """
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        if status.st_size:
            found.append((status.st_mtime, path))
    said = b""
    for _, path in sorted(found, key=lambda each: each[0], reverse=True):
        wanted = CONSOLE_BYTES - len(said)
        if wanted <= 0:
            break
        said = _tail(path, wanted) + said
    return Console(output=said, written_at=max((at for at, _ in found), default=None))


def _tail(path: Path, wanted: int) -> bytes:
    try:
        with path.open("rb") as reading:
            size = reading.seek(0, os.SEEK_END)
            reading.seek(max(0, size - wanted))
            return reading.read(wanted)
    except OSError:
        return b""


def cut(path: Path, kept: Path, most_bytes: int) -> bool:
    """
    Empty a file that is longer than that; its end goes to C{kept}.

    @return: whether it was.
    @raise OSError: it is longer, and cannot be emptied.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    if status.st_size <= most_bytes:
        return False
    end = _tail(path, CONSOLE_BYTES)
    part = kept.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_bytes(end)
    # It is what was written last until more is written.
    os.utime(part, (status.st_mtime, status.st_mtime))
    part.rename(kept)
    os.truncate(path, 0)
    return True


@define(eq=False, kw_only=True)
class ConsoleKeeper(Service):
    """
    Bounds the consoles, for as long as it runs.

    @ivar period_s: they are looked at so often.  Under a flood a console grows
        beyond its bound by what can be written meanwhile.
    """

    clock: IReactorTime
    in_thread: InThread
    consoles: Consoles
    most_bytes: int
    period_s: float = 2.0
    _background: Background = field(factory=Background, init=False)
    _told: frozenset[str] = field(default=frozenset(), init=False)
    _log = Logger()

    def startService(self) -> None:
        super().startService()
        self._background.run("bounding consoles", self._keep())

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return self._background.stop()

    async def _keep(self) -> None:
        while True:
            faults = await self.in_thread(lambda: self.consoles.bound(self.most_bytes))
            for fault in sorted(set(faults) - self._told):
                self._log.warn("{fault}", fault=fault)
            self._told = frozenset(faults)
            await deferLater(self.clock, self.period_s)
