"""Ports of UDP in memory, beside the rest of a reactor."""

from __future__ import annotations

from attrs import Factory, define
from twisted.internet.testing import MemoryReactorClock

from euca_tw.vnet.names.question_port import Heard


@define(eq=False)
class MemoryPort:
    """
    A L{euca_tw.vnet.names.question_port.QuestionPort}.

    @ivar sent: what was sent, in order.
    """

    address: str
    port: int
    heard: Heard
    sent: list[bytes] = Factory(list)
    is_open: bool = True

    def send(self, datagram: bytes) -> None:
        self.sent.append(datagram)

    def hear(self, what: bytes | OSError) -> None:
        """From there; when it is closed, nothing is heard."""
        if self.is_open:
            self.heard(what)

    def close(self) -> None:
        self.is_open = False


class MemoryPorts(MemoryReactorClock):
    """
    @ivar ports: that were opened, in order.
    @ivar refuses: why none can be opened.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[MemoryPort] = []
        self.refuses: OSError | None = None

    def open_port(self, address: str, port: int, heard: Heard) -> MemoryPort:
        if self.refuses is not None:
            raise self.refuses
        self.ports.append(MemoryPort(address, port, heard))
        return self.ports[-1]
