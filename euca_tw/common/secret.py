"""Secrets of a daemon's own, which outlast it."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random


def kept_secret(path: Path, random: Random) -> bytes:
    """
    The secret that is kept at C{path}, readable by its owner alone; made if
    there is none.

    @param random: C{random.SystemRandom()}, where a guess would matter.
    """
    try:
        return bytes.fromhex(path.read_text())
    except FileNotFoundError:
        secret = random.randbytes(32)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as writing:
        writing.write(secret.hex())
        writing.flush()
        os.fsync(handle)
    part.rename(path)
    return secret
