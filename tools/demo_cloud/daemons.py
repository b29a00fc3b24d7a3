"""The four daemons: started, found again by their pid files, and ended."""

from __future__ import annotations

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from demo_cloud.places import (
    BIN,
    CONFIG,
    HERE,
    LOGS,
    NAMESPACE,
    ROOT,
    RUN,
    head_address,
)
from demo_cloud.steps import Failed, run, say, until

#: The one that is not on loopback.
HEAD = "euca-head"
#: Their names and ports.
DAEMONS = {"euca-clc": 8773, "euca-cc": 8774, "euca-nc": 8775, HEAD: 8777}

_START_S = 30.0
_STOP_S = 30.0


def _pid_file(name: str) -> Path:
    return RUN / f"{name}.pid"


def log_of(name: str) -> Path:
    """Where a daemon writes what it does."""
    return LOGS / f"{name}.log"


def pid_of(name: str) -> int | None:
    """Of our daemon of that name; None if it does not run."""
    try:
        pid = int(_pid_file(name).read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    # The pid may long be another's.
    is_ours = name.encode() in words and str(CONFIG).encode() in words
    return pid if is_ours else None


def _host_of(name: str) -> str:
    return head_address() if name == HEAD else "127.0.0.1"


def _answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def start_all() -> None:
    """
    Start the daemons that do not run, all at once.

    @raise Failed: one cannot be, or does not answer.
    """
    os.chdir(ROOT)
    with ThreadPoolExecutor() as pool:
        for started in [pool.submit(_start, name) for name in DAEMONS]:
            started.result()


def _start(name: str) -> None:
    host, port = _host_of(name), DAEMONS[name]
    if pid_of(name) is not None:
        say(f"    {name} runs already")
    else:
        if _answers(host, port):
            raise Failed(
                f"port {port} of {host} is taken, {name} needs it",
                f"end what has it: ss -ltnp 'sport = :{port}'",
            )
        _pid_file(name).unlink(missing_ok=True)
        try:
            run(
                *_into_namespace(name),
                *(BIN / "twistd", "--pidfile", _pid_file(name)),
                *("--logfile", log_of(name), "--rundir", HERE),
                *(name, "--config", CONFIG),
            )
        except Failed as failed:
            raise Failed(failed.what, _advice(name), log_of(name)) from None
    if not until(lambda: pid_of(name) is None or _answers(host, port), _START_S):
        raise Failed(
            f"{name} does not answer on port {port}", _advice(name), log_of(name)
        )
    pid = pid_of(name)
    if pid is None:
        raise Failed(f"{name} ended at once", _advice(name), log_of(name))
    say(f"    {name}  {host}:{port}  process {pid}  log {log_of(name)}")


def _into_namespace(name: str) -> tuple[str, ...]:
    return ("nsenter", f"--net=/run/netns/{NAMESPACE}") if name == HEAD else ()


def _advice(name: str) -> str:
    return f"see {log_of(name)}; then make demo again, or make demo-down to start anew"


def stop(name: str) -> None:
    """
    End a daemon, if it runs.

    @raise Failed: it does not end.
    """
    pid = pid_of(name)
    if pid is None:
        return
    for what in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, what)
        if until(lambda: pid_of(name) is None, _STOP_S):
            _pid_file(name).unlink(missing_ok=True)
            how = "" if what == signal.SIGTERM else ", which had to be killed"
            say(f"    {name}, process {pid}{how}")
            return
    raise Failed(f"{name}, process {pid}, does not end", f"see {log_of(name)}")
