"""qemu's monitor: commands in JSON, one line each, over a socket."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from demo_cloud.steps import Failed


class Monitor:
    """A connection to one emulator."""

    def __init__(self, path: Path, patience_s: float = 30) -> None:
        """@raise Failed: nobody listens there."""
        deadline = time.monotonic() + patience_s
        self._socket = socket.socket(socket.AF_UNIX)
        while self._socket.connect_ex(str(path)):
            if time.monotonic() > deadline:
                self._socket.close()
                raise Failed(f"the emulator's monitor {path} does not answer")
            time.sleep(0.05)
        self._lines = self._socket.makefile("r")
        self._lines.readline()
        self._ask({"execute": "qmp_capabilities"})

    def close(self) -> None:
        """The emulator goes on."""
        self._lines.close()
        self._socket.close()

    def human(self, line: str) -> str:
        """What it says to a command that a human would type."""
        arguments = {"command-line": line}
        return str(
            self._ask({"execute": "human-monitor-command", "arguments": arguments})
        )

    def _ask(self, question: dict[str, Any]) -> Any:
        with suppress(ConnectionError):
            self._socket.sendall(json.dumps(question).encode() + b"\n")
            for line in self._lines:
                answer = json.loads(line)
                if "error" in answer:
                    raise Failed(f"the emulator: {answer['error']['desc']}")
                if "return" in answer:
                    return answer["return"]
        raise Failed("the emulator has ended")
