"""Secrets of a daemon's own, which outlast it."""

from __future__ import annotations

from pathlib import Path
from random import Random

from euca_tw.common.files import locked, write_private_files

_BYTES = 32


class SecretUnusable(OSError):
    """The text says what to do; nothing secret is in it."""


def kept_secret(path: Path, random: Random) -> bytes:
    """
    The secret that is kept at C{path}, of 32 bytes, readable by its owner alone;
    made if there is none.

    @param random: C{random.SystemRandom()}, where a guess would matter.
    @raise SecretUnusable: what is there is none.
    @raise OSError: it can be neither read nor made.
    """
    if not path.exists():
        with locked(path.parent):  # another may make it at this moment
            if not path.exists():
                secret = random.randbytes(_BYTES)
                write_private_files(path.parent, {path.name: secret.hex().encode()})
    text = path.read_bytes()
    try:
        secret = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        secret = b""
    if len(secret) != _BYTES:
        # Who knew that it was short, or nothing, could make what it is to prove.
        raise SecretUnusable(
            f"{path} is no secret of {2 * _BYTES} hexadecimal digits: bring it back, "
            "or delete it to have another made, with which what was given out ends"
        )
    return secret
