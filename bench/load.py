"""
Replaying requests over one kept connection, and what that costs the server.

CPU time is the kernel's word on the server's process: unlike wall-clock time it
does not count what else the machine is doing.
"""

from __future__ import annotations

import socket
import statistics
from collections.abc import Iterable, Sequence
from time import clock_gettime, perf_counter

from attrs import define, frozen


def cpu_s(pid: int) -> float:
    """Seconds on a processor of a process, threads that have ended included."""
    # The clock's number, as clock_getcpuclockid(3) makes it.
    return clock_gettime((~pid << 3) | 2)


class BadAnswer(Exception):
    """The server did not answer 200: what is measured would be an error."""


@define
class Connection:
    """One HTTP/1.1 connection, kept if the server keeps it (moto's does not)."""

    _port: int
    _socket: socket.socket | None = None
    _rest: bytes = b""

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._rest = b""
            self._socket = socket.create_connection(("127.0.0.1", self._port), 120)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def ask(self, request: bytes) -> bytes:
        """Send a whole request; the body of the answer."""
        self._connected().sendall(request)
        while b"\r\n\r\n" not in self._rest:
            self._fill()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        body = self._body(lines[1:])
        if b"connection: close" in lines:
            self.close()
        if b" 200 " not in lines[0] + b" ":
            raise BadAnswer(head.decode(), body.decode(errors="replace")[:500])
        return body

    def first(self, request: bytes) -> float:
        """When (see L{perf_counter}) the first byte of the answer came."""
        self._connected().sendall(request)
        self._fill()
        return perf_counter()

    def _body(self, headers: list[bytes]) -> bytes:
        for line in headers:
            name, _, value = line.partition(b":")
            if name == b"content-length":
                return self._take(int(value))
        chunks = []
        while True:
            while b"\r\n" not in self._rest:
                self._fill()
            size, _, self._rest = self._rest.partition(b"\r\n")
            chunk = self._take(int(size, 16) + 2)[:-2]
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)

    def _take(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._fill()
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def _fill(self) -> None:
        got = self._connected().recv(1 << 18)
        if not got:
            raise BadAnswer("the server hung up", "")
        self._rest += got

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@frozen
class Cost:
    """Of one request, in milliseconds: the server's CPU, and wall-clock."""

    cpu_ms: float
    wall_ms: float

    @property
    def per_second(self) -> float:
        """How many one core could answer."""
        return 1000 / self.cpu_ms


def measure(pid: int, port: int, rounds: Iterable[Sequence[bytes]]) -> Cost:
    """
    The median over C{rounds}, each a sequence of requests sent one by one.
    The first round warms up and does not count.
    """
    connection = Connection(port)
    cpu, wall = [], []
    for requests in rounds:
        cpu_before, before = cpu_s(pid), perf_counter()
        for request in requests:
            connection.ask(request)
        cpu.append((cpu_s(pid) - cpu_before) / len(requests) * 1000)
        wall.append((perf_counter() - before) / len(requests) * 1000)
    connection.close()
    return Cost(statistics.median(cpu[1:]), statistics.median(wall[1:]))
