"""
Network namespaces for tests, so that none touches the machine's own network.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest, TestCase

CLONE_NEWNET = 0x40000000
_OWN = Path("/proc/self/ns/net")


def _call(what: str, *arguments: int) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), what)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def enter_new(case: TestCase) -> None:
    """
    Put this thread, which is the reactor's, and all that it starts into a new
    network namespace, till the test is over.
    """
    _return_after(case)
    _call("unshare", CLONE_NEWNET)
    subprocess.run(("ip", "link", "set", "lo", "up"), check=True)


def enter(case: TestCase, pid: int) -> None:
    """As L{enter_new}, into the namespace of a process."""
    _return_after(case)
    there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        _call("setns", there, CLONE_NEWNET)
    finally:
        os.close(there)


def _return_after(case: TestCase) -> None:
    if os.geteuid() != 0:
        raise SkipTest("needs root, for a network namespace")
    before = os.open(_OWN, os.O_RDONLY)

    def back() -> None:
        _call("setns", before, CLONE_NEWNET)
        os.close(before)

    case.addCleanup(back)


def make_peer(case: TestCase) -> int:
    """
    Another namespace, for a guest.

    @return: the process that keeps it; for C{nsenter -t} and C{ip … netns}.
    """
    keeper = subprocess.Popen(
        ("unshare", "--net", "sh", "-c", "echo; exec sleep infinity"),
        stdout=subprocess.PIPE,
    )

    def end() -> None:
        keeper.send_signal(signal.SIGKILL)
        keeper.wait()

    case.addCleanup(end)
    assert keeper.stdout is not None
    keeper.stdout.readline()
    keeper.stdout.close()
    return keeper.pid
