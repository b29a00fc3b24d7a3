"""
Clients that are not Python's: where C{tools/clients} puts them, and how they are
run.  Their sources are in C{clients/}.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.trial.unittest import SkipTest

from tests.compat.cloud import PATIENCE_S, Cloud

_ROOT = Path(__file__).resolve().parents[2]
_INSTALLED = _ROOT / ".clients"
_NODE = _ROOT / "tests" / "compat" / "clients" / "node"


class ClientFailed(Exception):
    """A client ended with an error; the text is what it said of it."""


@frozen
class Client:
    """
    One that C{tools/clients} has prepared.

    @ivar name: of its directory.
    @ivar command: what runs it, but for its own arguments.
    """

    name: str
    command: tuple[str, ...]

    def check_installed(self) -> None:
        """
        @raise SkipTest: it is not.
        @raise AssertionError: likewise, where C{CI} is set: what is not there
            shall not go unnoticed.
        """
        reason = self._missing()
        if reason is None:
            return
        told = f"There are no clients of {self.name}: {reason}"
        if os.environ.get("CI"):
            raise AssertionError(told)
        raise SkipTest(told)

    def _missing(self) -> str | None:
        """Why it cannot be run, if so."""
        why = _INSTALLED / f"{self.name}.missing"
        if why.exists():
            return why.read_text().strip()
        if not (_INSTALLED / self.name / "ready").exists():
            return "tools/clients was not run"
        runs = self.command[0]
        return None if shutil.which(runs) else f"{runs} is not on PATH"

    def run(
        self, cloud: Cloud, *arguments: str, settings: Mapping[str, str] | None = None
    ) -> Any:
        """
        What it tells, as JSON, with nothing but what eucarc exports.

        @param settings: other than eucarc's.
        @raise ClientFailed:
        """
        given = {**cloud.settings, **(settings or {})}
        done = subprocess.run(
            [*self.command, *arguments],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(cloud.directory),
                "NODE_PATH": str(_INSTALLED / "node" / "node_modules"),
                **{k: v for k, v in given.items() if k[:4] in ("EC2_", "AWS_")},
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        if done.returncode:
            raise ClientFailed(done.stderr)
        return json.loads(done.stdout)


def _node(script: str) -> Client:
    return Client("node", ("node", "--no-warnings", str(_NODE / script)))


NPM_SOAP = _node("soap_round.js")
JS_SDK = _node("ec2_round.js")
WSS4J = Client("java", ("java", f"@{_INSTALLED / 'java' / 'arguments'}", "SoapRound"))
GSOAP = Client("gsoap", (str(_INSTALLED / "gsoap" / "soap_round"),))
