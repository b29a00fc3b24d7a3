"""
How the command has things done: by the cloud controller that runs, or by itself.

A cloud controller holds its store for itself, so it is asked at its admin
socket.  Where none runs the command opens the store and does it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from euca_tw.admin.configuration import Configuration

#: The admin socket's name in the state directory.
SOCKET = "admin.sock"
_TIMEOUT_S = 30.0


class Refused(Exception):
    """What was asked is not done; the text says why, for the operator."""


class NotRunning(Exception):
    """Nobody listens at the admin socket."""


@contextmanager
def socket_path(state_dir: Path) -> Iterator[str]:
    """
    The admin socket's path, short enough for a socket's address (108 bytes)
    however deep the directory lies; as long as the context lasts.

    @raise FileNotFoundError: there is no such directory.
    """
    directory = os.open(state_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{SOCKET}"
    finally:
        os.close(directory)


def is_running(state_dir: Path) -> bool:
    """Whether somebody listens at the admin socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_TIMEOUT_S)
        try:
            with socket_path(state_dir) as short_path:
                connection.connect(short_path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def ask(
    state_dir: Path,
    name: str,
    arguments: dict[str, Any],
    timeout_s: float = _TIMEOUT_S,
) -> Any:
    """
    Have the running cloud controller do it.

    @raise NotRunning:
    @raise Refused: or it did not answer.
    """
    path = state_dir / SOCKET
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        try:
            with socket_path(state_dir) as short_path:
                connection.connect(short_path)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotRunning from error
        except OSError as error:
            raise Refused(f"{path}: {error.strerror or error}") from error
        request = {"do": name, "with": arguments}
        connection.sendall(json.dumps(request).encode() + b"\n")
        try:
            with connection.makefile("rb") as answers:
                line = answers.readline()
        except OSError as error:
            raise Refused(f"{path}: no answer: {error}") from error
    if not line:
        raise Refused("the cloud controller broke off; its log says why")
    answer = json.loads(line)
    if "refused" in answer:
        raise Refused(answer["refused"])
    return answer["done"]


def do(
    configuration: Configuration,
    name: str,
    arguments: dict[str, Any],
    timeout_s: float = _TIMEOUT_S,
) -> Any:
    """
    Have it done, by whoever can.

    @param timeout_s: so long at most is waited for a running cloud controller.
    @raise Refused:
    @raise euca_tw.common.config.ConfigError:
    """
    try:
        return ask(configuration.cloud.state_dir, name, arguments, timeout_s)
    except NotRunning:
        # Twisted and the cryptography are slow to import, and not needed above.
        from euca_tw.admin.direct import do_directly

        return do_directly(configuration, name, arguments)
