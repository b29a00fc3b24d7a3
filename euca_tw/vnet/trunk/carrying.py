"""
The networks that are carried, a few at a time: to open a device, or to work out
where a network's frames go, takes a part of a millisecond, and there may be a
thousand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from euca_tw.common.backoff import Backoff
from euca_tw.vnet.link_records import tap_name
from euca_tw.vnet.trunk.pump import Device, Port, Pump
from euca_tw.vnet.trunk.routes import Table
from euca_tw.vnet.trunk.tapdev import TapFailed

#: Of networks in one turn of the reactor.
_AT_ONCE = 8


def always(table: Table | None) -> Callable[[], Table | None]:
    """What makes that table."""
    return lambda: table


@define(eq=False)
class Carrying:
    """
    @ivar _open_device: by its name.
    @ivar _carried: told which networks are carried, when that is done.
    @ivar tables: of those that are wanted, by number; without those yet to do.
    """

    _clock: IReactorTime
    _pump: Pump
    _open_device: Callable[[str], Device]
    _backoff: Backoff
    _carried: Callable[[frozenset[int]], object]
    tables: dict[int, Table] = field(init=False, factory=dict)
    _to_do: dict[int, Callable[[], Table | None]] = field(init=False, factory=dict)
    # Why devices are gone that are not looked for yet.
    _gone: dict[int, str] = field(init=False, factory=dict)
    _with_uso: bool = field(init=False, default=False)
    _is_running: bool = field(init=False, default=False)
    _next: IDelayedCall | None = field(init=False, default=None)
    _retry: IDelayedCall | None = field(init=False, default=None)

    _log: ClassVar[Logger] = Logger()

    @property
    def known(self) -> frozenset[int]:
        """The numbers of those that are wanted, or yet to do."""
        return frozenset(self.tables) | frozenset(self._to_do)

    def want(self, number: int, make: Callable[[], Table | None]) -> None:
        """
        Carry a network, once L{go_on} is called.

        @param make: where its frames go; None if it is not to be carried.
        """
        self._to_do[number] = make

    def start(self) -> None:
        """Open devices."""
        self._is_running = True
        self.go_on()

    def stop(self) -> None:
        """Close all; what is wanted is wanted still."""
        self._is_running = False
        for call in (self._next, self._retry):
            if call is not None:
                call.cancel()
        self._next = self._retry = None
        for number in list(self._pump.ports):
            self._pump.remove(number).device.close()
        for number, table in self.tables.items():
            self._to_do.setdefault(number, always(table))

    def go_on(self) -> None:
        """Do some of what is to do, and the rest soon."""
        if not self._is_running or self._next is not None:
            return
        for number in list(self._to_do)[:_AT_ONCE]:
            self._carry(number, self._to_do.pop(number)())
        if self._to_do:
            self._next = self._clock.callLater(0, self._wake)
        else:
            self._carried(frozenset(self._pump.ports))

    def _wake(self) -> None:
        self._next = None
        self.go_on()

    def _carry(self, number: int, table: Table | None) -> None:
        pump = self._pump
        if table is None:
            self.tables.pop(number, None)
            self._gone.pop(number, None)
            if number in pump.ports:
                pump.remove(number).device.close()
            return
        self.tables[number] = table
        if number in pump.ports:
            pump.change(number, table)
            return
        try:
            device = self._open_device(tap_name(number))
        except TapFailed as error:
            self._log.error("A network has no trunk: {error}", error=str(error))
            self._again_later()
            return
        pump.add(Port(number, device, table))
        self._cut(number, device)

    def gone(self, number: int, reason: str) -> None:
        """
        Its device is.  With a network that is over it goes first, and the network
        soon; else somebody may make it again, or we.
        """
        self._gone[number] = reason
        self._again_later()

    def _again_later(self) -> None:
        if self._retry is None:
            self._retry = self._clock.callLater(self._backoff.next(), self._again)

    def _again(self) -> None:
        self._retry = None
        for number, reason in self._gone.items():
            self._log.error(
                "{device} is gone: {reason}", device=tap_name(number), reason=reason
            )
        self._gone.clear()
        for number, table in self.tables.items():
            if number not in self._pump.ports:
                self._to_do.setdefault(number, always(table))
        self.go_on()
        if self._retry is None:
            self._backoff.reset()

    def leave_uncut(self, *, with_uso: bool) -> None:
        """From now on; see L{euca_tw.vnet.trunk.tapdev.Tap.leave_uncut}."""
        if with_uso != self._with_uso:
            self._with_uso = with_uso
            for number, port in self._pump.ports.items():
                self._cut(number, port.device)

    def _cut(self, number: int, device: Device) -> None:
        try:
            device.leave_uncut(with_uso=self._with_uso)
        except OSError as error:
            # Whatever is the matter with it, reading it will tell.
            self._log.warn(
                "{device} keeps cutting as it did: {error}",
                device=tap_name(number),
                error=error.strerror,
            )
