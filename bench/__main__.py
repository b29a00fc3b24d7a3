"""C{make bench}: every benchmark, one after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    here = Path(__file__).resolve().parent
    skip = {"__init__", "__main__", "load", "peers_verify", "servers", "tiers"}
    # Networks have a target of their own: they need root, and other tunnels.
    skip |= {"per_frame", "trunk", "tunnels"}
    status = 0
    for module in sorted(p.stem for p in here.glob("*.py") if p.stem not in skip):
        print(f"\n== bench/{module}.py", flush=True)
        command = [sys.executable, "-m", f"bench.{module}"]
        status |= subprocess.run(command, cwd=here.parent, check=False).returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
