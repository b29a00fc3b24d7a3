"""The servers that are compared, each a process of its own on loopback."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from attrs import frozen

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / ".venv-bench"

HELLO = """
import sys
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site

class Hello(Resource):
    isLeaf = True
    def render_GET(self, request):
        return b"hello, world"
    render_POST = render_GET

site = Site(Hello(), parsePOSTFormSubmission=False)
site.noisy = False
site.log = lambda request: None
reactor.listenTCP(int(sys.argv[1]), site, interface="127.0.0.1")
reactor.run()
"""


@frozen
class Server:
    pid: int
    port: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cores() -> tuple[set[int], set[int]]:
    """
    Where servers run, one at a time, and where who asks them does: always the
    same, and apart.  Else one and the same request costs anything between half
    and twice as much, by where the kernel puts the two.
    """
    *others, last = range(os.cpu_count() or 1)
    return {last}, set(others or [last])


@contextlib.contextmanager
def running(
    command: list[str], port: int, ready: Path | None = None
) -> Iterator[Server]:
    """A server from its first answer to its end."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=HERE.parent)
        servers, client = cores()
        os.sched_setaffinity(process.pid, servers)
        os.sched_setaffinity(0, client)
        try:
            for _ in range(1200):
                if process.poll() is not None:
                    log.seek(0)
                    sys.exit(f"{command[0]} ended at once:\n{log.read().decode()}")
                with socket.socket() as probe:
                    is_up = probe.connect_ex(("127.0.0.1", port)) == 0
                if is_up and (ready is None or ready.exists()):
                    break
                Event().wait(0.05)
            yield Server(process.pid, port)
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def hello() -> Iterator[Server]:
    """twisted.web saying hello: the limit."""
    port = free_port()
    with running([sys.executable, "-c", HELLO, str(port)], port) as server:
        yield server


def peers_python() -> str:
    """The interpreter of the venv that has the peers; made at its first use."""
    wanted = (HERE / "requirements.txt").read_text()
    stamp = PEERS / "requirements.txt"
    python = str(PEERS / "bin" / "python")
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", PEERS], check=True)
        pip = [python, "-m", "pip", "-qq", "install", "-r", HERE / "requirements.txt"]
        subprocess.run(pip, check=True)
        stamp.write_text(wanted)
    return python


@contextlib.contextmanager
def moto() -> Iterator[Server]:
    """moto's server, the peer; in a venv of its own."""
    peers_python()
    port = free_port()
    command = [str(PEERS / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with running(command, port) as server:
        yield server
