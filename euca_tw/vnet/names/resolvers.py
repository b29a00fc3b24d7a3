"""
The name servers that the machine itself asks, as C{/etc/resolv.conf} has them.

Read again when the file is another one, which is looked for every few seconds.
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.vnet.dhcp import METADATA_ADDRESS

RESOLV_CONF = Path("/etc/resolv.conf")
#: As the C library has it.
_MOST = 3
_LONGEST_FILE = 65_536
_LOOKED_EVERY_S = 5.0


def parse_resolv_conf(text: str) -> tuple[str, ...]:
    """
    The addresses of name servers, in order; what is none is left out, and so is the
    address that is our own on instances' networks.
    """
    found: list[str] = []
    for line in text.splitlines():
        word, *rest = line.split() or [""]
        if word != "nameserver" or not rest:
            continue
        try:
            address = ip_address(rest[0])
        except ValueError:
            continue
        if address != METADATA_ADDRESS and str(address) not in found:
            found.append(str(address))
    return tuple(found[:_MOST])


@define(eq=False)
class MachineResolvers:
    """@ivar _path: a file as resolv.conf(5) describes it."""

    _clock: IReactorTime
    _path: Path = RESOLV_CONF
    _found: tuple[str, ...] = field(default=(), init=False)
    _stamp: tuple[int, ...] | None = field(default=None, init=False)
    _look_at_s: float = field(default=float("-inf"), init=False)
    _log = Logger()

    def __call__(self) -> tuple[str, ...]:
        """Their addresses now; none where the file names none, or is not there."""
        now = self._clock.seconds()
        # Or the clock was set back.
        if now >= self._look_at_s or now < self._look_at_s - _LOOKED_EVERY_S:
            self._look_at_s = now + _LOOKED_EVERY_S
            self._look()
        return self._found

    def _look(self) -> None:
        try:
            seen = self._path.stat()
            stamp = (seen.st_dev, seen.st_ino, seen.st_mtime_ns, seen.st_size)
            if stamp == self._stamp:
                return
            with self._path.open(encoding="latin-1") as file:
                found = parse_resolv_conf(file.read(_LONGEST_FILE))
        except OSError as error:
            if self._stamp != ():
                self._stamp, self._found = (), ()
                self._log.error(
                    "{path} cannot be read, so instances are told no names but the "
                    "cloud's: {error}",
                    path=str(self._path),
                    error=error.strerror,
                )
            return
        self._stamp, self._found = stamp, found
