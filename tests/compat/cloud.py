"""A cloud of one process on loopback, for real clients to talk to."""

from __future__ import annotations

import atexit
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from attrs import define

#: Tests do wrong on purpose, and do it quickly.
UNLIMITED = """
[limits]
requests_per_s = 0
failures_per_s = 0
"""

#: How long a cloud may take to answer, and an instance to run.
PATIENCE_S = 60.0


class CloudFailed(Exception):
    """It did not start; the text is its log."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pause(seconds: float = 0.05) -> None:
    """Leave the cloud, another process, the time to do something."""
    threading.Event().wait(seconds)


def until(what, is_done, patience_s: float = PATIENCE_S):
    """
    Ask C{what()} again and again until C{is_done(answer)}; the answer.

    @raise AssertionError: it was not done in time; says the last answer.
    """
    answer = None
    for _ in range(int(patience_s / 0.05)):
        answer = what()
        if is_done(answer):
            return answer
        pause()
    raise AssertionError(f"not within {patience_s} s; last answer: {answer!r}")


@define
class Cloud:
    """
    C{twistd euca-clc --all-in-one --hypervisor memory}, as a context.

    @ivar url: of the EC2 service.
    @ivar settings: what eucarc exports.
    """

    directory: Path
    url: str
    settings: dict[str, str]
    _process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, configuration: str = UNLIMITED) -> Cloud:
        """@raise CloudFailed:"""
        directory = Path(tempfile.mkdtemp(prefix="euca_tw-compat-"))
        (directory / "euca.toml").write_text(configuration)
        url = f"http://127.0.0.1:{free_port()}/"
        cloud = cls(directory, url, {}, _running(directory, url))
        try:
            cloud.wait()
        except CloudFailed:
            cloud.stop()
            raise
        return cloud

    def wait(self) -> None:
        """
        Till it listens.

        @raise CloudFailed: it does not.
        """
        credentials = self.directory / "state" / "credentials" / "admin"

        def is_up() -> bool:
            if self._process.poll() is not None:
                raise CloudFailed(self.log)
            with socket.socket() as probe:
                is_listening = probe.connect_ex(("127.0.0.1", self.port)) == 0
            return is_listening and (credentials / "eucarc").exists()

        try:
            until(is_up, bool)
        except AssertionError:
            raise CloudFailed(self.log) from None
        self.settings.update(read_eucarc(credentials / "eucarc"))

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.url).port or 0

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def kill(self) -> None:
        """End it without warning."""
        self._process.kill()
        self._process.wait()

    def ended(self) -> int:
        """
        Its exit status, when it has ended by itself.

        @raise subprocess.TimeoutExpired: it does not.
        """
        return self._process.wait(PATIENCE_S)

    def restart(self) -> None:
        """
        Start one that has ended, on the same state.

        @raise CloudFailed:
        """
        self._process = _running(self.directory, self.url)
        self.wait()

    @property
    def log(self) -> str:
        """All that the cloud has logged."""
        return (self.directory / "log").read_text()

    def stop(self) -> None:
        """End it as an operator would, and delete its state."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.directory)


def _running(directory: Path, url: str) -> subprocess.Popen[bytes]:
    twistd = str(Path(sys.executable).with_name("twistd"))
    with (directory / "log").open("ab") as log:
        return subprocess.Popen(
            [
                *(twistd, "-n", "--pidfile=", "euca-clc"),
                *("--all-in-one", "--hypervisor", "memory"),
                *("--config", str(directory / "euca.toml")),
                *("--state-dir", str(directory / "state")),
                *("--listen", f"tcp:{urlsplit(url).port}:interface=127.0.0.1"),
            ],
            stdout=log,
            stderr=log,
            cwd=Path(__file__).resolve().parents[2],
        )


@cache
def cloud_for(module: str, configuration: str = UNLIMITED) -> Cloud:
    """
    The cloud of a module of tests: started when the first of them asks for it,
    and stopped when all tests have been run.
    """
    cloud = Cloud.start(configuration)
    atexit.register(cloud.stop)
    return cloud


def read_eucarc(path: Path) -> dict[str, str]:
    """What a shell that sourced the file would export."""
    shell = subprocess.run(
        ["/bin/bash", "-c", f". '{path}' && export -p"],
        capture_output=True,
        check=True,
        text=True,
    )
    return dict(re.findall(r'^declare -x (\w+)="(.*)"$', shell.stdout, re.MULTILINE))
