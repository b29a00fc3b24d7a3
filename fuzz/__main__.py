"""
C{make fuzz}: every target in turn, for so many seconds each.

    python -m fuzz SECONDS [TARGET…]

What breaks one is left in C{fuzz/found}, and the run ends with status 1; then it
is a test first, and mended.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["euca_tw"]):
    from fuzz.targets import Target, targets

FOUND = Path(__file__).resolve().parent / "found"
NAMES = ("names", "query", "soap", "trunk", "wsse")


def keeping(name: str, target: Target) -> Target:
    """The target; what breaks it is kept."""

    def kept(case: bytes) -> None:
        try:
            target(case)
        except BaseException:
            FOUND.mkdir(exist_ok=True)
            (FOUND / f"{name}-{sha256(case).hexdigest()[:16]}").write_bytes(case)
            raise

    return kept


def fuzz(name: str, seconds: int) -> None:
    """One target; this process ends with it."""
    target, seeds = targets()[name]
    with tempfile.TemporaryDirectory(prefix="euca_tw-fuzz-") as directory:
        count = 0
        for count, seed in enumerate(seeds, 1):
            (Path(directory) / f"{count:05}").write_bytes(seed)
        print(f"== {name}: {seconds} s, from {count} seeds", flush=True)
        atheris.Setup(
            [
                "fuzz",
                directory,
                f"-max_total_time={seconds}",
                f"-artifact_prefix={directory}/",
                "-max_len=8192",
                "-timeout=5",
                "-rss_limit_mb=2048",
                "-print_final_stats=1",
                "-verbosity=0",
            ],
            keeping(name, target),
        )
        atheris.Fuzz()


def main(arguments: list[str]) -> int:
    seconds, *names = arguments
    if len(names) == 1:
        fuzz(names[0], int(seconds))
        return 0
    status = 0
    for name in names or NAMES:
        command = [sys.executable, "-m", "fuzz", seconds, name]
        status |= subprocess.run(command, check=False).returncode
    return int(status != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
